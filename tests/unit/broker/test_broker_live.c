/* The real gc-broker process, driven over tcp and ipc. */
#include <arpa/inet.h>
#include <czmq.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/mem.h"
#include "common/text.h"
#include "support/live_broker.h"
#include "support/must.h"

static live_broker b;

static const char *const quick[] = { "GC_CLUSTER_HEARTBEAT=1s", NULL };
static const char *const with_http[] = { "--http", "127.0.0.1:0", NULL };

static int tear_down(void **state)
{
    (void)state;
    live_end(&b);
    return 0;
}

static void test_live_serves_tcp_and_ipc_fairly(void **state)
{
    (void)state;
    live_start(&b, quick, with_http);
    live_peer *worker = live_worker(&b, b.tcp, "w1", 1);
    live_peer *one = live_client(&b, b.tcp, "c1");
    live_peer *two = live_client(&b, b.ipc, "c2");
    live_submit(one, "j1", "a,b,c");
    live_expect(&b, worker, "TASK j1/a#1");
    live_submit(two, "j2", "x");
    live_expect_nothing(&b, two);    /* the broker has read the SUBMIT */
    live_expect_nothing(&b, worker); /* credit 1 */
    live_done(worker, "j1", "a");
    live_expect(&b, one, "DONE j1/a");
    live_expect(&b, worker, "TASK j1/b#1");
    live_done(worker, "j1", "b");
    live_expect(&b, worker, "TASK j2/x#1"); /* before c of the longer job */
    live_ready(worker, 2);
    live_expect(&b, worker, "TASK j1/c#1");
    assert_true(live_metric(&b, "gc_broker_tasks_total{outcome=\"done\"}") == 2);
    assert_true(live_metric(&b, "gc_broker_tasks_inflight") == 2);
    assert_true(live_metric(&b, "gc_broker_workers_connected{state=\"busy\"}") == 1);
    assert_true(live_metric(&b, "gc_broker_tasks_total{outcome=\"poison\"}") == 0);
}

static void test_live_pushes_back_and_cancels(void **state)
{
    (void)state;
    static const char *const small[] = { "GC_CLUSTER_MAX_QUEUE=2",
                                         "GC_CLUSTER_HEARTBEAT=1s", NULL };
    live_start(&b, small, NULL);
    live_peer *client = live_client(&b, b.tcp, "c1");
    live_submit(client, "j", "a,b,c,d");
    live_expect(&b, client, "c,d"); /* BUSY */
    live_peer *worker = live_worker(&b, b.tcp, "w1", 1);
    live_expect(&b, worker, "TASK j/a#1");
    live_submit(client, "j", "c,d");
    live_expect(&b, client, "d"); /* one place became free */
    live_send(client, GC_CANCEL, "j", "");
    live_expect(&b, worker, "CANCEL j/");
    live_expect_prefix(&b, client, "FAIL j/c cancelled");
    live_expect_prefix(&b, client, "FAIL j/b cancelled");
    live_send(worker, GC_FAIL, "j", "a");
    live_expect_prefix(&b, client, "FAIL j/a cancelled");
}

/* One history for all three, since each takes its time: a worker that dies, a task that
 * kills its worker three times, a client that vanishes. */
static void test_live_survives_deaths(void **state)
{
    (void)state;
    live_start(&b, quick, with_http);
    live_peer *client = live_client(&b, b.tcp, "c1");
    live_peer *gone = live_client(&b, b.tcp, "c2");
    for (int attempt = 1; attempt <= 3; attempt++) {
        char *id = gc_xasprintf("w%d", attempt), *want;
        live_peer *worker = live_worker(&b, b.tcp, id, 1);
        if (attempt == 1) {
            live_submit(client, "j", "a");
            live_expect(&b, worker, "TASK j/a#1");
            live_submit(gone, "k", "q,r");
            live_expect_nothing(&b, gone);
            live_kill(gone);
        } else {
            want = gc_xasprintf("TASK j/a#%d", attempt);
            live_expect(&b, worker, want);
            free(want);
        }
        live_kill(worker);
        if (attempt < 3)
            live_await_metric(&b, "gc_broker_peers_lost_total{role=\"worker\"}", attempt);
        free(id);
    }
    live_expect_prefix(&b, client,
                       "FAIL j/a poison attempt 1 on w1: fell silent; attempt 2");
    live_await_metric(&b, "gc_broker_tasks_total{outcome=\"dropped\"}", 2);
    assert_true(live_metric(&b, "gc_broker_deadletter_tasks") == 1);
    assert_true(
        live_metric(&b, "gc_broker_task_retries_total{reason=\"worker_death\"}") == 2);
    assert_true(live_metric(&b, "gc_broker_clients_connected") == 1);
}

