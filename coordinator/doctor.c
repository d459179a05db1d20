/* doctor: what is there, what is missing, and the fix; one line each. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/store.h"
#include "common/text.h"
#include "coordinator/client.h"
#include "coordinator/commands.h"
#include "coordinator/validate.h"

#define BROKER_WAIT_MS 3000
#define MIN_GO_MINOR 22

typedef enum verdict {
    FINE,
    WARN,
    BROKEN
} verdict;

typedef struct doctor {
    const gc_options *options;
    json_t *list; /* --json */
    bool broken;
} doctor;

static void say(doctor *d, verdict v, const char *what, const char *fmt, ...)
    GC_PRINTF(4, 5);

static void say(doctor *d, verdict v, const char *what, const char *fmt, ...)
{
    static const char *const words[] = { "ok", "warn", "FAIL" };
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    d->broken |= v == BROKEN;
    char *clean = gc_utf8_clean(text, strlen(text)); /* it may name a path */
    if (d->options->json)
        json_array_append_new(d->list, json_pack("{s:s, s:s, s:s}", "check", what,
                                                 "result", words[v], "text", clean));
    else
        printf("%-4s  %s: %s\n", words[v], what, clean);
    free(clean);
}

/* Searches PATH, or beside this program for the others of the family. */
static bool on_path(const char *program)
{
    gc_strv dirs = { 0 };
    bool found = false;
    const char *path = getenv("PATH");
    gc_strv_split(&dirs, path ? path : "/usr/bin:/bin", ':');
    for (size_t i = 0; i < dirs.count && !found; i++) {
        char *name = gc_xasprintf("%s/%s", dirs.items[i], program);
        found = access(name, X_OK) == 0;
        free(name);
    }
    gc_strv_release(&dirs);
    return found;
}

static bool beside(const char *program)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0)
        return false;
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    char *name = gc_xasprintf("%s/%s", self, program);
    bool found = access(name, X_OK) == 0;
    free(name);
    return found;
}

static void check_config(doctor *d)
{
    bool here = access(".gocreator.yaml", F_OK) == 0;
    say(d, FINE, "configuration", "%s, model %s from %s",
        here ? ".gocreator.yaml is valid" : "built-in defaults",
        d->options->config.llm_model, d->options->config.llm_provider);
}

static void check_key_file(doctor *d, const char *path)
{
    struct stat st;
    if (stat(path, &st))
        say(d, BROKEN, "API key", "key file %s cannot be read; correct llm.api_key_file",
            path);
    else if (st.st_mode & 077)
        say(d, WARN, "API key", "key file %s can be read by others; chmod 600 %s", path,
            path);
    else
        say(d, FINE, "API key", "in file %s", path);
}

static void check_key(doctor *d)
{
    const gc_config *c = &d->options->config;
    const char *name =
        strcmp(c->llm_provider, "openai") == 0 ? "OPENAI_API_KEY" : "ANTHROPIC_API_KEY";
    const char *key = getenv(name);
    if (strcmp(c->llm_provider, "sim") == 0)
        say(d, FINE, "API key", "the simulated model needs none");
    else if (*c->llm_api_key_file)
        check_key_file(d, c->llm_api_key_file);
    else if (key && *key)
        say(d, FINE, "API key", "%s is set", name);
    else if (*c->cluster_broker)
        say(d, FINE, "API key", "none here; the workers of the cluster have their own");
    else
        say(d, WARN, "API key", "%s is not set; export it, or try --provider sim", name);
}

static void check_redis(doctor *d)
{
    const gc_config *c = &d->options->config;
    gc_errinfo info = { 0 };
    gc_store *store = NULL;
    if (!*c->cluster_redis) {
        bool there = on_path("redis-server");
        say(d, there ? FINE : BROKEN, "Redis",
            there
                ? "redis-server is installed, local mode starts its own"
                : "redis-server is not installed; apt-get install redis-server, or give --redis "
                  "URL");
        return;
    }
    char *url = gc_store_url_public(c->cluster_redis);
    if (gc_store_open(c->cluster_redis, &store, &info))
        say(d, BROKEN, "Redis", "%s", info.text);
    else
        say(d, FINE, "Redis", "%s answers", url);
    gc_store_close(&store);
    free(url);
}

static void check_broker(doctor *d)
{
    const gc_config *c = &d->options->config;
    gc_errinfo info = { 0 };
    gc_client *client = NULL;
    if (!*c->cluster_broker) {
        bool all = beside("gc-broker") && beside("gc-worker");
        say(d, all ? FINE : BROKEN, "programs",
            all ? "gc-broker and gc-worker are beside this program"
                : "gc-broker or gc-worker is not beside this program; install them together");
        return;
    }
    if (gc_client_new(c, NULL, "j-doctor000000", &client, &info)) {
        say(d, BROKEN, "broker", "%s", info.text);
        return;
    }
    int64_t end = gc_clock_ms() + BROKER_WAIT_MS;
    while (!gc_client_up(client) && gc_clock_ms() < end) {
        gc_wire message;
        gc_client_tick(client, gc_clock_ms());
        gc_client_wait(client, -1, 50);
        while (gc_client_next(client, gc_clock_ms(), &message) == GC_OK)
            gc_wire_release(&message);
    }
    if (gc_client_up(client))
        say(d, FINE, "broker", "%s answers", c->cluster_broker);
    else
        say(d, BROKEN, "broker",
            "nobody answers at %s; start one with `gc-broker --bind ENDPOINT`",
            c->cluster_broker);
    gc_client_destroy(&client);
}

static void check_go(doctor *d)
{
    char *version = gc_go_version();
    int64_t minor = 0;
    if (!version) {
        say(d, WARN, "Go toolchain",
            "none on PATH: generate works, validate and full do not; "
            "install Go from https://go.dev/dl");
        return;
    }
    gc_strv parts = { 0 };
    gc_strv_split(&parts, version, '.');
    bool old = parts.count < 2 || gc_parse_i64(parts.items[1], 0, 10000, &minor) ||
               minor < MIN_GO_MINOR;
    if (old)
        say(d, WARN, "Go toolchain",
            "%s is older than 1.%d, the default of generated projects; "
            "install a newer one",
            version, MIN_GO_MINOR);
    else
        say(d, FINE, "Go toolchain", "go %s", version);
    gc_strv_release(&parts);
    free(version);
}

gc_exit gc_command_doctor(const gc_options *options)
{
    doctor d = { .options = options, .list = json_array() };
    check_config(&d);
    check_key(&d);
    check_redis(&d);
    check_broker(&d);
    check_go(&d);
    if (options->json) {
        json_dumpf(d.list, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(d.list);
    return d.broken ? GC_EXIT_GENERAL : GC_EXIT_OK;
}
