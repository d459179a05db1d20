#include "common/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/doc_build.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/text.h"

#define FEW_KEYS 16 /* up to here comparing pairs beats hashing */
#define MESSAGE_SIZE 1024
#define BAD_BYTES_MAX 20 /* reported per file */

gc_doc_format gc_doc_format_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot && strcasecmp(dot, ".json") == 0)
        return GC_DOC_JSON;
    if (dot && (strcasecmp(dot, ".md") == 0 || strcasecmp(dot, ".markdown") == 0))
        return GC_DOC_MARKDOWN;
    return GC_DOC_YAML;
}

/* The root of a finished tree, and the memory of all of it. */
typedef struct tree {
    gc_node root;
    gc_arena *arena;
} tree;

void gc_node_destroy(gc_node **root_p)
{
    tree *self = (tree *)*root_p; /* the root is its first member */
    if (!self)
        return;
    gc_arena_destroy(&self->arena);
    free(self);
    *root_p = NULL;
}

/* The memory goes with the root. */
static gc_node *finish_tree(gc_doc_build *build, const gc_node *root)
{
    tree *self = gc_xcalloc(1, sizeof *self);
    self->root = *root;
    self->arena = build->arena;
    build->arena = NULL;
    return &self->root;
}

const gc_node *gc_node_get(const gc_node *node, const char *key)
{
    if (!node || node->kind != GC_NODE_MAP)
        return NULL;
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->keys[i]->text, key) == 0)
            return node->items[i];
    return NULL;
}

const char *gc_node_text(const gc_node *node, const char *key)
{
    const gc_node *value = gc_node_get(node, key);
    return value && value->kind == GC_NODE_SCALAR ? value->text : NULL;
}

gc_place gc_cursor_move(gc_cursor *self, size_t pos)
{
    for (; self->pos < pos; self->pos++) {
        unsigned char c = (unsigned char)self->text[self->pos];
        if (c == '\n' || (c == '\r' && self->text[self->pos + 1] != '\n')) {
            self->place.line++;
            self->place.column = 1;
        } else if ((c & 0xc0) != 0x80 && c != '\r') {
            self->place.column++;
        }
    }
    return self->place;
}

void gc_doc_build_init(gc_doc_build *self, gc_diags *diags)
{
    *self = (gc_doc_build){ .diags = diags, .arena = gc_arena_new() };
}

void gc_doc_build_release(gc_doc_build *self)
{
    gc_arena_destroy(&self->arena);
    *self = (gc_doc_build){ 0 };
}

