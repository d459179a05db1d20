/* Who is there, and what was measured of models. */
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
    freeReplyObject(reply);
    return GC_OK;
}

gc_err gc_store_model_add(gc_store *self, const char *model, double bytes_per_token,
                          double seconds_per_output_token)
{
    if (!gc_store_word(model))
        return GC_EINVAL;
    gc_cmd cmd;
    gc_cmd_model_add(&cmd, &self->scripts, model, bytes_per_token,
                     seconds_per_output_token);
    return gc_store_run(self, &cmd);
}
