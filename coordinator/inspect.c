/* Looking without touching: --dry-run, explain, check. No process, no write, and no request
 * but the one for measured figures to a Redis that was named. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/null_run.h"
#include "coordinator/run_private.h"

static gc_exit open_and_look(gc_run *run, const gc_options *options)
{
    gc_errinfo info = { 0 };
    gc_exit code = run_open(run, options);
    if (code != GC_EXIT_OK)
        return code;
    bool use_state = options->config.incremental_enabled || options->no_optimization;
    if (gc_output_peek(options->output, options->config.incremental_state_file, use_state,
                       &run->output, &info)) {
        fprintf(stderr, "error: %s\n", info.text);
        return GC_EXIT_FILES;
    }
    if (use_state)
        run_recover(run);
    if (run_may_recall(run))
        gc_output_recall(run->output);
    run_decide(run, true);
    if (run->verdict != GC_EXIT_OK)
        fprintf(stderr, "error: %s\n", run->problem);
    return run->verdict;
}

/* What happens to a file, with GC_PENDING where a real dependency decides. */
static gc_decision outcome_of(const gc_run *run, size_t file)
{
    if (run->files[file].step == RUN_BLOCKED)
        return (gc_decision){ GC_PENDING, "may change if an API it uses changes" };
    return run->files[file].decision;
}

static const char *how_word(const gc_plan_file *f)
{
    return f->how == GC_BY_TEMPLATE ? "template" : "llm";
}

/* The first real dependency that keeps a file pending. */
static const char *pending_on(const gc_run *run, size_t file)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    for (size_t e = 0; e < f->edge_count; e++)
        if (f->edges[e].kind == GC_EDGE_REAL &&
            run->files[f->edges[e].file].step != RUN_DONE)
            return run->project.plan->files[f->edges[e].file].path;
    return "";
}

static void reason_of(const gc_run *run, size_t file, char *out, size_t size)
{
    gc_decision d = outcome_of(run, file);
    if (d.action == GC_PENDING)
        snprintf(out, size, "may change if the API of %s changes", pending_on(run, file));
    else
        snprintf(out, size, "%s", d.reason);
}

/* ---- orphans ---- */

static void find_orphans(gc_run *run, gc_strv *remove, gc_strv *leave)
{
    size_t cursor = 0;
    const char *path;
    void *value;
    while (gc_map_next(gc_output_state(run->output)->files, &cursor, &path, &value)) {
        gc_tree_file tree;
        if (gc_plan_find(run->project.plan, path) >= 0 ||
            gc_output_look(run->output, path, NULL, &tree, NULL))
            continue;
        gc_decision d = gc_delta_orphan(value, &tree);
        gc_strv_add(d.action == GC_REMOVE ? remove : leave, path);
    }
    gc_strv_sort(remove);
    gc_strv_sort(leave);
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

static json_t *file_json(const gc_run *run, size_t file)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    char reason[600];
    reason_of(run, file, reason, sizeof reason);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:o}", "path", f->path, "action",
        gc_action_str(outcome_of(run, file).action), "reason", reason, "how", how_word(f),
        "kind", f->kind, "level", (int)f->level, "fingerprint",
        run->files[file].step == RUN_BLOCKED ? "" : run->files[file].fingerprint.hex,
        "depends_on", edges_json(run, f));
}

static void explain_file(const gc_run *run, size_t file)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    char reason[600];
    reason_of(run, file, reason, sizeof reason);
    printf("%s: %s (%s)\n", f->path, gc_action_str(outcome_of(run, file).action), reason);
    printf("  kind: %s, made by: %s, level: %zu\n", f->kind, how_word(f), f->level);
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
        json_t *o = file_json(run, (size_t)file);
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

static void explain_orphans(const gc_strv *paths, const char *what)
{
    for (size_t i = 0; i < paths->count; i++)
        printf("%-22s %s\n", what, paths->items[i]);
}

static void append_orphans(json_t *list, const gc_strv *remove, const gc_strv *leave)
{
    for (size_t i = 0; i < remove->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "path", remove->items[i],
                                              "action", "remove", "reason",
                                              "no longer planned"));
    for (size_t i = 0; i < leave->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "path", leave->items[i],
                                              "action", "leave", "reason",
                                              "no longer planned, but changed by hand"));
}

