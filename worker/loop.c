#include "worker/loop.h"

#include <czmq.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "common/clock.h"
#include "common/keys.h"
#include "common/log.h"
#include "common/mem.h"
#include "worker/dealer.h"
#include "worker/session.h"
#include "worker/tasks.h"

#define BLOB_CACHE_BYTES ((size_t)64 << 20)
#define MIN_TICK_MS 10 /* however many runs want to be woken */
#define MAX_TICK_MS 1000
#define STATS_MS 60000
#define SEEN_BEATS 4 /* heartbeats that the sign of life in Redis lasts */
#define LEAVE_UNTOLD_MS \
    5000 /* drained, but the broker does not listen: it is all stored */
#define LEAVE_WITHOUT_REDIS_MS 5000
#define LARGE_BYTES (64 << 10)
#define LOOP_HANDLES 6
#define FLUSH_MS 1000 /* for the last words to Redis */

typedef struct broker {
    gc_loop *loop;
    gc_dealer *dealer;
    gc_session *session;
} broker;

struct gc_loop {
    const gc_worker_conf *conf;
    uv_loop_t uv;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_signal_t signals[2];
    int64_t timer_due_ms; /* GC_RUN_NEVER: not armed */
    bool in_tick;
    gc_run_env env;
    gc_tally tally;
    gc_noise noise;
    gc_tally told; /* as last logged */
    gc_tasks *tasks;
    broker *brokers;
    size_t broker_count;
    char host[GC_WIRE_MAX_HOST];
    char *providers; /* for people: comma separated */
    int64_t seen_at_ms;
    int64_t stats_at_ms;
    int64_t redis_down_ms;  /* since when; 0: it is up */
    int64_t drain_ms;       /* since when; 0: no */
    int64_t flush_until_ms; /* everything is over but for this; 0: no */
};

static void on_timer(uv_timer_t *timer);

/* ---- seams of tasks, sessions and store ---- */

static void wake(void *arg, int64_t due_ms)
{
    gc_loop *self = arg;
    if (self->in_tick || due_ms >= self->timer_due_ms)
        return; /* the tick arms the timer itself */
    int64_t wait = due_ms - gc_clock_ms();
    self->timer_due_ms = due_ms;
    uv_timer_start(&self->timer, on_timer,
                   (uint64_t)(wait > MIN_TICK_MS ? wait : MIN_TICK_MS), 0);
}

static void on_redis(void *arg, bool up)
{
    gc_loop *self = arg;
    self->redis_down_ms = up ? 0 : gc_clock_ms();
    self->seen_at_ms = 0;
    gc_tasks_set_ready(self->tasks, up);
}

static gc_err send_to(void *arg, const gc_wire *message)
{
    return gc_dealer_send(((broker *)arg)->dealer, message);
}

static void reopen(void *arg)
{
    gc_dealer_reopen(((broker *)arg)->dealer);
}

/* Nothing new while Redis is away or when we are about to go. */
static int64_t credit(void *arg)
{
    const broker *from = arg;
    const gc_loop *self = from->loop;
    int64_t slots = self->conf->config.cluster_slots;
    int64_t others = (int64_t)gc_tasks_of_others(self->tasks, from->session);
    if (self->redis_down_ms || self->drain_ms || others >= slots)
        return 0;
    return slots + (int64_t)gc_tasks_waiting(self->tasks) - others;
}

static void running(void *arg, gc_strv *names)
{
    const broker *from = arg;
    gc_tasks_running(from->loop->tasks, from->session, names);
}

static void on_task(void *arg, gc_wire *message)
{
    const broker *from = arg;
    gc_tasks_take(from->loop->tasks, from->session, message);
}

static void on_cancel(void *arg, const char *job, const char *task, bool unbegun)
{
    gc_tasks_cancel(((broker *)arg)->loop->tasks, job, task, unbegun);
}

static void on_message(void *arg, gc_wire *message)
{
    broker *from = arg;
    int64_t now_ms = gc_clock_ms();
    gc_session_receive(from->session, message, now_ms);
    if (message->command != GC_TASK)
        wake(from->loop, now_ms); /* it may have turned live, or must say HELLO */
}

/* ---- what is due ---- */

static void tell_presence(gc_loop *self, int64_t now_ms)
{
    const gc_config *config = &self->conf->config;
    if (now_ms < self->seen_at_ms)
        return;
    self->seen_at_ms = now_ms + config->cluster_heartbeat_ms;
    gc_astore_worker_seen(self->env.store, self->conf->id, self->host, getpid(),
                          config->cluster_slots, (int64_t)gc_tasks_count(self->tasks),
                          self->providers, SEEN_BEATS * config->cluster_heartbeat_ms);
}

