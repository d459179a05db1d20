#include "common/wire.h"

#include <czmq.h>
#include <string.h>
#include <zmq.h>

#include "common/mem.h"
#include "support/must.h"

static gc_err decode(const char *magic, const char *command, const gc_buf *body,
                     gc_wire *out, gc_errinfo *info)
{
    return gc_wire_decode(magic, strlen(magic), command, strlen(command), body->ptr,
                          body->len, out, info);
}

static gc_wire round_trip(const gc_wire *in)
{
    gc_buf body;
    gc_wire out;
    gc_buf_init(&body, 1 << 20);
    gc_wire_encode(in, &body);
    must_ok(decode(GC_WIRE_MAGIC, gc_command_str(in->command), &body, &out, NULL));
    gc_buf_release(&body);
    return out;
}

static void test_wire_hello_round_trip(void **state)
{
    (void)state;
    gc_wire in;
    gc_wire_init(&in, GC_HELLO);
    in.version = GC_WIRE_VERSION;
    in.role = (char *)"worker";
    in.id = (char *)"host_1:4711";
    in.credit = 32;
    in.pid = 4711;
    gc_strv_add(&in.providers, "anthropic");
    gc_strv_add(&in.running, "j-1/t.1");
    in.known = true;
    gc_wire out = round_trip(&in);
    assert_int_equal(out.command, GC_HELLO);
    assert_string_equal(out.id, "host_1:4711");
    assert_int_equal(out.credit, 32);
    assert_string_equal(out.host, ""); /* may be absent, and is never NULL */
    assert_string_equal(out.running.items[0], "j-1/t.1");
    assert_true(out.known);
    assert_null(out.job); /* no field of HELLO */
    gc_wire_release(&out);
    gc_strv_release(&in.providers);
    gc_strv_release(&in.running);
}

static void test_wire_submit_round_trip(void **state)
{
    (void)state;
    gc_wire_task tasks[] = { { (char *)"t1", (char *)"openai", 1, (char *)"\0x", 2 },
                             { (char *)"t2", (char *)"openai", 3, (char *)"", 0 } };
    gc_wire in;
    gc_wire_init(&in, GC_SUBMIT);
    in.job = (char *)"j-1";
    in.max_in_flight = 4;
    in.tasks = tasks;
    in.task_count = 2;
    gc_wire out = round_trip(&in);
    assert_int_equal(out.task_count, 2);
    assert_int_equal(out.max_in_flight, 4);
    assert_memory_equal(out.tasks[0].payload, "\0x", 2);
    assert_int_equal(out.tasks[1].attempt, 3);
    gc_wire_release(&out);
}

static void test_wire_other_commands_round_trip(void **state)
{
    (void)state;
    gc_wire in;
    gc_wire_init(&in, GC_FAIL);
    in.job = (char *)"j";
    in.task = (char *)"t";
    in.attempt = 2;
    in.reason = (char *)GC_FAIL_AUTH;
    in.text = (char *)"key refused";
    gc_wire out = round_trip(&in);
    assert_string_equal(out.reason, "auth");
    assert_string_equal(out.text, "key refused");
    assert_int_equal(out.payload_len, 0);
    gc_wire_release(&out);
    gc_wire_init(&in, GC_CANCEL);
    in.job = (char *)"j";
    in.unbegun = true;
    out = round_trip(&in);
    assert_true(out.unbegun);
    gc_wire_release(&out);
    gc_wire_init(&in, GC_PING);
    out = round_trip(&in);
    assert_string_equal(out.id, "");
    gc_wire_release(&out);
}

