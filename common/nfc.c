#include "common/nfc.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"

typedef struct nfc_step {
    uint32_t code;
    uint32_t first;
    uint32_t second; /* 0: a singleton */
} nfc_step;

typedef struct nfc_pair {
    uint32_t first;
    uint32_t second;
    uint32_t code;
} nfc_pair;

typedef struct nfc_class {
    uint32_t first;
    uint32_t last;
    unsigned char value;
} nfc_class;

typedef struct nfc_range {
    uint32_t first;
    uint32_t last;
} nfc_range;

typedef struct nfc_case {
    uint32_t first;
    uint32_t last;
    unsigned char stride;
    int32_t delta;
} nfc_case;

#include "common/nfc_data.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Hangul syllables are computed (The Unicode Standard 15, section 3.12). */
enum {
    S_BASE = 0xac00,
    L_BASE = 0x1100,
    V_BASE = 0x1161,
    T_BASE = 0x11a7,
    L_COUNT = 19,
    V_COUNT = 21,
    T_COUNT = 28,
    S_COUNT = L_COUNT * V_COUNT * T_COUNT
};

typedef struct runes {
    uint32_t *items;
    size_t count;
    size_t cap;
} runes;

static void push(runes *self, uint32_t code)
{
    self->items = gc_grow(self->items, self->count, &self->cap, sizeof *self->items);
    self->items[self->count++] = code;
}

/* All tables start with the first code of their row; the last row that starts at or before
 * `code`, or NULL. */
static const void *row_before(const void *rows, size_t count, size_t size, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        uint32_t first;
        memcpy(&first, (const char *)rows + mid * size, sizeof first);
        if (first <= code)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? (const char *)rows + (low - 1) * size : NULL;
}

#define ROW_BEFORE(rows, code) row_before((rows), COUNT(rows), sizeof *(rows), (code))

static unsigned char combining_class(uint32_t code)
{
    const nfc_class *row = ROW_BEFORE(nfc_classes, code);
    return row && code <= row->last ? row->value : 0;
}

static void decompose(runes *out, uint32_t code)
{
    if (code >= S_BASE && code < S_BASE + S_COUNT) {
        uint32_t index = code - S_BASE;
        push(out, L_BASE + index / (V_COUNT * T_COUNT));
        push(out, V_BASE + index % (V_COUNT * T_COUNT) / T_COUNT);
        if (index % T_COUNT)
            push(out, T_BASE + index % T_COUNT);
        return;
    }
    const nfc_step *step = ROW_BEFORE(nfc_steps, code);
    if (!step || step->code != code) {
        push(out, code);
        return;
    }
    decompose(out, step->first); /* at most four steps deep in the data */
    if (step->second)
        decompose(out, step->second);
}

typedef struct mark {
    uint32_t code;
    uint32_t rank; /* class in the high byte, then the place: makes the sort stable */
} mark;

static int by_rank(const void *a, const void *b)
{
    const mark *x = a, *y = b;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Sorts one run of marks (class above 0) by class. Runs are as long as the text allows, so
 * this must not be quadratic. */
static void sort_marks(uint32_t *codes, size_t count)
{
    mark *marks = gc_xcalloc(count, sizeof *marks);
    for (size_t i = 0; i < count; i++) {
        marks[i].code = codes[i];
        marks[i].rank = (uint32_t)combining_class(codes[i]) << 24 | (uint32_t)i;
    }
    qsort(marks, count, sizeof *marks, by_rank);
    for (size_t i = 0; i < count; i++)
        codes[i] = marks[i].code;
    free(marks);
}

static void order_marks(runes *text)
{
    size_t start = 0;
    for (size_t i = 0; i <= text->count; i++) {
        if (i < text->count && combining_class(text->items[i]))
            continue;
        if (i - start > 1)
            sort_marks(text->items + start, i - start);
        start = i + 1;
    }
}

/* What the two compose to, or 0. */
static uint32_t compose_pair(uint32_t first, uint32_t second)
{
    if (first >= L_BASE && first < L_BASE + L_COUNT && second >= V_BASE &&
        second < V_BASE + V_COUNT)
        return S_BASE + ((first - L_BASE) * V_COUNT + (second - V_BASE)) * T_COUNT;
    if (first >= S_BASE && first < S_BASE + S_COUNT && (first - S_BASE) % T_COUNT == 0 &&
        second > T_BASE && second < T_BASE + T_COUNT)
        return first + (second - T_BASE);
    size_t low = 0, high = COUNT(nfc_pairs);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const nfc_pair *pair = &nfc_pairs[mid];
        if (pair->first == first && pair->second == second)
            return pair->code;
        if (pair->first < first || (pair->first == first && pair->second < second))
            low = mid + 1;
        else
            high = mid;
    }
    return 0;
}

