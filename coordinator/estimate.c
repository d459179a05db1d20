#include "coordinator/estimate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

/* Bytes of one <generate> element and its frame beside the promise. */
#define ELEMENT_BYTES 160

/* To the first event of a call, as long as nothing was measured. */
#define WAIT_S 1.0

/* A figure outside is no measurement but a fault of somebody's counting. */
#define MIN_BYTES_PER_TOKEN 0.5
#define MAX_BYTES_PER_TOKEN 20.0
#define MAX_TOKENS_PER_BYTE 20.0

/* ---- rates ---- */

void gc_rates_init(gc_rates *self, const gc_model *model)
{
    *self = (gc_rates){ .bytes_per_token = model->bytes_per_token,
                        .marked_bytes_per_token = model->bytes_per_token,
                        .plain_bytes_per_token = model->bytes_per_token,
                        .wait_s = WAIT_S,
                        .seconds_per_token = model->seconds_per_1k_output / 1000,
                        .tokens_per_byte = 1 / model->bytes_per_token,
                        .table_tokens_per_byte = 1 / model->bytes_per_token,
                        .thinking_tokens = (double)model->thinking_tokens };
}

static bool sane_bytes(const gc_ratio *r)
{
    double value = r->per > 0 ? (double)r->sum / (double)r->per : 0;
    return value >= MIN_BYTES_PER_TOKEN && value <= MAX_BYTES_PER_TOKEN;
}

static bool sane_output(const gc_ratio *r)
{
    return r->per > 0 && r->sum > 0 &&
           (double)r->sum <= MAX_TOKENS_PER_BYTE * (double)r->per;
}

static double quotient(const gc_ratio *r)
{
    return (double)r->sum / (double)r->per;
}

void gc_rates_learn(gc_rates *self, const gc_measured *measured)
{
    const gc_measured *m = &self->measured;
    gc_ratio all = { 0, 0 };
    self->measured = *measured;
    if (m->bytes_per_token >= MIN_BYTES_PER_TOKEN &&
        m->bytes_per_token <= MAX_BYTES_PER_TOKEN)
        self->bytes_per_token = m->bytes_per_token;
    if (sane_bytes(&m->marked))
        self->marked_bytes_per_token = quotient(&m->marked);
    if (sane_bytes(&m->plain))
        self->plain_bytes_per_token = quotient(&m->plain);
    if (m->wait.per > 0)
        self->wait_s = quotient(&m->wait) / 1000;
    if (m->stream.per > 0)
        self->seconds_per_token = quotient(&m->stream) / 1000;
    for (size_t i = 0; i < m->kind_count; i++) {
        if (!sane_output(&m->kinds[i].output))
            continue;
        all.sum += m->kinds[i].output.sum;
        all.per += m->kinds[i].output.per;
    }
    if (all.per > 0) {
        self->tokens_per_byte = quotient(&all);
        self->thinking_tokens = 0; /* the measured output has it in it */
    }
}

const char *gc_rates_kind(const gc_plan_file *file)
{
    static const char *const tested[][2] = { { "_service_test.go", "test:service" },
                                             { "_handler_test.go", "test:handler" },
                                             { "_store_test.go", "test:store" } };
    if (strcmp(file->kind, "test") == 0 && file->path)
        for (size_t i = 0; i < sizeof tested / sizeof *tested; i++)
            if (gc_ends_with(file->path, tested[i][0]))
                return tested[i][1];
    return file->kind;
}

/* What was measured of all kinds that `like` begins: "test" has those of all tests. */
static gc_ratio measured_of(const gc_measured *m, const char *like, bool exact)
{
    gc_ratio sum = { 0, 0 };
    size_t len = strlen(like);
    for (size_t i = 0; i < m->kind_count; i++) {
        const char *name = m->kinds[i].name;
        bool same = strcmp(name, like) == 0;
        bool part = !exact && strncmp(name, like, len) == 0 && name[len] == ':';
        if ((!same && !part) || !sane_output(&m->kinds[i].output))
            continue;
        sum.sum += m->kinds[i].output.sum;
        sum.per += m->kinds[i].output.per;
    }
    return sum;
}

double gc_rates_output(const gc_rates *self, const gc_plan_file *file)
{
    gc_ratio r = measured_of(&self->measured, gc_rates_kind(file), true);
    if (r.per <= 0)
        r = measured_of(&self->measured, file->kind, false);
    return (double)file->expected_bytes *
           (r.per > 0 ? quotient(&r) : self->tokens_per_byte);
}

gc_ratio gc_measured_output(const gc_measured *self, const gc_plan_file *file)
{
    return measured_of(self, gc_rates_kind(file), true);
}

double gc_rates_output_most(const gc_rates *self, const gc_plan_file *file)
{
    double usual = gc_rates_output(self, file);
    double table = (double)file->expected_bytes * self->table_tokens_per_byte;
    bool known = gc_measured_output(&self->measured, file).per > 0;
    return known || usual > table ? usual : table;
}

double gc_rates_seconds(const gc_rates *self, double output_tokens)
{
    return self->wait_s + output_tokens * self->seconds_per_token;
}

