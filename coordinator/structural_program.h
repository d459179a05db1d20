/* What the templates of the program around the entities are told: settings, server, router
 * and main. Pure. */
#ifndef GC_COORDINATOR_STRUCTURAL_PROGRAM_H
#define GC_COORDINATOR_STRUCTURAL_PROGRAM_H

#include <stdbool.h>

#include "coordinator/plan_private.h"

/* Do requirements on the whole program leave settings and server as the house rules have
 * them? */
bool structural_program_fits(const plan_ctx *ctx);

/* Besides: nothing but the entities' handlers has routes. */
bool structural_router_fits(const plan_ctx *ctx);

/* Messages of the log need a package that old versions of Go do not have. */
bool structural_logs(const plan_ctx *ctx);

gc_tell *structural_errors(const plan_ctx *ctx, const plan_pkg *pkg,
                           const char *function);
gc_tell *structural_config(const plan_ctx *ctx, const plan_pkg *pkg,
                           const char *function);
gc_tell *structural_server(const plan_ctx *ctx, const plan_pkg *pkg,
                           const plan_pkg *config, const char *function);

/* `run` is the package of the server or of the commands. */
gc_tell *structural_main(const plan_ctx *ctx, const plan_pkg *pkg, const plan_pkg *config,
                         const plan_pkg *run);
gc_tell *structural_router(const plan_ctx *ctx, const plan_pkg *pkg);
gc_tell *structural_router_test(const plan_ctx *ctx, const plan_pkg *pkg,
                                const char *function);

#endif
