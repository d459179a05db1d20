#include "coordinator/structural_model.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "coordinator/structural_entity.h"

#define TEXT_MAX 100000 /* characters of a text that a test makes */
#define LIST_MAX 1000   /* items of a list that a test makes */

/* ---- one field ---- */

typedef struct tester {
    gc_arena *arena;
    gc_tell *cases;
    const plan_field *field;
    const structural_rule *rule;
    const gc_strv *constants; /* of its enum */
    const char *type;         /* below the star */
} tester;

static gc_tell *lines_of(const tester *self, char *line)
{
    gc_tell *lines = gc_tell_list(self->arena);
    structural_add(lines, line);
    return lines;
}

/* "m.F = value", and before it a place to point to. Frees `value`. */
static gc_tell *set_lines(const tester *self, char *value)
{
    const char *name = self->field->name;
    gc_tell *lines = gc_tell_list(self->arena);
    if (self->rule->pointer)
        structural_add(lines, gc_xasprintf("m.%s = new(%s)", name, self->type));
    structural_add(
        lines, gc_xasprintf("%sm.%s = %s", self->rule->pointer ? "*" : "", name, value));
    free(value);
    return lines;
}

/* Frees `says`, takes over `lines`. */
static void add_case(tester *self, char *says, bool good, gc_tell *lines)
{
    gc_tell *item = gc_tell_map(self->arena);
    char *text = gc_xasprintf("%s %s", self->field->json, says);
    gc_buf quoted;
    gc_buf_init(&quoted, PLAN_TEXT_LIMIT);
    plan_put_quoted(&quoted, text);
    structural_take(item, "name", gc_buf_take(&quoted));
    gc_tell_set_text(item, "field", good ? "" : self->field->json);
    gc_tell_set(item, "lines", lines);
    gc_tell_add(self->cases, item);
    free(text);
    free(says);
}

static char *quote(const char *text)
{
    gc_buf out;
    gc_buf_init(&out, PLAN_TEXT_LIMIT);
    plan_put_quoted(&out, text);
    return gc_buf_take(&out);
}

static bool is_plain(const structural_rule *r, structural_class class)
{
    return r->shape == STRUCTURAL_PLAIN && r->class == class;
}

/* ---- a good value ---- */

static char *good_text(const tester *self)
{
    const structural_rule *r = self->rule;
    if (r->is_enum)
        return gc_xstrdup(self->constants->items[0]);
    if (r->format)
        return quote(structural_format_of(r->format)->good);
    if (r->pattern)
        return quote(r->samples.good);
    if (r->min_count > 1)
        return gc_xasprintf("strings.Repeat(\"a\", %lld)", (long long)r->min_count);
    return gc_xstrdup("\"a\"");
}

static char *good_number(const structural_rule *r)
{
    bool zero_is_good = (!r->min || r->min_number <= 0) &&
                        (!r->max || r->max_number >= 0) &&
                        (!r->one_of.count || gc_strv_has(&r->one_of, "0"));
    if (zero_is_good)
        return NULL;
    if (r->one_of.count)
        return gc_xstrdup(r->one_of.items[0]);
    return gc_xstrdup(r->min && r->min_number > 0 ? r->min : r->max);
}

static const char moment[] = "time.Date(2024, time.January, 1, 12, 0, 0, 0, time.UTC)";

/* NULL: the zero value is good. */
static char *good_plain(const tester *self)
{
    const structural_rule *r = self->rule;
    switch (r->class) {
    case STRUCTURAL_STRING: return good_text(self);
    case STRUCTURAL_INTEGER:
    case STRUCTURAL_FLOAT: return good_number(r);
    case STRUCTURAL_TIME: return gc_xstrdup(moment);
    case STRUCTURAL_BYTES:
        return gc_xasprintf("make(%s, %lld)", r->value,
                            (long long)(r->min_count > 1 ? r->min_count : 1));
    case STRUCTURAL_ANY: return gc_xstrdup("\"a\"");
    default: return NULL;
    }
}

static const char *good_key(const char *type)
{
    const char *key = type + strlen("map[");
    size_t len = strcspn(key, "]");
    if (len == 6 && memcmp(key, "string", 6) == 0)
        return "\"key\"";
    return len == 4 && memcmp(key, "bool", 4) == 0 ? "true" : "1";
}

