/* All interleavings of a small world of workers that claim, renew, call, commit and tell,
 * while workers die or are paused past their lease and Redis is flushed or set back to an
 * older state. The scripts and the client are the real ones; what a worker does between them
 * is docs/architecture.md, "Redis: epochs, leases, money". Scripts and workers that are broken
 * on purpose must be caught by the same walk. */
#include <stdlib.h>
#include <string.h>

#include "lease_model.h"
#include "support/must.h"

static void expect_holds(const scene *s)
{
    char *broken = NULL;
    size_t count = walk_all(s, &broken);
    if (broken)
        fail_msg("%s", broken);
    assert_true(count > 1000);
}

static void expect_caught(const scene *s, const char *rule)
{
    char *broken = NULL;
    walk_all(s, &broken);
    if (!broken)
        fail_msg("nothing was found, where \"%s\" is broken", rule);
    print_message("%s\n", broken);
    if (broken && strncmp(broken, rule, strlen(rule)) != 0)
        fail_msg("expected \"%s\", found: %s", rule, broken);
    free(broken);
}

/* ---- scenes ---- */

static void test_lease_model_two_attempts_of_one_task(void **state)
{
    (void)state;
    scene s = { .actors = 2, .files = { 1, 1 }, .faults = 2, .shared_task = true };
    expect_holds(&s);
}

static void test_lease_model_failover(void **state)
{
    (void)state;
    scene s = {
        .actors = 2, .files = { 1, 1 }, .faults = 1, .failover = true, .reuse = true
    };
    expect_holds(&s);
}

static void test_lease_model_groups_that_overlap(void **state)
{
    (void)state;
    scene s = { .actors = 2, .files = { 2, 1 }, .faults = 1, .reuse = true };
    expect_holds(&s);
}

static void test_lease_model_three_workers(void **state)
{
    (void)state;
    scene s = { .actors = 3,
                .files = { 1, 1, 1 },
                .faults = 1,
                .reuse = true,
                .keeps_replies = true };
    expect_holds(&s);
}

/* ---- the same, broken on purpose ---- */

static void catch_flaw(const char *name, const char *needle, const char *instead,
                       const char *rule)
{
    model_flaw flaw = { name, needle, instead };
    scene s = {
        .actors = 2, .files = { 1, 1 }, .faults = 1, .reuse = true, .flaw = &flaw
    };
    expect_caught(&s, rule);
}

static void test_lease_model_catches_a_commit_without_epochs(void **state)
{
    (void)state;
    catch_flaw("commit", "if lease ~= worker", "if false and lease ~= worker",
               "a late writer changes something");
}

static void test_lease_model_catches_a_renewal_after_a_commit(void **state)
{
    (void)state;
    catch_flaw("renew", "not lease and not committed_since",
               "not lease and not (function() return false end)",
               "two commits of one epoch");
}

static void test_lease_model_catches_a_claim_of_what_is_held(void **state)
{
    (void)state;
    catch_flaw("claim", "if lease and not repeated", "if false and not repeated",
               "a worker believes in a lease that Redis does not have");
}

static void test_lease_model_catches_a_claim_blind_to_answers(void **state)
{
    (void)state;
    catch_flaw("claim", "if has and (ARGV[6]", "if false and (ARGV[6]",
               "a stored answer is paid for again");
}

static void test_lease_model_catches_a_foreign_release(void **state)
{
    (void)state;
    catch_flaw("release", "if get(key) == worker", "if true or get(key) == worker",
               "a hand-back changes what belongs to another");
}

static void test_lease_model_catches_a_worker_that_tells_early(void **state)
{
    (void)state;
    scene s = { .actors = 2, .files = { 1, 1 }, .faults = 1, .tells_early = true };
    expect_caught(&s, "told before it is stored");
}

static void test_lease_model_catches_a_worker_blind_to_time(void **state)
{
    (void)state;
    scene s = {
        .actors = 2, .files = { 1, 1 }, .faults = 1, .reuse = true, .trusts_lease = true
    };
    expect_caught(&s, "a stored answer is paid for again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lease_model_two_attempts_of_one_task),
        cmocka_unit_test(test_lease_model_failover),
        cmocka_unit_test(test_lease_model_groups_that_overlap),
        cmocka_unit_test(test_lease_model_three_workers),
        cmocka_unit_test(test_lease_model_catches_a_commit_without_epochs),
        cmocka_unit_test(test_lease_model_catches_a_renewal_after_a_commit),
        cmocka_unit_test(test_lease_model_catches_a_claim_of_what_is_held),
        cmocka_unit_test(test_lease_model_catches_a_claim_blind_to_answers),
        cmocka_unit_test(test_lease_model_catches_a_foreign_release),
        cmocka_unit_test(test_lease_model_catches_a_worker_that_tells_early),
        cmocka_unit_test(test_lease_model_catches_a_worker_blind_to_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
