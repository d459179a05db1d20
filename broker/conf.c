#include "broker/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "common/wire.h"

#define DEFAULT_FILE ".gocreator.yaml"
#define GO_ON (-1)

typedef enum kind {
    OPT_BIND,
    OPT_CONFIG,
    OPT_KEY,  /* sets `key` to its argument */
    OPT_FLAG, /* sets `key` to true */
    OPT_READY_FD,
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
    { "bind", 0, OPT_BIND, "ENDPOINT", NULL,
      "listen here: tcp://HOST:PORT (port * for any) or ipc://PATH; may be repeated" },
    { "config", 'c', OPT_CONFIG, "FILE", NULL,
      "settings file (default ./" DEFAULT_FILE ", if there is one)" },
    { "http", 0, OPT_KEY, "HOST:PORT", "cluster.http",
      "metrics and health: /metrics, /livez, /readyz, /healthz" },
    { "curve-certificate", 0, OPT_KEY, "FILE", "cluster.curve_certificate",
      "own secret certificate; turns encryption on" },
    { "curve-allow", 0, OPT_KEY, "DIR", "cluster.curve_allow",
      "public certificates of those who may connect" },
    { "insecure", 0, OPT_FLAG, NULL, "cluster.insecure",
      "allow tcp off loopback without encryption" },
    { "log-level", 0, OPT_KEY, "LEVEL", "logging.level", "error, warn, info or debug" },
    { "log-format", 0, OPT_KEY, "FORMAT", "logging.format", "text or json" },
    { "ready-fd", 0, OPT_READY_FD, "N", NULL,
      "write the real endpoints to this descriptor once they are open, then close it" },
    { "help", 'h', OPT_HELP, NULL, NULL, "print this and exit" },
    { "version", 'v', OPT_VERSION, NULL, NULL, "print versions and exit" },
};
#define OPTION_COUNT (sizeof options / sizeof *options)

/* What the command line said; settings come into effect after file and environment. */
typedef struct arguments {
    gc_strv binds;
    const char *file;
    gc_strv keys; /* key, value, key, value */
    int ready_fd;
    bool help;
    bool version;
} arguments;

static void print_help(void)
{
    printf("Usage: gc-broker --bind ENDPOINT [--bind ENDPOINT] [options]\n\n"
           "Passes file tasks from coordinators to workers over ZeroMQ.\n\n"
           "  gc-broker --bind tcp://127.0.0.1:5555\n"
           "  gc-broker --bind tcp://*:5555 --curve-certificate broker.key_secret \\\n"
           "            --curve-allow allowed/ --http 127.0.0.1:9464\n\n"
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
    printf("\nSIGTERM or SIGINT drains: no new tasks, running ones may finish, exit 0.\n"
           "A second one ends at once. See gc-broker(1).\n");
}

static void print_version(void)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("gc-broker %s (protocol %s, libzmq %d.%d.%d)\n", GC_VERSION, GC_WIRE_MAGIC,
           major, minor, patch);
}

static int usage_error(const char *text)
{
    fprintf(stderr, "gc-broker: error: %s; see gc-broker --help\n", text);
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

static gc_err take_option(arguments *self, const struct option *o, const char *value,
                          gc_errinfo *info)
{
    int64_t fd;
    switch (o->kind) {
    case OPT_BIND: gc_strv_add(&self->binds, value); break;
    case OPT_CONFIG: self->file = value; break;
    case OPT_KEY:
    case OPT_FLAG:
        gc_strv_add(&self->keys, o->key);
        gc_strv_add(&self->keys, value ? value : "true");
        break;
    case OPT_READY_FD:
        if (gc_parse_i64(value, 3, 1 << 20, &fd))
            return gc_fail(info, GC_EINVAL, "--ready-fd %s is no descriptor from 3 up",
                           value);
        self->ready_fd = (int)fd;
        break;
    case OPT_HELP: self->help = true; break;
    case OPT_VERSION: self->version = true; break;
    }
    return GC_OK;
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
        gc_err err = take_option(self, o, value, info);
        if (err)
            return err;
    }
    return GC_OK;
}

/* ---- checks ---- */

