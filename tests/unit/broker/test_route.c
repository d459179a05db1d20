#include "broker/route.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "support/must.h"

/* Every message that leaves is written down as one line, "route COMMAND details"; a route
 * named in `closed` or `full` takes none. */
typedef struct fixture {
    gc_route *route;
    gc_strv sent;
    const char *closed;
    const char *full;
    int64_t now_ms;
} fixture;

static fixture f;

#define BEAT 1000

static char *describe(const gc_wire *m)
{
    switch (m->command) {
    case GC_TASK:
        return gc_xasprintf("%s/%s#%d", m->job, m->tasks[0].id, (int)m->tasks[0].attempt);
    case GC_DONE: return gc_xasprintf("%s/%s#%d", m->job, m->task, (int)m->attempt);
    case GC_FAIL:
        return gc_xasprintf("%s/%s %s: %s", m->job, m->task, m->reason, m->text);
    case GC_CANCEL:
        return gc_xasprintf("%s/%s%s", m->job, m->task, m->unbegun ? " unbegun" : "");
    case GC_PROGRESS: return gc_xasprintf("%s/%s", m->job, m->task);
    case GC_BUSY: return gc_strv_join(&m->task_ids, ",");
    case GC_REFUSED: return gc_xstrdup(m->reason);
    case GC_HELLO: return gc_xstrdup(m->known ? "known" : "new");
    default: return gc_xstrdup("");
    }
}

static gc_err record(void *arg, const void *route, size_t len, const gc_wire *message)
{
    (void)arg;
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)len, (const char *)route);
    if (f.closed && strcmp(name, f.closed) == 0)
        return GC_ECLOSED;
    if (f.full && strcmp(name, f.full) == 0)
        return GC_EAGAIN;
    char *text = describe(message);
    gc_strv_push(&f.sent,
                 gc_xasprintf("%s %s%s%s", name, gc_command_str(message->command),
                              *text ? " " : "", text));
    free(text);
    return GC_OK;
}

static int set_up(void **state)
{
    (void)state;
    gc_route_conf conf = { .id = "b-1",
                           .host = "h",
                           .pid = 1,
                           .heartbeat_ms = BEAT,
                           .max_message_bytes = 1000,
                           .max_queued = 10,
                           .max_bytes = 1000,
                           .send = record };
    f = (fixture){ .now_ms = 1000000 };
    f.route = gc_route_new(&conf, f.now_ms);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gc_route_destroy(&f.route);
    gc_strv_release(&f.sent);
    return 0;
}

/* All that was sent since the last look is exactly these lines. NULL ends the list. */
static void expect_sent(const char *first, ...)
{
    va_list ap;
    size_t i = 0;
    va_start(ap, first);
    for (const char *want = first; want; want = va_arg(ap, const char *), i++)
        assert_string_equal(i < f.sent.count ? f.sent.items[i] : "(nothing)", want);
    va_end(ap);
    assert_string_equal(i < f.sent.count ? f.sent.items[i] : "(nothing)", "(nothing)");
    gc_strv_release(&f.sent);
}

static void give(const char *route, gc_wire *message)
{
    gc_route_receive(f.route, route, strlen(route), message, f.now_ms);
    gc_wire_release(message);
}

static void hello_as(const char *route, const char *role, const char *id, int64_t pid,
                     int64_t credit, const char *running)
{
    gc_wire m;
    gc_wire_init(&m, GC_HELLO);
    m.version = GC_WIRE_VERSION;
    m.role = gc_xstrdup(role);
    m.id = gc_xstrdup(id);
    m.host = gc_xstrdup("h");
    m.pid = pid;
    m.credit = credit;
    if (strcmp(role, "worker") == 0)
        gc_strv_add(&m.providers, "p");
    gc_strv_split(&m.running, running, ',');
    give(route, &m);
}

static void worker(const char *id, int64_t credit)
{
    hello_as(id, "worker", id, 7, credit, "");
    gc_strv_release(&f.sent);
}

static void client(const char *id)
{
    hello_as(id, "client", id, 7, 0, "");
    gc_strv_release(&f.sent);
}