static void test_wire_refuses_other_versions(void **state)
{
    (void)state;
    gc_errinfo info;
    gc_wire in, out;
    gc_buf body;
    gc_buf_init(&body, 1000);
    gc_wire_init(&in, GC_HELLO);
    in.version = 2;
    in.role = (char *)"client";
    in.id = (char *)"c";
    gc_wire_encode(&in, &body);
    expect_err(GC_ESTATE, decode("GC1", "HELLO", &body, &out, &info));
    assert_non_null(strstr(info.text, "version 2"));
    assert_non_null(strstr(info.text, "this is 1"));
    expect_err(GC_ESTATE, decode("GC2", "HELLO", &body, &out, &info));
    assert_non_null(strstr(info.text, "GC2"));
    expect_err(GC_EPROTO, decode("XX1", "HELLO", &body, &out, &info));
    expect_err(GC_EPROTO, decode("", "HELLO", &body, &out, &info));
    expect_err(GC_EPROTO, decode("GC1", "HELL", &body, &out, &info));
    gc_buf_release(&body);
}

static void test_wire_refuses_wrong_meaning(void **state)
{
    (void)state;
    gc_wire_task tasks[] = { { (char *)"t1", (char *)"openai", 1, (char *)"", 0 },
                             { (char *)"t2", (char *)"openai", 1, (char *)"", 0 } };
    gc_wire in, out;
    gc_buf body;
    gc_buf_init(&body, 1000);
    gc_wire_init(&in, GC_TASK);
    in.job = (char *)"j";
    in.tasks = tasks;
    in.task_count = 2;
    gc_wire_encode(&in, &body);
    expect_err(GC_EPROTO, decode("GC1", "TASK", &body, &out, NULL));
    must_ok(decode("GC1", "SUBMIT", &body, &out, NULL));
    gc_wire_release(&out);
    gc_buf_reset(&body);
    gc_wire_init(&in, GC_PONG);
    gc_strv_add(&in.running, "no-task");
    gc_wire_encode(&in, &body);
    expect_err(GC_EPROTO, decode("GC1", "PONG", &body, &out, NULL));
    gc_strv_release(&in.running);
    gc_buf_release(&body);
}

/* ---- the shell ---- */

typedef struct pair {
    void *context;
    void *router;
    void *dealer;
} pair;

static void open_pair(pair *p)
{
    int mandatory = 1;
    p->context = zmq_ctx_new();
    p->router = zmq_socket(p->context, ZMQ_ROUTER);
    p->dealer = zmq_socket(p->context, ZMQ_DEALER);
    gc_wire_tune(p->router, 1000, 1 << 20);
    gc_wire_tune(p->dealer, 1000, 1 << 20);
    zmq_setsockopt(p->router, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory);
    assert_int_equal(zmq_bind(p->router, "inproc://test"), 0);
    assert_int_equal(zmq_connect(p->dealer, "inproc://test"), 0);
}

static void close_pair(pair *p)
{
    zmq_close(p->router);
    zmq_close(p->dealer);
    zmq_ctx_term(p->context);
}

static void test_wire_send_and_receive(void **state)
{
    (void)state;
    pair p;
    open_pair(&p);
    gc_wire in, out;
    gc_buf route;
    gc_buf_init(&route, GC_WIRE_MAX_ROUTE);
    gc_wire_init(&in, GC_READY);
    in.credit = 3;
    expect_err(GC_EAGAIN, gc_wire_recv(p.router, &out, &route, NULL));
    must_ok(gc_wire_send(p.dealer, &in, NULL, 0));
    must_ok(gc_wire_recv(p.router, &out, &route, NULL));
    assert_int_equal(out.credit, 3);
    assert_true(route.len > 0);
    gc_wire_release(&out);
    gc_wire_init(&in, GC_PING);
    in.id = (char *)"b1";
    must_ok(gc_wire_send(p.router, &in, route.ptr, route.len));
    must_ok(gc_wire_recv(p.dealer, &out, NULL, NULL));
    assert_string_equal(out.id, "b1");
    gc_wire_release(&out);
    expect_err(GC_ECLOSED, gc_wire_send(p.router, &in, "nobody", 6));
    gc_buf_release(&route);
    close_pair(&p);
}

