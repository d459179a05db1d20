/* Between state.c and state_read.c. */
#ifndef GC_COORDINATOR_STATE_PRIVATE_H
#define GC_COORDINATOR_STATE_PRIVATE_H

#include <stdbool.h>
#include <stdlib.h>

#include "common/mem.h"
#include "coordinator/state.h"

#define GC_STATE_PLAIN_PATH 1023 /* longer paths are left to the general reader */

/* True if the text is laid out just as gc_state_print() does it, plain ASCII throughout.
 * False says nothing about it. */
bool gc_state_parse_plain(const char *mem, size_t len, gc_state *out);

#endif
