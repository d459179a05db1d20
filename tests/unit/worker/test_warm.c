#include "support/must.h"

#include <stdio.h>
#include <string.h>

#include "worker/pulse.h"
#include "worker/warm.h"

static gc_task task_of(gc_block *system, size_t system_count, gc_block *user,
                       size_t user_count)
{
    return (gc_task){ .effort = (char *)"low",
                      .cache_ttl = (char *)"5m",
                      .system = system,
                      .system_count = system_count,
                      .user = user,
                      .user_count = user_count };
}

static void test_warm_prefix_is_all_up_to_the_last_mark(void **state)
{
    (void)state;
    gc_sha shas[4], plain;
    gc_block system[] = { { .text = (char *)"rules" },
                          { .text = (char *)"project", .mark = true } };
    gc_block user[] = { { .text = (char *)"shared" }, { .text = (char *)"this task" } };
    gc_task task = task_of(system, 2, user, 2);
    assert_true(gc_task_prefix(&task, &shas[0]));
    user[1].text = (char *)"that task"; /* behind the mark: the same prefix */
    assert_true(gc_task_prefix(&task, &plain));
    assert_string_equal(plain.hex, shas[0].hex);
    user[0].mark = true;
    assert_true(gc_task_prefix(&task, &shas[1]));
    system[0].text = (char *)"other rules";
    assert_true(gc_task_prefix(&task, &shas[2]));
    task.effort = (char *)"high";
    assert_true(gc_task_prefix(&task, &shas[3]));
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(shas[i].hex, shas[j].hex);
}

static void test_warm_prefix_knows_blocks_by_content(void **state)
{
    (void)state;
    gc_sha by_text, by_hash, name = gc_sha256("rules", 5);
    gc_block text = { .text = (char *)"rules", .mark = true };
    gc_block hash = { .sha256 = name.hex, .mark = true };
    gc_block user = { .text = (char *)"x" };
    gc_task one = task_of(&text, 1, &user, 1);
    gc_task two = task_of(&hash, 1, &user, 1);
    assert_true(gc_task_prefix(&one, &by_text));
    assert_true(gc_task_prefix(&two, &by_hash));
    assert_string_equal(by_text.hex, by_hash.hex);
    text.mark = false;
    assert_false(gc_task_prefix(&one, &by_text));
}

static void test_warm_knows_until_when(void **state)
{
    (void)state;
    gc_warm *w = gc_warm_new();
    assert_false(gc_warm_is(w, "k", 0));
    gc_warm_set(w, "k", 100);
    gc_warm_set(w, "k", 50); /* never shorter */
    assert_true(gc_warm_is(w, "k", 99));
    assert_false(gc_warm_is(w, "k", 100));
    gc_warm_destroy(&w);
}

static void test_warm_lets_one_ask(void **state)
{
    (void)state;
    gc_warm *w = gc_warm_new();
    assert_true(gc_warm_may_ask(w, "k", 0));
    assert_false(gc_warm_may_ask(w, "k", GC_WARM_ASK_MS - 1));
    assert_true(gc_warm_may_ask(w, "other", 1));
    assert_true(gc_warm_may_ask(w, "k", GC_WARM_ASK_MS));
    gc_warm_destroy(&w);
}

static void test_warm_shards_busy_keys(void **state)
{
    (void)state;
    gc_warm *w = gc_warm_new();
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(gc_warm_shard(w, "k", 1000), i / GC_WARM_CALLS_PER_KEY);
    assert_int_equal(gc_warm_shard(w, "k", 61000), 0); /* the next minute */
    gc_warm_destroy(&w);
}

static void test_warm_forgets_the_eldest(void **state)
{
    (void)state;
    gc_warm *w = gc_warm_new();
    char key[16];
    for (int i = 0; i <= GC_WARM_MAX_KEYS; i++) {
        snprintf(key, sizeof key, "k%d", i);
        gc_warm_set(w, key, 100);
    }
    assert_false(gc_warm_is(w, "k0", 0));
    assert_true(gc_warm_is(w, "k1", 0));
    gc_warm_destroy(&w);
}

static void test_pulse_remembers_the_last_success(void **state)
{
    (void)state;
    gc_pulse *p = gc_pulse_new();
    assert_int_equal(gc_pulse_last(p, "m"), 0);
    gc_pulse_beat(p, "m", 5);
    gc_pulse_beat(p, "m", 7);
    gc_pulse_beat(p, "n", 6);
    assert_int_equal(gc_pulse_last(p, "m"), 7);
    assert_int_equal(gc_pulse_last(p, "n"), 6);
    gc_pulse_destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warm_prefix_is_all_up_to_the_last_mark),
        cmocka_unit_test(test_warm_prefix_knows_blocks_by_content),
        cmocka_unit_test(test_warm_knows_until_when),
        cmocka_unit_test(test_warm_lets_one_ask),
        cmocka_unit_test(test_warm_shards_busy_keys),
        cmocka_unit_test(test_warm_forgets_the_eldest),
        cmocka_unit_test(test_pulse_remembers_the_last_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
