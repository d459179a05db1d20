#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/doc_build.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/text.h"

/* Design notes. libyaml's events, not its documents: those need 15 times the memory and
 * know no limits. Aliases become copies, and a copy is counted before it is made, so a small
 * file cannot grow past the limits. Invariants:
 *  I1 an anchor's node lives until the reader ends (what leaves the tree stays in its arena);
 *  I2 an anchor is `open` while its node is being read: an alias to it would be endless. */

#define CORE_TAG "tag:yaml.org,2002:"

typedef struct anchor {
    gc_node *node;
    bool open;
} anchor;

typedef struct yaml_reader {
    gc_doc_build *build;
    yaml_parser_t parser;
    gc_place offset; /* of the first byte in the file */
    gc_map *anchors; /* name -> anchor */
} yaml_reader;

/* Marks count lines and columns (in characters) from 0. */
static gc_place place_of(const yaml_reader *self, yaml_mark_t mark)
{
    gc_place at = { self->offset.line + (int)mark.line, 1 + (int)mark.column };
    if (mark.line == 0)
        at.column += self->offset.column - 1;
    return at;
}

/* What to do about the commonest of libyaml's problems. */
static const char *fix_for(const char *problem)
{
    static const struct {
        const char *part;
        const char *fix;
    } fixes[] = {
        { "mapping values are not allowed",
          "put a text that has \": \" in quotes, or check the indentation" },
        { "cannot start any token",
          "indent with blanks, not tabs; quote texts that start "
          "with @, ` or %" },
        { "could not find expected ':'", "add the ':' after the key, or quote the text" },
        { "did not find expected key", "check the indentation and the quotes above" },
        { "did not find expected '-'", "check the indentation of the list" },
        { "did not find expected ',' or ']'", "close the '[' list" },
        { "did not find expected ',' or '}'", "close the '{' map" },
        { "unexpected end of stream", "close the quote" },
        { "unexpected document indicator", "close the quote" },
        { "unknown escape", "write \\\\ for a backslash, or use single quotes" },
    };
    for (size_t i = 0; i < sizeof fixes / sizeof *fixes; i++)
        if (strstr(problem, fixes[i].part))
            return fixes[i].fix;
    return "correct the YAML here";
}

static void report_syntax(yaml_reader *self)
{
    const yaml_parser_t *parser = &self->parser;
    const char *problem = parser->problem ? parser->problem : "unreadable";
    gc_place at = place_of(self, parser->problem_mark);
    if (!parser->context) {
        gc_doc_stop(self->build, at, "YAML syntax: %s; %s", problem, fix_for(problem));
        return;
    }
    gc_place from = place_of(self, parser->context_mark);
    gc_doc_stop(self->build, at, "YAML syntax: %s, %s that starts at line %d; %s",
                problem, parser->context, from.line, fix_for(problem));
}

/* False after a syntax error. The event is to be deleted by the caller. */
static bool next_event(yaml_reader *self, yaml_event_t *event)
{
    if (self->build->stopped)
        return false;
    if (yaml_parser_parse(&self->parser, event))
        return true;
    report_syntax(self);
    return false;
}

static void check_tag(yaml_reader *self, const yaml_char_t *tag_bytes, gc_place at)
{
    static const char *const core[] = { "str",  "int", "float", "bool",
                                        "null", "map", "seq" };
    const char *tag = (const char *)tag_bytes;
    char clip[GC_CLIP_SIZE];
    if (!tag || strcmp(tag, "!") == 0)
        return;
    bool known = false;
    if (gc_starts_with(tag, CORE_TAG))
        for (size_t i = 0; i < sizeof core / sizeof *core; i++)
            known = known || strcmp(tag + strlen(CORE_TAG), core[i]) == 0;
    if (!known)
        gc_diags_add(self->build->diags, GC_SEV_WARNING, at.line, at.column,
                     "the tag %s has no meaning here and is ignored; remove it",
                     gc_doc_clip(tag, clip));
}

static bool is_text_tag(const yaml_char_t *tag)
{
    return tag && (strcmp((const char *)tag, "!") == 0 ||
                   strcmp((const char *)tag, YAML_STR_TAG) == 0);
}