static gc_tell *good_map(const tester *self)
{
    const char *name = self->field->name;
    gc_tell *lines = lines_of(self, gc_xasprintf("m.%s = make(%s)", name, self->type));
    char *value = self->rule->is_enum ? good_text(self)
                                      : gc_xasprintf("*new(%s)", self->rule->value);
    structural_add(lines,
                   gc_xasprintf("m.%s[%s] = %s", name, good_key(self->type), value));
    free(value);
    return lines;
}

static gc_tell *good_list(const tester *self, long long count)
{
    const char *name = self->field->name;
    gc_tell *lines =
        lines_of(self, gc_xasprintf("m.%s = make(%s, %lld)", name, self->type, count));
    if (!self->rule->is_enum && !self->rule->format)
        return lines;
    char *value = good_text(self);
    structural_add(lines, gc_xasprintf("for i := range m.%s {", name));
    structural_add(lines, gc_xasprintf("\tm.%s[i] = %s", name, value));
    structural_add(lines, gc_xstrdup("}"));
    free(value);
    return lines;
}

/* What a good value must have set. */
static gc_tell *base_lines(const tester *self)
{
    const structural_rule *r = self->rule;
    if (r->shape == STRUCTURAL_MAP)
        return r->required ? good_map(self) : gc_tell_list(self->arena);
    if (r->shape == STRUCTURAL_LIST)
        return r->required ? good_list(self, r->min_count > 1 ? r->min_count : 1)
                           : gc_tell_list(self->arena);
    if (!r->required)
        return gc_tell_list(self->arena);
    char *value = good_plain(self);
    if (value)
        return set_lines(self, value);
    return r->pointer ? lines_of(self, gc_xasprintf("m.%s = new(%s)", self->field->name,
                                                    self->type))
                      : gc_tell_list(self->arena);
}

/* ---- cases ---- */

static void test_required(tester *self)
{
    const structural_rule *r = self->rule;
    const char *name = self->field->name;
    if (!r->required)
        return;
    if (r->pointer || r->shape != STRUCTURAL_PLAIN || r->class == STRUCTURAL_BYTES ||
        r->class == STRUCTURAL_ANY)
        add_case(self, gc_xstrdup("is missing"), false,
                 lines_of(self, gc_xasprintf("m.%s = nil", name)));
    if (is_plain(r, STRUCTURAL_STRING) && !r->is_enum)
        add_case(self, gc_xstrdup("is blank"), false,
                 set_lines(self, gc_xstrdup("\" \"")));
    if (is_plain(r, STRUCTURAL_TIME))
        add_case(self, gc_xstrdup("is the zero time"), false,
                 set_lines(self, gc_xstrdup("time.Time{}")));
}

static void test_text_count(tester *self)
{
    const structural_rule *r = self->rule;
    long long min = r->min_count, max = r->max_count;
    bool free_text = !r->format && !r->pattern;
    if (r->min_count > 1 && free_text && min <= TEXT_MAX) {
        add_case(self, gc_xasprintf("has %lld characters", min), true,
                 set_lines(self, gc_xasprintf("strings.Repeat(\"é\", %lld)", min)));
        add_case(self, gc_xasprintf("has %lld characters", min - 1), false,
                 set_lines(self, gc_xasprintf("strings.Repeat(\"é\", %lld)", min - 1)));
    }
    if (r->max_count == STRUCTURAL_NO_BOUND || max >= TEXT_MAX)
        return;
    if (free_text && max > 0)
        add_case(self, gc_xasprintf("has %lld characters", max), true,
                 set_lines(self, gc_xasprintf("strings.Repeat(\"é\", %lld)", max)));
    add_case(self, gc_xasprintf("has %lld characters", max + 1), false,
             set_lines(self, gc_xasprintf("strings.Repeat(\"x\", %lld)", max + 1)));
}

