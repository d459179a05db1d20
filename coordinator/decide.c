#include "coordinator/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Files of one kind that can be decided: those whose last blocker has just gone, and those
 * from `next` on that never had one. */
typedef struct turn {
    size_t next;
    size_t *freed;
    size_t count, cap;
} turn;

struct gc_decider {
    const gc_plan *plan;
    const gc_state *state;
    gc_decide_options options;
    gc_decided *files;                     /* parallel to the plan */
    turn turns[2];                         /* by gc_file_how */
    size_t *dependents_first, *dependents; /* real edges turned round */
    gc_sha *apis;                          /* for one file at a time */
    gc_orphan *orphans;
    size_t orphan_count, orphan_cap;
};

/* ---- opening ---- */

static bool is_real(const gc_edge *edge)
{
    return edge->kind == GC_EDGE_REAL;
}

/* Counts what each file waits for; the sum. */
static size_t count_blockers(gc_decider *self)
{
    const gc_plan *plan = self->plan;
    size_t total = 0, widest = 0;
    for (size_t i = 0; i < plan->file_count; i++) {
        const gc_plan_file *f = &plan->files[i];
        for (size_t e = 0; e < f->edge_count; e++) {
            if (!is_real(&f->edges[e]))
                continue;
            self->dependents_first[f->edges[e].file + 1]++;
            self->files[i].blockers++;
            total++;
        }
        widest = f->edge_count > widest ? f->edge_count : widest;
    }
    self->apis = gc_xcalloc(widest + 1, sizeof *self->apis);
    return total;
}

static void turn_edges(gc_decider *self)
{
    const gc_plan *plan = self->plan;
    size_t n = plan->file_count;
    self->dependents_first = gc_xcalloc(n + 1, sizeof *self->dependents_first);
    self->dependents = gc_xcalloc(count_blockers(self) + 1, sizeof *self->dependents);
    for (size_t i = 0; i < n; i++)
        self->dependents_first[i + 1] += self->dependents_first[i];
    size_t *fill = gc_xcalloc(n + 1, sizeof *fill);
    for (size_t i = 0; i < n; i++) {
        for (size_t e = 0; e < plan->files[i].edge_count; e++) {
            const gc_edge *edge = &plan->files[i].edges[e];
            if (is_real(edge))
                self->dependents[self->dependents_first[edge->file] +
                                 fill[edge->file]++] = i;
        }
    }
    free(fill);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const gc_orphan *)a)->path, ((const gc_orphan *)b)->path);
}

static void forget_orphans(gc_decider *self)
{
    for (size_t i = 0; i < self->orphan_count; i++)
        free(self->orphans[i].path);
    self->orphan_count = 0;
}

static void find_orphans(gc_decider *self)
{
    size_t cursor = 0;
    const char *path;
    forget_orphans(self);
    while (gc_map_next(self->state->files, &cursor, &path, NULL)) {
        if (gc_plan_find(self->plan, path) >= 0)
            continue;
        self->orphans = gc_grow(self->orphans, self->orphan_count, &self->orphan_cap,
                                sizeof *self->orphans);
        self->orphans[self->orphan_count++] =
            (gc_orphan){ gc_xstrdup(path), { GC_PENDING, GC_WHY_ORPHAN } };
    }
    if (self->orphan_count)
        qsort(self->orphans, self->orphan_count, sizeof *self->orphans, by_path);
}

gc_decider *gc_decider_new(const gc_plan *plan, const gc_state *state,
                           gc_decide_options options)
{
    gc_decider *self = gc_xcalloc(1, sizeof *self);
    self->plan = plan;
    self->state = state;
    self->options = options;
    self->files = gc_xcalloc(plan->file_count + 1, sizeof *self->files);
    for (size_t i = 0; i < plan->file_count; i++)
        self->files[i].decision = (gc_decision){ GC_PENDING, GC_WHY_WAITS };
    turn_edges(self);
    find_orphans(self);
    return self;
}

