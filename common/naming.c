#include "common/naming.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/nfc.h"
#include "common/strv.h"
#include "common/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* File names end at 255 bytes; room for "_handler_test.go" and the like stays. */
#define STEM_MAX 120
#define STEM_HASH 8

static bool listed(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, list[i]) == 0)
            return true;
    return false;
}

/* The Go Programming Language Specification, "Keywords". */
char *gc_go_module_name(const char *path)
{
    size_t end = strlen(path), start = end;
    for (int part = 0; part < 2; part++) {
        while (start && path[start - 1] != '/')
            start--;
        size_t len = end - start;
        bool version = len > 1 && start && path[start] == 'v' &&
                       strspn(path + start + 1, "0123456789") >= len - 1;
        if (!version)
            break;
        end = --start;
    }
    const char *dot = memchr(path + start, '.', end - start);
    return gc_xmemdup(path + start, dot ? (size_t)(dot - path) - start : end - start);
}

bool gc_go_is_keyword(const char *name)
{
    static const char *const words[] = {
        "break",  "case", "chan",   "const",   "continue",    "default", "defer",
        "else",   "func", "go",     "goto",    "fallthrough", "for",     "if",
        "import", "map",  "struct", "package", "interface",   "range",   "return",
        "select", "type", "switch", "var",
    };
    return listed(name, words, COUNT(words));
}

/* "Predeclared identifiers" there, and init, which no declaration may use freely. */
bool gc_go_is_predeclared(const char *name)
{
    static const char *const words[] = {
        "any",     "bool",   "byte",    "comparable", "complex64", "complex128",
        "error",   "int",    "float32", "float64",    "int8",      "int16",
        "int32",   "int64",  "rune",    "string",     "uint",      "uint8",
        "uint16",  "uint32", "uint64",  "uintptr",    "true",      "false",
        "iota",    "nil",    "append",  "cap",        "clear",     "close",
        "complex", "copy",   "delete",  "imag",       "len",       "make",
        "max",     "min",    "new",     "panic",      "print",     "println",
        "real",    "init",   "recover",
    };
    return listed(name, words, COUNT(words));
}

/* Packages that generated code imports, and names with a meaning to the go command. */
static bool is_taken_package(const char *name)
{
    static const char *const words[] = {
        "atomic",  "bufio",    "bytes",   "cmp",      "config",  "context",  "driver",
        "errors",  "filepath", "flag",    "fmt",      "hash",    "hex",      "http",
        "io",      "internal", "json",    "log",      "main",    "math",     "net",
        "os",      "path",     "rand",    "reflect",  "regexp",  "server",   "slices",
        "slog",    "sort",     "sql",     "strconv",  "strings", "sync",     "testdata",
        "testing", "time",     "url",     "utf8",     "vendor",  "httptest", "maps",
        "signal",  "syscall",  "unicode", "template", "big",     "base64",
    };
    return listed(name, words, COUNT(words));
}

static const char *const initialisms[] = {
    "ACL", "API", "ASCII", "CPU", "CSS", "DNS",  "EOF", "GUID", "HTML", "HTTP", "HTTPS",
    "ID",  "IP",  "JSON",  "QPS", "RAM", "RPC",  "SLA", "SMTP", "SQL",  "SSH",  "TCP",
    "TLS", "TTL", "UDP",   "UI",  "UID", "UUID", "URI", "URL",  "VM",   "XML",
};

/* ---- words ---- */

static bool is_ascii_digit(uint32_t code)
{
    return code >= '0' && code <= '9';
}

typedef enum rune_kind {
    RUNE_OTHER,
    RUNE_LOWER,
    RUNE_UPPER,
    RUNE_DIGIT
} rune_kind;

static rune_kind kind_of(uint32_t code)
{
    if (gc_rune_is_upper(code))
        return RUNE_UPPER;
    if (gc_rune_is_letter(code))
        return RUNE_LOWER; /* scripts without case as well */
    return gc_rune_is_digit(code) ? RUNE_DIGIT : RUNE_OTHER;
}

/* A new word starts at rune i: after a small letter or digit comes a capital, or a capital
 * starts a small word after capitals (HTTPServer). A plural s keeps to its capitals: IDs. */
static bool starts_word(const rune_kind *kinds, const uint32_t *codes, size_t i,
                        size_t count)
{
    if (kinds[i] != RUNE_UPPER)
        return false;
    if (kinds[i - 1] != RUNE_UPPER)
        return true;
    if (i + 1 >= count || kinds[i + 1] != RUNE_LOWER)
        return false;
    bool plural = codes[i + 1] == 's' && (i + 2 >= count || kinds[i + 2] != RUNE_LOWER);
    return !plural;
}

static void put_word(gc_strv *out, const uint32_t *codes, size_t count)
{
    gc_buf word;
    gc_buf_init(&word, count * 4);
    for (size_t i = 0; i < count; i++)
        gc_rune_put(&word, codes[i]);
    gc_strv_push(out, gc_buf_take(&word));
}

