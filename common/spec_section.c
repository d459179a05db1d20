#include "common/spec_section.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/spec.h"

/* The first row with a word of the heading decides. */
static const struct {
    const char *words; /* at the start of a word of the heading, between bars */
    gc_section section;
} headings[] = {
    { "|non functional|nonfunctional|quality|constraint|security|performance|reliability|"
      "out of scope|non goals|assumption|",
      GC_IN_NON_FUNCTIONAL },
    { "|user stor|stories|scenario|use case|user flow|", GC_IN_SCENARIOS },
    { "|success criteria|acceptance criteria|", GC_IN_CRITERIA },
    { "|requirement|feature|functional|", GC_IN_FUNCTIONAL },
    { "|relation|", GC_IN_RELATIONS },
    { "|entit|data model|domain model|models|data structure|schema|", GC_IN_ENTITIES },
    { "|api|endpoint|contract|routes|", GC_IN_API },
    { "|package|", GC_IN_PACKAGES },
    { "|dependenc|modules|libraries|", GC_IN_DEPENDENCIES },
    { "|architecture|pattern|design|", GC_IN_PATTERNS },
    { "|testing|tests|test strategy|", GC_IN_TESTING },
    { "|files|layout|", GC_IN_FILES },
    { "|overview|description|introduction|summary|about|goal|purpose|background|",
      GC_IN_DESCRIPTION },
    { "|license|changelog|author|revision|history|table of contents|", GC_IN_NOTHING },
};

/* In small letters, a blank before each, without numbers in front. */
static char *words_of(const char *text)
{
    gc_strv words = { 0 };
    gc_go_words(text, &words);
    size_t first = 0;
    while (first < words.count &&
           strspn(words.items[first], "0123456789") == strlen(words.items[first]))
        first++; /* "2.1 Data model" */
    gc_buf out;
    gc_buf_init(&out, GC_SPEC_TEXT_LIMIT);
    for (size_t i = first; i < words.count; i++)
        gc_buf_printf(&out, " %s", words.items[i]);
    gc_strv_release(&words);
    return gc_buf_take(&out);
}

gc_section gc_section_of(const char *heading)
{
    char *words = words_of(heading);
    gc_section found = GC_IN_OTHER;
    for (size_t i = 0; i < sizeof headings / sizeof *headings && found == GC_IN_OTHER;
         i++) {
        gc_strv list = { 0 };
        gc_strv_split(&list, headings[i].words, '|');
        for (size_t k = 0; k < list.count && found == GC_IN_OTHER; k++) {
            char *start = gc_xasprintf(" %s", list.items[k]);
            if (strstr(words, start))
                found = headings[i].section;
            free(start);
        }
        gc_strv_release(&list);
    }
    free(words);
    return found;
}

const char *gc_section_kind(gc_section section)
{
    switch (section) {
    case GC_IN_NON_FUNCTIONAL: return "non_functional";
    case GC_IN_SCENARIOS: return "scenario";
    case GC_IN_CRITERIA: return "criterion";
    default: return "functional";
    }
}

bool gc_section_holds_requirements(gc_section section)
{
    return section == GC_IN_FUNCTIONAL || section == GC_IN_NON_FUNCTIONAL ||
           section == GC_IN_SCENARIOS || section == GC_IN_CRITERIA ||
           section == GC_IN_OTHER;
}

const char *gc_heading_without_number(const char *heading)
{
    size_t digits = strspn(heading, "0123456789.)");
    return digits && heading[digits] == ' ' ? heading + digits + 1 : heading;
}
