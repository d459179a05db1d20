/* Patterns of fields, as Go's regexp reads them (https://pkg.go.dev/regexp/syntax). */
#ifndef GC_COMMON_SPEC_PATTERN_H
#define GC_COMMON_SPEC_PATTERN_H

/* Why Go does not compile `pattern`, as words behind "the pattern": "has a ( without its )".
 * NULL: no reason is known. Names of Unicode classes and the sizes of repeats in repeats are
 * not looked at. */
const char *gc_spec_pattern_problem(const char *pattern);

#endif
