/* Walking over Go text without parsing it: strings, comments, brackets. Pure. */
#ifndef GC_LLM_SIM_GOSCAN_H
#define GC_LLM_SIM_GOSCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Past the string or rune literal at `pos`, or `pos` itself if none begins there. */
size_t gc_sim_go_skip_string(const char *text, size_t len, size_t pos);

/* Past the comment at `pos`, or `pos` itself. A line comment ends before its line end. */
size_t gc_sim_go_skip_comment(const char *text, size_t len, size_t pos);

/* The first place at or after `pos`, outside strings and brackets, that holds one of
 * `stops`; `len` if there is none. An unmatched closing bracket stops too. */
size_t gc_sim_go_find(const char *text, size_t len, size_t pos, const char *stops);

/* Past the bracket that closes the one at `pos`, or `len`. */
size_t gc_sim_go_skip_bracket(const char *text, size_t len, size_t pos);

/* Past one type that begins at `pos` (blanks before it are skipped). */
size_t gc_sim_go_skip_type(const char *text, size_t len, size_t pos);

/* Past the identifier at `pos`, or `pos` itself. Letters beyond ASCII count as letters. */
size_t gc_sim_go_skip_ident(const char *text, size_t len, size_t pos);

/* Past blanks; line ends only if `lines`. */
size_t gc_sim_go_skip_blank(const char *text, size_t len, size_t pos, bool lines);

/* A copy without comments, free() it. */
char *gc_sim_go_strip(const char *text);

/* A copy of [text, text + len) on one line: trimmed, every run of blanks outside strings as
 * one space, line ends that Go reads as semicolons written so; free() it. */
char *gc_sim_go_collapse(const char *text, size_t len);

#endif
