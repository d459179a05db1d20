/* The inside of gc_astore. Three parts: requests and their queues (store_async.c), the
 * connection (store_async_link.c), the operations (store_async_tasks.c, store_async_ops.c,
 * store_async_sums.c).
 *
 * Design notes. A request is kept as RESP bytes until it is answered. `waiting` holds what
 * was not written yet, `sent` what was, in order; together they are the order in which the
 * caller asked. Whatever goes wrong (the connection, a script that Redis forgot, a refusal
 * such as OOM) is mended in one way: drop the connection, put `sent` back in front of
 * `waiting`, connect again (at once or after a back-off), load the scripts, send it all
 * again. That is right because every operation may be repeated. Script calls that follow each
 * other go as one call of the script MANY (store_async_join.c): Redis then starts Lua once,
 * writes shared counters once, and syncs its file once, as its argument arrives whole where a
 * pipeline is read in slices of 16 KiB. Its reply is taken apart again, request by request.
 *
 * Invariants: (1) every request is in exactly one queue until its callback runs; (2) no
 * callback runs inside the call that made the request; (3) `bytes` is the sum over `sent`
 * and `waiting`; (4) after any callback the store may be closing: look before going on. */
#ifndef GC_COMMON_STORE_ASYNC_PRIVATE_H
#define GC_COMMON_STORE_ASYNC_PRIVATE_H

#include <hiredis/hiredis.h>
#include <uv.h>

#include "common/store_async.h"
#include "common/store_private.h"

#define GC_ASTORE_SEND_CHUNK ((size_t)1 << 20) /* bytes gathered for one send() */
#define GC_ASTORE_MANY 256 /* requests in one script call, and their bytes at most */
#define GC_ASTORE_MANY_BYTES ((size_t)256 << 10)
#define GC_ASTORE_BACKOFF_MIN_MS 50
#define GC_ASTORE_BACKOFF_MAX_MS 2000

typedef struct gc_request gc_request;

/* Decodes the reply (NULL if err is set) and calls the caller back. */
typedef void (*gc_answer_fn)(gc_request *self, gc_err err, const redisReply *reply);

struct gc_request {
    gc_request *next;
    gc_astore *store;
    char *bytes; /* NULL for a request that failed before it was queued */
    size_t len;
    int script;   /* gc_script_id, or -1 */
    size_t many;  /* of the first of several that were sent as one command: how many */
    bool alone;   /* never again with others: such a call broke */
    gc_err early; /* why it failed before it was queued */
    gc_answer_fn answer;
    union {
        gc_claim_cb claim;
        gc_renew_cb renew;
        gc_done_cb done;
        gc_commit_cb commit;
        gc_blob_cb blob;
        gc_prefix_cb prefix;
        gc_turn_cb turn;
    } cb;
    void *arg;
    size_t count;                /* claim, renew: files of the task */
    bool *ours;                  /* renew: which of them were asked about */
    char sha256[GC_SHA_HEX + 1]; /* blob_get: what it must hash to */
};

typedef struct gc_request_queue {
    gc_request *head;
    gc_request *tail;
    size_t count;
} gc_request_queue;

/* Gathered within one turn of the loop (store_async_sums.c). */
typedef struct gc_limit_sum {
    char *key; /* NULL: nothing gathered */
    int64_t window_ms;
    gc_booking error;
} gc_limit_sum;

typedef struct gc_model_sum {
    char *model;
    gc_cmd cmd;   /* unfinished; only while count > 0 */
    size_t count; /* pairs of figures */
} gc_model_sum;

typedef enum gc_link_phase {
    GC_LINK_DOWN, /* waiting for the back-off timer */
    GC_LINK_RESOLVING,
    GC_LINK_CONNECTING,
    GC_LINK_HELLO, /* AUTH, SELECT, SCRIPT LOAD on their way */
    GC_LINK_READY
} gc_link_phase;

struct gc_astore {
    uv_loop_t *loop;
    gc_redis_url url;
    char *shown; /* url without password, for the log */
    gc_scripts scripts;
    void (*on_state)(void *arg, bool up);
    void *arg;

