#include <stdio.h>
#include <string.h>

#include "support/must.h"
#include "tests/llm-sim/faults.h"

static const gc_sim_fault *pick(gc_sim_faults *faults, const char *fingerprint,
                                const char *path)
{
    gc_sim_fault_query query = { .fingerprint = fingerprint,
                                 .model = "m",
                                 .paths = &path,
                                 .path_count = path ? 1 : 0 };
    return gc_sim_faults_pick(faults, &query);
}

static void test_faults_read_rules(void **state)
{
    gc_sim_faults *faults = *state;
    must_ok(gc_sim_faults_add_text(faults, "truncate:0.25:at=99:count=3:skip=1:path=a.go",
                                   NULL));
    json_t *list = gc_sim_faults_list(faults);
    json_t *rule = json_array_get(list, 0);
    assert_string_equal("truncate", json_string_value(json_object_get(rule, "kind")));
    assert_int_equal(99, json_integer_value(json_object_get(rule, "at")));
    assert_int_equal(3, json_integer_value(json_object_get(rule, "count")));
    json_decref(list);
}

static void test_faults_refuse_bad_rules(void **state)
{
    gc_sim_faults *faults = *state;
    static const char *const bad[] = { "",           "nothing:1",    "500:2",
                                       "500:x",      "500:1:at=101", "500:1:a=b",
                                       "500:1:count" };
    gc_errinfo info;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_err(GC_EINVAL, gc_sim_faults_add_text(faults, bad[i], &info));
    expect_err(GC_EINVAL, gc_sim_faults_add_text(faults, "truncat:1", &info));
    assert_non_null(strstr(info.text, "did you mean truncate"));
}

static void test_faults_strike_a_number_of_times(void **state)
{
    gc_sim_faults *faults = *state;
    must_ok(gc_sim_faults_add_text(faults, "bad_signature:1:path=order:count=2:skip=1",
                                   NULL));
    assert_null(pick(faults, "a", "order.go")); /* skipped */
    assert_null(pick(faults, "a", "user.go"));
    assert_null(pick(faults, "a", NULL));
    assert_non_null(pick(faults, "b", "x/order.go"));
    assert_non_null(pick(faults, "b", "x/order.go"));
    assert_null(pick(faults, "b", "x/order.go"));
}

static void test_faults_draw_by_prompt_and_attempt_not_by_order(void **state)
{
    (void)state;
    bool fired[2][200];
    for (int run = 0; run < 2; run++) {
        gc_sim_faults *faults = gc_sim_faults_new(7);
        must_ok(gc_sim_faults_add_text(faults, "500:0.3", NULL));
        for (int i = 0; i < 200; i++) {
            int prompt = run == 0 ? i : 199 - i;
            char name[16];
            snprintf(name, sizeof name, "p%d", prompt);
            fired[run][prompt] = pick(faults, name, NULL) != NULL;
        }
        gc_sim_faults_destroy(&faults);
    }
    int count = 0;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(fired[0][i], fired[1][i]);
        count += fired[0][i];
    }
    assert_in_range(count, 30, 90); /* 60 expected */
}

static void test_faults_differ_by_attempt(void **state)
{
    gc_sim_faults *faults = *state;
    must_ok(gc_sim_faults_add_text(faults, "500:0.5", NULL));
    int count = 0;
    for (int i = 0; i < 100; i++)
        count += pick(faults, "same", NULL) != NULL;
    assert_in_range(count, 20, 80);
}

static void test_faults_first_rule_that_fires_decides(void **state)
{
    gc_sim_faults *faults = *state;
    must_ok(gc_sim_faults_add_text(faults, "529:0", NULL));
    must_ok(gc_sim_faults_add_text(faults, "stall:1:count=1", NULL));
    must_ok(gc_sim_faults_add_text(faults, "500:1", NULL));
    assert_int_equal(GC_SIM_FAULT_STALL, pick(faults, "a", NULL)->kind);
    assert_int_equal(GC_SIM_FAULT_500, pick(faults, "a", NULL)->kind);
    gc_sim_faults_clear(faults);
    assert_null(pick(faults, "a", NULL));
}

static void test_faults_read_json(void **state)
{
    gc_sim_faults *faults = *state;
    json_t *rule =
        json_loads("{\"kind\":\"slow\",\"every_ms\":20,\"rate\":0.5,\"path\":\"x\","
                   "\"count\":null}",
                   0, NULL);
    must_ok(gc_sim_faults_add_json(faults, rule, NULL));
    json_object_set_new(rule, "every_ms", json_string("soon"));
    expect_err(GC_EINVAL, gc_sim_faults_add_json(faults, rule, NULL));
    json_decref(rule);
    expect_err(GC_EINVAL, gc_sim_faults_add_json(faults, NULL, NULL));
}

static int setup(void **state)
{
    *state = gc_sim_faults_new(1);
    return 0;
}

static int teardown(void **state)
{
    gc_sim_faults *faults = *state;
    gc_sim_faults_destroy(&faults);
    return 0;
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_faults_read_rules),
        WITH(test_faults_refuse_bad_rules),
        WITH(test_faults_strike_a_number_of_times),
        cmocka_unit_test(test_faults_draw_by_prompt_and_attempt_not_by_order),
        WITH(test_faults_differ_by_attempt),
        WITH(test_faults_first_rule_that_fires_decides),
        WITH(test_faults_read_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