/* The words of the NFC form, as written: letters and digits only, never empty. */
static void split_words(const char *name, gc_strv *out)
{
    char *text = gc_nfc(name);
    size_t len = strlen(text), count = 0, start = 0;
    uint32_t *codes = gc_xcalloc(len + 1, sizeof *codes);
    rune_kind *kinds = gc_xcalloc(len + 1, sizeof *kinds);
    for (size_t pos = 0; pos < len; count++) {
        codes[count] = gc_utf8_next(text, len, &pos);
        kinds[count] = kind_of(codes[count]);
    }
    for (size_t i = 0; i <= count; i++) {
        bool gap = i == count || kinds[i] == RUNE_OTHER;
        if (i > start && (gap || starts_word(kinds, codes, i, count))) {
            put_word(out, codes + start, i - start);
            start = i;
        }
        if (gap)
            start = i + 1;
    }
    free(kinds);
    free(codes);
    free(text);
}

static char *map_case(const char *text, uint32_t (*change)(uint32_t))
{
    size_t len = strlen(text), pos = 0;
    gc_buf out;
    gc_buf_init(&out, len * 4 + 4);
    while (pos < len)
        gc_rune_put(&out, change(gc_utf8_next(text, len, &pos)));
    return gc_buf_take(&out);
}

void gc_go_words(const char *text, gc_strv *out)
{
    size_t first = out->count;
    split_words(text, out);
    for (size_t i = first; i < out->count; i++) {
        char *lower = map_case(out->items[i], gc_rune_lower);
        free(out->items[i]);
        out->items[i] = lower;
    }
}

/* ---- Go identifiers ---- */

/* Built of initialisms alone, such as HTTPAPI; greedy, the longest first. */
static bool is_initialism(const char *upper)
{
    size_t len = strlen(upper);
    while (len) {
        size_t best = 0;
        for (size_t i = 0; i < COUNT(initialisms); i++) {
            size_t n = strlen(initialisms[i]);
            if (n > best && n <= len && strncmp(upper, initialisms[i], n) == 0)
                best = n;
        }
        if (!best)
            return false;
        upper += best;
        len -= best;
    }
    return true;
}

/* One word in an exported name: Order, ID, IDs. */
static void put_camel(gc_buf *out, const char *word)
{
    char *upper = map_case(word, gc_rune_upper);
    size_t len = strlen(upper);
    bool plural = len > 2 && word[strlen(word) - 1] == 's';
    if (is_initialism(upper)) {
        gc_buf_puts(out, upper);
    } else if (plural &&
               listed((upper[len - 1] = '\0', upper), initialisms, COUNT(initialisms))) {
        gc_buf_puts(out, upper);
        gc_buf_putc(out, 's');
    } else {
        char *lower = map_case(word, gc_rune_lower);
        size_t pos = 0, total = strlen(lower);
        gc_rune_put(out, gc_rune_upper(gc_utf8_next(lower, total, &pos)));
        gc_buf_puts(out, lower + pos);
        free(lower);
    }
    free(upper);
}

/* Two digits that touch would read as one number: "v1 2" becomes V1_2. */
static void put_joint(gc_buf *out, const char *word)
{
    if (out->len && is_ascii_digit((unsigned char)out->ptr[out->len - 1]) &&
        is_ascii_digit((unsigned char)word[0]))
        gc_buf_putc(out, '_');
}

char *gc_go_exported(const char *name)
{
    gc_strv words = { 0 };
    split_words(name, &words);
    gc_buf out;
    gc_buf_init(&out, strlen(name) * 8 + 16);
    for (size_t i = 0; i < words.count; i++) {
        put_joint(&out, words.items[i]);
        put_camel(&out, words.items[i]);
    }
    size_t pos = 0;
    if (!out.len || !gc_rune_is_upper(gc_utf8_next(out.ptr, out.len, &pos))) {
        char *rest = gc_buf_take(&out);
        gc_buf_printf(&out, "X%s", rest);
        free(rest);
    }
    gc_strv_release(&words);
    return gc_buf_take(&out);
}

char *gc_go_unexported(const char *name)
{
    gc_strv words = { 0 };
    split_words(name, &words);
    gc_buf out;
    gc_buf_init(&out, strlen(name) * 8 + 16);
    for (size_t i = 0; i < words.count; i++) {
        put_joint(&out, words.items[i]);
        if (i) {
            put_camel(&out, words.items[i]);
            continue;
        }
        char *lower = map_case(words.items[i], gc_rune_lower);
        size_t pos = 0;
        if (!gc_rune_is_letter(gc_utf8_next(lower, strlen(lower), &pos)))
            gc_buf_putc(&out, 'x');
        gc_buf_puts(&out, lower);
        free(lower);
    }
    if (!out.len)
        gc_buf_putc(&out, 'x');
    if (gc_go_is_keyword(out.ptr) || gc_go_is_predeclared(out.ptr))
        gc_buf_putc(&out, '_');
    gc_strv_release(&words);
    return gc_buf_take(&out);
}

/* ---- ASCII ---- */

