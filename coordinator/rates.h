/* What a byte of a prompt, an answer for a file and a token of it take: the models table,
 * corrected by what was measured of every real call. Pure. */
#ifndef GC_COORDINATOR_RATES_H
#define GC_COORDINATOR_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/models.h"
#include "common/store.h"
#include "coordinator/plan.h"

/* What a byte and a token take: the models table, corrected by what was measured. */
typedef struct gc_rates {
    double bytes_per_token;        /* of answers */
    double marked_bytes_per_token; /* of what the cache mark covers of a prompt */
    double plain_bytes_per_token;  /* of the rest */
    double wait_s;                 /* to the first event of a call */
    double seconds_per_token;      /* of output, from then on */
    double tokens_per_byte;        /* of answers for kinds that were not measured */
    double table_tokens_per_byte;  /* of answers, as the models table has it */
    double thinking_tokens;        /* of each call, beside those that were measured */
    gc_measured measured;          /* calls 0: none of it */
    int64_t counted;               /* prompts that the provider counted, 0: none */
} gc_rates;

/* The table's figures. */
void gc_rates_init(gc_rates *self, const gc_model *model);

/* What was measured replaces them, as far as it goes. */
void gc_rates_learn(gc_rates *self, const gc_measured *measured);

/* Under which name the answers for such a file are measured: its kind, of a test also that of
 * what it tests ("test:service"), of a listed file whether types are promised of it
 * ("source:types"). Static or the file's own. */
const char *gc_rates_kind(const gc_plan_file *file);

/* Output tokens expected for one file, without the thinking of its call: as files of its kind
 * took, corrected by how much more or less is promised of it than of them. For a kind that
 * nobody measured, between two guesses, nearer to the one that would have told the measured
 * kinds better: tokens per expected byte, and so many for a file and each promised byte. */
double gc_rates_output(const gc_rates *self, const gc_plan_file *file);

/* The same for the order of calls: of a kind that nobody measured the larger of what others
 * took and what the table says, since a long call that begins late is what costs time. */
double gc_rates_output_most(const gc_rates *self, const gc_plan_file *file);

/* What was measured of answers for such files: tokens per expected byte; per 0: nothing. */
gc_ratio gc_measured_output(const gc_measured *self, const gc_plan_file *file);

/* Seconds of one call. */
double gc_rates_seconds(const gc_rates *self, double output_tokens);

/* What the provider counted of prompts that are about to be sent: bytes per token. */
typedef struct gc_counted {
    int64_t prompts;
    gc_ratio marked, plain; /* per 0: not counted */
} gc_counted;

/* It replaces what is known of prompts, as far as it goes. */
void gc_rates_count(gc_rates *self, const gc_counted *counted);

/* False: nothing was measured of such files, their output is guessed from other kinds. */
bool gc_rates_know(const gc_rates *self, const gc_plan_file *file);

#define GC_RATES_SOURCE 160

/* "measured over 17 calls" or "from the models table"; behind "prompts counted by the
 * provider, the rest " if they were; says how many files of the run are not known. */
void gc_rates_source(const gc_rates *self, size_t guessed_files, char *out, size_t size);

/* ---- what a call teaches ---- */

typedef struct gc_lesson_file {
    const char *kind;
    size_t expected_bytes;
    int64_t output_tokens;
    size_t promised_bytes;
} gc_lesson_file;

/* One answered call for all of its files. */
typedef struct gc_lesson {
    int64_t prompt_bytes, marked_bytes;
    gc_usage usage;
    double wait_s, seconds;
    const gc_lesson_file *files;
    size_t file_count;
} gc_lesson;

/* Adds the call to the sums. What is out of all reason (no output, a token of many bytes)
 * teaches nothing. */
void gc_measured_add(gc_measured *self, const gc_lesson *lesson);

#endif
