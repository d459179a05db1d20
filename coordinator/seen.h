/* What the last look at the output found: a stamp and a digest per file, so that the next
 * run need not read what has not changed, and, if that look found nothing to do, what the
 * run said. Lives in <output>/.gocreator/cache/seen; belongs to this machine.
 *
 * Binary, little-endian: 8 bytes of magic, SHA-256 of all that follows, a head of fixed
 * size, texts (length, bytes), records of fixed size, then the paths, each with its NUL.
 * Whatever does not match to the last byte is refused whole: it costs time, never a result.
 * Pure. */
#ifndef GC_COORDINATOR_SEEN_H
#define GC_COORDINATOR_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/fs.h"
#include "common/hash.h"
#include "common/strv.h"

#define GC_SEEN_FILE ".gocreator/cache/seen" /* in the output folder */
#define GC_SEEN_MAX_BYTES ((size_t)1 << 30)

typedef struct gc_seen_file {
    const char *path; /* borrowed: from the parsed text, or from whoever added it */
    gc_stamp stamp;
    unsigned char sha[GC_SHA_RAW];
} gc_seen_file;

/* Figures of a null run that only the whole plan gives. */
typedef struct gc_seen_figures {
    uint64_t template_files, llm_files;
    uint64_t baseline_calls, baseline_processed;
    double baseline_usd, baseline_s;
} gc_seen_figures;

typedef struct gc_seen {
    int64_t begun_ns; /* wall clock before the first look: later changes may hide */
    gc_sha key;     /* of everything that led to "nothing to do"; "" if there was work */
    gc_sha meaning; /* the same for any spec that says the same in other bytes; or "" */
    gc_stamp state; /* of the state file; this and all below only with a key */
    unsigned char state_sha[GC_SHA_RAW];
    gc_seen_figures figures;
    char *findings;      /* about the spec, as printed */
    char *questions;     /* that are open, as printed */
    gc_strv notes;       /* for the report */
    gc_seen_file *files; /* by path, strictly rising */
    size_t count, cap;
    gc_buf text; /* that it was parsed from */
} gc_seen;

void gc_seen_init(gc_seen *self);
void gc_seen_release(gc_seen *self);

/* Adds a file; paths come in rising order and outlive `self`. */
void gc_seen_add(gc_seen *self, const char *path, const gc_stamp *stamp,
                 const unsigned char sha[GC_SHA_RAW]);

/* Borrowed, or NULL. `*hint` (0 at first) makes rising look-ups cheap. */
const gc_seen_file *gc_seen_find(const gc_seen *self, const char *path, size_t *hint);

/* True if a file with this stamp could have changed unseen: it was touched no earlier than
 * the look began, or than `written_ns`, when the file system says the look was written. */
bool gc_seen_racy(const gc_seen *self, const gc_stamp *stamp, int64_t written_ns);

/* Takes the text over (it is emptied). GC_EPROTO: not one of ours, damaged, of another
 * version. *out is untouched on failure. */
GC_MUST_CHECK gc_err gc_seen_parse(gc_buf *text, gc_seen *out);
void gc_seen_print(const gc_seen *self, gc_buf *out);

#endif
