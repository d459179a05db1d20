/* The inside of gc_fcs_build(): what the readers of the accepted shapes collect before
 * names are resolved. The structs wrap those of the FCS; until gc_spec_finish() their
 * references hold the names as written. Included by common/spec_*.c, fcs*.c and clarify.c
 * only. */
#ifndef GC_COMMON_SPEC_H
#define GC_COMMON_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/diag.h"
#include "common/doc.h"
#include "common/fcs.h"
#include "common/map.h"
#include "common/spec_words.h"
#include "common/strv.h"

#define GC_SPEC_MAX_NAME 200    /* bytes of a name */
#define GC_SPEC_MAX_PATH 240    /* bytes of a path */
#define GC_SPEC_MAX_FIELDS 1000 /* of an entity */
#define GC_SPEC_MAX_VALUES 1000 /* of an enum, and of a field's constraints */
#define GC_SPEC_TEXT_LIMIT ((size_t)64 << 20)

typedef struct gc_spec_field {
    gc_field field;
    const gc_node *at;
    bool optional;  /* nullable: a pointer in Go */
    bool open_enum; /* its list of values ended in "..." */
    bool is_enum;
} gc_spec_field;

typedef struct gc_spec_entity {
    gc_entity entity;
    const gc_node *at;
    gc_diags *diags; /* of the file that its fields come from */
    gc_spec_field *fields;
    size_t field_count;
    size_t field_cap;
    bool over_limit; /* said once */
} gc_spec_entity;

typedef struct gc_spec_relation {
    gc_relation relation;
    const gc_node *at;
    const gc_node *foreign_key; /* name of the field that holds it, or NULL */
} gc_spec_relation;

typedef struct gc_spec_requirement {
    gc_requirement requirement;
    const gc_node *at;
    const gc_node *entities; /* a name or a list of names, or NULL */
    char *owner;             /* entity that it was written below, or NULL */
    bool id_given;
} gc_spec_requirement;

typedef struct gc_spec_contract {
    gc_contract contract;
    const gc_node *at;
} gc_spec_contract;

typedef struct gc_spec_package {
    gc_package package;
    bool implied; /* its path was made of its name */
    const gc_node *at;
    const gc_node *entities;
} gc_spec_package;

typedef struct gc_spec_path {
    gc_spec_file file;
    const gc_node *at;
    const gc_node *entities;
    const gc_node *depends_on;
} gc_spec_path;

typedef struct gc_spec_module {
    gc_module_dep module;
    const gc_node *at;
} gc_spec_module;

typedef struct gc_spec {
    gc_fcs *fcs; /* what needs no resolving goes there at once */
    gc_diags *diags;
    gc_diags *answer_diags; /* NULL without answers */
    const gc_node *root;
    size_t max_entities; /* 0: no limit */
    bool over_limit;     /* said once */
    size_t nearest_left; /* budget for "did you mean" */
    char *kind;          /* as the spec says it, or NULL */
    char *stated_module; /* or NULL */

    gc_spec_entity *entities;
    size_t entity_count, entity_cap;
    gc_spec_relation *relations;
    size_t relation_count, relation_cap;
    gc_spec_requirement *requirements;
    size_t requirement_count, requirement_cap;
    gc_spec_contract *contracts;
    size_t contract_count, contract_cap;
    gc_spec_package *packages;
    size_t package_count, package_cap;
    gc_spec_path *files;
    size_t file_count, file_cap;
    gc_spec_module *modules;
    size_t module_count, module_cap;

    gc_word_index *names; /* of the entities, once they are named */
    gc_map *enums;        /* name in lower case -> gc_node of its values; NULL: none */
    gc_map *answers;      /* question id -> gc_node, or NULL */
    gc_map *asked;        /* question id -> question was raised */
    size_t question_cap;

    gc_node **made; /* nodes for what Markdown says in lines and tables */
    size_t made_count, made_cap;
} gc_spec;

/* ---- spec.c: findings, texts, names, paths ---- */

void gc_spec_error(gc_spec *self, const gc_node *at, const char *fmt, ...)
    GC_PRINTF(3, 4);
void gc_spec_warn(gc_spec *self, const gc_node *at, const char *fmt, ...) GC_PRINTF(3, 4);

/* Records a renaming and warns about it. */
void gc_spec_rename(gc_spec *self, gc_diags *diags, const gc_node *at, const char *fmt,
                    ...) GC_PRINTF(4, 5);

/* "a list", "a map", ... */
const char *gc_spec_kind_words(const gc_node *node);
bool gc_spec_is_null(const gc_node *node); /* absent, null or empty text */
bool gc_spec_is_text(const gc_node *node); /* scalar or null */

/* NFC and trimmed; "" for nothing. A list or map is an error that names `what`. free(). */
char *gc_spec_text(gc_spec *self, const gc_node *node, const char *what);

/* qsort() that takes an empty list. */
void gc_spec_sort(void *items, size_t count, size_t size,
                  int (*order)(const void *, const void *));

/* The first value of `map` whose key is in `list` (in the order of `list`), or NULL. */
const gc_node *gc_spec_pick(const gc_node *map, const char *list);

