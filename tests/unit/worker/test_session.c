#include "support/must.h"

#include <stdlib.h>
#include <string.h>

#include "worker/session.h"

/* The other side: what was said, one word each, and how it is answered. */
typedef struct peer {
    gc_session *session;
    gc_strv providers;
    gc_buf said;
    int64_t credit;
    bool connected;
    const char *holding;
} peer;

static gc_err on_send(void *arg, const gc_wire *message)
{
    peer *p = arg;
    if (!p->connected)
        return GC_EAGAIN;
    gc_buf_printf(&p->said, "%s%s", p->said.len ? " " : "",
                  gc_command_str(message->command));
    if (message->command == GC_READY || message->command == GC_HELLO)
        gc_buf_printf(&p->said, ":%d", (int)message->credit);
    if (message->running.count)
        gc_buf_printf(&p->said, "+%s", message->running.items[0]);
    return GC_OK;
}

static void on_reopen(void *arg)
{
    gc_buf_puts(&((peer *)arg)->said, "<reopen>");
}

static int64_t on_credit(void *arg)
{
    return ((peer *)arg)->credit;
}

static void on_running(void *arg, gc_strv *names)
{
    if (((peer *)arg)->holding)
        gc_strv_add(names, ((peer *)arg)->holding);
}

static void on_task(void *arg, gc_wire *message)
{
    (void)message;
    gc_buf_puts(&((peer *)arg)->said, "<task>");
}

static void on_cancel(void *arg, const char *job, const char *task, bool unbegun)
{
    gc_buf_printf(&((peer *)arg)->said, "<%s %s/%s>", unbegun ? "take back" : "cancel",
                  job, task);
}

static int set_up(void **state)
{
    static peer p;
    p = (peer){ .credit = 4, .connected = true };
    gc_buf_init(&p.said, 1 << 16);
    gc_session_conf conf = { .endpoint = "e",
                             .id = "w",
                             .host = "h",
                             .pid = 1,
                             .providers = &p.providers,
                             .heartbeat_ms = 1000,
                             .send = on_send,
                             .reopen = on_reopen,
                             .credit = on_credit,
                             .running = on_running,
                             .on_task = on_task,
                             .on_cancel = on_cancel,
                             .arg = &p };
    p.session = gc_session_new(&conf, 0);
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    peer *p = *state;
    gc_session_destroy(&p->session);
    gc_buf_release(&p->said);
    return 0;
}

static void expect_said(peer *p, const char *want)
{
    assert_string_equal(p->said.ptr, want);
    gc_buf_reset(&p->said);
}

static void hear(peer *p, gc_command command, const char *id, int64_t now_ms)
{
    gc_wire message;
    gc_wire_init(&message, command);
    message.id = (char *)id;
    message.job = (char *)"j";
    message.task = (char *)"t";
    message.reason = message.text = (char *)"";
    message.heartbeat_ms = 1000;
    gc_session_receive(p->session, &message, now_ms);
}

static void hear_refused(peer *p, const char *reason, int64_t now_ms)
{
    gc_wire message;
    gc_wire_init(&message, GC_REFUSED);
    message.reason = (char *)reason;
    message.text = (char *)"";
    gc_session_receive(p->session, &message, now_ms);
}

static void become_live(peer *p)
{
    gc_session_tick(p->session, 0);
    expect_said(p, "HELLO:4");
    hear(p, GC_HELLO, "b1", 1);
    assert_true(gc_session_live(p->session));
}

static void test_session_says_hello_until_it_is_heard(void **state)
{
    peer *p = *state;
    p->connected = false;
    int64_t due = gc_session_tick(p->session, 0);
    assert_in_range(due, 1, 200);
    p->connected = true;
    due = gc_session_tick(p->session, due);
    expect_said(p, "HELLO:4");
    due = gc_session_tick(p->session, due); /* not answered: again, later and later */
    expect_said(p, "HELLO:4");
    assert_false(gc_session_live(p->session));
    hear(p, GC_HELLO, "b1", due);
    assert_true(gc_session_live(p->session));
    gc_session_tick(p->session, due);
    expect_said(p, ""); /* the credit came with HELLO */
}

