#include "broker/ledger.h"

#include <stdlib.h>

#include "common/mem.h"
#include "support/must.h"

typedef struct fixture {
    gc_ledger *ledger;
    gc_worker *worker;
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    f = (fixture){ gc_ledger_new(4, 100), gc_worker_new(NULL) };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gc_roster *roster = gc_roster_new();
    gc_ledger_destroy(&f.ledger);
    gc_roster_remove(roster, &f.worker);
    gc_roster_destroy(&roster);
    return 0;
}

static gc_err submit(const char *job, const char *id, int64_t attempt, size_t bytes)
{
    gc_wire_task task = { (char *)id, (char *)"p", attempt, gc_xcalloc(1, bytes), bytes };
    gc_err err =
        gc_ledger_submit(f.ledger, gc_ledger_require_job(f.ledger, job), &task, 0);
    free(task.payload); /* NULL if it was taken */
    return err;
}

static gc_ticket *start_next(void)
{
    gc_ticket *ticket = gc_ledger_next(f.ledger, "p");
    if (ticket)
        gc_ledger_start(f.ledger, ticket, f.worker, 0);
    return ticket;
}

static void test_ledger_bounds_tasks_and_bytes(void **state)
{
    (void)state;
    must_ok(submit("j", "t1", 1, 40));
    must_ok(submit("j", "t2", 1, 40));
    expect_err(GC_EFULL, submit("j", "t3", 1, 40));
    must_ok(submit("j", "t3", 1, 20));
    must_ok(submit("j", "t4", 1, 0));
    expect_err(GC_EFULL, submit("j", "t5", 1, 0));
    assert_int_equal(gc_ledger_bytes(f.ledger), 100);
    gc_ticket *ticket = start_next(); /* leaves the queue, keeps its bytes */
    assert_string_equal(ticket->id, "t1");
    expect_err(GC_EFULL, submit("j", "t5", 1, 1));
    gc_ledger_finish(f.ledger, &ticket);
    must_ok(submit("j", "t5", 1, 40));
}

static void test_ledger_submit_is_idempotent(void **state)
{
    (void)state;
    must_ok(submit("j", "t", 1, 10));
    expect_err(GC_EEXIST, submit("j", "t", 1, 20));
    gc_ticket *ticket = gc_ledger_find(f.ledger, "j", "t");
    assert_int_equal(ticket->payload_len, 10);
    expect_err(GC_EEXIST, submit("j", "t", 2, 20)); /* a later attempt replaces it */
    assert_int_equal(ticket->payload_len, 20);
    assert_int_equal(ticket->attempt, 2);
    assert_int_equal(gc_ledger_bytes(f.ledger), 20);
    start_next();
    expect_err(GC_EEXIST, submit("j", "t", 3, 30)); /* not while it runs */
    assert_int_equal(ticket->payload_len, 20);
    must_ok(submit("other", "t", 1, 10)); /* ids are per job */
}

static void test_ledger_limits_a_job(void **state)
{
    (void)state;
    must_ok(submit("a", "1", 1, 1));
    must_ok(submit("a", "2", 1, 1));
    must_ok(submit("b", "1", 1, 1));
    gc_job_set_max_in_flight(gc_ledger_find_job(f.ledger, "a"), 1);
    gc_ticket *first = start_next();
    assert_string_equal(first->job->id, "a");
    assert_string_equal(start_next()->job->id, "b");
    assert_null(start_next());
    gc_ledger_finish(f.ledger, &first);
    assert_string_equal(start_next()->id, "2");
}

static void test_ledger_pauses_a_job(void **state)
{
    (void)state;
    must_ok(submit("a", "1", 1, 1));
    gc_job *job = gc_ledger_find_job(f.ledger, "a");
    gc_job_pause(job, true);
    assert_false(gc_ledger_ready(f.ledger, "p"));
    must_ok(submit("a", "2", 1, 1));
    assert_null(start_next());
    gc_job_pause(job, false);
    assert_string_equal(start_next()->id, "1");
}