static bool is_null_word(const char *text)
{
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static gc_node *read_scalar(yaml_reader *self, const yaml_event_t *event)
{
    gc_place at = place_of(self, event->start_mark);
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                 !is_text_tag(event->data.scalar.tag);
    check_tag(self, event->data.scalar.tag, at);
    gc_node *node = gc_doc_scalar(self->build, at, text, len);
    if (node)
        node->quoted = !plain;
    return node;
}

/* Plain null words are null as values; as keys they are words. */
static void make_null(gc_node *node)
{
    if (!node || node->kind != GC_NODE_SCALAR || node->quoted ||
        !is_null_word(node->text))
        return;
    node->kind = GC_NODE_NULL;
    node->text[0] = '\0';
    node->len = 0;
}

static anchor *open_anchor(yaml_reader *self, const yaml_char_t *name, gc_node *node)
{
    if (!name || !node)
        return NULL;
    anchor *a = gc_map_get(self->anchors, (const char *)name);
    if (!a) {
        a = gc_xcalloc(1, sizeof *a);
        gc_map_set(self->anchors, (const char *)name, a);
    }
    *a = (anchor){ .node = node, .open = true };
    return a;
}

/* The name may have been given again inside; then the later node stays. */
static void close_anchor(anchor *a, const gc_node *node)
{
    if (a && a->node == node)
        a->open = false;
}

static int height(const gc_node *node)
{
    int most = 0;
    for (size_t i = 0; i < node->count; i++) {
        int h = height(node->items[i]);
        most = h > most ? h : most;
    }
    return most + 1;
}

/* gc_doc_node() and gc_doc_scalar() count, and stop the copy at a limit. */
static gc_node *copy_node(gc_doc_build *build, const gc_node *from, gc_place at)
{
    gc_node *node = from->kind == GC_NODE_SCALAR
                        ? gc_doc_scalar(build, at, from->text, from->len)
                        : gc_doc_node(build, from->kind, at);
    if (!node)
        return NULL;
    node->quoted = from->quoted;
    for (size_t i = 0; i < from->count && !build->stopped; i++) {
        const gc_node *item = from->items[i], *key = from->keys ? from->keys[i] : NULL;
        gc_place item_at = { item->line, item->column };
        gc_node *value = copy_node(build, item, item_at);
        if (key)
            gc_doc_put(build, node,
                       copy_node(build, key, (gc_place){ key->line, key->column }),
                       value);
        else
            gc_doc_push(build, node, value);
    }
    return node;
}

static gc_node *read_alias(yaml_reader *self, const yaml_event_t *event, int depth)
{
    gc_place at = place_of(self, event->start_mark);
    const char *name = (const char *)event->data.alias.anchor;
    char clip[GC_CLIP_SIZE];
    const anchor *a = gc_map_get(self->anchors, name);
    if (!a || a->open) {
        gc_doc_error(self->build, at,
                     a ? "the alias *%s is inside of what it names; write it out"
                       : "the alias *%s has no anchor above; add &%s where it is defined",
                     gc_doc_clip(name, clip), clip);
        return gc_doc_node(self->build, GC_NODE_NULL, at);
    }
    if (!gc_doc_depth_ok(self->build, depth - 1 + height(a->node), at))
        return NULL;
    return copy_node(self->build, a->node, at);
}

static gc_node *read_node(yaml_reader *self, yaml_event_t *event, int depth);

static gc_node *read_seq(yaml_reader *self, const yaml_event_t *start, int depth)
{
    gc_place at = place_of(self, start->start_mark);
    check_tag(self, start->data.sequence_start.tag, at);
    gc_node *node = gc_doc_node(self->build, GC_NODE_SEQ, at);
    anchor *a = open_anchor(self, start->data.sequence_start.anchor, node);
    yaml_event_t event;
    while (node && next_event(self, &event)) {
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        gc_node *item = end ? NULL : read_node(self, &event, depth + 1);
        yaml_event_delete(&event);
        if (end)
            break;
        make_null(item);
        gc_doc_push(self->build, node, item);
    }
    close_anchor(a, node);
    return node;
}

/* A key must be a scalar. What is none is reported and replaced by NULL. */
static gc_node *check_key(yaml_reader *self, gc_node *key)
{
    if (!key)
        return NULL;
    gc_place at = { key->line, key->column };
    if (key->kind != GC_NODE_SCALAR)
        gc_doc_error(self->build, at, "a key must be a text, not a list or map");
    else if (!key->quoted && !key->len)
        gc_doc_error(self->build, at, "a key is missing before ':'");
    else
        return key;
    return NULL;
}

static bool is_merge_key(const gc_node *key)
{
    return key && !key->quoted && strcmp(key->text, "<<") == 0;
}

/* Reads one pair; merge values are collected in `merges`. False at the end of the map. */
static bool read_pair(yaml_reader *self, gc_node *map, gc_node *merges, int depth)
{
    yaml_event_t event;
    if (!next_event(self, &event))
        return false;
    bool end = event.type == YAML_MAPPING_END_EVENT;
    gc_node *key = end ? NULL : read_node(self, &event, depth + 1);
    yaml_event_delete(&event);
    if (end)
        return false;
    key = check_key(self, key);
    gc_node *value = NULL;
    if (next_event(self, &event)) {
        value = read_node(self, &event, depth + 1);
        yaml_event_delete(&event);
    }
    make_null(value);
    if (is_merge_key(key) && value)
        gc_doc_push(self->build, merges, value);
    else
        gc_doc_put(self->build, map, key, value);
    return true;
}

/* Moves the pairs of `from` whose keys `into` lacks; `known` holds the keys of `into`. */
static void merge_map(gc_doc_build *build, gc_node *into, gc_node *from, gc_map *known)
{
    for (size_t i = 0; i < from->count; i++) {
        if (gc_map_has(known, from->keys[i]->text))
            continue;
        gc_map_set(known, from->keys[i]->text, NULL);
        gc_doc_put(build, into, from->keys[i], from->items[i]);
    }
    from->count = 0;
}

/* yaml.org/type/merge: keys of the map itself win, then earlier merges. */
static void apply_merges(gc_doc_build *build, gc_node *map, gc_node *merges)
{
    gc_map *known = gc_map_new();
    for (size_t i = 0; i < map->count; i++)
        gc_map_set(known, map->keys[i]->text, NULL);
    for (size_t i = 0; i < merges->count; i++) {
        gc_node *value = merges->items[i];
        bool list = value->kind == GC_NODE_SEQ;
        for (size_t j = 0; j < (list ? value->count : 1); j++) {
            gc_node *from = list ? value->items[j] : value;
            if (from->kind == GC_NODE_MAP)
                merge_map(build, map, from, known);
            else
                gc_doc_error(build, (gc_place){ from->line, from->column },
                             "\"<<\" merges maps only; name an anchored map");
        }
    }
    merges->count = 0;
    gc_map_destroy(&known);
}

static gc_node *read_map(yaml_reader *self, const yaml_event_t *start, int depth)
{
    gc_place at = place_of(self, start->start_mark);
    check_tag(self, start->data.mapping_start.tag, at);
    gc_node *node = gc_doc_node(self->build, GC_NODE_MAP, at);
    if (!node)
        return NULL;
    gc_node merges = { .kind = GC_NODE_SEQ }; /* values of "<<", applied at the end */
    anchor *a = open_anchor(self, start->data.mapping_start.anchor, node);
    while (read_pair(self, node, &merges, depth))
        ;
    gc_doc_close_map(self->build, node);
    if (merges.count)
        apply_merges(self->build, node, &merges);
    close_anchor(a, node);
    return node;
}

static gc_node *read_node(yaml_reader *self, yaml_event_t *event, int depth)
{
    if (!gc_doc_depth_ok(self->build, depth, place_of(self, event->start_mark)))
        return NULL;
    gc_node *node = NULL;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        node = read_scalar(self, event);
        close_anchor(open_anchor(self, event->data.scalar.anchor, node), node);
        break;
    case YAML_ALIAS_EVENT: node = read_alias(self, event, depth); break;
    case YAML_SEQUENCE_START_EVENT: node = read_seq(self, event, depth); break;
    case YAML_MAPPING_START_EVENT: node = read_map(self, event, depth); break;
    default: break; /* libyaml balances its events */
    }
    return node;
}

