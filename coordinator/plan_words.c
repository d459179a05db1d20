/* What an explicitly listed file is about when the list does not say: the entities that its
 * name and its purpose name, else those of its folder. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "coordinator/plan_private.h"

void plan_words_open(plan_ctx *ctx)
{
    const gc_fcs *fcs = ctx->fcs;
    const char **names = gc_xcalloc(fcs->entity_count + 1, sizeof *names);
    for (size_t i = 0; i < fcs->entity_count; i++)
        names[i] = fcs->entities[i].name;
    ctx->entity_words = gc_word_index_new();
    gc_word_index_fill(ctx->entity_words, names, fcs->entity_count);
    free(names);
}

typedef struct finding {
    const plan_ctx *ctx;
    gc_strv *out;
} finding;

static void found(void *arg, size_t entity)
{
    finding *self = arg;
    gc_strv_add_unique(self->out, self->ctx->fcs->entities[entity].go_name);
}

void plan_words_entities(const plan_ctx *ctx, const gc_spec_file *file, gc_strv *out)
{
    const char *slash = strrchr(file->path, '/');
    const char *base = slash ? slash + 1 : file->path;
    const char *stem_end = strrchr(base, '.');
    char *stem = gc_xasprintf(
        "%.*s", (int)(stem_end ? stem_end - base : (long)strlen(base)), base);
    char *folders =
        gc_xasprintf("%.*s", slash ? (int)(slash - file->path) : 0, file->path);
    finding f = { ctx, out };
    gc_word_index_scan(ctx->entity_words, stem, found, &f);
    gc_word_index_scan(ctx->entity_words, file->purpose, found, &f);
    if (!out->count)
        gc_word_index_scan(ctx->entity_words, folders, found, &f);
    gc_strv_sort(out);
    free(stem);
    free(folders);
}

static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '_' || c == '-';
}

bool plan_words_names(const char *text, const char *id)
{
    size_t len = strlen(id);
    for (const char *p = text; len && (p = strstr(p, id)); p++)
        if ((p == text || !is_word_byte(p[-1])) && !is_word_byte(p[len]))
            return true;
    return false;
}