void gc_doc_error(gc_doc_build *self, gc_place at, const char *fmt, ...)
{
    char text[MESSAGE_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gc_diags_add(self->diags, GC_SEV_ERROR, at.line, at.column, "%s", text);
}

void gc_doc_stop(gc_doc_build *self, gc_place at, const char *fmt, ...)
{
    char text[MESSAGE_SIZE];
    if (self->stopped)
        return; /* the first reason is the true one */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gc_doc_error(self, at, "%s", text);
    self->stopped = true;
}

const char *gc_doc_clip(const char *text, char out[GC_CLIP_SIZE])
{
    size_t len = strlen(text), shown = GC_CLIP_SIZE - sizeof "...";
    if (len < GC_CLIP_SIZE)
        shown = len;
    while (shown < len && shown && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--;
    snprintf(out, GC_CLIP_SIZE, "%.*s%s", (int)shown, text, shown < len ? "..." : "");
    return out;
}

bool gc_doc_is_control(uint32_t code)
{
    if (code < 0x20)
        return code != '\t' && code != '\n' && code != '\r';
    return (code >= 0x7f && code < 0xa0) || code == 0xfeff || code == 0xfffe ||
           code == 0xffff;
}

bool gc_doc_depth_ok(gc_doc_build *self, int depth, gc_place at)
{
    if (depth <= GC_DOC_MAX_DEPTH)
        return true;
    gc_doc_stop(self, at, "nested deeper than the limit of %d levels; flatten it",
                GC_DOC_MAX_DEPTH);
    return false;
}

gc_node *gc_doc_node(gc_doc_build *self, gc_node_kind kind, gc_place at)
{
    if (self->stopped)
        return NULL;
    if (self->nodes >= GC_DOC_MAX_NODES) {
        gc_doc_stop(
            self, at,
            "more than the limit of %zu values (aliases expanded); split the file",
            GC_DOC_MAX_NODES);
        return NULL;
    }
    self->nodes++;
    gc_node *node = gc_arena_alloc(self->arena, sizeof *node);
    node->kind = kind;
    node->line = at.line;
    node->column = at.column;
    if (kind == GC_NODE_NULL)
        node->text = gc_arena_text(self->arena, "", 0);
    return node;
}

static bool has_control(const char *text, size_t len, uint32_t *code)
{
    size_t pos = 0;
    while (pos < len) {
        unsigned char c = (unsigned char)text[pos];
        if (c >= 0x20 && c < 0x7f) {
            pos++;
            continue;
        }
        *code = gc_utf8_next(text, len, &pos);
        if (gc_doc_is_control(*code))
            return true;
    }
    return false;
}

gc_node *gc_doc_scalar(gc_doc_build *self, gc_place at, const char *text, size_t len)
{
    uint32_t code;
    if (len > GC_DOC_MAX_SCALAR) {
        gc_doc_error(self, at, "a text of %zu bytes is over the limit of %zu; shorten it",
                     len, GC_DOC_MAX_SCALAR);
        len = 0;
    } else if (has_control(text, len, &code)) {
        gc_doc_error(self, at, "the text has the control character U+%04X; remove it",
                     (unsigned)code);
        len = 0;
    }
    if (len > GC_DOC_MAX_BYTES - self->text_bytes)
        gc_doc_stop(self, at,
                    "all texts together are over the limit of %zu bytes (aliases "
                    "expanded); split the file",
                    GC_DOC_MAX_BYTES);
    gc_node *node = gc_doc_node(self, GC_NODE_SCALAR, at);
    if (!node)
        return NULL;
    self->text_bytes += len;
    node->text = gc_arena_text(self->arena, text, len);
    node->len = len;
    return node;
}

/* The arrays have room for the next power of two above `count`, so no capacity is kept. */
static gc_node **make_room(gc_doc_build *self, gc_node **items, size_t count)
{
    if (count & (count - 1))
        return items;
    gc_node **more =
        gc_arena_alloc(self->arena, (count ? count * 2 : 1) * sizeof(gc_node *));
    if (count)
        memcpy(more, items, count * sizeof(gc_node *));
    return more;
}

void gc_doc_push(gc_doc_build *self, gc_node *seq, gc_node *item)
{
    if (!item)
        return;
    seq->items = make_room(self, seq->items, seq->count);
    seq->items[seq->count++] = item;
}

void gc_doc_put(gc_doc_build *self, gc_node *map, gc_node *key, gc_node *value)
{
    if (!key || !value)
        return;
    map->items = make_room(self, map->items, map->count);
    map->keys = make_room(self, map->keys, map->count);
    map->items[map->count] = value;
    map->keys[map->count++] = key;
}

/* The first key equal to keys[at] among the first `count`, or NULL. */
static const gc_node *find_key(const gc_node *map, size_t count, const gc_node *key,
                               const gc_map *index)
{
    if (index)
        return gc_map_get(index, key->text);
    for (size_t i = 0; i < count; i++)
        if (strcmp(map->keys[i]->text, key->text) == 0)
            return map->keys[i];
    return NULL;
}

void gc_doc_close_map(gc_doc_build *self, gc_node *map)
{
    char clip[GC_CLIP_SIZE];
    size_t count = 0;
    gc_map *index = map->count > FEW_KEYS ? gc_map_new() : NULL;
    for (size_t i = 0; i < map->count; i++) {
        gc_node *key = map->keys[i], *value = map->items[i];
        const gc_node *first = find_key(map, count, key, index);
        if (first) {
            gc_doc_error(self, (gc_place){ key->line, key->column },
                         "duplicate key \"%s\": first at line %d, again at line %d; "
                         "remove one",
                         gc_doc_clip(key->text, clip), first->line, key->line);
            continue;
        }
        if (index)
            gc_map_set(index, key->text, key);
        map->keys[count] = key;
        map->items[count++] = value;
    }
    map->count = count;
    gc_map_destroy(&index);
}

/* Length of the well-formed UTF-8 sequence at `pos`, 0 if there is none. */
static size_t sequence_at(const char *mem, size_t len, size_t pos, uint32_t *code)
{
    size_t next = pos;
    *code = gc_utf8_next(mem, len, &next);
    bool malformed =
        *code == 0xfffd && next - pos != 3; /* a written U+FFFD has 3 bytes */
    return malformed ? 0 : next - pos;
}

/* One pass before any reader: refuses what none of them may see. */
static void check_bytes(gc_doc_build *self, const char *mem, size_t len)
{
    gc_cursor cursor = { .text = mem, .place = { 1, 1 } };
    int found = 0;
    for (size_t pos = 0; pos < len && found < BAD_BYTES_MAX;) {
        uint32_t code;
        unsigned char c = (unsigned char)mem[pos];
        if (c >= 0x20 && c < 0x7f) {
            pos++;
            continue;
        }
        size_t n = sequence_at(mem, len, pos, &code);
        if (!n || gc_doc_is_control(code)) {
            gc_place at = gc_cursor_move(&cursor, pos);
            found++;
            if (!n)
                gc_doc_error(self, at, "byte 0x%02x is not UTF-8; save the file as UTF-8",
                             c);
            else
                gc_doc_error(self, at, "control character U+%04X; remove it",
                             (unsigned)code);
        }
        pos += n ? n : 1;
    }
    self->stopped = found > 0;
}

static gc_node *read_format(gc_doc_build *self, const char *mem, size_t len,
                            gc_doc_format format)
{
    switch (format) {
    case GC_DOC_JSON: return gc_doc_read_json(self, mem, len);
    case GC_DOC_MARKDOWN: return gc_doc_read_markdown(self, mem, len);
    case GC_DOC_YAML: break;
    }
    return gc_doc_read_yaml(self, mem, len, (gc_place){ 1, 1 });
}

gc_err gc_doc_parse(const char *mem, size_t len, gc_doc_format format, gc_diags *diags,
                    gc_node **out)
{
    static const char bom[] = "\xef\xbb\xbf";
    const gc_place start = { 1, 1 };
    size_t before = diags->errors;
    gc_node *root = NULL;
    gc_doc_build build;
    gc_doc_build_init(&build, diags);
    if (len >= 3 && memcmp(mem, bom, 3) == 0) {
        mem += 3;
        len -= 3;
    }
    if (len > GC_DOC_MAX_BYTES) {
        gc_doc_stop(&build, start,
                    "a file of %zu bytes is over the limit of %zu; split it", len,
                    GC_DOC_MAX_BYTES);
    } else if (len >= 2 &&
               (memcmp(mem, "\xff\xfe", 2) == 0 || memcmp(mem, "\xfe\xff", 2) == 0)) {
        gc_doc_stop(&build, start, "the file is UTF-16; save it as UTF-8");
    } else {
        /* Readers look one byte ahead: a copy with a NUL at its end makes that safe. */
        char *text = gc_xmemdup(mem, len);
        check_bytes(&build, text, len);
        if (!build.stopped)
            root = read_format(&build, text, len, format);
        free(text);
    }
    *out = root && !build.stopped ? finish_tree(&build, root) : NULL;
    gc_doc_build_release(&build);
    return diags->errors > before ? GC_EINVAL : GC_OK;
}
