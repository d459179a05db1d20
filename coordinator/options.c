#include "coordinator/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "coordinator/options_table.h"

#define DEFAULT_CONFIG ".gocreator.yaml"

/* ---- words ---- */

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct parser {
    gc_options *out;
    const gc_verb_row *verb;
    gc_strv words;    /* everything that is no option */
    gc_strv settings; /* option, configuration key, value; by threes */
    char *config_path;
    bool given[GC_OPTION_ROWS];
    bool named; /* the verb was written out */
    bool help;
    bool version;
} parser;

static gc_exit usage(const char *fmt, ...) GC_PRINTF(1, 2);

static gc_exit usage(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("error: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputs("; see gc-coordinator --help\n", stderr);
    va_end(ap);
    return GC_EXIT_USAGE;
}

static bool looks_like_job(const char *text)
{
    return strlen(text) == 14 && gc_starts_with(text, "j-") &&
           strspn(text + 2, "0123456789abcdefghijklmnopqrstuvwxyz") == 12;
}

static gc_exit unknown_option(const char *word)
{
    const char *names[GC_OPTION_ROWS];
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (size_t i = 0; i < GC_OPTION_ROWS; i++)
        names[i] = gc_option_rows[i].name;
    const char *near = gc_nearest(bare, names, GC_OPTION_ROWS);
    fprintf(stderr, "error: unknown option %s", word);
    if (near)
        fprintf(stderr, "; did you mean --%s?", near);
    fputs("; see gc-coordinator --help\n", stderr);
    return GC_EXIT_USAGE;
}

/* ---- values ---- */

typedef struct word_value {
    const char *word;
    int value;
} word_value;

static gc_exit choose(const char *option, const char *value, const word_value *table,
                      size_t count, int *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, table[i].word) == 0) {
            *out = table[i].value;
            return GC_EXIT_OK;
        }
    }
    fprintf(stderr, "error: --%s does not know \"%s\"; choose", option, value);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s%s", i ? ", " : " ", table[i].word);
    fputc('\n', stderr);
    return GC_EXIT_USAGE;
}

static gc_exit choose_policy(parser *p, const char *value)
{
    static const word_value words[] = { { "keep", GC_EDIT_KEEP },
                                        { "merge", GC_EDIT_MERGE },
                                        { "overwrite", GC_EDIT_OVERWRITE } };
    int choice = GC_EDIT_KEEP;
    gc_exit code = choose("on-edit", value, words, COUNT(words), &choice);
    p->out->on_edit = (gc_on_edit)choice;
    return code;
}

static gc_exit choose_progress(parser *p, const char *value)
{
    static const word_value words[] = { { "auto", GC_PROGRESS_AUTO },
                                        { "bar", GC_PROGRESS_BAR },
                                        { "plain", GC_PROGRESS_PLAIN },
                                        { "json", GC_PROGRESS_JSON },
                                        { "none", GC_PROGRESS_NONE } };
    int choice = GC_PROGRESS_AUTO;
    gc_exit code = choose("progress", value, words, COUNT(words), &choice);
    p->out->progress = (gc_progress_mode)choice;
    return code;
}

static void set_text(char **to, const char *value)
{
    free(*to);
    *to = gc_xstrdup(value);
}

static gc_exit apply(parser *p, const gc_option_row *o, const char *value)
{
    gc_options *out = p->out;
    p->given[o - gc_option_rows] = true;
    if (o->key) {
        gc_strv_add(&p->settings, o->name);
        gc_strv_add(&p->settings, o->key);
        gc_strv_add(&p->settings, o->arg ? value : "true");
        return GC_EXIT_OK;
    }
    switch (o->id) {
    case GC_OPT_OUTPUT:
        set_text(&out->output, value);
        out->output_given = true;
        break;
    case GC_OPT_CONFIG: set_text(&p->config_path, value); break;
    case GC_OPT_SPEC: set_text(&out->spec, value); break;
    case GC_OPT_ANSWERS: set_text(&out->answers, value); break;
    case GC_OPT_METRICS: set_text(&out->metrics, value); break;
    case GC_OPT_REPORT: set_text(&out->report, value); break;
    case GC_OPT_RESUME:
        out->resume = true;
        if (value && !looks_like_job(value))
            return usage("--resume=%s is no job id (j- and 12 of 0-9a-z)", value);
        if (value)
            set_text(&out->resume_job, value);
        break;
    case GC_OPT_ON_EDIT: return choose_policy(p, value);
    case GC_OPT_PROGRESS: return choose_progress(p, value);
    case GC_OPT_DRY_RUN: out->dry_run = true; break;
    case GC_OPT_NO_OPTIMIZATION: out->no_optimization = true; break;
    case GC_OPT_YES: out->yes = true; break;
    case GC_OPT_FORCE: out->force = true; break;
    case GC_OPT_STRICT: out->strict = true; break;
    case GC_OPT_JSON: out->json = true; break;
    case GC_OPT_WATCH: out->watch = true; break;
    case GC_OPT_HELP: p->help = true; break;
    case GC_OPT_VERSION: p->version = true; break;
    default: break;
    }
    return GC_EXIT_OK;
}

