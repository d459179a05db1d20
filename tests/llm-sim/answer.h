/* The text of an answer: the wanted files in the form that the prompt asks for, or spoilt
 * on demand. Pure. */
#ifndef GC_LLM_SIM_ANSWER_H
#define GC_LLM_SIM_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/hash.h"
#include "tests/llm-sim/faults.h"
#include "tests/llm-sim/wanted.h"

#define GC_SIM_ANSWER_MAX ((size_t)64 << 20)

/* What the system prompt says of the project. */
typedef struct gc_sim_project {
    char *module;     /* "example.com/app" if it says nothing */
    char *go_version; /* "1.22" if it says nothing */
} gc_sim_project;

/* Looks for lines that begin with "module path: X" or "module X", and with "go version:
 * 1.22" or "go 1.22", in any case of letters. */
void gc_sim_project_read(const char *system, gc_sim_project *out);
void gc_sim_project_release(gc_sim_project *self);

/* True if `system` asks for a JSON array instead of <file> tags. */
bool gc_sim_wants_json(const char *system);

typedef struct gc_sim_answer_file {
    char *path;
    gc_sha sha; /* of the content */
    size_t end; /* offset in the text behind its closing mark */
} gc_sim_answer_file;

typedef struct gc_sim_answer {
    char *text;
    size_t len;
    gc_sim_answer_file *files;
    size_t file_count;
} gc_sim_answer;

/* `spoil` may be NULL. */
void gc_sim_answer_make(const gc_sim_wanted *wanted, const gc_sim_project *project,
                        bool json, const gc_sim_fault *spoil, gc_sim_answer *out);
void gc_sim_answer_release(gc_sim_answer *self);

#endif
