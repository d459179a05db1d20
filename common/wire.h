/* The wire between coordinator, broker and worker: frames `GC1` | command | msgpack map
 * over DEALER-ROUTER-DEALER. docs/protocol.md specifies fields, states and timeouts.
 * This codec is pure: bytes in, struct out. Unknown map keys are ignored; missing ones,
 * wrong types, over-long strings and counts larger than the bytes left are refused. */
#ifndef GC_COMMON_WIRE_H
#define GC_COMMON_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/strv.h"

#define GC_WIRE_MAGIC "GC1"
#define GC_WIRE_VERSION 1
#define GC_WIRE_MAX_ID 64
#define GC_WIRE_MAX_TASKS 1024 /* per SUBMIT */
#define GC_WIRE_MAX_RUNNING 4096
#define GC_WIRE_MAX_PROVIDERS 16
#define GC_WIRE_MAX_CREDIT 1000000
#define GC_WIRE_MAX_REASON 64
#define GC_WIRE_MAX_TEXT 4096 /* longer ones are cut by the sender */
#define GC_WIRE_MAX_HOST 256
#define GC_WIRE_MAX_PAYLOAD ((int64_t)64 << 20) /* of one task; peers agree on less */
#define GC_WIRE_MAX_ROUTE 255                   /* bytes of a ROUTER identity */

#define GC_COMMAND_MAP(X)                                                                \
    X(GC_HELLO, "HELLO")   /* either side: who I am; the broker answers with its own */  \
    X(GC_READY, "READY")   /* worker: how many tasks it is willing to hold in all */     \
    X(GC_SUBMIT, "SUBMIT") /* client: tasks of one job */                                \
    X(GC_TASK, "TASK")     /* broker -> worker */                                        \
    X(GC_PROGRESS, "PROGRESS") /* worker -> broker -> client: may be lost */             \
    X(GC_DONE, "DONE")         /* worker -> broker -> client: stored, look into Redis */ \
    X(GC_FAIL, "FAIL") /* worker or broker -> client: this task ended without DONE */    \
    X(GC_CANCEL, "CANCEL") /* client -> broker -> workers: a job, or one task */         \
    X(GC_PING, "PING")                                                                   \
    X(GC_PONG, "PONG")                                                                   \
    X(GC_BYE, "BYE")   /* I leave; hand my tasks to others */                            \
    X(GC_BUSY, "BUSY") /* broker -> client: these tasks were not queued, send again */   \
    X(GC_REFUSED, "REFUSED") /* your frame was refused, and why */

typedef enum gc_command {
#define X(name, text) name,
    GC_COMMAND_MAP(X)
#undef X
    GC_COMMAND_COUNT
} gc_command;

const char *gc_command_str(gc_command command);

typedef struct gc_wire_task {
    char *id;
    char *provider;  /* who can serve it: matched against the worker's providers */
    int64_t attempt; /* from 1; counts worker deaths, not provider trouble */
    void *payload;   /* gc_task, encoded; opaque to the broker */
    size_t payload_len;
} gc_wire_task;

/* One message: the fields that its command uses, the others zero (docs/protocol.md). An
 * optional field that is absent on the wire is zero, empty, or "" (never a NULL text). Ids
 * are 1 to GC_WIRE_MAX_ID bytes of [A-Za-z0-9._:@-]. A sender may lend its texts (cast
 * constants to char *) as long as it does not release the message. */
typedef struct gc_wire {
    gc_command command;
    int64_t version; /* HELLO */
    char *role;      /* HELLO: worker, client, broker */
    char *id;        /* HELLO; PING, PONG of the broker: own id, new at every start */
    char *host;      /* HELLO */
    int64_t pid;     /* HELLO */
    int64_t credit;  /* HELLO, READY, PONG (worker): tasks willing to hold in all */
    int64_t heartbeat_ms;  /* HELLO of the broker */
    int64_t max_bytes;     /* HELLO of the broker: largest payload */
    bool known;            /* HELLO of the broker: same connection, nothing was lost */
    gc_strv providers;     /* HELLO of a worker: those it has a key for */
    gc_strv running;       /* HELLO, PONG of a worker: "job/task" it holds */
    char *job;             /* SUBMIT TASK PROGRESS DONE FAIL CANCEL BUSY */
    int64_t max_in_flight; /* SUBMIT: of this job; 0 = no limit */
    gc_wire_task *tasks;   /* SUBMIT: any; TASK: one */
    size_t task_count;
    char *task;       /* PROGRESS DONE FAIL; CANCEL: one task, "" = whole job */
    bool unbegun;     /* CANCEL: only what no worker has sent to the provider yet */
    int64_t attempt;  /* PROGRESS DONE FAIL: the attempt of the TASK */
    gc_strv task_ids; /* BUSY */
    int64_t retry_ms; /* BUSY: not before */
    void *
        payload; /* PROGRESS: msgpack map; DONE, FAIL (may be empty): gc_result, encoded */
    size_t payload_len;
    char *reason; /* FAIL, REFUSED: one of the reasons below */
    char *text;   /* FAIL, REFUSED: a sentence; never a secret */
} gc_wire;