static gc_node *read_stream(yaml_reader *self)
{
    gc_node *root = NULL;
    bool more = true;
    yaml_event_t event;
    while (more && next_event(self, &event)) {
        gc_place at = place_of(self, event.start_mark);
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT: break;
        case YAML_STREAM_END_EVENT: more = false; break;
        case YAML_DOCUMENT_START_EVENT:
            if (root) {
                gc_doc_error(self->build, at,
                             "a second document starts here; a file holds one document");
                more = false;
            }
            break;
        default:
            root = read_node(self, &event, 1);
            make_null(root);
            break;
        }
        yaml_event_delete(&event);
    }
    return root;
}

gc_node *gc_doc_read_yaml(gc_doc_build *self, const char *mem, size_t len, gc_place at)
{
    yaml_reader reader = { .build = self, .offset = at };
    if (!yaml_parser_initialize(&reader.parser)) {
        gc_doc_stop(self, at, "no memory for the YAML parser");
        return NULL;
    }
    reader.anchors = gc_map_new();
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)mem, len);
    gc_node *root = read_stream(&reader);
    size_t cursor = 0;
    const char *name;
    void *value;
    while (gc_map_next(reader.anchors, &cursor, &name, &value))
        free(value);
    gc_map_destroy(&reader.anchors);
    yaml_parser_delete(&reader.parser);
    if (!root && !self->stopped)
        root = gc_doc_node(self, GC_NODE_NULL, at);
    return root;
}
