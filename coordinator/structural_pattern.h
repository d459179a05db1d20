/* Regular expressions of specifications, read far enough to be sure that Go's regexp takes
 * them (https://pkg.go.dev/regexp/syntax): literals, classes, groups, alternatives and
 * bounded repeats. Everything else is refused. Pure. */
#ifndef GC_COORDINATOR_STRUCTURAL_PATTERN_H
#define GC_COORDINATOR_STRUCTURAL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct structural_pattern {
    char *good; /* a text that matches */
    char *bad;  /* one that does not; NULL if none is known */
} structural_pattern;

/* False: the pattern holds something else, or no text of min to max characters that matches
 * was found; nothing is to be released then. */
bool structural_pattern_read(const char *pattern, size_t min, size_t max,
                             structural_pattern *out);
void structural_pattern_release(structural_pattern *self);

#endif
