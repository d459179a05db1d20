/* Numbers, strings and runes: https://go.dev/ref/spec#Integer_literals and below. */
#include "common/gosrc_lex.h"
#include "common/text.h"

enum {
    SAW_DIGIT = 1,
    SAW_UNDERSCORE = 2
};

static char at(const char *src, size_t len, size_t pos)
{
    return pos < len ? src[pos] : '\0';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_decimal(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    char l = lower(c);
    return is_decimal(c) || (l >= 'a' && l <= 'f');
}

static gc_go_scan fault(gc_go_scan scan, size_t where, const char *problem)
{
    if (!scan.problem) {
        scan.problem = problem;
        scan.at = where;
    }
    return scan;
}

typedef struct number {
    const char *src;
    size_t len;
    size_t pos;
    char prefix; /* x o b, '0' for the old octal form, or NUL */
    int saw;     /* SAW_ bits */
    bool bad;    /* a digit that the base does not have, at bad_pos */
    size_t bad_pos;
} number;

/* Digits and underscores. Too large decimal digits are only noted: `08` is wrong but `08.5`
 * and `08i` are not. */
static void take_digits(number *self, int base)
{
    for (;; self->pos++) {
        char c = at(self->src, self->len, self->pos);
        if (c == '_') {
            self->saw |= SAW_UNDERSCORE;
        } else if (base == 16 ? is_hex(c) : is_decimal(c)) {
            self->saw |= SAW_DIGIT;
            if (base < 10 && c >= '0' + base && !self->bad) {
                self->bad = true;
                self->bad_pos = self->pos;
            }
        } else {
            return;
        }
    }
}

static int take_prefix(number *self)
{
    if (at(self->src, self->len, self->pos) != '0')
        return 10;
    char mark = lower(at(self->src, self->len, self->pos + 1));
    if (mark == 'x' || mark == 'o' || mark == 'b') {
        self->pos += 2;
        self->prefix = mark;
        return mark == 'x' ? 16 : mark == 'o' ? 8 : 2;
    }
    self->pos++;
    self->prefix = '0';
    self->saw = SAW_DIGIT;
    return 8;
}

/* An underscore stands between digits or between the prefix and a digit. */
static bool underscores_separate(const char *text, size_t len)
{
    bool prefixed =
        len >= 2 && text[0] == '0' &&
        (lower(text[1]) == 'x' || lower(text[1]) == 'o' || lower(text[1]) == 'b');
    bool hex = prefixed && lower(text[1]) == 'x';
    bool digit_before = prefixed;
    for (size_t i = prefixed ? 2 : 0; i < len; i++) {
        bool digit = is_decimal(text[i]) || (hex && is_hex(text[i]));
        if (text[i] == '_') {
            char next = at(text, len, i + 1);
            if (!digit_before || !(is_decimal(next) || (hex && is_hex(next))))
                return false;
        }
        digit_before = digit;
    }
    return true;
}

static gc_go_scan take_exponent(number *self, gc_go_scan scan)
{
    char mark = lower(at(self->src, self->len, self->pos));
    if (mark != 'e' && mark != 'p') {
        if (self->prefix == 'x' && scan.kind == GC_GO_FLOAT)
            return fault(scan, self->pos, "a hexadecimal fraction needs a 'p' exponent");
        return scan;
    }
    if (mark == 'e' && self->prefix && self->prefix != '0')
        scan = fault(scan, self->pos, "an 'e' exponent needs a decimal mantissa");
    if (mark == 'p' && self->prefix != 'x')
        scan = fault(scan, self->pos, "a 'p' exponent needs a hexadecimal mantissa");
    self->pos++;
    scan.kind = GC_GO_FLOAT;
    char sign = at(self->src, self->len, self->pos);
    if (sign == '+' || sign == '-')
        self->pos++;
    int before = self->saw & SAW_UNDERSCORE;
    self->saw = 0;
    take_digits(self, 10);
    if (!(self->saw & SAW_DIGIT))
        scan = fault(scan, self->pos, "the exponent has no digits");
    self->saw |= before;
    return scan;
}

gc_go_scan gc_go_scan_number(const char *src, size_t len, size_t pos)
{
    number self = { .src = src, .len = len, .pos = pos };
    gc_go_scan scan = { .kind = GC_GO_INT };
    int base = 10;
    if (at(src, len, pos) != '.') {
        base = take_prefix(&self);
        take_digits(&self, base);
    }
    if (at(src, len, self.pos) == '.') {
        scan.kind = GC_GO_FLOAT;
        if (self.prefix == 'o' || self.prefix == 'b')
            scan = fault(scan, self.pos,
                         "only decimal and hexadecimal numbers have a "
                         "fraction");
        self.pos++;
        take_digits(&self, base);
    }
    if (!(self.saw & SAW_DIGIT))
        scan = fault(scan, pos, "a number without digits");
    scan = take_exponent(&self, scan);
    if (at(src, len, self.pos) == 'i') {
        scan.kind = GC_GO_IMAGINARY;
        self.pos++;
    }
    bool old_form = self.prefix == '0' && scan.kind != GC_GO_INT;
    if (self.bad && !old_form)
        scan = fault(scan, self.bad_pos, "a digit that the base does not have");
    if ((self.saw & SAW_UNDERSCORE) && !underscores_separate(src + pos, self.pos - pos))
        scan = fault(scan, pos, "'_' must separate digits");
    scan.end = self.pos;
    return scan;
}

static unsigned digit_value(char c)
{
    return is_decimal(c) ? (unsigned)(c - '0') : (unsigned)(lower(c) - 'a' + 10);
}

/* `digits` digits of an escape at `pos`; false if they are not there. */
static bool escape_number(const char *src, size_t len, size_t pos, size_t digits,
                          uint32_t *value)
{
    unsigned base = digits == 3 ? 8 : 16;
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = at(src, len, pos + i);
        if (!is_hex(c) || digit_value(c) >= base)
            return false;
        *value = *value * base + digit_value(c);
    }
    return true;
}

