/* Structs to msgpack maps and back, driven by tables: one row per field says key, kind,
 * place and limits, so that writer, reader and release can never disagree. Bytes from
 * outside are scanned before anything is allocated: msgpack-c 4.0 reserves whatever an
 * array header claims. Unknown keys are ignored; a missing or doubled key, a wrong type, a
 * text with a NUL and everything over a limit is refused. Pure. */
#ifndef GC_COMMON_PACK_H
#define GC_COMMON_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

#define GC_PACK_MAX_DEPTH 16
#define GC_PACK_MAX_NODES 65536 /* values in one document: 24 bytes each once decoded */

typedef enum gc_pack_kind {
    GC_PACK_INT,   /* int64_t within [min, max] */
    GC_PACK_BOOL,  /* bool */
    GC_PACK_REAL,  /* double, finite, within [min, max]; integers are accepted */
    GC_PACK_TEXT,  /* char *: str of [min, max] bytes, no NUL */
    GC_PACK_BYTES, /* void * and size_t at `count_offset`: bin of at most max bytes */
    GC_PACK_LIST,  /* gc_strv: at most max texts of at most `item_max` bytes */
    GC_PACK_ENUM,  /* an enum at `offset`: a str, one of `words` */
    GC_PACK_MAP,   /* a struct in place, by `schema` */
    GC_PACK_ARRAY /* pointer to structs and size_t at `count_offset`: [min, max] of them */
} gc_pack_kind;

/* Flags of a field. Without NEED an absent key is zero or "", and zero is not written. */
enum {
    GC_PACK_NEED = 1,
    GC_PACK_ID = 2,   /* TEXT, LIST: [A-Za-z0-9._:@-], not empty (LIST: `/` also) */
    GC_PACK_NULL = 4, /* TEXT: NULL is not written, and absent gives NULL instead of "" */
    GC_PACK_CLIP = 8  /* TEXT: the writer cuts at max instead of being refused */
};

typedef struct gc_pack_schema gc_pack_schema;

typedef struct gc_pack_field {
    const char *key;
    gc_pack_kind kind;
    unsigned flags;
    size_t offset;
    size_t count_offset;
    int64_t min;
    int64_t max;
    size_t item_max;
    const char *const *words; /* ends with NULL */
    const gc_pack_schema *schema;
} gc_pack_field;

struct gc_pack_schema {
    const gc_pack_field *fields;
    size_t count;
    size_t size; /* of the struct */
};

/* Which fields of a schema a message uses: bit i stands for row i. NULL: all of them, with
 * the NEED of their flags. */
typedef struct gc_pack_mask {
    uint64_t need;
    uint64_t may;
} gc_pack_mask;

/* Appends one map. A NULL text is written as "". Check `out->full` afterwards. */
void gc_pack_encode(const gc_pack_schema *schema, const gc_pack_mask *mask,
                    const void *object, gc_buf *out);

/* Fills `object`, which the caller has zeroed. GC_EPROTO, GC_ETOOBIG: `info` names the key,
 * and `object` is all zero again. */
GC_MUST_CHECK gc_err gc_pack_decode(const gc_pack_schema *schema,
                                    const gc_pack_mask *mask, const void *mem, size_t len,
                                    void *object, gc_errinfo *info);

/* Frees what the fields own and zeroes them. */
void gc_pack_release(const gc_pack_schema *schema, void *object);

/* One well-formed value of at most GC_PACK_MAX_DEPTH levels and GC_PACK_MAX_NODES values,
 * no byte behind it, no count above the bytes that are left. */
GC_MUST_CHECK gc_err gc_pack_scan(const void *mem, size_t len, gc_errinfo *info);

#endif
