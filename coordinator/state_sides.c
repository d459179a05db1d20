/* A state file that git left in the middle of a merge. Every run writes the digest of the
 * specification into it, so that two branches which both changed theirs always conflict; each
 * side by itself is a state file. */
#include <string.h>

#include "coordinator/state.h"

typedef enum side {
    BOTH,
    OURS,
    BASE, /* between "|||||||" and "=======", with merge.conflictStyle diff3 */
    THEIRS
} side;

/* Seven times `mark`, then a blank, the end of the line or of the text. */
static bool is_marker(const char *line, size_t len, char mark)
{
    size_t n = 0;
    while (n < len && line[n] == mark)
        n++;
    return n == 7 && (n == len || strchr(" \r\n", line[n]));
}

/* False: no marker, or one that does not belong here. */
static bool next_side(const char *line, size_t len, side *at)
{
    static const struct {
        side from, to;
        char mark;
    } steps[] = { { BOTH, OURS, '<' },
                  { OURS, BASE, '|' },
                  { OURS, THEIRS, '=' },
                  { BASE, THEIRS, '=' },
                  { THEIRS, BOTH, '>' } };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (*at == steps[i].from && is_marker(line, len, steps[i].mark)) {
            *at = steps[i].to;
            return true;
        }
    return false;
}

/* Each side with what both have. False: no markers, or not as git sets them. */
static bool split_sides(const char *mem, size_t len, gc_buf *ours, gc_buf *theirs)
{
    const char *end = mem + len;
    side at = BOTH;
    size_t markers = 0;
    while (mem < end) {
        const char *newline = memchr(mem, '\n', (size_t)(end - mem));
        size_t line = newline ? (size_t)(newline - mem) + 1 : (size_t)(end - mem);
        if (next_side(mem, line, &at)) {
            markers++;
        } else {
            if (at == BOTH || at == OURS)
                gc_buf_append(ours, mem, line);
            if (at == BOTH || at == THEIRS)
                gc_buf_append(theirs, mem, line);
        }
        mem += line;
    }
    return markers && at == BOTH;
}

gc_err gc_state_parse_sides(const char *mem, size_t len, gc_state *ours, gc_state *theirs)
{
    gc_buf mine, other;
    gc_state one;
    gc_buf_init(&mine, GC_STATE_MAX_BYTES);
    gc_buf_init(&other, GC_STATE_MAX_BYTES);
    gc_err err = split_sides(mem, len, &mine, &other) ? GC_OK : GC_ENOENT;
    if (!err)
        err = gc_state_parse(mine.ptr, mine.len, &one, NULL);
    if (!err) {
        err = gc_state_parse(other.ptr, other.len, theirs, NULL);
        if (err)
            gc_state_release(&one);
        else
            *ours = one;
    }
    gc_buf_release(&mine);
    gc_buf_release(&other);
    return err;
}
