/* One connection of the server; private to server.c and conn.c. */
#ifndef GC_LLM_SIM_CONN_H
#define GC_LLM_SIM_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "tests/llm-sim/engine.h"
#include "tests/llm-sim/heap.h"
#include "tests/llm-sim/http.h"

typedef enum gc_sim_conn_state {
    GC_SIM_CONN_READING, /* waits for (the rest of) a request */
    GC_SIM_CONN_DELAYED, /* has one; the first byte is due later */
    GC_SIM_CONN_SENDING,
    GC_SIM_CONN_STALLED, /* a fault: silent until the client goes */
    GC_SIM_CONN_CLOSING, /* sent all, reads on so that no reset eats the answer */
    GC_SIM_CONN_DEAD     /* to be destroyed by the server */
} gc_sim_conn_state;

typedef struct gc_sim_conn gc_sim_conn;
struct gc_sim_conn {
    int fd;
    gc_sim_conn_state state;
    gc_sim_engine *engine; /* borrowed, like the heap */
    gc_sim_heap *heap;
    gc_sim_timer timer;
    gc_sim_http http;
    gc_buf early; /* bytes of the next request that came with this one */
    gc_buf out;   /* not yet sent */
    gc_sim_exchange *exchange;
    int64_t due_us;   /* when the next piece of a stream is due */
    int64_t every_us; /* a fault: one byte of the answer each time */
    size_t
        last_len; /* the end of the answer: the ledger has its line before it goes out */
    bool chunked;
    bool ended; /* the whole response is in `out` */
    bool close_after;
    bool reset_after;  /* a fault: reset once `out` is sent */
    bool stall_after;  /* a fault: fall silent once `out` is sent */
    bool broken;       /* the response is not complete even if all of `out` is sent */
    uint32_t events;   /* armed in epoll */
    gc_sim_conn *next; /* all connections of the server */
    gc_sim_conn *prev;
};

gc_sim_conn *gc_sim_conn_new(int fd, gc_sim_engine *engine, gc_sim_heap *heap,
                             int64_t now_us);

/* Closes the socket; an answer under way is journaled as broken off. */
void gc_sim_conn_destroy(gc_sim_conn **self_p, int64_t now_us);

/* The socket is readable, or the peer went away. */
void gc_sim_conn_readable(gc_sim_conn *self, int64_t now_us);

/* The socket is writable, or the timer is due. */
void gc_sim_conn_progress(gc_sim_conn *self, int64_t now_us);

/* What epoll shall watch in the present state. */
uint32_t gc_sim_conn_wants(const gc_sim_conn *self);

#endif
