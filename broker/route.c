#include "broker/route.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/route_impl.h"
#include "common/mem.h"

#define BLOCKED_SCAN_MS 20 /* how often a peer that could not be sent to is tried again */
#define MIN_SCAN_MS 50
#define MAX_SCAN_MS 1000
#define PAUSE_MS 2000 /* a longer gap between ticks: this process was stopped */

enum {
    FROM_CLIENT = 1,
    FROM_WORKER = 2
};

gc_route *gc_route_new(const gc_route_conf *conf, int64_t now_ms)
{
    gc_route *self = gc_xcalloc(1, sizeof *self);
    assert(conf->send && conf->heartbeat_ms > 0);
    self->conf = *conf;
    self->peers = gc_map_new();
    self->names = gc_map_new();
    self->roster = gc_roster_new();
    self->ledger = gc_ledger_new(conf->max_queued, conf->max_bytes);
    self->quarantine = gc_quarantine_new();
    self->tick_ms = self->scan_ms = now_ms;
    return self;
}

void gc_route_destroy(gc_route **self_p)
{
    gc_route *self = *self_p;
    void *peer;
    if (!self)
        return;
    for (size_t cursor = 0; gc_map_next(self->peers, &cursor, NULL, &peer);)
        route_remove_peer(self, peer, "the broker ends", false, self->tick_ms);
    gc_ledger_destroy(&self->ledger);
    gc_roster_destroy(&self->roster);
    gc_quarantine_destroy(&self->quarantine);
    gc_map_destroy(&self->peers);
    gc_map_destroy(&self->names);
    free(self);
    *self_p = NULL;
}

void route_count(gc_route *self, gc_stat stat)
{
    self->stats.counters[stat]++;
}

void route_note(gc_route *self, gc_log_level level, const char *event, const char *fmt,
                ...)
{
    char text[1024];
    va_list ap;
    if (!self->conf.note)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    self->conf.note(self->conf.arg, level, event, text);
}

/* ---- refusing ---- */

static const struct {
    const char *reason;
    gc_stat stat;
} refusals[] = {
    { GC_REFUSED_HELLO, GC_STAT_STRANGER },      { GC_REFUSED_VERSION, GC_STAT_VERSION },
    { GC_REFUSED_MALFORMED, GC_STAT_MALFORMED }, { GC_REFUSED_TOO_BIG, GC_STAT_TOO_BIG },
    { GC_REFUSED_ROLE, GC_STAT_ROLE },           { GC_REFUSED_FULL, GC_STAT_FULL },
};

/* Answered at once or not at all: a refusal is not worth memory. */
static void refuse(gc_route *self, const void *route, size_t len, const char *reason,
                   const char *text)
{
    gc_wire refused;
    gc_wire_init(&refused, GC_REFUSED);
    refused.reason = (char *)reason;
    refused.text = (char *)text;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (strcmp(refusals[i].reason, reason) == 0)
            route_count(self, refusals[i].stat);
    if (self->conf.send(self->conf.arg, route, len, &refused))
        route_count(self, GC_STAT_SLOW);
}

/* A refusal that is the peer's fault: after a row of them it is ignored. */
static void blame(gc_route *self, const void *route, size_t len, const char *reason,
                  const char *text, int64_t now_ms)
{
    char key[ROUTE_KEY_SIZE];
    route_key(route, len, key);
    refuse(self, route, len, reason, text);
    route_note(self, GC_LOG_DEBUG, "message.refused", "peer=%s reason=%s text=\"%s\"",
               key, reason, text);
    if (gc_quarantine_error(self->quarantine, key, now_ms))
        route_note(self, GC_LOG_WARN, "peer.muted", "peer=%s for_ms=%d text=\"%s\"", key,
                   GC_QUARANTINE_MS, text);
}

static bool is_muted(gc_route *self, const char *key, int64_t now_ms)
{
    bool muted = gc_quarantine_holds(self->quarantine, key, now_ms);
    if (muted)
        route_count(self, GC_STAT_MUTED);
    return muted;
}

void gc_route_refuse(gc_route *self, const void *route, size_t route_len, gc_err err,
                     const char *text, int64_t now_ms)
{
    char key[ROUTE_KEY_SIZE];
    const char *reason = err == GC_ESTATE    ? GC_REFUSED_VERSION
                         : err == GC_ETOOBIG ? GC_REFUSED_TOO_BIG
                                             : GC_REFUSED_MALFORMED;
    if (!route_len || route_len > GC_WIRE_MAX_ROUTE)
        return;
    route_key(route, route_len, key);
    if (!is_muted(self, key, now_ms))
        blame(self, route, route_len, reason, text, now_ms);
}

/* ---- greeting ---- */

static void answer_hello(gc_route *self, gc_peer *peer, bool known)
{
    gc_wire hello;
    gc_wire_init(&hello, GC_HELLO);
    hello.version = GC_WIRE_VERSION;
    hello.role = (char *)"broker";
    hello.id = (char *)self->conf.id;
    hello.host = (char *)self->conf.host;
    hello.pid = self->conf.pid;
    hello.heartbeat_ms = self->conf.heartbeat_ms;
    hello.max_bytes = self->conf.max_message_bytes;
    hello.known = known;
    if (route_send(self, peer, &hello))
        route_count(self, GC_STAT_SLOW); /* its next message meets a known peer */
}

