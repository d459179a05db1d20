#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/store.h"
#include "common/store_private.h"

#define EVENTS_MAX \
    "1000"               /* per job; XADD trims in whole blocks, so a few more may stay */
#define RESUME_LOOK 1000 /* newest jobs looked at for an unfinished one */

void gc_job_release(gc_job *self)
{
    free(self->spec);
    free(self->project);
    free(self->state);
    free(self->fcs);
    free(self->owner);
    free(self->output);
    free(self->model);
    *self = (gc_job){ 0 };
}

static void put_text(gc_cmd *cmd, const char *field, const char *value)
{
    gc_cmd_text(cmd, field);
    gc_cmd_text(cmd, value ? value : "");
}

/* Counters are set only where the record has none: see the script. */
static void put_counter(gc_cmd *cmd, const char *field, int64_t value)
{
    gc_cmd_textf(cmd, "+%s", field);
    gc_cmd_int(cmd, value);
}

gc_err gc_store_job_create(gc_store *self, const gc_job *job, int64_t owner_ttl_ms)
{
    int64_t cost = 0;
    if (!gc_store_id(job->id) || !gc_store_word(job->owner) || owner_ttl_ms <= 0 ||
        !gc_nano_usd(job->cost_usd, &cost))
        return GC_EINVAL;
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_JOB_CREATE);
    gc_cmd_text(&cmd, job->id);
    gc_cmd_text(&cmd, job->owner);
    gc_cmd_int(&cmd, owner_ttl_ms);
    gc_cmd_int(&cmd, job->created_at);
    gc_cmd_int(&cmd, cost);
    put_text(&cmd, "spec", job->spec);
    put_text(&cmd, "project", job->project);
    put_text(&cmd, "state", job->state ? job->state : "running");
    put_text(&cmd, "fcs", job->fcs);
    put_text(&cmd, "output", job->output);
    put_text(&cmd, "model", job->model);
    put_counter(&cmd, "level", job->level);
    put_counter(&cmd, "files_total", job->files_total);
    put_counter(&cmd, "files_done", job->files_done);
    put_counter(&cmd, "files_failed", job->files_failed);
    put_counter(&cmd, "files_reused", job->files_reused);
    put_counter(&cmd, "llm_calls", job->llm_calls);
    put_counter(&cmd, "tokens_input", job->tokens_input);
    put_counter(&cmd, "tokens_cache_write", job->tokens_cache_write);
    put_counter(&cmd, "tokens_cache_read", job->tokens_cache_read);
    put_counter(&cmd, "tokens_output", job->tokens_output);
    return gc_store_run(self, &cmd);
}

gc_err gc_store_job_renew(gc_store *self, const char *job, const char *owner,
                          int64_t owner_ttl_ms)
{
    if (!gc_store_id(job) || !gc_store_word(owner) || owner_ttl_ms <= 0)
        return GC_EINVAL;
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_JOB_RENEW);
    gc_cmd_text(&cmd, job);
    gc_cmd_text(&cmd, owner);
    gc_cmd_int(&cmd, owner_ttl_ms);
    return gc_store_run(self, &cmd);
}

gc_err gc_store_job_take(gc_store *self, const char *job, const char *owner,
                         int64_t owner_ttl_ms, bool force, char **holder)
{
    if (!gc_store_id(job))
        return GC_ENOENT;
    if (!gc_store_word(owner) || owner_ttl_ms <= 0)
        return GC_EINVAL;
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_JOB_TAKE);
    gc_cmd_text(&cmd, job);
    gc_cmd_text(&cmd, owner);
    gc_cmd_int(&cmd, owner_ttl_ms);
    gc_cmd_text(&cmd, force ? "1" : "0");
    gc_err err = gc_store_call(self, &cmd, &reply);
    gc_cmd_release(&cmd);
    if (err)
        return err;
    err = gc_reply_status(reply);
    if (err == GC_EEXIST && holder)
        *holder = gc_xstrdup(gc_reply_text(gc_reply_at(reply, 1)));
    freeReplyObject(reply);
    return err;
}

gc_err gc_store_job_state(gc_store *self, const char *job, const char *owner,
                          const char *state, bool final)
{
    if (!gc_store_id(job) || !gc_store_word(owner) || !gc_store_word(state))
        return GC_EINVAL;
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_JOB_STATE);
    gc_cmd_text(&cmd, job);
    gc_cmd_text(&cmd, owner);
    gc_cmd_text(&cmd, state);
    gc_cmd_text(&cmd, final ? "1" : "0");
    return gc_store_run(self, &cmd);
}

gc_err gc_store_job_set(gc_store *self, const char *job, const char *field,
                        const char *value)
{
    if (!gc_store_id(job) || !gc_store_word(field))
        return GC_EINVAL;
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_JOB_SET);
    gc_cmd_text(&cmd, job);
    gc_cmd_text(&cmd, field);
    gc_cmd_text(&cmd, value);
    return gc_store_run(self, &cmd);
}

