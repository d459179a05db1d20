#include "coordinator/options_table.h"

#include <string.h>

const gc_verb_row gc_verb_rows[] = {
    { "generate", GC_VERB_GENERATE, "[--spec] SPEC", 0, 1, "csorkjp",
      "Make the project: files are written, what is unchanged is kept." },
    { "full", GC_VERB_FULL, "[--spec] SPEC", 0, 1, "csorkjvp",
      "generate, then gofmt, go build, go vet and go test." },
    { "validate", GC_VERB_VALIDATE, "DIR", 1, 1, "cvjp",
      "Validate an existing project." },
    { "clarify", GC_VERB_CLARIFY, "SPEC", 0, 1, "csj",
      "Print open questions with stable ids." },
    { "dump-fcs", GC_VERB_DUMP_FCS, "SPEC", 0, 1, "cs",
      "Print the Final Clarified Specification as canonical JSON." },
    { "explain", GC_VERB_EXPLAIN, "SPEC [PATH]", 0, 2, "csomej",
      "Say why each file would be generated, kept or removed. Costs nothing." },
    { "check", GC_VERB_CHECK, "SPEC", 0, 1, "csomej",
      "Exit 0 only if specification, state and tree agree. Costs nothing." },
    { "jobs", GC_VERB_JOBS, "", 0, 0, "ckoj", "List jobs in Redis." },
    { "status", GC_VERB_STATUS, "JOB", 1, 1, "ckojw", "Show one job." },
    { "cancel", GC_VERB_CANCEL, "JOB", 1, 1, "ckoj", "Stop a job; it can be resumed." },
    { "workers", GC_VERB_WORKERS, "", 0, 0, "ckoj", "List workers." },
    { "fetch", GC_VERB_FETCH, "JOB", 1, 1, "ckoj",
      "Write a job's files from Redis to -o DIR." },
    { "compare-metrics", GC_VERB_COMPARE, "A B", 2, 2, "j",
      "Compare two metrics files." },
    { "doctor", GC_VERB_DOCTOR, "", 0, 0, "ckmj",
      "Check config, key, Redis, broker and Go toolchain." },
    { "version", GC_VERB_VERSION, "", 0, 0, "", "Print the version." },
};

const gc_option_row gc_option_rows[] = {
    { "output", 'o', GC_OPT_OUTPUT, 'o', "DIR", NULL,
      "output folder (default ./generated)" },
    { "config", 'c', GC_OPT_CONFIG, 'c', "FILE", NULL,
      "configuration file (default ./.gocreator.yaml if it exists)" },
    { "spec", 0, GC_OPT_SPEC, 's', "FILE", NULL, "the specification" },
    { "answers", 0, GC_OPT_ANSWERS, 's', "FILE", NULL,
      "answers to the questions of clarify" },
    { "batch", 0, GC_OPT_ANSWERS, 's', "FILE", NULL, "the same as --answers" },
    { "broker", 0, GC_OPT_BROKER, 'k', "ENDPOINT[,...]", "cluster.broker",
      "use this broker instead of local mode" },
    { "redis", 0, GC_OPT_REDIS, 'k', "URL", "cluster.redis",
      "use this Redis instead of a private one" },
    { "workers", 0, GC_OPT_WORKERS, 'r', "N", "cluster.workers",
      "local worker processes" },
    { "provider", 0, GC_OPT_PROVIDER, 'm', "NAME", "llm.provider",
      "anthropic, openai or sim" },
    { "model", 0, GC_OPT_MODEL, 'm', "ID", "llm.model", "model id" },
    { "dry-run", 0, GC_OPT_DRY_RUN, 'r', NULL, NULL,
      "show levels, files, calls and dollars; start, send and write nothing" },
    { "no-optimization", 0, GC_OPT_NO_OPTIMIZATION, 'e', NULL, NULL,
      "turn every optimisation off, for a baseline" },
    { "metrics", 0, GC_OPT_METRICS, 'r', "FILE", NULL, "write metrics as JSON" },
    { "resume", 0, GC_OPT_RESUME, 'r', "[JOB]", NULL,
      "go on with JOB, or with the newest unfinished job" },
    { "max-cost", 0, GC_OPT_MAX_COST, 'r', "USD", "limits.max_cost_usd",
      "spend at most this much" },
    { "yes", 0, GC_OPT_YES, 'r', NULL, NULL, "do not ask before spending" },
    { "force", 0, GC_OPT_FORCE, 'r', NULL, NULL, "make every file again, reuse nothing" },
    { "strict", 0, GC_OPT_STRICT, 'r', NULL, NULL, "exit 3 if a question is open" },
    { "on-edit", 0, GC_OPT_ON_EDIT, 'e', "POLICY", NULL,
      "files changed by hand: keep (default), merge, overwrite" },
    { "progress", 0, GC_OPT_PROGRESS, 'r', "MODE", NULL,
      "auto, bar, plain, json or none" },
    { "report", 0, GC_OPT_REPORT, 'p', "FILE", NULL,
      "FILE.html: the run as a page; otherwise the validation report as JSON" },
    { "json", 0, GC_OPT_JSON, 'j', NULL, NULL, "print results as JSON" },
    { "watch", 0, GC_OPT_WATCH, 'w', NULL, NULL, "show it again until the job ends" },
    { "insecure", 0, GC_OPT_INSECURE, 'k', NULL, "cluster.insecure",
      "allow tcp off loopback without CURVE" },
    { "log-level", 0, GC_OPT_LOG_LEVEL, 'c', "LEVEL", "logging.level",
      "error, warn, info or debug" },
    { "log-format", 0, GC_OPT_LOG_FORMAT, 'c', "FORMAT", "logging.format",
      "text or json" },
    { "help", 'h', GC_OPT_HELP, '*', NULL, NULL, "show this help" },
    { "version", 'v', GC_OPT_VERSION, '*', NULL, NULL, "print the version" },
};

