/* Shared by the plan's own files: packages with their symbols, and entities with the names
 * that every file about them uses. */
#ifndef GC_COORDINATOR_PLAN_PRIVATE_H
#define GC_COORDINATOR_PLAN_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/fcs.h"
#include "common/map.h"
#include "common/spec_words.h"
#include "coordinator/plan.h"
#include "coordinator/tell.h"

#define PLAN_TEXT_LIMIT ((size_t)16 << 20)

typedef struct plan_entity plan_entity;

typedef struct plan_pkg {
    char *name;
    char *dir;
    char *import_path;
    char *purpose;
    gc_map *symbols;  /* top-level names taken in this package */
    size_t residents; /* entities that live here */
    const plan_entity *first_resident;
    gc_map
        *imports; /* dirs that its models import: keeps the import graph free of cycles */
    size_t visit; /* number of the last search that came here */
} plan_pkg;

/* Names are unique in their package; the package of each role may be the same one. */
struct plan_entity {
    const gc_entity *e;
    plan_pkg *model, *store, *service, *handler;
    char *stem;        /* file name stem, unique in the packages it is used in */
    char *type;        /* Order */
    char *id_field;    /* Go name of the key */
    char *id_type;     /* Go type of the key */
    bool id_added;     /* the spec names no key: the plan adds one */
    bool id_declared;  /* its type is declared beside the entity: an enum */
    char *validate;    /* method that checks an item; no field has its name */
    char *clone;       /* method that copies an item with all that it points to */
    char *store_type;  /* Store or OrderStore */
    char *memory_type; /* MemoryStore, or FileStore in a command line program */
    char *service_type;
    char *handler_type;
    bool *by_id;     /* per field: the reference would close an import cycle */
    gc_strv actions; /* methods beyond the five, from contracts: Cancel */
};

typedef struct plan_ctx {
    const gc_fcs *fcs;
    gc_plan *plan;
    bool http, cli;
    plan_pkg **pkgs;
    size_t pkg_count, pkg_cap;
    gc_map *pkg_by_dir;
    gc_arena *arena;        /* of what a template is told; reset once that is a text */
    size_t visits;          /* searches through imports so far */
    plan_entity *entities;  /* parallel to fcs->entities */
    gc_map *entity_by_name; /* go_name -> plan_entity */
    size_t file_cap;
    gc_map *file_by_path;       /* path -> index + 1 */
    gc_map *req_by_entity;      /* go_name -> gc_strv of requirement ids */
    gc_map *contract_by_entity; /* go_name -> gc_strv of contract ids */
    gc_map *rule_by_entity;     /* of those that gc_contract_is_rule names */
    gc_strv free_contracts;     /* those that belong to no entity */
    gc_map *package_by_name;    /* spec's packages */
    gc_map *package_by_path;
    gc_map *program_dirs;        /* folders with a main.go among the explicit files */
    gc_map *neighbours_of;       /* go_name -> gc_strv */
    gc_word_index *entity_words; /* of explicit files; index into fcs->entities */
    gc_strv general_reqs;        /* requirements that name no entity: they go to all */
    bool *asks_for_more; /* by requirement: no template does what it asks; NULL so far */
    struct structural_web_rules *web_rules; /* NULL so far */
} plan_ctx;

/* plan_names.c */
plan_pkg *plan_require_pkg(plan_ctx *ctx, const char *dir, const char *name,
                           const char *purpose);

/* `want`, or the first of want2, want3, ... that is free in the package; malloc'ed. */
char *plan_unique_symbol(plan_pkg *pkg, const char *want);
void plan_assign_entities(plan_ctx *ctx);

/* Is `name` one of the words for a layer: models, repository, services, handlers, ...? */
bool plan_is_layer(const char *name);
void plan_release_entities(plan_ctx *ctx);

/* Name of the type that an enum field declares, also if the field is a list of it.
 * Borrowed. */
const char *plan_enum_type(const gc_field *field);

/* `want`, or want2, ...: a struct has neither two fields nor a field and a method of one
 * name. malloc'ed. */
char *plan_free_member(const gc_entity *e, const char *want);

/* A folder below internal/ for cross-cutting code that no entity lives in; malloc'ed. */
char *plan_free_dir(plan_ctx *ctx, const char *base);

/* The same for code that users of a library need, too: there it is not below internal/. */
char *plan_free_open_dir(plan_ctx *ctx, const char *base);