static void explain_all(gc_run *run, bool json)
{
    gc_strv remove = { 0 }, leave = { 0 };
    find_orphans(run, &remove, &leave);
    if (json) {
        json_t *list = json_array();
        for (size_t i = 0; i < run->project.plan->file_count; i++)
            json_array_append_new(list, file_json(run, i));
        append_orphans(list, &remove, &leave);
        json_dumpf(list, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
        putchar('\n');
        json_decref(list);
    } else {
        for (size_t i = 0; i < run->project.plan->file_count; i++) {
            char reason[600];
            reason_of(run, i, reason, sizeof reason);
            printf("%-22s %s (%s)\n", gc_action_str(outcome_of(run, i).action),
                   run->project.plan->files[i].path, reason);
        }
        explain_orphans(&remove, "remove");
        explain_orphans(&leave, "leave");
    }
    gc_strv_release(&remove);
    gc_strv_release(&leave);
}

gc_exit gc_run_explain(const gc_options *options)
{
    gc_run run;
    gc_exit code = open_and_look(&run, options);
    if (code == GC_EXIT_OK && options->args.count)
        code = explain_one(&run, options->args.items[0], options->json);
    else if (code == GC_EXIT_OK)
        explain_all(&run, options->json);
    run_close(&run);
    return code;
}

/* ---- check ---- */

/* Everything that does not agree, as {path, action, reason}. */
static json_t *disagreements(gc_run *run)
{
    json_t *list = json_array();
    gc_strv remove = { 0 }, leave = { 0 };
    for (size_t i = 0; i < run->project.plan->file_count; i++) {
        gc_action action = outcome_of(run, i).action;
        char reason[600];
        if (action == GC_KEEP)
            continue;
        reason_of(run, i, reason, sizeof reason);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "path",
                                              run->project.plan->files[i].path, "action",
                                              gc_action_str(action), "reason", reason));
    }
    find_orphans(run, &remove, &leave);
    append_orphans(list, &remove, &leave);
    gc_strv_release(&remove);
    gc_strv_release(&leave);
    return list;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
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
        fprintf(stderr,
                "error: %zu files do not agree with %s; run `gc-coordinator generate`\n",
                problems, options->spec);
    else if (!options->json)
        printf("ok: %zu files agree with %s\n", count, options->spec);
}

static bool agrees_as_before(const gc_options *options)
{
    gc_sha key;
    size_t count;
    if (!gc_null_key(options, &key) || !gc_null_check(options, &key, &count))
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
    gc_exit code = open_and_look(&run, options);
    if (code == GC_EXIT_OK) {
        json_t *list = disagreements(&run);
        print_check(options, run.project.plan->file_count, list);
        code = json_array_size(list) ? GC_EXIT_GENERAL : GC_EXIT_OK;
        json_decref(list);
    }
    run_close(&run);
    return code;
}

/* ---- dry run ---- */

/* Files that wait are counted as made: a careful estimate. Templates cost nothing. */
static gc_estimate estimate_everything(gc_run *run)
{
    for (size_t i = 0; i < run->project.plan->file_count; i++) {
        if (run->project.plan->files[i].how == GC_BY_TEMPLATE)
            run_set_step(run, i, RUN_DONE);
        else if (run->files[i].step == RUN_BLOCKED)
            run_set_step(run, i, RUN_READY);
    }
    return run_estimate(run);
}

static void print_levels(const gc_run *run)
{
    const gc_plan *plan = run->project.plan;
    size_t *order = gc_plan_order(plan);
    for (size_t i = 0; i < plan->file_count; i++) {
        const gc_plan_file *f = &plan->files[order[i]];
        if (!i || f->level != plan->files[order[i - 1]].level)
            printf("Level %zu:\n", f->level);
        printf("  %-10s %-9s %s\n", gc_action_str(outcome_of(run, order[i]).action),
               how_word(f), f->path);
    }
    free(order);
}

/* What each layout of the prompts would cost, and the one that is taken. */
static void print_layouts(const gc_run *run)
{
    size_t chosen;
    const gc_layout_option *o = gc_composer_layouts(run->composer, &chosen);
    bool dollars = run->config->dry_run_show_cost_estimates && run->project.model->priced;
    printf("Layout of the prompts: %s\n", gc_layout_str(&o[chosen].layout));
    for (size_t i = 0; i < GC_LAYOUT_OPTIONS; i++) {
        printf("  %c ", i == chosen ? '*' : ' ');
        if (dollars)
            printf("$%.4f  ", o[i].usd);
        printf("%s%s%s%s\n", gc_layout_str(&o[i].layout), o[i].refused ? " (" : "",
               o[i].refused ? o[i].refused : "", o[i].refused ? ")" : "");
    }
}

typedef struct edge_counts {
    size_t real, contract;
} edge_counts;

static edge_counts count_edges(const gc_plan *plan)
{
    edge_counts n = { 0 };
    for (size_t i = 0; i < plan->file_count; i++) {
        for (size_t e = 0; e < plan->files[i].edge_count; e++) {
            bool real = plan->files[i].edges[e].kind == GC_EDGE_REAL;
            n.real += real;
            n.contract += !real;
        }
    }
    return n;
}

