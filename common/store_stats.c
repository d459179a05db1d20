/* Who is there, and what was measured of models. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/store.h"
#include "common/store_private.h"

void gc_worker_info_release(gc_worker_info *self)
{
    free(self->id);
    free(self->host);
    free(self->version);
    free(self->providers);
    *self = (gc_worker_info){ 0 };
}

/* The flat list of a row is the id, then field and value pairs. */
static void worker_of(const redisReply *row, gc_worker_info *out)
{
    redisReply fields = *row;
    fields.element++;
    fields.elements--;
    *out = (gc_worker_info){
        .id = gc_xstrdup(gc_reply_text(gc_reply_at(row, 0))),
        .host = gc_xstrdup(gc_reply_text(gc_reply_field(&fields, "host"))),
        .version = gc_xstrdup(gc_reply_text(gc_reply_field(&fields, "version"))),
        .providers = gc_xstrdup(gc_reply_text(gc_reply_field(&fields, "providers"))),
        .pid = gc_reply_int(gc_reply_field(&fields, "pid")),
        .slots = gc_reply_int(gc_reply_field(&fields, "slots")),
        .busy = gc_reply_int(gc_reply_field(&fields, "busy")),
        .seen_at = gc_reply_int(gc_reply_field(&fields, "seen_at")),
    };
}

gc_err gc_store_workers(gc_store *self, gc_worker_info **out, size_t *count)
{
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_WORKERS);
    gc_err err = gc_store_call(self, &cmd, &reply);
    gc_cmd_release(&cmd);
    if (err)
        return err;
    size_t n = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
    gc_worker_info *list = gc_xcalloc(n, sizeof *list);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (reply->element[i]->type == REDIS_REPLY_ARRAY && reply->element[i]->elements)
            worker_of(reply->element[i], &list[kept++]);
    freeReplyObject(reply);
    *out = list;
    *count = kept;
    return GC_OK;
}

/* ---- models ---- */

#define SUM_PREFIX "output_tokens:"
#define PER_PREFIX "expected_bytes:"

/* Sums and divisors are kept below twice these, about a hundred large calls. */
#define BOUND_TOKENS 1000000
#define BOUND_BYTES 1000000
#define BOUND_CALLS 200
#define BOUND_FILES 1000

static const struct ratio_row {
    size_t offset; /* of the ratio in gc_measured */
    const char *sum, *per;
    int64_t bound; /* of the divisor */
} ratio_rows[] = {
    { offsetof(gc_measured, marked), "marked_bytes", "marked_tokens", BOUND_TOKENS },
    { offsetof(gc_measured, plain), "plain_bytes", "plain_tokens", BOUND_TOKENS },
    { offsetof(gc_measured, wait), "wait_ms", "wait_calls", BOUND_CALLS },
    { offsetof(gc_measured, stream), "stream_ms", "stream_tokens", BOUND_TOKENS },
};

#define RATIO_ROWS (sizeof ratio_rows / sizeof *ratio_rows)

/* Of files of one kind; the first is the bounded one. */
static const struct line_row {
    const char *prefix;
    size_t offset; /* in gc_line */
} line_rows[] = {
    { "line_files:", offsetof(gc_line, files) },
    { "line_bytes:", offsetof(gc_line, bytes) },
    { "line_tokens:", offsetof(gc_line, tokens) },
    { "line_squares:", offsetof(gc_line, squares) },
    { "line_products:", offsetof(gc_line, products) },
};

#define LINE_ROWS (sizeof line_rows / sizeof *line_rows)

/* "output_tokens:service". */
typedef struct field {
    char name[sizeof PER_PREFIX + sizeof((gc_measured_kind *)0)->name];
} field;

static field field_of(const char *prefix, const char *kind)
{
    field f;
    snprintf(f.name, sizeof f.name, "%s%s", prefix, kind);
    return f;
}

static gc_ratio ratio_of(const redisReply *reply, const char *sum, const char *per)
{
    return (gc_ratio){ gc_reply_int(gc_reply_field(reply, sum)),
                       gc_reply_int(gc_reply_field(reply, per)) };
}

static void read_kind(const redisReply *reply, const char *name, gc_measured_kind *out)
{
    snprintf(out->name, sizeof out->name, "%s", name);
    out->output =
        ratio_of(reply, field_of(SUM_PREFIX, name).name, field_of(PER_PREFIX, name).name);
    for (size_t i = 0; i < LINE_ROWS; i++)
        *(int64_t *)((char *)&out->line + line_rows[i].offset) =
            gc_reply_int(gc_reply_field(reply, field_of(line_rows[i].prefix, name).name));
}

static void read_kinds(const redisReply *reply, gc_measured *out)
{
    size_t skip = strlen(PER_PREFIX);
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const char *name = gc_reply_text(gc_reply_at(reply, i));
        if (out->kind_count == GC_MEASURED_KINDS ||
            strncmp(name, PER_PREFIX, skip) != 0 ||
            strlen(name + skip) >= sizeof out->kinds->name)
            continue;
        read_kind(reply, name + skip, &out->kinds[out->kind_count++]);
    }
}