/* `pos` is at the backslash; moves scan.end past the escape. */
static gc_go_scan take_escape(const char *src, size_t len, size_t pos, gc_go_scan scan,
                              char quote)
{
    char c = at(src, len, pos + 1);
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : is_decimal(c) ? 3 : 0;
    size_t from = pos + (is_decimal(c) ? 1 : 2);
    uint32_t value;
    if (!digits) {
        scan.end = pos + 2;
        for (const char *known = "abfnrtv\\"; *known; known++)
            if (c == *known)
                return scan;
        return c == quote ? scan : fault(scan, pos, "an unknown escape sequence");
    }
    if (!escape_number(src, len, from, digits, &value)) {
        scan.end = pos + 1;
        return fault(scan, pos, "an escape sequence with wrong or too few digits");
    }
    scan.end = from + digits;
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (digits == 3 && value > 0xff)
        return fault(scan, pos, "an octal escape above 255");
    if (digits >= 4 && (value > 0x10ffff || surrogate))
        return fault(scan, pos, "an escape that is no Unicode character");
    return scan;
}

static gc_go_scan scan_raw(const char *src, size_t len, size_t pos)
{
    gc_go_scan scan = { .kind = GC_GO_STRING, .end = pos + 1 };
    while (scan.end < len && src[scan.end] != '`') {
        uint32_t code;
        const char *problem;
        size_t n = gc_go_char(src, len, scan.end, &code, &problem);
        if (!n)
            return fault(scan, scan.end, problem);
        scan.end += n;
    }
    if (scan.end >= len)
        return fault(scan, pos, "a raw string that never ends: '`' is missing");
    scan.end++;
    return scan;
}

gc_go_scan gc_go_scan_quoted(const char *src, size_t len, size_t pos)
{
    char quote = src[pos];
    if (quote == '`')
        return scan_raw(src, len, pos);
    bool rune = quote == '\'';
    gc_go_scan scan = { .kind = rune ? GC_GO_RUNE : GC_GO_STRING, .end = pos + 1 };
    size_t count = 0;
    for (;; count++) {
        char c = at(src, len, scan.end);
        if (scan.end >= len || c == '\n')
            return fault(scan, pos,
                         rune ? "a rune that never ends: \"'\" is missing"
                              : "a string that never ends: '\"' is missing");
        if (c == quote)
            break;
        uint32_t code;
        const char *problem;
        size_t n = gc_go_char(src, len, scan.end, &code, &problem);
        if (!n)
            return fault(scan, scan.end, problem);
        if (c == '\\')
            scan = take_escape(src, len, scan.end, scan, quote);
        else
            scan.end += n;
    }
    scan.end++;
    if (rune && count != 1)
        return fault(scan, pos,
                     count ? "a rune of more than one character" : "an empty rune");
    return scan;
}

static void put_utf8(uint32_t code, gc_buf *out)
{
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    char utf8[4];
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; code >>= 6)
        utf8[i] = (char)(0x80 | (code & 0x3f));
    utf8[0] = (char)(lead[n] | code);
    gc_buf_append(out, utf8, n);
}

/* The escape at `pos` (its backslash); bytes of it. */
static size_t put_escape(const char *text, size_t len, size_t pos, gc_buf *out)
{
    static const char from[] = "abfnrtv";
    static const char to[] = "\a\b\f\n\r\t\v";
    char c = at(text, len, pos + 1);
    uint32_t value = (unsigned char)c;
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : is_decimal(c) ? 3 : 0;
    if (digits) {
        size_t start = pos + (is_decimal(c) ? 1 : 2);
        if (!escape_number(text, len, start, digits, &value))
            return 2;
        if (digits >= 4)
            put_utf8(value, out);
        else
            gc_buf_putc(out, (char)value);
        return start + digits - pos;
    }
    for (size_t i = 0; from[i]; i++)
        if (c == from[i])
            value = (unsigned char)to[i];
    gc_buf_putc(out, (char)value);
    return 2;
}

void gc_go_unquote(const char *text, size_t len, gc_buf *out)
{
    bool raw = at(text, len, 0) == '`';
    for (size_t i = 1; i + 1 < len;) {
        if (text[i] == '\\' && !raw) {
            i += put_escape(text, len, i, out);
            continue;
        }
        if (text[i] != '\r' || !raw) /* a raw string holds no carriage return */
            gc_buf_putc(out, text[i]);
        i++;
    }
}
