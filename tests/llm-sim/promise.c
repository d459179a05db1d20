#include "tests/llm-sim/promise.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/llm-sim/goscan.h"

bool gc_sim_go_is_ident(const char *name, size_t len)
{
    return len > 0 && gc_sim_go_skip_ident(name, len, 0) == len;
}

const char *gc_sim_go_braces(const char *type, size_t *len)
{
    size_t all = strlen(type);
    size_t open = gc_sim_go_find(type, all, 0, "{");
    if (open >= all || type[open] != '{')
        return NULL;
    size_t past = gc_sim_go_skip_bracket(type, all, open);
    if (past - open < 2 || type[past - 1] != '}')
        return NULL;
    *len = past - open - 2;
    return type + open + 1;
}

void gc_sim_go_items(const char *text, size_t len, gc_strv *out)
{
    for (size_t pos = 0; pos < len;) {
        size_t end = gc_sim_go_find(text, len, pos, "\n;");
        char *item = gc_sim_go_collapse(text + pos, end - pos);
        if (*item)
            gc_strv_push(out, item);
        else
            free(item);
        pos = end + 1;
    }
}

/* Takes ownership of the texts. */
static void params_add(gc_sim_params *self, gc_sim_param param)
{
    self->items = gc_grow(self->items, self->count, &self->cap, sizeof(*self->items));
    self->items[self->count++] = param;
}

static void params_release(gc_sim_params *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->items[i].name);
        free(self->items[i].type);
    }
    free(self->items);
    *self = (gc_sim_params){ 0 };
}

static bool is_type_word(const char *word, size_t len)
{
    static const char *const words[] = { "func", "chan", "map", "struct", "interface" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
            return true;
    return false;
}

/* Length of the name in a "name type" part; 0 if the part is only a type or a lone word. */
static size_t name_len(const char *part)
{
    size_t len = strlen(part);
    size_t past = gc_sim_go_skip_ident(part, len, 0);
    if (past == 0 || past >= len || part[past] != ' ' || is_type_word(part, past))
        return 0;
    return past;
}

/* The parts of a parameter list; a grouped "a, b int" gives its type to each name. */
static void params_from_parts(gc_sim_params *self, const gc_strv *parts)
{
    bool named = false;
    for (size_t i = 0; i < parts->count; i++)
        named = named || name_len(parts->items[i]) > 0;
    const char *type = "";
    for (size_t i = parts->count; named && i-- > 0;) {
        size_t n = name_len(parts->items[i]);
        if (n)
            type = parts->items[i] + n + 1;
        else
            n = strlen(parts->items[i]);
        params_add(self,
                   (gc_sim_param){ gc_xmemdup(parts->items[i], n), gc_xstrdup(type) });
    }
    for (size_t i = 0; named && i < self->count / 2; i++) {
        gc_sim_param swap = self->items[i];
        self->items[i] = self->items[self->count - 1 - i];
        self->items[self->count - 1 - i] = swap;
    }
    for (size_t i = 0; !named && i < parts->count; i++)
        params_add(self, (gc_sim_param){ gc_xstrdup(""), gc_xstrdup(parts->items[i]) });
}

/* `text` is what stands between the parentheses. */
static void params_parse(gc_sim_params *self, const char *text, size_t len)
{
    gc_strv parts = { 0 };
    for (size_t pos = 0; pos < len;) {
        size_t end = gc_sim_go_find(text, len, pos, ",");
        char *part = gc_sim_go_collapse(text + pos, end - pos);
        if (*part)
            gc_strv_push(&parts, part);
        else
            free(part);
        pos = end + 1;
    }
    params_from_parts(self, &parts);
    gc_strv_release(&parts);
}

/* The inside of the bracket at `pos`; returns the place past it. An unclosed one reaches to
 * the end of the text. */
static size_t inside(const char *text, size_t len, size_t pos, size_t *inner_len)
{
    size_t past = gc_sim_go_skip_bracket(text, len, pos);
    bool closed = past - pos >= 2 && strchr(")]}", text[past - 1]);
    *inner_len = past - pos - (closed ? 2 : 1);
    return past;
}

static gc_sim_decl *decl_add(gc_sim_promise *self, gc_sim_decl_kind kind)
{
    self->decls =
        gc_grow(self->decls, self->decl_count, &self->decl_cap, sizeof(*self->decls));
    gc_sim_decl *decl = &self->decls[self->decl_count++];
    *decl = (gc_sim_decl){ .kind = kind };
    return decl;
}

static void decl_finish(gc_sim_decl *decl)
{
    char **texts[] = { &decl->name, &decl->type_params, &decl->type, &decl->receiver_name,
                       &decl->receiver_type };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!*texts[i])
            *texts[i] = gc_xstrdup("");
}

