#include "coordinator/compose.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "coordinator/reserve.h"
#include "coordinator/symbols.h"
#include "coordinator/ttl.h"

#define BLOCK_LIMIT ((size_t)128 << 20)
#define SHARED_BLOCKS 3

/* Output over which a call could be cut off is bounded by three times what is expected. */
#define MIN_MAX_TOKENS 4096
#define OUTPUT_MARGIN 3

struct gc_composer {
    gc_compose_input in;
    char *blocks[SHARED_BLOCKS]; /* system 0, system 1, shared user text ("" if none) */
    gc_sha shas[SHARED_BLOCKS];
    int marked;            /* index of the marked block, -1 for none */
    int64_t marked_tokens; /* the most that the provider takes them for; 0: not known */
    gc_symbols *symbols;
    gc_layout layout;
    gc_layout_option options[GC_LAYOUT_OPTIONS];
    size_t chosen;
    size_t whole_bytes;
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

/* `symbols`: the whole table, or NULL. */
static gc_err render_project(gc_composer *self, const char *symbols, gc_buf *out,
                             gc_errinfo *info)
{
    const gc_fcs *fcs = self->in.fcs;
    json_t *packages = packages_json(self->in.plan), *modules = modules_json(fcs);
    gc_prompt_project project = { .module_path = fcs->module_path,
                                  .app = fcs->app,
                                  .go_version = fcs->go_version,
                                  .kind = fcs->kind,
                                  .packages = packages,
                                  .modules = modules,
                                  .symbols = symbols };
    gc_err err = gc_prompt_project_text(self->in.prompts, &project, out, info);
    json_decref(packages);
    json_decref(modules);
    return err;
}

static gc_err render_shared(gc_composer *self, bool whole_spec, gc_buf *out,
                            gc_errinfo *info)
{
    gc_buf text;
    gc_buf_init(&text, BLOCK_LIMIT);
    if (whole_spec)
        gc_slice_everything(self->in.slicer, &text);
    else
        gc_slice_shared(self->in.slicer, &text);
    gc_err err = gc_prompt_shared(self->in.prompts, text.ptr, out, info);
    gc_buf_release(&text);
    return err;
}

/* ---- the tail of a prompt ---- */

void gc_compose_put_api(const gc_plan_file *file, const char *api, gc_buf *out)
{
    gc_buf_printf(out, "// %s: package %s, import \"%s\"\n%s\n", file->path,
                  file->package, file->import_path, api);
}

/* Files that only put the parts together: they call constructors, not methods. */
static bool is_wiring(const gc_plan *plan, const gc_plan_file *f)
{
    if (strcmp(f->kind, "server") == 0)
        return true;
    for (size_t e = 0; strcmp(f->kind, "test") == 0 && e < f->edge_count; e++)
        if (strcmp(plan->files[f->edges[e].file].kind, "server") == 0)
            return true;
    return false;
}

/* The functions of a store or service, without its methods. */
static void put_functions(const gc_plan_file *dep, gc_buf *out)
{
    gc_buf functions;
    gc_buf_init(&functions, BLOCK_LIMIT);
    for (const char *line = dep->promise; *line;) {
        size_t len = strcspn(line, "\n");
        len += line[len] == '\n';
        if (strncmp(line, "func ", 5) == 0 && line[5] != '(')
            gc_buf_append(&functions, line, len);
        line += len;
    }
    if (functions.len)
        gc_compose_put_api(dep, functions.ptr, out);
    gc_buf_release(&functions);
}

static void put_promises(const gc_plan *plan, const gc_plan_file *f, gc_map *seen,
                         gc_buf *out)
{
    bool wiring = is_wiring(plan, f);
    for (size_t e = 0; e < f->edge_count; e++) {
        const gc_plan_file *dep = &plan->files[f->edges[e].file];
        if (f->edges[e].kind == GC_EDGE_REAL || gc_map_has(seen, dep->path) ||
            !*dep->promise)
            continue;
        gc_map_set(seen, dep->path, seen);
        if (wiring &&
            (strcmp(dep->kind, "store") == 0 || strcmp(dep->kind, "service") == 0))
            put_functions(dep, out);
        else
            gc_compose_put_api(dep, dep->promise, out);
    }
}

/* Promises of contract dependencies, each once, then the real surfaces. Those who need all of
 * a promise come first. */
static void put_dependencies(const gc_composer *self, const gc_compose_files *files,
                             gc_buf *out)
{
    const gc_plan *plan = self->in.plan;
    gc_map *seen = gc_map_new();
    for (size_t i = 0; i < files->count; i++)
        gc_map_set(seen, plan->files[files->files[i]].path, seen);
    for (int wiring = 0; wiring < 2; wiring++)
        for (size_t i = 0; i < files->count; i++)
            if (is_wiring(plan, &plan->files[files->files[i]]) == wiring)
                put_promises(plan, &plan->files[files->files[i]], seen, out);
    gc_map_destroy(&seen);
    gc_buf_puts(out, files->apis);
}

/* What of a tail depends on the layout. */
static void put_context(const gc_composer *self, const size_t *files, size_t count,
                        gc_buf *out)
{
    const gc_plan_file **slices = gc_xcalloc(count + 1, sizeof *slices);
    for (size_t i = 0; i < count; i++)
        slices[i] = &self->in.plan->files[files[i]];
    gc_slice_context(self->in.slicer, slices, count,
                     (size_t)self->in.config->context_filtering_max_entities_per_call,
                     out);
    free(slices);
}

static gc_err render_tail(const gc_composer *self, const gc_compose_files *files,
                          const gc_layout *layout, gc_buf *out, gc_errinfo *info)
{
    gc_prompt_file *wanted = gc_xcalloc(files->count + 1, sizeof *wanted);
    for (size_t i = 0; i < files->count; i++) {
        const gc_plan_file *f = &self->in.plan->files[files->files[i]];
        wanted[i] =
            (gc_prompt_file){ f->path, f->package, f->kind, f->purpose, f->promise };
    }
    gc_buf context, symbols, apis;
    gc_buf_init(&context, BLOCK_LIMIT);
    gc_buf_init(&symbols, BLOCK_LIMIT);
    gc_buf_init(&apis, BLOCK_LIMIT);
    if (!layout->whole_spec)
        put_context(self, files->files, files->count, &context);
    if (!layout->whole_symbols)
        gc_symbols_for(self->symbols, files->files, files->count, &symbols);
    put_dependencies(self, files, &apis);
    gc_prompt_task task = { .context = context.ptr,
                            .symbols = symbols.ptr,
                            .apis = apis.ptr,
                            .complaint = files->complaint,
                            .files = wanted,
                            .file_count = files->count,
                            .response_format =
                                self->in.config->batching_response_format };
    gc_err err = gc_prompt_task_text(self->in.prompts, &task, out, info);
    gc_buf_release(&context);
    gc_buf_release(&symbols);
    gc_buf_release(&apis);
    free(wanted);
    return err;
}

static size_t expected_tokens(const gc_composer *self, const size_t *files, size_t count,
                              double bytes_per_token)
{
    double expected = (double)self->in.model->thinking_tokens;
    for (size_t i = 0; i < count; i++)
        expected +=
            (double)self->in.plan->files[files[i]].expected_bytes / bytes_per_token;
    return (size_t)expected;
}

/* One call in the layout that brings least: what the others add is measured beside it. */
static gc_err measure_call(const gc_composer *self, const gc_compose_call *call,
                           gc_layout_sizes *sizes, gc_errinfo *info)
{
    static const gc_layout least = { .whole_spec = true, .whole_symbols = true };
    const gc_compose_files files = {
        .files = call->files, .count = call->count, .apis = "", .complaint = ""
    };
    gc_buf text;
    gc_buf_init(&text, BLOCK_LIMIT);
    gc_err err = render_tail(self, &files, &least, &text, info);
    sizes->task_base += text.len;
    gc_buf_reset(&text);
    put_context(self, call->files, call->count, &text);
    sizes->task_context += text.len;
    gc_buf_reset(&text);
    gc_symbols_for(self->symbols, call->files, call->count, &text);
    sizes->task_symbols += text.len;
    gc_buf_release(&text);
    size_t output = OUTPUT_MARGIN * expected_tokens(self, call->files, call->count,
                                                    self->in.model->bytes_per_token);
    size_t limit = (size_t)self->in.model->max_output_tokens;
    output = output < limit ? output : limit;
    sizes->max_output = output > sizes->max_output ? output : sizes->max_output;
    return err;
}

static gc_err measure_calls(const gc_composer *self, gc_layout_sizes *sizes,
                            gc_errinfo *info)
{
    gc_err err = GC_OK;
    for (size_t i = 0; !err && i < self->in.call_count; i++)
        err = measure_call(self, &self->in.calls[i], sizes, info);
    return err;
}

/* ---- the layout ---- */

static bool caching_on(const gc_compose_input *in)
{
    const gc_config *c = in->config;
    bool openai = strcmp(in->model->provider, "openai") == 0;
    return c->prompt_caching_enabled &&
           (openai ? c->prompt_caching_openai : c->prompt_caching_anthropic);
}

/* The mark stands at the end of the last shared block. */
static int place_mark(const gc_composer *self)
{
    int last = 0;
    for (int i = 0; i < SHARED_BLOCKS; i++)
        if (*self->blocks[i])
            last = i;
    return self->layout.marked ? last : -1;
}

/* Every shared block in both of its forms. */
typedef struct variants {
    gc_buf system, project, project_table, shared, spec;
} variants;

static gc_err render_variants(gc_composer *self, variants *v, gc_errinfo *info)
{
    gc_buf *all[] = { &v->system, &v->project, &v->project_table, &v->shared, &v->spec };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        gc_buf_init(all[i], BLOCK_LIMIT);
    gc_buf table;
    gc_buf_init(&table, BLOCK_LIMIT);
    gc_symbols_all(self->symbols, &table);
    gc_err err = gc_prompt_system(
        self->in.prompts, self->in.config->batching_response_format, &v->system, info);
    if (!err)
        err = render_project(self, NULL, &v->project, info);
    if (!err)
        err = render_project(self, table.ptr, &v->project_table, info);
    if (!err)
        err = render_shared(self, false, &v->shared, info);
    if (!err)
        err = render_shared(self, true, &v->spec, info);
    gc_buf_release(&table);
    return err;
}

static void release_variants(variants *v)
{
    gc_buf_release(&v->system);
    gc_buf_release(&v->project);
    gc_buf_release(&v->project_table);
    gc_buf_release(&v->shared);
    gc_buf_release(&v->spec);
}

static void keep_block(gc_composer *self, int index, gc_buf *buf)
{
    self->shas[index] = gc_sha256(buf->ptr, buf->len);
    self->blocks[index] = gc_buf_take(buf);
}

/* The layout follows from the spec, the config and the models table alone: figures that runs
 * measure would make two runs of one spec differ. */
static gc_err choose_layout(gc_composer *self, const variants *v, gc_errinfo *info)
{
    bool filter = self->in.config->context_filtering_enabled;
    if (self->in.lean) {
        self->layout = (gc_layout){ .whole_spec = !filter, .whole_symbols = !filter };
        return GC_OK;
    }
    const char *ttl = gc_cache_ttl(self->in.longest_call_s, self->in.job_s);
    const gc_layout_rules rules = { .filter = filter,
                                    .one_hour = strcmp(ttl, "1h") == 0,
                                    .cache = caching_on(&self->in),
                                    .window_part = GC_WINDOW_PART };
    gc_layout_sizes sizes = { .calls = self->in.call_count,
                              .base = v->system.len + v->project.len,
                              .symbols = v->project_table.len - v->project.len,
                              .shared = v->shared.len,
                              .spec = v->spec.len,
                              .max_output = MIN_MAX_TOKENS };
    self->whole_bytes = sizes.base + sizes.symbols + sizes.spec;
    gc_err err = measure_calls(self, &sizes, info);
    self->chosen = gc_layout_choose(self->in.model, &sizes, &rules, self->options);
    self->layout = self->options[self->chosen].layout;
    return err;
}

static gc_err render_blocks(gc_composer *self, gc_errinfo *info)
{
    variants v;
    gc_err err = render_variants(self, &v, info);
    if (!err)
        err = choose_layout(self, &v, info);
    if (!err) {
        keep_block(self, 0, &v.system);
        keep_block(self, 1, self->layout.whole_symbols ? &v.project_table : &v.project);
        keep_block(self, 2, self->layout.whole_spec ? &v.spec : &v.shared);
    }
    release_variants(&v);
    return err;
}

gc_err gc_composer_new(const gc_compose_input *input, gc_composer **out, gc_errinfo *info)
{
    gc_composer *self = gc_xcalloc(1, sizeof *self);
    self->in = *input;
    self->symbols = gc_symbols_new(input->plan);
    gc_err err = render_blocks(self, info);
    self->in.calls = NULL;
    if (err) {
        gc_composer_destroy(&self);
        return err;
    }
    self->marked = place_mark(self);
    *out = self;
    return GC_OK;
}

const gc_layout_option *gc_composer_layouts(const gc_composer *self, size_t *chosen)
{
    *chosen = self->chosen;
    return self->options;
}

void gc_composer_destroy(gc_composer **self_p)
{
    gc_composer *self = *self_p;
    if (!self)
        return;
    for (int i = 0; i < SHARED_BLOCKS; i++)
        free(self->blocks[i]);
    gc_symbols_destroy(&self->symbols);
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

const char *gc_composer_block(const gc_composer *self, const char *sha256)
{
    for (int i = 0; i < SHARED_BLOCKS; i++)
        if (strcmp(self->shas[i].hex, sha256) == 0)
            return self->blocks[i];
    return NULL;
}

size_t gc_composer_whole_bytes(const gc_composer *self)
{
    return self->whole_bytes;
}

size_t gc_composer_marked_bytes(const gc_composer *self)
{
    size_t bytes = 0;
    for (int i = 0; i <= self->marked; i++)
        bytes += strlen(self->blocks[i]);
    return bytes;
}

void gc_composer_learn_marked(gc_composer *self, int64_t tokens)
{
    if (tokens > 0 && tokens <= (int64_t)gc_composer_marked_bytes(self))
        self->marked_tokens = tokens;
}

/* ---- the task ---- */

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

static gc_reserve reserve_of(const gc_composer *self, const gc_task *task)
{
    int64_t marked = (int64_t)gc_composer_marked_bytes(self);
    const gc_reserve_prompt prompt = { .marked_bytes = marked,
                                       .marked_tokens = self->marked_tokens,
                                       .other_bytes = task->prompt_bytes - marked,
                                       .one_hour = strcmp(task->cache_ttl, "1h") == 0 };
    return gc_reserve_of(self->in.model, &prompt);
}

static gc_err set_limits(const gc_composer *self, const gc_compose_files *files,
                         gc_task *task, gc_errinfo *info)
{
    const gc_model *m = self->in.model;
    const gc_config *c = self->in.config;
    double expected = (double)expected_tokens(self, files->files, files->count,
                                              self->in.bytes_per_token);
    int64_t want = OUTPUT_MARGIN * (int64_t)expected;
    task->expected_output = (int64_t)expected;
    task->max_tokens = want < MIN_MAX_TOKENS ? MIN_MAX_TOKENS : want;
    if (task->max_tokens > m->max_output_tokens)
        task->max_tokens = m->max_output_tokens;
    gc_reserve reserve = reserve_of(self, task);
    task->reserve_usd = gc_reserve_usd(&reserve, task->max_tokens);
    task->max_cost_usd = c->limits_max_cost_usd;
    task->lease_ms = c->cluster_lease_ms;
    task->patience_ms = c->limits_provider_patience_ms;
    task->first_byte_ms = c->llm_first_byte_timeout_ms;
    task->idle_ms = c->llm_idle_timeout_ms;
    task->call_ms = c->llm_call_timeout_ms;
    if (files->budget_usd > 0 && task->reserve_usd > files->budget_usd)
        return gc_fail(info, GC_EFULL,
                       "the cheapest call may cost $%.4f, and $%.4f is left",
                       task->reserve_usd, files->budget_usd);
    return GC_OK;
}

static gc_err check_window(const gc_composer *self, const gc_task *task, gc_errinfo *info)
{
    const gc_model *m = self->in.model;
    int64_t prompt = (int64_t)((double)task->prompt_bytes / self->in.bytes_per_token);
    double room = GC_WINDOW_PART * (double)m->context_tokens;
    if (!m->context_tokens || (double)(prompt + task->max_tokens) <= room)
        return GC_OK;
    return gc_fail(info, GC_ETOOBIG,
                   "about %lld tokens of prompt and %lld of answer are more than %.0f, "
                   "which is %.0f%% of the window of %s (%lld); %s",
                   (long long)prompt, (long long)task->max_tokens, room,
                   GC_WINDOW_PART * 100, m->id, (long long)m->context_tokens,
                   self->in.config->context_filtering_enabled
                       ? "give the file fewer entities, shorten the specification or "
                         "take a model with a larger window"
                       : "turn on optimization.context_filtering or take a model with "
                         "a larger window");
}

gc_err gc_compose(const gc_composer *self, const gc_compose_files *files, gc_task **out,
                  gc_errinfo *info)
{
    gc_buf tail;
    gc_buf_init(&tail, BLOCK_LIMIT);
    gc_err err = render_tail(self, files, &self->layout, &tail, info);
    if (err) {
        gc_buf_release(&tail);
        return err;
    }
    gc_task *task = gc_task_new();
    const gc_config *c = self->in.config;
    task->provider = gc_xstrdup(self->in.model->provider);
    copy_model(self->in.model, &task->model);
    task->effort = gc_xstrdup(self->in.model->effort ? c->llm_effort : "");
    task->openai_cache = c->prompt_caching_enabled && c->prompt_caching_openai &&
                         self->in.model->cache_min_tokens > 0;
    task->cache_ttl = gc_xstrdup(gc_cache_ttl(self->in.longest_call_s, self->in.job_s));
    task->simulated = self->in.simulated;
    task->reuse = self->in.reuse;
    add_shared_blocks(self, task);
    task->prompt_bytes += (int64_t)tail.len;
    task->user[task->user_count++] = (gc_block){ .text = gc_buf_take(&tail) };
    add_files(self, files, task);
    err = set_limits(self, files, task, info);
    if (!err)
        err = check_window(self, task, info);
    if (err)
        gc_task_destroy(&task);
    else
        *out = task;
    return err;
}