void gc_measured_name(const char *model, bool simulated, char out[GC_MEASURED_NAME])
{
    snprintf(out, GC_MEASURED_NAME, "%s%s", simulated ? "sim:" : "", model);
}

gc_err gc_store_model_get(gc_store *self, const char *model, gc_measured *out)
{
    if (!gc_store_word(model))
        return GC_EINVAL;
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "HGETALL");
    gc_cmd_textf(&cmd, "gc:model:%s", model);
    gc_err err = gc_store_call(self, &cmd, &reply);
    gc_cmd_release(&cmd);
    if (err)
        return err;
    *out = (gc_measured){
        .bytes_per_token = gc_reply_double(gc_reply_field(reply, "bytes_per_token")),
        .seconds_per_output_token =
            gc_reply_double(gc_reply_field(reply, "seconds_per_output_token")),
        .calls = gc_reply_int(gc_reply_field(reply, "calls")),
    };
    for (size_t i = 0; i < RATIO_ROWS; i++)
        *(gc_ratio *)((char *)out + ratio_rows[i].offset) =
            ratio_of(reply, ratio_rows[i].sum, ratio_rows[i].per);
    read_kinds(reply, out);
    freeReplyObject(reply);
    return GC_OK;
}

gc_err gc_store_model_add(gc_store *self, const char *model, double bytes_per_token,
                          double seconds_per_output_token)
{
    if (!gc_store_word(model))
        return GC_EINVAL;
    gc_cmd cmd;
    gc_cmd_model_add(&cmd, &self->scripts, model);
    gc_cmd_figures(&cmd, bytes_per_token, seconds_per_output_token);
    return gc_store_run(self, &cmd);
}

static void add_sum(gc_cmd *cmd, const char *name, int64_t added)
{
    gc_cmd_text(cmd, name);
    gc_cmd_int(cmd, added);
}

/* Returns how many groups of sums it added. */
static size_t add_pair(gc_cmd *cmd, const char *sum, const char *per,
                       const gc_ratio *ratio, int64_t bound)
{
    if (ratio->per <= 0 || ratio->sum < 0)
        return 0;
    gc_cmd_int(cmd, 2);
    gc_cmd_int(cmd, bound);
    add_sum(cmd, per, ratio->per);
    add_sum(cmd, sum, ratio->sum);
    return 1;
}

static size_t add_line(gc_cmd *cmd, const char *kind, const gc_line *line)
{
    if (line->files <= 0)
        return 0;
    gc_cmd_int(cmd, LINE_ROWS);
    gc_cmd_int(cmd, BOUND_FILES);
    for (size_t i = 0; i < LINE_ROWS; i++)
        add_sum(cmd, field_of(line_rows[i].prefix, kind).name,
                *(const int64_t *)((const char *)line + line_rows[i].offset));
    return 1;
}

static size_t add_kind(gc_cmd *cmd, const gc_measured_kind *kind)
{
    if (!gc_store_word(kind->name))
        return 0;
    return add_pair(cmd, field_of(SUM_PREFIX, kind->name).name,
                    field_of(PER_PREFIX, kind->name).name, &kind->output, BOUND_BYTES) +
           add_line(cmd, kind->name, &kind->line);
}

gc_err gc_store_model_learn(gc_store *self, const char *model, const gc_measured *more)
{
    if (!gc_store_word(model))
        return GC_EINVAL;
    gc_cmd cmd;
    size_t groups = 0;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_MODEL_LEARN);
    gc_cmd_text(&cmd, model);
    for (size_t i = 0; i < RATIO_ROWS; i++)
        groups += add_pair(&cmd, ratio_rows[i].sum, ratio_rows[i].per,
                           (const gc_ratio *)((const char *)more + ratio_rows[i].offset),
                           ratio_rows[i].bound);
    for (size_t i = 0; i < more->kind_count; i++)
        groups += add_kind(&cmd, &more->kinds[i]);
    if (groups)
        return gc_store_run(self, &cmd);
    gc_cmd_release(&cmd);
    return GC_OK;
}

gc_err gc_store_prefix_is_warm(gc_store *self, const gc_task *task, bool *out)
{
    gc_sha prefix;
    gc_cmd cmd;
    redisReply *reply = NULL;
    if (!gc_store_word(task->model.id) || !gc_store_word(task->provider))
        return GC_EINVAL;
    *out = false;
    if (!gc_task_prefix(task, &prefix))
        return GC_OK;
    gc_cmd_init(&cmd, "HGET");
    gc_cmd_textf(&cmd, "gc:prefix:%s:%s:%s", task->provider, task->model.id, prefix.hex);
    gc_cmd_text(&cmd, "state");
    gc_err err = gc_store_call(self, &cmd, &reply);
    gc_cmd_release(&cmd);
    if (err)
        return err;
    *out = strcmp(gc_reply_text(reply), "warm") == 0;
    freeReplyObject(reply);
    return GC_OK;
}
