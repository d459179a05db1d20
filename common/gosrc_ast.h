/* Private to gosrc: the declarations of a Go file. Types are kept as normal text, in which
 * two types are the same Go type exactly if their texts are equal: parameter names, grouping
 * and parentheses are gone, a qualifier is the quoted import path (`"context".Context`),
 * interface{} is any, uint8 is byte, rune is int32. All strings live as long as the file. */
#ifndef GC_COMMON_GOSRC_AST_H
#define GC_COMMON_GOSRC_AST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/map.h"
#include "common/strv.h"

#define GC_GO_MAX_SOURCE ((size_t)8 << 20)
#define GC_GO_MAX_NAME 255

typedef struct gc_go_import {
    const char *alias; /* as written: NULL, "_", "." or a name */
    const char *path;
    const char *name;    /* the alias, or what the path says */
    const char *other;   /* what the hints call it, if that differs; else NULL */
    const char *used_as; /* the last qualifier that meant it, NULL if none */
    bool certain;        /* `name` is no guess */
    int line;
} gc_go_import;

/* A field, a method, or an element of an interface. */
typedef struct gc_go_member {
    const char *name;   /* "" for an interface element without a name */
    const char *type;   /* of a method: its signature "(A, B) C" */
    const char *tag;    /* as written, "" if none */
    const char *source; /* as written, names and type on one line */
    bool embedded;
    int line;
} gc_go_member;

typedef struct gc_go_members {
    gc_go_member *items;
    size_t count;
    size_t cap;
} gc_go_members;

typedef enum gc_go_decl_kind {
    GC_GO_CONST,
    GC_GO_VAR,
    GC_GO_TYPE,
    GC_GO_FUNC
} gc_go_decl_kind;

typedef enum gc_go_form {
    GC_GO_OTHER,
    GC_GO_STRUCT,
    GC_GO_OPEN_STRUCT, /* of a promise: `type X struct`, whatever its fields */
    GC_GO_INTERFACE
} gc_go_form;

typedef struct gc_go_decl {
    gc_go_decl_kind kind;
    gc_go_form form;
    const char *name;
    const char *receiver; /* base type of a method, else NULL */
    bool pointer;         /* receiver is a pointer */
    bool alias;           /* type A = B */
    const char *params;   /* "[K comparable, V any]" or "" */
    gc_strv param_names;  /* of the type parameters; of a method: the receiver's */
    const char *type;     /* "" if a constant or variable states none */
    const char *value;    /* of a constant, if it is made of literals; else "" */
    const char *source;   /* as written, the first line without a body */
    bool body;            /* a function that has one */
    gc_go_members members;
    int line;
} gc_go_decl;

/* A qualifier that no import explains. */
typedef struct gc_go_stray {
    const char *name;
    int line;
} gc_go_stray;

typedef struct gc_go_file {
    const char *package;
    int package_line;
    gc_go_import **imports;
    size_t import_count;
    size_t import_cap;
    gc_go_decl *decls;
    size_t decl_count;
    size_t decl_cap;
    gc_go_stray *strays;
    size_t stray_count;
    size_t stray_cap;
    gc_map *selected; /* every x of an `x.` in the file */
    gc_map *exact;    /* import by its name */
    gc_map *guesses;  /* import by what its package may be called */
    gc_strv texts;    /* owns the strings */
    size_t text_bytes;
} gc_go_file;

typedef struct gc_go_parse_options {
    bool promise;            /* no package clause; `type X struct` may end there */
    const gc_go_file *hints; /* its aliases tell package names; may be NULL */
    bool borrow;             /* qualifiers without import resolve through `hints` too */
} gc_go_parse_options;

/* GC_EPROTO: `info` says where and what. */
GC_MUST_CHECK gc_err gc_go_parse(const char *src, size_t len,
                                 const gc_go_parse_options *options, gc_go_file **out,
                                 gc_errinfo *info);
void gc_go_file_destroy(gc_go_file **self_p);

/* Copies into the file's strings; NULL if the file holds too many already. */
const char *gc_go_keep(gc_go_file *self, const char *mem, size_t len);
const char *gc_go_keepf(gc_go_file *self, const char *fmt, ...) GC_PRINTF(2, 3);

/* `path` is imported as `alias` (may be NULL). */
void gc_go_add_import(gc_go_file *self, const char *path, const char *alias, int line,
                      const gc_go_file *hints);

/* The import that `qualifier` means, or NULL. */
gc_go_import *gc_go_resolve(const gc_go_file *self, const char *qualifier);

/* What a package at `path` is called if it follows the custom: the last element, without a
 * major version; "" if that is no identifier. Writes at most GC_GO_MAX_NAME bytes. */
void gc_go_package_name(const char *path, char out[GC_GO_MAX_NAME + 1]);

/* Is this an identifier that other packages see? */
bool gc_go_is_exported(const char *name);

/* Walks normal text: the next `"path".` at or after `from`; its start, and in *path and
 * *path_len what is between the quotes; NULL at the end. The name follows at
 * *path + *path_len + 2. */
const char *gc_go_next_qualifier(const char *from, const char **path, size_t *path_len);

/* Normal text with the i-th of `names` written as $i, so that the names of type parameters
 * do not matter. free() it. */
char *gc_go_with_numbers(const char *normal, const gc_strv *names);

#endif