static void test_list_count(tester *self)
{
    const structural_rule *r = self->rule;
    const char *what = r->shape == STRUCTURAL_LIST ? "items" : "bytes";
    long long min = r->min_count, max = r->max_count;
    if (min > 1 && min <= LIST_MAX) {
        add_case(self, gc_xasprintf("has %lld %s", min, what), true,
                 good_list(self, min));
        add_case(self, gc_xasprintf("has %lld %s", min - 1, what), false,
                 good_list(self, min - 1));
    }
    if (r->max_count == STRUCTURAL_NO_BOUND || max > LIST_MAX)
        return;
    add_case(self, gc_xasprintf("has %lld %s", max, what), max > 0 || !r->required,
             good_list(self, max));
    add_case(self, gc_xasprintf("has %lld %s", max + 1, what), false,
             good_list(self, max + 1));
}

static void test_count(tester *self)
{
    const structural_rule *r = self->rule;
    if (is_plain(r, STRUCTURAL_STRING))
        test_text_count(self);
    else if (r->shape == STRUCTURAL_LIST ||
             (is_plain(r, STRUCTURAL_BYTES) && !r->pointer))
        test_list_count(self);
}

/* A number on the wrong side of a bound, by `step`; NULL: there is none that counts. */
static char *beyond(const structural_rule *r, const char *bound, double number, int step)
{
    bool whole = r->class == STRUCTURAL_INTEGER;
    double past = number + step;
    if (!whole && (number > 1e6 || number < -1e6))
        return NULL;
    if (past == 0 && !r->pointer && !r->required) { /* counts as not given */
        if (structural_rule_unsigned(r))
            return NULL;
        past += whole ? step : -step / 2.0;
    }
    return whole                   ? gc_xasprintf("%.0f", past)
           : past == number + step ? gc_xasprintf("%s %c 1", bound, step < 0 ? '-' : '+')
                                   : gc_xasprintf("%g", past);
}

static void test_bound(tester *self, const char *bound, double number, int step)
{
    if (!bound)
        return;
    add_case(self, gc_xasprintf("is %s", bound), true,
             set_lines(self, gc_xstrdup(bound)));
    char *past = beyond(self->rule, bound, number, step);
    if (past) {
        char *says = gc_xasprintf("is %s", past); /* before `past` is given away */
        add_case(self, says, false, set_lines(self, past));
    }
}

static void test_one_of(tester *self)
{
    const gc_strv *known = &self->rule->one_of;
    char *other = NULL;
    for (int n = 1; known->count && !other; n++) {
        other = gc_xasprintf("%d", n);
        if (gc_strv_has(known, other)) {
            free(other);
            other = NULL;
        }
    }
    for (size_t i = 0; i < known->count; i++)
        add_case(self, gc_xasprintf("is %s", known->items[i]), true,
                 set_lines(self, gc_xstrdup(known->items[i])));
    if (other) {
        char *says = gc_xasprintf("is %s", other);
        add_case(self, says, false, set_lines(self, other));
    }
}

/* A value, or a list with it alone. */
static void add_text(tester *self, const char *says, bool good, const char *text)
{
    char *value = quote(text);
    if (self->rule->shape == STRUCTURAL_LIST) {
        char *list = gc_xasprintf("%s{%s}", self->type, value);
        free(value);
        value = list;
    } else if (self->rule->shape == STRUCTURAL_MAP) {
        char *map = gc_xasprintf("%s{%s: %s}", self->type, good_key(self->type), value);
        free(value);
        value = map;
    }
    add_case(self, gc_xstrdup(says), good, set_lines(self, value));
}

static void test_texts(tester *self)
{
    const structural_rule *r = self->rule;
    if (r->format) {
        const structural_format_info *info = structural_format_of(r->format);
        char *good = gc_xasprintf("is %s", info->says);
        char *bad = gc_xasprintf("is not %s", info->says);
        bool one_is_enough =
            r->shape != STRUCTURAL_LIST || (r->min_count <= 1 && r->max_count != 0);
        if (one_is_enough)
            add_text(self, good, true, info->good);
        add_text(self, bad, false, info->bad);
        free(good);
        free(bad);
    }
    if (r->pattern) {
        add_text(self, "matches", true, r->samples.good);
        if (r->samples.bad)
            add_text(self, "does not match", false, r->samples.bad);
    }
}