/* Refuses what no name may hold; `what` is "entity name" or the like. */
bool gc_spec_name_ok(gc_spec *self, gc_diags *diags, const gc_node *at, const char *what,
                     const char *name);

/* Checks and cleans a relative path ("./a//b" -> "a/b"); NULL after an error. free(). */
char *gc_spec_path_clean(gc_spec *self, const gc_node *at, const char *what,
                         const char *path);

/* Warns about a key that nothing reads; `known` is a list as above. */
void gc_spec_unknown_key(gc_spec *self, const gc_node *key, const char *where,
                         const char *known);

/* The nearest entity name for an unknown one, or NULL; has a budget per spec. */
const char *gc_spec_nearest_entity(gc_spec *self, const char *name);

/* ---- spec_text.c: texts; what is returned as char * is to be freed ---- */

/* Any tree as one text: scalars as they are, the rest as {key: value} and [a, b], keys
 * sorted. free(). */
char *gc_spec_flat(const gc_node *node);

/* A copy without blanks at both ends, NFC. free(). */
char *gc_spec_trim(const char *text);

/* A copy without Markdown emphasis and code marks around words, trimmed. free(). */
char *gc_spec_plain(const char *text);

/* `key` in small letters with underscores: minLength -> min_length. free(). */
char *gc_spec_key(const char *key);

/* Replaces *slot (malloc'ed) by `text` (taken). */
void gc_spec_set(char **slot, char *text);

/* True if `key` is one of the words of `list`, which are separated by blanks. */
bool gc_spec_is_one_of(const char *key, const char *list);

/* Where `key` stands in such a list, or NULL. */
const char *gc_spec_place_in(const char *key, const char *list);

/* The first `len` bytes, trimmed. */
char *gc_spec_slice(const char *text, size_t len);

/* ASCII letters made small. */
char *gc_spec_lower(const char *text);

/* Small letters, runs of blanks, '-' and '_' as one blank. free(). */
char *gc_spec_normal(const char *text);

/* Position of the first `c` outside of brackets, or of the end. */
size_t gc_spec_find_outside(const char *text, char c);

/* If `text` is a head, a bracket and what it holds up to the end: both, trimmed. */
bool gc_spec_split_call(const char *text, char **head, char **inner);

/* ---- additions; the returned item is valid until the next addition of its kind ---- */

/* NULL after an error. `name` is copied. */
gc_spec_entity *gc_spec_add_entity(gc_spec *self, const gc_node *at, const char *name);
gc_spec_field *gc_spec_add_field(gc_spec *self, gc_spec_entity *entity, const gc_node *at,
                                 const char *name);
gc_spec_relation *gc_spec_add_relation(gc_spec *self, const gc_node *at);
gc_spec_requirement *gc_spec_add_requirement(gc_spec *self, const gc_node *at,
                                             const char *kind);
gc_spec_contract *gc_spec_add_contract(gc_spec *self, const gc_node *at);
gc_spec_package *gc_spec_add_package(gc_spec *self, const gc_node *at);

void gc_spec_entity_release(gc_spec_entity *entity);
void gc_spec_field_release(gc_spec_field *field);
void gc_spec_package_release(gc_spec_package *package);

/* Adds a constraint unless it is there; past the limit the rest is ignored. */
void gc_spec_add_constraint(gc_spec_field *field, const char *text);

/* Adds a value of an enum without its quotes, or notes that "..." ends the list. False if
 * it is there already or one too many. */
bool gc_spec_add_value(gc_spec_field *field, const char *text);

/* The values of an enum, as text, list or map: spec_field.c. */
void gc_spec_read_values(gc_spec *self, gc_spec_field *field, const gc_node *node);

/* Beside the type: spec_modifier.c. One of "required", "unique", "max 10", "default x"; what
 * is none of them is a constraint. */
void gc_spec_read_modifier(gc_spec_field *field, const char *text);

/* A number with a format of OpenAPI (int32, int64, float, double): the Go type and the words
 * for it, in place of the constraint, which goes. NULL: it has none. */
const char *gc_spec_number_format(gc_spec_field *field, const char *go,
                                  const char **said);

/* What `inner` of "string(255)", "decimal(10, 2)", "integer (1-5)" says of the Go type. */
void gc_spec_add_size(gc_spec_field *field, const char *go, const char *inner);

/* Enums with a name, which are types of fields: spec_enum.c. */
void gc_spec_read_enums(gc_spec *self, const gc_node *node);
const gc_node *gc_spec_find_enum(const gc_spec *self, const char *name); /* or NULL */

/* ---- readers ---- */

