/* Error codes of the whole project: few, and each one asks for a different reaction.
 * Functions that can fail return gc_err and leave their out-parameters untouched on
 * failure. A sentence for a person travels in gc_errinfo. */
#ifndef GC_COMMON_ERR_H
#define GC_COMMON_ERR_H

#define GC_MUST_CHECK __attribute__((warn_unused_result))
#define GC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define GC_AUTO(destroy) __attribute__((cleanup(destroy)))

/* One row per error: the name and the words an operator reads. */
#define GC_ERR_MAP(X)                         \
    X(GC_OK, "ok")                            \
    X(GC_EAGAIN, "not now, try again")        \
    X(GC_ETIMEOUT, "timed out")               \
    X(GC_ECLOSED, "peer went away")           \
    X(GC_EPROTO, "peer sent malformed data")  \
    X(GC_EINVAL, "invalid value")             \
    X(GC_ETOOBIG, "larger than the limit")    \
    X(GC_ENOENT, "not found")                 \
    X(GC_EEXIST, "already exists")            \
    X(GC_EFULL, "limit reached")              \
    X(GC_ESTATE, "not allowed in this state") \
    X(GC_EIO, "input or output failed")

typedef enum gc_err {
#define X(name, text) name,
    GC_ERR_MAP(X)
#undef X
} gc_err;

/* The operator's words for `err`; never NULL. */
const char *gc_err_str(gc_err err);

/* A code and a sentence that names the place and the fix. May be passed as NULL. */
typedef struct gc_errinfo {
    gc_err code;
    char text[512];
} gc_errinfo;

/* Fills `info` (NULL is fine) and returns `code`, so that a failure is one line:
 * `return gc_fail(info, GC_EINVAL, "port %d is out of range", port);` */
gc_err gc_fail(gc_errinfo *info, gc_err code, const char *fmt, ...) GC_PRINTF(3, 4);

#endif
