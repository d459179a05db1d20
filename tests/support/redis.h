/* A private redis-server for one test program: unix socket in a temporary folder,
 * append-only file with fsync always; it dies with the test. Every wait has a deadline and
 * fails the test. */
#ifndef GC_TESTS_SUPPORT_REDIS_H
#define GC_TESTS_SUPPORT_REDIS_H

#include <hiredis/hiredis.h>
#include <stdint.h>
#include <sys/types.h>

#define TEST_WAIT_MS 20000

typedef struct test_redis {
    char *dir;
    char *socket;
    char *url; /* unix:///… */
    int port;  /* 0 = unix socket only */
    pid_t pid; /* 0 = not running */
    redisContext *control;
} test_redis;

/* Starts a server and waits for its PONG. */
test_redis *must_redis_start(void);
/* The same, also on 127.0.0.1:`port` of its choice. */
test_redis *must_redis_start_tcp(void);
void must_redis_destroy(test_redis **self_p);

/* SIGKILL, and waits for the end. */
void must_redis_kill(test_redis *self);
/* Starts it again on the same data. */
void must_redis_again(test_redis *self);
/* SIGSTOP and SIGCONT. */
void must_redis_freeze(test_redis *self);
void must_redis_thaw(test_redis *self);

/* A command on a connection of its own; printf-like as redisCommand. The reply is never an
 * error; the caller frees it. */
redisReply *must_redis(test_redis *self, const char *fmt, ...);
/* The same, for its text ("" for nil; free() it) or number. */
char *must_redis_text(test_redis *self, const char *fmt, ...);
int64_t must_redis_int(test_redis *self, const char *fmt, ...);

#endif
