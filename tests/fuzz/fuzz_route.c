/* The broker's state machine under a random history: each four bytes are one event among a
 * few peers, jobs and tasks. Afterwards the books must balance. */
#include "fuzz/body.h"

#include <stdio.h>
#include <stdlib.h>

#include "broker/route.h"
#include "common/mem.h"

#define PEERS 6

static unsigned deaf; /* bit per peer: takes no message now */

static gc_err swallow(void *arg, const void *route, size_t len, const gc_wire *message)
{
    (void)arg;
    (void)message;
    unsigned peer = len ? *(const uint8_t *)route % 8U : 0;
    if (deaf >> peer & 1)
        return peer % 2 ? GC_EAGAIN : GC_ECLOSED;
    return GC_OK;
}

static void add_tasks(gc_wire *m, unsigned what)
{
    m->task_count = 1 + what % 3;
    m->tasks = gc_xcalloc(m->task_count, sizeof *m->tasks);
    for (size_t i = 0; i < m->task_count; i++)
        m->tasks[i] = (gc_wire_task){ gc_xasprintf("t%zu", (what + i) % 8),
                                      gc_xasprintf("p%u", what >> 6), 1 + (what >> 4) % 4,
                                      gc_xmemdup("xy", 2), 2 };
}

static void fill_hello(gc_wire *m, unsigned peer, unsigned what)
{
    m->version = GC_WIRE_VERSION;
    m->role = gc_xstrdup(what & 1 ? "worker" : "client");
    m->id = gc_xasprintf("id%u", what & 2 ? peer : 0);
    m->host = gc_xstrdup("h");
    m->pid = what >> 5;
    m->credit = what >> 2 & 3;
    gc_strv_add(&m->providers, what & 4 ? "p0" : "p1");
    if (what & 8)
        gc_strv_add(&m->running, what & 16 ? "j0/t1" : "j1/t9");
}

static void receive(gc_route *route, const uint8_t event[4], int64_t now_ms)
{
    gc_wire m;
    uint8_t from = (uint8_t)('0' + event[1] % PEERS);
    unsigned what = event[2];
    gc_wire_init(&m, (gc_command)(event[0] % GC_COMMAND_COUNT));
    if (m.command == GC_HELLO)
        fill_hello(&m, event[1] % PEERS, what);
    m.job = gc_xasprintf("j%u", what >> 3 & 3);
    m.task = m.command == GC_CANCEL && what & 128 ? gc_xstrdup("")
                                                  : gc_xasprintf("t%u", what & 7);
    m.attempt = 1;
    m.max_in_flight = event[3] & 3;
    m.reason = gc_xstrdup(what & 64 ? GC_FAIL_HANDBACK : GC_FAIL_AUTH);
    m.text = gc_xstrdup("");
    if (m.command == GC_PONG || m.command == GC_READY)
        m.credit = what & 7;
    if (m.command == GC_PONG && what & 8)
        gc_strv_add(&m.running, "j0/t1");
    if (m.command == GC_SUBMIT)
        add_tasks(&m, what);
    gc_route_receive(route, &from, 1, &m, now_ms);
    gc_wire_release(&m);
}

static void check_books(gc_route *route, int64_t now_ms)
{
    gc_gauges g;
    size_t queued = 0;
    gc_route_gauges(route, now_ms, &g);
    const uint64_t *c = gc_route_stats(route)->counters;
    for (size_t i = 0; i < g.providers.count; i++)
        queued += g.queued[i];
    if (queued > 100 || g.in_flight > 4096 ||
        (g.jobs == 0) != (queued + g.in_flight == 0))
        abort();
    if (gc_route_stats(route)->wait_count != c[GC_STAT_DISPATCHED])
        abort();
    gc_gauges_release(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now_ms = 1000;
    gc_route_conf conf = { .id = "b",
                           .host = "h",
                           .heartbeat_ms = 1000,
                           .max_queued = 12,
                           .max_bytes = 20,
                           .send = swallow };
    gc_route *route = gc_route_new(&conf, now_ms);
    deaf = 0;
    for (; size >= 4; data += 4, size -= 4) {
        uint8_t from = (uint8_t)('0' + data[1] % PEERS);
        switch (data[0] >> 5) {
        case 7: deaf = data[1]; break;
        case 6:
            for (unsigned i = 0; i < data[1] % 64U; i++)
                gc_route_tick(route, now_ms += 400);
            break;
        case 5: gc_route_refuse(route, &from, 1, GC_EPROTO, "junk", now_ms); break;
        case 4:
            if (data[1] == 77)
                gc_route_drain(route);
            break;
        default: receive(route, data, now_ms); break;
        }
        check_books(route, now_ms);
    }
    gc_route_bye(route);
    gc_route_destroy(&route);
    return 0;
}
