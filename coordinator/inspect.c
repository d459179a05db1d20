/* Looking without touching: the decision list of a run that is not made, for explain, check
 * and --dry-run (dry_run.c). No process, no write, no request. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/null_run.h"
#include "coordinator/run_private.h"

gc_exit run_look(gc_run *run, const gc_options *options)
{
    gc_exit code = run_open(run, options);
    if (code == GC_EXIT_OK)
        code = run_open_output(run, true);
    if (code != GC_EXIT_OK)
        return code;
    run_decide(run, true);
    run_foresee(run);
    run_decide_orphans(run);
    if (run->verdict != GC_EXIT_OK)
        fprintf(stderr, "error: %s\n", run->problem);
    return run->verdict;
}

const char *run_how_word(const gc_plan_file *f)
{
    return f->how == GC_BY_TEMPLATE ? "template" : "llm";
}

/* ---- explain ---- */

static json_t *edges_json(const gc_run *run, const gc_plan_file *f)
{
    json_t *list = json_array();
    for (size_t e = 0; e < f->edge_count; e++)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "path",
                            run->project.plan->files[f->edges[e].file].path, "kind",
                            f->edges[e].kind == GC_EDGE_REAL ? "real" : "contract"));
    return list;
}

json_t *run_file_json(gc_run *run, size_t file)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    char reason[GC_WHY_SIZE];
    run_why(run, file, reason);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:o}", "path", f->path,
                     "action", gc_action_str(run_decision(run, file).action), "reason",
                     reason, "how", run_how_word(f), "kind", f->kind, "level",
                     (int)f->level, "fingerprint", run_fingerprint(run, file)->hex,
                     "depends_on", edges_json(run, f));
}

void run_append_orphans(const gc_run *run, json_t *list)
{
    for (size_t i = 0; i < gc_decider_orphans(run->decider); i++) {
        const gc_orphan *o = gc_decider_orphan(run->decider, i);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "path", o->path,
                                              "action", gc_action_str(o->decision.action),
                                              "reason", gc_why_str(o->decision.why)));
    }
}

static void explain_file(gc_run *run, size_t file)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    char reason[GC_WHY_SIZE];
    run_why(run, file, reason);
    printf("%s: %s (%s)\n", f->path, gc_action_str(run_decision(run, file).action),
           reason);
    printf("  kind: %s, made by: %s, level: %zu\n", f->kind, run_how_word(f), f->level);
    printf("  purpose: %s\n", f->purpose);
    for (size_t e = 0; e < f->edge_count; e++)
        printf("  needs: %s (%s)\n", run->project.plan->files[f->edges[e].file].path,
               f->edges[e].kind == GC_EDGE_REAL ? "real: waits for it"
                                                : "contract: waits for nothing");
    if (*f->promise)
        printf("  promises:\n");
    for (const char *line = f->promise; *line;) {
        size_t len = strcspn(line, "\n");
        printf("    %.*s\n", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

static gc_exit explain_one(gc_run *run, const char *path, bool json)
{
    long file = gc_plan_find(run->project.plan, path);
    if (file < 0) {
        fprintf(stderr, "error: %s is not in the plan; `explain SPEC` lists all files\n",
                path);
        return GC_EXIT_GENERAL;
    }
    gc_exit code;
    if (json) {
        json_t *o = run_file_json(run, (size_t)file);
        code = run_explain_prompt_json(run, (size_t)file, o);
        json_dumpf(o, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
        putchar('\n');
        json_decref(o);
    } else {
        explain_file(run, (size_t)file);
        code = run_explain_prompt(run, (size_t)file);
    }
    return code;
}

static void print_line(gc_action action, const char *path, const char *reason)
{
    printf("%-22s %s (%s)\n", gc_action_str(action), path, reason);
}

static void explain_all(gc_run *run)
{
    for (size_t i = 0; i < run->project.plan->file_count; i++) {
        char reason[GC_WHY_SIZE];
        run_why(run, i, reason);
        print_line(run_decision(run, i).action, run->project.plan->files[i].path, reason);
    }
    for (size_t i = 0; i < gc_decider_orphans(run->decider); i++) {
        const gc_orphan *o = gc_decider_orphan(run->decider, i);
        print_line(o->decision.action, o->path, gc_why_str(o->decision.why));
    }
}

static void explain_all_json(gc_run *run)
{
    json_t *list = json_array();
    for (size_t i = 0; i < run->project.plan->file_count; i++)
        json_array_append_new(list, run_file_json(run, i));
    run_append_orphans(run, list);
    json_dumpf(list, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
    putchar('\n');
    json_decref(list);
}

gc_exit gc_run_explain(const gc_options *options)
{
    gc_run run;
    gc_exit code = run_look(&run, options);
    if (code == GC_EXIT_OK && options->args.count)
        code = explain_one(&run, options->args.items[0], options->json);
    else if (code == GC_EXIT_OK && options->json)
        explain_all_json(&run);
    else if (code == GC_EXIT_OK)
        explain_all(&run);
    run_close(&run);
    return code;
}

/* ---- check ---- */

/* Everything that does not agree, as {path, action, reason}. */
static json_t *disagreements(gc_run *run)
{
    json_t *list = json_array();
    for (size_t i = 0; i < run->project.plan->file_count; i++) {
        gc_action action = run_decision(run, i).action;
        char reason[GC_WHY_SIZE];
        if (action == GC_KEEP)
            continue;
        run_why(run, i, reason);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "path",
                                              run->project.plan->files[i].path, "action",
                                              gc_action_str(action), "reason", reason));
    }
    run_append_orphans(run, list);
    if (gc_output_state_merged(run->output))
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s}", "path", run->config->incremental_state_file,
                      "action", gc_action_str(GC_MAKE), "reason",
                      "holds both sides of a merge, and is to be written anew"));
    return list;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static size_t count_action(const json_t *list, gc_action action)
{
    size_t i, count = 0;
    const json_t *file;
    json_array_foreach(list, i, file)
    {
        count += strcmp(text_of(file, "action"), gc_action_str(action)) == 0;
    }
    return count;
}

