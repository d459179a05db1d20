/* Small questions about text: numbers, UTF-8, prefixes. */
#ifndef GC_COMMON_TEXT_H
#define GC_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* The whole of `text` as a decimal number in [min, max]; GC_EINVAL otherwise. */
GC_MUST_CHECK gc_err gc_parse_i64(const char *text, int64_t min, int64_t max,
                                  int64_t *out);

/* The whole of `text` as a finite decimal number in [min, max], independent of the locale. */
GC_MUST_CHECK gc_err gc_parse_double(const char *text, double min, double max,
                                     double *out);

/* "2s", "500ms", "1m", "2h" or a bare number of seconds, as milliseconds in [min, max]. */
GC_MUST_CHECK gc_err gc_parse_duration_ms(const char *text, int64_t min_ms,
                                          int64_t max_ms, int64_t *out);

/* true/false only, as in the configuration file. */
GC_MUST_CHECK gc_err gc_parse_bool(const char *text, bool *out);

bool gc_starts_with(const char *text, const char *prefix);
bool gc_ends_with(const char *text, const char *suffix);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool gc_utf8_valid(const char *text, size_t len);

/* A copy (free() it) in which every malformed byte is U+FFFD: for text of other programs on
 * its way into JSON. */
char *gc_utf8_clean(const char *text, size_t len);

/* Copies `text` as one line for a terminal, cut at a character to fit: line ends become "; ",
 * blanks and control characters (C1 and those that turn the writing direction too) one blank,
 * malformed bytes U+FFFD; none of them stands at either end. `size` is at least 1. */
void gc_one_line(char *out, size_t size, const char *text);

/* Decodes one code point of valid UTF-8 at *pos (< len) and moves *pos past it. Malformed
 * bytes give U+FFFD and move by one. */
uint32_t gc_utf8_next(const char *text, size_t len, size_t *pos);

/* Columns that valid UTF-8 without control characters takes on a terminal: wide characters
 * (Unicode Standard Annex 11: W and F) take two, accents that combine none. */
size_t gc_text_columns(const char *text, size_t len);

/* Bytes of the longest start of `text` that takes no more than so many columns. */
size_t gc_text_within(const char *text, size_t len, size_t columns);

#endif
