#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/spec.h"

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

char *gc_spec_trim(const char *text)
{
    char *whole = gc_nfc(skip_blanks(text));
    size_t len = strlen(whole);
    while (len && strchr(" \t\r\n", whole[len - 1]))
        whole[--len] = '\0';
    return whole;
}

char *gc_spec_plain(const char *text)
{
    gc_buf out;
    gc_buf_init(&out, strlen(text));
    for (const char *p = text; *p; p++) {
        bool twin = (p[0] == '*' || p[0] == '_') && p[1] == p[0];
        if (twin)
            p++;
        else if (*p != '`')
            gc_buf_putc(&out, *p);
    }
    char *whole = gc_buf_take(&out), *plain;
    size_t len = strlen(whole);
    if (len > 1 && whole[0] == '*' && whole[len - 1] == '*') {
        whole[len - 1] = '\0';
        plain = gc_spec_trim(whole + 1);
    } else {
        plain = gc_spec_trim(whole);
    }
    free(whole);
    return plain;
}

char *gc_spec_key(const char *key)
{
    if (strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(key))
        return gc_xstrdup(key);
    return gc_go_snake_plain(key);
}

void gc_spec_set(char **slot, char *text)
{
    free(*slot);
    *slot = text;
}

const char *gc_spec_place_in(const char *key, const char *list)
{
    size_t len = strlen(key);
    for (const char *p = list; len && (p = strstr(p, key)); p += len)
        if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
            return p;
    return NULL;
}

bool gc_spec_is_one_of(const char *key, const char *list)
{
    return gc_spec_place_in(key, list) != NULL;
}

char *gc_spec_slice(const char *text, size_t len)
{
    char *part = gc_xasprintf("%.*s", (int)len, text);
    char *clean = gc_spec_trim(part);
    free(part);
    return clean;
}

bool gc_spec_split_call(const char *text, char **head, char **inner)
{
    size_t len = strlen(text), open = strcspn(text, "([<{");
    if (!text[open] || len < open + 2)
        return false;
    const char *opens = "([<{", *closes = ")]>}";
    char close = closes[strchr(opens, text[open]) - opens];
    size_t depth = 0, i = open;
    for (; i < len; i++) {
        if (strchr(opens, text[i]))
            depth++;
        else if (strchr(closes, text[i]) && --depth == 0)
            break;
    }
    if (i != len - 1 || text[i] != close)
        return false;
    *head = gc_spec_slice(text, open);
    *inner = gc_spec_slice(text + open + 1, i - open - 1);
    return true;
}

size_t gc_spec_find_outside(const char *text, char c)
{
    size_t depth = 0, i = 0;
    for (; text[i]; i++) {
        if (!depth && text[i] == c)
            break;
        if (strchr("([<{", text[i]))
            depth++;
        else if (strchr(")]>}", text[i]) && depth)
            depth--;
    }
    return i;
}

char *gc_spec_lower(const char *text)
{
    char *low = gc_xstrdup(text);
    for (char *p = low; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
    return low;
}

char *gc_spec_normal(const char *text)
{
    gc_buf out;
    gc_buf_init(&out, strlen(text) + 1);
    for (; *text; text++) {
        char c = *text;
        bool gap = strchr(" \t\r\n_-", c) != NULL;
        if (gap && out.len && out.ptr[out.len - 1] != ' ')
            gc_buf_putc(&out, ' ');
        else if (!gap)
            gc_buf_putc(&out, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
    }
    if (out.len && out.ptr[out.len - 1] == ' ')
        out.ptr[--out.len] = '\0';
    return gc_buf_take(&out);
}

/* ---- any tree as text ---- */

static void put_json(gc_buf *out, const gc_node *node);

typedef struct pair {
    const gc_node *key;
    const gc_node *value;
} pair;

static int by_key(const void *a, const void *b)
{
    return strcmp(((const pair *)a)->key->text, ((const pair *)b)->key->text);
}

static void put_json_map(gc_buf *out, const gc_node *node)
{
    pair *pairs = gc_xcalloc(node->count + 1, sizeof *pairs);
    for (size_t i = 0; i < node->count; i++)
        pairs[i] = (pair){ node->keys[i], node->items[i] };
    gc_spec_sort(pairs, node->count, sizeof *pairs, by_key);
    gc_buf_putc(out, '{');
    for (size_t i = 0; i < node->count; i++) {
        char *key = gc_spec_trim(pairs[i].key->text);
        gc_buf_printf(out, "%s%s: ", i ? ", " : "", key);
        put_json(out, pairs[i].value);
        free(key);
    }
    gc_buf_putc(out, '}');
    free(pairs);
}

/* JSON for reading: no quotes, since types and words are all that shapes hold. */
static void put_json(gc_buf *out, const gc_node *node)
{
    if (gc_spec_is_text(node)) {
        char *text = gc_spec_trim(node ? node->text : "");
        gc_buf_puts(out, *text ? text : "null");
        free(text);
    } else if (node->kind == GC_NODE_MAP) {
        put_json_map(out, node);
    } else {
        gc_buf_putc(out, '[');
        for (size_t i = 0; i < node->count; i++) {
            gc_buf_puts(out, i ? ", " : "");
            put_json(out, node->items[i]);
        }
        gc_buf_putc(out, ']');
    }
}

char *gc_spec_flat(const gc_node *node)
{
    if (gc_spec_is_null(node))
        return gc_xstrdup("");
    if (node->kind == GC_NODE_SCALAR)
        return gc_spec_trim(node->text);
    gc_buf out;
    gc_buf_init(&out, GC_SPEC_TEXT_LIMIT);
    put_json(&out, node);
    return gc_buf_take(&out);
}
