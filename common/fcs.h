/* FCS, the Final Clarified Specification: the checked, completed, canonical form of a spec.
 * Names are valid and unique Go identifiers, every list has its canonical order, so the
 * same meaning gives the same bytes. The model of everything behind it. */
#ifndef GC_COMMON_FCS_H
#define GC_COMMON_FCS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/diag.h"
#include "common/doc.h"
#include "common/err.h"
#include "common/hash.h"
#include "common/strv.h"

typedef struct gc_field {
    char *name;      /* as the spec wrote it (NFC) */
    char *go_name;   /* exported Go identifier, unique in the entity */
    char *json_name; /* snake_case */
    char *spec_type; /* the spec's word, synonyms unified: "email", "[]Order", "enum" */
    char *
        go_type; /* Go type, unqualified: "string", "[]Tag", "*time.Time", "map[string]int" */
    char *ref; /* go_name of the entity that the type mentions, or NULL */
    bool
        ref_by_id; /* the reference was broken up: go_type is an id type and ref stays for the record */
    bool required;
    bool unique;
    char *default_value; /* or NULL */
    char *description;   /* "" if none */
    gc_strv enum_values; /* in the spec's order; go_type is then <Entity><Field> */
    gc_strv constraints; /* "min=1", "max=100", "format=email", other words as they are */
} gc_field;

typedef struct gc_entity {
    char *name;    /* as the spec wrote it (NFC) */
    char *go_name; /* exported, unique: OrderItem */
    char *snake;   /* order_item: unique, safe as a file name stem */
    char *description;
    char *package;    /* name of the gc_package that holds it, or "" for one of its own */
    gc_field *fields; /* id first, then by name */
    size_t field_count;
} gc_entity;

typedef struct gc_relation {
    char *from; /* go_name */
    char *to;   /* go_name */
    char *kind; /* has_many, has_one, belongs_to, many_to_many, references */
    char *name; /* field or role name, "" if none */
    char *description;
    bool by_id; /* broken in this direction because of a cycle */
} gc_relation;

typedef struct gc_requirement {
    char *id;   /* as given, or derived from the text */
    char *kind; /* functional, non_functional, scenario, criterion */
    char *text; /* all of it, untrusted */
    char *priority;
    gc_strv
        entities; /* go_names it refers to: explicit, by name, by relation; none = all */
} gc_requirement;

typedef struct gc_contract {
    char *id; /* "POST /users" */
    char *method;
    char *path;
    char *name;
    char *description;
    char *request; /* text of the request shape, "" if none */
    char *response;
    char *entity; /* go_name, or "" */
} gc_contract;

typedef struct gc_package {
    char *name; /* Go package name */
    char *path; /* folder relative to the root: internal/user */
    char *purpose;
} gc_package;

typedef struct gc_spec_file {
    char *path;
    char *purpose;
    gc_strv entities;   /* go_names */
    gc_strv depends_on; /* paths */
    int line;           /* in the spec, for findings; no part of the canonical form */
    int column;
} gc_spec_file;

typedef struct gc_module_dep {
    char *path;    /* github.com/google/uuid */
    char *version; /* v1.6.0, or "" */
} gc_module_dep;

typedef struct gc_question {
    char *id; /* stable: from what it asks about, not from its place */
    char *text;
    char *subject; /* "entity Order", "requirement FR-003" */
    char *default_answer;
    char *answer; /* NULL while open */
    int line;
    int column;
} gc_question;

typedef struct gc_fcs {
    char *name; /* as written */
    char *app;  /* safe kebab/snake name for cmd/<app> */
    char *module_path;
    char *go_version; /* "1.22" */
    char *description;
    char *kind;          /* "http", "cli" or "library" */
    bool sql;            /* the spec asks for SQL storage */
    gc_entity *entities; /* by go_name */
    size_t entity_count;
    gc_relation *relations;
    size_t relation_count;
    gc_requirement *requirements; /* by id */
    size_t requirement_count;
    gc_contract *contracts; /* by path, method */
    size_t contract_count;
    gc_package *packages; /* by path */
    size_t package_count;
    gc_module_dep *modules; /* by path: third-party modules the spec names */
    size_t module_count;
    gc_strv patterns;
    gc_strv testing; /* testing strategy and build settings as "key: value" lines */
    gc_spec_file
        *files; /* in the spec's order (the order has no meaning), explicit plan */
    size_t file_count;
    gc_question *questions; /* by id */
    size_t question_count;
    gc_strv
        renames; /* "entity \"type\" is called Type_ in Go" : reported, not canonical */
    gc_strv broken_cycles; /* "Order.customer refers to Customer by id: ..." */
} gc_fcs;

/* Checks the tree and builds the FCS. All findings in one pass go to `diags`; GC_EINVAL if
 * any is an error. `answers` (NULL: none) is the tree of an answers file, either
 * {"answers":[{"question_id","answer"}]} or a flat map; its findings go to `answer_diags`,
 * which must be there if `answers` is. `max_entities` 0: no limit. Limits of its own: 200
 * bytes per name, 240 per path, 1000 fields per entity, 1000 values per enum. */
GC_MUST_CHECK gc_err gc_fcs_build(const gc_node *spec, const gc_node *answers,
                                  size_t max_entities, gc_diags *diags,
                                  gc_diags *answer_diags, gc_fcs **out);
void gc_fcs_destroy(gc_fcs **self_p);

/* Canonical JSON: sorted keys, no blanks, UTF-8; one trailing newline is not part of it. */
void gc_fcs_canonical(const gc_fcs *self, gc_buf *out);
gc_sha gc_fcs_sha(const gc_fcs *self);

/* Is the project's Go at least 1.`minor`? */
bool gc_fcs_go_has(const gc_fcs *self, int minor);

/* Borrowed, or NULL. */
const gc_entity *gc_fcs_entity(const gc_fcs *self, const char *go_name);

/* The field that the spec calls the primary key; if that is several fields, or another entity,
 * the one called "id". NULL: there is none. */
const gc_field *gc_entity_key(const gc_entity *self);

#endif