static void test_session_tells_credit_when_it_changes(void **state)
{
    peer *p = *state;
    become_live(p);
    p->credit = 0;
    gc_session_tick(p->session, 10);
    gc_session_tick(p->session, 20);
    expect_said(p, "READY:0");
    p->credit = 2;
    p->connected = false;
    gc_session_tick(p->session, 30);
    p->connected = true;
    gc_session_tick(p->session, 40);
    expect_said(p, "READY:2");
}

static void test_session_answers_ping_and_pings_when_it_is_quiet(void **state)
{
    peer *p = *state;
    become_live(p);
    p->holding = "j/t";
    hear(p, GC_PING, "b1", 500);
    expect_said(p, "PONG+j/t");
    gc_session_tick(p->session, 1400);
    expect_said(p, "");
    gc_session_tick(p->session, 1500);
    gc_session_tick(p->session, 1600);
    expect_said(p, "PING");
    hear(p, GC_PONG, "b1", 1700);
    gc_session_tick(p->session, 2800);
    expect_said(p, "PING");
    assert_true(gc_session_live(p->session));
}

static void test_session_gives_up_a_silent_broker(void **state)
{
    peer *p = *state;
    become_live(p);
    for (int64_t now = 100; now < 5001; now += 100)
        gc_session_tick(p->session, now);
    assert_true(gc_session_live(p->session));
    gc_buf_reset(&p->said);
    p->holding = "j/t";
    gc_session_tick(p->session, 5001);
    assert_false(gc_session_live(p->session));
    expect_said(p, "<reopen> HELLO:4+j/t");
    expect_err(GC_EAGAIN, gc_session_send(p->session, &(gc_wire){ .command = GC_DONE }));
}

static void test_session_forgives_its_own_pause(void **state)
{
    peer *p = *state;
    become_live(p);
    gc_session_tick(p->session, 100);
    gc_session_tick(p->session, 60000); /* this process was stopped */
    assert_true(gc_session_live(p->session));
}

static void test_session_greets_another_broker(void **state)
{
    peer *p = *state;
    become_live(p);
    hear(p, GC_PING, "b2", 100); /* it cannot know us */
    assert_false(gc_session_live(p->session));
    gc_session_tick(p->session, 100);
    expect_said(p, "HELLO:4");
    hear(p, GC_HELLO, "b2", 110);
    hear(p, GC_PONG, "b2", 120);
    assert_true(gc_session_live(p->session));
}

static void test_session_says_hello_when_it_is_told_to(void **state)
{
    peer *p = *state;
    become_live(p);
    hear_refused(p, GC_REFUSED_MALFORMED, 100); /* only that message was bad */
    assert_true(gc_session_live(p->session));
    hear_refused(p, GC_REFUSED_HELLO, 100);
    gc_session_tick(p->session, 100);
    expect_said(p, "HELLO:4");
    hear_refused(p, GC_REFUSED_VERSION, 110); /* no use to hurry */
    assert_true(gc_session_tick(p->session, 110) >= 1500);
    expect_said(p, "");
}

static void test_session_hands_on_tasks_and_cancels(void **state)
{
    peer *p = *state;
    become_live(p);
    hear(p, GC_TASK, "", 10);
    hear(p, GC_CANCEL, "", 11);
    expect_said(p, "<task><cancel j/t>");
    gc_wire message;
    gc_wire_init(&message, GC_CANCEL);
    message.job = message.task = (char *)"j";
    message.unbegun = true;
    gc_session_receive(p->session, &message, 12);
    expect_said(p, "<take back j/j>");
    gc_session_bye(p->session);
    expect_said(p, "BYE");
    assert_false(gc_session_live(p->session));
}

/* The broker may have taken our HELLO: without a BYE it would count a death later. */
static void test_session_says_bye_before_it_is_answered(void **state)
{
    peer *p = *state;
    gc_session_tick(p->session, 0);
    expect_said(p, "HELLO:4");
    gc_session_bye(p->session);
    expect_said(p, "BYE");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_session_says_hello_until_it_is_heard),
        TEST(test_session_tells_credit_when_it_changes),
        TEST(test_session_answers_ping_and_pings_when_it_is_quiet),
        TEST(test_session_gives_up_a_silent_broker),
        TEST(test_session_forgives_its_own_pause),
        TEST(test_session_greets_another_broker),
        TEST(test_session_says_hello_when_it_is_told_to),
        TEST(test_session_hands_on_tasks_and_cancels),
        TEST(test_session_says_bye_before_it_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
