#include "coordinator/local.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fs.h"
#include "common/hash.h"
#include "common/keys.h"
#include "common/mem.h"
#include "common/store.h"
#include "coordinator/child.h"

#define START_TIMEOUT_MS 10000

struct gc_local {
    const gc_config *config;
    char *run_dir;   /* sockets */
    char *bin_dir;   /* where the other programs are */
    char *redis_url; /* what to connect to */
    char *broker;
    char *sim_url; /* base URL of the simulator, or NULL */
    gc_child redis, broker_child, sim;
    gc_child *workers;
    size_t worker_count;
    gc_root *lock; /* held while a command runs its own Redis on the data */
};

const char *gc_local_redis(const gc_local *self)
{
    return self->redis_url;
}

const char *gc_local_sim(const gc_local *self)
{
    return self ? self->sim_url : NULL;
}

const char *gc_local_broker(const gc_local *self)
{
    return self->broker;
}

/* ---- folders ---- */

/* Ours alone: a folder that somebody else made there is refused. */
static gc_err make_private(const char *path, gc_errinfo *info)
{
    struct stat st;
    if (mkdir(path, 0700) && errno != EEXIST)
        return gc_fail(info, GC_EIO, "cannot make %s: %s", path, strerror(errno));
    if (lstat(path, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 077))
        return gc_fail(info, GC_EIO, "%s is not a private folder of ours; remove it",
                       path);
    return GC_OK;
}

static gc_err make_run_dir(gc_local *self, const char *output, gc_errinfo *info)
{
    gc_sha sha = gc_sha256(output, strlen(output));
    const char *base = getenv("XDG_RUNTIME_DIR");
    struct stat st;
    gc_err err = GC_OK;
    if (base && *base && stat(base, &st) == 0 && st.st_uid == geteuid() &&
        strlen(base) < 60) {
        char *parent = gc_xasprintf("%s/gocreator", base);
        err = make_private(parent, info);
        self->run_dir = gc_xasprintf("%s/%.12s", parent, sha.hex);
        free(parent);
    } else {
        self->run_dir = gc_xasprintf("/tmp/gc-%ld-%.12s", (long)geteuid(), sha.hex);
    }
    return err ? err : make_private(self->run_dir, info);
}

/* ---- Redis ---- */

static void redis_args(gc_local *self, const char *data)
{
    gc_child *c = &self->redis;
    gc_child_init(c, "redis-server");
    gc_child_add_all(c, (const char *const[]){
                            "redis-server", "--port", "0", "--save", "", "--appendonly",
                            "yes", "--appendfsync", "always", "--loglevel", "warning",
                            "--maxmemory-policy", "noeviction", "--unixsocketperm", "700",
                            "--logfile", NULL });
    gc_child_add(c, gc_xasprintf("%s/redis.log", data));
    gc_child_add(c, gc_xstrdup("--dir"));
    gc_child_add(c, gc_xstrdup(data));
    gc_child_add(c, gc_xstrdup("--unixsocket"));
    gc_child_add(c, gc_xasprintf("%s/redis.sock", self->run_dir));
}

/* Ready when it answers PING; loading a large append-only file takes its time. */
static gc_err wait_redis(gc_local *self, gc_errinfo *info)
{
    int64_t deadline = gc_clock_ms() + START_TIMEOUT_MS;
    gc_store *store = NULL;
    while (gc_store_open(self->redis_url, &store, info)) {
        int status;
        if (waitpid(self->redis.pid, &status, WNOHANG) == self->redis.pid) {
            self->redis.pid = 0;
            bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 127;
            return gc_fail(
                info, missing ? GC_ENOENT : GC_EIO,
                missing ? "redis-server is not installed; apt-get install redis-server, "
                          "or name a Redis with --redis URL"
                        : "redis-server ended at its start; see redis.log in the output "
                          "folder's .gocreator/redis");
        }
        if (gc_clock_ms() > deadline)
            return gc_fail(info, GC_ETIMEOUT,
                           "the private redis-server was not ready within %d "
                           "seconds; see redis.log in .gocreator/redis",
                           START_TIMEOUT_MS / 1000);
        poll(NULL, 0, 5);
    }
    /* Whoever held a lease here is gone: the folder is locked and its children are dead. */
    gc_err err = gc_store_clear_leases(store);
    gc_store_close(&store);
    return err ? gc_fail(info, err, "the private redis-server does not answer") : GC_OK;
}

static gc_err start_redis(gc_local *self, const char *output, gc_errinfo *info)
{
    if (*self->config->cluster_redis) {
        self->redis_url = gc_xstrdup(self->config->cluster_redis);
        return GC_OK;
    }
    char *dir = gc_xasprintf("%s/.gocreator", output);
    char *data = gc_xasprintf("%s/redis", dir);
    gc_err err = GC_OK;
    if ((mkdir(dir, 0755) && errno != EEXIST) || (mkdir(data, 0700) && errno != EEXIST))
        err = gc_fail(info, GC_EIO, "cannot make %s: %s", data, strerror(errno));
    self->redis_url = gc_xasprintf("unix://%s/redis.sock", self->run_dir);
    if (!err) {
        redis_args(self, data);
        err = gc_child_start(&self->redis, false, info);
    }
    if (!err)
        err = wait_redis(self, info);
    free(dir);
    free(data);
    return err;
}

