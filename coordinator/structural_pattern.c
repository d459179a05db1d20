#include "coordinator/structural_pattern.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"

#define PATTERN_MAX 1000 /* bytes of a pattern */
#define DEPTH_MAX 20     /* groups in groups */
#define REPEAT_MAX 1000  /* of repeats in each other, as in Go */
#define SAMPLE_MAX 4096  /* bytes of a text that matches */
#define EXTRA_MAX 300    /* rounds of open repeats that are tried */

typedef struct reader {
    const char *at;
    gc_buf out;
    size_t rounds; /* what open repeats are tried with */
    size_t repeat; /* highest product of repeats in each other, so far */
    size_t depth;
    bool used[128];      /* characters that may stand in a match */
    bool any;            /* others may, too */
    bool anchored;       /* every alternative has ^ and $ */
    size_t min_consumed; /* fewest characters of a match */
} reader;

static bool read_choice(reader *self, size_t *least);

static void cut(gc_buf *out, size_t len)
{
    if (out->len > len)
        out->ptr[out->len = len] = '\0';
}

static void use_range(reader *self, unsigned from, unsigned to)
{
    for (unsigned c = from; c <= to && c < 128; c++)
        self->used[c] = true;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= ' ' && (unsigned char)c < 0x7f;
}

/* \d and \w are sets; punctuation stands for itself. `sample` gets a member. */
static bool read_escape(reader *self, char *sample, bool *is_set)
{
    char c = *self->at;
    *is_set = c == 'd' || c == 'w' || c == 's';
    if (c == 'd' || c == 'w')
        use_range(self, '0', '9');
    if (c == 'w') {
        use_range(self, 'a', 'z');
        use_range(self, 'A', 'Z');
        self->used['_'] = true;
    }
    if (c == 's')
        self->used[' '] = self->used['\t'] = self->used['\n'] = self->used['\r'] =
            self->used['\f'] = true;
    if (!*is_set && (!is_plain(c) || isalnum((unsigned char)c)))
        return false;
    if (!*is_set)
        use_range(self, (unsigned char)c, (unsigned char)c);
    *sample = c == 'd' ? '0' : c == 'w' ? 'a' : c == 's' ? ' ' : c;
    self->at++;
    return true;
}

/* One member of a class; *is_set: it cannot begin a range. */
static bool read_member(reader *self, char *sample, bool *is_set)
{
    *is_set = false;
    if (*self->at == '\\') {
        self->at++;
        return read_escape(self, sample, is_set);
    }
    if (!is_plain(*self->at) || *self->at == '[')
        return false;
    *sample = *self->at++;
    use_range(self, (unsigned char)*sample, (unsigned char)*sample);
    return true;
}

static bool in_class(const bool *taken, char *sample)
{
    static const char likely[] = "x0A-_ ";
    for (const char *c = likely; *c; c++)
        if (!taken[(unsigned char)*c]) {
            *sample = *c;
            return true;
        }
    return false;
}

/* Behind the opening bracket. */
static bool read_class(reader *self, char *sample)
{
    bool before[128], first = true;
    bool negated = *self->at == '^';
    memcpy(before, self->used, sizeof before);
    if (negated) {
        self->at++;
        memset(self->used, 0, sizeof self->used);
    }
    while (*self->at != ']' || first) {
        char from, to;
        bool is_set;
        if (*self->at == ']' || !read_member(self, &from, &is_set))
            return false;
        if (!is_set && self->at[0] == '-' && self->at[1] != ']') {
            self->at++;
            if (!read_member(self, &to, &is_set) || is_set || to < from)
                return false;
            use_range(self, (unsigned char)from, (unsigned char)to);
        }
        if (first)
            *sample = from;
        first = false;
    }
    self->at++;
    if (!negated)
        return true;
    bool found = in_class(self->used, sample);
    memcpy(self->used, before, sizeof before);
    self->any = true;
    return found;
}

/* Behind the opening parenthesis. */
static bool read_group(reader *self, size_t *least)
{
    if (*self->at == '?') {
        if (self->at[1] != ':')
            return false;
        self->at += 2;
    }
    if (++self->depth > DEPTH_MAX || !read_choice(self, least) || *self->at != ')')
        return false;
    self->depth--;
    self->at++;
    return true;
}

static bool read_atom(reader *self, size_t *least)
{
    char c = *self->at++, sample;
    bool is_set;
    *least = 1;
    if (c == '(')
        return read_group(self, least);
    if (c == '[') {
        if (!read_class(self, &sample))
            return false;
    } else if (c == '\\') {
        if (!read_escape(self, &sample, &is_set))
            return false;
    } else if (c == '.') {
        self->any = true;
        sample = 'x';
    } else if (is_plain(c) && !strchr("*+?{}^$)]|", c)) {
        use_range(self, (unsigned char)c, (unsigned char)c);
        sample = c;
    } else {
        return false;
    }
    gc_buf_putc(&self->out, sample);
    return true;
}

