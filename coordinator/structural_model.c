#include "coordinator/structural_model.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"
#include "coordinator/structural_entity.h"

#define COMMENT_MAX 90 /* bytes of the specification's text in a comment */
#define LISTED_MAX 100 /* bytes of values that a message lists */

bool structural_model_fits(const plan_ctx *ctx, const plan_entity *pe, bool *formats)
{
    bool used[STRUCTURAL_FORMATS] = { false }, fits = true;
    plan_promise p;
    plan_promise_init(&p, ctx, pe->model);
    structural_fields fields = structural_open_fields(&p, pe);
    for (size_t i = 0; i < fields.count && fits; i++) {
        structural_rule rule;
        fits = structural_rule_read(pe, &fields.items[i], &rule);
        if (!fits)
            break;
        used[rule.format] = true;
        structural_rule_release(&rule);
    }
    structural_close_fields(&fields);
    plan_promise_release(&p);
    for (size_t i = STRUCTURAL_NO_FORMAT + 1; i < STRUCTURAL_FORMATS && fits; i++)
        formats[i] = formats[i] || used[i];
    return fits;
}

/* ---- comments and texts ---- */

/* One line of the specification's text, without what Go tools or a reader could take for
 * something else: quotes that gofmt rewrites, control and direction characters. */
static char *comment_of(const char *text)
{
    gc_buf out;
    size_t len = strlen(text), pos = 0, end = 0;
    gc_buf_init(&out, PLAN_TEXT_LIMIT);
    while (pos < len && out.len < COMMENT_MAX) {
        size_t start = pos;
        uint32_t c = gc_utf8_next(text, len, &pos);
        bool blank =
            c <= ' ' || c == 0x7f || c == 0x85 || c == 0xa0 ||
            (c >= 0x2000 && c <= 0x206f && c != 0x2013 && c != 0x2014 && c != 0x2019) ||
            c == 0xfeff;
        bool again = out.len && out.ptr[out.len - 1] == ' ';
        if (blank) {
            if (out.len && !again)
                gc_buf_putc(&out, ' ');
            end = again || !out.len ? end : out.len - 1;
        } else if (c != '`' && (c != '\'' || !out.len || out.ptr[out.len - 1] != '\'')) {
            gc_buf_append(&out, text + start, pos - start);
        }
    }
    if (pos < len && end) {
        gc_buf cut;
        gc_buf_init(&cut, PLAN_TEXT_LIMIT);
        gc_buf_printf(&cut, "%.*s ...", (int)end, out.ptr);
        gc_buf_release(&out);
        return gc_buf_take(&cut);
    }
    while (out.len && out.ptr[out.len - 1] == ' ')
        out.ptr[--out.len] = '\0';
    return gc_buf_take(&out);
}

static char *doc_of(const plan_entity *pe)
{
    char *said = comment_of(pe->e->description);
    char *noun = structural_noun(pe);
    char *doc = *said ? gc_xasprintf("%s: %s", pe->type, said)
                      : gc_xasprintf("%s holds the data of one %s.", pe->type, noun);
    free(noun);
    free(said);
    return doc;
}

/* The text of a format of fmt, between quotes. */
static char *format_text(const char *text)
{
    gc_buf quoted, out;
    gc_buf_init(&quoted, PLAN_TEXT_LIMIT);
    gc_buf_init(&out, PLAN_TEXT_LIMIT);
    plan_put_quoted(&quoted, text);
    for (size_t i = 1; i + 1 < quoted.len; i++) {
        if (quoted.ptr[i] == '%')
            gc_buf_putc(&out, '%');
        gc_buf_putc(&out, quoted.ptr[i]);
    }
    gc_buf_release(&quoted);
    return gc_buf_take(&out);
}

/* ---- enums ---- */

void structural_constants(const char *promise, const char *type, gc_strv *out)
{
    char *between = gc_xasprintf(" %s = ", type);
    while (promise && *promise) {
        const char *end = strchr(promise, '\n');
        size_t len = end ? (size_t)(end - promise) : strlen(promise);
        char *line = gc_xmemdup(promise, len);
        char *tail = gc_starts_with(line, "const ") ? strstr(line, between) : NULL;
        if (tail)
            gc_strv_push(out, gc_xmemdup(line + 6, (size_t)(tail - line) - 6));
        free(line);
        promise = end ? end + 1 : NULL;
    }
    free(between);
}

