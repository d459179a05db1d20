#include "coordinator/structural_sql.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "coordinator/structural_entity.h"
#include "coordinator/structural_route.h"

#define TEXT_LIMIT ((size_t)1 << 20)

/* ---- names and literals ---- */

static char *quoted(const char *text, char quote)
{
    gc_buf out;
    gc_buf_init(&out, TEXT_LIMIT);
    gc_buf_putc(&out, quote);
    for (; *text; text++) {
        if (*text == quote)
            gc_buf_putc(&out, quote);
        gc_buf_putc(&out, *text);
    }
    gc_buf_putc(&out, quote);
    return gc_buf_take(&out);
}

static char *identifier(char *name)
{
    char *safe = quoted(name, '"');
    free(name);
    return safe;
}

static char *table_name(const plan_ctx *ctx, const plan_entity *pe)
{
    char *name = structural_shares_plural(ctx, pe) ? gc_xstrdup(pe->e->snake)
                                                   : structural_plural(pe);
    for (char *c = name; *c; c++)
        if (*c == '-')
            *c = '_';
    return name;
}

static char *table_of(const plan_ctx *ctx, const plan_entity *pe)
{
    return identifier(table_name(ctx, pe));
}

static char *key_column(const plan_entity *pe)
{
    for (size_t i = 0; !pe->id_added && i < pe->e->field_count; i++)
        if (strcmp(pe->e->fields[i].go_name, pe->id_field) == 0)
            return identifier(gc_xstrdup(pe->e->fields[i].json_name));
    return identifier(gc_xstrdup("id"));
}

/* ---- types ---- */

static const char *by_spec_word(const char *said)
{
    static const char *const table[][2] = {
        { "uuid", "uuid" },       { "date", "date" },     { "time", "time" },
        { "decimal", "numeric" }, { "money", "numeric" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i][0], said) == 0)
            return table[i][1];
    return NULL;
}

static const char *by_go_type(const char *type)
{
    static const char *const table[][2] = {
        { "int", "bigint" },           { "int8", "smallint" },
        { "int16", "smallint" },       { "int32", "integer" },
        { "int64", "bigint" },         { "rune", "integer" },
        { "byte", "smallint" },        { "uint", "numeric(20)" },
        { "uint8", "smallint" },       { "uint16", "integer" },
        { "uint32", "bigint" },        { "uint64", "numeric(20)" },
        { "float32", "real" },         { "float64", "double precision" },
        { "bool", "boolean" },         { "time.Time", "timestamptz" },
        { "time.Duration", "bigint" }, { "[]byte", "bytea" },
        { "string", "text" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i][0], type) == 0)
            return table[i][1];
    return NULL;
}

/* What is no plain value is kept as JSON, what a third party defines as text. */
static const char *column_type(const char *go_type, const gc_field *f)
{
    const char *type = go_type + (go_type[0] == '*');
    const char *said = f && type[0] != '[' ? by_spec_word(f->spec_type) : NULL;
    if (said)
        return said;
    if (f && f->enum_values.count)
        return "text";
    said = by_go_type(type);
    if (said)
        return said;
    return type[0] == '[' || gc_starts_with(type, "map[") || strcmp(type, "any") == 0 ||
                   strcmp(type, "json.RawMessage") == 0
               ? "jsonb"
               : "text";
}

static const char *key_column_type(const plan_entity *pe)
{
    for (size_t i = 0; !pe->id_added && i < pe->e->field_count; i++)
        if (strcmp(pe->e->fields[i].go_name, pe->id_field) == 0)
            return column_type(pe->id_type, &pe->e->fields[i]);
    return column_type(pe->id_type, NULL);
}

/* ---- checks ---- */

static bool is_number(const char *text)
{
    double value;
    return gc_parse_double(text, -1e300, 1e300, &value) == GC_OK;
}

static void put_bound(gc_buf *out, const char *column, const char *type,
                      const char *constraint)
{
    static const struct {
        const char *word, *sign;
        bool length;
    } table[] = { { "min=", ">=", false },
                  { "max=", "<=", false },
                  { "min_length=", ">=", true },
                  { "max_length=", "<=", true } };
    bool text = strcmp(type, "text") == 0;
    bool number = strstr(type, "int") || strstr(type, "numeric") ||
                  strcmp(type, "real") == 0 || strcmp(type, "double precision") == 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *value = constraint + strlen(table[i].word);
        if (!gc_starts_with(constraint, table[i].word) || !is_number(value) ||
            (table[i].length ? !text : !number))
            continue;
        gc_buf_printf(
            out, table[i].length ? " CHECK (char_length(%s) %s %s)" : " CHECK (%s %s %s)",
            column, table[i].sign, value);
    }
}

static void put_enum(gc_buf *out, const char *column, const gc_field *f)
{
    for (size_t i = 0; i < f->enum_values.count; i++) {
        char *value = quoted(f->enum_values.items[i], '\'');
        if (i == 0)
            gc_buf_printf(out, " CHECK (%s IN (%s", column, value);
        else
            gc_buf_printf(out, ", %s", value);
        free(value);
    }
    if (f->enum_values.count)
        gc_buf_puts(out, "))");
}

