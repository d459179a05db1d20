#include "tests/llm-sim/options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/strv.h"
#include "common/text.h"

#define EXIT_USAGE 8
#define UNLIMITED INT64_C(1000000000)

typedef enum option_kind {
    KIND_FLAG,
    KIND_INT,
    KIND_I64,
    KIND_DOUBLE,
    KIND_TEXT,
    KIND_LIST
} option_kind;

typedef struct option {
    const char *name;
    const char *argument;
    option_kind kind;
    size_t offset; /* into gc_sim_options */
    int64_t min;
    int64_t max;
    const char *help;
} option;

#define AT(member) offsetof(gc_sim_options, member)

static const option options[] = {
    { "--port", "N", KIND_INT, AT(port), 0, 65535, "port; 0 = any free one (default)" },
    { "--bind", "ADDR", KIND_TEXT, AT(bind), 0, 0, "loopback address (127.0.0.1)" },
    { "--port-file", "FILE", KIND_TEXT, AT(port_file), 0, 0,
      "write the URL here when listening" },
    { "--ready-fd", "N", KIND_INT, AT(ready_fd), 0, 1 << 20,
      "write the URL to this descriptor when listening (standard output)" },
    { "--die-with-parent", NULL, KIND_FLAG, AT(die_with_parent), 0, 0,
      "end when the parent process ends" },
    { "--journal", "FILE", KIND_TEXT, AT(settings.journal), 0, 0,
      "append one JSON line per finished request" },
    { "--rpm", "N", KIND_I64, AT(settings.rpm), 1, UNLIMITED,
      "requests per minute, per key and model (no limit)" },
    { "--itpm", "N", KIND_I64, AT(settings.itpm), 1, UNLIMITED,
      "input tokens per minute; cache reads are free (no limit)" },
    { "--otpm", "N", KIND_I64, AT(settings.otpm), 1, UNLIMITED,
      "output tokens per minute (no limit)" },
    { "--ttft", "MS", KIND_DOUBLE, AT(settings.ttft_ms), 0, 3600000,
      "milliseconds to the first event (0)" },
    { "--latency-sigma", "X", KIND_DOUBLE, AT(settings.latency_sigma), 0, 5,
      "log-normal spread of --ttft (0)" },
    { "--tokens-per-second", "N", KIND_DOUBLE, AT(settings.tokens_per_second), 0,
      UNLIMITED, "speed of every answer; 0 = as fast as possible (default)" },
    { "--event-tokens", "N", KIND_I64, AT(settings.event_tokens), 1, 1000000,
      "tokens per event (8)" },
    { "--cache-ttl-scale", "X", KIND_DOUBLE, AT(settings.cache_ttl_scale), 0, 1000,
      "factor on all prompt-cache lifetimes (1)" },
    { "--fault", "RULE", KIND_LIST, AT(settings.faults), 0, 0,
      "KIND:RATE[:NAME=VALUE]...; may be repeated" },
    { "--extra-model", "ID", KIND_LIST, AT(settings.extra_models), 0, 0,
      "accept this model id too; may be repeated" },
    { "--seed", "N", KIND_I64, AT(settings.seed), 0, INT64_MAX,
      "seed of faults and latencies (1)" },
};
#define OPTION_COUNT (sizeof options / sizeof *options)

static void print_help(void)
{
    printf(
        "usage: gc-llm-sim [OPTION]...\n"
        "A simulated LLM service: the Anthropic Messages API and OpenAI chat completions\n"
        "on a loopback address. It writes plausible Go; no model is asked.\n\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const option *o = &options[i];
        char name[64];
        snprintf(name, sizeof name, "%s %s", o->name, o->argument ? o->argument : "");
        printf("  %-24s %s\n", name, o->help);
    }
    printf("  %-24s %s\n  %-24s %s\n\nFault kinds:\n", "-h, --help", "this text",
           "-v, --version", "the version");
    for (int i = 1; i < GC_SIM_FAULT_COUNT; i++)
        printf("  %-24s %s\n", gc_sim_fault_name((gc_sim_fault_kind)i),
               gc_sim_fault_help((gc_sim_fault_kind)i));
    printf(
        "\nA rate is a probability; settings of a rule are at=PERCENT, count=N, skip=N,\n"
        "path=TEXT, model=ID, every_ms=N, retry_ms=N. For example\n"
        "  --fault truncate:0.1:at=99 --fault bad_signature:1:path=order:count=2\n");
}