static char *take_field(const redisReply *hash, const char *name)
{
    return gc_xstrdup(gc_reply_text(gc_reply_field(hash, name)));
}

static int64_t int_field(const redisReply *hash, const char *name)
{
    return gc_reply_int(gc_reply_field(hash, name));
}

static void job_of(const redisReply *hash, const char *id, gc_job *out)
{
    *out = (gc_job){
        .spec = take_field(hash, "spec"),
        .project = take_field(hash, "project"),
        .state = take_field(hash, "state"),
        .fcs = take_field(hash, "fcs"),
        .owner = take_field(hash, "owner"),
        .output = take_field(hash, "output"),
        .model = take_field(hash, "model"),
        .created_at = int_field(hash, "created_at"),
        .updated_at = int_field(hash, "updated_at"),
        .level = int_field(hash, "level"),
        .files_total = int_field(hash, "files_total"),
        .files_done = int_field(hash, "files_done"),
        .files_failed = int_field(hash, "files_failed"),
        .files_reused = int_field(hash, "files_reused"),
        .llm_calls = int_field(hash, "llm_calls"),
        .tokens_input = int_field(hash, "tokens_input"),
        .tokens_cache_write = int_field(hash, "tokens_cache_write"),
        .tokens_cache_read = int_field(hash, "tokens_cache_read"),
        .tokens_output = int_field(hash, "tokens_output"),
        .cost_usd = (double)int_field(hash, "cost_nusd") / 1e9,
        .reserved_usd = (double)int_field(hash, "reserved_nusd") / 1e9,
        .unconfirmed_usd = (double)int_field(hash, "unconfirmed_nusd") / 1e9,
    };
    snprintf(out->id, sizeof out->id, "%s", id);
}

/* Runs `cmd`, releases it; on success the caller frees the reply. */
static gc_err ask(gc_store *self, gc_cmd *cmd, int type, redisReply **out)
{
    redisReply *reply = NULL;
    gc_err err = gc_store_call(self, cmd, &reply);
    gc_cmd_release(cmd);
    if (err)
        return err;
    if (reply->type != type) {
        freeReplyObject(reply);
        return GC_EPROTO;
    }
    *out = reply;
    return GC_OK;
}

gc_err gc_store_job_get(gc_store *self, const char *job, gc_job *out)
{
    if (!gc_store_id(job) || strlen(job) >= GC_JOB_ID_SIZE)
        return GC_ENOENT;
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "HGETALL");
    gc_cmd_textf(&cmd, "gc:job:%s", job);
    gc_err err = ask(self, &cmd, REDIS_REPLY_ARRAY, &reply);
    if (err)
        return err;
    if (!gc_reply_field(reply, "owner"))
        err = GC_ENOENT; /* counters that outlived a lost record are no job */
    else
        job_of(reply, job, out);
    freeReplyObject(reply);
    return err;
}

gc_err gc_store_jobs(gc_store *self, size_t limit, gc_strv *ids)
{
    if (limit == 0)
        return GC_OK;
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "ZREVRANGE");
    gc_cmd_text(&cmd, "gc:jobs");
    gc_cmd_int(&cmd, 0);
    gc_cmd_int(&cmd, limit > INT32_MAX ? INT32_MAX : (int64_t)limit - 1);
    gc_err err = ask(self, &cmd, REDIS_REPLY_ARRAY, &reply);
    if (err)
        return err;
    for (size_t i = 0; i < reply->elements; i++)
        gc_strv_add(ids, gc_reply_text(reply->element[i]));
    freeReplyObject(reply);
    return GC_OK;
}

gc_err gc_store_job_unfinished(gc_store *self, const char *output_sha,
                               const char *fcs_sha, char id[GC_JOB_ID_SIZE])
{
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_JOB_UNFINISHED);
    gc_cmd_text(&cmd, output_sha ? output_sha : "");
    gc_cmd_text(&cmd, fcs_sha ? fcs_sha : "");
    gc_cmd_int(&cmd, RESUME_LOOK);
    gc_err err = ask(self, &cmd, REDIS_REPLY_ARRAY, &reply);
    if (err)
        return err;
    err = gc_reply_status(reply);
    const char *found = gc_reply_text(gc_reply_at(reply, 1));
    if (!err && strlen(found) >= GC_JOB_ID_SIZE)
        err = GC_EPROTO;
    if (!err)
        snprintf(id, GC_JOB_ID_SIZE, "%s", found);
    freeReplyObject(reply);
    return err;
}

