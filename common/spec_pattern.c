#include "common/spec_pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/strv.h"
#include "common/text.h"

#define MOST_REPEATS 1000 /* what Go takes between braces */
#define MOST_RUNE 0x10ffff

typedef struct reader {
    const char *at;
    const char *problem; /* the first one */
    size_t depth;
    gc_strv names;     /* of groups */
    bool repeatable;   /* something stands before */
    bool was_repeated; /* by an operator that may not be repeated itself */
} reader;

static void refuse(reader *self, const char *problem)
{
    if (!self->problem)
        self->problem = problem;
}

static bool skip(reader *self, const char *word)
{
    if (!gc_starts_with(self->at, word))
        return false;
    self->at += strlen(word);
    return true;
}

/* One character of UTF-8, which the spec is known to be. */
static long read_rune(reader *self)
{
    unsigned char c = (unsigned char)*self->at++;
    long rune = c < 0x80 ? c : c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0x0f : c & 0x07;
    while (((unsigned char)*self->at & 0xc0) == 0x80)
        rune = rune << 6 | (*self->at++ & 0x3f);
    return rune;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind "\x": two digits, or any number of them in braces. */
static long read_hex(reader *self)
{
    bool braces = skip(self, "{");
    long rune = 0;
    size_t digits = 0;
    while (hex_digit(*self->at) >= 0 && (braces || digits < 2) && rune <= MOST_RUNE) {
        rune = rune * 16 + hex_digit(*self->at++);
        digits++;
    }
    if (rune > MOST_RUNE || digits < (braces ? 1 : 2) || (braces && !skip(self, "}")))
        refuse(self, "has a \\x without its digits");
    return rune;
}

static long read_octal(reader *self, long rune)
{
    for (int i = 0; i < 2 && *self->at >= '0' && *self->at <= '7'; i++)
        rune = rune * 8 + (*self->at++ - '0');
    return rune;
}

/* An escape that stands for one character; behind its backslash. */
static long read_escaped(reader *self)
{
    static const char letters[] = "afnrtv", meant[] = "\a\f\n\r\t\v";
    char c = *self->at;
    if (!c) {
        refuse(self, "ends in a backslash");
        return 0;
    }
    self->at++;
    const char *letter = strchr(letters, c);
    if (letter)
        return meant[letter - letters];
    if (c == 'x')
        return read_hex(self);
    if (c == '0' || (c >= '1' && c <= '7' && *self->at >= '0' && *self->at <= '7'))
        return read_octal(self, c - '0');
    if (c >= '1' && c <= '9')
        refuse(self, "refers back to a group");
    else if (isalpha((unsigned char)c) || (unsigned char)c >= 0x80)
        refuse(self, "has an escape of a letter that means nothing");
    return (unsigned char)c;
}

/* \d, \pL, \p{Greek}: behind the backslash. */
static bool read_set(reader *self)
{
    if (*self->at && strchr("dDsSwW", *self->at)) {
        self->at++;
        return true;
    }
    if (*self->at != 'p' && *self->at != 'P')
        return false;
    self->at++;
    if (*self->at == '{') {
        self->at += strcspn(self->at, "}");
        if (!skip(self, "}"))
            refuse(self, "has a \\p without its class");
    } else if (*self->at) {
        read_rune(self);
    } else {
        refuse(self, "has a \\p without its class");
    }
    return true;
}

/* "[:alpha:]" in a class. */
static bool read_named_class(reader *self)
{
    static const char *const names =
        "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit";
    const char *end = gc_starts_with(self->at, "[:") ? strstr(self->at + 2, ":]") : NULL;
    if (!end)
        return false;
    const char *name = self->at + 2 + (self->at[2] == '^');
    char *text = gc_xmemdup(name, (size_t)(end - name));
    gc_strv known = { 0 };
    gc_strv_split(&known, names, ' ');
    if (!gc_strv_has(&known, text))
        refuse(self, "has a [: :] of a name that means nothing");
    gc_strv_release(&known);
    free(text);
    self->at = end + 2;
    return true;
}

static long read_class_rune(reader *self)
{
    return skip(self, "\\") ? read_escaped(self) : read_rune(self);
}

/* Behind its bracket. */
static void read_class(reader *self)
{
    (void)skip(self, "^");
    for (bool first = true; !self->problem && (*self->at != ']' || first);
         first = false) {
        if (!*self->at) {
            refuse(self, "has a [ without its ]");
            return;
        }
        if (read_named_class(self))
            continue;
        const char *before = self->at;
        if (skip(self, "\\") && read_set(self))
            continue;
        self->at = before;
        long from = read_class_rune(self);
        if (self->at[0] != '-' || !self->at[1] || self->at[1] == ']')
            continue;
        self->at++;
        if (read_class_rune(self) < from)
            refuse(self, "has a range that ends before it starts");
    }
    (void)skip(self, "]");
}

/* Behind "(?P<" or "(?<". */
static void read_name(reader *self)
{
    size_t len = strspn(self->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_");
    char *name = gc_xmemdup(self->at, len);
    if (!len || self->at[len] != '>')
        refuse(self, "has a group name of other characters than letters, digits and _");
    else if (gc_strv_has(&self->names, name))
        refuse(self, "gives two groups one name");
    else
        self->at += len + 1;
    gc_strv_add(&self->names, name);
    free(name);
}

/* Behind "(?": letters, then ":" for a group or ")" for the rest of this one. */
static void read_flags(reader *self)
{
    self->at += strspn(self->at, "imsU");
    if (skip(self, "-")) {
        size_t cleared = strspn(self->at, "imsU");
        if (!cleared)
            refuse(self, "has a (? that means nothing"); /* a sign needs a flag */
        self->at += cleared;
    }
    if (skip(self, ":"))
        self->depth++;
    else if (!skip(self, ")"))
        refuse(self, "has a (? that means nothing");
}

/* Behind its parenthesis. */
static void read_group(reader *self)
{
    static const char *const around[] = { "?=", "?!", "?<=", "?<!", "?>" };
    bool flags = false;
    for (size_t i = 0; i < sizeof around / sizeof *around; i++)
        if (gc_starts_with(self->at, around[i]))
            refuse(self, "looks ahead or behind");
    if (skip(self, "?P<") || skip(self, "?<"))
        read_name(self);
    else
        flags = skip(self, "?");
    if (flags) {
        size_t before = self->depth;
        read_flags(self);
        if (self->depth == before)
            return; /* what stands before it can still be repeated */
    } else {
        self->depth++;
    }
    self->repeatable = false;
}

/* A number without zeros ahead. */
static bool read_count(const char **at, unsigned long *out)
{
    const char *from = *at;
    char *end;
    if (!isdigit((unsigned char)from[0]) ||
        (from[0] == '0' && isdigit((unsigned char)from[1])))
        return false;
    *out = strtoul(from, &end, 10);
    *at = end;
    return true;
}

/* "{2}", "{2,}", "{2,5}". False: a brace like any other character. */
static bool read_braces(reader *self)
{
    const char *at = self->at;
    unsigned long least, most;
    if (*at++ != '{' || !read_count(&at, &least))
        return false;
    most = least;
    if (*at == ',' && *++at != '}' && !read_count(&at, &most))
        return false;
    if (*at != '}')
        return false;
    self->at = at + 1;
    if (least > MOST_REPEATS || most > MOST_REPEATS)
        refuse(self, "repeats something more than 1000 times");
    else if (least > most)
        refuse(self, "repeats something at least more often than at most");
    return true;
}

static void repeat(reader *self)
{
    (void)skip(self, "?"); /* as seldom as possible */
    if (!self->repeatable)
        refuse(self, "repeats nothing");
    else if (self->was_repeated)
        refuse(self, "repeats a repeat");
    self->was_repeated = true;
}

static void read_escape(reader *self)
{
    if (skip(self, "Q")) {
        const char *end = strstr(self->at, "\\E");
        self->repeatable |= *self->at && end != self->at;
        self->at = end ? end + 2 : self->at + strlen(self->at);
        return;
    }
    self->repeatable = true;
    if (*self->at && strchr("AbBz", *self->at))
        self->at++;
    else if (!read_set(self))
        read_escaped(self);
}

static void read_next(reader *self)
{
    if (skip(self, "*") || skip(self, "+") || skip(self, "?") || read_braces(self)) {
        repeat(self);
        return;
    }
    self->was_repeated = false;
    if (skip(self, "\\")) {
        read_escape(self);
    } else if (skip(self, "(")) {
        read_group(self);
    } else if (skip(self, "|")) {
        self->repeatable = false;
    } else if (skip(self, ")")) {
        if (!self->depth--)
            refuse(self, "has a ) without its (");
        self->repeatable = true;
    } else {
        if (skip(self, "["))
            read_class(self);
        else
            read_rune(self);
        self->repeatable = true;
    }
}

const char *gc_spec_pattern_problem(const char *pattern)
{
    reader r = { .at = pattern };
    while (*r.at && !r.problem)
        read_next(&r);
    if (r.depth)
        refuse(&r, "has a ( without its )");
    gc_strv_release(&r.names);
    return r.problem;
}