/* Only a default that the type takes for certain. */
static void put_default(gc_buf *out, const char *type, const gc_field *f)
{
    const char *value = f->default_value;
    if (!value)
        return;
    if (strcmp(type, "text") == 0) {
        char *literal = quoted(value, '\'');
        gc_buf_printf(out, " DEFAULT %s", literal);
        free(literal);
    } else if (strcmp(type, "boolean") == 0
                   ? strcmp(value, "true") == 0 || strcmp(value, "false") == 0
                   : (strstr(type, "int") || strstr(type, "numeric")) &&
                         is_number(value)) {
        gc_buf_printf(out, " DEFAULT %s", value);
    }
}

/* ---- columns ---- */

typedef struct schema {
    const plan_ctx *ctx;
    gc_tell *tables, *joins, *links;
    bool *done; /* by entity */
} schema;

static void add_link(schema *self, const char *table, const char *column,
                     const plan_entity *target)
{
    gc_tell *link = gc_tell_map(self->ctx->arena);
    char *column_name = identifier(gc_xstrdup(column));
    structural_take(link, "table", identifier(gc_xstrdup(table)));
    structural_take(link, "name", identifier(gc_xasprintf("%s_%s_fkey", table, column)));
    structural_take(link, "column", column_name);
    structural_take(link, "target", table_of(self->ctx, target));
    structural_take(link, "key", key_column(target));
    gc_tell_add(self->links, link);
}

/* The entity that the field names by its key: a reference that was broken up. */
static const plan_entity *named_by_key(const plan_ctx *ctx, const plan_entity *pe,
                                       const plan_field *f)
{
    bool by_id = f->spec && f->spec->ref_by_id;
    for (size_t i = 0; f->spec && i < pe->e->field_count; i++)
        by_id |= &pe->e->fields[i] == f->spec && pe->by_id[i];
    if (!by_id || f->type[0] == '[' || gc_starts_with(f->type, "map["))
        return NULL;
    return gc_map_get(ctx->entity_by_name, f->spec->ref);
}

static void put_reference(const schema *self, gc_buf *out, const plan_entity *target)
{
    char *table = table_of(self->ctx, target), *key = key_column(target);
    gc_buf_printf(out, " REFERENCES %s (%s)", table, key);
    free(table);
    free(key);
}

static void put_rules(gc_buf *out, const char *column, const char *type,
                      const gc_field *f)
{
    if (!f)
        return;
    put_default(out, type, f);
    put_enum(out, column, f);
    for (size_t i = 0; i < f->constraints.count; i++)
        put_bound(out, column, type, f->constraints.items[i]);
}

/* A reference is called by its field's name with _id, unless another field is. */
static char *column_name(const structural_fields *fields, const plan_field *f, bool held)
{
    char *name = gc_xasprintf("%s%s", f->json, held ? "_id" : "");
    for (size_t i = 0; i < fields->count && held; i++)
        if (strcmp(fields->items[i].json, name) == 0)
            name[strlen(f->json)] = '\0';
    return name;
}

typedef struct table_parts {
    gc_tell *lines, *indexes;
} table_parts;

static void add_column(schema *self, const table_parts *parts, const plan_entity *pe,
                       const structural_fields *fields, const plan_field *f)
{
    const plan_entity *other = named_by_key(self->ctx, pe, f);
    const plan_entity *held =
        f->target && f->type[0] != '[' && f->type[0] != 'm' ? f->target : NULL;
    char *table = table_name(self->ctx, pe);
    char *plain = column_name(fields, f, held != NULL);
    char *column = identifier(gc_xstrdup(plain));
    bool key = strcmp(f->name, pe->id_field) == 0;
    const char *type = held    ? key_column_type(held)
                       : other ? key_column_type(other)
                               : column_type(f->type, f->spec);
    gc_buf out;
    gc_buf_init(&out, TEXT_LIMIT);
    gc_buf_printf(&out, "%s %s", column, type);
    if (key)
        gc_buf_puts(&out, " PRIMARY KEY");
    else if (f->spec && f->spec->required)
        gc_buf_puts(&out, " NOT NULL");
    if (!key && f->spec && f->spec->unique)
        gc_buf_puts(&out, " UNIQUE");
    if (held)
        put_reference(self, &out, held);
    if (!held && !other)
        put_rules(&out, column, type, f->spec);
    structural_add(parts->lines, gc_buf_take(&out));
    if (other)
        add_link(self, table, plain, other);
    if ((held || other) && !(f->spec && f->spec->unique)) {
        gc_tell *index = gc_tell_map(self->ctx->arena);
        structural_take(index, "name",
                        identifier(gc_xasprintf("%s_%s_idx", table, plain)));
        structural_take(index, "table", identifier(gc_xstrdup(table)));
        gc_tell_set_text(index, "column", column);
        gc_tell_add(parts->indexes, index);
    }
    free(column);
    free(plain);
    free(table);
}

/* ---- tables ---- */