static const option *find_option(const char *name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

static bool say_unknown(const char *name)
{
    const char *names[OPTION_COUNT];
    for (size_t i = 0; i < OPTION_COUNT; i++)
        names[i] = options[i].name;
    const char *near = gc_nearest(name, names, OPTION_COUNT);
    fprintf(stderr, "gc-llm-sim: unknown option %s%s%s; --help lists all\n", name,
            near ? "; did you mean " : "", near ? near : "");
    return false;
}

/* Puts `value` in its place; false: it does not fit, and that was said. */
static bool set_option(gc_sim_options *self, const option *o, const char *value)
{
    char *place = (char *)self + o->offset;
    int64_t whole;
    switch (o->kind) {
    case KIND_FLAG: *(bool *)place = true; return true;
    case KIND_TEXT: *(const char **)place = value; return true;
    case KIND_LIST: gc_strv_add((gc_strv *)place, value); return true;
    case KIND_INT:
        if (gc_parse_i64(value, o->min, o->max, &whole))
            break;
        *(int *)place = (int)whole;
        return true;
    case KIND_I64:
        if (gc_parse_i64(value, o->min, o->max, (int64_t *)place))
            break;
        return true;
    case KIND_DOUBLE:
        if (gc_parse_double(value, (double)o->min, (double)o->max, (double *)place))
            break;
        return true;
    }
    fprintf(stderr, "gc-llm-sim: %s %s: a number from %lld to %lld is needed\n", o->name,
            value, (long long)o->min, (long long)o->max);
    return false;
}

static void set_defaults(gc_sim_options *self)
{
    *self = (gc_sim_options){ .bind = "127.0.0.1", .ready_fd = -1 };
    self->settings.rpm = UNLIMITED;
    self->settings.itpm = UNLIMITED;
    self->settings.otpm = UNLIMITED;
    self->settings.event_tokens = 8;
    self->settings.cache_ttl_scale = 1;
    self->settings.seed = 1;
}

/* "--name=value" or "--name value"; moves *i past what it used. */
static bool read_one(gc_sim_options *self, int argc, char **argv, int *i)
{
    const char *equals = strchr(argv[*i], '=');
    size_t len = equals ? (size_t)(equals - argv[*i]) : strlen(argv[*i]);
    char *name = gc_xmemdup(argv[*i], len);
    const option *o = find_option(name);
    const char *value = equals ? equals + 1 : NULL;
    bool ok;
    if (!o) {
        ok = say_unknown(name);
    } else if (!o->argument) {
        ok = !value && set_option(self, o, "");
        if (value)
            fprintf(stderr, "gc-llm-sim: %s takes no value\n", name);
    } else {
        if (!value && *i + 1 < argc)
            value = argv[++*i];
        ok = value && set_option(self, o, value);
        if (!value)
            fprintf(stderr, "gc-llm-sim: %s needs %s\n", name, o->argument);
    }
    free(name);
    return ok;
}

bool gc_sim_options_read(gc_sim_options *self, int argc, char **argv, int *status)
{
    set_defaults(self);
    for (int i = 1; i < argc; i++) {
        bool help = strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0;
        if (help || strcmp(argv[i], "-v") == 0 || strcmp(argv[i], "--version") == 0) {
            if (help)
                print_help();
            else
                printf("gc-llm-sim %s\n", GC_VERSION);
            *status = 0;
            return false;
        }
        if (!read_one(self, argc, argv, &i)) {
            *status = EXIT_USAGE;
            return false;
        }
    }
    return true;
}

void gc_sim_options_release(gc_sim_options *self)
{
    gc_strv_release(&self->settings.faults);
    gc_strv_release(&self->settings.extra_models);
}