static gc_err check_endpoint(const gc_broker_conf *self, const char *endpoint,
                             gc_errinfo *info)
{
    if (gc_starts_with(endpoint, "ipc://")) {
        size_t max = sizeof(struct sockaddr_un) - offsetof(struct sockaddr_un, sun_path);
        if (strlen(endpoint + strlen("ipc://")) >= max)
            return gc_fail(info, GC_EINVAL,
                           "--bind %s: a socket path has at most %zu "
                           "bytes",
                           endpoint, max - 1);
        return GC_OK;
    }
    if (!gc_starts_with(endpoint, "tcp://"))
        return gc_fail(info, GC_EINVAL,
                       "--bind %s is neither tcp://HOST:PORT nor ipc://PATH", endpoint);
    if (gc_wire_is_local(endpoint) || self->config.cluster_insecure ||
        *self->config.cluster_curve_certificate)
        return GC_OK;
    return gc_fail(info, GC_EINVAL,
                   "--bind %s can be reached from other machines without encryption; "
                   "give --curve-certificate and --curve-allow, or --insecure",
                   endpoint);
}

gc_err gc_broker_conf_check(const gc_broker_conf *self, gc_errinfo *info)
{
    const gc_config *c = &self->config;
    if (!self->binds.count)
        return gc_fail(info, GC_EINVAL,
                       "no endpoint; give --bind tcp://127.0.0.1:5555, say");
    if (!*c->cluster_curve_certificate != !*c->cluster_curve_allow)
        return gc_fail(info, GC_EINVAL,
                       "--curve-certificate and --curve-allow go together");
    for (size_t i = 0; i < self->binds.count; i++) {
        gc_err err = check_endpoint(self, self->binds.items[i], info);
        if (err)
            return err;
    }
    return GC_OK;
}

/* ---- all of it ---- */

static gc_err load_file(gc_config *config, const char *path)
{
    gc_diags diags;
    gc_diags_init(&diags, path ? path : DEFAULT_FILE);
    gc_err err = gc_config_load_file(config, diags.path, &diags);
    bool said = diags.errors > 0;
    gc_diags_print(&diags, stderr);
    gc_diags_release(&diags);
    if (err && !path && err == GC_ENOENT)
        return GC_OK; /* nobody asked for it */
    if (err && !said)
        fprintf(stderr, "gc-broker: error: %s: %s\n", path ? path : DEFAULT_FILE,
                gc_err_str(err));
    return err;
}

static gc_err load_settings(gc_broker_conf *self, const arguments *args, gc_errinfo *info)
{
    gc_err err = gc_config_load_env(&self->config, info);
    for (size_t i = 0; !err && i < args->keys.count; i += 2)
        err = gc_config_set(&self->config, args->keys.items[i], args->keys.items[i + 1],
                            info);
    return err ? err : gc_broker_conf_check(self, info);
}

static int load(gc_broker_conf *self, const arguments *args)
{
    gc_errinfo info = { 0 };
    gc_log_level level = GC_LOG_INFO;
    if (load_file(&self->config, args->file))
        return GC_EXIT_USAGE;
    if (load_settings(self, args, &info))
        return usage_error(info.text);
    if (gc_log_level_parse(self->config.logging_level, &level))
        return usage_error("logging.level is none of auto, error, warn, info, debug");
    gc_log_setup("broker", level, strcmp(self->config.logging_format, "json") == 0);
    return GO_ON;
}

int gc_broker_conf_load(gc_broker_conf *self, int argc, char **argv)
{
    gc_errinfo info = { 0 };
    arguments args = { .ready_fd = -1 };
    int status;
    *self = (gc_broker_conf){ .ready_fd = -1 };
    gc_config_init(&self->config);
    if (parse(&args, argc, argv, &info)) {
        status = usage_error(info.text);
    } else if (args.help || args.version) {
        if (args.help)
            print_help();
        else
            print_version();
        status = fflush(stdout) == 0 ? 0 : 6;
    } else {
        gc_strv_copy(&self->binds, &args.binds);
        self->ready_fd = args.ready_fd;
        status = load(self, &args);
    }
    gc_strv_release(&args.binds);
    gc_strv_release(&args.keys);
    return status;
}

void gc_broker_conf_release(gc_broker_conf *self)
{
    gc_config_release(&self->config);
    gc_strv_release(&self->binds);
}