    gc_request_queue sent;
    gc_request_queue waiting;
    gc_request_queue early; /* failed before they were queued; answered next tick */
    size_t bytes;           /* invariant 3 */
    gc_limit_sum limit_sum;
    gc_model_sum model_sum;
    const gc_request
        *refused_by; /* the request that Redis refused: up again when it passes */

    gc_link_phase phase;
    bool up;
    bool closing;
    bool down_logged;
    bool denial_logged;
    bool reloading; /* reconnected for the scripts, no good reply since */
    int fd;
    uv_poll_t *poll; /* frees itself */
    bool want_write;
    int watched; /* what `poll` looks for */
    redisReader *reader;
    gc_buf out;          /* bytes being sent */
    gc_buf packed;       /* while requests are joined; kept for the next time */
    size_t hello_left;   /* replies missing until GC_LINK_READY */
    int64_t progress_ms; /* last reply, or the first request of a silence */
    int64_t backoff_ms;

    uv_prepare_t prepare;
    uv_timer_t timer; /* back-off, connect and reply deadlines, by phase */
    uv_getaddrinfo_t resolver;
    struct addrinfo *addresses;
    struct addrinfo *next_address;
    int references; /* libuv still knows this many parts of us */
};

/* ---- requests (store_async.c) ---- */
gc_request *gc_request_new(gc_astore *self, gc_answer_fn answer, void *arg);

/* Queues `request` with the bytes of `cmd`; releases `cmd`, owns `request`. */
void gc_request_submit(gc_request *request, gc_cmd *cmd);

/* Answers it with `err` at the next tick. */
void gc_request_fail(gc_request *request, gc_err err);

/* For operations that answer with a status only; the callback may be NULL. */
void gc_request_answer_done(gc_request *self, gc_err err, const redisReply *reply);
void gc_request_submit_done(gc_astore *self, gc_cmd *cmd, gc_done_cb cb, void *arg);

void gc_request_push(gc_request_queue *queue, gc_request *request);
void gc_request_push_front(gc_request_queue *queue, gc_request *request);
gc_request *gc_request_pop(gc_request_queue *queue);

/* Calls back and frees the request, which is in no queue. */
void gc_request_answer(gc_request *request, gc_err err, const redisReply *reply);

/* One reply of the server belongs to the oldest sent request, or to the oldest few. */
void gc_astore_on_reply(gc_astore *self, const redisReply *reply);

/* Tells the owner if it changed. */
void gc_astore_set_up(gc_astore *self, bool up, const char *why);

/* ---- what adds up (store_async_sums.c) ---- */
/* Owns `key`. */
void gc_sums_add_limit(gc_astore *self, char *key, int64_t window_ms,
                       const gc_booking *error);
void gc_sums_add_figures(gc_astore *self, const char *model, double bytes_per_token,
                         double seconds_per_output_token);
/* Makes requests of what was gathered. */
void gc_sums_submit(gc_astore *self);
void gc_sums_drop(gc_astore *self);
size_t gc_sums_pending(const gc_astore *self);

/* Arguments of LIMIT_TAKE and LIMIT_SETTLE. */
void gc_cmd_booking(gc_cmd *self, int64_t window_ms, const gc_booking *booking);

/* ---- connection (store_async_link.c) ---- */
void gc_link_open(gc_astore *self);

/* Sends what waits, as far as the socket takes it. */
void gc_link_flush(gc_astore *self);

/* Drops the connection, puts `sent` back in front of `waiting`, connects again: at once if
 * `why` is NULL (the owner is not told), else after the back-off. */
void gc_link_drop(gc_astore *self, const char *why);

/* Moves the first `count` waiting requests into `cmd`: one call of the script MANY. */
void gc_link_join(gc_astore *self, size_t count, gc_cmd *cmd);

/* How many of the waiting requests may go as one command, in their order. */
size_t gc_link_joinable(const gc_astore *self);

/* For good: libuv's callbacks come later. */
void gc_link_close(gc_astore *self);

#endif