/* SUBMIT of the comma separated tasks. */
static void submit_for(const char *from, const char *job, const char *ids,
                       const char *provider, int64_t max_in_flight)
{
    gc_wire m;
    gc_strv list = { 0 };
    gc_strv_split(&list, ids, ',');
    gc_wire_init(&m, GC_SUBMIT);
    m.job = gc_xstrdup(job);
    m.max_in_flight = max_in_flight;
    m.tasks = gc_xcalloc(list.count, sizeof *m.tasks);
    m.task_count = list.count;
    for (size_t i = 0; i < list.count; i++)
        m.tasks[i] = (gc_wire_task){ gc_xstrdup(list.items[i]), gc_xstrdup(provider), 1,
                                     gc_xmemdup("x", 1), 1 };
    gc_strv_release(&list);
    give(from, &m);
}

static void submit(const char *from, const char *job, const char *ids)
{
    submit_for(from, job, ids, "p", 0);
}

static void say(const char *from, gc_command command, const char *job, const char *task,
                const char *reason)
{
    gc_wire m;
    gc_wire_init(&m, command);
    m.job = gc_xstrdup(job);
    m.task = gc_xstrdup(task);
    m.attempt = 1;
    m.reason = gc_xstrdup(reason);
    m.text = gc_xstrdup("text");
    give(from, &m);
}

static void done(const char *from, const char *job, const char *task)
{
    say(from, GC_DONE, job, task, "");
}

static void pong(const char *from, int64_t credit, const char *running)
{
    gc_wire m;
    gc_wire_init(&m, GC_PONG);
    m.credit = credit;
    gc_strv_split(&m.running, running, ',');
    give(from, &m);
}

/* Time goes on in small steps; those who are named keep talking. PINGs are not shown. */
static void pass(int64_t ms, const char *alive1, const char *alive2)
{
    for (int64_t end_ms = f.now_ms + ms; f.now_ms < end_ms;) {
        f.now_ms += end_ms - f.now_ms < 100 ? end_ms - f.now_ms : 100;
        for (int i = 0; i < 2; i++) {
            const char *alive = i ? alive2 : alive1;
            gc_wire m;
            gc_wire_init(&m, GC_PING);
            if (alive)
                give(alive, &m);
        }
        gc_route_tick(f.route, f.now_ms);
    }
    gc_strv rest = { 0 };
    for (size_t i = 0; i < f.sent.count; i++)
        if (!strstr(f.sent.items[i], " PING") && !strstr(f.sent.items[i], " PONG"))
            gc_strv_add(&rest, f.sent.items[i]);
    gc_strv_release(&f.sent);
    f.sent = rest;
}

static uint64_t counter(gc_stat stat)
{
    return gc_route_stats(f.route)->counters[stat];
}

/* ---- the tests ---- */

static void test_route_carries_a_task(void **state)
{
    (void)state;
    hello_as("w1", "worker", "w1", 7, 1, "");
    hello_as("c1", "client", "c1", 7, 0, "");
    expect_sent("w1 HELLO new", "c1 HELLO new", NULL);
    submit("c1", "j", "t1");
    expect_sent("w1 TASK j/t1#1", NULL);
    say("w1", GC_PROGRESS, "j", "t1", "");
    done("w1", "j", "t1");
    expect_sent("c1 PROGRESS j/t1", "c1 DONE j/t1#1", NULL);
    done("w1", "j", "t1"); /* again: nobody knows of it */
    expect_sent(NULL, NULL);
    assert_int_equal(counter(GC_STAT_UNKNOWN_TASK), 1);
    assert_int_equal(counter(GC_STAT_DONE), 1);
}

static void test_route_is_fair_and_respects_credit(void **state)
{
    (void)state;
    worker("w1", 2);
    client("c1");
    client("c2");
    submit("c1", "j1", "a,b,c,d");
    submit("c2", "j2", "x,y");
    expect_sent("w1 TASK j1/a#1", "w1 TASK j1/b#1", NULL);
    done("w1", "j1", "a");
    done("w1", "j1", "b");
    expect_sent("c1 DONE j1/a#1", "w1 TASK j1/c#1", "c1 DONE j1/b#1", "w1 TASK j2/x#1",
                NULL);
    pong("w1", 4, "j1/c,j2/x"); /* more credit */
    expect_sent("w1 TASK j1/d#1", "w1 TASK j2/y#1", NULL);
}

static void test_route_limits_a_job(void **state)
{
    (void)state;
    worker("w1", 10);
    client("c1");
    submit_for("c1", "j", "a,b,c", "p", 2);
    expect_sent("w1 TASK j/a#1", "w1 TASK j/b#1", NULL);
    done("w1", "j", "b");
    expect_sent("c1 DONE j/b#1", "w1 TASK j/c#1", NULL);
}

