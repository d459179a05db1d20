/* .gocreator/state.json: what the last run made. Written after the files are on disk; may
 * be committed to git. Unknown members are ignored, a damaged file is refused as a whole
 * (nothing is lost: files then count as changed by hand unless Redis knows them). */
#ifndef GC_COORDINATOR_STATE_H
#define GC_COORDINATOR_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/hash.h"
#include "common/map.h"

#define GC_STATE_SCHEMA 1
#define GC_STATE_MAX_BYTES ((size_t)256 << 20)

typedef struct gc_state_file {
    char fingerprint[GC_SHA_HEX + 1];
    char sha256[GC_SHA_HEX +
                1]; /* what we wrote (kept: what we would have written, or "") */
    char api[GC_SHA_HEX + 1];      /* API digest of the text on disk, "" if no Go */
    char *how;                     /* llm, template, reused */
    char *sources;                 /* entities, comma separated: why the file exists */
    bool kept;                     /* the user's edit stands in its place */
    char kept_sha[GC_SHA_HEX + 1]; /* the edit that was accepted */
    char base[GC_SHA_HEX + 1];     /* what the edit started from, if that is not `sha256`:
                                      newer text stands beside it, not merged yet */
    bool conflict; /* `kept_sha` and that newer text were to be merged, and cannot be */
} gc_state_file;

typedef struct gc_state {
    char fcs[GC_SHA_HEX + 1];
    gc_map *files; /* path -> gc_state_file, owned */
} gc_state;

void gc_state_init(gc_state *self);
void gc_state_release(gc_state *self);

/* The entry of `path`, made empty if absent. Borrowed. */
gc_state_file *gc_state_require(gc_state *self, const char *path);
gc_state_file *gc_state_find(const gc_state *self, const char *path);

/* The generated text that an edit of the file started from: its sha256, "" if unknown. */
const char *gc_state_base(const gc_state_file *file);
void gc_state_copy_file(gc_state *self, const char *path, const gc_state_file *from);
void gc_state_remove(gc_state *self, const char *path);

/* GC_EPROTO: not a state file; GC_ESTATE: a newer schema. `info` says where. */
GC_MUST_CHECK gc_err gc_state_parse(const char *mem, size_t len, gc_state *out,
                                    gc_errinfo *info);

/* A text with the conflict markers of git: the state of each side. GC_ENOENT: there are none,
 * or not as git sets them; else as gc_state_parse(), of the first side that is no state. */
GC_MUST_CHECK gc_err gc_state_parse_sides(const char *mem, size_t len, gc_state *ours,
                                          gc_state *theirs);

/* Stable text: sorted by path, indented, one trailing newline. */
void gc_state_print(const gc_state *self, gc_buf *out);

#endif