/* A text that is no value of the field's enum; free() it. */
static char *stranger(const plan_field *f)
{
    char *text = gc_xstrdup("no such value");
    while (gc_strv_has(&f->spec->enum_values, text)) {
        char *longer = gc_xasprintf("%s!", text);
        free(text);
        text = longer;
    }
    return text;
}

static void test_enum(tester *self)
{
    if (!self->rule->is_enum)
        return;
    char *text = stranger(self->field);
    add_text(self, "is unknown", false, text);
    free(text);
}

static void test_field(tester *self, gc_tell *base)
{
    gc_tell *lines = base_lines(self);
    gc_tell_extend(base, lines);
    test_required(self);
    test_count(self);
    test_bound(self, self->rule->min, self->rule->min_number, -1);
    test_bound(self, self->rule->max, self->rule->max_number, 1);
    test_one_of(self);
    test_texts(self);
    test_enum(self);
}

/* ---- enums ---- */

static gc_tell *enum_case(gc_arena *arena, const plan_field *f, const gc_strv *constants)
{
    gc_tell *item = gc_tell_map(arena);
    char *unknown = stranger(f);
    bool empty = gc_strv_has(&f->spec->enum_values, "");
    gc_tell_set_text(item, "type", plan_enum_type(f->spec));
    char *names = gc_strv_join(constants, ", "), *quoted = quote(unknown);
    structural_take(item, "values", gc_xasprintf("{%s}", names));
    structural_take(item, "strangers",
                    gc_xasprintf("{%s%s}", empty ? "" : "\"\", ", quoted));
    free(names);
    free(quoted);
    free(unknown);
    return item;
}

/* ---- the file ---- */

static void set_cases(gc_tell *data, const plan_entity *pe,
                      const structural_fields *fields, const char *promise)
{
    gc_arena *arena = gc_tell_arena(data);
    gc_tell *base = gc_tell_list(arena), *enums = gc_tell_list(arena);
    tester self = { .arena = arena, .cases = gc_tell_list(arena) };
    for (size_t i = 0; i < fields->count; i++) {
        const plan_field *f = &fields->items[i];
        structural_rule rule;
        gc_strv constants = { 0 };
        if (!structural_rule_read(pe, f, &rule))
            continue; /* structural_model_fits() has refused it */
        if (rule.is_enum) {
            structural_constants(promise, plan_enum_type(f->spec), &constants);
            gc_tell_add(enums, enum_case(arena, f, &constants));
        }
        self.field = f;
        self.rule = &rule;
        self.constants = &constants;
        self.type = f->type + rule.pointer;
        test_field(&self, base);
        gc_strv_release(&constants);
        structural_rule_release(&rule);
    }
    gc_tell_set(data, "base", base);
    gc_tell_set(data, "cases", self.cases);
    gc_tell_set(data, "enums", enums);
}

gc_tell *structural_model_test(const plan_ctx *ctx, const plan_entity *pe,
                               const structural_model_with *with)
{
    static const char *const always[] = { "errors", "strings", "testing" };
    plan_promise p, used;
    gc_tell *data = gc_tell_map(ctx->arena);
    plan_promise_init(&p, ctx, pe->model);
    plan_promise_init(&used, ctx, pe->model);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        plan_promise_std(&p, always[i]);
        plan_promise_std(&used, always[i]);
    }
    plan_promise_std(&p, "time");
    structural_import_package(data, "errors", &p, with->errors);
    char *errors = gc_xasprintf("%s.", gc_tell_get_text(data, "errors"));
    structural_import(&used, &p, errors);
    free(errors);
    structural_fields fields = structural_open_fields(&p, pe);
    set_cases(data, pe, &fields, with->promise);
    structural_import_used(&used, &fields.all, gc_tell_get(data, "base"));
    structural_import_used(&used, &fields.all, gc_tell_get(data, "cases"));
    structural_close_fields(&fields);
    structural_set_imports(data, &used);
    structural_take(data, "helper", structural_helper(pe, "_valid"));
    gc_tell_set_text(data, "function", with->function);
    gc_tell_set_text(data, "package", pe->model->name);
    gc_tell_set_text(data, "type", pe->type);
    gc_tell_set_text(data, "validate", pe->validate);
    plan_promise_release(&p);
    plan_promise_release(&used);
    return data;
}
