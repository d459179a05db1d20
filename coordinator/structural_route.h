/* Which HTTP routes of an entity the FCS determines: creating, listing, reading, replacing
 * and deleting, and the actions that the plan has made methods of the service. Whatever says
 * more than that, a template cannot write. Pure. */
#ifndef GC_COORDINATOR_STRUCTURAL_ROUTE_H
#define GC_COORDINATOR_STRUCTURAL_ROUTE_H

#include <stdbool.h>

#include "coordinator/plan_private.h"

typedef struct structural_action {
    const char *verb; /* POST or PUT; borrowed */
    char *tail;       /* last part of the path */
    const char *name; /* method of the service; borrowed */
} structural_action;

typedef struct structural_routes {
    char *base; /* "/order-items" */
    bool create, list, get, update, delete;
    const char *create_shape, *update_shape; /* of the request, "" if it is not given */
    structural_action *actions;
    size_t action_count;
} structural_routes;

/* False: the contracts of the entity, or requirements on it, ask for something else; nothing
 * is to be released then. */
bool structural_routes_read(const plan_ctx *ctx, const plan_entity *pe,
                            structural_routes *out);
void structural_routes_release(structural_routes *self);

/* "order-items" for OrderItem. */
char *structural_plural(const plan_entity *pe);

/* "/api/order-items" is called after OrderItem. */
bool structural_is_called(const char *base, const char *go_name);

/* "Creates a new order" says no more of an entity's contract than POST /orders does. */
bool structural_says_nothing(const char *description, const char *go_name);

/* Is there another entity with this plural? */
bool structural_shares_plural(const plan_ctx *ctx, const plan_entity *pe);

/* What requirements on the whole program say about lists and errors. */
typedef struct structural_web_rules {
    long default_limit, max_limit;
    bool cursor;            /* lists are read on from a cursor */
    bool error_and_message; /* the keys of an error's JSON */
} structural_web_rules;

/* Once, before anything else here: the texts of the requirements are read for all entities
 * into `ctx`, whose end frees it. */
void structural_read_requirements(plan_ctx *ctx);

/* "{a, b}" as names: false if there is more in it than that. */
bool structural_read_shape(const char *shape, gc_strv *names);

#endif