const gc_verb_row *gc_verb_find(const char *name)
{
    for (size_t i = 0; i < GC_VERB_ROWS; i++)
        if (strcmp(gc_verb_rows[i].name, name) == 0)
            return &gc_verb_rows[i];
    return NULL;
}

const gc_option_row *gc_option_find(const char *name, size_t len)
{
    for (size_t i = 0; i < GC_OPTION_ROWS; i++)
        if (strlen(gc_option_rows[i].name) == len &&
            strncmp(gc_option_rows[i].name, name, len) == 0)
            return &gc_option_rows[i];
    return NULL;
}

const gc_option_row *gc_option_find_letter(char letter)
{
    for (size_t i = 0; i < GC_OPTION_ROWS; i++)
        if (gc_option_rows[i].letter == letter)
            return &gc_option_rows[i];
    return NULL;
}

/* ---- help ---- */

bool gc_verb_takes(const gc_verb_row *verb, const gc_option_row *option)
{
    char group = option->group;
    if (group == '*')
        return true;
    if ((group == 'm' || group == 'e') && strchr(verb->options, 'r'))
        return true; /* a run takes what looking takes */
    return strchr(verb->options, group) != NULL;
}

static void print_option(const gc_option_row *o, FILE *out)
{
    char left[64];
    snprintf(left, sizeof left, "%s%c%s--%s%s%s", o->letter ? "-" : " ",
             o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
             o->arg ? " " : "", o->arg ? o->arg : "");
    if (strlen(left) < 26)
        fprintf(out, "  %-26s%s\n", left, o->help);
    else
        fprintf(out, "  %s\n  %-26s%s\n", left, "", o->help);
}

void gc_verb_print_help(const gc_verb_row *verb, FILE *out)
{
    fprintf(out, "Usage: gc-coordinator %s%s%s [OPTION...]\n\n%s\n\nOptions:\n",
            verb->name, *verb->args ? " " : "", verb->args, verb->help);
    for (size_t i = 0; i < GC_OPTION_ROWS; i++)
        if (gc_verb_takes(verb, &gc_option_rows[i]))
            print_option(&gc_option_rows[i], out);
}

void gc_options_print_help(FILE *out)
{
    fputs("Usage: gc-coordinator SPEC [OPTION...]          (the same as generate)\n"
          "       gc-coordinator COMMAND [ARGUMENT...] [OPTION...]\n\n"
          "Turns a specification into a complete Go project.\n\n"
          "  gc-coordinator examples/shop-6.yaml --provider sim -o /tmp/shop\n"
          "  gc-coordinator spec.yaml --dry-run\n\nCommands:\n",
          out);
    for (size_t i = 0; i < GC_VERB_ROWS; i++)
        fprintf(out, "  %-16s %s\n", gc_verb_rows[i].name, gc_verb_rows[i].help);
    fputs(
        "\nOptions of every command: `gc-coordinator COMMAND --help`\n\n"
        "Exit codes: 0 ok, 1 general, 2 specification, 3 clarification needed, 4 generation\n"
        "failed (resumable), 5 validation failed, 6 file system, 7 network or provider,\n"
        "8 configuration or usage, 9 internal, 130 interrupted (resumable).\n",
        out);
}