static void add_import(gc_sim_promise *self, const char *item)
{
    const char *open = strpbrk(item, "\"`");
    const char *close = open ? strchr(open + 1, *open) : NULL;
    if (!close || close == open + 1)
        return;
    gc_sim_import import = { .alias = gc_sim_go_collapse(item, (size_t)(open - item)),
                             .path = gc_xmemdup(open + 1, (size_t)(close - open - 1)) };
    const char *slash = strrchr(import.path, '/');
    import.name = gc_xstrdup(*import.alias ? import.alias
                             : slash       ? slash + 1
                                           : import.path);
    self->imports = gc_grow(self->imports, self->import_count, &self->import_cap,
                            sizeof(*self->imports));
    self->imports[self->import_count++] = import;
}

/* "Name[T any] struct {…}" after the word type. */
static void add_type(gc_sim_promise *self, const char *item, size_t len)
{
    size_t pos = gc_sim_go_skip_blank(item, len, 0, true);
    size_t past = gc_sim_go_skip_ident(item, len, pos);
    if (past == pos)
        return;
    gc_sim_decl *decl = decl_add(self, GC_SIM_DECL_TYPE);
    decl->name = gc_xmemdup(item + pos, past - pos);
    if (past < len && item[past] == '[') {
        size_t end = gc_sim_go_skip_bracket(item, len, past);
        decl->type_params = gc_sim_go_collapse(item + past, end - past);
        past = end;
    }
    past = gc_sim_go_skip_blank(item, len, past, true);
    while (len > past && strchr(" \t\r\n", item[len - 1]))
        len--;
    decl->type = gc_xmemdup(item + past, len - past);
    decl_finish(decl);
}

/* "A, B Type = value" after the word const or var. */
static void add_value(gc_sim_promise *self, gc_sim_decl_kind kind, const char *item)
{
    size_t len = strlen(item);
    size_t pos = 0;
    for (;;) { /* the names */
        pos = gc_sim_go_skip_ident(item, len, gc_sim_go_skip_blank(item, len, pos, true));
        size_t comma = gc_sim_go_skip_blank(item, len, pos, true);
        if (comma >= len || item[comma] != ',')
            break;
        pos = comma + 1;
    }
    if (pos == 0)
        return;
    size_t equals = gc_sim_go_find(item, len, pos, "=");
    gc_sim_decl *decl = decl_add(self, kind);
    decl->name = gc_sim_go_collapse(item, pos);
    decl->type = gc_sim_go_collapse(item + pos, equals - pos);
    if (equals < len)
        decl->value = gc_sim_go_collapse(item + equals + 1, len - equals - 1);
    decl_finish(decl);
}

/* Lines that repeat the expression above them cannot be told apart: they stay a group. */
static bool belong_together(const gc_strv *items)
{
    bool repeats = false;
    for (size_t i = 0; i < items->count; i++) {
        const char *item = items->items[i];
        if (strstr(item, "iota"))
            return true;
        repeats = repeats || (i > 0 && gc_sim_go_is_ident(item, strlen(item)));
    }
    return repeats && strchr(items->items[0], '=');
}

static void add_values(gc_sim_promise *self, gc_sim_decl_kind kind, const gc_strv *items)
{
    bool together = kind == GC_SIM_DECL_CONST && belong_together(items);
    if (!together) {
        for (size_t i = 0; i < items->count; i++)
            add_value(self, kind, items->items[i]);
        return;
    }
    gc_sim_decl *decl = decl_add(self, GC_SIM_DECL_GROUP);
    size_t first = gc_sim_go_skip_ident(items->items[0], strlen(items->items[0]), 0);
    decl->name = gc_xmemdup(items->items[0], first);
    gc_strv_copy(&decl->lines, items);
    decl_finish(decl);
}

/* "(s *Service) Name[T any](params) results" after the word func. */
static void add_func(gc_sim_promise *self, const char *item, size_t len)
{
    size_t pos = gc_sim_go_skip_blank(item, len, 0, true);
    gc_sim_decl decl = { .kind = GC_SIM_DECL_FUNC };
    if (pos < len && item[pos] == '(') {
        size_t inner;
        size_t past = inside(item, len, pos, &inner);
        gc_sim_params receiver = { 0 };
        params_parse(&receiver, item + pos + 1, inner);
        if (receiver.count) {
            decl.receiver_name = gc_xstrdup(receiver.items[0].name);
            decl.receiver_type = gc_xstrdup(receiver.items[0].type);
        }
        params_release(&receiver);
        decl.method = true;
        pos = gc_sim_go_skip_blank(item, len, past, true);
    }
    size_t past = gc_sim_go_skip_ident(item, len, pos);
    if (past == pos) {
        free(decl.receiver_name);
        free(decl.receiver_type);
        return;
    }
    decl.name = gc_xmemdup(item + pos, past - pos);
    if (past < len && item[past] == '[') {
        size_t end = gc_sim_go_skip_bracket(item, len, past);
        decl.type_params = gc_sim_go_collapse(item + past, end - past);
        past = end;
    }
    past = gc_sim_go_skip_blank(item, len, past, false);
    if (past < len && item[past] == '(') {
        size_t inner;
        size_t end = inside(item, len, past, &inner);
        params_parse(&decl.params, item + past + 1, inner);
        past = gc_sim_go_skip_blank(item, len, end, false);
    }
    if (past < len && item[past] == '(') {
        size_t inner;
        inside(item, len, past, &inner);
        params_parse(&decl.results, item + past + 1, inner);
    } else {
        size_t end = gc_sim_go_skip_type(item, len, past);
        if (end > past)
            params_add(&decl.results,
                       (gc_sim_param){ gc_xstrdup(""),
                                       gc_sim_go_collapse(item + past, end - past) });
    }
    decl_finish(&decl);
    *decl_add(self, GC_SIM_DECL_FUNC) = decl;
}

