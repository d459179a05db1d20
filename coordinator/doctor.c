/* doctor: what is there, what is missing, and the fix; one line each. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/keys.h"
#include "common/llm_request.h"
#include "common/mem.h"
#include "common/models.h"
#include "common/store.h"
#include "common/text.h"
#include "coordinator/child.h"
#include "coordinator/client.h"
#include "coordinator/commands.h"
#include "coordinator/reach.h"
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
    json_t *list;      /* --json */
    char provider[32]; /* of the model */
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

/* In the folder of this program, where the others of the family are. */
static bool beside(const char *program)
{
    char *dir = gc_child_dir();
    char *name = gc_xasprintf("%s/%s", dir, program);
    bool found = access(name, X_OK) == 0;
    free(name);
    free(dir);
    return found;
}

static void check_config(doctor *d)
{
    const gc_config *c = &d->options->config;
    say(d, FINE, "configuration", "%s%s", c->file ? c->file : "built-in defaults",
        c->file ? " is valid" : "");
}

/* Every call goes to the provider of the model. */
static void check_model(doctor *d)
{
    const gc_config *c = &d->options->config;
    gc_diags diags;
    gc_models *models = NULL;
    gc_diags_init(&diags, c->llm_models_file);
    gc_err err =
        gc_models_load(*c->llm_models_file ? c->llm_models_file : NULL, &diags, &models);
    gc_diags_print(&diags, stderr);
    gc_diags_release(&diags);
    const gc_model *model = err ? NULL : gc_models_find(models, c->llm_model);
    bool simulated = strcmp(c->llm_provider, "sim") == 0;
    snprintf(d->provider, sizeof d->provider, "%s",
             model       ? model->provider
             : simulated ? "anthropic"
                         : c->llm_provider);
    if (err)
        say(d, BROKEN, "model", "the models file %s cannot be used; correct it",
            c->llm_models_file);
    else if ((!model || !model->priced) && c->limits_max_cost_usd > 0)
        say(d, BROKEN, "model",
            "no prices of %s are known, so limits.max_cost_usd cannot hold; add it to a "
            "models file (llm.models_file)",
            c->llm_model);
    else if (!model || !model->priced)
        say(d, WARN, "model",
            "%s is not known: it can be used, but without prices and --max-cost; correct "
            "llm.model, or add it to a models file (llm.models_file)",
            c->llm_model);
    else if (!simulated && strcmp(model->provider, c->llm_provider) != 0)
        say(d, WARN, "model",
            "%s is a model of %s, which is asked instead of %s; give --model",
            c->llm_model, model->provider, c->llm_provider);
    else
        say(d, FINE, "model", "%s of %s%s", c->llm_model, model->provider,
            simulated ? ", simulated" : "");
    gc_models_destroy(&models);
}

static void check_own_key(doctor *d)
{
    const gc_config *c = &d->options->config;
    bool openai = strcmp(d->provider, "openai") == 0;
    const char *name = openai ? "OPENAI_API_KEY" : "ANTHROPIC_API_KEY";
    gc_keys keys = { 0 };
    gc_errinfo info = { 0 };
    gc_err err = gc_keys_load(&keys, c, &info);
    const gc_key *key = err ? NULL : gc_keys_find(&keys, d->provider);
    bool there = key && key->secret && *key->secret;
    if (err)
        say(d, BROKEN, "API key", "%s; correct llm.api_key_file", info.text);
    else if (there && gc_keys_exposed(c))
        say(d, WARN, "API key", GC_KEYS_EXPOSED, c->llm_api_key_file);
    else if (there)
        say(d, FINE, "API key", "there is one for %s", d->provider);
    else if (gc_keys_serve(&keys, c, d->provider))
        say(d, FINE, "API key", "none, and %s may need none", c->llm_openai_base_url);
    else
        say(d, WARN, "API key", "%s is not set; export it, or try --provider sim", name);
    gc_keys_release(&keys);
}

