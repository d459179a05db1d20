/* What a worker says to one broker and when: docs/protocol.md, "Worker". Pure: messages and
 * the clock come in, `send` and `reopen` go out.
 *
 * A broker that is silent for three heartbeats, and at least GC_SESSION_MIN_SILENCE_MS, is
 * given up: the socket is opened anew, with back-off, and everything is said again. */
#ifndef GC_WORKER_SESSION_H
#define GC_WORKER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "common/wire.h"

#define GC_SESSION_MIN_SILENCE_MS 5000 /* a busy machine is not a dead one */
#define GC_SESSION_REOPEN_MAX_MS 10000

typedef struct gc_session gc_session;

typedef struct gc_session_conf {
    const char *endpoint; /* for the log; strings are borrowed while the session lives */
    const char *id;
    const char *host;
    int64_t pid;
    const gc_strv *providers;
    int64_t heartbeat_ms; /* until the broker says its own */
    /* GC_EAGAIN: nobody is connected, or the queue is full. */
    gc_err (*send)(void *arg, const gc_wire *message);
    void (*reopen)(void *arg);    /* throw the connection away, make a new one */
    int64_t (*credit)(void *arg); /* tasks to hold for this broker in all */
    void (*running)(void *arg,
                    gc_strv *names); /* appends "job/task" of what it gave us */
    void (*on_task)(void *arg, gc_wire *message); /* may take parts of it */
    /* `task` "": all of the job; `unbegun`: only what was not sent to the provider. */
    void (*on_cancel)(void *arg, const char *job, const char *task, bool unbegun);
    void *arg;
} gc_session_conf;

gc_session *gc_session_new(const gc_session_conf *conf, int64_t now_ms);
void gc_session_destroy(gc_session **self_p);

/* One message of the broker. The caller releases what is left of it. */
void gc_session_receive(gc_session *self, gc_wire *message, int64_t now_ms);

/* Does what is due; when it is due again. Tells a changed credit. */
int64_t gc_session_tick(gc_session *self, int64_t now_ms);

/* The broker has answered our HELLO and is not silent. */
bool gc_session_live(const gc_session *self);

/* PROGRESS, DONE, FAIL. GC_EAGAIN: not now, keep it (or drop it, a PROGRESS). */
GC_MUST_CHECK gc_err gc_session_send(gc_session *self, const gc_wire *message);

/* We leave for good. */
void gc_session_bye(gc_session *self);

#endif
