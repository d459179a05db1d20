#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/commands.h"
#include "coordinator/report.h"
#include "coordinator/run.h"
#include "coordinator/validate.h"

static gc_exit generate(const gc_options *options)
{
    return options->dry_run ? gc_run_dry(options) : gc_run_generate(options);
}

static gc_exit generate_then_validate(const gc_options *options, FILE *report)
{
    gc_exit code = generate(options);
    if (code != GC_EXIT_OK || options->dry_run)
        return code;
    return gc_validate(options->output, &options->config, options->report, options->json,
                       report);
}

/* One document: the figures of the run, with the validation as one more member. */
static void print_both(const char *figures, const char *report)
{
    json_t *root = json_loads(figures, 0, NULL),
           *validation = json_loads(report, 0, NULL);
    if (root && validation) {
        json_object_set(root, "validation", validation);
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        putchar('\n');
    } else { /* the run did not come so far */
        fputs(figures, stdout);
    }
    json_decref(root);
    json_decref(validation);
}

static gc_exit full(const gc_options *options)
{
    char *texts[2] = { NULL, NULL };
    size_t sizes[2];
    if (!options->json || options->dry_run)
        return generate_then_validate(options, stdout);
    gc_options both = *options;
    FILE *report = open_memstream(&texts[1], &sizes[1]);
    both.results = open_memstream(&texts[0], &sizes[0]);
    gc_exit code =
        both.results && report ? generate_then_validate(&both, report) : GC_EXIT_INTERNAL;
    if (both.results)
        fclose(both.results);
    if (report)
        fclose(report);
    if (texts[0] && texts[1])
        print_both(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
    return code;
}

static gc_exit validate(const gc_options *options)
{
    return gc_validate(options->args.items[0], &options->config, options->report,
                       options->json, stdout);
}

static gc_exit compare(const gc_options *options)
{
    return gc_compare_metrics(options->args.items[0], options->args.items[1],
                              options->json, stdout);
}

typedef gc_exit (*handler)(const gc_options *options);

static const handler handlers[] = {
    [GC_VERB_GENERATE] = generate,
    [GC_VERB_FULL] = full,
    [GC_VERB_VALIDATE] = validate,
    [GC_VERB_CLARIFY] = gc_command_clarify,
    [GC_VERB_DUMP_FCS] = gc_command_dump_fcs,
    [GC_VERB_EXPLAIN] = gc_run_explain,
    [GC_VERB_CHECK] = gc_run_check,
    [GC_VERB_JOBS] = gc_command_jobs,
    [GC_VERB_STATUS] = gc_command_status,
    [GC_VERB_CANCEL] = gc_command_cancel,
    [GC_VERB_WORKERS] = gc_command_workers,
    [GC_VERB_FETCH] = gc_command_fetch,
    [GC_VERB_COMPARE] = compare,
    [GC_VERB_DOCTOR] = gc_command_doctor,
    [GC_VERB_VERSION] = gc_command_version,
};

int main(int argc, char **argv)
{
    gc_options options;
    bool done = false;
    signal(SIGPIPE, SIG_IGN); /* a closed pager or broker is an error code, not a death */
    gc_exit code = gc_options_parse(argc, argv, &options, &done);
    if (!done)
        code = handlers[options.verb](&options);
    gc_options_release(&options);
    if (fflush(stdout) && code == GC_EXIT_OK)
        code = GC_EXIT_FILES; /* results that could not be written are no results */
    return (int)code;
}