/* Letters that do not decompose to ASCII: a few Latin ones, Greek, Cyrillic. */
static const char *ascii_of(uint32_t code)
{
    static const char *const greek[] = { "a", "v", "g", "d", "e",  "z",  "i", "th", "i",
                                         "k", "l", "m", "n", "x",  "o",  "p", "r",  "s",
                                         "s", "t", "y", "f", "ch", "ps", "o" };
    static const char *const cyrillic[] = {
        "a",  "b",  "v",  "g",    "d", "e", "zh", "z", "i",  "i", "k",
        "l",  "m",  "n",  "o",    "p", "r", "s",  "t", "u",  "f", "kh",
        "ts", "ch", "sh", "shch", "",  "y", "",   "e", "yu", "ya"
    };
    static const struct {
        uint32_t code;
        const char *text;
    } latin[] = { { 0xdf, "ss" }, { 0xe6, "ae" },  { 0xf0, "d" },   { 0xf8, "o" },
                  { 0xfe, "th" }, { 0x111, "d" },  { 0x127, "h" },  { 0x131, "i" },
                  { 0x142, "l" }, { 0x153, "oe" }, { 0x1e9e, "ss" } };
    if (code >= 0x3b1 && code <= 0x3c9)
        return greek[code - 0x3b1];
    if (code >= 0x430 && code <= 0x44f)
        return cyrillic[code - 0x430];
    for (size_t i = 0; i < COUNT(latin); i++)
        if (latin[i].code == code)
            return latin[i].text;
    return NULL;
}

/* One word in small ASCII letters and digits; a letter of another script is its number. */
static void put_ascii(gc_buf *out, const char *word)
{
    char *lower = map_case(word, gc_rune_lower);
    char *text = gc_nfd(lower);
    size_t len = strlen(text), pos = 0;
    while (pos < len) {
        uint32_t code = gc_rune_lower(gc_utf8_next(text, len, &pos));
        const char *known = ascii_of(code);
        if (code < 0x80)
            gc_buf_putc(out, (char)code);
        else if (known)
            gc_buf_puts(out, known);
        else if (gc_rune_is_letter(code) || gc_rune_is_digit(code))
            gc_buf_printf(out, "u%04x", (unsigned)code);
    }
    free(text);
    free(lower);
}

/* A name that is too long keeps its start and gets a hash of the whole. */
static void shorten(gc_buf *stem, size_t max)
{
    if (stem->len <= max)
        return;
    gc_sha sha = gc_sha256(stem->ptr, stem->len);
    char *whole = gc_buf_take(stem);
    gc_buf_append(stem, whole, max - STEM_HASH);
    gc_buf_append(stem, sha.hex, STEM_HASH);
    free(whole);
}

char *gc_go_snake_plain(const char *name)
{
    gc_strv words = { 0 };
    split_words(name, &words);
    gc_buf out;
    gc_buf_init(&out, strlen(name) * 8 + 16);
    for (size_t i = 0; i < words.count; i++) {
        size_t before = out.len;
        if (before)
            gc_buf_putc(&out, '_');
        size_t start = out.len;
        put_ascii(&out, words.items[i]);
        if (out.len == start) { /* the word was a sign without a letter of its own */
            out.len = before;
            out.ptr[before] = '\0';
        }
    }
    gc_strv_release(&words);
    if (!out.len)
        gc_buf_putc(&out, 'x');
    shorten(&out, STEM_MAX);
    return gc_buf_take(&out);
}

/* Words that the go command reads at the end of a file name, after '_' (go/build,
 * syslist.go of Go 1.26, and "test"). */
static bool is_build_word(const char *word)
{
    static const char *const words[] = {
        "test",     "aix",       "android",     "darwin",   "dragonfly", "freebsd",
        "hurd",     "illumos",   "ios",         "js",       "linux",     "nacl",
        "netbsd",   "openbsd",   "plan9",       "solaris",  "wasip1",    "windows",
        "zos",      "386",       "amd64",       "amd64p32", "arm",       "armbe",
        "arm64",    "arm64be",   "loong64",     "mips",     "mipsle",    "mips64",
        "mips64le", "mips64p32", "mips64p32le", "ppc",      "ppc64",     "ppc64le",
        "riscv",    "riscv64",   "s390",        "s390x",    "sparc",     "sparc64",
        "wasm",
    };
    return listed(word, words, COUNT(words));
}

char *gc_go_snake(const char *name)
{
    char *stem = gc_go_snake_plain(name);
    const char *last = strrchr(stem, '_');
    if (!last || !is_build_word(last + 1))
        return stem;
    char *safe = gc_xasprintf("%s_x", stem);
    free(stem);
    return safe;
}

char *gc_go_package(const char *name)
{
    char *snake = gc_go_snake_plain(name);
    gc_buf out;
    gc_buf_init(&out, strlen(snake) + 8);
    if (is_ascii_digit((unsigned char)snake[0]))
        gc_buf_putc(&out, 'p');
    for (const char *p = snake; *p; p++)
        if (*p != '_')
            gc_buf_putc(&out, *p);
    free(snake);
    if (gc_go_is_keyword(out.ptr) || gc_go_is_predeclared(out.ptr) ||
        is_taken_package(out.ptr))
        gc_buf_puts(&out, "pkg");
    return gc_buf_take(&out);
}
