/* The body of a <generate> element, taken apart: imports and declarations without function
 * bodies. Lenient: what it does not understand it leaves out. Pure. */
#ifndef GC_LLM_SIM_PROMISE_H
#define GC_LLM_SIM_PROMISE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/strv.h"

typedef enum gc_sim_decl_kind {
    GC_SIM_DECL_TYPE,
    GC_SIM_DECL_CONST,
    GC_SIM_DECL_VAR,
    GC_SIM_DECL_GROUP, /* a const group whose lines belong together (iota) */
    GC_SIM_DECL_FUNC
} gc_sim_decl_kind;

typedef struct gc_sim_param {
    char *name; /* "" if unnamed */
    char *type; /* "...T" for the variadic one */
} gc_sim_param;

typedef struct gc_sim_params {
    gc_sim_param *items;
    size_t count;
    size_t cap;
} gc_sim_params;

typedef struct gc_sim_decl {
    gc_sim_decl_kind kind;
    char *name;        /* "A, B" for a joint declaration */
    char *type_params; /* "[T any]" or "" */
    char *type;        /* type: what follows the name; const, var: the type or "" */
    char *value;       /* const, var: the initialiser, or NULL */
    bool method;
    char *receiver_name; /* "" if unnamed */
    char *receiver_type; /* "*Service" */
    gc_sim_params params;
    gc_sim_params results;
    gc_strv lines; /* of a group */
} gc_sim_decl;

typedef struct gc_sim_import {
    char *alias; /* "" if none */
    char *path;
    char *name; /* what the code says: the alias, or the last element of the path */
} gc_sim_import;

typedef struct gc_sim_promise {
    gc_sim_import *imports;
    size_t import_count;
    size_t import_cap;
    gc_sim_decl *decls;
    size_t decl_count;
    size_t decl_cap;
} gc_sim_promise;

void gc_sim_promise_parse(const char *text, gc_sim_promise *out);
void gc_sim_promise_release(gc_sim_promise *self);

/* The promised type `name`, or NULL. A leading '*' and type arguments do not matter. */
const gc_sim_decl *gc_sim_promise_type(const gc_sim_promise *self, const char *name);

/* True if any declaration has this name. */
bool gc_sim_promise_declares(const gc_sim_promise *self, const char *name);

/* The items of a block's inside (struct fields, interface methods, group lines): split at
 * line ends and semicolons outside brackets and strings, trimmed, blanks collapsed. */
void gc_sim_go_items(const char *text, size_t len, gc_strv *out);

/* What stands between the braces of "struct {…}" or "interface {…}"; NULL if there are
 * none. */
const char *gc_sim_go_braces(const char *type, size_t *len);

/* True if `name` is one Go identifier of ASCII letters, digits, '_' or any other script. */
bool gc_sim_go_is_ident(const char *name, size_t len);

#endif
