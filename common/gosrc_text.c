/* Normal type text: walking it, showing it, comparing it. */
#include <stdlib.h>
#include <string.h>

#include "common/gosrc_ast.h"
#include "common/gosrc_lex.h"
#include "common/mem.h"
#include "common/text.h"

bool gc_go_is_exported(const char *name)
{
    size_t pos = 0;
    return *name && gc_go_is_capital(gc_utf8_next(name, strlen(name), &pos));
}

/* Past the quoted text that starts at `text`. */
static const char *after_quoted(const char *text)
{
    char quote = *text++;
    while (*text && *text != quote)
        text += *text == '\\' && quote != '`' && text[1] ? 2 : 1;
    return *text ? text + 1 : text;
}

const char *gc_go_next_qualifier(const char *from, const char **path, size_t *path_len)
{
    while (*from) {
        if (*from != '"' && *from != '`') {
            from++;
            continue;
        }
        const char *end = after_quoted(from);
        if (*from == '"' && *end == '.') {
            *path = from + 1;
            *path_len = (size_t)(end - from) - 2;
            return from;
        }
        from = end;
    }
    return NULL;
}

static size_t bound(const char *normal)
{
    return strlen(normal) * 4 + 64;
}

static bool in_word(char c)
{
    char l = (char)(c | 32);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static size_t find_name(const gc_strv *names, const char *word, size_t len)
{
    size_t i = 0;
    for (; i < names->count; i++)
        if (strlen(names->items[i]) == len && memcmp(names->items[i], word, len) == 0)
            break;
    return i;
}

char *gc_go_with_numbers(const char *normal, const gc_strv *names)
{
    gc_buf out;
    gc_buf_init(&out, bound(normal) * 6);
    bool point = false; /* a word behind a point is no type parameter */
    while (*normal) {
        const char *end = normal;
        size_t index = names->count;
        bool selected = point;
        point = false;
        if (*normal == '"' || *normal == '`') {
            end = after_quoted(normal);
        } else if (in_word(*normal)) {
            while (in_word(*end))
                end++;
            index = selected ? index : find_name(names, normal, (size_t)(end - normal));
        } else if (gc_starts_with(normal, "...")) {
            end += 3;
        } else {
            point = *end++ == '.';
        }
        if (index < names->count)
            gc_buf_printf(&out, "$%zu", index);
        else
            gc_buf_append(&out, normal, (size_t)(end - normal));
        normal = end;
    }
    return gc_buf_take(&out);
}
