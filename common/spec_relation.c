#include "common/spec.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"

/* What people write between two entities, words in small letters; the longest come first.
 * `swap`: the right side holds the left one. */
static const struct {
    const char *phrase;
    const char *kind;
} phrases[] = {
    { "has and belongs to many", "many_to_many" },
    { "many to many with", "many_to_many" },
    { "can have many", "has_many" },
    { "may have many", "has_many" },
    { "has zero or more", "has_many" },
    { "has one or more", "has_many" },
    { "one to many", "has_many" },
    { "many to one", "belongs_to" },
    { "one to one", "has_one" },
    { "many to many", "many_to_many" },
    { "is part of", "belongs_to" },
    { "is owned by", "belongs_to" },
    { "is assigned to", "belongs_to" },
    { "can have", "has_one" },
    { "may have", "has_one" },
    { "has many", "has_many" },
    { "have many", "has_many" },
    { "has multiple", "has_many" },
    { "has several", "has_many" },
    { "contains many", "has_many" },
    { "contains multiple", "has_many" },
    { "consists of", "has_many" },
    { "composed of", "has_many" },
    { "has one", "has_one" },
    { "has a", "has_one" },
    { "has an", "has_one" },
    { "has at most one", "has_one" },
    { "belongs to", "belongs_to" },
    { "belong to", "belongs_to" },
    { "part of", "belongs_to" },
    { "owned by", "belongs_to" },
    { "assigned to", "belongs_to" },
    { "placed by", "belongs_to" },
    { "created by", "belongs_to" },
    { "written by", "belongs_to" },
    { "refers to", "references" },
    { "reference to", "references" },
    { "depends on", "references" },
    { "links to", "references" },
    { "contains", "has_many" },
    { "includes", "has_many" },
    { "owns", "has_many" },
    { "has", "has_one" },
    { "have", "has_one" },
    { "references", "references" },
    { "reference", "references" },
    { "uses", "references" },
    { "hasmany", "has_many" },
    { "hasone", "has_one" },
    { "belongsto", "belongs_to" },
    { "manytomany", "many_to_many" },
    { "onetomany", "has_many" },
    { "manytoone", "belongs_to" },
    { "onetoone", "has_one" },
    { "composition", "has_many" },
    { "aggregation", "has_many" },
    { "association", "references" },
    { "dependency", "references" },
};

#define PHRASES (sizeof phrases / sizeof *phrases)

static bool is_many(const char *side)
{
    return gc_spec_is_one_of(side, "n m * many 0..n 1..n 0..* 1..* 0..m 1..m");
}

static bool is_side(const char *side)
{
    return is_many(side) || gc_spec_is_one_of(side, "1 0..1 one 1..1");
}

