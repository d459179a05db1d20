#include "common/program.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

#define DEFAULT_FILE ".gocreator.yaml"

/* ---- options that every program has ---- */

typedef enum common_id {
    COMMON_CONFIG,
    COMMON_LOG_LEVEL,
    COMMON_LOG_FORMAT,
    COMMON_HELP,
    COMMON_VERSION,
    COMMON_COUNT
} common_id;

static const gc_option common_options[COMMON_COUNT] = {
    [COMMON_CONFIG] = { "config", "FILE", NULL,
                        "settings file (default ./" DEFAULT_FILE ", if there is one)" },
    [COMMON_LOG_LEVEL] = { "log-level", "LEVEL", "logging.level",
                           "error, warn, info or debug" },
    [COMMON_LOG_FORMAT] = { "log-format", "FORMAT", "logging.format", "text or json" },
    [COMMON_HELP] = { "help", NULL, NULL, "print this and exit" },
    [COMMON_VERSION] = { "version", NULL, NULL, "print versions and exit" },
};

static char letter_of(const gc_option *o)
{
    if (o == &common_options[COMMON_CONFIG])
        return 'c';
    if (o == &common_options[COMMON_HELP])
        return 'h';
    return o == &common_options[COMMON_VERSION] ? 'v' : '\0';
}

static size_t option_count(const gc_program *program)
{
    return program->option_count + COMMON_COUNT;
}

static const gc_option *option_at(const gc_program *program, size_t i)
{
    return i < program->option_count ? &program->options[i]
                                     : &common_options[i - program->option_count];
}

/* ---- help and errors ---- */

static void print_option(const gc_option *o)
{
    char letter[] = { '-', letter_of(o), ',', ' ', '\0' };
    printf("  %s--%s%s%s\n        %s\n", letter_of(o) ? letter : "    ", o->name,
           o->argument ? " " : "", o->argument ? o->argument : "", o->help);
}

static void print_help(const gc_program *program)
{
    printf("%s\nOptions:\n", program->usage);
    for (size_t i = 0; i < option_count(program); i++)
        print_option(option_at(program, i));
    printf("\n%s", program->ending);
}

int gc_program_usage_error(const gc_program *program, const char *text)
{
    if (*text)
        fprintf(stderr, "%s: error: %s; see %s --help\n", program->name, text,
                program->name);
    return GC_PROGRAM_EXIT_USAGE;
}

/* ---- the command line ---- */

/* `word` is "--name", "--name=value" or "-x". */
static bool names(const char *word, const gc_option *o)
{
    size_t len = strcspn(word, "=");
    char letter = letter_of(o);
    if (letter && word[0] == '-' && word[1] == letter && !word[2])
        return true;
    return len > 2 && gc_starts_with(word, "--") && strlen(o->name) == len - 2 &&
           memcmp(word + 2, o->name, len - 2) == 0;
}

static const gc_option *find_option(const gc_program *program, const char *word)
{
    for (size_t i = 0; i < option_count(program); i++)
        if (names(word, option_at(program, i)))
            return option_at(program, i);
    return NULL;
}

static gc_err unknown_option(const gc_program *program, const char *word,
                             gc_errinfo *info)
{
    gc_strv known = { 0 };
    if (!gc_starts_with(word, "-"))
        return gc_fail(info, GC_EINVAL, "unexpected argument \"%s\"", word);
    for (size_t i = 0; i < option_count(program); i++)
        gc_strv_add(&known, option_at(program, i)->name);
    const char *near = gc_nearest(word + strspn(word, "-"),
                                  (const char *const *)known.items, known.count);
    gc_err err = near ? gc_fail(info, GC_EINVAL, "unknown option %s, did you mean --%s?",
                                word, near)
                      : gc_fail(info, GC_EINVAL, "unknown option %s", word);
    gc_strv_release(&known);
    return err;
}

static void take_option(gc_args *self, const gc_option *o, const char *value)
{
    if (o == &common_options[COMMON_CONFIG]) {
        self->file = value;
    } else if (o == &common_options[COMMON_HELP]) {
        self->help = true;
    } else if (o == &common_options[COMMON_VERSION]) {
        self->version = true;
    } else {
        gc_strv *list = o->key ? &self->keys : &self->others;
        gc_strv_add(list, o->key ? o->key : o->name);
        gc_strv_add(list, value ? value : "true");
    }
}

static gc_err parse(const gc_program *program, int argc, char **argv, gc_args *out,
                    gc_errinfo *info)
{
    for (int i = 1; i < argc; i++) {
        const gc_option *o = find_option(program, argv[i]);
        if (!o)
            return unknown_option(program, argv[i], info);
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
        take_option(out, o, value);
    }
    return GC_OK;
}

int gc_args_take(const gc_program *program, int argc, char **argv, gc_args *out)
{
    gc_errinfo info = { 0 };
    *out = (gc_args){ 0 };
    if (parse(program, argc, argv, out, &info))
        return gc_program_usage_error(program, info.text);
    if (out->help)
        print_help(program);
    else if (out->version)
        program->print_version();
    else
        return -1;
    return fflush(stdout) == 0 ? 0 : GC_PROGRAM_EXIT_OUTPUT;
}

void gc_args_release(gc_args *self)
{
    gc_strv_release(&self->keys);
    gc_strv_release(&self->others);
}

const char *gc_args_last(const gc_args *self, const char *name)
{
    for (size_t i = self->others.count; i >= 2; i -= 2)
        if (strcmp(self->others.items[i - 2], name) == 0)
            return self->others.items[i - 1];
    return NULL;
}

/* ---- settings ---- */

static gc_err load_file(const char *path, gc_config *config, gc_errinfo *info)
{
    gc_diags diags;
    gc_diags_init(&diags, path ? path : DEFAULT_FILE);
    gc_err err = gc_config_load_file(config, diags.path, &diags);
    bool absent = err == GC_ENOENT && !path; /* nobody asked for it */
    bool said = diags.errors > 0;
    if (!absent)
        gc_diags_print(&diags, stderr);
    gc_diags_release(&diags);
    if (absent)
        return GC_OK;
    if (err && !said)
        return gc_fail(info, err, "%s: %s", path ? path : DEFAULT_FILE, gc_err_str(err));
    return err;
}

gc_err gc_args_configure(const gc_args *self, gc_config *config, gc_errinfo *info)
{
    gc_err err = load_file(self->file, config, info);
    if (!err)
        err = gc_config_load_env(config, info);
    for (size_t i = 0; !err && i < self->keys.count; i += 2)
        err = gc_config_set(config, self->keys.items[i], self->keys.items[i + 1], info);
    return err;
}

gc_err gc_program_start_log(const gc_program *program, const gc_config *config,
                            gc_errinfo *info)
{
    gc_log_level level = GC_LOG_INFO;
    if (gc_log_level_parse(config->logging_level, &level))
        return gc_fail(info, GC_EINVAL,
                       "logging.level is none of auto, error, warn, info, debug");
    gc_log_setup(program->role, level, strcmp(config->logging_format, "json") == 0);
    return GC_OK;
}
