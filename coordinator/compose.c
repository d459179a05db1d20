#include "coordinator/compose.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"

#define BLOCK_LIMIT ((size_t)128 << 20)
#define SHARED_BLOCKS 3

/* Output over which a call could be cut off is bounded by three times what is expected. */
#define MIN_MAX_TOKENS 4096
#define OUTPUT_MARGIN 3

/* Worst case of a prompt's tokens: code that tokenises badly. */
#define WORST_BYTES_PER_TOKEN 2.0

struct gc_composer {
    gc_compose_input in;
    char *blocks[SHARED_BLOCKS]; /* system 0, system 1, shared user text ("" if none) */
    gc_sha shas[SHARED_BLOCKS];
    int marked; /* index of the marked block, -1 for none */
};

/* ---- shared blocks ---- */

static json_t *packages_json(const gc_plan *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->package_count; i++) {
        const gc_plan_package *p = &plan->packages[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", p->name, "path",
                                              p->dir, "purpose", ""));
    }
    return list;
}

static json_t *modules_json(const gc_fcs *fcs)
{
    json_t *list = json_array();
    for (size_t i = 0; i < fcs->module_count; i++) {
        char *text =
            gc_xasprintf("%s%s%s", fcs->modules[i].path,
                         *fcs->modules[i].version ? " " : "", fcs->modules[i].version);
        json_array_append_new(list, json_string(text));
        free(text);
    }
    return list;
}

static gc_err render_project(gc_composer *self, gc_buf *out, gc_errinfo *info)
{
    const gc_fcs *fcs = self->in.fcs;
    json_t *packages = packages_json(self->in.plan), *modules = modules_json(fcs);
    gc_prompt_project project = { .module_path = fcs->module_path,
                                  .app = fcs->app,
                                  .go_version = fcs->go_version,
                                  .kind = fcs->kind,
                                  .packages = packages,
                                  .modules = modules,
                                  .symbols = self->in.plan->symbols };
    gc_err err = gc_prompt_project_text(self->in.prompts, &project, out, info);
    json_decref(packages);
    json_decref(modules);
    return err;
}

static gc_err render_shared(gc_composer *self, gc_buf *out, gc_errinfo *info)
{
    gc_buf text;
    gc_buf_init(&text, BLOCK_LIMIT);
    if (self->in.config->context_filtering_enabled)
        gc_slice_shared(self->in.slicer, &text);
    else
        gc_slice_everything(self->in.slicer, &text);
    gc_err err = gc_prompt_shared(self->in.prompts, text.ptr, out, info);
    gc_buf_release(&text);
    return err;
}

static void keep_block(gc_composer *self, int index, gc_buf *buf)
{
    self->shas[index] = gc_sha256(buf->ptr, buf->len);
    self->blocks[index] = gc_buf_take(buf);
}

static gc_err render_blocks(gc_composer *self, gc_errinfo *info)
{
    gc_buf buf;
    gc_buf_init(&buf, BLOCK_LIMIT);
    gc_err err = gc_prompt_system(self->in.prompts,
                                  self->in.config->batching_response_format, &buf, info);
    if (!err) {
        keep_block(self, 0, &buf);
        err = render_project(self, &buf, info);
    }
    if (!err) {
        keep_block(self, 1, &buf);
        err = render_shared(self, &buf, info);
    }
    if (!err)
        keep_block(self, 2, &buf);
    gc_buf_release(&buf);
    return err;
}

static bool caching_on(const gc_compose_input *in)
{
    const gc_config *c = in->config;
    bool openai = strcmp(in->model->provider, "openai") == 0;
    return c->prompt_caching_enabled &&
           (openai ? c->prompt_caching_openai : c->prompt_caching_anthropic);
}

/* The mark stands at the end of the last shared block, if the prefix is worth it. */
static int choose_mark(const gc_composer *self)
{
    const gc_model *m = self->in.model;
    size_t bytes = 0;
    int last = 0;
    for (int i = 0; i < SHARED_BLOCKS; i++) {
        bytes += strlen(self->blocks[i]);
        if (*self->blocks[i])
            last = i;
    }
    if (!caching_on(&self->in) || !m->cache_min_tokens || self->in.expected_calls < 2 ||
        (double)bytes / self->in.bytes_per_token < (double)m->cache_min_tokens)
        return -1;
    return last;
}