static void check_key(doctor *d)
{
    const gc_config *c = &d->options->config;
    if (strcmp(c->llm_provider, "sim") == 0)
        say(d, FINE, "API key", "the simulated model needs none");
    else if (*c->cluster_broker)
        say(d, FINE, "API key",
            "not needed here; the workers of a cluster have their own");
    else
        check_own_key(d);
}

static void ask_api(doctor *d, const gc_key *key)
{
    static const verdict verdicts[] = {
        [GC_REACH_FINE] = FINE, [GC_REACH_DOUBT] = WARN, [GC_REACH_WRONG] = BROKEN
    };
    const gc_config *c = &d->options->config;
    char text[GC_REACH_TEXT];
    char *url = gc_store_url_public(gc_llm_base_url(c, d->provider));
    gc_reach found = gc_reach_api(c, d->provider, key, text);
    say(d, verdicts[found], "LLM API", "%s: %s", url, text);
    free(url);
}

/* Whether anybody answers, and takes the key; asked only where the calls are made. */
static void check_api(doctor *d)
{
    const gc_config *c = &d->options->config;
    gc_errinfo info = { 0 };
    gc_keys keys = { 0 };
    if (strcmp(c->llm_provider, "sim") == 0 || *c->cluster_broker)
        return;
    gc_err err = gc_ca_file_check(c->llm_ca_file, &info);
    if (err)
        say(d, BROKEN, "LLM API", "%s; correct llm.ca_file", info.text);
    else if (gc_keys_load(&keys, c, NULL) == GC_OK && gc_keys_find(&keys, d->provider))
        ask_api(d, gc_keys_find(&keys, d->provider));
    gc_keys_release(&keys);
}

/* A word of a list with commas. */
static bool lists(const char *list, const char *word)
{
    gc_strv words = { 0 };
    bool found = false;
    gc_strv_split(&words, list, ',');
    for (size_t i = 0; i < words.count && !found; i++)
        found = strcmp(words.items[i], word) == 0;
    gc_strv_release(&words);
    return found;
}

static void check_workers(doctor *d, gc_store *store)
{
    gc_worker_info *workers = NULL;
    size_t count = 0, able = 0;
    gc_err err = gc_store_workers(store, &workers, &count);
    for (size_t i = 0; i < count; i++) {
        able += lists(workers[i].providers, d->provider);
        gc_worker_info_release(&workers[i]);
    }
    free(workers);
    if (err)
        say(d, BROKEN, "workers", "Redis does not list them: %s", gc_err_str(err));
    else if (!count)
        say(d, WARN, "workers",
            "none is connected; start one with `gc-worker --broker ENDPOINT --redis URL`");
    else if (!able)
        say(d, WARN, "workers",
            "%zu connected, none with a key for %s; set it where they run", count,
            d->provider);
    else
        say(d, FINE, "workers", "%zu connected, %zu with a key for %s", count, able,
            d->provider);
}

static void check_own_redis(doctor *d)
{
    bool there = on_path("redis-server");
    if (*d->options->config.cluster_broker)
        say(d, BROKEN, "Redis",
            "none is named: the workers behind the broker need the same one; give --redis URL");
    else if (there)
        say(d, FINE, "Redis", "redis-server is installed, local mode starts its own");
    else
        say(d, BROKEN, "Redis",
            "redis-server is not installed; apt-get install redis-server, or give --redis "
            "URL");
}

static void check_redis(doctor *d)
{
    const gc_config *c = &d->options->config;
    gc_errinfo info = { 0 };
    gc_store *store = NULL;
    if (!*c->cluster_redis) {
        check_own_redis(d);
        return;
    }
    char *url = gc_store_url_public(c->cluster_redis);
    gc_err err = gc_store_open(c->cluster_redis, &store, &info);
    if (err)
        say(d, BROKEN, "Redis", "%s", info.text);
    else
        say(d, FINE, "Redis", "%s answers", url);
    if (!err && *c->cluster_broker)
        check_workers(d, store);
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
    check_model(&d);
    check_key(&d);
    check_api(&d);
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