/* FAIL reasons. Each asks for another reaction of the coordinator. */
#define GC_FAIL_PROVIDER "provider" /* patience ran out: exit 7 */
#define GC_FAIL_AUTH "auth"         /* key refused or missing: exit 7 */
#define GC_FAIL_SPEND "spend"       /* provider's spend limit, or our cap: exit 4 */
#define GC_FAIL_CAP "cap"           /* --max-cost reached */
#define GC_FAIL_REQUEST "request"   /* the provider refuses this request: 400, 404, 413 */
#define GC_FAIL_POISON "poison"     /* its worker died three times */
#define GC_FAIL_NO_WORKER \
    "no_worker" /* nobody can serve this provider (broker, after 20 s) */
#define GC_FAIL_HANDBACK "handback" /* worker drains: submit again, no attempt counted */
#define GC_FAIL_CANCELLED "cancelled"
#define GC_FAIL_STALE "stale"       /* lease lost: look into Redis, submit again */
#define GC_FAIL_BAD_TASK "bad_task" /* payload refused */

/* REFUSED reasons. After "hello" a peer says HELLO again and then, a client, submits all
 * that is unfinished; a worker's HELLO lists what it runs. The same after a PING or PONG of
 * the broker with another `id` than before. A client submits everything unfinished after
 * each HELLO of the broker without `known`: messages to it may have been lost. */
#define GC_REFUSED_HELLO "hello"     /* say HELLO first: the broker does not know you */
#define GC_REFUSED_VERSION "version" /* another protocol version; the text names both */
#define GC_REFUSED_MALFORMED "malformed"
#define GC_REFUSED_TOO_BIG "too_big"
#define GC_REFUSED_ROLE "role" /* this command is not for your role */
#define GC_REFUSED_FULL "full" /* too many peers */

void gc_wire_init(gc_wire *self, gc_command command);
void gc_wire_release(gc_wire *self);

/* Appends the msgpack body (third frame). Never fails but by the limit of `out`. */
void gc_wire_encode(const gc_wire *self, gc_buf *out);

/* Decodes frames 1-3. GC_EPROTO: malformed, GC_ESTATE: another protocol version,
 * GC_ETOOBIG; `info` says what. `out` is initialised on success only (release it). */
GC_MUST_CHECK gc_err gc_wire_decode(const void *magic, size_t magic_len,
                                    const void *command, size_t command_len,
                                    const void *body, size_t body_len, gc_wire *out,
                                    gc_errinfo *info);

/* ---- the thin shell over a libzmq socket; one thread ---- */

/* Sends the three frames without blocking; before them `route` (ROUTER only, else NULL).
 * GC_EAGAIN: the queue to the peer is full, or nobody is connected. GC_ECLOSED: no such
 * peer. GC_ETOOBIG: the body is over GC_WIRE_MAX_BODY. GC_EIO: the socket is unusable. */
#define GC_WIRE_MAX_BODY ((size_t)128 << 20)
GC_MUST_CHECK gc_err gc_wire_send(void *zmq_socket, const gc_wire *message,
                                  const void *route, size_t route_len);

/* Receives one message without blocking. GC_EAGAIN: none. GC_EPROTO, GC_ESTATE, GC_ETOOBIG:
 * one message was read whole and refused. `route` (NULL for DEALER) gets the identity, also
 * of a refused message. GC_EIO: the socket is unusable. */
GC_MUST_CHECK gc_err gc_wire_recv(void *zmq_socket, gc_wire *out, gc_buf *route,
                                  gc_errinfo *info);

/* Options for every socket of ours (heartbeats, keep-alive, bounded queues, linger,
 * reconnect back-off, message size). Payloads of one message may sum up to `max_bytes`. */
void gc_wire_tune(void *zmq_socket, int64_t heartbeat_ms, int64_t max_bytes);

/* ipc, inproc, and tcp to 127.0.0.0/8, [::1] or localhost: what needs no encryption. */
bool gc_wire_is_local(const char *endpoint);

/* CURVE for a connecting socket, before it connects: own secret certificate and the
 * server's public one (czmq zcert files); given, they apply to every endpoint, and may both
 * be "" for a local one. GC_EINVAL: tcp off loopback without certificates and without
 * `insecure`, only one of the two, or unreadable files. */
GC_MUST_CHECK gc_err gc_wire_secure_client(void *zmq_socket, const char *endpoint,
                                           const char *certificate, const char *server,
                                           bool insecure, gc_errinfo *info);

#endif
