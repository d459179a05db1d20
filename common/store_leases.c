#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/store_private.h"

static gc_err unlink_keys(gc_store *self, const redisReply *keys)
{
    if (!keys || keys->type != REDIS_REPLY_ARRAY || !keys->elements)
        return GC_OK;
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "UNLINK");
    for (size_t i = 0; i < keys->elements; i++)
        gc_cmd_mem(&cmd, keys->element[i]->str, keys->element[i]->len);
    gc_err err = gc_store_call(self, &cmd, &reply);
    gc_cmd_release(&cmd);
    freeReplyObject(reply);
    return err;
}

/* One step of SCAN; *cursor is "0" again after the last one. */
static gc_err scan_step(gc_store *self, char **cursor)
{
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "SCAN");
    gc_cmd_text(&cmd, *cursor);
    gc_cmd_text(&cmd, "MATCH");
    gc_cmd_text(&cmd, "gc:lease:*");
    gc_cmd_text(&cmd, "COUNT");
    gc_cmd_int(&cmd, 1000);
    gc_err err = gc_store_call(self, &cmd, &reply);
    gc_cmd_release(&cmd);
    if (!err) {
        free(*cursor);
        *cursor = gc_xstrdup(gc_reply_text(gc_reply_at(reply, 0)));
        err = unlink_keys(self, gc_reply_at(reply, 1));
    }
    freeReplyObject(reply);
    return err;
}

gc_err gc_store_clear_leases(gc_store *self)
{
    char *cursor = gc_xstrdup("0");
    gc_err err;
    do
        err = scan_step(self, &cursor);
    while (!err && *cursor && strcmp(cursor, "0") != 0);
    free(cursor);
    return err;
}