/* One option at argv[*i]; moves *i over a separate value. */
static gc_exit parse_option(parser *p, int argc, char **argv, int *i)
{
    const char *word = argv[*i], *value = NULL;
    const gc_option_row *o;
    if (word[1] == '-') {
        const char *equals = strchr(word, '=');
        size_t len = equals ? (size_t)(equals - word) - 2 : strlen(word + 2);
        o = gc_option_find(word + 2, len);
        if (!o)
            return unknown_option(word);
        value = equals ? equals + 1 : NULL;
    } else {
        o = gc_option_find_letter(word[1]);
        if (!o)
            return usage("unknown option %s", word);
        value = word[2] ? word + 2 : NULL;
    }
    bool optional = o->arg && o->arg[0] == '[';
    if (!o->arg && value)
        return usage("--%s takes no value", o->name);
    if (optional && !value && *i + 1 < argc && looks_like_job(argv[*i + 1]))
        value = argv[++*i];
    if (o->arg && !optional && !value) {
        if (*i + 1 >= argc)
            return usage("--%s needs a value: %s", o->name, o->arg);
        value = argv[++*i];
    }
    if (o->arg && !o->key && value && !*value)
        return usage("--%s needs a value: %s", o->name,
                     o->arg); /* as a script's $UNSET */
    return apply(p, o, value);
}

static gc_exit parse_words(parser *p, int argc, char **argv)
{
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
        } else if (!only_words && word[0] == '-' && word[1]) {
            gc_exit code = parse_option(p, argc, argv, &i);
            if (code != GC_EXIT_OK)
                return code;
        } else {
            gc_strv_add(&p->words, word);
        }
    }
    return GC_EXIT_OK;
}

/* ---- verb and arguments ---- */

static void shift(gc_strv *words)
{
    free(words->items[0]);
    words->count--;
    memmove(words->items, words->items + 1, words->count * sizeof *words->items);
}

static bool wants_spec(gc_verb verb)
{
    return verb == GC_VERB_GENERATE || verb == GC_VERB_FULL || verb == GC_VERB_CLARIFY ||
           verb == GC_VERB_DUMP_FCS || verb == GC_VERB_EXPLAIN || verb == GC_VERB_CHECK;
}

/* A lone word that is no command and no file is more likely a mistyped command. */
static gc_exit check_implicit(const char *word)
{
    const char *names[GC_VERB_ROWS];
    for (size_t i = 0; i < GC_VERB_ROWS; i++)
        names[i] = gc_verb_rows[i].name;
    const char *near = gc_nearest(word, names, GC_VERB_ROWS);
    if (!near || access(word, F_OK) == 0 || strpbrk(word, "./"))
        return GC_EXIT_OK;
    return usage("there is no command and no file \"%s\"; did you mean %s?", word, near);
}

/* `help COMMAND` is `COMMAND --help`, unless a file has that name. */
static gc_exit take_help(parser *p)
{
    if (!p->words.count || strcmp(p->words.items[0], "help") != 0 ||
        access("help", F_OK) == 0)
        return GC_EXIT_OK;
    p->help = true;
    shift(&p->words);
    if (p->words.count && !gc_verb_find(p->words.items[0]) &&
        !strpbrk(p->words.items[0], "./")) /* which would name a specification */
        return usage("there is no command \"%s\"", p->words.items[0]);
    return GC_EXIT_OK;
}

static gc_exit choose_verb(parser *p)
{
    gc_exit code = take_help(p);
    if (code != GC_EXIT_OK)
        return code;
    p->verb = p->words.count ? gc_verb_find(p->words.items[0]) : NULL;
    p->named = p->verb != NULL;
    if (p->named) {
        shift(&p->words);
    } else {
        if (p->words.count && !p->help) {
            code = check_implicit(p->words.items[0]);
            if (code != GC_EXIT_OK)
                return code;
        }
        p->verb = &gc_verb_rows[0];
    }
    p->out->verb = p->verb->verb;
    return GC_EXIT_OK;
}

/* A page tells of a run, JSON of a validation; `full` is both. */
static gc_exit sort_report(gc_options *out)
{
    bool page = out->report && gc_ends_with(out->report, ".html");
    if (page && out->verb == GC_VERB_VALIDATE)
        return usage("validate reports as JSON: --report FILE.json, not %s", out->report);
    if (page) {
        out->html = out->report;
        out->report = NULL;
    }
    if (out->report && out->verb == GC_VERB_GENERATE)
        return usage("generate reports as a page: --report FILE.html, not %s",
                     out->report);
    return GC_EXIT_OK;
}

