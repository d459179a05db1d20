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
#include "common/text.h"
#include "common/wire.h"
#include "worker/provider.h"

#define DEFAULT_FILE ".gocreator.yaml"
#define GO_ON (-1)
#define EXIT_OUTPUT 6
#define MAX_ID_PART 40 /* of the host name in an id */
#define RANDOM_LETTERS 6

typedef enum kind {
    OPT_CONFIG,
    OPT_KEY,  /* sets `key` to its argument */
    OPT_FLAG, /* sets `key` to true */
    OPT_ID,
    OPT_DIE,
    OPT_HELP,
    OPT_VERSION
} kind;

static const struct option {
    const char *name;
    char letter; /* or 0 */
    kind kind;
    const char *argument; /* or NULL */
    const char *key;
    const char *help;
} options[] = {
    { "broker", 0, OPT_KEY, "ENDPOINT[,...]", "cluster.broker",
      "take tasks from these: tcp://HOST:PORT or ipc://PATH" },
    { "redis", 0, OPT_KEY, "URL", "cluster.redis",
      "redis://[user:password@]host[:port][/db] or unix:///path; or REDIS_URL" },
    { "slots", 0, OPT_KEY, "N", "cluster.slots", "calls held at once (default 32)" },
    { "config", 'c', OPT_CONFIG, "FILE", NULL,
      "settings file (default ./" DEFAULT_FILE ", if there is one)" },
    { "id", 0, OPT_ID, "NAME", NULL,
      "this worker's name, unique among living ones (default host-pid-random)" },
    { "curve-certificate", 0, OPT_KEY, "FILE", "cluster.curve_certificate",
      "own secret certificate; with --curve-server turns encryption on" },
    { "curve-server", 0, OPT_KEY, "FILE", "cluster.curve_server",
      "the broker's public certificate" },
    { "insecure", 0, OPT_FLAG, NULL, "cluster.insecure",
      "allow tcp off loopback without encryption" },
    { "die-with-parent", 0, OPT_DIE, NULL, NULL,
      "end at once when the process that started this one ends" },
    { "log-level", 0, OPT_KEY, "LEVEL", "logging.level", "error, warn, info or debug" },
    { "log-format", 0, OPT_KEY, "FORMAT", "logging.format", "text or json" },
    { "help", 'h', OPT_HELP, NULL, NULL, "print this and exit" },
    { "version", 'v', OPT_VERSION, NULL, NULL, "print versions and exit" },
};
#define OPTION_COUNT (sizeof options / sizeof *options)

/* What the command line said; settings come into effect after file and environment. */
typedef struct arguments {
    const char *file;
    const char *id;
    gc_strv keys; /* key, value, key, value */
    bool die_with_parent;
    bool help;
    bool version;
} arguments;

static void print_help(void)
{
    printf(
        "Usage: gc-worker --broker ENDPOINT[,...] --redis URL [options]\n\n"
        "Takes file tasks from a broker, asks the LLM, stores the answers in Redis.\n\n"
        "  gc-worker --broker tcp://127.0.0.1:5555 --redis redis://127.0.0.1:6379\n\n"
        "Options:\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c%s--%s%s%s", options[i].letter ? '-' : ' ',
                 options[i].letter ? options[i].letter : ' ',
                 options[i].letter ? ", " : "  ", options[i].name,
                 options[i].argument ? " " : "",
                 options[i].argument ? options[i].argument : "");
        printf("  %s\n        %s\n", left, options[i].help);
    }
    printf(
        "\nKeys come from ANTHROPIC_API_KEY, OPENAI_API_KEY or llm.api_key_file, never\n"
        "from an option. SIGTERM or SIGINT drains: tasks not begun are handed back,\n"
        "running calls finish, exit 0. A second one ends at once. See gc-worker(1).\n");
}

static void print_version(void)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("gc-worker %s (protocol %s, libzmq %d.%d.%d, libcurl %s, libuv %s)\n",
           GC_VERSION, GC_WIRE_MAGIC, major, minor, patch,
           curl_version_info(CURLVERSION_NOW)->version, uv_version_string());
}

static int usage_error(const char *text)
{
    fprintf(stderr, "gc-worker: error: %s; see gc-worker --help\n", text);
    return GC_EXIT_USAGE;
}

/* ---- the command line ---- */

/* `word` is "--name", "--name=value" or "-x". */
static const struct option *find_option(const char *word)
{
    size_t len = strcspn(word, "=");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (len > 2 && gc_starts_with(word, "--") && strlen(o->name) == len - 2 &&
            memcmp(word + 2, o->name, len - 2) == 0)
            return o;
        if (o->letter && word[0] == '-' && word[1] == o->letter && !word[2])
            return o;
    }
    return NULL;
}

