/* CURVE for the broker's socket: its secret certificate, a folder of allowed public ones,
 * and a proof at start that strangers stay outside. libzmq accepts any key while its context
 * has no ZAP handler; hence handler first, then a domain that is enforced, then the proof. */
#ifndef GC_BROKER_SECURE_H
#define GC_BROKER_SECURE_H

#include <stdint.h>

#include "common/err.h"

typedef struct gc_secure gc_secure;

/* Before the bind of `router`, which must belong to czmq's context. GC_EINVAL: certificate
 * or folder; GC_ESTATE: a random key got in, or the proof did not end in five seconds. */
GC_MUST_CHECK gc_err gc_secure_new(void *router, const char *certificate,
                                   const char *allow, gc_secure **out, gc_errinfo *info);
void gc_secure_destroy(gc_secure **self_p);

/* A socket to poll: readable when connections were refused. */
void *gc_secure_monitor(gc_secure *self);

/* Refused connections since the last call. */
uint64_t gc_secure_refused(gc_secure *self);

#endif
