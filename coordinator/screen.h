/* A few lines at the bottom of a terminal that are drawn again and again, without flicker:
 * one write per frame, lines are overwritten and their ends cleared. Text that others print
 * goes above: clear first. Follows changes of the terminal's size. */
#ifndef GC_COORDINATOR_SCREEN_H
#define GC_COORDINATOR_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define GC_SCREEN_MAX_LINES 64

typedef struct gc_screen {
    FILE *stream;
    size_t lengths[GC_SCREEN_MAX_LINES]; /* columns of each line that stands there */
    size_t lines;                        /* 0: nothing of ours is on the screen */
} gc_screen;

void gc_screen_init(gc_screen *self, FILE *stream);

/* Columns and rows to draw in: one column is left free, so that no line wraps. 79 x 24 if
 * the stream is no terminal. */
void gc_screen_size(const gc_screen *self, size_t *width, size_t *height);

/* Puts `text` (lines with '\n' between them, each within the width) in place of what stood
 * there. */
void gc_screen_draw(gc_screen *self, const char *text, size_t len);

/* Takes it away; the cursor is where the block began. */
void gc_screen_clear(gc_screen *self);

#endif