void gc_spec_read_root(gc_spec *self, const gc_node *root);    /* spec_read.c */
void gc_spec_read_project(gc_spec *self, const gc_node *root); /* spec_project.c */
bool gc_spec_is_std_root(const char *name);
void gc_spec_read_module(gc_spec *self, const gc_node *node);
void gc_spec_read_go_version(gc_spec *self, const gc_node *node);
void gc_spec_read_build(gc_spec *self, const gc_node *node);
void gc_spec_read_testing(gc_spec *self, const gc_node *node);
void gc_spec_read_architecture(gc_spec *self, const gc_node *node); /* spec_arch.c */
void gc_spec_read_packages(gc_spec *self, const gc_node *node);
void gc_spec_read_dependencies(gc_spec *self, const gc_node *node);
void gc_spec_read_patterns(gc_spec *self, const gc_node *node);
void gc_spec_read_files(gc_spec *self, const gc_node *node);
void gc_spec_read_data_model(gc_spec *self, const gc_node *node); /* spec_entity.c */
void gc_spec_read_entities(gc_spec *self, const gc_node *node);
void gc_spec_read_fields(gc_spec *self, size_t entity,
                         const gc_node *node); /* spec_field.c */

/* One field in a line: "name: type", "name type", "name (type) - description". */
void gc_spec_field_line(gc_spec *self, size_t entity, const gc_node *at,
                        const char *line);

/* A list of such fields between commas, outside of brackets. */
void gc_spec_field_list(gc_spec *self, size_t entity, const gc_node *at,
                        const char *line);

/* Tells "id, total: decimal" from a sentence. */
bool gc_spec_looks_like_fields(const char *text);

/* True if `text` names a type that needs no entity. */
bool gc_spec_is_type_word(const char *text);

/* The Go type of a normal word and in *said the type with synonyms unified; or NULL. */
const char *gc_spec_type_word(const char *word, const char **said);

/* Whether a Go type may be the key of a map. */
bool gc_spec_is_map_key(const char *go);

/* Whether Go code uses the module `path` by this name: the last part that is no version. */
bool gc_spec_module_has_name(const char *path, const char *name, size_t len);

/* `owner` is the entity that the relations were written below, or NULL. */
void gc_spec_read_relations(gc_spec *self, const gc_node *node, const char *owner);
void gc_spec_relation_line(gc_spec *self, const gc_node *at, const char *line,
                           const char *owner);

void gc_spec_read_requirements(gc_spec *self, const gc_node *node, const char *kind);
void gc_spec_requirement_text(gc_spec *self, const gc_node *at, const char *kind,
                              const char *category, const char *text);

/* Rules written below an entity. */
void gc_spec_read_rules(gc_spec *self, const gc_node *node, const char *owner);

void gc_spec_read_contracts(gc_spec *self, const gc_node *node);

/* "POST /users - description"; false if the line does not start like that. */
bool gc_spec_contract_line(gc_spec *self, const gc_node *at, const char *line);
void gc_spec_read_body(gc_spec *self, const gc_node *body); /* spec_markdown.c */
void gc_spec_release_made(gc_spec *self);

/* ---- resolving ---- */

void gc_spec_name_entities(gc_spec *self); /* fcs_names.c */
void gc_spec_name_fields(gc_spec *self, gc_spec_entity *entity);
void gc_spec_name_packages(gc_spec *self);
void gc_spec_name_enums(gc_spec *self);

/* Makes the names unique in `used` and claims them. */
void gc_spec_claim_field(gc_map *used, gc_field *field);
int gc_spec_by_field(const void *a, const void *b); /* qsort: id first, then by name */

/* Fills go_type, ref and the like from the written type. */
void gc_spec_resolve_type(gc_spec *self, gc_spec_entity *entity, gc_spec_field *field);

/* Warns of bounds that cannot be meant; its type is resolved. */
void gc_spec_check_bounds(gc_spec *self, const gc_spec_field *field);

/* Index of the entity that `name` means, or SIZE_MAX. */
size_t gc_spec_find_entity(const gc_spec *self, const char *name);

/* The same by go_name, exactly. Entities are sorted by it once they are named. */
size_t gc_spec_find_go(const gc_spec *self, const char *go_name);

/* Names in relations, packages, files, contracts and requirements become go_names. */
void gc_spec_resolve_links(gc_spec *self); /* fcs_links.c */

void gc_spec_resolve_requirements(gc_spec *self); /* fcs_require.c */
int gc_spec_by_requirement(const void *a, const void *b);

/* Appends the go_names of "A, B", [A, B] or {A: ..., B: ...}; an unknown one is an error
 * that starts with `where`. */
void gc_spec_resolve_list(gc_spec *self, const gc_node *node, const char *where,
                          gc_strv *out);

/* Sorts and drops what is there twice. */
void gc_spec_sort_unique(gc_strv *list);

/* Relations that no field says get one that holds the key of the other side. */
void gc_spec_hold_relations(gc_spec *self); /* fcs_hold.c */

/* The Go type of a reference to `target` by id. */
const char *gc_spec_id_type(const gc_spec_entity *target);

/* References between packages that would import each other become ids. */
void gc_spec_break_cycles(gc_spec *self); /* fcs_break.c */

/* "http", "cli" or "library", and whether SQL is asked for. */
void gc_spec_find_kind(gc_spec *self); /* fcs_kind.c */

/* ---- questions (clarify.c) ---- */

void gc_clarify_load(gc_spec *self, const gc_node *answers);

/* Before names are resolved: entities without fields get those of the answer. */
void gc_clarify_entities(gc_spec *self);

/* After: everything else. */
void gc_clarify_rest(gc_spec *self);

#endif