/* "1:N", "N-1", "*:*", "1 to many" (without blanks around the joint): a kind, or NULL. */
static const char *kind_of_cardinality(const char *text)
{
    char low[16];
    size_t len = strlen(text);
    if (len >= sizeof low)
        return NULL;
    for (size_t i = 0; i <= len; i++)
        low[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    size_t joint = strcspn(low, ":-");
    if (!low[joint])
        return NULL;
    const char *right = low + joint + 1;
    low[joint] = '\0';
    if (*right == '-' || *right == '>')
        right++;
    if (!is_side(low) || !is_side(right))
        return NULL;
    if (is_many(low))
        return is_many(right) ? "many_to_many" : "belongs_to";
    return is_many(right) ? "has_many" : "has_one";
}

static char *small_words(const char *text)
{
    gc_strv words = { 0 };
    gc_go_words(text, &words);
    char *joined = gc_strv_join(&words, " ");
    gc_strv_release(&words);
    return joined;
}

/* The kind that a word such as "one-to-many" or "1:N" names, or NULL. */
static const char *kind_of(const char *text)
{
    const char *kind = kind_of_cardinality(text);
    if (kind)
        return kind;
    char *words = small_words(text);
    for (size_t i = 0; i < PHRASES && !kind; i++)
        if (strcmp(words, phrases[i].phrase) == 0)
            kind = phrases[i].kind;
    free(words);
    return kind;
}

static void set_kind(gc_spec *self, gc_spec_relation *r, const gc_node *at,
                     const char *text)
{
    const char *kind = *text ? kind_of(text) : "references";
    if (!kind) {
        gc_spec_warn(self, at,
                     "unknown kind of relation \"%.60s\" is taken as references; "
                     "write has_many, has_one, belongs_to, many_to_many or references",
                     text);
        kind = "references";
    }
    gc_spec_set(&r->relation.kind, gc_xstrdup(kind));
}

/* ---- relations in a line ---- */

#define LINE_MAX_BYTES 400

typedef struct relation_words {
    gc_strv words; /* as written */
    gc_strv small; /* the same in small letters */
} relation_words;

static void split_blanks(relation_words *out, const char *line)
{
    gc_strv_split(&out->words, line, ' ');
    for (size_t i = 0; i < out->words.count; i++) {
        char *word = gc_xstrdup(out->words.items[i]);
        for (char *p = word; *p; p++)
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        for (char *p = word; *p; p++)
            if (*p == '_' ||
                (*p == '-' && p > word && p[1] && p[1] != '>' && p[1] != '-'))
                *p = '-';
        gc_strv_push(&out->small, word);
    }
}

/* Words of the phrase that stands at `at`, 0 if it does not. */
static size_t match_phrase(const relation_words *w, size_t at, const char *phrase)
{
    gc_strv parts = { 0 };
    gc_strv_split(&parts, phrase, ' ');
    size_t n = 0;
    while (n < parts.count && at + n < w->small.count &&
           strcmp(w->small.items[at + n], parts.items[n]) == 0)
        n++;
    size_t matched = n == parts.count ? n : 0;
    gc_strv_release(&parts);
    return matched;
}

static const char *operator_at(const relation_words *w, size_t at, size_t *len)
{
    const char *word = w->small.items[at];
    static const char arrows[] = "-> --> => \xe2\x86\x92";
    *len = 1;
    const char *kind = kind_of_cardinality(word);
    if (kind)
        return kind;
    if (gc_spec_is_one_of(word, arrows))
        return "references";
    if (gc_spec_is_one_of(word, "<-> <--> \xe2\x86\x94"))
        return "many_to_many";
    if (strchr(word, '-')) { /* has-many, one_to_many */
        kind = kind_of(word);
        if (kind)
            return kind;
    }
    for (size_t i = 0; i < PHRASES; i++) {
        size_t n = match_phrase(w, at, phrases[i].phrase);
        if (n) {
            *len = n;
            return phrases[i].kind;
        }
    }
    return NULL;
}

/* The name among the words [first, last): without articles and numbers before it, and
 * without what follows it ("through ...", "as ..."). */
static char *name_in(const relation_words *w, size_t first, size_t last)
{
    static const char lead[] =
        "a an the each one many every multiple several zero or more "
        "exactly at most least all some any its";
    static const char stop[] =
        "through via as with by for in on when if that which and where";
    while (first + 1 < last && gc_spec_is_one_of(w->small.items[first], lead))
        first++;
    gc_buf out;
    gc_buf_init(&out, GC_SPEC_TEXT_LIMIT);
    for (size_t i = first; i < last; i++) {
        if (gc_spec_is_one_of(w->small.items[i], stop) || w->words.items[i][0] == '(')
            break;
        gc_buf_printf(&out, "%s%s", i > first ? " " : "", w->words.items[i]);
        if (strchr(",;.(", w->words.items[i][strlen(w->words.items[i]) - 1]))
            break;
    }
    while (out.len && strchr(",;.:(", out.ptr[out.len - 1]))
        out.ptr[--out.len] = '\0';
    return gc_buf_take(&out);
}

/* The word after "as": the role. */
static char *role_in(const relation_words *w, size_t first)
{
    for (size_t i = first; i + 1 < w->small.count; i++)
        if (strcmp(w->small.items[i], "as") == 0)
            return gc_spec_plain(w->words.items[i + 1]);
    return gc_xstrdup("");
}

/* "OrderItem (1:N)": the kind in brackets at the end. */
static const char *kind_in_brackets(const char *line)
{
    const char *open = strrchr(line, '(');
    if (!open)
        return NULL;
    char *inner = gc_xasprintf("%.*s", (int)strcspn(open + 1, ")"), open + 1);
    const char *kind = kind_of(inner);
    free(inner);
    return kind;
}

/* What stands between the two names. */
typedef struct relation_operator {
    size_t at; /* first word */
    size_t len;
    const char *kind;
} relation_operator;

static void add_line(gc_spec *self, const gc_node *at, const relation_words *w,
                     relation_operator op, const char *owner)
{
    char *from = name_in(w, 0, op.at);
    char *to = name_in(w, op.at + op.len, w->words.count);
    if (!*from && owner)
        gc_spec_set(&from, gc_xstrdup(owner));
    if (!*from || !*to) {
        gc_spec_error(self, at,
                      "a relation names only one entity; write it like \"Order has "
                      "many OrderItem\"");
        free(from);
        free(to);
        return;
    }
    gc_spec_relation *r = gc_spec_add_relation(self, at);
    gc_spec_set(&r->relation.from, from);
    gc_spec_set(&r->relation.to, to);
    gc_spec_set(&r->relation.kind, gc_xstrdup(op.kind));
    gc_spec_set(&r->relation.name, role_in(w, op.at + op.len));
}

void gc_spec_relation_line(gc_spec *self, const gc_node *at, const char *line,
                           const char *owner)
{
    char *plain = gc_spec_plain(line);
    relation_words w = { { 0 }, { 0 } };
    const char *bracket = kind_in_brackets(plain);
    relation_operator op = { 0, 0, NULL };
    bool short_enough = strlen(plain) <= LINE_MAX_BYTES;
    if (short_enough)
        split_blanks(&w, plain);
    while (op.at < w.words.count && !(op.kind = operator_at(&w, op.at, &op.len)))
        op.at++;
    bool found = op.kind != NULL;
    if (!found) /* "OrderItem (1:N)" below an entity */
        op = (relation_operator){ 0, 0, bracket ? bracket : "references" };
    else if (bracket && strcmp(op.kind, "references") == 0)
        op.kind = bracket; /* "User -> Order (1:N)" */
    if (found || (owner && w.words.count))
        add_line(self, at, &w, op, owner);
    else
        gc_spec_error(self, at,
                      "\"%.80s\" is no relation; write it like \"Order has many "
                      "OrderItem\" or {from, to, type}",
                      plain);
    gc_strv_release(&w.words);
    gc_strv_release(&w.small);
    free(plain);
}

/* ---- relations as maps ---- */

static const char relation_keys[] =
    "from source to target entity with model related_entity type kind relation relationship "
    "cardinality name field as role description through required optional inverse on_delete via "
    "foreign_key purpose";

static void read_map(gc_spec *self, const gc_node *node, const char *owner,
                     const char *name)
{
    const gc_node *from = gc_spec_pick(node, "from source");
    const gc_node *to = gc_spec_pick(node, "to target entity with model related_entity");
    const gc_node *kind =
        gc_spec_pick(node, "type kind relation relationship cardinality");
    const gc_node *role = gc_spec_pick(node, "name field as role");
    for (size_t i = 0; i < node->count; i++) {
        char *key = gc_spec_key(node->keys[i]->text);
        if (!gc_spec_is_one_of(key, relation_keys))
            gc_spec_unknown_key(self, node->keys[i], "a relation", relation_keys);
        free(key);
    }
    if ((!from && !owner) || !to) {
        gc_spec_error(self, node,
                      "a relation has no %s; write {from: Order, to: OrderItem, "
                      "type: has_many}",
                      to ? "from" : "to");
        return;
    }
    gc_spec_relation *r = gc_spec_add_relation(self, node);
    r->foreign_key = gc_spec_pick(node, "foreign_key");
    gc_spec_set(&r->relation.from,
                from ? gc_spec_text(self, from, "from") : gc_xstrdup(owner));
    gc_spec_set(&r->relation.to, gc_spec_text(self, to, "to"));
    char *text = gc_spec_text(self, kind, "the kind of relation");
    set_kind(self, r, kind ? kind : node, text);
    gc_spec_set(&r->relation.name, role ? gc_spec_text(self, role, "the name")
                                        : gc_xstrdup(name ? name : ""));
    gc_spec_set(
        &r->relation.description,
        gc_spec_text(self, gc_spec_pick(node, "description purpose"), "the description"));
    free(text);
}

/* Below an entity: {has_many: [Order, Invoice], customer: {type: belongs_to, to: Customer}}. */
static void read_keyed(gc_spec *self, const gc_node *key, const gc_node *value,
                       const char *owner)
{
    const char *kind = kind_of(key->text);
    if (value->kind == GC_NODE_MAP) {
        read_map(self, value, owner, key->text);
        return;
    }
    size_t count = value->kind == GC_NODE_SEQ ? value->count : 1;
    for (size_t i = 0; i < count; i++) {
        const gc_node *item = value->kind == GC_NODE_SEQ ? value->items[i] : value;
        if (item->kind != GC_NODE_SCALAR || !kind || !owner) {
            if (item->kind == GC_NODE_SCALAR)
                gc_spec_relation_line(self, item, item->text, owner ? owner : key->text);
            else
                gc_spec_error(self, item, "a relation is %s; write {from, to, type}",
                              gc_spec_kind_words(item));
            continue;
        }
        gc_spec_relation *r = gc_spec_add_relation(self, item);
        gc_spec_set(&r->relation.from, gc_xstrdup(owner));
        gc_spec_set(&r->relation.to, gc_spec_text(self, item, "an entity"));
        gc_spec_set(&r->relation.kind, gc_xstrdup(kind));
    }
}

void gc_spec_read_relations(gc_spec *self, const gc_node *node, const char *owner)
{
    char *held = owner ? gc_xstrdup(owner) : NULL; /* entities may move meanwhile */
    if (gc_spec_is_null(node))
        ; /* says nothing */
    else if (node->kind == GC_NODE_SCALAR)
        gc_spec_relation_line(self, node, node->text, held);
    else if (node->kind == GC_NODE_MAP && gc_spec_pick(node, "to target"))
        read_map(self, node, held, NULL);
    else
        for (size_t i = 0; i < node->count; i++) {
            const gc_node *item = node->items[i];
            if (node->kind == GC_NODE_MAP)
                read_keyed(self, node->keys[i], item, held);
            else if (item->kind == GC_NODE_MAP && item->count == 1)
                read_keyed(self, item->keys[0], item->items[0], held);
            else if (item->kind == GC_NODE_MAP)
                read_map(self, item, held, NULL);
            else if (item->kind == GC_NODE_SCALAR)
                gc_spec_relation_line(self, item, item->text, held);
            else
                gc_spec_error(self, item, "a relation is %s; write {from, to, type}",
                              gc_spec_kind_words(item));
        }
    free(held);
}
