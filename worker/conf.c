#include "worker/conf.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/program.h"
#include "common/text.h"
#include "common/wire.h"
#include "worker/provider.h"

#define MAX_ID_PART 40 /* of the host name in an id */
#define RANDOM_LETTERS 6

static const gc_option options[] = {
    { "broker", "ENDPOINT[,...]", "cluster.broker",
      "take tasks from these: tcp://HOST:PORT or ipc://PATH" },
    { "redis", "URL", "cluster.redis",
      "redis://[user:password@]host[:port][/db] or unix:///path; or REDIS_URL" },
    { "slots", "N", "cluster.slots", "calls held at once (default 32)" },
    { "id", "NAME", NULL,
      "this worker's name, unique among living ones (default host-pid-random)" },
    { "curve-certificate", "FILE", "cluster.curve_certificate",
      "own secret certificate; with --curve-server turns encryption on" },
    { "curve-server", "FILE", "cluster.curve_server", "the broker's public certificate" },
    { "insecure", NULL, "cluster.insecure", "allow tcp off loopback without encryption" },
    { "die-with-parent", NULL, NULL,
      "end at once when the process that started this one ends" },
};

static void print_version(void)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("gc-worker %s (protocol %s, libzmq %d.%d.%d, libcurl %s, libuv %s)\n",
           GC_VERSION, GC_WIRE_MAGIC, major, minor, patch,
           curl_version_info(CURLVERSION_NOW)->version, uv_version_string());
}

static const gc_program program = {
    .name = "gc-worker",
    .role = "worker",
    .usage =
        "Usage: gc-worker --broker ENDPOINT[,...] --redis URL [options]\n\n"
        "Takes file tasks from a broker, asks the LLM, stores the answers in Redis.\n\n"
        "  gc-worker --broker tcp://127.0.0.1:5555 --redis redis://127.0.0.1:6379\n",
    .ending =
        "Keys come from ANTHROPIC_API_KEY, OPENAI_API_KEY or llm.api_key_file, never\n"
        "from an option. SIGTERM or SIGINT drains: tasks not begun are handed back,\n"
        "running calls finish, exit 0. A second one ends at once. See gc-worker(1).\n",
    .print_version = print_version,
    .options = options,
    .option_count = sizeof options / sizeof *options,
};

/* ---- who we are, whom we serve ---- */

/* Letters that may stand in a Redis key and in an id of the protocol. */
static bool is_id(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789._-");
    return len > 0 && len <= GC_WIRE_MAX_ID && text[len] == '\0';
}

static gc_err name_worker(gc_worker_conf *self, const char *given, gc_errinfo *info)
{
    char host[256] = "worker";
    char letters[RANDOM_LETTERS + 1];
    gc_random_id(letters, RANDOM_LETTERS);
    if (given) {
        if (!is_id(given))
            return gc_fail(info, GC_EINVAL,
                           "--id takes 1 to %d letters, digits, dots, hyphens and "
                           "underscores",
                           GC_WIRE_MAX_ID);
        self->id = gc_xstrdup(given);
        self->holder = gc_xasprintf("%s.%s", given, letters);
        return GC_OK;
    }
    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "worker");
    host[MAX_ID_PART] = '\0';
    for (char *c = host; *c; c++) {
        char one[2] = { *c, '\0' };
        if (!is_id(one))
            *c = '-';
    }
    self->id =
        gc_xasprintf("%s-%ld-%s", *host ? host : "worker", (long)getpid(), letters);
    self->holder = gc_xstrdup(self->id);
    return GC_OK;
}

static void list_providers(gc_worker_conf *self)
{
    const gc_provider *const all[] = { &gc_provider_anthropic, &gc_provider_openai };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (gc_keys_serve(&self->keys, &self->config, all[i]->name))
            gc_strv_add(&self->providers, all[i]->name);
}

/* ---- settings ---- */

static gc_err check(gc_worker_conf *self, gc_errinfo *info)
{
    const gc_config *c = &self->config;
    gc_strv_split(&self->brokers, c->cluster_broker, ',');
    if (self->brokers.count == 0)
        return gc_fail(info, GC_EINVAL,
                       "no broker; give --broker tcp://127.0.0.1:5555, say");
    if (!*c->cluster_redis)
        return gc_fail(info, GC_EINVAL,
                       "no Redis; give --redis redis://127.0.0.1:6379, say");
    for (size_t i = 0; i < self->brokers.count; i++) {
        const char *endpoint = self->brokers.items[i];
        if (!gc_wire_is_local(endpoint) && !c->cluster_insecure &&
            !*c->cluster_curve_certificate)
            return gc_fail(info, GC_EINVAL,
                           "--broker %s leaves this machine without encryption; give "
                           "--curve-certificate and --curve-server, or --insecure",
                           endpoint);
    }
    return GC_OK;
}

static int load(gc_worker_conf *self, const gc_args *args)
{
    gc_errinfo info = { 0 };
    self->die_with_parent = gc_args_last(args, "die-with-parent") != NULL;
    gc_err err = gc_args_configure(args, &self->config, &info);
    if (!err)
        err = check(self, &info);
    if (!err)
        err = name_worker(self, gc_args_last(args, "id"), &info);
    if (!err)
        err = gc_keys_load(&self->keys, &self->config, &info);
    if (!err)
        err = gc_program_start_log(&program, &self->config, &info);
    if (err)
        return gc_program_usage_error(&program, info.text);
    if (!self->die_with_parent &&
        gc_keys_exposed(&self->config)) /* else our parent says it */
        gc_log_warn("key.exposed", GC_KEYS_EXPOSED, self->config.llm_api_key_file);
    list_providers(self);
    return -1;
}

int gc_worker_conf_load(gc_worker_conf *self, int argc, char **argv)
{
    gc_args args;
    *self = (gc_worker_conf){ 0 };
    gc_config_init(&self->config);
    int status = gc_args_take(&program, argc, argv, &args);
    if (status < 0)
        status = load(self, &args);
    gc_args_release(&args);
    return status;
}

void gc_worker_conf_release(gc_worker_conf *self)
{
    gc_config_release(&self->config);
    gc_keys_release(&self->keys);
    gc_strv_release(&self->brokers);
    gc_strv_release(&self->providers);
    free(self->id);
    free(self->holder);
    *self = (gc_worker_conf){ 0 };
}
