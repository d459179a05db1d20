/* What the prompt of one file holds, why, and how large it is: the part of `explain SPEC PATH`
 * that looks into the prompt. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "coordinator/reasons.h"
#include "coordinator/run_private.h"

#define SLICE_LIMIT ((size_t)64 << 20)

/* Estimated tokens. */
typedef struct prompt_sizes {
    int64_t shared; /* what all calls begin with */
    int64_t own;    /* what this file adds */
    int64_t answer; /* expected */
    char *problem;  /* why it cannot be asked for, or NULL */
    const char *layout;
    bool marked, whole_spec;
} prompt_sizes;

static int64_t tokens(const gc_run *run, double bytes)
{
    return (int64_t)(bytes / run->rates.bytes_per_token);
}

static prompt_sizes measure(gc_run *run, size_t file)
{
    const gc_compose_files wanted = {
        .files = &file, .count = 1, .apis = "", .complaint = ""
    };
    prompt_sizes sizes = { .layout = "" };
    gc_errinfo info = { 0 };
    gc_task *task = NULL;
    size_t chosen, len, shared = 0;
    if (gc_compose(run->composer, &wanted, &task, &info)) {
        sizes.problem = gc_xstrdup(info.text);
        return sizes;
    }
    for (size_t i = 0; gc_composer_shared(run->composer, i, &len); i++)
        shared += len;
    const gc_layout_option *options = gc_composer_layouts(run->composer, &chosen);
    const gc_layout *layout = &options[chosen].layout;
    sizes.layout = gc_layout_str(layout);
    sizes.marked = layout->marked;
    sizes.whole_spec = layout->whole_spec;
    sizes.shared = tokens(run, (double)shared);
    sizes.own = tokens(run, (double)task->prompt_bytes - (double)shared);
    sizes.answer = tokens(run, (double)run->project.plan->files[file].expected_bytes) +
                   run->project.model->thinking_tokens;
    gc_task_destroy(&task);
    return sizes;
}

static void print_lines(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        printf("    %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void print_reasons(const gc_run *run, const gc_plan_file *f)
{
    gc_reasons reasons = gc_reasons_of(run->project.fcs, f);
    if (reasons.count)
        printf("  of the specification it gets:\n");
    for (size_t i = 0; i < reasons.count; i++)
        printf("    %s %s: %s\n", reasons.items[i].what, reasons.items[i].name,
               reasons.items[i].why);
    if (reasons.contracts_left_out)
        printf("    without contracts of its entities (%zu): %s\n",
               reasons.contracts_left_out, reasons.why_left_out);
    gc_reasons_release(&reasons);
}

/* As the prompt of this file alone has it. */
static void put_slice(const gc_run *run, const gc_plan_file *f, gc_buf *out)
{
    gc_slice_context(run->slicer, &f, 1,
                     (size_t)run->config->context_filtering_max_entities_per_call, out);
}

static void print_slice(const gc_run *run, const gc_plan_file *f, bool whole_spec)
{
    gc_buf slice;
    gc_buf_init(&slice, SLICE_LIMIT);
    put_slice(run, f, &slice);
    if (slice.len)
        printf("  its slice of the specification%s:\n",
               whole_spec ? " (all prompts share the whole of it)" : "");
    print_lines(slice.ptr);
    gc_buf_release(&slice);
}

gc_exit run_explain_prompt(gc_run *run, size_t file)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    if (f->how != GC_BY_LLM)
        return GC_EXIT_OK;
    gc_exit code = run_open_composer(run, false);
    if (code != GC_EXIT_OK)
        return code;
    print_reasons(run, f);
    prompt_sizes sizes = measure(run, file);
    print_slice(run, f, sizes.whole_spec);
    if (sizes.problem)
        printf("  cannot be asked for: %s\n", sizes.problem);
    else
        printf(
            "  tokens, estimated: %lld that all prompts share%s, %lld of its own, %lld "
            "of answer\n  layout of this run: %s\n",
            (long long)sizes.shared, sizes.marked ? " (cached)" : "",
            (long long)sizes.own, (long long)sizes.answer, sizes.layout);
    free(sizes.problem);
    return GC_EXIT_OK;
}

static json_t *reasons_json(const gc_reasons *reasons)
{
    json_t *list = json_array();
    for (size_t i = 0; i < reasons->count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s}", "what", reasons->items[i].what, "name",
                            reasons->items[i].name, "why", reasons->items[i].why));
    return list;
}

static json_t *left_out_json(const gc_reasons *reasons)
{
    return json_pack("{s:I, s:s*}", "contracts", (json_int_t)reasons->contracts_left_out,
                     "why", reasons->why_left_out);
}

gc_exit run_explain_prompt_json(gc_run *run, size_t file, json_t *object)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    json_object_set_new(object, "promise", json_string(f->promise));
    json_object_set_new(object, "purpose", json_string(f->purpose));
    if (f->how != GC_BY_LLM)
        return GC_EXIT_OK;
    gc_exit code = run_open_composer(run, false);
    if (code != GC_EXIT_OK)
        return code;
    prompt_sizes sizes = measure(run, file);
    gc_reasons reasons = gc_reasons_of(run->project.fcs, f);
    gc_buf slice;
    gc_buf_init(&slice, SLICE_LIMIT);
    put_slice(run, f, &slice);
    json_object_set_new(
        object, "prompt",
        json_pack("{s:o, s:o, s:s%, s:s, s:s*, s:{s:I, s:I, s:I}}", "context",
                  reasons_json(&reasons), "left_out", left_out_json(&reasons), "slice",
                  slice.ptr, slice.len, "layout", sizes.layout, "problem", sizes.problem,
                  "tokens", "shared", (json_int_t)sizes.shared, "own",
                  (json_int_t)sizes.own, "answer", (json_int_t)sizes.answer));
    gc_buf_release(&slice);
    gc_reasons_release(&reasons);
    free(sizes.problem);
    return GC_EXIT_OK;
}
