/* Private to gosrc: the two halves of the gate, the file by itself and the promise. */
#ifndef GC_COMMON_GOSRC_GATE_H
#define GC_COMMON_GOSRC_GATE_H

#include "common/gosrc_ast.h"

typedef struct gc_go_gate_state {
    gc_buf *complaint;
    size_t problems;
    gc_go_file *promise;
    gc_go_file *answer;
    gc_map *by_key; /* declarations of the answer */
} gc_go_gate_state;

/* One line; `line` of the answer, 0 for none. */
void gc_go_complain(gc_go_gate_state *self, int line, const char *fmt, ...)
    GC_PRINTF(3, 4);

/* "Name", or "Receiver.Name"; free() it. */
char *gc_go_decl_key(const gc_go_decl *decl);

/* Complains about each promised declaration that the answer lacks or has otherwise. */
void gc_go_check_promise(gc_go_gate_state *self);

#endif
