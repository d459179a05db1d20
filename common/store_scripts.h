/* The Lua functions behind every state change that must be one step (docs/redis.md).
 * Keys are built inside from ids: they live in one Redis, not in a cluster. Each answers
 * "OK" or the name of a gc_err ("ESTATE", "ENOENT", …), alone or as the first element.
 * All of them may be repeated: a lost reply is answered by sending the command again. */
#ifndef GC_COMMON_STORE_SCRIPTS_H
#define GC_COMMON_STORE_SCRIPTS_H

#include <stdbool.h>
#include <stddef.h>

#define GC_SCRIPT_MAP(X) \
    X(JOB_CREATE)        \
    X(JOB_RENEW)         \
    X(JOB_TAKE)          \
    X(JOB_STATE)         \
    X(JOB_SET)           \
    X(JOB_CANCEL)        \
    X(JOB_UNFINISHED)    \
    X(TASK_SET)          \
    X(FILES_PUT)         \
    X(EVENTS_ADD)        \
    X(FILE_REFS)         \
    X(BLOB_PUT)          \
    X(BLOB_DROP)         \
    X(GEN_FIND)          \
    X(WORKERS)           \
    X(WORKER_SEEN)       \
    X(WORKER_GONE)       \
    X(MODEL_ADD)         \
    X(MODEL_LEARN)       \
    X(CLAIM)             \
    X(RENEW)             \
    X(RELEASE)           \
    X(COMMIT)            \
    X(SETTLE)            \
    X(PREFIX_CLAIM)      \
    X(PREFIX_WARM)       \
    X(PREFIX_ABANDON)    \
    X(LIMIT_TAKE)        \
    X(LIMIT_LEAVE)       \
    X(LIMIT_SETTLE)      \
    X(LIMIT_LEARN)       \
    X(LIMIT_PAUSE)       \
    X(MANY)

typedef enum gc_script_id {
#define X(name) GC_SCRIPT_##name,
    GC_SCRIPT_MAP(X)
#undef X
    GC_SCRIPT_COUNT
} gc_script_id;

/* May travel inside MANY: one script call that does what many would, in their order. What a
 * worker asks for in one turn of its loop goes so (docs/redis.md). */
bool gc_script_joins(int id);

#define GC_SCRIPT_SHA 40
/* Redis names scripts by SHA-1 (redis.sha1hex in Lua). */
void gc_sha1_hex(const void *mem, size_t len, char out[GC_SCRIPT_SHA + 1]);

typedef struct gc_script {
    char *text;                   /* what SCRIPT LOAD gets */
    char sha1[GC_SCRIPT_SHA + 1]; /* what EVALSHA names */
} gc_script;

typedef struct gc_scripts {
    gc_script items[GC_SCRIPT_COUNT];
} gc_scripts;

void gc_scripts_init(gc_scripts *self);
void gc_scripts_release(gc_scripts *self);

#endif