static void log_stats(gc_loop *self)
{
    const gc_tally *t = &self->tally;
    if (memcmp(t, &self->told, sizeof *t) == 0)
        return;
    self->told = *t;
    gc_log_info("worker.stats",
                "tasks=%" PRId64 " done=%" PRId64 " failed=%" PRId64 " refused=%" PRId64
                " requests=%" PRId64 " answers=%" PRId64 " not_sent=%" PRId64
                " sent_unknown=%" PRId64 " rate_limited=%" PRId64 " made=%" PRId64
                " reused=%" PRId64 " rejected=%" PRId64 " waiting=%" PRId64
                " lost_leases=%" PRId64 " uncached=%" PRId64,
                t->tasks, t->done, t->failed, t->refused, t->requests, t->answers,
                t->not_sent, t->sent_unknown, t->rate_limited, t->files_made,
                t->files_reused, t->files_rejected, t->files_waiting, t->lost_leases,
                t->uncached);
}

/* Drained: all ended and told, or there is nobody to tell and nothing to lose. */
static bool may_leave(const gc_loop *self, int64_t now_ms)
{
    if (gc_tasks_count(self->tasks) == 0)
        return true;
    if (gc_tasks_precious(self->tasks))
        return false;
    if (self->redis_down_ms && now_ms - self->redis_down_ms > LEAVE_WITHOUT_REDIS_MS)
        return true;
    for (size_t i = 0; i < self->broker_count; i++)
        if (gc_session_live(self->brokers[i].session))
            return false;
    return now_ms - self->drain_ms > LEAVE_UNTOLD_MS;
}

static void leave(gc_loop *self, int64_t now_ms)
{
    if (!self->flush_until_ms) {
        if (!may_leave(self, now_ms))
            return;
        for (size_t i = 0; i < self->broker_count; i++)
            gc_session_bye(self->brokers[i].session);
        gc_astore_worker_gone(self->env.store, self->conf->id);
        self->flush_until_ms = now_ms + FLUSH_MS;
    }
    if (gc_astore_pending(self->env.store) == 0 || now_ms >= self->flush_until_ms)
        uv_stop(&self->uv);
}

static void tick(gc_loop *self)
{
    int64_t now_ms = gc_clock_ms();
    self->in_tick = true;
    int64_t next = gc_tasks_tick(self->tasks, now_ms);
    for (size_t i = 0; i < self->broker_count && !self->flush_until_ms; i++) {
        int64_t due = gc_session_tick(self->brokers[i].session, now_ms);
        next = due < next ? due : next;
    }
    if (now_ms >= self->stats_at_ms) {
        self->stats_at_ms = now_ms + STATS_MS;
        log_stats(self);
    }
    if (self->drain_ms) {
        leave(self, now_ms);
        next = now_ms + 20 < next ? now_ms + 20 : next;
    } else {
        tell_presence(self, now_ms);
    }
    self->in_tick = false;
    int64_t wait = next - now_ms;
    wait = wait < MIN_TICK_MS ? MIN_TICK_MS : wait > MAX_TICK_MS ? MAX_TICK_MS : wait;
    self->timer_due_ms = now_ms + wait;
    uv_timer_start(&self->timer, on_timer, (uint64_t)wait, 0);
}

static void on_timer(uv_timer_t *timer)
{
    tick(timer->data);
}

/* ---- ZeroMQ between libuv's phases ---- */

static void stay_awake(uv_idle_t *idle)
{
    (void)idle; /* an active idle handle keeps the loop from sleeping */
}

static void before_sleep(uv_prepare_t *prepare)
{
    gc_loop *self = prepare->data;
    for (size_t i = 0; i < self->broker_count; i++)
        if (gc_dealer_ready(self->brokers[i].dealer))
            uv_idle_start(&self->idle, stay_awake);
}

static void after_sleep(uv_check_t *check)
{
    gc_loop *self = check->data;
    uv_idle_stop(&self->idle);
    for (size_t i = 0; i < self->broker_count; i++)
        gc_dealer_pump(self->brokers[i].dealer);
}

static void on_signal(uv_signal_t *handle, int number)
{
    gc_loop *self = handle->data;
    if (self->drain_ms)
        _exit(GC_EXIT_INTERRUPTED);
    self->drain_ms = gc_clock_ms();
    gc_log_info("worker.drain", "signal=%d tasks=%zu", number,
                gc_tasks_count(self->tasks));
    gc_tasks_drain(self->tasks);
    wake(self, self->drain_ms);
}

/* ---- opening ---- */

static void raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit); /* refused: as many calls as there are */
    }
}

/* Prompts come and go in large pieces: they go back to the system, where glibc would keep
 * them once it has seen a few. */
static void return_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
#endif
}

static void open_uv(gc_loop *self)
{
    static const int numbers[] = { SIGTERM, SIGINT };
    uv_loop_init(&self->uv);
    uv_timer_init(&self->uv, &self->timer);
    uv_prepare_init(&self->uv, &self->prepare);
    uv_check_init(&self->uv, &self->check);
    uv_idle_init(&self->uv, &self->idle);
    self->timer.data = self->prepare.data = self->check.data = self;
    /* First of all prepare handles, so that it runs last: a later one might send. */
    uv_prepare_start(&self->prepare, before_sleep);
    uv_check_start(&self->check, after_sleep);
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&self->uv, &self->signals[i]);
        self->signals[i].data = self;
        uv_signal_start(&self->signals[i], on_signal, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
}