/* ---- broker, simulator, workers ---- */

/* Settings that broker and workers share with us travel in the environment. */
static void export_number(const char *name, int64_t value, const char *unit)
{
    char text[32];
    snprintf(text, sizeof text, "%lld%s", (long long)value, unit);
    setenv(name, text, 1);
}

static void export_settings(const gc_config *conf)
{
    export_number("GC_CLUSTER_HEARTBEAT", conf->cluster_heartbeat_ms, "ms");
    export_number("GC_CLUSTER_MAX_QUEUE", conf->cluster_max_queue, "");
    export_number("GC_CLUSTER_MAX_MESSAGE_BYTES", conf->cluster_max_message_bytes, "");
    export_number("GC_LLM_CONNECT_TIMEOUT", conf->llm_connect_timeout_ms, "ms");
    setenv("GC_CLUSTER_HTTP", conf->cluster_http, 1);
}

/* Children read the file that we have read; not one that lies where we were started. */
static void add_config(gc_child *c, const gc_config *conf)
{
    gc_child_add_all(
        c, (const char *const[]){ "-c", conf->file ? conf->file : "/dev/null", NULL });
}

/* Children write to our stderr: only what matters, unless more is asked for. */
static const char *child_log_level(const gc_config *conf)
{
    return strcmp(conf->logging_level, "auto") == 0 ? "warn" : conf->logging_level;
}

static gc_err start_broker(gc_local *self, gc_errinfo *info)
{
    gc_child *c = &self->broker_child;
    const gc_config *conf = self->config;
    export_settings(conf);
    gc_child_init(c, "gc-broker");
    gc_child_add(c, gc_xasprintf("%s/gc-broker", self->bin_dir));
    gc_child_add(c, gc_xstrdup("--bind"));
    gc_child_add(c, gc_xasprintf("ipc://%s/broker.sock", self->run_dir));
    add_config(c, conf);
    gc_child_add_all(c, (const char *const[]){ "--ready-fd", "3", "--log-level",
                                               child_log_level(conf), "--log-format",
                                               conf->logging_format, NULL });
    char *line = NULL;
    gc_err err = gc_child_start(c, true, info);
    if (!err)
        err = gc_child_wait_ready(c, START_TIMEOUT_MS, &line, info);
    free(line);
    if (!err)
        self->broker = gc_xasprintf("ipc://%s/broker.sock", self->run_dir);
    return err;
}

static gc_err start_sim(gc_local *self, gc_errinfo *info)
{
    gc_child *c = &self->sim;
    gc_child_init(c, "gc-llm-sim");
    gc_child_add(c, gc_xasprintf("%s/gc-llm-sim", self->bin_dir));
    gc_child_add_all(c, (const char *const[]){ "--port", "0", "--ready-fd", "3",
                                               "--die-with-parent", NULL });
    gc_err err = gc_child_start(c, true, info);
    return err ? err : gc_child_wait_ready(c, START_TIMEOUT_MS, &self->sim_url, info);
}

static void worker_args(gc_local *self, gc_child *c)
{
    const gc_config *conf = self->config;
    gc_child_init(c, "gc-worker");
    gc_child_add(c, gc_xasprintf("%s/gc-worker", self->bin_dir));
    gc_child_add(c, gc_xstrdup("--broker"));
    gc_child_add(c, gc_xstrdup(self->broker));
    gc_child_add(c, gc_xstrdup("--redis"));
    gc_child_add(c, gc_xstrdup(self->redis_url));
    gc_child_add(c, gc_xstrdup("--slots"));
    gc_child_add(c, gc_xasprintf("%lld", (long long)conf->cluster_slots));
    add_config(c, conf);
    gc_child_add_all(c, (const char *const[]){ "--die-with-parent", "--log-level",
                                               child_log_level(conf), "--log-format",
                                               conf->logging_format, NULL });
}

/* With the simulator, workers get its address and a key that is worth nothing. */
static void set_worker_environment(gc_local *self)
{
    const gc_config *conf = self->config;
    if (self->sim_url) {
        setenv("ANTHROPIC_BASE_URL", self->sim_url, 1);
        setenv("ANTHROPIC_API_KEY", "simulated-model-needs-no-key", 1);
        unsetenv("GC_LLM_API_KEY_FILE");
        return;
    }
    setenv("ANTHROPIC_BASE_URL", conf->llm_anthropic_base_url, 1);
    setenv("OPENAI_BASE_URL", conf->llm_openai_base_url, 1);
    if (*conf->llm_api_key_file)
        setenv("GC_LLM_API_KEY_FILE", conf->llm_api_key_file, 1);
    if (*conf->llm_ca_file)
        setenv("GC_LLM_CA_FILE", conf->llm_ca_file, 1);
}