static gc_err unknown_option(const char *word, gc_errinfo *info)
{
    const char *names[OPTION_COUNT];
    if (!gc_starts_with(word, "-"))
        return gc_fail(info, GC_EINVAL, "unexpected argument \"%s\"", word);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        names[i] = options[i].name;
    const char *near = gc_nearest(word + strspn(word, "-"), names, OPTION_COUNT);
    return near ? gc_fail(info, GC_EINVAL, "unknown option %s, did you mean --%s?", word,
                          near)
                : gc_fail(info, GC_EINVAL, "unknown option %s", word);
}

static void take_option(arguments *self, const struct option *o, const char *value)
{
    switch (o->kind) {
    case OPT_CONFIG: self->file = value; break;
    case OPT_KEY:
    case OPT_FLAG:
        gc_strv_add(&self->keys, o->key);
        gc_strv_add(&self->keys, value ? value : "true");
        break;
    case OPT_ID: self->id = value; break;
    case OPT_DIE: self->die_with_parent = true; break;
    case OPT_HELP: self->help = true; break;
    case OPT_VERSION: self->version = true; break;
    }
}

static gc_err parse(arguments *self, int argc, char **argv, gc_errinfo *info)
{
    for (int i = 1; i < argc; i++) {
        const struct option *o = find_option(argv[i]);
        if (!o)
            return unknown_option(argv[i], info);
        const char *equals = gc_starts_with(argv[i], "--") ? strchr(argv[i], '=') : NULL;
        const char *value = NULL;
        if (o->argument && equals)
            value = equals + 1;
        else if (o->argument && i + 1 < argc)
            value = argv[++i];
        if (o->argument && !value)
            return gc_fail(info, GC_EINVAL, "--%s needs %s", o->name, o->argument);
        if (!o->argument && equals)
            return gc_fail(info, GC_EINVAL, "--%s takes no value", o->name);
        take_option(self, o, value);
    }
    return GC_OK;
}

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

/* A server of one's own may want no key: then the address alone makes us serve openai. */
static void list_providers(gc_worker_conf *self)
{
    if (*self->keys.anthropic.secret)
        gc_strv_add(&self->providers, gc_provider_anthropic.name);
    if (*self->keys.openai.secret || *self->config.llm_openai_base_url)
        gc_strv_add(&self->providers, gc_provider_openai.name);
}

/* ---- settings ---- */

static gc_err load_file(gc_config *config, const char *path)
{
    gc_diags diags;
    gc_diags_init(&diags, path ? path : DEFAULT_FILE);
    gc_err err = gc_config_load_file(config, diags.path, &diags);
    bool said = diags.errors > 0;
    bool absent = err == GC_ENOENT && !path; /* nobody asked for it */
    if (!absent)
        gc_diags_print(&diags, stderr);
    gc_diags_release(&diags);
    if (absent)
        return GC_OK;
    if (err && !said)
        fprintf(stderr, "gc-worker: error: %s: %s\n", path ? path : DEFAULT_FILE,
                gc_err_str(err));
    return err;
}

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

static gc_err load_settings(gc_worker_conf *self, const arguments *args, gc_errinfo *info)
{
    gc_err err = gc_config_load_env(&self->config, info);
    for (size_t i = 0; !err && i < args->keys.count; i += 2)
        err = gc_config_set(&self->config, args->keys.items[i], args->keys.items[i + 1],
                            info);
    if (!err)
        err = check(self, info);
    if (!err)
        err = name_worker(self, args->id, info);
    if (!err)
        err = gc_keys_load(&self->keys, &self->config, info);
    if (!err)
        list_providers(self);
    return err;
}

static int load(gc_worker_conf *self, const arguments *args)
{
    gc_errinfo info = { 0 };
    gc_log_level level = GC_LOG_INFO;
    if (load_file(&self->config, args->file))
        return GC_EXIT_USAGE;
    if (load_settings(self, args, &info))
        return usage_error(info.text);
    if (gc_log_level_parse(self->config.logging_level, &level))
        return usage_error("logging.level is none of auto, error, warn, info, debug");
    gc_log_setup("worker", level, strcmp(self->config.logging_format, "json") == 0);
    return GO_ON;
}

int gc_worker_conf_load(gc_worker_conf *self, int argc, char **argv)
{
    gc_errinfo info = { 0 };
    arguments args = { 0 };
    int status;
    *self = (gc_worker_conf){ 0 };
    gc_config_init(&self->config);
    if (parse(&args, argc, argv, &info)) {
        status = usage_error(info.text);
    } else if (args.help || args.version) {
        if (args.help)
            print_help();
        else
            print_version();
        status = fflush(stdout) == 0 ? 0 : EXIT_OUTPUT;
    } else {
        self->die_with_parent = args.die_with_parent;
        status = load(self, &args);
    }
    gc_strv_release(&args.keys);
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