/* The items of `import (…)`, or the one item of `import "x"`. */
static void group_items(const char *item, size_t len, gc_strv *out)
{
    size_t pos = gc_sim_go_skip_blank(item, len, 0, true);
    if (pos < len && item[pos] == '(') {
        size_t inner;
        inside(item, len, pos, &inner);
        gc_sim_go_items(item + pos + 1, inner, out);
    } else {
        gc_sim_go_items(item + pos, len - pos, out);
    }
}

/* Types keep their line ends (their inside is split later), so they take their own way. */
static void add_types(gc_sim_promise *self, const char *item, size_t len)
{
    size_t pos = gc_sim_go_skip_blank(item, len, 0, true);
    if (pos >= len || item[pos] != '(') {
        add_type(self, item, len);
        return;
    }
    size_t inner;
    inside(item, len, pos, &inner);
    size_t end = pos + 1 + inner;
    for (pos++; pos < end;) {
        size_t past = gc_sim_go_find(item, end, pos, "\n;");
        add_type(self, item + pos, past - pos);
        pos = past + 1;
    }
}

static void add_declaration(gc_sim_promise *self, const char *text, size_t len)
{
    size_t word = gc_sim_go_skip_ident(text, len, 0);
    const char *rest = text + word;
    size_t rest_len = len - word;
    gc_strv items = { 0 };
    if (word == 4 && memcmp(text, "func", 4) == 0) {
        add_func(self, rest, rest_len);
    } else if (word == 4 && memcmp(text, "type", 4) == 0) {
        add_types(self, rest, rest_len);
    } else {
        group_items(rest, rest_len, &items);
        if (word == 6 && memcmp(text, "import", 6) == 0)
            for (size_t i = 0; i < items.count; i++)
                add_import(self, items.items[i]);
        else if (word == 5 && memcmp(text, "const", 5) == 0 && items.count)
            add_values(self, GC_SIM_DECL_CONST, &items);
        else if (word == 3 && memcmp(text, "var", 3) == 0)
            add_values(self, GC_SIM_DECL_VAR, &items);
    }
    gc_strv_release(&items);
}

void gc_sim_promise_parse(const char *text, gc_sim_promise *out)
{
    *out = (gc_sim_promise){ 0 };
    char *plain = gc_sim_go_strip(text);
    size_t len = strlen(plain);
    for (size_t pos = 0; pos < len;) {
        pos = gc_sim_go_skip_blank(plain, len, pos, true);
        size_t end = gc_sim_go_find(plain, len, pos, "\n;");
        if (end > pos)
            add_declaration(out, plain + pos, end - pos);
        pos = end + 1;
    }
    free(plain);
}

void gc_sim_promise_release(gc_sim_promise *self)
{
    for (size_t i = 0; i < self->import_count; i++) {
        free(self->imports[i].alias);
        free(self->imports[i].path);
        free(self->imports[i].name);
    }
    for (size_t i = 0; i < self->decl_count; i++) {
        gc_sim_decl *decl = &self->decls[i];
        free(decl->name);
        free(decl->type_params);
        free(decl->type);
        free(decl->value);
        free(decl->receiver_name);
        free(decl->receiver_type);
        params_release(&decl->params);
        params_release(&decl->results);
        gc_strv_release(&decl->lines);
    }
    free(self->imports);
    free(self->decls);
    *self = (gc_sim_promise){ 0 };
}

const gc_sim_decl *gc_sim_promise_type(const gc_sim_promise *self, const char *name)
{
    while (*name == '*')
        name++;
    size_t len = strcspn(name, "[");
    for (size_t i = 0; i < self->decl_count; i++) {
        const gc_sim_decl *decl = &self->decls[i];
        if (decl->kind == GC_SIM_DECL_TYPE && strlen(decl->name) == len &&
            memcmp(decl->name, name, len) == 0)
            return decl;
    }
    return NULL;
}

bool gc_sim_promise_declares(const gc_sim_promise *self, const char *name)
{
    for (size_t i = 0; i < self->decl_count; i++)
        if (!self->decls[i].method && strcmp(self->decls[i].name, name) == 0)
            return true;
    return false;
}
