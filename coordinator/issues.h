/* What the Go tools say, as places in files: "path/file.go:12:3: text" in all the forms that
 * gofmt, go build, go vet and go test use. Pure. */
#ifndef GC_COORDINATOR_ISSUES_H
#define GC_COORDINATOR_ISSUES_H

#include <stddef.h>

typedef struct gc_issue {
    const char *check; /* borrowed: "go vet" */
    char *file;        /* relative to the project, "" if none is to blame */
    int line, column;  /* 0: unknown */
    char *text;        /* UTF-8 without control bytes */
} gc_issue;

/* Bounded: what comes after GC_ISSUES_MAX different ones is counted only. */
#define GC_ISSUES_MAX 1000
typedef struct gc_issues {
    gc_issue *items;
    size_t count, cap;
    size_t dropped;
} gc_issues;

void gc_issues_release(gc_issues *self);

/* Copies the issue's file and text, cleaned. One that is there already, of whatever check, is
 * not added again. */
void gc_issues_add(gc_issues *self, const gc_issue *issue);

typedef struct gc_issue_source {
    const char *check;   /* borrowed by the issues */
    const char *command; /* names the issue of an output without a place */
    const char *root;    /* absolute path of the project: panics name files by it */
    const char *dir; /* of the tested package, "": go test names its files without it */
} gc_issue_source;

/* Every line of `output` that names a place in the project; if none does, its first lines
 * are one issue. */
void gc_issues_collect(gc_issues *self, const gc_issue_source *source,
                       const char *output);

#endif
