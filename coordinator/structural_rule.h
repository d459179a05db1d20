/* What the specification demands of the values of one field, read from its type and its
 * constraints. A constraint that says something else is refused: a person or a model has to
 * read that. Pure. */
#ifndef GC_COORDINATOR_STRUCTURAL_RULE_H
#define GC_COORDINATOR_STRUCTURAL_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "coordinator/structural_entity.h"
#include "coordinator/structural_pattern.h"

typedef enum structural_format {
    STRUCTURAL_NO_FORMAT,
    STRUCTURAL_EMAIL,
    STRUCTURAL_URL,
    STRUCTURAL_URI,
    STRUCTURAL_UUID,
    STRUCTURAL_PHONE,
    STRUCTURAL_DATE,
    STRUCTURAL_CLOCK,
    STRUCTURAL_TIMESTAMP,
    STRUCTURAL_IP,
    STRUCTURAL_FORMATS
} structural_format;

/* Names and samples of a format. */
typedef struct structural_format_info {
    const char *function; /* of the package that checks formats */
    const char *says;     /* "is not ..." */
    const char *good, *bad;
} structural_format_info;

const structural_format_info *structural_format_of(structural_format format);

/* What a field is made of, below a star. */
typedef enum structural_shape {
    STRUCTURAL_PLAIN, /* of the class */
    STRUCTURAL_LIST,
    STRUCTURAL_MAP
} structural_shape;

#define STRUCTURAL_NO_BOUND INT64_MIN

typedef struct structural_rule {
    bool pointer, required;
    bool is_enum; /* the value, or the elements, are of the field's enum */
    structural_shape shape;
    structural_class class;        /* of the value, or of the elements */
    const char *value;             /* type of it; borrowed from the field */
    int64_t min_count, max_count;  /* characters or elements, or STRUCTURAL_NO_BOUND */
    char *min, *max;               /* Go constants, NULL: none */
    double min_number, max_number; /* the same */
    structural_format format;      /* of the value, or of the elements */
    char *pattern;
    structural_pattern samples;
    gc_strv one_of; /* Go constants */
} structural_rule;

/* False: there is more to it than a template can write, or no value keeps all of it; nothing
 * is to be released then. */
bool structural_rule_read(const plan_entity *pe, const plan_field *f,
                          structural_rule *out);
void structural_rule_release(structural_rule *self);

/* Is the value of a type that has no numbers below 0? */
bool structural_rule_unsigned(const structural_rule *self);

#endif