void gc_decider_destroy(gc_decider **self_p)
{
    gc_decider *self = *self_p;
    if (!self)
        return;
    forget_orphans(self);
    free(self->orphans);
    free(self->apis);
    free(self->dependents);
    free(self->dependents_first);
    free(self->turns[GC_BY_TEMPLATE].freed);
    free(self->turns[GC_BY_LLM].freed);
    free(self->files);
    free(self);
    *self_p = NULL;
}

/* ---- whose turn it is ---- */

bool gc_decider_next(gc_decider *self, gc_file_how how, size_t *file)
{
    turn *t = &self->turns[how];
    if (t->count) {
        *file = t->freed[--t->count];
        self->files[*file].taken = true;
        return true;
    }
    for (; t->next < self->plan->file_count; t->next++) {
        gc_decided *f = &self->files[t->next];
        if (self->plan->files[t->next].how != how || f->taken || f->blockers)
            continue;
        f->taken = true;
        *file = t->next++;
        return true;
    }
    return false;
}

bool gc_decider_more(const gc_decider *self)
{
    for (size_t how = 0; how < 2; how++)
        if (self->turns[how].count || self->turns[how].next < self->plan->file_count)
            return true;
    return false;
}

void gc_decider_reopen(gc_decider *self)
{
    for (size_t i = 0; i < self->plan->file_count; i++) {
        gc_decided *f = &self->files[i];
        if (f->settled)
            continue;
        f->taken = false;
        f->fingerprint.hex[0] = '\0';
        f->decision = (gc_decision){ GC_PENDING, GC_WHY_WAITS };
    }
    for (size_t how = 0; how < 2; how++)
        self->turns[how].next = self->turns[how].count = 0;
    self->options.unfinished = false;
    find_orphans(self);
}

/* ---- deciding ---- */

const gc_sha *gc_decider_apis(gc_decider *self, size_t file)
{
    const gc_plan_file *f = &self->plan->files[file];
    for (size_t e = 0; e < f->edge_count; e++) {
        self->apis[e].hex[0] = '\0';
        if (is_real(&f->edges[e]))
            self->apis[e] = self->files[f->edges[e].file].api;
    }
    return self->apis;
}

/* The API that dependents were made against: of the text that stood there after the last run;
 * a text without Go surface stands for itself. */
static gc_sha last_api(const gc_state_file *state)
{
    gc_sha api = { "" };
    if (state && *state->api)
        memcpy(api.hex, state->api, sizeof api.hex);
    else if (state)
        memcpy(api.hex, state->kept ? state->kept_sha : state->sha256, sizeof api.hex);
    return api;
}

/* An edit that was not accepted before: who wrote it cannot be told from state and tree. */
static void doubt(const gc_decider *self, gc_decision *decision,
                  const gc_state_file *state, const gc_tree_file *tree)
{
    bool edit = decision->action == GC_KEEP_EDIT || decision->action == GC_LEAVE;
    if (self->options.unfinished && edit && strcmp(state->kept_sha, tree->sha.hex) != 0)
        decision->why = GC_WHY_DOUBTED;
}

const gc_sha *gc_decider_last_apis(gc_decider *self, size_t file)
{
    const gc_plan_file *f = &self->plan->files[file];
    gc_decider_apis(self, file);
    for (size_t e = 0; e < f->edge_count; e++) {
        size_t dep = f->edges[e].file;
        if (is_real(&f->edges[e]) && !self->files[dep].settled)
            self->apis[e] =
                last_api(gc_state_find(self->state, self->plan->files[dep].path));
    }
    return self->apis;
}

void gc_decider_foresee(gc_decider *self, size_t file, const gc_sha *fingerprint)
{
    gc_decision *d = &self->files[file].decision;
    const gc_state_file *state = gc_state_find(self->state, self->plan->files[file].path);
    if (d->action != GC_PENDING)
        return;
    if (!state)
        d->why = GC_WHY_NEW_WAITS;
    else if (self->options.force || self->options.baseline)
        d->why = GC_WHY_ASKED_WAITS;
    else if (strcmp(state->fingerprint, fingerprint->hex) != 0)
        d->why = GC_WHY_INPUTS_WAITS;
}