/* Canonical composition of ordered, decomposed text, in place. */
static void compose(runes *text)
{
    size_t starter = SIZE_MAX, out = 0;
    int last_class = -1; /* of what stands between the starter and here; -1: nothing */
    for (size_t i = 0; i < text->count; i++) {
        uint32_t code = text->items[i];
        int class = combining_class(code);
        uint32_t whole = 0;
        if (starter != SIZE_MAX && last_class < class)
            whole = compose_pair(text->items[starter], code);
        if (whole) {
            text->items[starter] = whole;
            continue;
        }
        if (class == 0) {
            starter = out;
            last_class = -1;
        } else {
            last_class = class;
        }
        text->items[out++] = code;
    }
    text->count = out;
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

static char *normalize(const char *text, bool composed)
{
    if (is_ascii(text))
        return gc_xstrdup(text);
    runes codes = { 0 };
    size_t len = strlen(text), pos = 0;
    while (pos < len)
        decompose(&codes, gc_utf8_next(text, len, &pos));
    order_marks(&codes);
    if (composed)
        compose(&codes);
    gc_buf out;
    gc_buf_init(&out, codes.count * 4);
    for (size_t i = 0; i < codes.count; i++)
        gc_rune_put(&out, codes.items[i]);
    free(codes.items);
    return gc_buf_take(&out);
}

char *gc_nfc(const char *text)
{
    return normalize(text, true);
}

char *gc_nfd(const char *text)
{
    return normalize(text, false);
}

bool gc_rune_is_letter(uint32_t code)
{
    if (code < 0x80)
        return (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
    const nfc_range *row = ROW_BEFORE(nfc_letters, code);
    return row && code <= row->last;
}

bool gc_rune_is_digit(uint32_t code)
{
    if (code < 0x80)
        return code >= '0' && code <= '9';
    const nfc_range *row = ROW_BEFORE(nfc_digits, code);
    return row && code <= row->last;
}

static const nfc_case *case_row(const nfc_case *row, uint32_t code)
{
    bool in = row && code <= row->last && (code - row->first) % row->stride == 0;
    return in ? row : NULL;
}

bool gc_rune_is_upper(uint32_t code)
{
    if (code < 0x80)
        return code >= 'A' && code <= 'Z';
    return case_row(ROW_BEFORE(nfc_uppers, code), code) != NULL;
}

uint32_t gc_rune_upper(uint32_t code)
{
    if (code < 0x80)
        return code >= 'a' && code <= 'z' ? code - 32 : code;
    const nfc_case *row = case_row(ROW_BEFORE(nfc_to_upper, code), code);
    return row ? (uint32_t)((int32_t)code + row->delta) : code;
}

uint32_t gc_rune_lower(uint32_t code)
{
    if (code < 0x80)
        return code >= 'A' && code <= 'Z' ? code + 32 : code;
    const nfc_case *row = case_row(ROW_BEFORE(nfc_to_lower, code), code);
    return row ? (uint32_t)((int32_t)code + row->delta) : code;
}

bool gc_rune_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x00ad ||
           code == 0x061c || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
           code == 0xfeff || (code >= 0xe0000 && code <= 0xe007f);
}

void gc_rune_put(gc_buf *out, uint32_t code)
{
    char utf8[4];
    size_t len = 1;
    if (code < 0x80) {
        utf8[0] = (char)code;
    } else if (code < 0x800) {
        utf8[0] = (char)(0xc0 | code >> 6);
        len = 2;
    } else if (code < 0x10000) {
        utf8[0] = (char)(0xe0 | code >> 12);
        len = 3;
    } else {
        utf8[0] = (char)(0xf0 | code >> 18);
        len = 4;
    }
    for (size_t i = 1; i < len; i++)
        utf8[i] = (char)(0x80 | (code >> (6 * (len - 1 - i)) & 0x3f));
    gc_buf_append(out, utf8, len);
}