static void test_route_pushes_back_when_full(void **state)
{
    (void)state;
    client("c1");
    submit("c1", "j", "1,2,3,4,5,6,7,8,9,10,11,12");
    expect_sent("c1 BUSY 11,12", NULL);
    worker("w1", 2);
    submit("c1", "j", "11,12,1"); /* 1 is known, and no error */
    expect_sent(NULL, NULL);
    assert_int_equal(counter(GC_STAT_KNOWN), 1);
    assert_int_equal(counter(GC_STAT_BUSY), 2);
}

static void test_route_redispatches_after_death(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a,b");
    expect_sent("w1 TASK j/a#1", NULL);
    pass(4900, "c1", NULL);
    expect_sent(NULL, NULL);
    worker("w2", 1);
    pass(600, "c1", "w2");   /* five seconds of silence; a comes before b */
    expect_sent(NULL, NULL); /* w2 has b */
    done("w2", "j", "b");
    expect_sent("c1 DONE j/b#1", "w2 TASK j/a#2", NULL);
    assert_int_equal(counter(GC_STAT_RETRY_DEATH), 1);
    assert_int_equal(counter(GC_STAT_WORKER_DEATH), 1);
}

static void test_route_poisons_after_three_deaths(void **state)
{
    (void)state;
    client("c1");
    submit("c1", "j", "a");
    for (int i = 1; i <= 3; i++) {
        char name[8], want[32];
        snprintf(name, sizeof name, "w%d", i);
        snprintf(want, sizeof want, "%s TASK j/a#%d", name, i);
        hello_as(name, "worker", name, 7, 1, "");
        assert_string_equal(f.sent.items[1], want);
        gc_strv_release(&f.sent);
        pass(5300, "c1", NULL);
    }
    expect_sent("c1 FAIL j/a poison: attempt 1 on w1: fell silent; attempt 2 on w2: fell "
                "silent; attempt 3 on w3: fell silent",
                NULL);
    assert_int_equal(counter(GC_STAT_POISON), 1);
}

static void test_route_hands_back_without_attempt(void **state)
{
    (void)state;
    worker("w1", 2);
    client("c1");
    submit("c1", "j", "a,b");
    gc_strv_release(&f.sent);
    pong("w1", 0, "j/a,j/b"); /* it drains */
    say("w1", GC_FAIL, "j", "a", GC_FAIL_HANDBACK);
    expect_sent(NULL, NULL);
    worker("w2", 5);
    say("w1", GC_BYE, "", "", "");
    expect_sent("w2 TASK j/b#1", NULL); /* a went there with w2's HELLO */
    done("w2", "j", "a");
    expect_sent("c1 DONE j/a#1", NULL);
    assert_int_equal(counter(GC_STAT_RETRY_HANDBACK), 2);
}

static void test_route_forwards_failures(void **state)
{
    (void)state;
    worker("w1", 2);
    client("c1");
    submit("c1", "j", "a");
    gc_strv_release(&f.sent);
    say("w1", GC_FAIL, "j", "a", GC_FAIL_AUTH);
    expect_sent("c1 FAIL j/a auth: text", NULL);
    assert_int_equal(counter(GC_STAT_FAILED), 1);
}

static void test_route_accepts_done_of_a_former_holder(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a");
    pass(5300, "c1", NULL); /* w1 is dead */
    worker("w2", 1);
    hello_as("w1", "worker", "w1", 7, 1, "j/a"); /* and back, its task given to w2 */
    gc_strv_release(&f.sent);
    say("w1", GC_FAIL, "j", "a", GC_FAIL_STALE); /* not its to say any more */
    expect_sent(NULL, NULL);
    done("w1", "j", "a");
    expect_sent("w2 CANCEL j/a", "c1 DONE j/a#1", NULL);
}

static void test_route_cancels(void **state)
{
    (void)state;
    worker("w1", 2);
    client("c1");
    client("c2");
    submit("c1", "j", "a,b,c");
    gc_strv_release(&f.sent);
    say("c2", GC_CANCEL, "j", "", ""); /* another client may */
    assert_int_equal(f.sent.count, 2);
    assert_true(gc_strv_has(&f.sent, "w1 CANCEL j/")); /* once, though it holds two */
    assert_true(gc_strv_has(&f.sent, "c1 FAIL j/c cancelled: cancelled while queued"));
    gc_strv_release(&f.sent);
    say("w1", GC_FAIL, "j", "a", GC_FAIL_CANCELLED);
    expect_sent("c1 FAIL j/a cancelled: text", NULL);
    say("c1", GC_CANCEL, "j", "b", "");
    expect_sent("w1 CANCEL j/b", NULL);
    say("c1", GC_CANCEL, "unknown", "", "");
    expect_sent(NULL, NULL);
}

