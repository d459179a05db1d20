#include "common/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/template_parse.h"

/* The context stack: newest frame first, on the C stack. */
typedef struct frame {
    const json_t *value;
    const struct frame *up;
} frame;

/* One template or partial being rendered. */
typedef struct rendered_unit {
    const gc_template_text *source;
    const gc_tag_tokens *tokens;
} rendered_unit;

typedef struct renderer {
    const gc_render_options *options;
    gc_buf *out;
    gc_errinfo *info;
    int depth;    /* sections and partials that are open */
    size_t steps; /* tokens rendered and bytes parsed: bounds the time */
} renderer;

static gc_err render_range(renderer *self, const rendered_unit *unit, size_t from,
                           size_t to, const frame *top);
static gc_err render_text(renderer *self, const gc_template_text *source,
                          const frame *top);

/* The member `name` (not NUL-terminated) of an object, or NULL. */
static const json_t *member(const json_t *value, const char *name, size_t len)
{
    char key[GC_TEMPLATE_MAX_NAME + 1];
    if (!json_is_object(value) || len > GC_TEMPLATE_MAX_NAME)
        return NULL;
    memcpy(key, name, len);
    key[len] = '\0';
    return json_object_get(value, key);
}

/* The first part of a dotted name is looked up through the stack, the others only in what
 * the parts before them gave. NULL: not found. */
static const json_t *resolve(const gc_tag_token *token, const frame *top)
{
    const char *part = token->text, *end = token->text + token->len;
    if (token->len == 1 && *part == '.')
        return top->value;
    const char *dot = memchr(part, '.', token->len);
    size_t len = (size_t)((dot ? dot : end) - part);
    const json_t *value = NULL;
    for (; top && !value; top = top->up)
        value = member(top->value, part, len);
    while (dot && value) {
        part = dot + 1;
        dot = memchr(part, '.', (size_t)(end - part));
        value = member(value, part, (size_t)((dot ? dot : end) - part));
    }
    return value;
}

static bool is_truthy(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_NULL:
    case JSON_FALSE: return false;
    case JSON_ARRAY: return json_array_size(value) > 0;
    case JSON_STRING: return json_string_length(value) > 0;
    case JSON_INTEGER: return json_integer_value(value) != 0;
    case JSON_REAL: return json_real_value(value) != 0;
    default: return true;
    }
}

static gc_err put_escaped(gc_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char *entity = text[i] == '&'   ? "&amp;"
                             : text[i] == '<' ? "&lt;"
                             : text[i] == '>' ? "&gt;"
                             : text[i] == '"' ? "&quot;"
                                              : NULL;
        gc_err err = entity ? gc_buf_puts(out, entity) : gc_buf_putc(out, text[i]);
        if (err)
            return err;
    }
    return GC_OK;
}

/* The shortest decimal that reads back as the same number. */
static gc_err put_real(gc_buf *out, double value)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return gc_buf_puts(out, text);
}

static gc_err put_value(renderer *self, const rendered_unit *unit,
                        const gc_tag_token *token, const json_t *value)
{
    bool escape = token->tag == GC_TAG_VALUE && self->options->escape_html;
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_NULL: return GC_OK;
    case JSON_TRUE: return gc_buf_puts(self->out, "true");
    case JSON_FALSE: return gc_buf_puts(self->out, "false");
    case JSON_INTEGER:
        return gc_buf_printf(self->out, "%" PRId64, (int64_t)json_integer_value(value));
    case JSON_REAL: return put_real(self->out, json_real_value(value));
    case JSON_STRING: {
        const char *text = json_string_value(value);
        size_t len = json_string_length(value);
        return escape ? put_escaped(self->out, text, len)
                      : gc_buf_append(self->out, text, len);
    }
    default:
        return gc_template_fail(unit->source, token->at, self->info, GC_EINVAL,
                                "\"%.*s\" is a list or an object, not a text; use a "
                                "section",
                                (int)token->len, token->text);
    }
}

static gc_err enter(renderer *self, const rendered_unit *unit, const gc_tag_token *token)
{
    if (self->depth == GC_TEMPLATE_MAX_DEPTH)
        return gc_template_fail(unit->source, token->at, self->info, GC_ETOOBIG,
                                "\"%.*s\" is nested deeper than %d", (int)token->len,
                                token->text, GC_TEMPLATE_MAX_DEPTH);
    self->depth++;
    return GC_OK;
}

static gc_err render_section(renderer *self, const rendered_unit *unit, size_t index,
                             const frame *top)
{
    const gc_tag_token *token = &unit->tokens->items[index];
    const json_t *value = resolve(token, top);
    bool inverted = token->tag == GC_TAG_INVERTED;
    if (is_truthy(value) == inverted)
        return GC_OK;
    gc_err err = enter(self, unit, token);
    if (err)
        return err;
    if (inverted) {
        err = render_range(self, unit, index + 1, token->end, top);
    } else if (json_is_array(value)) {
        for (size_t i = 0; !err && i < json_array_size(value); i++) {
            frame inner = { json_array_get(value, i), top };
            err = render_range(self, unit, index + 1, token->end, &inner);
        }
    } else {
        frame inner = { value, top };
        err = render_range(self, unit, index + 1, token->end, &inner);
    }
    self->depth--;
    return err;
}

