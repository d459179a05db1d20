#include "tests/llm-sim/goscan.h"

#include <ctype.h>
#include <string.h>

#include "common/mem.h"

/* Nesting beyond this is no code that a plan promises; it keeps recursion bounded. */
#define DEPTH_MAX 64

size_t gc_sim_go_skip_string(const char *text, size_t len, size_t pos)
{
    if (pos >= len)
        return pos;
    char quote = text[pos];
    if (quote != '"' && quote != '\'' && quote != '`')
        return pos;
    for (size_t i = pos + 1; i < len; i++) {
        if (text[i] == quote)
            return i + 1;
        if (quote == '`')
            continue;
        if (text[i] == '\n')
            return i; /* unterminated: ends with its line */
        if (text[i] == '\\')
            i++;
    }
    return len;
}

size_t gc_sim_go_skip_comment(const char *text, size_t len, size_t pos)
{
    if (len - pos < 2 || text[pos] != '/')
        return pos;
    if (text[pos + 1] == '/') {
        const char *end = memchr(text + pos, '\n', len - pos);
        return end ? (size_t)(end - text) : len;
    }
    if (text[pos + 1] == '*') {
        const char *end = memmem(text + pos + 2, len - pos - 2, "*/", 2);
        return end ? (size_t)(end - text) + 2 : len;
    }
    return pos;
}

size_t gc_sim_go_find(const char *text, size_t len, size_t pos, const char *stops)
{
    size_t depth = 0;
    while (pos < len) {
        size_t past = gc_sim_go_skip_string(text, len, pos);
        if (past > pos) {
            pos = past;
            continue;
        }
        char c = text[pos];
        if (depth == 0 && c && strchr(stops, c))
            return pos;
        if (c == '(' || c == '[' || c == '{') {
            depth++;
        } else if (c == ')' || c == ']' || c == '}') {
            if (depth == 0)
                return pos;
            depth--;
        }
        pos++;
    }
    return len;
}

size_t gc_sim_go_skip_bracket(const char *text, size_t len, size_t pos)
{
    if (pos >= len)
        return len;
    size_t end = gc_sim_go_find(text, len, pos + 1, "");
    return end < len ? end + 1 : len;
}

size_t gc_sim_go_skip_ident(const char *text, size_t len, size_t pos)
{
    if (pos < len && isdigit((unsigned char)text[pos]))
        return pos;
    while (pos < len && (isalnum((unsigned char)text[pos]) || text[pos] == '_' ||
                         (unsigned char)text[pos] >= 0x80))
        pos++;
    return pos;
}

size_t gc_sim_go_skip_blank(const char *text, size_t len, size_t pos, bool lines)
{
    while (pos < len && (text[pos] == ' ' || text[pos] == '\t' || text[pos] == '\r' ||
                         (lines && text[pos] == '\n')))
        pos++;
    return pos;
}