static size_t columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static gc_tell *enum_item(gc_arena *arena, const plan_field *f, const char *promise)
{
    gc_tell *item = gc_tell_map(arena), *values = gc_tell_list(arena);
    const char *type = plan_enum_type(f->spec);
    gc_strv names = { 0 };
    size_t widest = 0;
    structural_constants(promise, type, &names);
    for (size_t i = 0; i < names.count; i++)
        widest = columns(names.items[i]) > widest ? columns(names.items[i]) : widest;
    for (size_t i = 0; i < names.count; i++) {
        gc_buf line;
        gc_buf_init(&line, PLAN_TEXT_LIMIT);
        gc_buf_printf(&line, "%s%*s %s = ", names.items[i],
                      (int)(widest - columns(names.items[i])), "", type);
        plan_put_quoted(&line, f->spec->enum_values.items[i]);
        structural_add(values, gc_buf_take(&line));
    }
    gc_tell_set_text(item, "type", type);
    gc_tell_set_text(item, "json", f->json);
    gc_tell_set(item, "values", values);
    structural_take(item, "cases", gc_strv_join(&names, ",\n\t\t"));
    structural_take(item, "names", gc_strv_join(&names, ", "));
    gc_strv_release(&names);
    return item;
}

/* ---- checks ---- */

typedef struct checker {
    gc_tell *list;
    const plan_field *field;
    const structural_rule *rule;
    const char *formats; /* name of the package that checks them, or NULL */
    char *at;            /* the value, without its star */
    char *value;         /* with it */
} checker;

/* Borrows `bad`, frees `says`. */
static void add_check(checker *self, const char *bad, char *says)
{
    gc_tell *item = gc_tell_map(gc_tell_arena(self->list));
    char *message = gc_xasprintf("%s %s", self->field->json, says);
    gc_tell_set_text(item, "bad", bad);
    structural_take(item, "says", format_text(message));
    gc_tell_add(self->list, item);
    free(message);
    free(says);
}

/* Of each element; %s of `bad` is the element. Frees both. */
static void add_loop(checker *self, char *bad, char *says)
{
    bool map = self->rule->shape == STRUCTURAL_MAP;
    gc_tell *item = gc_tell_map(gc_tell_arena(self->list));
    char *message = format_text(says), *name = format_text(self->field->json);
    gc_tell_set_text(item, "bad", bad);
    gc_tell_set_text(item, "key", map ? "key" : "i");
    gc_tell_set_text(item, "over", self->at);
    structural_take(item, "says",
                    gc_xasprintf("%s[%s] %s", name, map ? "%v" : "%d", message));
    gc_tell_set_bool(item, "loop", true);
    gc_tell_add(self->list, item);
    free(name);
    free(message);
    free(says);
    free(bad);
}

/* Frees `bad`. What is not given is not checked. */
static void add_given(checker *self, char *bad, bool zero_is_bad, char *says)
{
    const structural_rule *r = self->rule;
    const char *guard = "";
    if (r->required || !zero_is_bad)
        guard = "";
    else if (r->pointer)
        guard = " != nil && ";
    else if (r->shape != STRUCTURAL_PLAIN || r->class == STRUCTURAL_BYTES)
        guard = "len";
    else
        guard = r->class == STRUCTURAL_STRING ? " != \"\" && " : " != 0 && ";
    char *all = strcmp(guard, "len") == 0
                    ? gc_xasprintf("len(%s) > 0 && %s", self->at, bad)
                    : gc_xasprintf("%s%s%s", *guard ? self->at : "", guard, bad);
    add_check(self, all, says);
    free(all);
    free(bad);
}

static void check_required(checker *self)
{
    const structural_rule *r = self->rule;
    bool text = r->shape == STRUCTURAL_PLAIN && r->class == STRUCTURAL_STRING;
    bool moment = r->shape == STRUCTURAL_PLAIN && r->class == STRUCTURAL_TIME;
    gc_buf bad;
    if (!r->required)
        return;
    gc_buf_init(&bad, PLAN_TEXT_LIMIT);
    if (r->pointer)
        gc_buf_printf(&bad, "%s == nil", self->at);
    else if (r->shape != STRUCTURAL_PLAIN || r->class == STRUCTURAL_BYTES)
        gc_buf_printf(&bad, "len(%s) == 0", self->at);
    else if (r->class == STRUCTURAL_ANY)
        gc_buf_printf(&bad, "%s == nil", self->at);
    if (text && !r->is_enum)
        gc_buf_printf(&bad, "%sstrings.TrimSpace(%s) == \"\"", bad.len ? " || " : "",
                      self->value);
    if (moment)
        gc_buf_printf(&bad, "%s%s.IsZero()", bad.len ? " || " : "", self->at);
    if (bad.len)
        add_check(self, bad.ptr, gc_xstrdup("is required"));
    gc_buf_release(&bad);
}

static char *count_of(const checker *self)
{
    bool text =
        self->rule->shape == STRUCTURAL_PLAIN && self->rule->class == STRUCTURAL_STRING;
    return text ? gc_xasprintf("utf8.RuneCountInString(%s)", self->value)
                : gc_xasprintf("len(%s)", self->value);
}