gc_err gc_store_job_claim_ms(gc_store *self, const char *job, int64_t *out)
{
    if (!gc_store_id(job))
        return GC_ENOENT;
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "PTTL");
    gc_cmd_textf(&cmd, "gc:owner:%s", job);
    gc_err err = ask(self, &cmd, REDIS_REPLY_INTEGER, &reply);
    if (err)
        return err;
    *out = reply->integer > 0 ? reply->integer : 0;
    freeReplyObject(reply);
    return GC_OK;
}

gc_err gc_store_job_cancel(gc_store *self, const char *job)
{
    if (!gc_store_id(job))
        return GC_ENOENT;
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_JOB_CANCEL);
    gc_cmd_text(&cmd, job);
    return gc_store_run(self, &cmd);
}

gc_err gc_store_job_cancelled(gc_store *self, const char *job, bool *out)
{
    if (!gc_store_id(job))
        return GC_ENOENT;
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "HGET");
    gc_cmd_textf(&cmd, "gc:job:%s", job);
    gc_cmd_text(&cmd, "cancel");
    gc_err err = gc_store_call(self, &cmd, &reply);
    gc_cmd_release(&cmd);
    if (err)
        return err;
    *out = strcmp(gc_reply_text(reply), "1") == 0;
    freeReplyObject(reply);
    return GC_OK;
}

/* NOLINTNEXTLINE(readability-function-size): parameters as the header has them */
gc_err gc_store_task_set(gc_store *self, const char *job, const char *task,
                         const char *state, const char *worker, int64_t attempt,
                         int64_t epoch)
{
    if (!gc_store_id(job) || !gc_store_word(task) || !gc_store_word(state) ||
        (worker && *worker && !gc_store_word(worker)))
        return GC_EINVAL;
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_TASK_SET);
    gc_cmd_text(&cmd, job);
    gc_cmd_text(&cmd, task);
    gc_cmd_text(&cmd, state);
    gc_cmd_text(&cmd, worker && *worker ? worker : "-");
    gc_cmd_int(&cmd, attempt);
    gc_cmd_int(&cmd, epoch);
    return gc_store_run(self, &cmd);
}

/* "field value" lines of a hash, sorted by field. */
static gc_err hash_lines(gc_store *self, const char *job, const char *part,
                         gc_strv *lines)
{
    if (!gc_store_id(job))
        return GC_ENOENT;
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "HGETALL");
    gc_cmd_textf(&cmd, "gc:job:%s:%s", job, part);
    gc_err err = ask(self, &cmd, REDIS_REPLY_ARRAY, &reply);
    if (err)
        return err;
    for (size_t i = 0; i + 1 < reply->elements; i += 2)
        gc_strv_push(lines, gc_xasprintf("%s %s", gc_reply_text(reply->element[i]),
                                         gc_reply_text(reply->element[i + 1])));
    gc_strv_sort(lines);
    freeReplyObject(reply);
    return GC_OK;
}

gc_err gc_store_tasks(gc_store *self, const char *job, gc_strv *lines)
{
    return hash_lines(self, job, "tasks", lines);
}

gc_err gc_store_files(gc_store *self, const char *job, gc_strv *lines)
{
    return hash_lines(self, job, "files", lines);
}

gc_err gc_store_events_add(gc_store *self, const char *job, const char *const *json,
                           size_t count)
{
    if (!gc_store_id(job))
        return GC_EINVAL;
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_EVENTS_ADD);
    gc_cmd_text(&cmd, job);
    gc_cmd_text(&cmd, EVENTS_MAX);
    for (size_t i = 0; i < count; i++)
        gc_cmd_text(&cmd, json[i]);
    return gc_store_run(self, &cmd);
}

/* One entry of a stream: its id, then its fields and values in turn. */
static void take_event(const redisReply *entry, gc_strv *json)
{
    const redisReply *fields = entry->type == REDIS_REPLY_ARRAY && entry->elements == 2
                                   ? entry->element[1]
                                   : NULL;
    for (size_t i = 0;
         fields && fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements; i += 2)
        if (strcmp(gc_reply_text(fields->element[i]), "json") == 0)
            gc_strv_add(json, gc_reply_text(fields->element[i + 1]));
}

gc_err gc_store_events(gc_store *self, const char *job, size_t max, gc_strv *json)
{
    if (!gc_store_id(job))
        return GC_EINVAL;
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "XREVRANGE");
    gc_cmd_textf(&cmd, "gc:job:%s:events", job);
    gc_cmd_text(&cmd, "+");
    gc_cmd_text(&cmd, "-");
    gc_cmd_text(&cmd, "COUNT");
    gc_cmd_textf(&cmd, "%zu", max);
    gc_err err = ask(self, &cmd, REDIS_REPLY_ARRAY, &reply);
    if (err)
        return err;
    for (size_t i = 0; i < reply->elements; i++)
        take_event(reply->element[i], json);
    freeReplyObject(reply);
    return GC_OK;
}