gc_err gc_composer_new(const gc_compose_input *input, gc_composer **out, gc_errinfo *info)
{
    gc_composer *self = gc_xcalloc(1, sizeof *self);
    self->in = *input;
    gc_err err = render_blocks(self, info);
    if (err) {
        gc_composer_destroy(&self);
        return err;
    }
    self->marked = choose_mark(self);
    *out = self;
    return GC_OK;
}

void gc_composer_destroy(gc_composer **self_p)
{
    gc_composer *self = *self_p;
    if (!self)
        return;
    for (int i = 0; i < SHARED_BLOCKS; i++)
        free(self->blocks[i]);
    free(self);
    *self_p = NULL;
}

const char *gc_composer_shared(const gc_composer *self, size_t index, size_t *len)
{
    if (index >= SHARED_BLOCKS)
        return NULL;
    *len = strlen(self->blocks[index]);
    return self->blocks[index];
}

size_t gc_composer_marked_bytes(const gc_composer *self)
{
    size_t bytes = 0;
    for (int i = 0; i <= self->marked; i++)
        bytes += strlen(self->blocks[i]);
    return bytes;
}

/* ---- one task ---- */

void gc_compose_put_api(const gc_plan_file *file, const char *api, gc_buf *out)
{
    gc_buf_printf(out, "// %s: package %s, import \"%s\"\n%s\n", file->path,
                  file->package, file->import_path, api);
}

/* Promises of contract dependencies, each once, then the real surfaces. */
static void put_dependencies(const gc_composer *self, const gc_compose_files *files,
                             gc_buf *out)
{
    const gc_plan *plan = self->in.plan;
    gc_map *seen = gc_map_new();
    for (size_t i = 0; i < files->count; i++)
        gc_map_set(seen, plan->files[files->files[i]].path, seen);
    for (size_t i = 0; i < files->count; i++) {
        const gc_plan_file *f = &plan->files[files->files[i]];
        for (size_t e = 0; e < f->edge_count; e++) {
            const gc_plan_file *dep = &plan->files[f->edges[e].file];
            if (f->edges[e].kind == GC_EDGE_REAL || gc_map_has(seen, dep->path) ||
                !*dep->promise)
                continue;
            gc_map_set(seen, dep->path, seen);
            gc_compose_put_api(dep, dep->promise, out);
        }
    }
    gc_map_destroy(&seen);
    gc_buf_puts(out, files->apis);
}

static gc_err render_tail(const gc_composer *self, const gc_compose_files *files,
                          gc_buf *out, gc_errinfo *info)
{
    const gc_plan *plan = self->in.plan;
    const gc_config *config = self->in.config;
    const gc_plan_file **slices = gc_xcalloc(files->count, sizeof(gc_plan_file *));
    gc_prompt_file *wanted = gc_xcalloc(files->count, sizeof *wanted);
    for (size_t i = 0; i < files->count; i++) {
        const gc_plan_file *f = &plan->files[files->files[i]];
        slices[i] = f;
        wanted[i] =
            (gc_prompt_file){ f->path, f->package, f->kind, f->purpose, f->promise };
    }
    gc_buf context, apis;
    gc_buf_init(&context, BLOCK_LIMIT);
    gc_buf_init(&apis, BLOCK_LIMIT);
    if (config->context_filtering_enabled)
        gc_slice_context(self->in.slicer, slices, files->count,
                         (size_t)config->context_filtering_max_entities_per_call,
                         &context);
    put_dependencies(self, files, &apis);
    gc_prompt_task task = { .context = context.ptr,
                            .apis = apis.ptr,
                            .complaint = files->complaint,
                            .files = wanted,
                            .file_count = files->count,
                            .response_format = config->batching_response_format };
    gc_err err = gc_prompt_task_text(self->in.prompts, &task, out, info);
    gc_buf_release(&context);
    gc_buf_release(&apis);
    free(slices);
    free(wanted);
    return err;
}

