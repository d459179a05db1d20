/* --dry-run: the decision list by levels, and what the run would take. No process, no write,
 * and no request but the one for measured figures to a Redis that was named, and those that
 * llm.count_tokens asks for. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "coordinator/run_private.h"

static void print_levels(const gc_run *run)
{
    const gc_plan *plan = run->project.plan;
    size_t *order = gc_plan_order(plan);
    for (size_t i = 0; i < plan->file_count; i++) {
        const gc_plan_file *f = &plan->files[order[i]];
        if (!i || f->level != plan->files[order[i - 1]].level)
            printf("Level %zu:\n", f->level);
        printf("  %-10s %-9s %s\n", gc_action_str(run_decision(run, order[i]).action),
               run_how_word(f), f->path);
    }
    free(order);
    for (size_t i = 0; i < gc_decider_orphans(run->decider); i++) {
        const gc_orphan *o = gc_decider_orphan(run->decider, i);
        if (!i)
            printf("No longer planned:\n");
        printf("  %-10s %-9s %s\n", gc_action_str(o->decision.action), "", o->path);
    }
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
    char source[GC_RATES_SOURCE];
    gc_rates_source(&run->rates, e->guessed_files, source, sizeof source);
    edge_counts edges = count_edges(run->project.plan);
    printf(
        "\nDependencies: %zu real (wait for the file), %zu contract (wait for nothing)\n",
        edges.real, edges.contract);
    printf("Waves of calls: %zu\n", gc_plan_waves(run->project.plan));
    printf("Estimated calls: %lld\n", (long long)e->calls);
    if (c->dry_run_show_token_estimates)
        printf(
            "Estimated tokens: %lld input, %lld cache write, %lld cache read, %lld output\n",
            (long long)e->usage.input,
            (long long)(e->usage.cache_write_5m + e->usage.cache_write_1h),
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
    json_t *o = json_pack(
        "{s:I, s:f, s:b, s:I, s:I, s:I}", "calls", (json_int_t)e->calls, "seconds",
        gc_estimate_seconds(e, run->slots), "simulated", run->stats.simulated,
        "measured_calls", (json_int_t)run->rates.measured.calls, "counted_prompts",
        (json_int_t)run->rates.counted, "guessed_files", (json_int_t)e->guessed_files);
    if (c->dry_run_show_token_estimates)
        json_object_set_new(
            o, "tokens",
            json_pack("{s:I, s:I, s:I, s:I}", "input", (json_int_t)e->usage.input,
                      "cache_write",
                      (json_int_t)(e->usage.cache_write_5m + e->usage.cache_write_1h),
                      "cache_read", (json_int_t)e->usage.cache_read, "output",
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
    json_t *orphans = json_array();
    run_append_orphans(run, orphans);
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:O, s:o, s:o, s:o, s:o}", "project", fcs->name,
                  "module", fcs->module_path, "go", fcs->go_version, "model",
                  run->config->llm_model, "files", files, "orphans", orphans, "estimate",
                  estimate_json(run, e), "layouts", layouts_json(run), "notes", notes);
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(root);
}

static void print_dry_head(const gc_run *run)
{
    const gc_fcs *fcs = run->project.fcs;
    printf("Dry run: nothing is %sstarted or written\n",
           run->config->llm_count_tokens ? "" : "sent, ");
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
    gc_exit code = run_look(&run, options);
    for (size_t i = 0; code == GC_EXIT_OK && i < run.project.plan->file_count; i++)
        json_array_append_new(files, run_file_json(&run, i));
    if (code == GC_EXIT_OK && !options->json)
        print_dry_head(&run);
    if (code == GC_EXIT_OK) {
        learn_if_there(&run);
        code = run_open_composer(&run, false);
    }
    if (code == GC_EXIT_OK) {
        run_count_tokens(&run);
        gc_estimate e = run_estimate(&run);
        if (options->json)
            print_dry_json(&run, files, &e);
        else
            print_estimate(&run, &e);
    }
    json_decref(files);
    run_close(&run);
    return code;
}
