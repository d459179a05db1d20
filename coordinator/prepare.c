#include "coordinator/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/doc.h"
#include "common/fs.h"
#include "common/mem.h"
#include "common/text.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Reads and parses `path`; findings and file errors go to stderr. */
static gc_exit read_tree(const char *path, gc_diags *diags, gc_node **out)
{
    gc_buf text;
    gc_errinfo info = { 0 };
    gc_buf_init(&text, GC_DOC_MAX_BYTES);
    gc_err err = gc_read_file(path, &text, &info);
    gc_exit code = GC_EXIT_OK;
    if (err == GC_ETOOBIG) {
        gc_diags_add(diags, GC_SEV_ERROR, 1, 1,
                     "the file is larger than %zu MB; split it", GC_DOC_MAX_BYTES >> 20);
        code = GC_EXIT_SPEC;
    } else if (err) {
        fprintf(stderr, "error: %s\n", info.text);
        code = GC_EXIT_FILES;
    } else if (gc_doc_parse(text.ptr, text.len, gc_doc_format_of(path), diags, out)) {
        code = GC_EXIT_SPEC;
    }
    gc_buf_release(&text);
    return code;
}

static gc_exit build_fcs(const gc_options *options, gc_project *self, FILE *findings)
{
    gc_exit code = self->read_code;
    /* A tree with findings is looked at too: all problems in one pass. */
    if (self->spec_tree && gc_fcs_build(self->spec_tree, self->answers_tree,
                                        (size_t)options->config.limits_max_entities,
                                        &self->diags, &self->answer_diags, &self->fcs))
        code = GC_EXIT_SPEC;
    gc_diags_print(&self->answer_diags, findings);
    gc_node_destroy(&self->spec_tree);
    gc_node_destroy(&self->answers_tree);
    return code;
}

gc_exit gc_project_load_model(const gc_options *options, gc_project *out)
{
    const gc_config *c = &options->config;
    gc_diags diags;
    gc_diags_init(&diags, c->llm_models_file);
    gc_err err = gc_models_load(*c->llm_models_file ? c->llm_models_file : NULL, &diags,
                                &out->models);
    gc_diags_print(&diags, stderr);
    if (err && !diags.errors)
        fprintf(stderr, "error: %s: %s\n", c->llm_models_file, gc_err_str(err));
    gc_diags_release(&diags);
    if (err)
        return GC_EXIT_USAGE;
    bool openai = strcmp(c->llm_provider, "openai") == 0;
    out->model =
        gc_models_require(out->models, c->llm_model, openai ? "openai" : "anthropic");
    if (!out->model->priced && c->limits_max_cost_usd > 0) {
        fprintf(
            stderr,
            "error: no prices are known for model \"%s\", so --max-cost cannot hold; add the "
            "model to a models file (llm.models_file)\n",
            c->llm_model);
        return GC_EXIT_USAGE;
    }
    return GC_EXIT_OK;
}

static gc_exit load_prompts(const gc_options *options, gc_project *out)
{
    gc_errinfo info = { 0 };
    if (gc_prompts_load(options->config.llm_prompts_directory, &out->prompts, &info) ==
        GC_OK)
        return GC_EXIT_OK;
    fprintf(stderr, "error: %s\n", info.text);
    return GC_EXIT_USAGE;
}

static gc_exit make_plan(const gc_options *options, gc_project *self)
{
    gc_plan_options plan_options = {
        options->config.templates_enabled, (size_t)options->config.limits_max_files,
        strcmp(options->config.templates_scope, "structural") == 0
    };
    return gc_plan_make(self->fcs, &plan_options, &self->diags, &self->plan)
               ? GC_EXIT_SPEC
               : GC_EXIT_OK;
}

/* The findings are kept as printed, for a run that finds everything as it was. */
static gc_exit make_fcs_and_plan(const gc_options *options, gc_project *self)
{
    size_t len = 0;
    FILE *findings = open_memstream(&self->findings, &len);
    if (!findings) {
        fputs("error: out of memory\n", stderr);
        return GC_EXIT_INTERNAL;
    }
    gc_exit code = build_fcs(options, self, findings);
    if (code == GC_EXIT_OK)
        code = make_plan(options, self);
    gc_diags_print(&self->diags, findings);
    fclose(findings);
    fputs(self->findings, stderr);
    return code;
}

void gc_project_read(const gc_options *options, gc_project *out)
{
    *out = (gc_project){ 0 };
    gc_diags_init(&out->diags, options->spec ? options->spec : "");
    gc_diags_init(&out->answer_diags, options->answers ? options->answers : "");
    if (!options->spec) {
        fputs(
            "error: no specification is named; write `gc-coordinator SPEC` (see --help)\n",
            stderr);
        out->read_code = GC_EXIT_USAGE;
        return;
    }
    const char *name = base_name(options->spec);
    out->spec_name = gc_utf8_clean(name, strlen(name)); /* it goes into JSON and Redis */
    out->read_code = read_tree(options->spec, &out->diags, &out->spec_tree);
    if (out->read_code == GC_EXIT_OK && options->answers)
        out->read_code =
            read_tree(options->answers, &out->answer_diags, &out->answers_tree);
}

gc_exit gc_project_make(const gc_options *options, bool run, gc_project *self)
{
    gc_exit code = make_fcs_and_plan(options, self);
    if (code == GC_EXIT_OK && run)
        code = gc_project_load_model(options, self);
    if (code == GC_EXIT_OK && run)
        code = load_prompts(options, self);
    return code;
}

gc_exit gc_project_load(const gc_options *options, bool run, gc_project *out)
{
    gc_project_read(options, out);
    return gc_project_make(options, run, out);
}

void gc_project_release(gc_project *self)
{
    free(self->spec_name);
    free(self->findings);
    gc_node_destroy(&self->spec_tree);
    gc_node_destroy(&self->answers_tree);
    gc_diags_release(&self->diags);
    gc_diags_release(&self->answer_diags);
    gc_plan_destroy(&self->plan);
    gc_fcs_destroy(&self->fcs);
    gc_prompts_destroy(&self->prompts);
    gc_models_destroy(&self->models);
    *self = (gc_project){ 0 };
}