/* A copy of `text` with `indent` before each line; NULL if it would pass the limit. */
static char *indented(const char *text, const char *indent, size_t len)
{
    gc_buf copy;
    gc_buf_init(&copy, GC_TEMPLATE_MAX_BYTES);
    while (*text) {
        const char *end = strchr(text, '\n');
        size_t line = end ? (size_t)(end - text) + 1 : strlen(text);
        gc_buf_append(&copy, indent, len);
        gc_buf_append(&copy, text, line);
        text += line;
    }
    if (!copy.full)
        return gc_buf_take(&copy);
    gc_buf_release(&copy);
    return NULL;
}

/* The parser has checked the length. */
static void copy_name(const gc_tag_token *token, char name[GC_TEMPLATE_MAX_NAME + 1])
{
    memcpy(name, token->text, token->len);
    name[token->len] = '\0';
}

static gc_err render_partial(renderer *self, const rendered_unit *unit,
                             const gc_tag_token *token, const frame *top)
{
    char name[GC_TEMPLATE_MAX_NAME + 1];
    copy_name(token, name);
    const gc_render_options *options = self->options;
    const char *text =
        options->partial ? options->partial(options->partial_arg, name) : NULL;
    if (!text)
        return GC_OK;
    gc_err err = enter(self, unit, token);
    if (err)
        return err;
    char *copy =
        token->indent_len ? indented(text, token->indent, token->indent_len) : NULL;
    gc_template_text source = { .name = name, .indent = token->indent_len };
    source.text = copy ? copy : text;
    source.len = strlen(source.text);
    if (token->indent_len && !copy)
        err =
            gc_template_fail(unit->source, token->at, self->info, GC_ETOOBIG,
                             "the partial \"%s\" is too long with its indentation", name);
    else
        err = render_text(self, &source, top);
    free(copy);
    self->depth--;
    return err;
}

static gc_err spend(renderer *self, const rendered_unit *unit, const char *at,
                    size_t steps)
{
    if (steps > GC_TEMPLATE_MAX_STEPS - self->steps)
        return gc_template_fail(unit->source, at, self->info, GC_ETOOBIG,
                                "rendering takes more than %d steps",
                                GC_TEMPLATE_MAX_STEPS);
    self->steps += steps;
    return GC_OK;
}

static gc_err render_range(renderer *self, const rendered_unit *unit, size_t from,
                           size_t to, const frame *top)
{
    gc_err err = GC_OK;
    for (size_t i = from; !err && i < to; i++) {
        const gc_tag_token *token = &unit->tokens->items[i];
        err = spend(self, unit, token->at, 1);
        if (err)
            return err;
        switch (token->tag) {
        case GC_TAG_TEXT: err = gc_buf_append(self->out, token->text, token->len); break;
        case GC_TAG_VALUE:
        case GC_TAG_RAW: err = put_value(self, unit, token, resolve(token, top)); break;
        case GC_TAG_SECTION:
        case GC_TAG_INVERTED:
            err = render_section(self, unit, i, top);
            i = token->end;
            break;
        case GC_TAG_PARTIAL: err = render_partial(self, unit, token, top); break;
        case GC_TAG_CLOSE: break;
        }
    }
    return err;
}

static gc_err render_text(renderer *self, const gc_template_text *source,
                          const frame *top)
{
    gc_tag_tokens tokens = { 0 };
    rendered_unit unit = { source, &tokens };
    gc_err err = spend(self, &unit, source->text, source->len);
    if (!err)
        err = gc_template_parse(source, &tokens, self->info);
    if (!err)
        err = render_range(self, &unit, 0, tokens.count, top);
    gc_tag_tokens_release(&tokens);
    return err;
}

gc_err gc_template_render(const char *text, size_t len, const json_t *data,
                          const gc_render_options *options, gc_buf *out, gc_errinfo *info)
{
    static const gc_render_options none = { 0 };
    gc_template_text source = { .text = text, .len = len };
    frame root = { data, NULL };
    renderer self = { .options = options ? options : &none, .out = out, .info = info };
    if (len > GC_TEMPLATE_MAX_BYTES)
        return gc_fail(info, GC_ETOOBIG, "a template may have at most %d bytes",
                       GC_TEMPLATE_MAX_BYTES);
    gc_err err = render_text(&self, &source, &root);
    if (err == GC_EFULL)
        gc_fail(info, err, "the rendered text is longer than %zu bytes", out->limit);
    return err;
}

gc_err gc_template_check(const char *text, size_t len, const gc_render_options *options,
                         gc_errinfo *info)
{
    gc_template_text source = { .text = text, .len = len };
    gc_tag_tokens tokens = { 0 };
    if (len > GC_TEMPLATE_MAX_BYTES)
        return gc_fail(info, GC_ETOOBIG, "a template may have at most %d bytes",
                       GC_TEMPLATE_MAX_BYTES);
    gc_err err = gc_template_parse(&source, &tokens, info);
    for (size_t i = 0; !err && options && options->partial && i < tokens.count; i++) {
        const gc_tag_token *token = &tokens.items[i];
        char name[GC_TEMPLATE_MAX_NAME + 1];
        if (token->tag != GC_TAG_PARTIAL)
            continue;
        copy_name(token, name);
        if (!options->partial(options->partial_arg, name))
            err = gc_template_fail(&source, token->at, info, GC_EINVAL,
                                   "there is no partial \"%s\"", name);
    }
    gc_tag_tokens_release(&tokens);
    return err;
}
