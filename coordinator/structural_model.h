/* What the templates of an entity's type are told: the struct, its enums, the method that
 * checks a value, and their tests. Pure. */
#ifndef GC_COORDINATOR_STRUCTURAL_MODEL_H
#define GC_COORDINATOR_STRUCTURAL_MODEL_H

#include <stdbool.h>

#include "coordinator/plan_private.h"
#include "coordinator/structural_rule.h"

/* Does the FCS determine what a good value is? Sets in `formats` (STRUCTURAL_FORMATS of
 * them) those that the model checks. */
bool structural_model_fits(const plan_ctx *ctx, const plan_entity *pe, bool *formats);

/* The names of a model's file: what its test speaks of, too. */
typedef struct structural_model_with {
    const plan_pkg *errors;
    const plan_pkg *formats; /* NULL: no model checks any */
    const char *promise;     /* of the model's file */
    const char *function;    /* of the test */
} structural_model_with;

/* The constants of an enum as the promise declares them: "const Name Type = ". */
void structural_constants(const char *promise, const char *type, gc_strv *out);

/* Imports into `to` what the Go texts below `data` use; "says" and "name" are none. */
void structural_import_used(plan_promise *to, const plan_promise *from,
                            const gc_tell *data);

gc_tell *structural_model(const plan_ctx *ctx, const plan_entity *pe,
                          const structural_model_with *with);
gc_tell *structural_model_test(const plan_ctx *ctx, const plan_entity *pe,
                               const structural_model_with *with);

/* The package that checks formats. */
void structural_promise_formats(plan_promise *self, const bool *formats);
gc_tell *structural_formats(const plan_ctx *ctx, const plan_pkg *pkg, const bool *formats,
                            const char *function);

#endif