gc_decision gc_decider_decide(gc_decider *self, size_t file, const gc_sha *fingerprint,
                              const gc_tree_file *tree)
{
    gc_decided *f = &self->files[file];
    const gc_state_file *state = gc_state_find(self->state, self->plan->files[file].path);
    bool paid = tree->exists && tree->ours;
    bool force = self->options.force || (self->options.baseline && !paid);
    f->fingerprint = *fingerprint;
    f->api = last_api(state);
    f->decision =
        gc_delta_planned(fingerprint, state, tree, self->options.on_edit, force);
    doubt(self, &f->decision, state, tree);
    return f->decision;
}

bool gc_decider_stands(const gc_decider *self, size_t file)
{
    gc_decision d = self->files[file].decision;
    return d.action == GC_KEEP || (d.action == GC_KEEP_EDIT && d.why != GC_WHY_DOUBTED);
}

bool gc_decider_doubts(const gc_decider *self)
{
    return self->options.unfinished;
}

void gc_decider_settle(gc_decider *self, size_t file, const gc_sha *api)
{
    gc_decided *f = &self->files[file];
    if (f->settled)
        return;
    f->settled = true;
    f->api_changed = strcmp(f->api.hex, api->hex) != 0;
    f->api = *api;
    const size_t *list;
    size_t count = gc_decider_dependents(self, file, &list);
    for (size_t i = 0; i < count; i++) {
        if (--self->files[list[i]].blockers)
            continue;
        turn *t = &self->turns[self->plan->files[list[i]].how];
        t->freed = gc_grow(t->freed, t->count, &t->cap, sizeof *t->freed);
        t->freed[t->count++] = list[i];
    }
}

gc_decision gc_decider_decide_orphan(gc_decider *self, size_t orphan,
                                     const gc_tree_file *tree)
{
    gc_orphan *o = &self->orphans[orphan];
    const gc_state_file *state = gc_state_find(self->state, o->path);
    o->decision = gc_delta_orphan(state, tree);
    doubt(self, &o->decision, state, tree);
    return o->decision;
}

/* ---- reading ---- */

const gc_decided *gc_decider_file(const gc_decider *self, size_t file)
{
    return &self->files[file];
}

size_t gc_decider_dependents(const gc_decider *self, size_t file, const size_t **list)
{
    *list = self->dependents + self->dependents_first[file];
    return self->dependents_first[file + 1] - self->dependents_first[file];
}

long gc_decider_waits_for(const gc_decider *self, size_t file)
{
    const gc_plan_file *f = &self->plan->files[file];
    for (size_t e = 0; e < f->edge_count; e++)
        if (is_real(&f->edges[e]) && !self->files[f->edges[e].file].settled)
            return (long)f->edges[e].file;
    return -1;
}

void gc_decider_why(const gc_decider *self, size_t file, char out[GC_WHY_SIZE])
{
    gc_decision d = self->files[file].decision;
    long other = d.action == GC_PENDING ? gc_decider_waits_for(self, file) : -1;
    const char *path = other >= 0 ? self->plan->files[other].path : "";
    if (other < 0)
        snprintf(out, GC_WHY_SIZE, "%s", gc_why_str(d.why));
    else if (d.why == GC_WHY_WAITS)
        snprintf(out, GC_WHY_SIZE, "may change if the API of %s changes", path);
    else
        snprintf(out, GC_WHY_SIZE, "%s, waits for %s",
                 gc_why_str(d.why == GC_WHY_NEW_WAITS     ? GC_WHY_NEW
                            : d.why == GC_WHY_ASKED_WAITS ? GC_WHY_ASKED
                                                          : GC_WHY_INPUTS),
                 path);
}

size_t gc_decider_orphans(const gc_decider *self)
{
    return self->orphan_count;
}

const gc_orphan *gc_decider_orphan(const gc_decider *self, size_t orphan)
{
    return &self->orphans[orphan];
}
