/* Who keeps sending what is refused is ignored for a while. Bounded: past
 * GC_QUARANTINE_MAX offenders the one known longest is forgotten. Pure. */
#ifndef GC_BROKER_QUARANTINE_H
#define GC_BROKER_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

#define GC_QUARANTINE_ERRORS 8 /* in a row */
#define GC_QUARANTINE_MS 30000
#define GC_QUARANTINE_MAX 1024

typedef struct gc_quarantine gc_quarantine;

gc_quarantine *gc_quarantine_new(void);
void gc_quarantine_destroy(gc_quarantine **self_p);

/* One more error of `peer`; true if it is ignored from now on. */
bool gc_quarantine_error(gc_quarantine *self, const char *peer, int64_t now_ms);

/* A good message: the row of errors ends. */
void gc_quarantine_good(gc_quarantine *self, const char *peer);
bool gc_quarantine_holds(gc_quarantine *self, const char *peer, int64_t now_ms);

#endif
