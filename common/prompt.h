/* Every word sent to an LLM: the files of templates/prompts rendered with Mustache. The layout:
 * system[0] house rules (same bytes for every job), system[1] the project
 * (same bytes for the whole job), user message: shared spec text first (fenced), then the
 * task's own context, then, last, one <generate> element per wanted file. Pure. */
#ifndef GC_COMMON_PROMPT_H
#define GC_COMMON_PROMPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/hash.h"

typedef struct gc_prompts gc_prompts;

/* The prompt texts inside, with files of `directory` ("" = none) over them by file name
 * (system.md, kinds/store.md). GC_EIO: the directory or a file cannot be read; GC_EINVAL: a
 * file is no valid template, names a partial that is no prompt file, or is itself no name
 * that we know; GC_ETOOBIG. `info` names the file. */
GC_MUST_CHECK gc_err gc_prompts_load(const char *directory, gc_prompts **out,
                                     gc_errinfo *info);
void gc_prompts_destroy(gc_prompts **self_p);

/* Hash of all prompt text that shapes a file of this kind: part of its fingerprint. House
 * rules, answer format, the text of this kind and the words of the task; nothing of other
 * kinds. Any `response_format` but "json" is "tags", here and below. */
gc_sha gc_prompts_sha(const gc_prompts *self, const char *kind,
                      const char *response_format);

/* system[0]: no data of the job in it. `response_format`: tags | json. */
GC_MUST_CHECK gc_err gc_prompt_system(const gc_prompts *self, const char *response_format,
                                      gc_buf *out, gc_errinfo *info);

/* system[1]: sanitised names only. Control bytes become blanks, `<` is escaped where it
 * could open an element. */
typedef struct gc_prompt_project {
    const char *module_path;
    const char *app;
    const char *go_version;
    const char *kind;    /* http, cli, library */
    json_t *packages;    /* [{name, path}]: path is the folder below the root; other
                            members (purpose: spec text) are not shown; borrowed */
    json_t *modules;     /* ["path version"]; borrowed */
    const char *symbols; /* symbol table; NULL: each task brings its part, and `packages`
                            are not shown */
} gc_prompt_project;
GC_MUST_CHECK gc_err gc_prompt_project_text(const gc_prompts *self,
                                            const gc_prompt_project *project, gc_buf *out,
                                            gc_errinfo *info);

/* Untrusted spec text, shared by many calls: fenced, `<` escaped as &lt;. An empty text adds
 * nothing. */
GC_MUST_CHECK gc_err gc_prompt_shared(const gc_prompts *self, const char *spec_text,
                                      gc_buf *out, gc_errinfo *info);

typedef struct gc_prompt_file {
    const char *path;
    const char *package;
    const char *kind;
    const char *purpose; /* untrusted: goes into the fenced context, escaped */
    const char *promise; /* body, raw Go */
} gc_prompt_file;

typedef struct gc_prompt_task {
    const char *context;   /* this task's slice of the spec: untrusted, fenced, escaped */
    const char *apis;      /* API digests of real dependencies: Go text, "" if none */
    const char *complaint; /* why the last answer was rejected, "" if none; untrusted */
    const gc_prompt_file *files;
    size_t file_count;
    const char *response_format;
    const char *symbols; /* its part of the symbol table; NULL or "" if none */
} gc_prompt_task;

/* The varying user block. Ends with the <generate> elements and nothing after them, not even
 * a line end. GC_EINVAL: a promise holds the text of such an element. */
GC_MUST_CHECK gc_err gc_prompt_task_text(const gc_prompts *self,
                                         const gc_prompt_task *task, gc_buf *out,
                                         gc_errinfo *info);

/* `<` becomes &lt; (only that: untrusted text can then form no element), malformed UTF-8
 * becomes U+FFFD. Appends. */
void gc_prompt_escape(const char *text, gc_buf *out);

#endif
