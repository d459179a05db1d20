/* Unicode 15: decomposition, letters and case as Go's identifiers need them. The NFC form
 * itself is gc_nfc() in naming.h. Pure; tables in nfc_data.h. */
#ifndef GC_COMMON_NFC_H
#define GC_COMMON_NFC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

/* Canonical decomposition (NFD) of UTF-8; free() it. */
char *gc_nfd(const char *text);

/* Categories L*, Nd and Lu. */
bool gc_rune_is_letter(uint32_t code);
bool gc_rune_is_digit(uint32_t code);
bool gc_rune_is_upper(uint32_t code);

/* Simple case mapping; the code itself if it has none. */
uint32_t gc_rune_upper(uint32_t code);
uint32_t gc_rune_lower(uint32_t code);

/* Characters that a reader cannot see or that turn the text around them: controls (Cc),
 * line separators, bidirectional marks, zero-width characters. */
bool gc_rune_is_control(uint32_t code);

/* Appends `code` as UTF-8. */
void gc_rune_put(gc_buf *out, uint32_t code);

#endif
