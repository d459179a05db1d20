/* What the templates of an entity's own files are told: the store, its tests, and the method
 * that copies a value. Pure; every text in it is Go, made from names that the FCS has checked.
 * All results belong to the caller. */
#ifndef GC_COORDINATOR_STRUCTURAL_ENTITY_H
#define GC_COORDINATOR_STRUCTURAL_ENTITY_H

#include <stdbool.h>

#include "coordinator/plan_private.h"

/* What a Go type without stars and brackets is good for. */
typedef enum structural_class {
    STRUCTURAL_STRING, /* also the type of an enum */
    STRUCTURAL_INTEGER,
    STRUCTURAL_FLOAT,
    STRUCTURAL_BOOL,
    STRUCTURAL_TIME,
    STRUCTURAL_BYTES,
    STRUCTURAL_ANY,
    STRUCTURAL_ENTITY,
    STRUCTURAL_OTHER /* of a third party: copied by assignment */
} structural_class;

structural_class structural_class_of(const char *type, const plan_field *field);

/* "order item" for OrderItem. */
char *structural_noun(const plan_entity *pe);

/* orderItemStore for the file order_item_store.go: what its helpers' names begin with. */
char *structural_helper(const plan_entity *pe, const char *tail);

void structural_take(gc_tell *data, const char *key, char *text); /* frees it */
void structural_add(gc_tell *list, char *text);                   /* frees it */

/* The list, and whether there is anything in it. */
void structural_set_list(gc_tell *data, const char *key, const char *has_key,
                         gc_tell *list);

/* Imports into `to` those packages that `type`, written with the names of `from`, uses. */
void structural_import(plan_promise *to, const plan_promise *from, const char *type);

/* Imports a package that is not home; `key` gets its name. */
void structural_import_package(gc_tell *data, const char *key, plan_promise *p,
                               const plan_pkg *pkg);

/* All fields of an entity as a file sees them. Their imports are kept apart: a file imports
 * only what it uses of them. */
typedef struct structural_fields {
    plan_promise all;
    plan_field *items;
    size_t count;
} structural_fields;

/* With the package names that `p` uses already. */
structural_fields structural_open_fields(const plan_promise *p, const plan_entity *pe);
void structural_close_fields(structural_fields *fields);

/* STRUCTURAL_OTHER: the key is no plain value. */
structural_class structural_key_class(const plan_entity *pe);

/* The store gives an item without a key one. False: the client chooses it. */
bool structural_assigns_key(const plan_ctx *ctx, const plan_entity *pe);

/* The key's type as p's home sees it; imports what it needs of the project. */
char *structural_key_type(plan_promise *p, const plan_entity *pe);

/* Has its values an order and an equality? */
bool structural_can_order(structural_class class);

/* Sets `std` and `own`: the import lines that `promise` has gathered, in gofmt's groups. */
void structural_set_imports(gc_tell *data, const plan_promise *promise);

/* A Go expression of a value that differs for each value of the Go variable n. */
char *structural_sample(const char *type, structural_class class, const char *label);

/* Is the key a plain value that can be ordered, and each unique field comparable? What is
 * not, a template cannot store. */
bool structural_store_fits(const plan_ctx *ctx, const plan_entity *pe);

gc_tell *structural_store(const plan_ctx *ctx, const plan_entity *pe,
                          const plan_pkg *errors);
gc_tell *structural_store_test(const plan_ctx *ctx, const plan_entity *pe,
                               const plan_pkg *errors, const char *function);

/* A file with the entity's method that copies. */
gc_tell *structural_clone_file(const plan_ctx *ctx, const plan_entity *pe);

/* The statements by which deepCopy, a plain copy of *m, comes to share nothing with it; ""
 * if it never does. *needs_any: they call `helper`Value. */
char *structural_clone(plan_promise *promise, const plan_entity *pe, const char *helper,
                       bool *needs_any);

#endif
