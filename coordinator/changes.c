#include "coordinator/changes.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "coordinator/contracts.h"

#define WORDS_LIMIT ((size_t)1 << 20)
#define MAX_QUOTED 48 /* bytes of a value that is quoted */

/* ---- words ---- */

static const char *value_of(const gc_fact *fact, const char *label)
{
    for (size_t i = 0; i + 1 < fact->parts.count; i += 2)
        if (strcmp(fact->parts.items[i], label) == 0)
            return fact->parts.items[i + 1];
    return NULL;
}

static bool is_short(const char *value)
{
    return !value ||
           (*value != '#' && strlen(value) <= MAX_QUOTED && !strpbrk(value, "\n\t"));
}

static void put_value(gc_buf *out, const char *value)
{
    gc_buf_puts(out, value ? value : "none");
}

/* "type int → decimal", or "text changed" if that is too long to quote. */
static void put_difference(gc_buf *out, const char *label, const char *before,
                           const char *now)
{
    if (before && now && strcmp(before, now) == 0)
        return;
    gc_buf_puts(out, out->len ? ", " : "");
    gc_buf_printf(out, "%s%s", label, *label ? " " : "");
    if (!is_short(before) || !is_short(now) || strcmp(label, "text") == 0) {
        gc_buf_puts(out, !before ? "added" : now ? "changed" : "removed");
        return;
    }
    put_value(out, before);
    gc_buf_puts(out, " → ");
    put_value(out, now);
}

static bool are_same(const gc_strv *a, const gc_strv *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

/* NULL: they say the same. */
static char *words_of(const gc_fact *before, const gc_fact *now)
{
    gc_buf out;
    if (are_same(&before->parts, &now->parts))
        return NULL;
    gc_buf_init(&out, WORDS_LIMIT);
    for (size_t i = 0; i < before->parts.count; i += 2)
        put_difference(&out, before->parts.items[i], before->parts.items[i + 1],
                       value_of(now, before->parts.items[i]));
    for (size_t i = 0; i < now->parts.count; i += 2)
        if (!value_of(before, now->parts.items[i]))
            put_difference(&out, now->parts.items[i], NULL, now->parts.items[i + 1]);
    char *text = gc_xasprintf("%s%s%s", now->name,
                              now->parts.count && *now->parts.items[0] ? ": " : " ",
                              out.ptr ? out.ptr : "");
    gc_buf_release(&out);
    return text;
}

/* ---- the list ---- */

static void add(gc_changes *self, char *text, const gc_fact *before, const gc_fact *now)
{
    self->items = gc_grow(self->items, self->count, &self->cap, sizeof *self->items);
    self->items[self->count++] = (gc_change){ text, before, now };
}

/* A field of an entity that only one of the two has. */
static bool comes_with_entity(const gc_fact *field, const gc_facts *other)
{
    size_t len = strcspn(field->name, " .");
    if (field->name[len] != '.') /* "requirement FR-1.2" is no field */
        return false;
    char *entity = gc_xasprintf("entity %.*s", (int)len, field->name);
    bool absent = !gc_facts_find(other, entity);
    free(entity);
    return absent;
}

static const char *name_of(const gc_change *c)
{
    return c->now ? c->now->name : c->before->name;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(name_of(a), name_of(b));
}

gc_changes gc_changes_between(const gc_facts *before, const gc_facts *now)
{
    gc_changes self = { 0 };
    for (size_t i = 0; i < now->count; i++) {
        const gc_fact *fact = &now->items[i], *old = gc_facts_find(before, fact->name);
        char *text = old ? words_of(old, fact)
                     : comes_with_entity(fact, before)
                         ? NULL
                         : gc_xasprintf("%s added", fact->name);
        if (text)
            add(&self, text, old, fact);
    }
    for (size_t i = 0; i < before->count; i++) {
        const gc_fact *fact = &before->items[i];
        if (!gc_facts_find(now, fact->name) && !comes_with_entity(fact, now))
            add(&self, gc_xasprintf("%s removed", fact->name), fact, NULL);
    }
    if (self.count)
        qsort(self.items, self.count, sizeof *self.items, by_name);
    return self;
}

void gc_changes_release(gc_changes *self)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->items[i].text);
    free(self->items);
    *self = (gc_changes){ 0 };
}

/* ---- whom it touches ---- */

static bool is_wiring(const gc_plan_file *file)
{
    return strcmp(file->kind, "server") == 0 || strcmp(file->kind, "cli") == 0 ||
           strcmp(file->kind, "main") == 0;
}

static bool serves_contracts(const gc_plan_file *file, const char *entity)
{
    return (!*entity || gc_strv_has(&file->entities, entity)) &&
           gc_contract_use_of(file->kind, file->path, file->purpose, true) !=
               GC_CONTRACTS_NONE;
}

static bool touches(const char *whom, const gc_plan_file *file)
{
    const char *colon = strchr(whom, ':'), *name = colon ? colon + 1 : "";
    bool llm = file->how == GC_BY_LLM;
    if (strcmp(whom, "*") == 0 || strcmp(file->kind, "project") == 0)
        return true;
    if (strcmp(whom, "llm") == 0)
        return llm;
    if (strcmp(whom, "wiring") == 0)
        return is_wiring(file);
    if (gc_starts_with(whom, "entity:"))
        return strcmp(file->kind, "migration") == 0 || gc_strv_has(&file->entities, name);
    if (gc_starts_with(whom, "key:"))
        return gc_strv_has(&file->neighbours, name);
    if (gc_starts_with(whom, "contract:"))
        return serves_contracts(file, name);
    if (gc_starts_with(whom, "kind:"))
        return llm && strcmp(file->kind, name) == 0;
    if (gc_starts_with(whom, "template:"))
        return file->template_name && strcmp(file->template_name, name) == 0;
    return gc_starts_with(whom, "path:") && strcmp(file->path, name) == 0;
}

static bool concerns(const gc_fact *fact, const gc_plan_file *file)
{
    for (size_t i = 0; fact && i < fact->about.count; i++)
        if (touches(fact->about.items[i], file))
            return true;
    return false;
}

const gc_change *gc_changes_next(const gc_changes *self, const gc_plan_file *file,
                                 size_t *cursor)
{
    while (*cursor < self->count) {
        const gc_change *c = &self->items[(*cursor)++];
        if (!file || concerns(c->before, file) || concerns(c->now, file))
            return c;
    }
    return NULL;
}
