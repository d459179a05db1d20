#include "coordinator/local.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fs.h"
#include "common/hash.h"
#include "common/keys.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/store.h"
#include "common/text.h"
#include "coordinator/exit.h"

#define START_TIMEOUT_MS 10000
#define STOP_TIMEOUT_MS 5000
#define RESTARTS_PER_MINUTE 5
#define MAX_ARGS 32

/* A program that we started. `args` own their texts. */
typedef struct child {
    const char *name;
    char *args[MAX_ARGS];
    size_t arg_count;
    char *env;    /* one variable for it alone, "NAME=value", or NULL */
    pid_t pid;    /* 0: not running */
    int ready_fd; /* -1: it has nothing to say */
    int restarts;
    int64_t restarts_since;
} child;

struct gc_local {
    const gc_config *config;
    char *run_dir;   /* sockets */
    char *bin_dir;   /* where the other programs are */
    char *redis_url; /* what to connect to */
    char *broker;
    char *sim_url; /* base URL of the simulator, or NULL */
    child redis, broker_child, sim;
    child *workers;
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

static char *find_bin_dir(void)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len <= 0)
        return gc_xstrdup(".");
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    *slash = '\0';
    return gc_xstrdup(path);
}

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

/* ---- children ---- */

static void add_arg(child *c, char *text)
{
    if (c->arg_count < MAX_ARGS - 1)
        c->args[c->arg_count++] = text;
}

static void add_args(child *c, const char *const *texts)
{
    for (; *texts; texts++)
        add_arg(c, gc_xstrdup(*texts));
}

static void release_child(child *c)
{
    for (size_t i = 0; i < c->arg_count; i++)
        free(c->args[i]);
    free(c->env);
    if (c->ready_fd > 0)
        close(c->ready_fd);
    *c = (child){ .ready_fd = -1 };
}

/* In the child: dies with its parent, gets no terminal signals, and inherits nothing but the
 * standard descriptors and `ready`. */
static void become_child(const child *c, pid_t parent, int ready)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127); /* the parent died in between */
    setpgid(0, 0);  /* Ctrl-C is the parent's to handle */
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (ready < 0)
        ready = null; /* nobody listens, but 3 must be no descriptor of the child's own */
    if (ready != 3)
        dup2(ready, 3);
    else
        fcntl(3, F_SETFD, 0);
    if (c->env)
        putenv(c->env);
    execvp(c->args[0], c->args);
    _exit(127);
}

static gc_err start_child(child *c, bool ready_pipe, gc_errinfo *info)
{
    int fds[2] = { -1, -1 };
    pid_t parent = getpid();
    if (ready_pipe && pipe2(fds, O_CLOEXEC))
        return gc_fail(info, GC_EIO, "cannot make a pipe: %s", strerror(errno));
    c->pid = fork();
    if (c->pid == 0)
        become_child(c, parent, fds[1]);
    if (fds[1] >= 0)
        close(fds[1]);
    if (c->pid < 0) {
        c->pid = 0;
        if (fds[0] >= 0)
            close(fds[0]);
        return gc_fail(info, GC_EIO, "cannot start %s: %s", c->name, strerror(errno));
    }
    if (c->ready_fd >= 0)
        close(c->ready_fd);
    c->ready_fd = fds[0];
    gc_log_debug("local.started", "program=%s pid=%d", c->name, (int)c->pid);
    return GC_OK;
}

