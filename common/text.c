#include "common/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

gc_err gc_parse_i64(const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    if (!(text[0] == '-' || (text[0] >= '0' && text[0] <= '9')))
        return GC_EINVAL; /* strtoll would skip blanks and take '+' */
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < min || value > max)
        return GC_EINVAL;
    *out = value;
    return GC_OK;
}

gc_err gc_parse_double(const char *text, double min, double max, double *out)
{
    /* Nothing here calls setlocale(), so strtod reads the C locale's point. */
    char *end;
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
        return GC_EINVAL;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || end == text || *end || !isfinite(value) || value < min || value > max)
        return GC_EINVAL;
    *out = value;
    return GC_OK;
}

gc_err gc_parse_duration_ms(const char *text, int64_t min_ms, int64_t max_ms,
                            int64_t *out)
{
    static const struct {
        const char *suffix;
        double ms;
    } units[] = {
        { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "", 1000 }
    };
    size_t digits = strspn(text, "0123456789.");
    char number[32];
    if (!digits || digits >= sizeof number)
        return GC_EINVAL;
    memcpy(number, text, digits);
    number[digits] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        double value;
        if (strcmp(text + digits, units[i].suffix) != 0)
            continue;
        if (gc_parse_double(number, 0, 1e12, &value))
            return GC_EINVAL;
        value *= units[i].ms;
        if (value < (double)min_ms || value > (double)max_ms)
            return GC_EINVAL;
        *out = (int64_t)(value + 0.5);
        return GC_OK;
    }
    return GC_EINVAL;
}

gc_err gc_parse_bool(const char *text, bool *out)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return GC_EINVAL;
    *out = yes;
    return GC_OK;
}

bool gc_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool gc_ends_with(const char *text, const char *suffix)
{
    size_t lt = strlen(text), ls = strlen(suffix);
    return lt >= ls && memcmp(text + lt - ls, suffix, ls) == 0;
}

/* Length of the well-formed sequence at `s` (RFC 3629, table 3-7 of Unicode), 0 if none. */
static size_t sequence(const unsigned char *s, size_t len, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = s[0] < 0x80       ? 1
               : s[0] >> 5 == 6  ? 2
               : s[0] >> 4 == 14 ? 3
               : s[0] >> 3 == 30 ? 4
                                 : 0;
    if (!n || n > len)
        return 0;
    uint32_t c = n == 1 ? s[0] : s[0] & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}

bool gc_utf8_valid(const char *text, size_t len)
{
    size_t pos = 0;
    while (pos < len) {
        uint32_t code;
        size_t n = sequence((const unsigned char *)text + pos, len - pos, &code);
        if (!n)
            return false;
        pos += n;
    }
    return true;
}

char *gc_utf8_clean(const char *text, size_t len)
{
    static const char unknown[] = "\xef\xbf\xbd";
    char *out = gc_xmalloc(len * (sizeof unknown - 1) + 1), *end = out;
    size_t pos = 0;
    while (pos < len) {
        uint32_t code;
        size_t n = sequence((const unsigned char *)text + pos, len - pos, &code);
        const char *from = n ? text + pos : unknown;
        size_t bytes = n ? n : sizeof unknown - 1;
        memcpy(end, from, bytes);
        end += bytes;
        pos += n ? n : 1;
    }
    *end = '\0';
    return out;
}

static bool moves_the_terminal(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
           code == 0x2029 || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

void gc_one_line(char *out, size_t size, const char *text)
{
    const char *gap = ""; /* to go before the next character */
    size_t len = strlen(text), used = 0;
    for (size_t pos = 0; pos < len;) {
        size_t start = pos;
        uint32_t code = gc_utf8_next(text, len, &pos);
        if (code == '\n') {
            gap = "; ";
            continue;
        }
        if (code == ' ' || moves_the_terminal(code)) {
            gap = *gap ? gap : " ";
            continue;
        }
        bool known = code != 0xfffd;
        size_t before = used ? strlen(gap) : 0, bytes = known ? pos - start : 3;
        if (used + before + bytes >= size)
            break;
        memcpy(out + used, gap, before);
        memcpy(out + used + before, known ? text + start : "\xef\xbf\xbd", bytes);
        used += before + bytes;
        gap = "";
    }
    out[used] = '\0';
}

uint32_t gc_utf8_next(const char *text, size_t len, size_t *pos)
{
    uint32_t code = 0xfffd;
    size_t n = sequence((const unsigned char *)text + *pos, len - *pos, &code);
    *pos += n ? n : 1;
    return code;
}

/* ---- terminal ---- */

static size_t width_of(uint32_t c)
{
    static const struct {
        uint32_t first, last;
        size_t columns;
    } ranges[] = {
        { 0x0300, 0x036f, 0 },   { 0x1100, 0x115f, 2 },   { 0x200b, 0x200f, 0 },
        { 0x20d0, 0x20ff, 0 },   { 0x2e80, 0x303e, 2 },   { 0x3041, 0x4dbf, 2 },
        { 0x4e00, 0xa4cf, 2 },   { 0xa960, 0xa97c, 2 },   { 0xac00, 0xd7a3, 2 },
        { 0xf900, 0xfaff, 2 },   { 0xfe00, 0xfe0f, 0 },   { 0xfe30, 0xfe6f, 2 },
        { 0xff01, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 },   { 0x1f300, 0x1f64f, 2 },
        { 0x1f680, 0x1faff, 2 }, { 0x20000, 0x3fffd, 2 },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && c >= ranges[i].first; i++)
        if (c <= ranges[i].last)
            return ranges[i].columns;
    return 1;
}

size_t gc_text_columns(const char *text, size_t len)
{
    size_t columns = 0;
    for (size_t pos = 0; pos < len;)
        columns += width_of(gc_utf8_next(text, len, &pos));
    return columns;
}

size_t gc_text_within(const char *text, size_t len, size_t columns)
{
    size_t within = 0, used = 0;
    for (size_t pos = 0; pos < len; within = pos) {
        used += width_of(gc_utf8_next(text, len, &pos));
        if (used > columns)
            break;
    }
    return within;
}