static void check_count(checker *self)
{
    const structural_rule *r = self->rule;
    const char *what = r->shape != STRUCTURAL_PLAIN   ? "items"
                       : r->class == STRUCTURAL_BYTES ? "bytes"
                                                      : "characters";
    int64_t trivial = r->pointer && !r->required ? 0 : 1; /* given means one, at least */
    char *count = count_of(self);
    if (r->min_count > trivial)
        add_given(self, gc_xasprintf("%s < %lld", count, (long long)r->min_count), true,
                  gc_xasprintf("has fewer than %lld %s", (long long)r->min_count, what));
    if (r->max_count != STRUCTURAL_NO_BOUND)
        add_given(self, gc_xasprintf("%s > %lld", count, (long long)r->max_count),
                  r->pointer,
                  gc_xasprintf("has more than %lld %s", (long long)r->max_count, what));
    free(count);
}

static void check_bounds(checker *self)
{
    const structural_rule *r = self->rule;
    bool absent_below = !r->required && !r->pointer && r->min && r->min_number <= 1 &&
                        structural_rule_unsigned(r);
    if (r->min && !absent_below)
        add_given(self, gc_xasprintf("%s < %s", self->value, r->min),
                  r->pointer || r->min_number > 0,
                  gc_xasprintf("is less than %s", r->min));
    if (r->max)
        add_given(self, gc_xasprintf("%s > %s", self->value, r->max),
                  r->pointer || r->max_number < 0,
                  gc_xasprintf("is greater than %s", r->max));
}

static char *none_of(const gc_strv *values)
{
    char *list = gc_strv_join(values, ", ");
    char *says = strlen(list) <= LISTED_MAX
                     ? gc_xasprintf("is not one of %s", list)
                     : gc_xstrdup("is not one of the known values");
    free(list);
    return says;
}

static void check_one_of(checker *self)
{
    const structural_rule *r = self->rule;
    gc_strv parts = { 0 };
    bool zero = gc_strv_has(&r->one_of, "0");
    for (size_t i = 0; i < r->one_of.count; i++)
        gc_strv_push(&parts, gc_xasprintf("%s != %s", self->value, r->one_of.items[i]));
    if (parts.count)
        add_given(self, gc_strv_join(&parts, " && "), r->pointer || !zero,
                  none_of(&r->one_of));
    gc_strv_release(&parts);
}

static void check_format(checker *self)
{
    const structural_rule *r = self->rule;
    const structural_format_info *info = structural_format_of(r->format);
    if (r->format == STRUCTURAL_NO_FORMAT)
        return;
    char *says = gc_xasprintf("is not %s", info->says);
    if (r->shape == STRUCTURAL_LIST)
        add_loop(self,
                 gc_xasprintf("!%s.%s(%s[i])", self->formats, info->function, self->at),
                 says);
    else
        add_given(self,
                  gc_xasprintf("!%s.%s(%s)", self->formats, info->function, self->value),
                  true, says);
}

static void check_enum(checker *self)
{
    const structural_rule *r = self->rule;
    if (!r->is_enum)
        return;
    char *says = none_of(&self->field->spec->enum_values);
    if (r->shape == STRUCTURAL_PLAIN)
        add_given(self, gc_xasprintf("!%s.Valid()", self->at),
                  r->pointer || !gc_strv_has(&self->field->spec->enum_values, ""), says);
    else
        add_loop(self,
                 gc_xasprintf("!%s[%s].Valid()", self->at,
                              r->shape == STRUCTURAL_MAP ? "key" : "i"),
                 says);
}

/* A raw literal where it can be one. */
static char *pattern_literal(const char *pattern)
{
    gc_buf out;
    if (!strchr(pattern, '`'))
        return gc_xasprintf("`%s`", pattern);
    gc_buf_init(&out, PLAN_TEXT_LIMIT);
    plan_put_quoted(&out, pattern);
    return gc_buf_take(&out);
}

static void check_pattern(checker *self, const plan_entity *pe, gc_tell *patterns)
{
    const structural_rule *r = self->rule;
    if (!r->pattern)
        return;
    char *tail = gc_xasprintf("_%s_pattern", self->field->json);
    char *want = structural_helper(pe, tail);
    char *name = plan_unique_symbol(pe->model, want);
    gc_tell *item = gc_tell_map(gc_tell_arena(patterns));
    gc_tell_set_text(item, "name", name);
    structural_take(item, "literal", pattern_literal(r->pattern));
    gc_tell_add(patterns, item);
    add_given(self, gc_xasprintf("!%s.MatchString(%s)", name, self->value), true,
              gc_xasprintf("does not match %s", r->pattern));
    free(name);
    free(want);
    free(tail);
}

