#include "worker/elements.h"

#include <string.h>

#define START "<generate path=\""
#define END "</generate>"
#define MAX_PATH ((size_t)4096)

/* Length of the line at `text`, its newline included. */
static size_t line_len(const char *text, size_t len)
{
    const char *end = memchr(text, '\n', len);
    return end ? (size_t)(end - text) + 1 : len;
}

static size_t trimmed(const char *line, size_t len)
{
    while (len > 0 && strchr(" \t\r\n", line[len - 1]))
        len--;
    return len;
}

static bool starts(const char *line, size_t len, const char *prefix)
{
    return len >= strlen(prefix) && memcmp(line, prefix, strlen(prefix)) == 0;
}

/* Appends the attribute value with its five named escapes undone. */
static void unescape(const char *value, size_t len, gc_buf *out)
{
    static const struct {
        const char *name;
        char c;
    } names[] = { { "&amp;", '&' },  { "&lt;", '<' },    { "&gt;", '>' },
                  { "&quot;", '"' }, { "&apos;", '\'' }, { "&#39;", '\'' },
                  { "&#34;", '"' } };
    for (size_t i = 0; i < len;) {
        size_t step = 1;
        char c = value[i];
        for (size_t n = 0; c == '&' && n < sizeof names / sizeof *names; n++) {
            if (starts(value + i, len - i, names[n].name)) {
                c = names[n].c;
                step = strlen(names[n].name);
                break;
            }
        }
        gc_buf_putc(out, c);
        i += step;
    }
}

/* Length of the element at `text`, or 0 if there is none; `path` gets its path. */
static size_t element_len(const char *text, size_t len, gc_buf *path)
{
    size_t first = line_len(text, len);
    if (!starts(text, first, START))
        return 0;
    const char *value = text + strlen(START);
    const char *quote = memchr(value, '"', first - strlen(START));
    if (!quote)
        return 0;
    gc_buf_reset(path);
    unescape(value, (size_t)(quote - value), path);
    size_t kept = trimmed(text, first);
    if (kept >= 2 && memcmp(text + kept - 2, "/>", 2) == 0)
        return first;
    if (kept >= strlen(END) && memcmp(text + kept - strlen(END), END, strlen(END)) == 0)
        return first;
    for (size_t at = first; at < len;) {
        size_t line = line_len(text + at, len - at);
        size_t bare = trimmed(text + at, line);
        at += line;
        if (bare == strlen(END) && memcmp(text + at - line, END, bare) == 0)
            return at;
    }
    return 0; /* never closed: not ours to touch */
}

size_t gc_elements_keep(const char *text, size_t len, gc_elements_cb wanted, void *arg,
                        gc_buf *out)
{
    size_t dropped = 0;
    gc_buf path;
    gc_buf_init(&path, MAX_PATH);
    for (size_t at = 0; at < len;) {
        size_t size = element_len(text + at, len - at, &path);
        bool drop = size > 0 && !path.full && !wanted(arg, path.ptr);
        if (size == 0)
            size = line_len(text + at, len - at);
        if (drop)
            dropped++;
        else
            gc_buf_append(out, text + at, size);
        at += size;
    }
    gc_buf_release(&path);
    return dropped;
}