static gc_err start_workers(gc_local *self, gc_errinfo *info)
{
    size_t count = (size_t)self->config->cluster_workers;
    bool simulated = strcmp(self->config->llm_provider, "sim") == 0;
    gc_err err = simulated ? GC_OK : gc_ca_file_check(self->config->llm_ca_file, info);
    self->workers = gc_xcalloc(count, sizeof *self->workers);
    set_worker_environment(self);
    for (size_t i = 0; i < count && !err; i++) {
        worker_args(self, &self->workers[i]);
        self->worker_count++;
        err = gc_child_start(&self->workers[i], false, info);
    }
    return err;
}

/* ---- public ---- */

static gc_local *make(const gc_config *config)
{
    gc_local *self = gc_xcalloc(1, sizeof *self);
    self->config = config;
    self->bin_dir = gc_child_dir();
    gc_child_init(&self->redis, "redis-server");
    gc_child_init(&self->broker_child, "gc-broker");
    gc_child_init(&self->sim, "gc-llm-sim");
    return self;
}

/* Connects to the Redis of a coordinator at work, or starts one under the folder's lock. */
static gc_err attach_redis(gc_local *self, const char *output, gc_errinfo *info)
{
    gc_store *store = NULL;
    char *data = gc_xasprintf("%s/.gocreator/redis", output);
    bool known = access(data, F_OK) == 0;
    free(data);
    if (*self->config->cluster_redis)
        return start_redis(self, output, info);
    if (!known)
        return gc_fail(info, GC_ENOENT,
                       "no job was run in %s; name its folder with -o, or a Redis "
                       "with --redis",
                       output);
    self->redis_url = gc_xasprintf("unix://%s/redis.sock", self->run_dir);
    if (gc_store_open(self->redis_url, &store, NULL) == GC_OK) {
        gc_store_close(&store);
        return GC_OK;
    }
    free(self->redis_url);
    self->redis_url = NULL;
    gc_err err = gc_root_open(output, false, &self->lock, info);
    if (!err)
        err = gc_root_lock(self->lock, ".gocreator/lock", info);
    return err ? err : start_redis(self, output, info);
}

gc_err gc_local_attach(const gc_config *config, const char *output, gc_local **out,
                       gc_errinfo *info)
{
    gc_local *self = make(config);
    char *real = realpath(output, NULL);
    gc_err err = make_run_dir(self, real ? real : output, info);
    if (!err)
        err = attach_redis(self, real ? real : output, info);
    free(real);
    if (err)
        gc_local_stop(&self);
    else
        *out = self;
    return err;
}

gc_err gc_local_start(const gc_config *config, const char *output, gc_local **out,
                      gc_errinfo *info)
{
    gc_local *self = make(config);
    gc_err err = make_run_dir(self, output, info);
    if (!err)
        err = start_redis(self, output, info);
    if (err) {
        gc_local_stop(&self);
        return err;
    }
    if (*config->cluster_broker) {
        self->broker = gc_xstrdup(config->cluster_broker);
    } else {
        err = start_broker(self, info);
        if (!err && strcmp(config->llm_provider, "sim") == 0)
            err = start_sim(self, info);
        if (!err)
            err = start_workers(self, info);
    }
    if (err)
        gc_local_stop(&self);
    else
        *out = self;
    return err;
}

/* Empty unless somebody else uses it: then it stays. */
static void remove_run_dir(gc_local *self)
{
    if (!self->run_dir)
        return;
    char *socket = gc_xasprintf("%s/broker.sock", self->run_dir);
    if (self->broker)
        unlink(socket);
    free(socket);
    rmdir(self->run_dir);
}

void gc_local_stop(gc_local **self_p)
{
    gc_local *self = *self_p;
    if (!self)
        return;
    /* At once and all together: whatever was paid is stored before DONE. */
    for (size_t i = 0; i < self->worker_count; i++)
        if (self->workers[i].pid)
            kill(self->workers[i].pid, SIGKILL);
    for (size_t i = 0; i < self->worker_count; i++)
        gc_child_stop(&self->workers[i], SIGKILL);
    gc_child_stop(&self->broker_child, SIGKILL);
    gc_child_stop(&self->sim, SIGTERM);
    gc_child_stop(&self->redis, SIGTERM);
    for (size_t i = 0; i < self->worker_count; i++)
        gc_child_release(&self->workers[i]);
    gc_child_release(&self->broker_child);
    gc_child_release(&self->sim);
    gc_child_release(&self->redis);
    remove_run_dir(self);
    free(self->workers);
    free(self->run_dir);
    free(self->bin_dir);
    free(self->redis_url);
    free(self->broker);
    free(self->sim_url);
    gc_root_close(&self->lock);
    free(self);
    *self_p = NULL;
}

bool gc_local_failed(gc_local *self, gc_errinfo *info)
{
    bool failed =
        gc_child_mend(&self->redis, true, info) ||
        gc_child_mend(&self->broker_child, true, info) ||
        gc_child_mend(&self->sim, false, info); /* another would listen elsewhere */
    for (size_t i = 0; i < self->worker_count; i++)
        failed |= gc_child_mend(&self->workers[i], true, info);
    return failed;
}
