/* Private parts of the Go lexer: literals and character classes. Pure. */
#ifndef GC_COMMON_GOSRC_LEX_H
#define GC_COMMON_GOSRC_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/gosrc.h"

/* What one literal scan found: where it ends, what it is, and what is wrong (NULL if
 * nothing is; then `at` is the offset of the fault in the source). */
typedef struct gc_go_scan {
    size_t end;
    gc_go_kind kind;
    const char *problem;
    size_t at;
} gc_go_scan;

/* `pos` is at a digit, or at a point before a digit. */
gc_go_scan gc_go_scan_number(const char *src, size_t len, size_t pos);

/* `pos` is at the opening quote: ", ' or a backquote. */
gc_go_scan gc_go_scan_quoted(const char *src, size_t len, size_t pos);

/* Length of the character at `pos`, 0 if it may not stand in Go source; then *problem
 * says why: NUL, malformed UTF-8, or a byte order mark that is not the first. */
size_t gc_go_char(const char *src, size_t len, size_t pos, uint32_t *code,
                  const char **problem);

/* Unicode's Letter and Nd, as the Go specification wants them; `code` above 0x7f. */
bool gc_go_is_letter(uint32_t code);
bool gc_go_is_digit(uint32_t code);

/* Unicode's Lu: the first letter of an exported name. */
bool gc_go_is_capital(uint32_t code);

/* The bytes that the string literal `text` means are appended to `out`. The literal comes
 * from the lexer, so it is well formed. */
void gc_go_unquote(const char *text, size_t len, gc_buf *out);

#endif