static void test_route_takes_back_what_is_not_begun(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a,b");
    gc_strv_release(&f.sent);
    gc_wire m;
    gc_wire_init(&m, GC_CANCEL);
    m.job = gc_xstrdup("j");
    m.task = gc_xstrdup("");
    m.unbegun = true;
    give("c1", &m); /* only the worker knows what it has begun */
    assert_int_equal(f.sent.count, 2);
    assert_true(gc_strv_has(&f.sent, "w1 CANCEL j/ unbegun"));
    assert_true(gc_strv_has(&f.sent, "c1 FAIL j/b cancelled: cancelled while queued"));
    gc_strv_release(&f.sent);
    done("w1", "j", "a");
    expect_sent("c1 DONE j/a#1", NULL);
}

static void test_route_says_no_worker(void **state)
{
    (void)state;
    client("c1");
    worker("w1", 1);
    submit_for("c1", "j", "a", "ollama", 0);
    pass(19900, "c1", "w1");
    expect_sent(NULL, NULL);
    pass(400, "c1", "w1");
    assert_int_equal(f.sent.count, 1);
    assert_non_null(strstr(f.sent.items[0], "c1 FAIL j/a no_worker: "));
    assert_non_null(strstr(f.sent.items[0], "ollama"));
    assert_non_null(strstr(f.sent.items[0], "they serve p"));
}

static void test_route_busy_workers_are_workers(void **state)
{
    (void)state;
    client("c1");
    worker("w1", 0); /* say, Redis is away */
    submit("c1", "j", "a");
    pass(60000, "c1", "w1");
    expect_sent(NULL, NULL);
}

static void test_route_drops_the_queue_of_a_lost_client(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a,b,c");
    gc_strv_release(&f.sent);
    pass(14000, "w1", NULL);
    assert_int_equal(counter(GC_STAT_DROPPED), 0);
    pass(1200, "w1", NULL);
    assert_int_equal(counter(GC_STAT_DROPPED), 2);
    done("w1", "j", "a"); /* the running one went on, its answer is in Redis */
    expect_sent(NULL, NULL);
    assert_int_equal(counter(GC_STAT_NO_CLIENT), 1);
}

static void test_route_serves_a_returning_client(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a,b");
    gc_strv_release(&f.sent);
    f.closed = "c1";
    done("w1", "j", "a"); /* kept, and the job is paused */
    expect_sent(NULL, NULL);
    hello_as("c1b", "client", "c1", 7, 0, "");
    expect_sent("c1b HELLO new", "c1b DONE j/a#1", "w1 TASK j/b#1", NULL);
    done("w1", "j", "b");
    expect_sent("c1b DONE j/b#1", NULL);
}

static void test_route_follows_the_job_to_its_newest_client(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a");
    client("c2");
    submit("c2", "j", "a");
    gc_strv_release(&f.sent);
    done("w1", "j", "a");
    expect_sent("c2 DONE j/a#1", NULL);
}

static void test_route_pauses_the_job_of_a_slow_client(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a,b");
    gc_strv_release(&f.sent);
    f.full = "c1";
    say("w1", GC_PROGRESS, "j", "a", ""); /* may be lost */
    done("w1", "j", "a");
    assert_false(gc_route_idle(f.route));
    pass(300, "w1", NULL);
    expect_sent(NULL, NULL); /* b waits */
    f.full = NULL;
    pass(100, "w1", NULL);
    expect_sent("c1 DONE j/a#1", "w1 TASK j/b#1", NULL);
    assert_int_equal(counter(GC_STAT_SLOW), 1);
}

static void test_route_spares_a_full_worker(void **state)
{
    (void)state;
    worker("w1", 5);
    worker("w2", 5);
    client("c1");
    f.full = "w1";
    submit("c1", "j", "a,b");
    expect_sent("w2 TASK j/a#1", "w2 TASK j/b#1", NULL);
    f.full = NULL;
    pass(200, "c1", NULL);
    submit("c1", "j", "c");
    expect_sent("w1 TASK j/c#1", NULL);
}

