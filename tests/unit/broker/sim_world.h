/* The world of the simulator: the real core of the broker, real worker sessions, and what
 * stands for a worker's tasks and for a coordinator, after docs/protocol.md. One at a time. */
#ifndef GC_TESTS_SIM_WORLD_H
#define GC_TESTS_SIM_WORLD_H

#include "broker/route.h"
#include "worker/session.h"

#define WORKERS 4
#define CLIENTS 3
#define PEERS (WORKERS + CLIENTS)
#define MOST_TASKS 96 /* of one client */
#define MOST_HELD 256
#define MOST_MAIL 8192
#define BEAT 1000
#define STEP_MS 25
#define DELAY_MS 400    /* a message takes at most; less than three heartbeats */
#define LOOK_MS 15000   /* a client looks into the store after so long without news */
#define SILENCE_MS 3000 /* a client takes the broker for gone */
#define MAX_QUEUED 60   /* less than all tasks: BUSY is part of it */

typedef enum task_state {
    UNSENT,
    SENT,
    ENDED
} task_state;

typedef struct sim_task {
    task_state state;
    int64_t due_ms; /* UNSENT: not before; SENT: the last news */
    bool stored;    /* its answer is in Redis */
    bool poison;    /* kills its worker */
} sim_task;

typedef struct held {
    int client, task;
    int64_t attempt, done_ms;
} held;

typedef struct peer {
    char id[16], endpoint[16];
    int number, pid, connection;
    bool alive, draining;
    int64_t asleep_ms, cut_ms, back_ms; /* until then */
    /* worker */
    gc_session *session;
    held held[MOST_HELD];
    size_t held_count, slots, taken;
    /* client */
    bool up;
    char broker[16];
    int64_t heard_ms, hello_ms;
    sim_task tasks[MOST_TASKS];
    size_t task_count;
} peer;

typedef struct mail {
    int peer, connection;
    bool to_broker;
    int64_t due_ms;
    char command[16];
    char *body;
    size_t len;
} mail;

typedef struct sim {
    uint64_t seed, random;
    size_t given[CLIENTS]; /* TASKs of each job that the broker sent */
    int few;               /* a job that is watched: */
    size_t few_end;        /* when so many were sent of it, */
    size_t many_then;      /* how many had been of the others */
    int64_t now_ms;
    bool chaos, gentle; /* gentle: only orderly stops */
    gc_route *route;
    char broker[16];
    int brokers;
    int64_t broker_back_ms;
    peer peers[PEERS];
    gc_strv providers;
    mail mail[MOST_MAIL];
    size_t mail_count;
    int64_t last_ms[PEERS][2]; /* due time of the newest message of a direction */
} sim;

extern sim *world;

/* Uniform below `bound`, by the seed. */
uint32_t below(uint32_t bound);
bool chance(uint32_t per_mille);

/* Fails the test: names seed, time and what does not hold. */
void broken(const char *rule, int a, int b);

/* NULL: the worker does not hold it. */
held *find_held(peer *p, int client, int task);

/* Another process under its name or a new one. */
void start_worker(peer *p);
void kill_peer(peer *p);

/* What a peer does when its loop turns. */
void turn_worker(peer *p);
void turn_client(peer *p);
void start_broker(void);
void drop_mail(size_t i);

/* All connections and messages go with it. */
void kill_broker(void);

/* Hands over what has arrived by now. */
void deliver_due(void);

#endif
