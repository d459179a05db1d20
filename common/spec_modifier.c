#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/spec.h"
#include "common/text.h"

/* What stands beside the type of a field: words such as required, sizes in brackets, formats of
 * numbers. */

void gc_spec_read_modifier(gc_spec_field *f, const char *text)
{
    char *word = gc_spec_normal(text);
    if (gc_spec_is_one_of(word, "required mandatory") || strcmp(word, "not null") == 0)
        f->field.required = true;
    else if (strcmp(word, "unique") == 0)
        f->field.unique = true;
    else if (gc_spec_is_one_of(word, "nullable null"))
        f->optional = true;
    else if (gc_spec_is_one_of(word, "pk") || strcmp(word, "primary key") == 0)
        gc_spec_add_constraint(f, "primary_key");
    else if (gc_spec_is_one_of(word, "indexed index"))
        gc_spec_add_constraint(f, "indexed");
    else if (gc_starts_with(word, "default") && !f->field.default_value)
        gc_spec_set(&f->field.default_value,
                    gc_spec_trim(text + 7 + strspn(text + 7, " :=")));
    else if (*word && strcmp(word, "optional") != 0) {
        size_t key =
            strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        size_t rest = key + strspn(text + key, " :=");
        bool number =
            text[rest] && strspn(text + rest, "0123456789.-") == strlen(text + rest);
        if (gc_spec_is_one_of(word, "readonly immutable autoincrement"))
            gc_spec_add_constraint(f, word);
        else if (key && number)
            gc_strv_push(&f->field.constraints,
                         gc_xasprintf("%.*s=%s", (int)key, text, text + rest));
        else
            gc_spec_add_constraint(f, text);
    }
    free(word);
}

void gc_spec_add_size(gc_spec_field *f, const char *go, const char *inner)
{
    gc_strv *constraints = &f->field.constraints;
    bool number = *inner && strspn(inner, "0123456789") == strlen(inner);
    if (number && strcmp(go, "string") == 0)
        gc_strv_push(constraints, gc_xasprintf("max_length=%s", inner));
    else if (strcmp(go, "float64") == 0 &&
             strspn(inner, "0123456789, ") == strlen(inner)) {
        size_t comma = strcspn(inner, ",");
        gc_strv_push(constraints, gc_xasprintf("precision=%.*s", (int)comma, inner));
        if (inner[comma])
            gc_strv_push(constraints,
                         gc_xasprintf("scale=%s", inner + comma + 1 +
                                                      strspn(inner + comma + 1, " ")));
    } else {
        gc_strv parts = { 0 };
        gc_strv_split(&parts, inner, ',');
        for (size_t i = 0; i < parts.count; i++)
            gc_spec_read_modifier(f, parts.items[i]);
        gc_strv_release(&parts);
    }
}

const char *gc_spec_number_format(gc_spec_field *field, const char *go, const char **said)
{
    gc_strv *list = &field->field.constraints;
    if (strcmp(go, "int") != 0 && strcmp(go, "float64") != 0)
        return NULL;
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->items[i];
        if (!gc_starts_with(text, "format=") ||
            !gc_spec_is_one_of(text + strlen("format="), "int32 int64 float double"))
            continue;
        const char *found = gc_spec_type_word(text + strlen("format="), said);
        free(list->items[i]);
        list->items[i] = list->items[--list->count]; /* they are sorted later */
        return found;
    }
    return NULL;
}