static void set_credit(gc_peer *peer, int64_t credit)
{
    peer->worker->credit = credit;
    gc_roster_update(peer->worker);
}

static void on_hello(gc_route *self, const void *route, size_t len, gc_wire *message,
                     int64_t now_ms)
{
    bool worker = strcmp(message->role, "worker") == 0;
    if (!worker && strcmp(message->role, "client") != 0) {
        blame(self, route, len, GC_REFUSED_ROLE, "role is neither worker nor client",
              now_ms);
        return;
    }
    admission how;
    gc_peer *peer = route_admit(self, route, len, message, now_ms, &how);
    if (!peer) {
        refuse(self, route, len, GC_REFUSED_FULL, "too many peers");
        return;
    }
    peer->seen_ms = now_ms;
    answer_hello(self, peer, how == PEER_SAME);
    if (worker) {
        gc_roster_serve(self->roster, peer->worker, &message->providers);
        if (how != PEER_SAME) /* what was on its way to the old one is lost */
            route_reconcile(self, peer, &message->running, INT64_MAX, now_ms);
        route_adopt(self, peer, &message->running, now_ms);
        set_credit(peer, message->credit);
    }
    if (peer->blocked)
        route_unblock(self, peer);
}

/* ---- the small commands ---- */

static void on_ready(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms)
{
    (void)self;
    (void)now_ms;
    set_credit(peer, message->credit);
}

static void on_ping(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms)
{
    (void)message;
    (void)now_ms;
    gc_wire pong;
    gc_wire_init(&pong, GC_PONG);
    pong.id = (char *)self->conf.id;
    if (route_send(self, peer, &pong))
        route_count(self, GC_STAT_SLOW); /* it will ask again */
}

/* A worker's PONG says what it holds. What was sent three heartbeats ago must be there. */
static void on_pong(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms)
{
    if (peer->pings)
        peer->pings--;
    if (!peer->worker)
        return;
    int64_t before_ms = now_ms - 3 * self->conf.heartbeat_ms;
    set_credit(peer, message->credit);
    route_reconcile(self, peer, &message->running, before_ms, now_ms);
}

static void on_bye(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms)
{
    (void)message;
    route_remove_peer(self, peer, "said BYE", false, now_ms);
}

/* ---- dispatching ---- */

static const struct {
    unsigned from;
    void (*handle)(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms);
} commands[GC_COMMAND_COUNT] = {
    [GC_READY] = { FROM_WORKER, on_ready },
    [GC_SUBMIT] = { FROM_CLIENT, route_on_submit },
    [GC_PROGRESS] = { FROM_WORKER, route_on_progress },
    [GC_DONE] = { FROM_WORKER, route_on_done },
    [GC_FAIL] = { FROM_WORKER, route_on_fail },
    [GC_CANCEL] = { FROM_CLIENT, route_on_cancel },
    [GC_PING] = { FROM_CLIENT | FROM_WORKER, on_ping },
    [GC_PONG] = { FROM_CLIENT | FROM_WORKER, on_pong },
    [GC_BYE] = { FROM_CLIENT | FROM_WORKER, on_bye },
};

static void on_stranger(gc_route *self, const void *route, size_t len,
                        const gc_wire *message)
{
    if (message->command != GC_BYE && message->command != GC_REFUSED)
        refuse(self, route, len, GC_REFUSED_HELLO, "say HELLO first");
}

void gc_route_receive(gc_route *self, const void *route, size_t route_len,
                      gc_wire *message, int64_t now_ms)
{
    char key[ROUTE_KEY_SIZE];
    if (!route_len || route_len > GC_WIRE_MAX_ROUTE)
        return;
    route_key(route, route_len, key);
    if (is_muted(self, key, now_ms))
        return;
    self->stats.received[message->command]++;
    gc_peer *peer = route_find_peer(self, key);
    if (message->command == GC_HELLO) {
        on_hello(self, route, route_len, message, now_ms);
    } else if (!peer) {
        on_stranger(self, route, route_len, message);
        return;
    } else {
        unsigned from = peer->worker ? FROM_WORKER : FROM_CLIENT;
        peer->seen_ms = now_ms;
        if (message->command == GC_REFUSED) {
            route_note(self, GC_LOG_WARN, "peer.refused_us",
                       "peer=%s reason=%s text=\"%s\"", peer->id, message->reason,
                       message->text);
            return; /* answering it could go on for ever */
        }
        if (!(commands[message->command].from & from)) {
            blame(self, route, route_len, GC_REFUSED_ROLE,
                  "this command is not for your role", now_ms);
            return;
        }
        commands[message->command].handle(self, peer, message, now_ms);
    }
    gc_quarantine_good(self->quarantine, key);
    route_dispatch(self, now_ms);
}