static void test_live_drains_on_sigterm(void **state)
{
    (void)state;
    live_start(&b, quick, with_http);
    live_peer *worker = live_worker(&b, b.tcp, "w1", 1);
    live_peer *client = live_client(&b, b.tcp, "c1");
    live_submit(client, "j", "a,b");
    live_expect(&b, worker, "TASK j/a#1");
    kill(b.pid, SIGTERM);
    char *ready;
    do { /* until the signal has arrived */
        live_idle(&b, 10);
        ready = live_get(&b, "/readyz");
    } while (strstr(ready, " 200 ") && (free(ready), true));
    assert_non_null(strstr(ready, " 503 "));
    free(ready);
    live_submit(client, "j", "c");
    live_expect(&b, client, "c"); /* BUSY */
    live_done(worker, "j", "a");
    live_expect(&b, client, "DONE j/a");
    live_expect(&b, client, "BYE");
    live_expect(&b, worker, "BYE"); /* and no TASK b */
    assert_int_equal(live_stop(&b, 0), 0);
}

static void test_live_second_signal_ends_at_once(void **state)
{
    (void)state;
    live_start(&b, quick, with_http);
    live_peer *worker = live_worker(&b, b.tcp, "w1", 1);
    live_peer *client = live_client(&b, b.tcp, "c1");
    live_submit(client, "j", "a");
    live_expect(&b, worker, "TASK j/a#1");
    kill(b.pid, SIGINT);
    live_await_metric(&b, "gc_broker_tasks_inflight", 1);
    assert_int_equal(live_stop(&b, SIGTERM), 130);
}

/* SIGKILL, and another broker at the same place: nobody is told, all go on. */
static void test_live_restart_loses_nothing(void **state)
{
    (void)state;
    live_start(&b, quick, with_http);
    live_peer *worker = live_worker(&b, b.ipc, "w1", 2);
    live_peer *client = live_client(&b, b.ipc, "c1");
    live_submit(client, "j", "a,b,c");
    live_expect(&b, worker, "TASK j/a#1");
    live_expect(&b, worker, "TASK j/b#1");
    assert_int_equal(live_stop(&b, SIGKILL), -SIGKILL);
    live_start(&b, quick, with_http);
    live_hello(worker); /* names a and b */
    live_expect(&b, worker, "HELLO new");
    live_hello(client);
    live_expect(&b, client, "HELLO new");
    live_submit(client, "j", "a,b,c");
    live_expect_nothing(&b, worker); /* nothing is sent twice, and it is full */
    live_done(worker, "j", "b");
    live_expect(&b, client, "DONE j/b");
    live_expect(&b, worker, "TASK j/c#1");
    live_done(worker, "j", "a");
    live_expect(&b, client, "DONE j/a");
    assert_true(live_metric(&b, "gc_broker_tasks_dispatched_total") == 1);
}

static void send_junk(void *socket, int frames, const char *bytes, size_t len)
{
    for (int i = 0; i < frames; i++)
        assert_true(zmq_send(socket, bytes, len, i + 1 < frames ? ZMQ_SNDMORE : 0) >= 0);
}

static void test_live_refuses_malformed_messages(void **state)
{
    (void)state;
    live_start(&b, quick, with_http);
    live_peer *raw = live_raw(&b, b.tcp, NULL, NULL);
    send_junk(raw->socket, 1, "", 0);
    live_expect(&b, raw, "REFUSED malformed");
    send_junk(raw->socket, 40, "junk", 4);
    live_expect(&b, raw, "REFUSED malformed");
    zmq_send(raw->socket, "GC2", 3, ZMQ_SNDMORE);
    send_junk(raw->socket, 2, "HELLO", 5);
    live_expect(&b, raw, "REFUSED version");
    zmq_send(raw->socket, "GC1", 3, ZMQ_SNDMORE);
    zmq_send(raw->socket, "READY", 5, ZMQ_SNDMORE);
    zmq_send(raw->socket, "\xdf\xff\xff\xff\xff", 5, 0);
    live_expect(&b, raw, "REFUSED malformed");
    live_send(raw, GC_DONE, "j", "t");
    live_expect(&b, raw, "REFUSED hello");
    for (int i = 0; i < 100; i++)
        send_junk(raw->socket, 2, "\xff\xff", 2);
    live_await_metric(&b, "gc_broker_messages_dropped_total{reason=\"muted_peer\"}", 90);
    assert_true(live_metric(&b, "gc_broker_messages_refused_total{reason=\"version\"}") ==
                1);
    live_client(&b, b.tcp, "c1"); /* others are not harmed */
}