static gc_err open_broker(gc_loop *self, const char *endpoint, gc_errinfo *info)
{
    broker *one = &self->brokers[self->broker_count];
    one->loop = self;
    gc_dealer_conf dealer = { .loop = &self->uv,
                              .context = zsys_init(),
                              .endpoint = endpoint,
                              .config = &self->conf->config,
                              .on_message = on_message,
                              .arg = one };
    gc_session_conf session = { .endpoint = endpoint,
                                .id = self->conf->id,
                                .host = self->host,
                                .pid = getpid(),
                                .providers = &self->conf->providers,
                                .heartbeat_ms = self->conf->config.cluster_heartbeat_ms,
                                .send = send_to,
                                .reopen = reopen,
                                .credit = credit,
                                .running = running,
                                .on_task = on_task,
                                .on_cancel = on_cancel,
                                .arg = one };
    gc_err err = gc_dealer_open(&dealer, &one->dealer, info);
    if (err)
        return err;
    one->session = gc_session_new(&session, gc_clock_ms());
    self->broker_count++;
    return GC_OK;
}

static gc_err open_parts(gc_loop *self, gc_errinfo *info)
{
    const gc_worker_conf *conf = self->conf;
    size_t slots = (size_t)conf->config.cluster_slots;
    self->env = (gc_run_env){ .warm = gc_warm_new(),
                              .pulse = gc_pulse_new(),
                              .tally = &self->tally,
                              .noise = &self->noise,
                              .keys = &conf->keys,
                              .config = &conf->config,
                              .worker = conf->id,
                              .holder = conf->holder };
    self->tasks = gc_tasks_new(&self->env, slots, wake, self);
    const char *ca_file = conf->config.llm_ca_file;
    gc_err err = gc_ca_file_check(ca_file, info);
    if (err)
        return err;
    err = gc_http_open(&self->uv, slots, ca_file, &self->env.http);
    if (err)
        return gc_fail(info, err, "libcurl cannot be started");
    err = gc_astore_open(&self->uv, conf->config.cluster_redis, on_redis, self,
                         &self->env.store, info);
    if (err)
        return err;
    self->env.blobs = gc_blobs_new(self->env.store, BLOB_CACHE_BYTES);
    self->brokers = gc_xcalloc(conf->brokers.count, sizeof *self->brokers);
    for (size_t i = 0; i < conf->brokers.count && !err; i++)
        err = open_broker(self, conf->brokers.items[i], info);
    return err;
}

gc_err gc_loop_new(const gc_worker_conf *conf, gc_loop **out, gc_errinfo *info)
{
    gc_loop *self = gc_xcalloc(1, sizeof *self);
    self->conf = conf;
    self->timer_due_ms = GC_RUN_NEVER;
    self->redis_down_ms = gc_clock_ms();
    self->providers = gc_strv_join(&conf->providers, ",");
    if (gethostname(self->host, sizeof self->host - 1) != 0)
        self->host[0] = '\0';
    raise_files();
    return_memory();
    zsys_init();
    zsys_handler_set(NULL); /* signals are ours */
    open_uv(self);
    gc_err err = open_parts(self, info);
    if (err) {
        gc_loop_destroy(&self);
        return err;
    }
    *out = self;
    return GC_OK;
}

int gc_loop_run(gc_loop *self)
{
    gc_log_info("worker.start", "id=%s slots=%" PRId64 " providers=%s brokers=%zu",
                self->conf->id, self->conf->config.cluster_slots,
                *self->providers ? self->providers : "none", self->broker_count);
    if (!*self->providers)
        gc_log_warn("worker.no_key", "set ANTHROPIC_API_KEY, OPENAI_API_KEY or "
                                     "llm.api_key_file to serve a provider");
    wake(self, gc_clock_ms());
    uv_run(&self->uv, UV_RUN_DEFAULT);
    log_stats(self);
    gc_log_info("worker.end", "id=%s", self->conf->id);
    return EXIT_SUCCESS;
}

/* ---- closing ---- */

void gc_loop_destroy(gc_loop **self_p)
{
    gc_loop *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->broker_count; i++) {
        gc_dealer_close(&self->brokers[i].dealer);
        gc_session_destroy(&self->brokers[i].session);
    }
    self->broker_count = 0;
    gc_astore_close(&self->env.store); /* answers what is left with GC_ECLOSED */
    gc_tasks_destroy(&self->tasks);
    gc_blobs_destroy(&self->env.blobs);
    gc_http_close(&self->env.http);
    uv_handle_t *handles[LOOP_HANDLES] = {
        (uv_handle_t *)&self->timer,      (uv_handle_t *)&self->prepare,
        (uv_handle_t *)&self->check,      (uv_handle_t *)&self->idle,
        (uv_handle_t *)&self->signals[0], (uv_handle_t *)&self->signals[1]
    };
    for (size_t i = 0; i < LOOP_HANDLES; i++)
        uv_close(handles[i], NULL);
    uv_run(&self->uv, UV_RUN_DEFAULT);
    uv_loop_close(&self->uv);
    gc_warm_destroy(&self->env.warm);
    gc_pulse_destroy(&self->env.pulse);
    free(self->brokers);
    free(self->providers);
    free(self);
    zsys_shutdown();
    *self_p = NULL;
}