static void test_route_learns_what_runs(void **state)
{
    (void)state;
    hello_as("w1", "worker", "w1", 7, 2, "j/a,j/b"); /* this broker is new */
    client("c1");
    gc_strv_release(&f.sent);
    submit("c1", "j", "a,b,c");
    expect_sent(NULL, NULL); /* a and b run, and w1 is full */
    done("w1", "j", "a");
    expect_sent("c1 DONE j/a#1", "w1 TASK j/c#1", NULL);
    worker("w2", 1);
    pass(5300, "c1", "w2"); /* w1 dies: b was learned from SUBMIT */
    expect_sent("w2 TASK j/b#2", NULL);
}

static void test_route_loses_what_a_moved_worker_does_not_name(void **state)
{
    (void)state;
    worker("w1", 2);
    client("c1");
    submit("c1", "j", "a,b");
    gc_strv_release(&f.sent);
    hello_as("w1x", "worker", "w1", 7, 2, "j/a"); /* a new connection; TASK b got lost */
    expect_sent("w1x HELLO new", "w1x TASK j/b#2", NULL);
    hello_as("w1x", "worker", "w1", 7, 2, ""); /* the same one: b may be on its way */
    expect_sent("w1x HELLO known", NULL);
    hello_as("w1x", "worker", "w1", 8, 2, ""); /* another process: both died */
    assert_int_equal(f.sent.count, 3);
}

static void test_route_reconciles_with_pong(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a");
    gc_strv_release(&f.sent);
    pong("w1", 1, ""); /* may have crossed the TASK */
    expect_sent(NULL, NULL);
    pass(2900, "c1", "w1");
    pong("w1", 1, "");
    expect_sent(NULL, NULL);
    pass(200, "c1", "w1");
    pong("w1", 1, "");
    expect_sent("w1 TASK j/a#2", NULL);
    assert_int_equal(counter(GC_STAT_RETRY_LOST), 1);
}

/* A list as long as a message allows may have left some out. */
static void test_route_loses_nothing_by_a_full_list(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a");
    gc_strv_release(&f.sent);
    pass(3200, "c1", "w1");
    gc_wire m;
    gc_wire_init(&m, GC_PONG);
    m.credit = 1;
    for (int i = 0; i < GC_WIRE_MAX_RUNNING; i++)
        gc_strv_push(&m.running, gc_xasprintf("other/t%d", i));
    give("w1", &m);
    expect_sent(NULL, NULL);
    pong("w1", 1, "other/t1");
    expect_sent("w1 TASK j/a#2", NULL);
}

static void test_route_refuses_strangers_and_wrong_roles(void **state)
{
    (void)state;
    done("x", "j", "a");
    expect_sent("x REFUSED hello", NULL);
    say("x", GC_BYE, "", "", "");
    say("x", GC_REFUSED, "", "", "no"); /* never answered */
    expect_sent(NULL, NULL);
    client("c1");
    done("c1", "j", "a");
    expect_sent("c1 REFUSED role", NULL);
    hello_as("y", "prophet", "y", 7, 0, "");
    expect_sent("y REFUSED role", NULL);
    gc_route_refuse(f.route, "z", 1, GC_ESTATE, "version 2", f.now_ms);
    gc_route_refuse(f.route, "z", 1, GC_ETOOBIG, "long", f.now_ms);
    expect_sent("z REFUSED version", "z REFUSED too_big", NULL);
    assert_int_equal(counter(GC_STAT_VERSION), 1);
    assert_int_equal(counter(GC_STAT_ROLE), 2);
    gc_route_refuse(f.route, "", 0, GC_EPROTO, "", f.now_ms);
}

static void test_route_mutes_after_a_row_of_errors(void **state)
{
    (void)state;
    client("c1");
    for (int i = 0; i < 20; i++)
        gc_route_refuse(f.route, "c1", 2, GC_EPROTO, "junk", f.now_ms);
    assert_int_equal(f.sent.count, 8);
    gc_strv_release(&f.sent);
    submit("c1", "j", "a");
    assert_int_equal(counter(GC_STAT_MUTED), 13);
    worker("w1", 1);
    expect_sent(NULL, NULL); /* nothing was taken */
    f.now_ms += 1000;
    pass(30000, NULL, NULL);
    client("c1");
    worker("w1", 1);
    submit("c1", "j", "a");
    expect_sent("w1 TASK j/a#1", NULL);
}

