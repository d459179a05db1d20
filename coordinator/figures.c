#include "coordinator/figures.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *pair(const gc_ratio *r)
{
    return json_pack("[I, I]", (json_int_t)r->sum, (json_int_t)r->per);
}

static json_t *kind_values(const gc_measured_kind *kind)
{
    const gc_line *l = &kind->line;
    return json_pack("[I, I, I, I, I, I, I]", (json_int_t)kind->output.sum,
                     (json_int_t)kind->output.per, (json_int_t)l->files,
                     (json_int_t)l->bytes, (json_int_t)l->tokens, (json_int_t)l->squares,
                     (json_int_t)l->products);
}

void gc_figures_print(const char *model, const gc_measured *figures, gc_buf *out)
{
    json_t *kinds = json_object();
    for (size_t i = 0; i < figures->kind_count; i++)
        json_object_set_new(kinds, figures->kinds[i].name,
                            kind_values(&figures->kinds[i]));
    json_t *root = json_pack("{s:s, s:I, s:f, s:o, s:o, s:o, s:o, s:o}", "model", model,
                             "calls", (json_int_t)figures->calls, "bytes_per_token",
                             figures->bytes_per_token, "marked", pair(&figures->marked),
                             "plain", pair(&figures->plain), "wait", pair(&figures->wait),
                             "stream", pair(&figures->stream), "kinds", kinds);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    gc_buf_puts(out, text);
    gc_buf_putc(out, '\n');
    free(text);
    json_decref(root);
}

static int64_t integer_at(const json_t *list, size_t i)
{
    return json_integer_value(json_array_get(list, i));
}

static gc_ratio ratio_of(const json_t *value)
{
    return (gc_ratio){ integer_at(value, 0), integer_at(value, 1) };
}

static gc_line line_of(const json_t *list)
{
    return (gc_line){ .files = integer_at(list, 2),
                      .bytes = integer_at(list, 3),
                      .tokens = integer_at(list, 4),
                      .squares = integer_at(list, 5),
                      .products = integer_at(list, 6) };
}

static void read_kinds(json_t *kinds, gc_measured *out)
{
    const char *name;
    json_t *value;
    json_object_foreach(kinds, name, value)
    {
        gc_measured_kind *kind = &out->kinds[out->kind_count];
        if (out->kind_count == GC_MEASURED_KINDS || strlen(name) >= sizeof kind->name)
            continue;
        snprintf(kind->name, sizeof kind->name, "%s", name);
        kind->output = ratio_of(value);
        kind->line = line_of(value);
        out->kind_count++;
    }
}

gc_err gc_figures_read(const char *model, const char *text, size_t len, gc_measured *out)
{
    json_t *root = json_loadb(text, len, 0, NULL);
    const char *whose = json_string_value(json_object_get(root, "model"));
    gc_err err = !whose ? GC_EPROTO : strcmp(whose, model) != 0 ? GC_ENOENT : GC_OK;
    if (!err) {
        *out = (gc_measured){
            .calls = json_integer_value(json_object_get(root, "calls")),
            .bytes_per_token =
                json_number_value(json_object_get(root, "bytes_per_token")),
            .marked = ratio_of(json_object_get(root, "marked")),
            .plain = ratio_of(json_object_get(root, "plain")),
            .wait = ratio_of(json_object_get(root, "wait")),
            .stream = ratio_of(json_object_get(root, "stream")),
        };
        read_kinds(json_object_get(root, "kinds"), out);
    }
    json_decref(root);
    return err;
}
