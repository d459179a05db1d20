/* Ranges of fields that no value can meet: a Validate() made of them would refuse everything. */
#include <math.h>
#include <string.h>

#include "common/spec.h"
#include "common/text.h"

/* What a constraint "key=number" of the field says; false: there is none. */
static bool number_of(const gc_field *f, const char *key, double *out)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < f->constraints.count; i++) {
        const char *text = f->constraints.items[i];
        if (strncmp(text, key, len) == 0 && text[len] == '=')
            return gc_parse_double(text + len + 1, -HUGE_VAL, HUGE_VAL, out) == GC_OK;
    }
    return false;
}

void gc_spec_check_range(gc_spec *self, const gc_spec_field *field)
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
