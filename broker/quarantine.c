#include "broker/quarantine.h"

#include <stdlib.h>

#include "common/map.h"
#include "common/mem.h"

typedef struct offender {
    int errors;
    int64_t until_ms; /* 0: not ignored */
} offender;

struct gc_quarantine {
    gc_map *offenders; /* in the order of their first error */
};

gc_quarantine *gc_quarantine_new(void)
{
    gc_quarantine *self = gc_xcalloc(1, sizeof *self);
    self->offenders = gc_map_new();
    return self;
}

void gc_quarantine_destroy(gc_quarantine **self_p)
{
    gc_quarantine *self = *self_p;
    void *value;
    if (!self)
        return;
    for (size_t cursor = 0; gc_map_next(self->offenders, &cursor, NULL, &value);)
        free(value);
    gc_map_destroy(&self->offenders);
    free(self);
    *self_p = NULL;
}

static void forget_oldest(gc_quarantine *self)
{
    const char *peer;
    void *value;
    size_t cursor = 0;
    if (gc_map_next(self->offenders, &cursor, &peer, &value)) {
        gc_map_remove(self->offenders, peer);
        free(value);
    }
}

bool gc_quarantine_error(gc_quarantine *self, const char *peer, int64_t now_ms)
{
    offender *o = gc_map_get(self->offenders, peer);
    if (!o) {
        if (gc_map_count(self->offenders) >= GC_QUARANTINE_MAX)
            forget_oldest(self);
        o = gc_xcalloc(1, sizeof *o);
        gc_map_set(self->offenders, peer, o);
    }
    if (++o->errors < GC_QUARANTINE_ERRORS)
        return false;
    o->errors = 0;
    o->until_ms = now_ms + GC_QUARANTINE_MS;
    return true;
}

void gc_quarantine_good(gc_quarantine *self, const char *peer)
{
    free(gc_map_remove(self->offenders, peer));
}

bool gc_quarantine_holds(gc_quarantine *self, const char *peer, int64_t now_ms)
{
    offender *o = gc_map_get(self->offenders, peer);
    if (!o || !o->until_ms)
        return false;
    if (now_ms < o->until_ms)
        return true;
    gc_quarantine_good(self, peer);
    return false;
}