/* plan_promise.c: a promise under construction for a file in `home`. */
typedef struct plan_promise {
    const plan_ctx *ctx;
    const plan_pkg *home;
    gc_map *alias_of; /* import path -> name used; names of one file are unique */
    gc_map *taken;    /* those names */
    gc_strv aliases;  /* their memory */
    gc_strv imports;  /* import lines */
    gc_buf body;
} plan_promise;

/* plan_files.c: the promise becomes the file's and is released. */
void plan_set_promise(plan_ctx *ctx, size_t file, plan_promise *promise,
                      size_t body_bytes);

/* A test of `subject` with `function` as its promised name, if that is free; its index. */
size_t plan_add_test(plan_ctx *ctx, size_t subject, const char *function, size_t bytes);

void plan_promise_init(plan_promise *self, const plan_ctx *ctx, const plan_pkg *home);
void plan_promise_release(plan_promise *self);

/* Imports `path`, which must outlive the promise, as `name` unless it is imported already; the
 * name that is used, borrowed. */
const char *plan_promise_import(plan_promise *self, const char *path, const char *name);

/* Imports a standard package, e.g. "context"; returns nothing: std names are never aliased. */
void plan_promise_std(plan_promise *self, const char *import_path);

/* `name` as seen from home: qualified and imported if it lives elsewhere. malloc'ed. */
char *plan_promise_ref(plan_promise *self, const plan_pkg *pkg, const char *name);

/* The finished text; free() it. */
char *plan_promise_take(plan_promise *self);

/* A field of an entity's struct as a file in `home` writes it. */
typedef struct plan_field {
    char *name;
    char *type; /* "*department.Department" */
    char *json;
    const char *omit; /* the option of its tag: "", ",omitempty" or ",omitzero" */
    const plan_entity *target; /* the entity that the type mentions, or NULL */
    char *target_type;         /* "department.Department", or NULL */
    const gc_field *spec;      /* NULL: the key that the plan adds */
} plan_field;

/* All of them, in the struct's order; imports what their types need. */
plan_field *plan_promise_fields(plan_promise *self, const plan_entity *pe, size_t *count);
void plan_fields_destroy(plan_field **fields_p, size_t count);

/* "type NAME struct {...}" in gofmt's columns. */
void plan_put_struct(gc_buf *out, const char *name, const plan_field *fields,
                     size_t count);

/* A Go string literal of text without control characters. */
void plan_put_quoted(gc_buf *out, const char *text);

void plan_promise_model(plan_promise *self, const plan_entity *pe);
void plan_promise_store(plan_promise *self, const plan_entity *pe);
void plan_promise_service(plan_promise *self, const plan_entity *pe);
void plan_promise_handler(plan_promise *self, const plan_entity *pe);
void plan_promise_test(plan_promise *self, const char *function);

/* plan_files.c: adding files. Returns the index. `kind` is borrowed, for good. */
size_t plan_add_file(plan_ctx *ctx, const char *path, const plan_pkg *pkg,
                     const char *kind);
/* The same edge may be added twice: the finished plan has it once. */
void plan_add_edge(plan_ctx *ctx, size_t from, size_t to, gc_edge_kind kind);
void plan_purpose(plan_ctx *ctx, size_t file, const char *fmt, ...) GC_PRINTF(3, 4);
void plan_about_entity(plan_ctx *ctx, size_t file, const plan_entity *pe);
void plan_entity_files(plan_ctx *ctx);
void plan_shared_files(plan_ctx *ctx);
void plan_project_files(plan_ctx *ctx, bool templates);

/* plan_packages.c: files for the packages that are described and that nothing fills so far. */
void plan_package_files(plan_ctx *ctx);

/* The wiring that the model writes may use those packages, and so waits for them. */
void plan_link_packages(plan_ctx *ctx);

/* plan_structural.c: marks the files that templates write, and adds those that only they
 * need. */
void plan_structural_files(plan_ctx *ctx);

/* plan_explicit.c: `files:` of the spec, exactly as given. GC_EINVAL: see diags. */
GC_MUST_CHECK gc_err plan_explicit_files(plan_ctx *ctx, gc_diags *diags);

/* plan_imports.c: warns of listed files that Go will not let import each other. */
void plan_check_imports(const gc_plan *plan, const gc_fcs *fcs, gc_diags *diags);

/* plan_words.c: what an explicit file is about if the spec does not say. */
void plan_words_open(plan_ctx *ctx);

/* go_names, sorted. "order_item.go" names OrderItem, not Order; "page.go" not Age. */
void plan_words_entities(const plan_ctx *ctx, const gc_spec_file *file, gc_strv *out);

/* Does `text` hold `id` as a whole word? */
bool plan_words_names(const char *text, const char *id);

#endif
