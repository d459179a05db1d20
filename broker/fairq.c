#include "broker/fairq.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mem.h"

/* A lane stands in the ring exactly while it has items and is not parked. */
struct gc_lane {
    gc_fairq *queue;
    gc_fairq_item *head;
    gc_fairq_item *tail;
    size_t count;
    bool parked;
    gc_lane *ring_prev; /* NULL: not in the ring */
    gc_lane *ring_next;
    gc_lane *prev; /* all lanes */
    gc_lane *next;
};

struct gc_fairq {
    gc_lane *turn; /* whose turn it is; NULL: nothing is ready */
    gc_lane *lanes;
    size_t lane_count;
    size_t count;
};

gc_fairq *gc_fairq_new(void)
{
    return gc_xcalloc(1, sizeof(gc_fairq));
}

void gc_fairq_destroy(gc_fairq **self_p)
{
    if (!*self_p)
        return;
    assert(!(*self_p)->lanes);
    free(*self_p);
    *self_p = NULL;
}

gc_lane *gc_lane_new(gc_fairq *queue)
{
    gc_lane *self = gc_xcalloc(1, sizeof *self);
    self->queue = queue;
    self->next = queue->lanes;
    if (self->next)
        self->next->prev = self;
    queue->lanes = self;
    queue->lane_count++;
    return self;
}

void gc_lane_destroy(gc_lane **self_p)
{
    gc_lane *self = *self_p;
    if (!self)
        return;
    assert(!self->count);
    if (self->prev)
        self->prev->next = self->next;
    else
        self->queue->lanes = self->next;
    if (self->next)
        self->next->prev = self->prev;
    self->queue->lane_count--;
    free(self);
    *self_p = NULL;
}

static void ring_leave(gc_lane *self)
{
    gc_fairq *queue = self->queue;
    if (self->ring_next == self) {
        queue->turn = NULL;
    } else {
        self->ring_prev->ring_next = self->ring_next;
        self->ring_next->ring_prev = self->ring_prev;
        if (queue->turn == self)
            queue->turn = self->ring_next;
    }
    self->ring_prev = self->ring_next = NULL;
}

/* Behind everybody else: just before the lane whose turn it is. */
static void ring_enter(gc_lane *self)
{
    gc_lane *turn = self->queue->turn;
    if (!turn) {
        self->ring_prev = self->ring_next = self;
        self->queue->turn = self;
        return;
    }
    self->ring_next = turn;
    self->ring_prev = turn->ring_prev;
    turn->ring_prev->ring_next = self;
    turn->ring_prev = self;
}

static void settle(gc_lane *self)
{
    bool ready = self->count && !self->parked;
    if (ready && !self->ring_next)
        ring_enter(self);
    else if (!ready && self->ring_next)
        ring_leave(self);
}

void gc_lane_push(gc_lane *self, gc_fairq_item *item, bool front)
{
    assert(!item->lane);
    item->lane = self;
    item->prev = front ? NULL : self->tail;
    item->next = front ? self->head : NULL;
    if (item->prev)
        item->prev->next = item;
    else
        self->head = item;
    if (item->next)
        item->next->prev = item;
    else
        self->tail = item;
    self->count++;
    self->queue->count++;
    settle(self);
}

void gc_fairq_remove(gc_fairq_item *item)
{
    gc_lane *lane = item->lane;
    if (!lane)
        return;
    if (item->prev)
        item->prev->next = item->next;
    else
        lane->head = item->next;
    if (item->next)
        item->next->prev = item->prev;
    else
        lane->tail = item->prev;
    item->prev = item->next = NULL;
    item->lane = NULL;
    lane->count--;
    lane->queue->count--;
    settle(lane);
}

void gc_lane_park(gc_lane *self, bool parked)
{
    self->parked = parked;
    settle(self);
}

gc_fairq_item *gc_fairq_next(gc_fairq *self)
{
    gc_lane *lane = self->turn;
    if (!lane)
        return NULL;
    gc_fairq_item *item = lane->head;
    self->turn = lane->ring_next;
    gc_fairq_remove(item);
    return item;
}

bool gc_fairq_ready(const gc_fairq *self)
{
    return self->turn != NULL;
}

size_t gc_fairq_count(const gc_fairq *self)
{
    return self->count;
}

size_t gc_fairq_lanes(const gc_fairq *self)
{
    return self->lane_count;
}

gc_lane *gc_fairq_walk(const gc_fairq *self, const gc_lane *lane)
{
    return lane ? lane->next : self->lanes;
}

gc_fairq_item *gc_lane_head(const gc_lane *self)
{
    return self->head;
}