static void check_field(checker *self, const plan_entity *pe, const plan_field *f,
                        gc_tell *patterns)
{
    structural_rule rule;
    if (!structural_rule_read(pe, f, &rule))
        return; /* structural_model_fits() has refused it */
    self->field = f;
    self->rule = &rule;
    self->at = gc_xasprintf("m.%s", f->name);
    self->value = gc_xasprintf("%sm.%s", rule.pointer ? "*" : "", f->name);
    check_required(self);
    check_count(self);
    check_bounds(self);
    check_one_of(self);
    check_format(self);
    check_pattern(self, pe, patterns);
    check_enum(self);
    free(self->at);
    free(self->value);
    structural_rule_release(&rule);
}

/* ---- the file ---- */

static void import_std(plan_promise *p)
{
    static const char *const paths[] = { "fmt", "strings", "regexp", "unicode/utf8" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        plan_promise_std(p, paths[i]);
}

void structural_import_used(plan_promise *to, const plan_promise *from,
                            const gc_tell *data)
{
    if (gc_tell_text(data))
        structural_import(to, from, gc_tell_text(data));
    for (size_t i = 0; i < gc_tell_count(data); i++) {
        const char *key = gc_tell_key(data, i);
        if (strcmp(key, "says") != 0 && strcmp(key, "name") != 0)
            structural_import_used(to, from, gc_tell_at(data, i));
    }
}

/* The first entity of a package speaks for it. */
static char *package_comment(const plan_entity *pe)
{
    if (pe->model->first_resident != pe)
        return gc_xstrdup("");
    return pe->model->residents == 1
               ? gc_xasprintf("Package %s defines %s.", pe->model->name, pe->type)
               : gc_xasprintf("Package %s defines what the program keeps.",
                              pe->model->name);
}

static void set_checks(gc_tell *data, const plan_entity *pe,
                       const structural_fields *fields, const char *formats)
{
    gc_arena *arena = gc_tell_arena(data);
    gc_tell *patterns = gc_tell_list(arena);
    checker self = { .list = gc_tell_list(arena), .formats = formats };
    for (size_t i = 0; i < fields->count; i++)
        check_field(&self, pe, &fields->items[i], patterns);
    gc_tell_set(data, "checks", self.list);
    gc_tell_set(data, "patterns", patterns);
}

static void set_enums(gc_tell *data, const structural_fields *fields, const char *promise)
{
    gc_arena *arena = gc_tell_arena(data);
    gc_tell *enums = gc_tell_list(arena);
    for (size_t i = 0; i < fields->count; i++)
        if (fields->items[i].spec && fields->items[i].spec->enum_values.count)
            gc_tell_add(enums, enum_item(arena, &fields->items[i], promise));
    gc_tell_set(data, "enums", enums);
}

/* The name of the package that checks formats, or NULL; free() it. */
static char *formats_name(plan_promise *p, const plan_pkg *formats)
{
    if (!formats)
        return NULL;
    char *name = plan_promise_ref(p, formats, "");
    name[strlen(name) - 1] = '\0'; /* the point */
    return name;
}

gc_tell *structural_model(const plan_ctx *ctx, const plan_entity *pe,
                          const structural_model_with *with)
{
    plan_promise p, used;
    gc_tell *data = gc_tell_map(ctx->arena);
    gc_buf body;
    plan_promise_init(&p, ctx, pe->model);
    plan_promise_init(&used, ctx, pe->model);
    import_std(&p);
    structural_import_package(data, "errors", &p, with->errors);
    char *formats = formats_name(&p, with->formats);
    structural_fields fields = structural_open_fields(&p, pe);
    set_checks(data, pe, &fields, formats);
    gc_buf_init(&body, PLAN_TEXT_LIMIT);
    plan_put_struct(&body, pe->type, fields.items, fields.count);
    for (size_t i = 0; i < fields.count; i++)
        structural_import(&used, &fields.all, fields.items[i].type);
    structural_import_used(&used, &p, gc_tell_get(data, "checks"));
    if (gc_tell_count(gc_tell_get(data, "patterns")))
        plan_promise_std(&used, "regexp");
    plan_promise_std(&used, "fmt");
    char *errors = gc_xasprintf("%s.", gc_tell_get_text(data, "errors"));
    structural_import(&used, &p, errors);
    free(errors);
    structural_take(data, "struct", gc_buf_take(&body));
    structural_set_imports(data, &used);
    set_enums(data, &fields, with->promise);
    structural_close_fields(&fields);
    structural_take(data, "package_comment", package_comment(pe));
    structural_take(data, "doc", doc_of(pe));
    structural_take(data, "noun", structural_noun(pe));
    gc_tell_set_text(data, "package", pe->model->name);
    gc_tell_set_text(data, "type", pe->type);
    gc_tell_set_text(data, "entity", pe->type);
    gc_tell_set_text(data, "validate", pe->validate);
    free(formats);
    plan_promise_release(&p);
    plan_promise_release(&used);
    return data;
}
