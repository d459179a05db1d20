/* What the templates of plain HTTP handlers are told, and those of the file with what all
 * handlers share: decoding, answers, errors, pages. */
#ifndef GC_COORDINATOR_STRUCTURAL_HANDLER_H
#define GC_COORDINATOR_STRUCTURAL_HANDLER_H

#include <stdbool.h>

#include "coordinator/plan_private.h"

/* Does the FCS determine the whole handler of `pe`? Otherwise the model writes it. */
bool structural_handler_fits(const plan_ctx *ctx, const plan_entity *pe);

gc_tell *structural_handler(const plan_ctx *ctx, const plan_entity *pe,
                            const plan_pkg *errors, const plan_pkg *web);
gc_tell *structural_handler_test(const plan_ctx *ctx, const plan_entity *pe,
                                 const plan_pkg *errors, const char *function);

/* What all handlers share lives in `web`; what they promise each other of it. */
void structural_promise_web(plan_promise *self);
gc_tell *structural_web(const plan_ctx *ctx, const plan_pkg *web, const plan_pkg *errors);
gc_tell *structural_web_test(const plan_ctx *ctx, const plan_pkg *web,
                             const plan_pkg *errors, const char *function);

#endif