static bool read_count(reader *self, size_t *count)
{
    size_t digits = strspn(self->at, "0123456789");
    if (!digits || digits > 4)
        return false;
    *count = 0;
    for (; digits; digits--)
        *count = *count * 10 + (size_t)(*self->at++ - '0');
    return *count <= REPEAT_MAX;
}

/* "{2}", "{2,}", "{2,5}", "?", "*", "+" or nothing. *max is SIZE_MAX if it is open. */
static bool read_repeat(reader *self, size_t *min, size_t *max)
{
    char c = *self->at;
    *min = *max = 1;
    if (!c || !strchr("?*+{", c))
        return true;
    self->at++;
    if (c != '{') {
        *min = c == '+';
        *max = c == '?' ? 1 : SIZE_MAX;
    } else {
        if (!read_count(self, min))
            return false;
        *max = *min;
        if (*self->at == ',') {
            self->at++;
            *max = SIZE_MAX;
            if (*self->at != '}' && !read_count(self, max))
                return false;
        }
        if (*self->at++ != '}' || *max < *min)
            return false;
    }
    if (*self->at == '?') /* lazy: the same texts match */
        self->at++;
    return !*self->at || !strchr("?*+{", *self->at);
}

static bool read_piece(reader *self, size_t *least)
{
    size_t start = self->out.len, around = self->repeat, min, max;
    self->repeat = 1;
    if (!read_atom(self, least) || !read_repeat(self, &min, &max))
        return false;
    size_t highest = max == SIZE_MAX ? min : max;
    self->repeat *= highest > 1 ? highest : 1;
    if (self->repeat > REPEAT_MAX)
        return false;
    self->repeat = self->repeat > around ? self->repeat : around;
    size_t times = self->rounds > min ? self->rounds : min;
    times = times > max ? max : times;
    size_t len = self->out.len - start;
    if (len * times > SAMPLE_MAX)
        return false;
    char *once = gc_xmemdup(self->out.ptr + start, len);
    cut(&self->out, start);
    for (size_t i = 0; i < times; i++)
        gc_buf_append(&self->out, once, len);
    free(once);
    *least *= min;
    return self->out.len <= SAMPLE_MAX;
}

/* Anchors stand only where the whole pattern begins and ends. */
static bool read_alternative(reader *self, size_t *least)
{
    bool top = self->depth == 0, begins = false, ends = false;
    *least = 0;
    if (top && *self->at == '^') {
        begins = true;
        self->at++;
    }
    while (*self->at && *self->at != '|' && *self->at != ')' && !ends) {
        size_t piece = 0;
        if (top && *self->at == '$') {
            ends = true;
            self->at++;
        } else if (!read_piece(self, &piece)) {
            return false;
        }
        *least += piece;
    }
    if (top)
        self->anchored = self->anchored && begins && ends;
    return !*self->at || *self->at == '|' || (!top && *self->at == ')');
}

/* The sample is of the first alternative. */
static bool read_choice(reader *self, size_t *least)
{
    if (!read_alternative(self, least))
        return false;
    while (*self->at == '|') {
        size_t len = self->out.len, other;
        self->at++;
        if (!read_alternative(self, &other))
            return false;
        cut(&self->out, len);
        *least = other < *least ? other : *least;
    }
    return true;
}

/* A character that no match can hold, where a match has to hold one or to be the whole. */
static char *bad_for(const reader *self, size_t min)
{
    static const char *const candidates[] = { "!", "?", "~", "#", "|", "\"" };
    gc_buf out;
    if (self->any || (!self->anchored && !self->min_consumed))
        return NULL;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        if (self->used[(unsigned char)candidates[i][0]])
            continue;
        gc_buf_init(&out, SAMPLE_MAX + 1);
        for (size_t n = 0; n < (min ? min : 1); n++)
            gc_buf_putc(&out, candidates[i][0]);
        return gc_buf_take(&out);
    }
    return NULL;
}

bool structural_pattern_read(const char *pattern, size_t min, size_t max,
                             structural_pattern *out)
{
    if (strlen(pattern) > PATTERN_MAX || min > SAMPLE_MAX)
        return false;
    for (size_t rounds = 1; rounds <= EXTRA_MAX; rounds++) {
        reader self = {
            .at = pattern, .rounds = rounds - 1, .repeat = 1, .anchored = true
        };
        gc_buf_init(&self.out, (size_t)4 << 20);
        bool good = read_choice(&self, &self.min_consumed) && !*self.at;
        size_t len = self.out.len;
        bool blank = self.out.ptr[strspn(self.out.ptr, " ")] == '\0';
        if (good && !blank && len >= min && len <= max) {
            out->bad = bad_for(&self, min);
            out->good = gc_buf_take(&self.out);
            return true;
        }
        gc_buf_release(&self.out);
        if (!good || len > max)
            return false;
    }
    return false;
}

void structural_pattern_release(structural_pattern *self)
{
    free(self->good);
    free(self->bad);
    *self = (structural_pattern){ 0 };
}