void gc_rates_count(gc_rates *self, const gc_counted *counted)
{
    if (!counted->prompts || !sane_bytes(&counted->plain))
        return;
    self->plain_bytes_per_token = quotient(&counted->plain);
    if (sane_bytes(&counted->marked))
        self->marked_bytes_per_token = quotient(&counted->marked);
    self->counted = counted->prompts;
}

void gc_rates_source(const gc_rates *self, char *out, size_t size)
{
    const char *counted =
        self->counted ? "prompts counted by the provider, the rest " : "";
    if (self->measured.calls)
        snprintf(out, size, "%smeasured over %" PRId64 " calls", counted,
                 self->measured.calls);
    else
        snprintf(out, size, "%sfrom the models table", counted);
}

/* ---- estimates ---- */

static double add_call(gc_estimate *self, const gc_model *model, const gc_usage *usage,
                       const gc_rates *rates)
{
    double seconds = gc_rates_seconds(rates, (double)usage->output);
    gc_usage_add(&self->usage, usage);
    self->usd += gc_model_cost(model, usage);
    self->call_seconds += seconds;
    self->calls++;
    return seconds;
}

double gc_estimate_add(gc_estimate *self, const gc_task *task, double output_tokens,
                       size_t marked_bytes, const gc_rates *rates)
{
    int64_t marked = llround((double)marked_bytes / rates->marked_bytes_per_token);
    double plain_bytes = (double)task->prompt_bytes - (double)marked_bytes;
    gc_usage usage = {
        .input = llround(plain_bytes / rates->plain_bytes_per_token),
        .output = (int64_t)(output_tokens + rates->thinking_tokens),
    };
    if (self->calls || self->warm)
        usage.cache_read = marked;
    else if (strcmp(task->cache_ttl, "1h") == 0)
        usage.cache_write_1h = marked;
    else
        usage.cache_write_5m = marked;
    return add_call(self, &task->model, &usage, rates);
}

double gc_estimate_seconds(const gc_estimate *self, int64_t slots)
{
    double even = self->call_seconds / (double)(slots > 0 ? slots : 1);
    return even > self->chain_seconds ? even : self->chain_seconds;
}

gc_estimate gc_estimate_baseline(const gc_plan *plan, size_t shared_bytes,
                                 const gc_model *model, const gc_rates *rates)
{
    gc_estimate e = { 0 };
    for (size_t i = 0; i < plan->file_count; i++) {
        const gc_plan_file *f = &plan->files[i];
        if (f->extra)
            continue;
        double own = (double)(strlen(f->promise) + ELEMENT_BYTES);
        double output = gc_rates_output(rates, f) + rates->thinking_tokens;
        gc_usage usage = {
            .input = (int64_t)((double)shared_bytes / rates->marked_bytes_per_token +
                               own / rates->plain_bytes_per_token),
            .output = (int64_t)output,
        };
        add_call(&e, model, &usage, rates);
    }
    e.chain_seconds = e.call_seconds;
    return e;
}

/* ---- what a call teaches ---- */

static void add_ratio(gc_ratio *self, int64_t sum, int64_t per)
{
    if (sum < 0 || per <= 0)
        return;
    self->sum += sum;
    self->per += per;
}

static void add_bytes(gc_ratio *self, int64_t bytes, int64_t tokens)
{
    gc_ratio one = { bytes, tokens };
    if (sane_bytes(&one))
        add_ratio(self, bytes, tokens);
}

static void add_file(gc_measured *self, const gc_lesson_file *file)
{
    gc_ratio one = { file->output_tokens, (int64_t)file->expected_bytes };
    size_t i = 0;
    while (i < self->kind_count && strcmp(self->kinds[i].name, file->kind) != 0)
        i++;
    if (i == GC_MEASURED_KINDS || strlen(file->kind) >= sizeof self->kinds[i].name ||
        !sane_output(&one))
        return;
    if (i == self->kind_count) {
        self->kinds[i] = (gc_measured_kind){ .output = { 0, 0 } };
        snprintf(self->kinds[i].name, sizeof self->kinds[i].name, "%s", file->kind);
        self->kind_count++;
    }
    add_ratio(&self->kinds[i].output, one.sum, one.per);
}

void gc_measured_add(gc_measured *self, const gc_lesson *lesson)
{
    const gc_usage *u = &lesson->usage;
    int64_t cached = u->cache_read + u->cache_write_5m + u->cache_write_1h;
    int64_t marked_bytes = cached > 0 ? lesson->marked_bytes : 0;
    if (u->output <= 0)
        return;
    add_bytes(&self->marked, marked_bytes, cached);
    add_bytes(&self->plain, lesson->prompt_bytes - marked_bytes, u->input);
    double stream_s = lesson->seconds - lesson->wait_s;
    if (lesson->wait_s >= 0 && stream_s >= 0) {
        add_ratio(&self->wait, (int64_t)(lesson->wait_s * 1000), 1);
        add_ratio(&self->stream, (int64_t)(stream_s * 1000), u->output);
    }
    for (size_t i = 0; i < lesson->file_count; i++)
        add_file(self, &lesson->files[i]);
}