static void test_ledger_requeues_to_the_front(void **state)
{
    (void)state;
    must_ok(submit("a", "1", 1, 1));
    must_ok(submit("a", "2", 1, 1));
    gc_ticket *ticket = start_next();
    assert_int_equal(f.worker->held, 1);
    gc_ledger_requeue(f.ledger, ticket, 5);
    assert_int_equal(f.worker->held, 0);
    assert_null(f.worker->tickets);
    assert_int_equal(gc_ledger_in_flight(f.ledger), 0);
    assert_int_equal(gc_ledger_queued(f.ledger, NULL), 2);
    assert_ptr_equal(start_next(), ticket);
}

static void test_ledger_adopts_and_learns(void **state)
{
    (void)state;
    assert_null(gc_ledger_adopt(f.ledger, "noslash", f.worker, 0));
    gc_ticket *ticket = gc_ledger_adopt(f.ledger, "j/t", f.worker, 0);
    assert_int_equal(gc_ledger_in_flight(f.ledger), 1);
    assert_null(ticket->payload);
    expect_err(GC_EEXIST, submit("j", "t", 2, 10));
    assert_int_equal(ticket->payload_len, 10);
    assert_int_equal(ticket->attempt, 2);
    assert_null(start_next()); /* it runs already */
    gc_ledger_requeue(f.ledger, ticket, 0);
    assert_ptr_equal(start_next(), ticket);
}

static void test_ledger_knows_who_waits_unserved(void **state)
{
    (void)state;
    must_ok(submit("j", "t", 1, 1));
    assert_null(gc_ledger_unserved(f.ledger, "p", true, 100, 500));
    assert_null(gc_ledger_unserved(f.ledger, "p", false, 100, 600)); /* from now */
    assert_null(gc_ledger_unserved(f.ledger, "p", false, 100, 699));
    assert_non_null(gc_ledger_unserved(f.ledger, "p", false, 100, 700));
    assert_null(gc_ledger_unserved(f.ledger, "p", true, 100, 700));
    assert_null(gc_ledger_unserved(f.ledger, "p", false, 100, 701)); /* anew */
    assert_null(gc_ledger_unserved(f.ledger, "q", false, 100, 9999));
    assert_int_equal(gc_ledger_oldest_ms(f.ledger), 0);
}

static void test_ledger_bounds_providers(void **state)
{
    (void)state;
    gc_ledger *ledger = gc_ledger_new(1000, 1000);
    gc_job *job = gc_ledger_require_job(ledger, "j");
    for (int i = 0; i <= GC_LEDGER_MAX_PROVIDERS; i++) {
        char *name = gc_xasprintf("p%d", i);
        gc_wire_task task = { name, name, 1, gc_xcalloc(1, 1), 1 };
        gc_err err = gc_ledger_submit(ledger, job, &task, 0);
        assert_int_equal(err, i < GC_LEDGER_MAX_PROVIDERS ? GC_OK : GC_ETOOBIG);
        free(task.payload);
        free(name);
    }
    gc_ledger_destroy(&ledger);
}

static void test_ledger_drops_empty_jobs(void **state)
{
    (void)state;
    must_ok(submit("j", "t", 1, 1));
    gc_job *job = gc_ledger_find_job(f.ledger, "j");
    assert_false(gc_ledger_drop_job(f.ledger, &job));
    gc_ticket *ticket = gc_ledger_find(f.ledger, "j", "t");
    gc_ledger_finish(f.ledger, &ticket);
    assert_true(gc_ledger_drop_job(f.ledger, &job));
    assert_null(job);
    assert_int_equal(gc_ledger_jobs(f.ledger), 0);
    size_t cursor = 0;
    assert_false(gc_ledger_walk(f.ledger, &cursor, &(const char *){ NULL }));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_ledger_bounds_tasks_and_bytes),
        TEST(test_ledger_submit_is_idempotent),
        TEST(test_ledger_limits_a_job),
        TEST(test_ledger_pauses_a_job),
        TEST(test_ledger_requeues_to_the_front),
        TEST(test_ledger_adopts_and_learns),
        TEST(test_ledger_knows_who_waits_unserved),
        TEST(test_ledger_bounds_providers),
        TEST(test_ledger_drops_empty_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
