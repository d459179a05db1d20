/* The plan: every file of the project with kind, purpose, what it promises to declare and
 * what it needs. Deterministic from the FCS, no LLM. Pure. */
#ifndef GC_COORDINATOR_PLAN_H
#define GC_COORDINATOR_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/fcs.h"
#include "common/strv.h"

typedef enum gc_file_how {
    GC_BY_TEMPLATE,
    GC_BY_LLM
} gc_file_how;

/* Contract edges need only what the other file promises and delay nothing; real edges wait
 * for the file, since the model invents its surface. */
typedef enum gc_edge_kind {
    GC_EDGE_CONTRACT,
    GC_EDGE_REAL
} gc_edge_kind;

typedef struct gc_edge {
    size_t file; /* index into gc_plan.files */
    gc_edge_kind kind;
} gc_edge;

typedef struct gc_plan_file {
    char *path;        /* relative, '/' */
    char *dir;         /* folder of the path, "" for the root */
    char *package;     /* Go package name, "" if no Go file */
    char *import_path; /* of its package, "" if no Go file */
    const char
        *kind; /* model, store, service, handler, errors, config, server, main, cli,
                          test, source (explicit), project (no Go), migration (SQL) */
    char *purpose;
    gc_file_how how;
    bool extra; /* only there because templates are: without them no call would make it */
    const char *template_name; /* asset below templates/project/, NULL for the LLM */
    char *template_data;  /* JSON: what a Go template is told; NULL: the FCS is enough */
    gc_strv entities;     /* go_names in full */
    gc_strv neighbours;   /* go_names named only, with key and signatures */
    gc_strv contracts;    /* ids */
    gc_strv requirements; /* ids */
    char *promise;  /* body of its <generate> element: import lines, then declarations
                             without function bodies; "" if nothing is promised */
    gc_edge *edges; /* by file index */
    size_t edge_count;
    size_t level;          /* longest chain of real edges below it */
    size_t expected_bytes; /* of the answer, for estimates and grouping */
} gc_plan_file;

/* A Go package of the project. */
typedef struct gc_plan_package {
    char *name;
    char *dir; /* "" for the root */
    char *import_path;
    char *purpose; /* untrusted if it comes from the spec */
} gc_plan_package;

typedef struct gc_plan {
    gc_plan_file *files; /* by path */
    size_t file_count;
    gc_plan_package *packages; /* by dir */
    size_t package_count;
    size_t level_count;
    gc_strv notes; /* what the plan had to decide and a user may want to know */
} gc_plan;

typedef struct gc_plan_options {
    bool templates;   /* false: the LLM writes the project files too */
    size_t max_files; /* GC_ETOOBIG over it */
    bool structural;  /* with templates: they write the Go that the FCS determines, too */
} gc_plan_options;

/* GC_EINVAL: the explicit `files:` are wrong (cycle, unknown dependency, duplicate); each
 * finding is in `diags` with its place in the spec. GC_ETOOBIG: over max_files. */
GC_MUST_CHECK gc_err gc_plan_make(const gc_fcs *fcs, const gc_plan_options *options,
                                  gc_diags *diags, gc_plan **out);
void gc_plan_destroy(gc_plan **self_p);

/* The longest way through the real edges, `weight` counted per file. */
double gc_plan_critical(const gc_plan *self, const double *weight);

/* The same; remaining[i] gets the longest way from file i through those who wait for it, its
 * own weight included. */
double gc_plan_remaining(const gc_plan *self, const double *weight, double *remaining);

/* How many calls at most wait for each other: 1 if no file that the model writes waits for
 * another such file, 0 if the model writes none. */
size_t gc_plan_waves(const gc_plan *self);

/* The files by level, in the order of their paths; free() it. */
size_t *gc_plan_order(const gc_plan *self);

/* Index of `path`, or -1. */
long gc_plan_find(const gc_plan *self, const char *path);

#endif
