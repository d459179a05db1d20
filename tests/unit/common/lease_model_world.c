#include "lease_model_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "support/must.h"

#define ALL_EPOCHS (2 * MOST_EPOCHS + ACTORS * MODEL_FILES)
#define MOST_WORLDS 400000
#define SCENE_LIMIT ((size_t)8 << 10)

int64_t number_of(walk *self, const char *picture)
{
    uintptr_t known = (uintptr_t)gc_map_get(self->numbers, picture);
    if (!known) {
        self->of_pictures = gc_grow(self->of_pictures, self->pictures.count,
                                    &self->of_cap, sizeof *self->of_pictures);
        epochs *all = &self->of_pictures[self->pictures.count];
        all->count = picture_epochs(picture, all->items, 0, MOST_EPOCHS);
        gc_strv_add(&self->pictures, picture);
        known = self->pictures.count;
        gc_map_set(self->numbers, picture, (void *)known);
    }
    return (int64_t)known - 1;
}

const char *picture_of(const walk *self, int64_t number)
{
    return self->pictures.items[number];
}

void name_holder(const world *w, size_t a, char out[16])
{
    snprintf(out, 16, "w%zu.%d", a, (int)w->actors[a].life);
}

/* ---- what does not hold ---- */

static void violate(walk *self, const char *rule)
{
    gc_buf text;
    if (self->broken)
        return;
    gc_buf_init(&text, SCENE_LIMIT);
    gc_strv trace = { 0 };
    for (size_t i = self->at; i != 0; i = self->steps[i].from)
        gc_strv_add(&trace, self->steps[i].what);
    gc_buf_printf(&text, "%s, after:", rule);
    for (size_t i = trace.count; i > 0; i--)
        gc_buf_printf(&text, " %s;", trace.items[i - 1]);
    gc_strv_release(&trace);
    self->broken = gc_buf_take(&text);
}

void insist(walk *self, bool holds, const char *what, const char *rule)
{
    char text[160];
    snprintf(text, sizeof text, "%s (%s)", rule, what);
    if (!holds)
        violate(self, text);
}

/* ---- what Redis says of a file ---- */

static void look_up(const char *picture, const char *kind, const char *fp,
                    const char *field, char *out, size_t size)
{
    char *start = gc_xasprintf("%s:%s\t%s", kind, fp, field);
    char *value = picture_find(picture, start);
    snprintf(out, size, "%s", value ? value : "");
    free(value);
    free(start);
}

record look(const walk *self, const char *picture, size_t file)
{
    const char *fp = self->tasks[0].files[file].fingerprint;
    record out = { 0 };
    char number[32], blob[64];
    look_up(picture, "s\tgc:lease", fp, "", out.lease, sizeof out.lease);
    look_up(picture, "h\tgc:gen", fp, "worker\t", out.worker, sizeof out.worker);
    look_up(picture, "h\tgc:gen", fp, "epoch\t", number, sizeof number);
    look_up(picture, "h\tgc:gen", fp, "sha256\t", out.sha, sizeof out.sha);
    out.epoch = strtoll(number, NULL, 10);
    look_up(picture, "h\tgc:gen", fp, "created_at\t", number, sizeof number);
    out.made_at = strtoll(number, NULL, 10);
    look_up(picture, "s\tgc:blob", out.sha, "", blob, sizeof blob);
    out.blob = *out.sha && *blob;
    return out;
}

bool same_record(const record *a, const record *b)
{
    return strcmp(a->lease, b->lease) == 0 && strcmp(a->worker, b->worker) == 0 &&
           a->epoch == b->epoch && strcmp(a->sha, b->sha) == 0 && a->blob == b->blob;
}

/* ---- remembering worlds ---- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static size_t add_epochs(const walk *self, int64_t picture, int64_t *out, size_t count)
{
    const epochs *all = &self->of_pictures[picture];
    memcpy(out + count, all->items, all->count * sizeof *out);
    return count + all->count;
}

static size_t gather(const walk *self, const world *w, int64_t out[ALL_EPOCHS])
{
    size_t count = add_epochs(self, w->picture, out, 0), kept = 0;
    if (w->older >= 0)
        count = add_epochs(self, w->older, out, count);
    for (size_t i = 0; i < self->scene->actors; i++)
        for (size_t f = 0; f < MODEL_FILES; f++)
            if (w->actors[i].epochs[f])
                out[count++] = w->actors[i].epochs[f];
    qsort(out, count, sizeof *out, compare);
    for (size_t i = 0; i < count; i++)
        if (!kept || out[kept - 1] != out[i])
            out[kept++] = out[i];
    return kept;
}

static int64_t renumber_picture(walk *self, int64_t number, const int64_t *list, size_t n)
{
    char *text = picture_renumber(picture_of(self, number), list, n);
    int64_t now = number_of(self, text);
    free(text);
    return now;
}

/* Only the order of epochs matters: worlds with the same order are the same. */
static void renumber(walk *self, world *w)
{
    int64_t list[ALL_EPOCHS];
    size_t n = gather(self, w, list), rank = 0;
    while (rank < n && list[rank] == model_epoch(rank))
        rank++;
    if (rank == n)
        return;
    w->picture = renumber_picture(self, w->picture, list, n);
    if (w->older >= 0)
        w->older = renumber_picture(self, w->older, list, n);
    for (size_t i = 0; i < self->scene->actors; i++)
        for (size_t f = 0; f < MODEL_FILES; f++)
            for (size_t e = 0; e < n; e++)
                if (w->actors[i].epochs[f] == list[e]) {
                    w->actors[i].epochs[f] = model_epoch(e);
                    break;
                }
}

#define KEY_SIZE (sizeof(world) / sizeof(int64_t) * 18 + 1)

static void key_of(const world *w, char out[KEY_SIZE])
{
    int64_t numbers[sizeof *w / sizeof(int64_t)];
    memcpy(numbers, w, sizeof *w);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        out += snprintf(out, 18, "%llx.", (unsigned long long)numbers[i]);
}

void arrive(walk *self, world *w, bool fault, const char *what)
{
    char key[KEY_SIZE];
    if (w->faults >= self->scene->faults)
        w->older = -1; /* nothing will be set back any more */
    renumber(self, w);
    key_of(w, key);
    size_t to = (size_t)(uintptr_t)gc_map_get(self->seen, key);
    if (!to) {
        assert_true(self->count < MOST_WORLDS);
        self->worlds =
            gc_grow(self->worlds, self->count, &self->world_cap, sizeof *self->worlds);
        self->steps =
            gc_grow(self->steps, self->count, &self->step_cap, sizeof *self->steps);
        self->worlds[self->count] = *w;
        self->steps[self->count] = (step){ .from = self->at, .fault = fault };
        snprintf(self->steps[self->count].what, sizeof self->steps->what, "%s", what);
        to = ++self->count;
        gc_map_set(self->seen, key, (void *)(uintptr_t)to);
    }
    if (fault)
        return;
    self->edges =
        gc_grow(self->edges, self->edge_count, &self->edge_cap, sizeof *self->edges);
    self->edges[self->edge_count++] = (edge){ self->at, to - 1 };
}