static gc_exit check_arguments(parser *p)
{
    const gc_verb_row *verb = p->verb;
    for (size_t i = 0; i < GC_OPTION_ROWS; i++)
        if (p->given[i] && !gc_verb_takes(verb, &gc_option_rows[i]))
            return usage("--%s means nothing to %s", gc_option_rows[i].name, verb->name);
    size_t max = verb->max_args, min = verb->min_args;
    if (wants_spec(verb->verb) && p->out->spec)
        max--; /* --spec has named it already */
    else if (wants_spec(verb->verb))
        min = 1;
    if (p->words.count > max)
        return usage("%s does not expect \"%s\"", verb->name, p->words.items[max]);
    if (p->words.count < min)
        return usage("%s needs %s", verb->name, verb->args);
    if (wants_spec(verb->verb) && !p->out->spec) {
        p->out->spec = gc_xstrdup(p->words.items[0]);
        shift(&p->words);
    }
    gc_strv_copy(&p->out->args, &p->words);
    return sort_report(p->out);
}

/* ---- configuration ---- */

static gc_exit load_file(parser *p)
{
    const char *path = p->config_path ? p->config_path : DEFAULT_CONFIG;
    gc_diags diags;
    if (!p->config_path && access(path, F_OK))
        return GC_EXIT_OK;
    gc_diags_init(&diags, path);
    gc_err err = gc_config_load_file(&p->out->config, path, &diags);
    gc_diags_print(&diags, stderr);
    if (err && !diags.errors)
        fprintf(stderr, "error: cannot read the configuration %s: %s\n", path,
                gc_err_str(err));
    gc_diags_release(&diags);
    return err ? GC_EXIT_USAGE : GC_EXIT_OK;
}

static gc_exit load_config(parser *p)
{
    gc_errinfo info = { 0 };
    gc_config *config = &p->out->config;
    gc_exit code = load_file(p);
    if (code != GC_EXIT_OK)
        return code;
    if (gc_config_load_env(config, &info)) {
        fprintf(stderr, "error: %s\n", info.text);
        return GC_EXIT_USAGE;
    }
    for (size_t i = 0; i + 2 < p->settings.count; i += 3) {
        if (gc_config_set(config, p->settings.items[i + 1], p->settings.items[i + 2],
                          &info)) {
            fprintf(stderr, "error: --%s: %s\n", p->settings.items[i], info.text);
            return GC_EXIT_USAGE;
        }
    }
    if (strcmp(config->llm_provider, "sim") == 0 && *config->cluster_broker)
        return usage("--provider sim starts its own workers; leave --broker out");
    if (p->out->resume && !config->resume_enabled)
        return usage("--resume contradicts optimization.resume.enabled: false");
    if (p->out->no_optimization)
        gc_config_no_optimization(config);
    return GC_EXIT_OK;
}

static void set_up_log(const gc_config *config)
{
    gc_log_level level = GC_LOG_WARN;
    if (gc_log_level_parse(config->logging_level, &level))
        level = GC_LOG_WARN;
    gc_log_setup("coordinator", level, strcmp(config->logging_format, "json") == 0);
}

gc_exit gc_options_parse(int argc, char **argv, gc_options *out, bool *done)
{
    parser p = { .out = out };
    *out = (gc_options){ .output = gc_xstrdup("./generated"), .results = stdout };
    *done = true;
    gc_config_init(&out->config);
    gc_exit code = parse_words(&p, argc, argv);
    if (code == GC_EXIT_OK)
        code = choose_verb(&p);
    if (code == GC_EXIT_OK && p.help) {
        if (p.named)
            gc_verb_print_help(p.verb, stdout);
        else
            gc_options_print_help(stdout);
    } else if (code == GC_EXIT_OK && p.version) {
        out->verb = GC_VERB_VERSION;
        *done = false;
    } else if (code == GC_EXIT_OK) {
        code = check_arguments(&p);
        if (code == GC_EXIT_OK)
            code = load_config(&p);
        *done = code != GC_EXIT_OK;
        if (!*done)
            set_up_log(&out->config);
    }
    gc_strv_release(&p.words);
    gc_strv_release(&p.settings);
    free(p.config_path);
    return code;
}

void gc_options_release(gc_options *self)
{
    gc_config_release(&self->config);
    free(self->spec);
    gc_strv_release(&self->args);
    free(self->output);
    free(self->answers);
    free(self->metrics);
    free(self->report);
    free(self->html);
    free(self->resume_job);
}
