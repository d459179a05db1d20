/* Bounds of fields that cannot be meant: ranges that no value meets, patterns that Go's regexp
 * does not take (https://pkg.go.dev/regexp/syntax), defaults of another type. None of them can
 * stand in what templates make, so whoever wrote them should know. */
#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "common/spec.h"
#include "common/spec_pattern.h"
#include "common/text.h"

/* What a constraint "key=value" of the field says, or NULL. */
static const char *bound(const gc_field *f, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < f->constraints.count; i++) {
        const char *text = f->constraints.items[i];
        if (strncmp(text, key, len) == 0 && text[len] == '=')
            return text + len + 1;
    }
    return NULL;
}

static bool number_of(const gc_field *f, const char *key, double *out)
{
    const char *text = bound(f, key);
    return text && gc_parse_double(text, -HUGE_VAL, HUGE_VAL, out) == GC_OK;
}

static bool is_numeric(const gc_field *f)
{
    static const char *const types[] = { "int",    "int32",   "int64",  "uint8",
                                         "uint64", "float32", "float64" };
    for (size_t i = 0; f->go_type && i < sizeof types / sizeof *types; i++)
        if (strcmp(f->go_type, types[i]) == 0)
            return true;
    return false;
}

/* A bound that is none: of a date it may be any text. */
static void check_bound(gc_spec *self, const gc_spec_field *field, const char *key)
{
    int64_t whole;
    double number;
    const char *text = bound(&field->field, key);
    const char *missed = NULL;
    if (text && gc_ends_with(key, "_length"))
        missed = gc_parse_i64(text, 0, INT64_MAX, &whole) ? "length" : NULL;
    else if (text && is_numeric(&field->field))
        missed = number_of(&field->field, key, &number) ? NULL : "number";
    if (missed)
        gc_spec_warn(self, field->at,
                     "field \"%s\" has %s \"%s\", which is no %s; change it",
                     field->field.name, key, text, missed);
}

static void check_range(gc_spec *self, const gc_spec_field *field)
{
    static const char *const pairs[][2] = { { "min", "max" },
                                            { "min_length", "max_length" } };
    double min, max;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        check_bound(self, field, pairs[i][0]);
        check_bound(self, field, pairs[i][1]);
        if (number_of(&field->field, pairs[i][0], &min) &&
            number_of(&field->field, pairs[i][1], &max) && min > max)
            gc_spec_warn(self, field->at,
                         "field \"%s\" has %s %g above %s %g, so that no value fits; "
                         "change one",
                         field->field.name, pairs[i][0], min, pairs[i][1], max);
    }
}

static void check_pattern(gc_spec *self, const gc_spec_field *field)
{
    const char *pattern = bound(&field->field, "pattern");
    const char *problem = pattern ? gc_spec_pattern_problem(pattern) : NULL;
    if (problem)
        gc_spec_warn(self, field->at,
                     "the pattern of field \"%s\" %s, which Go's regexp does not take; "
                     "write it in another way",
                     field->field.name, problem);
}

/* ---- defaults ---- */

/* Nothing, or something that a database or the program works out. */
static bool is_computed(const char *value)
{
    return gc_ends_with(value, ")") || strpbrk(value, " _") ||
           gc_spec_is_one_of(value, "null nil none auto autoincrement generated now");
}

static size_t rune_count(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static const char *type_missed(const gc_field *f, const char *value)
{
    double number;
    int64_t whole;
    const char *type = f->go_type;
    if (!type)
        return NULL;
    if (strcmp(type, "bool") == 0)
        return gc_spec_is_one_of(value,
                                 "true false True False TRUE FALSE yes no on off 0 1")
                   ? NULL
                   : "bool";
    if (strcmp(type, "int") == 0 || strcmp(type, "int64") == 0 ||
        strcmp(type, "int32") == 0)
        return gc_parse_i64(value, INT64_MIN, INT64_MAX, &whole) ? "whole number" : NULL;
    if (strcmp(type, "float64") == 0 || strcmp(type, "float32") == 0)
        return gc_parse_double(value, -HUGE_VAL, HUGE_VAL, &number) ? "number" : NULL;
    return NULL;
}

static void check_default(gc_spec *self, const gc_spec_field *field)
{
    const gc_field *f = &field->field;
    const char *value = f->default_value;
    const char *missed =
        value && *value && !is_computed(value) ? type_missed(f, value) : NULL;
    if (missed)
        gc_spec_warn(self, field->at,
                     "field \"%s\" has the default \"%s\", which is no %s; change it",
                     f->name, value, missed);
    if (value && *value && f->enum_values.count && !is_computed(value) &&
        !gc_strv_has(&f->enum_values, value))
        gc_spec_warn(self, field->at,
                     "field \"%s\" has the default \"%s\", which is none of its values; "
                     "change it",
                     f->name, value);
}

/* A default that its own field refuses. */
static void check_default_fits(gc_spec *self, const gc_spec_field *field)
{
    const gc_field *f = &field->field;
    const char *value = f->default_value;
    double number, limit;
    if (!value || !*value || is_computed(value))
        return;
    if (is_numeric(f) && gc_parse_double(value, -HUGE_VAL, HUGE_VAL, &number) == GC_OK) {
        if (number_of(f, "min", &limit) && number < limit)
            gc_spec_warn(self, field->at,
                         "field \"%s\" has the default %s below min %g; change one",
                         f->name, value, limit);
        if (number_of(f, "max", &limit) && number > limit)
            gc_spec_warn(self, field->at,
                         "field \"%s\" has the default %s above max %g; change one",
                         f->name, value, limit);
    } else if (f->go_type && strcmp(f->go_type, "string") == 0) {
        double length = (double)rune_count(value);
        if (number_of(f, "min_length", &limit) && length < limit)
            gc_spec_warn(
                self, field->at,
                "field \"%s\" has the default \"%s\" shorter than min_length %g; "
                "change one",
                f->name, value, limit);
        if (number_of(f, "max_length", &limit) && length > limit)
            gc_spec_warn(self, field->at,
                         "field \"%s\" has the default \"%s\" longer than max_length %g; "
                         "change one",
                         f->name, value, limit);
    }
}

void gc_spec_check_bounds(gc_spec *self, const gc_spec_field *field)
{
    check_range(self, field);
    check_pattern(self, field);
    check_default(self, field);
    check_default_fits(self, field);
}