static void copy_model(const gc_model *from, gc_model *to)
{
    *to = *from;
    to->id = gc_xstrdup(from->id);
    to->provider = gc_xstrdup(from->provider);
}

static void add_shared_blocks(const gc_composer *self, gc_task *task)
{
    task->system = gc_xcalloc(2, sizeof *task->system);
    task->user = gc_xcalloc(2, sizeof *task->user);
    for (int i = 0; i < SHARED_BLOCKS; i++) {
        if (!*self->blocks[i])
            continue;
        gc_block block = { .sha256 = gc_xstrdup(self->shas[i].hex),
                           .mark = i == self->marked };
        if (i < 2)
            task->system[task->system_count++] = block;
        else
            task->user[task->user_count++] = block;
        task->prompt_bytes += (int64_t)strlen(self->blocks[i]);
    }
}

static void add_files(const gc_composer *self, const gc_compose_files *files,
                      gc_task *task)
{
    task->files = gc_xcalloc(files->count, sizeof *task->files);
    task->file_count = files->count;
    for (size_t i = 0; i < files->count; i++) {
        const gc_plan_file *f = &self->in.plan->files[files->files[i]];
        task->files[i] = (gc_task_file){
            .path = gc_xstrdup(f->path),
            .fingerprint = gc_xstrdup(files->fingerprints ? files->fingerprints[i] : ""),
            .package = gc_xstrdup(f->package),
            .kind = gc_xstrdup(f->kind),
            .promise = gc_xstrdup(f->promise),
        };
    }
}

static void set_limits(const gc_composer *self, const gc_compose_files *files,
                       gc_task *task)
{
    const gc_model *m = self->in.model;
    const gc_config *c = self->in.config;
    double expected = (double)m->thinking_tokens;
    for (size_t i = 0; i < files->count; i++)
        expected += (double)self->in.plan->files[files->files[i]].expected_bytes /
                    self->in.bytes_per_token;
    int64_t want = (int64_t)(OUTPUT_MARGIN * expected);
    task->max_tokens = want < MIN_MAX_TOKENS ? MIN_MAX_TOKENS : want;
    if (task->max_tokens > m->max_output_tokens)
        task->max_tokens = m->max_output_tokens;
    /* All of the prompt at the dearest of its prices, and every token of output. */
    gc_usage worst = { .output = task->max_tokens };
    int64_t prompt = (int64_t)((double)task->prompt_bytes / WORST_BYTES_PER_TOKEN) + 1000;
    if (self->marked >= 0)
        worst.cache_write_5m = prompt;
    else
        worst.input = prompt;
    task->reserve_usd = gc_model_cost(m, &worst);
    task->max_cost_usd = c->limits_max_cost_usd;
    task->lease_ms = c->cluster_lease_ms;
    task->patience_ms = c->limits_provider_patience_ms;
    task->first_byte_ms = c->llm_first_byte_timeout_ms;
    task->idle_ms = c->llm_idle_timeout_ms;
    task->call_ms = c->llm_call_timeout_ms;
}

gc_err gc_compose(const gc_composer *self, const gc_compose_files *files, gc_task **out,
                  gc_errinfo *info)
{
    gc_buf tail;
    gc_buf_init(&tail, BLOCK_LIMIT);
    gc_err err = render_tail(self, files, &tail, info);
    if (err) {
        gc_buf_release(&tail);
        return err;
    }
    gc_task *task = gc_task_new();
    const gc_config *c = self->in.config;
    task->provider = gc_xstrdup(self->in.model->provider);
    copy_model(self->in.model, &task->model);
    task->effort = gc_xstrdup(self->in.model->effort ? c->llm_effort : "");
    task->openai_cache = c->prompt_caching_enabled && c->prompt_caching_openai;
    task->cache_ttl = gc_xstrdup("5m");
    task->simulated = self->in.simulated;
    task->reuse = self->in.reuse;
    add_shared_blocks(self, task);
    task->prompt_bytes += (int64_t)tail.len;
    task->user[task->user_count++] = (gc_block){ .text = gc_buf_take(&tail) };
    add_files(self, files, task);
    set_limits(self, files, task);
    *out = task;
    return GC_OK;
}
