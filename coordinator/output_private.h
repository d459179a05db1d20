/* The inside of gc_output: output.c (opening, looking), output_state.c (the state),
 * output_put.c (writing). */
#ifndef GC_COORDINATOR_OUTPUT_PRIVATE_H
#define GC_COORDINATOR_OUTPUT_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "coordinator/output.h"

#define GC_OUTPUT_FILE_LIMIT ((size_t)64 << 20)

struct gc_output {
    gc_root *root;
    char *state_file;
    bool use_state;
    gc_state state;
    bool state_changed;   /* it differs from the file */
    bool state_merged;    /* the file holds both sides of a merge */
    gc_stamp state_stamp; /* of the file, before it was read */
    unsigned char state_sha[GC_SHA_RAW];
    gc_map *looks;    /* path -> look */
    gc_seen recalled; /* what was known before */
    int64_t recalled_written_ns;
    size_t hint;
    size_t hashed; /* files that had to be read, and are there */
    gc_stamper stamper;
    int64_t begun_ns; /* wall clock */
};

/* What stood at a path when it was looked at. */
typedef struct look {
    gc_stamp stamp;
    gc_sha sha;   /* "" if absent */
    bool touched; /* written or removed since: the stamp is void */
    bool ahead;   /* nobody has asked for it yet */
} look;

/* Reads the state file, if there is one. Errors as gc_output_peek(). */
GC_MUST_CHECK gc_err gc_output_load_state(gc_output *self, gc_errinfo *info);

/* `sha` is that of the text at `path`. If that is what we wrote but for CR LF at the end of
 * every line, as git puts it with core.autocrlf, it becomes the digest of what we wrote:
 * nobody has edited that. */
void gc_output_see_through_crlf(const gc_output *self, const char *path, gc_sha *sha);

/* Something was done to `path`: what was seen there is void, the state differs. */
void gc_output_touched(gc_output *self, const char *path);

/* `edit`, which stands there, counts for the inputs that the state has. */
void gc_output_mark_kept(gc_output *self, const char *path, const gc_sha *edit);

#endif
