/* A random specification that can be edited at random and stays valid: entities with fields,
 * relations, contracts, requirements, or an explicit list of files with dependencies. The
 * same seed gives the same specifications, everywhere. */
#ifndef GC_TESTS_SUPPORT_RANDOM_SPEC_H
#define GC_TESTS_SUPPORT_RANDOM_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* splitmix64 (https://prng.di.unimi.it/splitmix64.c) */
typedef struct random_source {
    uint64_t state;
} random_source;

/* 0 .. below - 1 */
size_t random_below(random_source *self, size_t below);

typedef struct random_spec random_spec;

/* `files`: with an explicit plan. */
random_spec *random_spec_new(uint64_t seed, bool files);
void random_spec_destroy(random_spec **self_p);

/* One edit. Says what it was, static words; "" if it was none, and only the layout of
 * random_spec_yaml() is another one. */
const char *random_spec_edit(random_spec *self);

/* As YAML, with comments, the order of lists and of keys drawn anew each time: they carry no
 * meaning. free() it. */
char *random_spec_yaml(random_spec *self);

#endif