/* The first line that a child writes to descriptor 3 once it is ready. */
static gc_err wait_ready(child *c, char **line, gc_errinfo *info)
{
    char text[512];
    size_t used = 0;
    int64_t deadline = gc_clock_ms() + START_TIMEOUT_MS;
    while (!memchr(text, '\n', used)) {
        struct pollfd p = { c->ready_fd, POLLIN, 0 };
        int64_t left = deadline - gc_clock_ms();
        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return gc_fail(info, GC_ETIMEOUT, "%s was not ready within %d seconds",
                           c->name, START_TIMEOUT_MS / 1000);
        ssize_t n = read(c->ready_fd, text + used, sizeof text - 1 - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return gc_fail(info, GC_EIO,
                           "%s did not start; is it installed beside this program? "
                           "Its own message is above",
                           c->name);
        used += (size_t)n;
    }
    *(char *)memchr(text, '\n', used) = '\0';
    close(c->ready_fd);
    c->ready_fd = -1;
    *line = gc_xstrdup(text);
    return GC_OK;
}

static void stop_child(child *c, int sig)
{
    if (!c->pid)
        return;
    kill(c->pid, sig);
    int64_t deadline = gc_clock_ms() + STOP_TIMEOUT_MS;
    while (waitpid(c->pid, NULL, WNOHANG) == 0) {
        if (gc_clock_ms() > deadline) {
            kill(c->pid, SIGKILL);
            waitpid(c->pid, NULL, 0);
            break;
        }
        poll(NULL, 0, 5);
    }
    c->pid = 0;
}

/* ---- Redis ---- */

static void redis_args(gc_local *self, const char *data)
{
    child *c = &self->redis;
    *c = (child){ .name = "redis-server", .ready_fd = -1 };
    add_args(c, (const char *const[]){ "redis-server", "--port", "0", "--save", "",
                                       "--appendonly", "yes", "--appendfsync", "always",
                                       "--loglevel", "warning", "--maxmemory-policy",
                                       "noeviction", "--unixsocketperm", "700",
                                       "--logfile", NULL });
    add_arg(c, gc_xasprintf("%s/redis.log", data));
    add_arg(c, gc_xstrdup("--dir"));
    add_arg(c, gc_xstrdup(data));
    add_arg(c, gc_xstrdup("--unixsocket"));
    add_arg(c, gc_xasprintf("%s/redis.sock", self->run_dir));
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
        err = start_child(&self->redis, false, info);
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
static void add_config(child *c, const gc_config *conf)
{
    add_args(c,
             (const char *const[]){ "-c", conf->file ? conf->file : "/dev/null", NULL });
}

/* Children write to our stderr: only what matters, unless more is asked for. */
static const char *child_log_level(const gc_config *conf)
{
    return strcmp(conf->logging_level, "auto") == 0 ? "warn" : conf->logging_level;
}

static gc_err start_broker(gc_local *self, gc_errinfo *info)
{
    child *c = &self->broker_child;
    const gc_config *conf = self->config;
    export_settings(conf);
    *c = (child){ .name = "gc-broker", .ready_fd = -1 };
    add_arg(c, gc_xasprintf("%s/gc-broker", self->bin_dir));
    add_arg(c, gc_xstrdup("--bind"));
    add_arg(c, gc_xasprintf("ipc://%s/broker.sock", self->run_dir));
    add_config(c, conf);
    add_args(c, (const char *const[]){ "--ready-fd", "3", "--log-level",
                                       child_log_level(conf), "--log-format",
                                       conf->logging_format, NULL });
    char *line = NULL;
    gc_err err = start_child(c, true, info);
    if (!err)
        err = wait_ready(c, &line, info);
    free(line);
    if (!err)
        self->broker = gc_xasprintf("ipc://%s/broker.sock", self->run_dir);
    return err;
}

static gc_err start_sim(gc_local *self, gc_errinfo *info)
{
    child *c = &self->sim;
    *c = (child){ .name = "gc-llm-sim", .ready_fd = -1 };
    add_arg(c, gc_xasprintf("%s/gc-llm-sim", self->bin_dir));
    add_args(c, (const char *const[]){ "--port", "0", "--ready-fd", "3",
                                       "--die-with-parent", NULL });
    gc_err err = start_child(c, true, info);
    return err ? err : wait_ready(c, &self->sim_url, info);
}

static void worker_args(gc_local *self, child *c)
{
    const gc_config *conf = self->config;
    *c = (child){ .name = "gc-worker", .ready_fd = -1 };
    add_arg(c, gc_xasprintf("%s/gc-worker", self->bin_dir));
    add_arg(c, gc_xstrdup("--broker"));
    add_arg(c, gc_xstrdup(self->broker));
    add_arg(c, gc_xstrdup("--redis"));
    add_arg(c, gc_xstrdup(self->redis_url));
    add_arg(c, gc_xstrdup("--slots"));
    add_arg(c, gc_xasprintf("%lld", (long long)conf->cluster_slots));
    add_config(c, conf);
    add_args(c, (const char *const[]){ "--die-with-parent", "--log-level",
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
        err = start_child(&self->workers[i], false, info);
    }
    return err;
}

/* ---- public ---- */

static gc_local *make(const gc_config *config)
{
    gc_local *self = gc_xcalloc(1, sizeof *self);
    self->config = config;
    self->bin_dir = find_bin_dir();
    self->redis.ready_fd = self->broker_child.ready_fd = self->sim.ready_fd = -1;
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
    for (size_t i = 0; i < self->worker_count; i++)
        if (self->workers[i].pid)
            kill(self->workers[i].pid,
                 SIGKILL); /* everything paid is stored before DONE */
    for (size_t i = 0; i < self->worker_count; i++)
        stop_child(&self->workers[i], SIGKILL);
    stop_child(&self->broker_child, SIGKILL);
    stop_child(&self->sim, SIGTERM);
    stop_child(&self->redis, SIGTERM);
    for (size_t i = 0; i < self->worker_count; i++)
        release_child(&self->workers[i]);
    release_child(&self->broker_child);
    release_child(&self->sim);
    release_child(&self->redis);
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

/* Starts a dead child again unless it dies all the time, or refused its settings, which say
 * the same at the next start. True if it cannot be mended. */
static bool mend(const gc_local *self, child *c, gc_errinfo *info)
{
    int status = 0;
    if (!c->pid || waitpid(c->pid, &status, WNOHANG) != c->pid)
        return false;
    c->pid = 0;
    int64_t now_ms = gc_clock_ms();
    if (now_ms - c->restarts_since > 60000) {
        c->restarts_since = now_ms;
        c->restarts = 0;
    }
    bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 127;
    if (WIFEXITED(status) && WEXITSTATUS(status) == GC_EXIT_USAGE) {
        gc_fail(info, GC_EINVAL, "%s refuses its settings; it says why above", c->name);
        return true;
    }
    bool may_restart = c != &self->sim; /* another simulator would listen elsewhere */
    if (missing || !may_restart || ++c->restarts > RESTARTS_PER_MINUTE) {
        gc_fail(info, GC_EIO, "%s %s", c->name,
                missing ? "is not installed beside this program"
                        : "keeps dying; its log is above");
        return true;
    }
    gc_log_warn("local.restart", "program=%s status=%d", c->name, status);
    return start_child(c, false, info) != GC_OK;
}

bool gc_local_failed(gc_local *self, gc_errinfo *info)
{
    bool failed = mend(self, &self->redis, info) ||
                  mend(self, &self->broker_child, info) || mend(self, &self->sim, info);
    for (size_t i = 0; i < self->worker_count; i++)
        failed |= mend(self, &self->workers[i], info);
    return failed;
}
