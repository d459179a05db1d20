/* Shared by the parts of the route: route.c (messages, heartbeat), route_peers.c (who is
 * connected, what could not be sent yet), route_tasks.c (tasks). Nobody else includes it. */
#ifndef GC_BROKER_ROUTE_IMPL_H
#define GC_BROKER_ROUTE_IMPL_H

#include "broker/ledger.h"
#include "broker/quarantine.h"
#include "broker/roster.h"
#include "broker/route.h"
#include "common/map.h"

#define ROUTE_KEY_SIZE (2 * GC_WIRE_MAX_ROUTE + 1)

/* A message that waits for its peer. */
typedef struct letter {
    struct letter *next;
    gc_wire message;
    size_t bytes;
} letter;

struct gc_peer {
    char *key; /* route in hex */
    unsigned char route[GC_WIRE_MAX_ROUTE];
    size_t route_len;
    char *id;
    char *host;
    int64_t pid;
    int64_t seen_ms;
    int64_t pinged_ms;
    int pings;         /* sent and not answered */
    gc_worker *worker; /* NULL: a client */
    gc_job *jobs;      /* of a client */
    letter *outbox;
    letter **outbox_end;
    size_t outbox_count;
    size_t outbox_bytes;
    bool blocked;  /* the last message could not be sent */
    bool overflow; /* the outbox is over its bound: to be given up */
};

struct gc_route {
    gc_route_conf conf;
    gc_map *peers; /* by key */
    gc_map *names; /* by role and id: "w:id" or "c:id" */
    gc_roster *roster;
    gc_ledger *ledger;
    gc_quarantine *quarantine;
    gc_stats stats;
    size_t clients;
    size_t blocked; /* peers */
    bool draining;
    uint64_t stamps;
    int64_t tick_ms; /* of the last tick */
    int64_t scan_ms; /* when to look at all peers next */
};

void route_count(gc_route *self, gc_stat stat);
void route_note(gc_route *self, gc_log_level level, const char *event, const char *fmt,
                ...) GC_PRINTF(4, 5);

/* ---- route_peers.c ---- */

void route_key(const void *route, size_t len, char out[ROUTE_KEY_SIZE]);
gc_peer *route_find_peer(const gc_route *self, const char *key);

typedef enum admission {
    PEER_NEW,
    PEER_SAME,     /* connection and process as before */
    PEER_MOVED,    /* the same process on a new connection */
    PEER_RESTARTED /* another process with the same name */
} admission;

/* The peer that this HELLO is from. NULL: too many. */
gc_peer *route_admit(gc_route *self, const void *route, size_t len, const gc_wire *hello,
                     int64_t now_ms, admission *how);

/* The worker's tasks are lost (`counted`: as a death) and the client's jobs dropped. */
void route_remove_peer(gc_route *self, gc_peer *peer, const char *why, bool counted,
                       int64_t now_ms);

/* Sends once. */
gc_err route_send(gc_route *self, gc_peer *peer, const gc_wire *message);

/* Sends, or keeps a copy until it can be sent. */
void route_post(gc_route *self, gc_peer *peer, const gc_wire *message);

gc_err route_ping(gc_route *self, gc_peer *peer);

/* Gets nothing more until route_unblock() could send what waits, or a PING. */
void route_block(gc_route *self, gc_peer *peer);
void route_unblock(gc_route *self, gc_peer *peer);

void route_join_job(gc_route *self, gc_peer *client, gc_job *job);
void route_leave_job(gc_job *job);

/* ---- route_tasks.c ---- */

void route_on_submit(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms);
void route_on_progress(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms);
void route_on_done(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms);
void route_on_fail(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms);
void route_on_cancel(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms);

/* Takes the ticket from its worker and queues it again. `retry` is one of GC_STAT_RETRY_*;
 * all but HANDBACK count as one more death. */
void route_lose_ticket(gc_route *self, gc_ticket *ticket, const char *why, gc_stat retry,
                       int64_t now_ms);

/* What a worker says it holds: unknown tasks are taken in, queued ones leave the queue. */
void route_adopt(gc_route *self, gc_peer *peer, const gc_strv *running, int64_t now_ms);

/* Loses what the worker holds but does not name, sent at `before_ms` or earlier; nothing if
 * it names as many as a message can. */
void route_reconcile(gc_route *self, gc_peer *peer, const gc_strv *running,
                     int64_t before_ms, int64_t now_ms);

/* Drops the queue of a job whose client is gone. */
void route_orphan_job(gc_route *self, gc_job *job);

/* FAIL no_worker for tasks that nobody served for too long. */
void route_fail_unserved(gc_route *self, int64_t now_ms);
void route_dispatch(gc_route *self, int64_t now_ms);

#endif