/* Each bad message is read whole: the good one behind it is not harmed. */
static void test_wire_receive_drains_bad_messages(void **state)
{
    (void)state;
    pair p;
    open_pair(&p);
    for (int frames = 1; frames <= 9; frames++)
        for (int i = 0; i < frames; i++)
            zmq_send(p.dealer, "junk", 4, i + 1 < frames ? ZMQ_SNDMORE : 0);
    gc_wire in, out;
    gc_wire_init(&in, GC_BYE);
    must_ok(gc_wire_send(p.dealer, &in, NULL, 0));
    gc_buf route;
    gc_buf_init(&route, GC_WIRE_MAX_ROUTE);
    for (int i = 0; i < 9; i++) {
        expect_err(GC_EPROTO, gc_wire_recv(p.router, &out, &route, NULL));
        assert_true(route.len > 0);
    }
    must_ok(gc_wire_recv(p.router, &out, &route, NULL));
    assert_int_equal(out.command, GC_BYE);
    gc_wire_release(&out);
    gc_buf_release(&route);
    close_pair(&p);
}

static void test_wire_knows_what_is_local(void **state)
{
    (void)state;
    assert_true(gc_wire_is_local("ipc:///tmp/x"));
    assert_true(gc_wire_is_local("tcp://127.0.0.1:*"));
    assert_true(gc_wire_is_local("tcp://127.9.0.1:5555"));
    assert_true(gc_wire_is_local("tcp://localhost:1"));
    assert_true(gc_wire_is_local("tcp://[::1]:1"));
    assert_false(gc_wire_is_local("tcp://127.0.0.1.example.com:1"));
    assert_false(gc_wire_is_local("tcp://0.0.0.0:1"));
    assert_false(gc_wire_is_local("tcp://*:1"));
    assert_false(gc_wire_is_local("tcp://localhost.example.com:1"));
    assert_false(gc_wire_is_local("udp://127.0.0.1:1"));
    assert_false(gc_wire_is_local(""));
}

static void test_wire_insists_on_curve_off_loopback(void **state)
{
    (void)state;
    pair p;
    open_pair(&p);
    gc_errinfo info;
    must_ok(gc_wire_secure_client(p.dealer, "tcp://127.0.0.1:1", "", "", false, &info));
    must_ok(gc_wire_secure_client(p.dealer, "tcp://10.0.0.1:1", "", "", true, &info));
    expect_err(GC_EINVAL,
               gc_wire_secure_client(p.dealer, "tcp://10.0.0.1:1", "", "", false, &info));
    expect_err(GC_EINVAL, gc_wire_secure_client(p.dealer, "tcp://10.0.0.1:1", "/nowhere",
                                                "", true, &info));
    expect_err(GC_EINVAL, gc_wire_secure_client(p.dealer, "ipc:///x", "/nowhere",
                                                "/nowhere", true, &info));
    assert_non_null(strstr(info.text, "/nowhere"));
    char *dir = must_temp_dir();
    char *name = gc_xasprintf("%s/key", dir);
    zcert_t *cert = zcert_new();
    assert_int_equal(zcert_save(cert, name), 0);
    must_ok(
        gc_wire_secure_client(p.dealer, "tcp://10.0.0.1:1", name, name, false, &info));
    zcert_destroy(&cert);
    must_remove_tree(dir);
    free(name);
    free(dir);
    close_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_hello_round_trip),
        cmocka_unit_test(test_wire_submit_round_trip),
        cmocka_unit_test(test_wire_other_commands_round_trip),
        cmocka_unit_test(test_wire_refuses_other_versions),
        cmocka_unit_test(test_wire_refuses_wrong_meaning),
        cmocka_unit_test(test_wire_send_and_receive),
        cmocka_unit_test(test_wire_receive_drains_bad_messages),
        cmocka_unit_test(test_wire_knows_what_is_local),
        cmocka_unit_test(test_wire_insists_on_curve_off_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
