/* A real gc-broker process and peers that talk to it. One broker and up to LIVE_PEERS peers
 * at a time; whoever waits for one peer keeps all others alive (PING is answered). */
#ifndef GC_TESTS_SUPPORT_LIVE_BROKER_H
#define GC_TESTS_SUPPORT_LIVE_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/strv.h"
#include "common/wire.h"

#define LIVE_PEERS 8
#define LIVE_WAIT_MS 40000 /* no test waits longer for anything */

typedef struct live_peer {
    void *socket; /* NULL: not in use */
    char *id;     /* NULL: raw, says nothing by itself */
    bool worker;
    int64_t credit;
    gc_strv held;  /* "job/task", for HELLO and PONG */
    gc_strv inbox; /* what came, one line each; PING is not shown */
} live_peer;

typedef struct live_broker {
    pid_t pid;
    char *tcp; /* real endpoints */
    char *ipc;
    char *http; /* "" if off */
    char *dir;  /* own folder, also the working folder */
    void *context;
    live_peer peers[LIVE_PEERS];
} live_broker;

/* Starts the broker on a free tcp port and a socket in `dir`; `environment` and `arguments`
 * end with NULL (either may be NULL). Waits for --ready-fd. */
void live_start(live_broker *self, const char *const *environment,
                const char *const *arguments);

/* Sends `signal` and returns the exit code, or -signal. */
int live_stop(live_broker *self, int signal);

/* Closes peers, stops the broker if it runs, removes the folder. */
void live_end(live_broker *self);

/* Runs gc-broker with these arguments until it ends; its exit code, stderr in *text. */
int live_run(const char *const *arguments, char **text);

/* A DEALER on `endpoint` with HELLO said and answered. */
live_peer *live_client(live_broker *self, const char *endpoint, const char *id);
live_peer *live_worker(live_broker *self, const char *endpoint, const char *id,
                       int64_t credit);

/* A DEALER that says nothing by itself; `own` and `server` are zcert files, or NULL. */
live_peer *live_raw(live_broker *self, const char *endpoint, const char *own,
                    const char *server);
void live_hello(live_peer *peer);

/* Without a word, as a killed process would. */
void live_kill(live_peer *peer);

void live_submit(live_peer *peer, const char *job, const char *ids);
void live_send(live_peer *peer, gc_command command, const char *job, const char *task);

/* DONE, and the task is no longer held. */
void live_done(live_peer *peer, const char *job, const char *task);
void live_ready(live_peer *peer, int64_t credit);

/* The next line of this peer is `want` ("TASK j/t#1"); a worker then holds the task. */
void live_expect(live_broker *self, live_peer *peer, const char *want);

/* The next line begins with `want`. */
void live_expect_prefix(live_broker *self, live_peer *peer, const char *want);

/* Nothing came, and nothing was on its way. */
void live_expect_nothing(live_broker *self, live_peer *peer);

/* Answers PINGs for all until `ms` are over. */
void live_idle(live_broker *self, int64_t ms);

/* GET from the HTTP address: the whole answer (free it). */
char *live_get(const live_broker *self, const char *path);

/* A counter or gauge by its name with labels; -1 if there is none. */
double live_metric(const live_broker *self, const char *name);

/* Until the metric is at least `least`. */
void live_await_metric(live_broker *self, const char *name, double least);

#endif