/* Bytes that are no ZMTP at all, and greetings cut off half-way. */
static void test_live_survives_raw_bytes(void **state)
{
    (void)state;
    static const char *const texts[] = { "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "\xff\0\0\0\0\0\0\0\1\x7f\3",
                                         "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL",
                                         "\1\0\377\377\377\377\377\377\377\377" };
    live_start(&b, quick, NULL);
    unsigned seed = 11;
    int64_t port;
    must_ok(gc_parse_i64(strrchr(b.tcp, ':') + 1, 1, 65535, &port));
    for (int i = 0; i < 200; i++) {
        char bytes[64];
        memcpy(bytes, texts[i % 4], 11);
        for (size_t j = i % 8 < 4 ? 11 : 0; j < sizeof bytes; j++)
            bytes[j] = (char)((seed = seed * 1103515245U + 12345U) >> 16);
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)port) };
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        assert_true(write(fd, bytes, sizeof bytes) > 0);
        close(fd);
    }
    live_peer *worker = live_worker(&b, b.tcp, "w1", 1);
    live_peer *client = live_client(&b, b.tcp, "c1");
    live_submit(client, "j", "a");
    live_expect(&b, worker, "TASK j/a#1");
    assert_int_equal(live_stop(&b, SIGKILL), -SIGKILL); /* it was still there */
}

static char *make_certificate(const char *dir, const char *name)
{
    char *path = gc_xasprintf("%s/%s", dir, name);
    zcert_t *certificate = zcert_new();
    assert_int_equal(zcert_save(certificate, path), 0);
    zcert_destroy(&certificate);
    return path;
}

static void test_live_curve_lets_in_who_is_allowed(void **state)
{
    (void)state;
    char *dir = must_temp_dir();
    char *allow = gc_xasprintf("%s/allow", dir);
    assert_int_equal(mkdir(allow, 0700), 0);
    char *own = make_certificate(dir, "broker");
    char *friend = make_certificate(dir, "friend");
    char *stranger = make_certificate(dir, "stranger");
    char *secret = gc_xasprintf("%s_secret", own);
    char *allowed = gc_xasprintf("%s/friend", allow);
    assert_int_equal(link(friend, allowed), 0); /* the public one only */
    const char *arguments[] = {
        "--curve-certificate", secret, "--curve-allow", allow, "--http",
        "127.0.0.1:0",         NULL
    };
    live_start(&b, quick, arguments);
    live_peer *good = live_raw(&b, b.tcp, friend, own);
    good->id = gc_xstrdup("c1");
    live_hello(good);
    live_expect(&b, good, "HELLO new");
    live_peer *bad = live_raw(&b, b.tcp, stranger, own);
    live_peer *plain = live_raw(&b, b.tcp, NULL, NULL);
    live_await_metric(&b, "gc_broker_auth_failures_total", 1);
    gc_wire ping;
    gc_wire_init(&ping, GC_PING);
    expect_err(GC_EAGAIN, gc_wire_send(bad->socket, &ping, NULL, 0)); /* not connected */
    expect_err(GC_EAGAIN, gc_wire_send(plain->socket, &ping, NULL, 0));
    live_expect_nothing(&b, good);
    must_remove_tree(dir);
    free(dir);
    free(allow);
    free(own);
    free(friend);
    free(stranger);
    free(secret);
    free(allowed);
}

static void expect_refusal(int code, const char *words, const char *const *arguments)
{
    char *text;
    assert_int_equal(live_run(arguments, &text), code);
    if (!strstr(text, words))
        assert_string_equal(text, words);
    free(text);
}

static void test_live_refuses_to_start(void **state)
{
    (void)state;
#define ARGS(...) (const char *const[]){ __VA_ARGS__, NULL }
    expect_refusal(8, "no endpoint", (const char *const[]){ NULL });
    expect_refusal(8, "without encryption", ARGS("--bind", "tcp://0.0.0.0:*"));
    expect_refusal(8, "did you mean --bind", ARGS("--bnd", "x"));
    expect_refusal(8, "neither tcp", ARGS("--bind", "udp://127.0.0.1:1"));
    expect_refusal(8, "needs ENDPOINT", ARGS("--bind"));
    expect_refusal(8, "takes no value", ARGS("--insecure=yes"));
    expect_refusal(8, "unexpected argument", ARGS("extra"));
    expect_refusal(8, "go together",
                   ARGS("--bind", "tcp://127.0.0.1:*", "--curve-allow", "/"));
    expect_refusal(8, "cannot read the certificate",
                   ARGS("--bind", "tcp://127.0.0.1:*", "--curve-allow", "/",
                        "--curve-certificate", "/nowhere"));
    expect_refusal(8, "descriptor",
                   ARGS("--bind", "tcp://127.0.0.1:*", "--ready-fd", "1"));
    expect_refusal(8, "/nowhere.yaml", ARGS("-c", "/nowhere.yaml"));
    expect_refusal(7, "cannot listen", ARGS("--bind", "ipc:///nowhere/broker.sock"));
#undef ARGS
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_live_serves_tcp_and_ipc_fairly),
        TEST(test_live_pushes_back_and_cancels),
        TEST(test_live_survives_deaths),
        TEST(test_live_drains_on_sigterm),
        TEST(test_live_second_signal_ends_at_once),
        TEST(test_live_restart_loses_nothing),
        TEST(test_live_refuses_malformed_messages),
        TEST(test_live_survives_raw_bytes),
        TEST(test_live_curve_lets_in_who_is_allowed),
        TEST(test_live_refuses_to_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
