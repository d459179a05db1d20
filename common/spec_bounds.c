/* Bounds of fields that cannot be meant: ranges that no value meets, patterns that Go's regexp
 * does not take (https://pkg.go.dev/regexp/syntax), defaults of another type. None of them can
 * stand in what templates make, so whoever wrote them should know. */
#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "common/spec.h"
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

static void check_range(gc_spec *self, const gc_spec_field *field)
{
    static const char *const pairs[][2] = { { "min", "max" },
                                            { "min_length", "max_length" } };
    double min, max;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (number_of(&field->field, pairs[i][0], &min) &&
            number_of(&field->field, pairs[i][1], &max) && min > max)
            gc_spec_warn(self, field->at,
                         "field \"%s\" has %s %g above %s %g, so that no value fits; "
                         "change one",
                         field->field.name, pairs[i][0], min, pairs[i][1], max);
}

/* ---- patterns ---- */

/* Behind the bracket of a class; behind it, or NULL if it has no end. */
static const char *skip_class(const char *p)
{
    p += *p == '^';
    p += *p == ']'; /* as the first one it is a member */
    for (; *p && *p != ']'; p++) {
        const char *named = p[0] == '[' && p[1] == ':' ? strstr(p, ":]") : NULL;
        if (named)
            p = named + 1;
        else if (*p == '\\' && p[1])
            p++;
    }
    return *p ? p + 1 : NULL;
}

/* Behind the backslash; behind the escape, or NULL with *problem set. */
static const char *skip_escape(const char *p, const char **problem)
{
    if (*p == 'Q') {
        const char *end = strstr(p, "\\E");
        return end ? end + 2 : p + strlen(p);
    }
    if (!*p)
        *problem = "ends in a backslash";
    else if (*p >= '1' && *p <= '9')
        *problem = "refers back to a group";
    return *problem ? NULL : p + 1;
}

static bool looks_around(const char *group)
{
    return gc_starts_with(group, "?=") || gc_starts_with(group, "?!") ||
           gc_starts_with(group, "?<=") || gc_starts_with(group, "?<!") ||
           gc_starts_with(group, "?>");
}

/* Why Go refuses it; NULL: no reason is known. */
static const char *pattern_problem(const char *p)
{
    const char *problem = NULL;
    size_t depth = 0;
    bool fresh = true; /* nothing is there to be repeated */
    while (p && *p && !problem) {
        char c = *p++;
        bool repeats = c == '*' || c == '+' || c == '?';
        if (c == '\\')
            p = skip_escape(p, &problem);
        else if (c == '[' && !(p = skip_class(p)))
            problem = "has a [ without its ]";
        else if (c == '(' && looks_around(p))
            problem = "looks ahead or behind";
        else if (c == ')' && !depth)
            problem = "has a ) without its (";
        else if (repeats && fresh)
            problem = "repeats nothing";
        if (c == '(' && !problem && *p == '?')
            p += strcspn(p, ":>)"); /* flags or a name; their end is plain */
        depth = c == '(' ? depth + 1 : c == ')' ? depth - 1 : depth;
        fresh = c == '(' ? *p != ':' && *p != '>' : c == '|';
    }
    return problem ? problem : depth ? "has a ( without its )" : NULL;
}

static void check_pattern(gc_spec *self, const gc_spec_field *field)
{
    const char *pattern = bound(&field->field, "pattern");
    const char *problem = pattern ? pattern_problem(pattern) : NULL;
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

void gc_spec_check_bounds(gc_spec *self, const gc_spec_field *field)
{
    check_range(self, field);
    check_pattern(self, field);
    check_default(self, field);
}