/* A run leaves what was changed by hand, unless it is told otherwise; of what is no longer
 * planned it has nothing to put in the place. */
static void advise(const gc_options *options, const json_t *list)
{
    size_t problems = json_array_size(list);
    size_t edits = count_action(list, GC_KEEP_EDIT), left = count_action(list, GC_LEAVE);
    fprintf(stderr, "error: %zu file%s not agree with %s; ", problems,
            problems == 1 ? " does" : "s do", options->spec);
    if (problems > edits + left)
        fprintf(stderr, "run `gc-coordinator generate`%s",
                edits ? " (--on-edit overwrite takes back what was changed by hand, too)"
                      : "");
    else if (edits)
        fputs("run `gc-coordinator generate --on-edit overwrite` to have what was "
              "generated back in place of what was changed by hand",
              stderr);
    if (left)
        fprintf(stderr, "%sremove what is no longer planned but was changed by hand",
                problems > left ? ", and " : "");
    fputc('\n', stderr);
}

static void print_check(const gc_options *options, size_t count, json_t *list)
{
    size_t i, problems = json_array_size(list);
    const json_t *file;
    if (options->json) {
        json_t *root = json_pack("{s:b, s:O}", "ok", problems == 0, "files", list);
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
        putchar('\n');
        json_decref(root);
    } else {
        json_array_foreach(list, i, file)
        {
            printf("%s: %s\n", text_of(file, "path"), text_of(file, "reason"));
        }
    }
    if (problems)
        advise(options, list);
    else if (!options->json)
        printf("ok: %zu files agree with %s\n", count, options->spec);
}

static bool agrees_as_before(const gc_options *options)
{
    gc_null_keys keys;
    size_t count;
    if (!gc_null_key(options, &keys) || !gc_null_check(options, &keys, &count))
        return false;
    json_t *nothing = json_array();
    print_check(options, count, nothing);
    json_decref(nothing);
    return true;
}

gc_exit gc_run_check(const gc_options *options)
{
    gc_run run;
    if (agrees_as_before(options))
        return GC_EXIT_OK;
    gc_exit code = run_look(&run, options);
    if (code == GC_EXIT_OK) {
        json_t *list = disagreements(&run);
        print_check(options, run.project.plan->file_count, list);
        code = json_array_size(list) ? GC_EXIT_GENERAL : GC_EXIT_OK;
        json_decref(list);
    }
    run_close(&run);
    return code;
}
