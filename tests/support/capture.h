/* What a call writes to stdout or stderr, as text: for output that people and scripts read.
 * One capture at a time per descriptor; a test that fails in between leaves the descriptor
 * redirected, so its message is lost but its failure is not. */
#ifndef GC_TESTS_SUPPORT_CAPTURE_H
#define GC_TESTS_SUPPORT_CAPTURE_H

#include <stdio.h>

typedef struct capture {
    FILE *stream; /* stdout or stderr */
    int saved;    /* where it went before */
    int file;
} capture;

/* Redirects `stream` into a file in memory. */
void capture_begin(capture *self, FILE *stream);

/* Gives the descriptor back; what was written meanwhile (free() it). */
char *capture_end(capture *self);

#endif
