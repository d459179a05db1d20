/* Which layout of the prompts costs least: what of the specification and of the symbol table
 * stands in the prefix that all calls share, what goes to each task alone, and whether the
 * prefix is marked for the cache. Only prices of the prompt count: the answers are the same.
 * Pure and deterministic. */
#ifndef GC_COORDINATOR_LAYOUT_H
#define GC_COORDINATOR_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/models.h"

typedef struct gc_layout {
    bool whole_spec; /* the whole specification in the prefix, else each task's slice */
    bool whole_symbols; /* the whole symbol table in the prefix, else each task's part */
    bool marked;        /* the prefix goes to the provider's cache */
} gc_layout;

/* Bytes; those of the tasks are sums over all calls. */
typedef struct gc_layout_sizes {
    size_t calls;
    size_t base;         /* system and project without a table */
    size_t symbols;      /* whole symbol table with the list of packages */
    size_t shared;       /* text of the specification that concerns all files */
    size_t spec;         /* the whole specification */
    size_t task_base;    /* promises, surfaces and purposes of the tasks */
    size_t task_context; /* their slices of the specification */
    size_t task_symbols; /* their parts of the symbol table */
    size_t max_output;   /* tokens: the most that a call may answer */
} gc_layout_sizes;

typedef struct gc_layout_rules {
    bool filter;        /* false: the whole specification always */
    bool cache;         /* false: no marks */
    bool one_hour;      /* the prefix is written for an hour, not for five minutes */
    double window_part; /* of the model's context that prompt and answer may fill */
} gc_layout_rules;

typedef struct gc_layout_option {
    gc_layout layout;
    gc_usage usage; /* all calls, prompts only */
    double usd;     /* 0 if the model has no prices */
    double weight;  /* what is compared: dollars, or full-price tokens without prices */
    const char *refused; /* why it cannot be taken; NULL if it can */
} gc_layout_option;

#define GC_LAYOUT_OPTIONS 8

/* All alternatives in a fixed order. Returns the index of the cheapest that can be taken, the
 * first of equals; if none fits the window, the smallest one that the rules allow. */
size_t gc_layout_choose(const gc_model *model, const gc_layout_sizes *sizes,
                        const gc_layout_rules *rules,
                        gc_layout_option options[GC_LAYOUT_OPTIONS]);

/* What calls are compared by: dollars, or full-price tokens if the model has no prices. */
double gc_layout_weight(const gc_model *model, const gc_usage *usage);

/* "filtered specification, whole symbol table, cached". */
const char *gc_layout_str(const gc_layout *self);

#endif