static void print_estimate(const gc_run *run, const gc_estimate *e)
{
    const gc_config *c = run->config;
    char source[64];
    gc_rates_source(&run->rates, source, sizeof source);
    edge_counts edges = count_edges(run->project.plan);
    printf(
        "\nDependencies: %zu real (wait for the file), %zu contract (wait for nothing)\n",
        edges.real, edges.contract);
    printf("Waves of calls: %zu\n", gc_plan_waves(run->project.plan));
    printf("Estimated calls: %lld\n", (long long)e->calls);
    if (c->dry_run_show_token_estimates)
        printf(
            "Estimated tokens: %lld input, %lld cache write, %lld cache read, %lld output\n",
            (long long)e->usage.input, (long long)e->usage.cache_write_5m,
            (long long)e->usage.cache_read, (long long)e->usage.output);
    if (c->dry_run_show_cost_estimates && run->project.model->priced)
        printf("Estimated cost: $%.4f\n", e->usd);
    else if (c->dry_run_show_cost_estimates)
        printf("Estimated cost: unknown, no prices are known for model %s\n",
               c->llm_model);
    printf("Estimated time: %.0fs\n", gc_estimate_seconds(e, run->slots));
    printf("Figures: %s\n", source);
    print_layouts(run);
    if (run->stats.simulated)
        printf("(simulated model: nothing is paid)\n");
    for (size_t i = 0; i < run->stats.notes.count; i++)
        printf("Note: %s\n", run->stats.notes.items[i]);
}

static json_t *layouts_json(const gc_run *run)
{
    size_t chosen;
    const gc_layout_option *o = gc_composer_layouts(run->composer, &chosen);
    bool dollars = run->config->dry_run_show_cost_estimates && run->project.model->priced;
    json_t *list = json_array();
    for (size_t i = 0; i < GC_LAYOUT_OPTIONS; i++) {
        json_t *item =
            json_pack("{s:s, s:b, s:b, s:b, s:b, s:s*}", "name",
                      gc_layout_str(&o[i].layout), "chosen", i == chosen, "whole_spec",
                      o[i].layout.whole_spec, "whole_symbols", o[i].layout.whole_symbols,
                      "cached", o[i].layout.marked, "refused", o[i].refused);
        json_object_set_new(item, "prompt_usd",
                            dollars ? json_real(o[i].usd) : json_null());
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *estimate_json(const gc_run *run, const gc_estimate *e)
{
    const gc_config *c = run->config;
    json_t *o =
        json_pack("{s:I, s:f, s:b, s:I}", "calls", (json_int_t)e->calls, "seconds",
                  gc_estimate_seconds(e, run->slots), "simulated", run->stats.simulated,
                  "measured_calls", (json_int_t)run->rates.measured.calls);
    if (c->dry_run_show_token_estimates)
        json_object_set_new(o, "tokens",
                            json_pack("{s:I, s:I, s:I, s:I}", "input",
                                      (json_int_t)e->usage.input, "cache_write",
                                      (json_int_t)e->usage.cache_write_5m, "cache_read",
                                      (json_int_t)e->usage.cache_read, "output",
                                      (json_int_t)e->usage.output));
    if (c->dry_run_show_cost_estimates)
        json_object_set_new(o, "cost_usd",
                            run->project.model->priced ? json_real(e->usd) : json_null());
    return o;
}

static void print_dry_json(const gc_run *run, json_t *files, const gc_estimate *e)
{
    const gc_fcs *fcs = run->project.fcs;
    json_t *notes = json_array();
    for (size_t i = 0; i < run->stats.notes.count; i++)
        json_array_append_new(notes, json_string(run->stats.notes.items[i]));
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:O, s:o, s:o, s:o}", "project", fcs->name,
                  "module", fcs->module_path, "go", fcs->go_version, "model",
                  run->config->llm_model, "files", files, "estimate",
                  estimate_json(run, e), "layouts", layouts_json(run), "notes", notes);
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(root);
}

static void print_dry_head(const gc_run *run)
{
    const gc_fcs *fcs = run->project.fcs;
    printf("Dry run: nothing is sent, started or written\n");
    printf("Project %s (module %s, Go %s): %zu files, %zu by template, %zu by %s\n\n",
           fcs->name, fcs->module_path, fcs->go_version, run->project.plan->file_count,
           run->stats.template_files, run->stats.llm_files,
           run->stats.simulated ? "the simulated model" : run->config->llm_model);
    print_levels(run);
}

/* What earlier calls took stands in Redis, in local mode also in a file. A Redis that the user named is asked for it; where it
 * does not answer the models table has to do. */
static void learn_if_there(gc_run *run)
{
    gc_errinfo info = { 0 };
    if (!*run->config->cluster_redis)
        run_recall_figures(run);
    else if (gc_store_open(run->config->cluster_redis, &run->store, &info))
        gc_log_info("figures.unknown", "text=\"%s\"", info.text);
    else
        run_learn_figures(run);
}

gc_exit gc_run_dry(const gc_options *options)
{
    gc_run run;
    json_t *files = json_array(); /* before the estimate takes what waits for made */
    gc_exit code = open_and_look(&run, options);
    for (size_t i = 0; code == GC_EXIT_OK && i < run.project.plan->file_count; i++)
        json_array_append_new(files, file_json(&run, i));
    if (code == GC_EXIT_OK && !options->json)
        print_dry_head(&run);
    if (code == GC_EXIT_OK) {
        learn_if_there(&run);
        code = run_open_composer(&run, false);
    }
    if (code == GC_EXIT_OK) {
        gc_estimate e = estimate_everything(&run);
        if (options->json)
            print_dry_json(&run, files, &e);
        else
            print_estimate(&run, &e);
    }
    json_decref(files);
    run_close(&run);
    return code;
}
