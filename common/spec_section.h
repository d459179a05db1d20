/* What the headings of a Markdown spec announce: which words open which section, and what is
 * below it. For spec_markdown.c only. Pure. */
#ifndef GC_COMMON_SPEC_SECTION_H
#define GC_COMMON_SPEC_SECTION_H

#include <stdbool.h>

typedef enum gc_section {
    GC_IN_DESCRIPTION,
    GC_IN_ENTITIES,
    GC_IN_FUNCTIONAL,
    GC_IN_NON_FUNCTIONAL,
    GC_IN_SCENARIOS,
    GC_IN_CRITERIA,
    GC_IN_API,
    GC_IN_RELATIONS,
    GC_IN_PACKAGES,
    GC_IN_DEPENDENCIES,
    GC_IN_PATTERNS,
    GC_IN_TESTING,
    GC_IN_FILES,
    GC_IN_OTHER, /* a heading without a known word: requirements of that category */
    GC_IN_NOTHING
} gc_section;

/* By the words of the heading, in any case; numbers before them say nothing. */
gc_section gc_section_of(const char *heading);

/* Whether text below it becomes requirements, and of which kind (see fcs.h). */
bool gc_section_holds_requirements(gc_section section);
const char *gc_section_kind(gc_section section);

/* "2.1 Data model" -> "Data model"; borrowed from `heading`. */
const char *gc_heading_without_number(const char *heading);

#endif