/* ---- time ---- */

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void check_peer(gc_route *self, gc_peer *peer, int64_t now_ms)
{
    int64_t beat = self->conf.heartbeat_ms;
    int64_t silence = now_ms - peer->seen_ms;
    int64_t least =
        peer->worker ? GC_ROUTE_WORKER_SILENCE_MS : GC_ROUTE_CLIENT_SILENCE_MS;
    if (peer->overflow) {
        route_remove_peer(self, peer, "does not read", true, now_ms);
    } else if (silence >= max64(3 * beat, least)) {
        route_remove_peer(self, peer, "fell silent", true, now_ms);
    } else {
        if (peer->blocked)
            route_unblock(self, peer);
        if (silence < beat || now_ms - peer->pinged_ms < beat)
            return;
        peer->pinged_ms = now_ms;
        if (!peer->blocked && route_ping(self, peer))
            route_block(self, peer);
    }
}

static int64_t scan_interval(const gc_route *self)
{
    int64_t ms = self->conf.heartbeat_ms / 4;
    if (self->blocked)
        return BLOCKED_SCAN_MS;
    return ms < MIN_SCAN_MS ? MIN_SCAN_MS : ms > MAX_SCAN_MS ? MAX_SCAN_MS : ms;
}

/* A process that was stopped must not call the others silent: it was not listening. */
static void forgive_pause(gc_route *self, int64_t now_ms)
{
    int64_t gap = now_ms - self->tick_ms;
    void *peer;
    self->tick_ms = now_ms;
    if (gap < PAUSE_MS)
        return;
    route_note(self, GC_LOG_WARN, "loop.paused", "ms=%lld", (long long)gap);
    for (size_t cursor = 0; gc_map_next(self->peers, &cursor, NULL, &peer);)
        ((gc_peer *)peer)->seen_ms += gap;
}

int64_t gc_route_tick(gc_route *self, int64_t now_ms)
{
    forgive_pause(self, now_ms);
    if (now_ms >= self->scan_ms) {
        void *peer;
        for (size_t cursor = 0; gc_map_next(self->peers, &cursor, NULL, &peer);)
            check_peer(self, peer, now_ms);
        route_fail_unserved(self, now_ms);
        route_dispatch(self, now_ms);
        self->scan_ms = now_ms + scan_interval(self);
    }
    int64_t soon = now_ms + scan_interval(self); /* it may have shrunk meanwhile */
    if (soon < self->scan_ms)
        self->scan_ms = soon;
    return self->scan_ms - now_ms;
}

/* ---- the end ---- */

void gc_route_drain(gc_route *self)
{
    self->draining = true;
}

bool gc_route_idle(const gc_route *self)
{
    void *value;
    for (size_t cursor = 0; gc_map_next(self->peers, &cursor, NULL, &value);)
        if (((const gc_peer *)value)->outbox)
            return false;
    return gc_ledger_in_flight(self->ledger) == 0;
}

void gc_route_bye(gc_route *self)
{
    gc_wire bye;
    void *peer;
    gc_wire_init(&bye, GC_BYE);
    for (size_t cursor = 0; gc_map_next(self->peers, &cursor, NULL, &peer);)
        if (route_send(self, peer, &bye) || route_ping(self, peer))
            route_count(self, GC_STAT_SLOW); /* it will notice the silence */
}

bool gc_route_parted(const gc_route *self)
{
    void *value;
    for (size_t cursor = 0; gc_map_next(self->peers, &cursor, NULL, &value);)
        if (((const gc_peer *)value)->pings)
            return false;
    return true;
}

/* ---- figures ---- */

gc_stats *gc_route_stats(gc_route *self)
{
    return &self->stats;
}

static void count_workers(const gc_route *self, gc_gauges *out)
{
    void *value;
    for (size_t cursor = 0; gc_map_next(self->peers, &cursor, NULL, &value);) {
        const gc_worker *worker = ((const gc_peer *)value)->worker;
        if (!worker)
            continue;
        if (worker->credit == 0)
            out->workers_draining++;
        else if (worker->held)
            out->workers_busy++;
        else
            out->workers_idle++;
    }
}

void gc_route_gauges(const gc_route *self, int64_t now_ms, gc_gauges *out)
{
    const char *name;
    int64_t oldest_ms = gc_ledger_oldest_ms(self->ledger);
    *out = (gc_gauges){ 0 };
    out->queued = gc_xcalloc(GC_LEDGER_MAX_PROVIDERS, sizeof *out->queued);
    for (size_t cursor = 0; gc_ledger_walk(self->ledger, &cursor, &name);) {
        out->queued[out->providers.count] = gc_ledger_queued(self->ledger, name);
        gc_strv_add(&out->providers, name);
    }
    out->in_flight = gc_ledger_in_flight(self->ledger);
    out->bytes = gc_ledger_bytes(self->ledger);
    out->jobs = gc_ledger_jobs(self->ledger);
    out->clients = self->clients;
    out->oldest_seconds = oldest_ms < 0 ? 0 : (double)(now_ms - oldest_ms) / 1000;
    count_workers(self, out);
}