static bool word_is(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

static size_t skip_type(const char *text, size_t len, size_t pos, int depth);

/* Parameters and results of a func type; `pos` is past the word. */
static size_t skip_signature(const char *text, size_t len, size_t pos, int depth)
{
    pos = gc_sim_go_skip_blank(text, len, pos, false);
    if (pos >= len || text[pos] != '(')
        return pos;
    pos = gc_sim_go_skip_bracket(text, len, pos);
    size_t next = gc_sim_go_skip_blank(text, len, pos, false);
    if (next < len && text[next] == '(')
        return gc_sim_go_skip_bracket(text, len, next);
    size_t past = skip_type(text, len, next, depth);
    return past > next ? past : pos;
}

/* A type that begins with a word: a keyword type, or a name with qualifier and arguments. */
static size_t skip_word_type(const char *text, size_t len, size_t pos, int depth)
{
    size_t past = gc_sim_go_skip_ident(text, len, pos);
    const char *word = text + pos;
    size_t word_len = past - pos;
    size_t next = gc_sim_go_skip_blank(text, len, past, false);
    char c = next < len ? text[next] : '\0';
    if (word_is(word, word_len, "func"))
        return skip_signature(text, len, past, depth);
    if (word_is(word, word_len, "chan")) {
        if (len - next >= 2 && memcmp(text + next, "<-", 2) == 0)
            next += 2;
        return skip_type(text, len, next, depth);
    }
    if (word_is(word, word_len, "struct") || word_is(word, word_len, "interface"))
        return c == '{' ? gc_sim_go_skip_bracket(text, len, next) : past;
    if (word_is(word, word_len, "map") && c == '[')
        return skip_type(text, len, gc_sim_go_skip_bracket(text, len, next), depth);
    if (past < len && text[past] == '.')
        past = gc_sim_go_skip_ident(text, len, past + 1);
    if (past < len && text[past] == '[')
        past = gc_sim_go_skip_bracket(text, len, past);
    return past;
}

static size_t skip_type(const char *text, size_t len, size_t pos, int depth)
{
    pos = gc_sim_go_skip_blank(text, len, pos, false);
    if (pos >= len || depth > DEPTH_MAX)
        return pos;
    char c = text[pos];
    if (c == '*')
        return skip_type(text, len, pos + 1, depth + 1);
    if (c == '[')
        return skip_type(text, len, gc_sim_go_skip_bracket(text, len, pos), depth + 1);
    if (c == '(')
        return gc_sim_go_skip_bracket(text, len, pos);
    if (len - pos >= 3 && memcmp(text + pos, "...", 3) == 0)
        return skip_type(text, len, pos + 3, depth + 1);
    if (len - pos >= 2 && memcmp(text + pos, "<-", 2) == 0)
        return skip_type(text, len, pos + 2, depth + 1);
    if (gc_sim_go_skip_ident(text, len, pos) == pos)
        return pos;
    return skip_word_type(text, len, pos, depth + 1);
}

size_t gc_sim_go_skip_type(const char *text, size_t len, size_t pos)
{
    return skip_type(text, len, pos, 0);
}

char *gc_sim_go_strip(const char *text)
{
    size_t len = strlen(text);
    char *out = gc_xmalloc(len + 1);
    size_t n = 0;
    for (size_t pos = 0; pos < len;) {
        size_t past = gc_sim_go_skip_string(text, len, pos);
        if (past > pos) {
            memcpy(out + n, text + pos, past - pos);
            n += past - pos;
            pos = past;
            continue;
        }
        past = gc_sim_go_skip_comment(text, len, pos);
        if (past > pos) { /* a comment over lines ends a line, like any other */
            out[n++] = memchr(text + pos, '\n', past - pos) ? '\n' : ' ';
            pos = past;
            continue;
        }
        out[n++] = text[pos++];
    }
    out[n] = '\0';
    return out;
}

/* Go's rule for a line end: it is a semicolon after a name, a literal or a closing bracket;
 * left out before a closing bracket, where it changes nothing. */
static bool line_end_counts(char before, char after)
{
    if (!before || !after || strchr(")]},;", after))
        return false;
    return isalnum((unsigned char)before) || (unsigned char)before >= 0x80 ||
           strchr("_\"'`)]}", before);
}

char *gc_sim_go_collapse(const char *text, size_t len)
{
    char *out = gc_xmalloc(len * 2 + 1);
    size_t n = 0;
    for (size_t pos = 0; pos < len;) {
        size_t past = gc_sim_go_skip_string(text, len, pos);
        if (past > pos) {
            memcpy(out + n, text + pos, past - pos);
            n += past - pos;
            pos = past;
            continue;
        }
        past = gc_sim_go_skip_blank(text, len, pos, true);
        if (past == pos) {
            out[n++] = text[pos++];
            continue;
        }
        bool line_end = memchr(text + pos, '\n', past - pos) != NULL;
        if (n && line_end && line_end_counts(out[n - 1], past < len ? text[past] : '\0'))
            out[n++] = ';';
        if (n && past < len)
            out[n++] = ' ';
        pos = past;
    }
    out[n] = '\0';
    return out;
}