static void test_route_pings_the_silent(void **state)
{
    (void)state;
    client("c1");
    f.now_ms += 900;
    gc_route_tick(f.route, f.now_ms);
    expect_sent(NULL, NULL);
    f.now_ms += 300;
    gc_route_tick(f.route, f.now_ms);
    gc_route_tick(f.route, f.now_ms);
    expect_sent("c1 PING", NULL);
    gc_wire ping;
    gc_wire_init(&ping, GC_PING);
    give("c1", &ping);
    expect_sent("c1 PONG", NULL);
}

static void test_route_forgives_its_own_pause(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a");
    pass(100, NULL, NULL);
    f.now_ms += 60000; /* SIGSTOP, or a machine that slept */
    pass(100, NULL, NULL);
    assert_int_equal(counter(GC_STAT_WORKER_DEATH), 0);
    assert_int_equal(counter(GC_STAT_CLIENT_DEATH), 0);
}

static void test_route_drains(void **state)
{
    (void)state;
    worker("w1", 1);
    client("c1");
    submit("c1", "j", "a,b");
    gc_strv_release(&f.sent);
    gc_route_drain(f.route);
    assert_false(gc_route_idle(f.route));
    submit("c1", "j", "c");
    expect_sent("c1 BUSY c", NULL);
    done("w1", "j", "a");
    expect_sent("c1 DONE j/a#1", NULL); /* and b is not sent */
    assert_true(gc_route_idle(f.route));
    gc_route_bye(f.route);
    expect_sent("w1 BYE", "w1 PING", "c1 BYE", "c1 PING", NULL);
    assert_false(gc_route_parted(f.route));
    pong("w1", 1, "");
    say("c1", GC_BYE, "", "", "");
    assert_true(gc_route_parted(f.route));
}

static void test_route_gauges_add_up(void **state)
{
    (void)state;
    worker("w1", 1);
    worker("w2", 0);
    client("c1");
    submit("c1", "j", "a,b,c");
    f.now_ms += 500;
    gc_gauges g;
    gc_route_gauges(f.route, f.now_ms, &g);
    assert_int_equal(g.in_flight, 1);
    assert_int_equal(g.queued[0], 2);
    assert_string_equal(g.providers.items[0], "p");
    assert_int_equal(g.workers_busy, 1);
    assert_int_equal(g.workers_draining, 1);
    assert_int_equal(g.clients, 1);
    assert_true(g.oldest_seconds == 0.5);
    gc_buf text;
    gc_buf_init(&text, 1 << 20);
    gc_stats_print(gc_route_stats(f.route), &g, &text);
    assert_non_null(strstr(text.ptr, "\ngc_broker_tasks_queued{queue=\"p\"} 2\n"));
    assert_non_null(strstr(text.ptr, "\ngc_broker_tasks_inflight 1\n"));
    assert_non_null(strstr(text.ptr, "\ngc_broker_tasks_total{outcome=\"poison\"} 0\n"));
    assert_non_null(strstr(text.ptr, "\ngc_broker_queue_wait_seconds_count 1\n"));
    gc_buf_release(&text);
    gc_gauges_release(&g);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_route_carries_a_task),
        TEST(test_route_is_fair_and_respects_credit),
        TEST(test_route_limits_a_job),
        TEST(test_route_pushes_back_when_full),
        TEST(test_route_redispatches_after_death),
        TEST(test_route_poisons_after_three_deaths),
        TEST(test_route_hands_back_without_attempt),
        TEST(test_route_forwards_failures),
        TEST(test_route_accepts_done_of_a_former_holder),
        TEST(test_route_cancels),
        TEST(test_route_takes_back_what_is_not_begun),
        TEST(test_route_says_no_worker),
        TEST(test_route_busy_workers_are_workers),
        TEST(test_route_drops_the_queue_of_a_lost_client),
        TEST(test_route_serves_a_returning_client),
        TEST(test_route_follows_the_job_to_its_newest_client),
        TEST(test_route_pauses_the_job_of_a_slow_client),
        TEST(test_route_spares_a_full_worker),
        TEST(test_route_learns_what_runs),
        TEST(test_route_loses_what_a_moved_worker_does_not_name),
        TEST(test_route_reconciles_with_pong),
        TEST(test_route_loses_nothing_by_a_full_list),
        TEST(test_route_refuses_strangers_and_wrong_roles),
        TEST(test_route_mutes_after_a_row_of_errors),
        TEST(test_route_pings_the_silent),
        TEST(test_route_forgives_its_own_pause),
        TEST(test_route_drains),
        TEST(test_route_gauges_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