static void add_comma_lines(gc_tell *table, const gc_tell *lines)
{
    size_t count = gc_tell_count(lines);
    gc_tell *with_commas = gc_tell_list(gc_tell_arena(table));
    for (size_t i = 0; i < count; i++)
        structural_add(with_commas,
                       gc_xasprintf("%s%s", gc_tell_text(gc_tell_at(lines, i)),
                                    i + 1 < count ? "," : ""));
    gc_tell_set(table, "lines", with_commas);
}

/* Many of the one may hold many of the other. */
static void add_join(schema *self, const plan_entity *pe, const plan_field *f)
{
    gc_arena *arena = self->ctx->arena;
    gc_tell *table = gc_tell_map(arena), *lines = gc_tell_list(arena);
    char *owner = table_name(self->ctx, pe), *own_table = table_of(self->ctx, pe),
         *own_key = key_column(pe);
    char *other_table = table_of(self->ctx, f->target),
         *other_key = key_column(f->target);
    structural_take(table, "name", identifier(gc_xasprintf("%s_%s", owner, f->json)));
    structural_add(lines, gc_xasprintf("\"owner_id\" %s NOT NULL REFERENCES %s (%s) ON "
                                       "DELETE CASCADE",
                                       key_column_type(pe), own_table, own_key));
    structural_add(lines,
                   gc_xasprintf("\"item_id\" %s NOT NULL REFERENCES %s (%s)",
                                key_column_type(f->target), other_table, other_key));
    structural_add(lines, gc_xstrdup("PRIMARY KEY (\"owner_id\", \"item_id\")"));
    add_comma_lines(table, lines);
    gc_tell_set(table, "indexes", gc_tell_list(arena));
    gc_tell_add(self->joins, table);
    free(owner);
    free(own_table);
    free(own_key);
    free(other_table);
    free(other_key);
}

static void add_table(schema *self, const plan_entity *pe)
{
    plan_promise p;
    plan_promise_init(&p, self->ctx, pe->model);
    structural_fields fields = structural_open_fields(&p, pe);
    gc_arena *arena = self->ctx->arena;
    gc_tell *table = gc_tell_map(arena), *lines = gc_tell_list(arena),
            *indexes = gc_tell_list(arena);
    table_parts parts = { lines, indexes };
    structural_take(table, "name", table_of(self->ctx, pe));
    for (size_t i = 0; i < fields.count; i++) {
        const plan_field *f = &fields.items[i];
        if (f->target && (f->type[0] == '[' || f->type[0] == 'm'))
            add_join(self, pe, f);
        else
            add_column(self, &parts, pe, &fields, f);
    }
    add_comma_lines(table, lines);
    gc_tell_set(table, "indexes", indexes);
    gc_tell_add(self->tables, table);
    structural_close_fields(&fields);
    plan_promise_release(&p);
}

/* First the tables that this one refers to, with a stack of its own: a chain of references
 * may be as long as the specification. The FCS has broken its circles. */
static void add_after_targets(schema *self, size_t first)
{
    size_t count = self->ctx->fcs->entity_count, open = 0;
    size_t *stack = gc_xcalloc(count + 1, sizeof *stack);
    bool *seen = gc_xcalloc(count, sizeof *seen);
    stack[open++] = first;
    seen[first] = true;
    while (open) {
        const plan_entity *pe = &self->ctx->entities[stack[open - 1]];
        size_t waiting = open;
        for (size_t i = 0; i < pe->e->field_count && waiting == open; i++) {
            const gc_field *f = &pe->e->fields[i];
            const plan_entity *target =
                f->ref && !f->ref_by_id && !pe->by_id[i]
                    ? gc_map_get(self->ctx->entity_by_name, f->ref)
                    : NULL;
            size_t at = target ? (size_t)(target - self->ctx->entities) : 0;
            if (!target || self->done[at] || seen[at])
                continue;
            seen[at] = true;
            stack[open++] = at;
        }
        if (waiting != open)
            continue;
        size_t at = stack[--open];
        if (!self->done[at])
            add_table(self, &self->ctx->entities[at]);
        self->done[at] = true;
    }
    free(stack);
    free(seen);
}

gc_tell *structural_sql(const plan_ctx *ctx)
{
    size_t count = ctx->fcs->entity_count;
    schema self = { ctx, gc_tell_list(ctx->arena), gc_tell_list(ctx->arena),
                    gc_tell_list(ctx->arena), gc_xcalloc(count, sizeof(bool)) };
    for (size_t i = 0; i < count; i++)
        if (!self.done[i])
            add_after_targets(&self, i);
    gc_tell_extend(self.tables, self.joins);
    gc_tell *data = gc_tell_map(ctx->arena), *dropped = gc_tell_list(ctx->arena);
    for (size_t i = gc_tell_count(self.tables); i > 0; i--)
        gc_tell_add(dropped, gc_tell_at(self.tables, i - 1));
    gc_tell_set(data, "tables", self.tables);
    gc_tell_set(data, "dropped", dropped);
    structural_set_list(data, "links", "has_links", self.links);
    free(self.done);
    return data;
}
