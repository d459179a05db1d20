#include "common/spec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"

/* From the words for types to Go types. `said` is the type with synonyms unified, for
 * spec_type: what means the same is the same text. */

#define DEPTH_MAX 8

static const struct {
    const char *words; /* between bars */
    const char *go;
    const char *said; /* NULL: the Go type */
} known[] = {
    { "|string|str|text|varchar|nvarchar|char|character varying|character|long text|longtext|"
      "mediumtext|short text|free text|multiline text|",
      "string", NULL },
    { "|uuid|guid|ulid|", "string", "uuid" },
    { "|unique identifier|identifier|unique id|id|objectid|object id|", "string",
      "identifier" },
    { "|email|email address|e mail|", "string", "email" },
    { "|url|uri|link|web address|website|", "string", "url" },
    { "|phone|phone number|telephone|", "string", "phone" },
    { "|password|", "string", "password" },
    { "|password hash|hash|", "string", "hash" },
    { "|token|secret|", "string", "secret" },
    { "|slug|", "string", "slug" },
    { "|markdown|", "string", "markdown" },
    { "|html|", "string", "html" },
    { "|xml|", "string", "xml" },
    { "|rich text|", "string", "rich text" },
    { "|country code|", "string", "country code" },
    { "|currency code|", "string", "currency code" },
    { "|locale|language code|language|", "string", "locale" },
    { "|timezone|time zone|", "string", "timezone" },
    { "|ip|ip address|ipaddress|inet|", "string", "ip" },
    { "|file path|filepath|path|filename|file name|", "string", "path" },
    { "|color|colour|", "string", "color" },
    { "|int|integer|whole number|number|num|numeric id|count|counter|quantity|year|smallint|"
      "tinyint|mediumint|serial|",
      "int", NULL },
    { "|int64|bigint|big int|long|long int|bigserial|big integer|", "int64", NULL },
    { "|positive integer|positive int|", "int", "positive integer" },
    { "|float64|float|double|double precision|real|floating point|", "float64", NULL },
    { "|decimal|numeric|", "float64", "decimal" },
    { "|money|currency|price|amount|monetary amount|", "float64", "money" },
    { "|percentage|percent|", "float64", "percentage" },
    { "|rate|ratio|", "float64", "ratio" },
    { "|bool|boolean|flag|yes/no|true/false|", "bool", NULL },
    { "|time.time|timestamp|timestamptz|datetime|date time|date and time|instant|"
      "timestamp with time zone|timestamp without time zone|",
      "time.Time", "timestamp" },
    { "|date|birthday|", "time.Time", "date" },
    { "|time|time of day|", "time.Time", "time" },
    { "|time.duration|duration|interval|timespan|time span|", "time.Duration",
      "duration" },
    { "|json|jsonb|object|map|dict|dictionary|hashmap|struct|key value pairs|"
      "map[string]interface{}|map[string]any|",
      "map[string]any", "object" },
    { "|[]byte|bytes|byte array|blob|binary|bytea|varbinary|byte slice|binary data|",
      "[]byte", "bytes" },
    { "|any|interface{}|mixed|json.rawmessage|", "any", NULL },
    { "|list|array|slice|set|collection|list of strings|tags|", "[]string", "[]string" },
    { "|int8|", "int8", NULL },
    { "|int16|", "int16", NULL },
    { "|int32|", "int32", NULL },
    { "|uint|unsigned int|unsigned integer|", "uint", NULL },
    { "|uint8|byte|", "uint8", NULL },
    { "|uint16|", "uint16", NULL },
    { "|uint32|", "uint32", NULL },
    { "|uint64|", "uint64", NULL },
    { "|float32|", "float32", NULL },
    { "|rune|", "rune", NULL },
    /* Of modules that the spec may not name: the nearest standard type. */
    { "|uuid.uuid|ulid.ulid|", "string", "uuid" },
    { "|decimal.decimal|", "float64", "decimal" },
    { "|money.money|", "float64", "money" },
    { "|big.int|", "int64", NULL },
    { "|big.float|big.rat|", "float64", NULL },
    { "|url.url|", "string", "url" },
    { "|net.ip|netip.addr|", "string", "ip" },
    { "|mail.address|", "string", "email" },
};

typedef struct type_result {
    char *go;
    char *said;
    size_t entity; /* SIZE_MAX: none */
    bool by_id;
    bool optional;
    bool is_enum;
    bool is_known;
} type_result;

typedef struct type_reader {
    gc_spec *spec;
    gc_spec_entity *owner;
    gc_spec_field *field;
    size_t depth;
    bool in_list; /* "list of customers" is one list */
} type_reader;

static void read_type(type_reader *self, const char *text, type_result *out);

static void set(type_result *out, const char *go, const char *said)
{
    gc_spec_set(&out->go, gc_xstrdup(go));
    gc_spec_set(&out->said, gc_xstrdup(said));
    out->is_known = true;
}

/* Small letters, runs of blanks, '-' and '_' as one blank. */
static char *normal(const char *text)
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

/* Row of `known`, or NULL. `word` is normal. */
static const char *lookup(const char *word, const char **said)
{
    if (!*word || strchr(word, '|') || strlen(word) > 40)
        return NULL;
    char *key = gc_xasprintf("|%s|", word);
    const char *go = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known && !go; i++)
        if (strstr(known[i].words, key)) {
            go = known[i].go;
            *said = known[i].said ? known[i].said : go;
        }
    free(key);
    return go;
}

bool gc_spec_is_type_word(const char *text)
{
    const char *said = NULL;
    char *copy = gc_spec_trim(text ? text : "");
    size_t len = strlen(copy);
    if (len && copy[len - 1] == '?')
        copy[len - 1] = '\0';
    char *inner = copy;
    if (gc_starts_with(inner, "[]") || gc_starts_with(inner, "*"))
        inner += inner[0] == '*' ? 1 : 2;
    size_t open = strcspn(inner, "([<,");
    bool head = open && inner[open];
    inner[open] = '\0';
    char *word = normal(inner);
    bool is =
        lookup(word, &said) != NULL ||
        (head && gc_spec_is_one_of(word, "enum list array set map dict optional ref")) ||
        strcmp(word, "enum") == 0 || gc_starts_with(word, "list of ") ||
        gc_starts_with(word, "array of ");
    free(word);
    free(copy);
    return is;
}

/* ---- pieces ---- */

static char *slice(const char *text, size_t len)
{
    char *part = gc_xasprintf("%.*s", (int)len, text);
    char *clean = gc_spec_trim(part);
    free(part);
    return clean;
}

/* If `text` is head + open + inner + close to its end: both pieces. */
static bool split_call(const char *text, char **head, char **inner)
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
    *head = slice(text, open);
    *inner = slice(text + open + 1, i - open - 1);
    return true;
}

/* Position of `c` outside of brackets, or of the end. */
static size_t find_outside(const char *text, char c)
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

static const char *after_word(const char *text, const char *low, const char *const *words,
                              size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (gc_starts_with(low, words[i]))
            return text + strlen(words[i]);
    return NULL;
}

static char *lower_copy(const char *text)
{
    char *low = gc_xstrdup(text);
    for (char *p = low; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
    return low;
}

static void release(type_result *r)
{
    free(r->go);
    free(r->said);
}

/* ---- lists, maps, references, enums ---- */

static const char *bare(const char *go)
{
    return go[0] == '*' ? go + 1 : go;
}

static void read_list(type_reader *self, const char *element, type_result *out)
{
    type_result inner = { .entity = SIZE_MAX };
    bool outer = self->in_list;
    self->in_list = true;
    read_type(self, element, &inner);
    self->in_list = outer;
    gc_spec_set(&out->go, gc_xasprintf("[]%s", bare(inner.go)));
    gc_spec_set(&out->said, gc_xasprintf("[]%s", inner.said));
    if (strcmp(inner.go, "uint8") == 0)
        set(out, "[]byte", "bytes");
    out->entity = inner.entity;
    out->by_id = inner.by_id;
    out->is_enum = inner.is_enum;
    out->is_known = true;
    release(&inner);
}

static bool may_be_key(const char *go)
{
    return gc_spec_is_one_of(go,
                             "string int int8 int16 int32 int64 uint uint8 uint16 uint32 "
                             "uint64 bool rune float32 float64");
}

static void read_map(type_reader *self, const char *key, const char *value,
                     type_result *out)
{
    type_result k = { .entity = SIZE_MAX }, v = { .entity = SIZE_MAX };
    read_type(self, key, &k);
    read_type(self, value, &v);
    const char *key_go = may_be_key(k.go) ? k.go : "string";
    gc_spec_set(&out->go, gc_xasprintf("map[%s]%s", key_go, bare(v.go)));
    gc_spec_set(&out->said,
                gc_xasprintf("map[%s]%s", may_be_key(k.go) ? k.said : "string", v.said));
    out->entity = v.entity;
    out->by_id = v.by_id;
    out->is_enum = v.is_enum;
    out->is_known = true;
    release(&k);
    release(&v);
}

static void use_entity(type_reader *self, size_t entity, type_result *out)
{
    const char *name = self->spec->entities[entity].entity.go_name;
    gc_spec_set(&out->go, gc_xasprintf("*%s", name));
    gc_spec_set(&out->said, gc_xstrdup(name));
    out->entity = entity;
    out->is_known = true;
}

/* "ref Order", "foreign key to Order": `target` is what follows; by id keeps an id type. */
static void read_reference(type_reader *self, const char *target, bool by_id,
                           const char *id_type, type_result *out)
{
    char *name = gc_spec_trim(target);
    size_t end = strcspn(name, ".( ");
    size_t entity = gc_spec_find_entity(self->spec, name);
    if (entity == SIZE_MAX && name[end]) { /* users.id, User (id) */
        name[end] = '\0';
        entity = gc_spec_find_entity(self->spec, name);
    }
    if (entity != SIZE_MAX) {
        use_entity(self, entity, out);
        out->by_id = by_id;
        if (by_id)
            gc_spec_set(&out->go, gc_xstrdup(id_type));
    } else {
        const char *near = gc_spec_nearest_entity(self->spec, name);
        gc_diags_add(self->owner->diags, GC_SEV_ERROR, self->field->at->line,
                     self->field->at->column,
                     "field \"%s\" refers to the unknown entity \"%.60s\"; %s%s%s",
                     self->field->field.name, name,
                     near ? "did you mean \"" : "add it to entities", near ? near : "",
                     near ? "\"?" : "");
        set(out, "string", name);
    }
    free(name);
}

static void add_enum_value(gc_spec_field *f, const char *text)
{
    char *value = gc_spec_trim(text);
    size_t len = strlen(value);
    if (len > 1 && strchr("'\"`", value[0]) && value[len - 1] == value[0]) {
        value[len - 1] = '\0';
        gc_spec_set(&value, gc_spec_trim(value + 1));
    }
    if (strcmp(value, "...") == 0 || strcmp(value, "\xe2\x80\xa6") == 0 ||
        strcasecmp(value, "etc") == 0 || strcasecmp(value, "etc.") == 0)
        f->open_enum = true;
    else if (*value)
        gc_strv_add_unique(&f->field.enum_values, value);
    free(value);
}

/* "a, b or c", "a|b", "a / b". */
static void read_enum(type_reader *self, const char *values, type_result *out)
{
    gc_spec_field *f = self->field;
    char separator = strchr(values, ',')   ? ','
                     : strchr(values, '|') ? '|'
                     : strchr(values, ';') ? ';'
                                           : '/';
    bool given =
        f->field.enum_values.count > 0; /* a list of values beside the type wins */
    gc_strv parts = { 0 };
    gc_strv_split(&parts, values + strspn(values, " :="), separator);
    for (size_t i = 0; i < parts.count && !given; i++) {
        const char *part = parts.items[i];
        const char *last = strstr(part, " or ");
        if (gc_starts_with(part, "or "))
            part += 3;
        if (last && last != part) {
            char *first = slice(part, (size_t)(last - part));
            add_enum_value(f, first);
            free(first);
            part = last + 4;
        }
        add_enum_value(f, part);
    }
    gc_strv_release(&parts);
    set(out, "string", "enum");
    out->is_enum = true;
}

/* ---- modifiers: words behind the type ---- */

/* Takes one of "required", "unique", "max 10", "default x"; anything else is a constraint. */
static void read_modifier(type_reader *self, const char *text)
{
    gc_spec_field *f = self->field;
    char *word = normal(text);
    if (gc_spec_is_one_of(word, "required mandatory") || strcmp(word, "not null") == 0)
        f->field.required = true;
    else if (strcmp(word, "unique") == 0)
        f->field.unique = true;
    else if (gc_spec_is_one_of(word, "nullable null"))
        f->optional = true;
    else if (gc_spec_is_one_of(word, "pk") || strcmp(word, "primary key") == 0)
        gc_strv_add_unique(&f->field.constraints, "primary_key");
    else if (gc_spec_is_one_of(word, "indexed index"))
        gc_strv_add_unique(&f->field.constraints, "indexed");
    else if (gc_starts_with(word, "default") && !f->field.default_value)
        gc_spec_set(&f->field.default_value,
                    gc_spec_trim(text + 7 + strspn(text + 7, " :=")));
    else if (*word && strcmp(word, "optional") != 0) {
        size_t key =
            strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        size_t rest = key + strspn(text + key, " :=");
        bool number =
            text[rest] && strspn(text + rest, "0123456789.-") == strlen(text + rest);
        if (gc_spec_is_one_of(word, "readonly immutable autoincrement"))
            gc_strv_add_unique(&f->field.constraints, word);
        else if (key && number)
            gc_strv_push(&f->field.constraints,
                         gc_xasprintf("%.*s=%s", (int)key, text, text + rest));
        else
            gc_strv_add_unique(&f->field.constraints, text);
    }
    free(word);
}

/* "string, required, max 10": the first part is the type. */
static bool read_parts(type_reader *self, const char *text, type_result *out)
{
    size_t comma = find_outside(text, ',');
    if (!text[comma])
        comma = find_outside(text, ';');
    if (!text[comma])
        return false;
    char *type = slice(text, comma);
    read_type(self, type, out);
    free(type);
    const char *rest = text + comma + 1;
    while (*rest) {
        size_t len = find_outside(rest, ',');
        char *part = slice(rest, len);
        read_modifier(self, part);
        free(part);
        rest += len + (rest[len] == ',');
    }
    return true;
}

/* "string required unique": known words at the end. */
static bool read_trailing(type_reader *self, const char *text, type_result *out)
{
    static const char *const tails[] = { " required",     " unique",   " optional",
                                         " nullable",     " not null", " primary key",
                                         " indexed",      " pk",       " (optional)",
                                         " (required)",   " (unique)", " (nullable)",
                                         " (primary key)" };
    char *low = lower_copy(text);
    bool found = false;
    for (size_t i = 0; i < sizeof tails / sizeof *tails && !found; i++) {
        if (!gc_ends_with(low, tails[i]))
            continue;
        size_t cut = strlen(low) - strlen(tails[i]);
        char *type = slice(text, cut);
        char *word = slice(text + cut, strlen(tails[i]));
        size_t len = strlen(word);
        if (word[0] == '(') {
            word[len - 1] = '\0';
            memmove(word, word + 1, len - 1);
        }
        read_modifier(self, word);
        read_type(self, type, out);
        free(type);
        free(word);
        found = true;
    }
    free(low);
    return found;
}

/* ---- the grammar ---- */

/* "string(255)", "decimal(10, 2)", "integer (1-5)". */
static void add_size(type_reader *self, const char *go, const char *inner)
{
    gc_strv *constraints = &self->field->field.constraints;
    bool number = *inner && strspn(inner, "0123456789") == strlen(inner);
    if (number && strcmp(go, "string") == 0)
        gc_strv_push(constraints, gc_xasprintf("max_length=%s", inner));
    else if (strcmp(go, "float64") == 0 &&
             strspn(inner, "0123456789, ") == strlen(inner)) {
        size_t comma = strcspn(inner, ",");
        gc_strv_push(constraints, gc_xasprintf("precision=%.*s", (int)comma, inner));
        if (inner[comma])
            gc_strv_push(constraints,
                         gc_xasprintf("scale=%s", inner + comma + 1 +
                                                      strspn(inner + comma + 1, " ")));
    } else {
        gc_strv parts = { 0 };
        gc_strv_split(&parts, inner, ',');
        for (size_t i = 0; i < parts.count; i++)
            read_modifier(self, parts.items[i]);
        gc_strv_release(&parts);
    }
}

static bool read_call(type_reader *self, const char *text, type_result *out)
{
    char *head = NULL, *inner = NULL;
    const char *said = NULL;
    if (!split_call(text, &head, &inner))
        return false;
    char *word = normal(head);
    const char *go = lookup(word, &said);
    size_t comma = find_outside(inner, ',');
    bool done = true;
    if (gc_spec_is_one_of(word, "list array slice set collection sequence vector"))
        read_list(self, inner, out);
    else if (gc_spec_is_one_of(word, "map dict dictionary hashmap record") &&
             inner[comma]) {
        char *key = slice(inner, comma);
        read_map(self, key, inner + comma + 1, out);
        free(key);
    } else if (gc_spec_is_one_of(word, "optional nullable maybe option")) {
        read_type(self, inner, out);
        out->optional = true;
    } else if (gc_spec_is_one_of(word, "enum enumeration oneof choice choices select") ||
               strcmp(word, "one of") == 0 ||
               (go && strcmp(go, "string") == 0 && strchr(inner, '|')))
        read_enum(self, inner, out);
    else if (gc_spec_is_one_of(word, "ref reference relation link entity"))
        read_reference(self, inner, false, "", out);
    else if (gc_spec_is_one_of(word, "fk") || strcmp(word, "foreign key") == 0)
        read_reference(self, inner, true, "string", out);
    else if (go) {
        set(out, go, said);
        add_size(self, go, inner);
    } else
        done = false;
    free(word);
    free(inner);
    free(head);
    return done;
}

/* "list of X", "map of X to Y", "ref X", "uuid references X", "enum: a, b". */
static bool read_phrase(type_reader *self, const char *text, type_result *out)
{
    static const char *const lists[] = { "list of ",  "array of ",      "set of ",
                                         "slice of ", "collection of ", "many ",
                                         "multiple " };
    static const char *const enums[] = { "enum:", "enum ", "one of ",
                                         "one of: ", "enumeration " };
    static const char *const refs[] = {
        "ref ", "reference to ", "references ", "link to ", "-> ", "ref:", "->"
    };
    static const char *const ids[] = { "fk to ",       "fk ",    "foreign key to ",
                                       "foreign key ", "id of ", "uuid of " };
    char *low = lower_copy(text);
    const char *rest, *joint = strstr(low, " to ");
    bool done = true;
    if ((rest = after_word(text, low, lists, sizeof lists / sizeof *lists)))
        read_list(self, rest, out);
    else if ((rest = after_word(text, low, enums, sizeof enums / sizeof *enums)))
        read_enum(self, rest, out);
    else if (strcmp(low, "enum") == 0)
        read_enum(self, "", out);
    else if ((rest = after_word(text, low, ids, sizeof ids / sizeof *ids)))
        read_reference(self, rest, true, "string", out);
    else if ((rest = after_word(text, low, refs, sizeof refs / sizeof *refs)))
        read_reference(self, rest, false, "", out);
    else if (gc_starts_with(low, "map of ") && joint) {
        char *key = slice(text + 7, (size_t)(joint - low - 7));
        read_map(self, key, text + (joint - low) + 4, out);
        free(key);
    } else
        done = false;
    free(low);
    return done;
}

/* "uuid references User", "int fk users": an id of that type. */
static bool read_keyed_reference(type_reader *self, const char *text, type_result *out)
{
    static const char *const joints[] = { " references ", " ref ", " fk ",
                                          " foreign key ", " -> " };
    char *low = lower_copy(text);
    bool found = false;
    for (size_t i = 0; i < sizeof joints / sizeof *joints && !found; i++) {
        const char *at = strstr(low, joints[i]);
        if (!at)
            continue;
        char *type = slice(text, (size_t)(at - low));
        const char *said = NULL;
        char *word = normal(type);
        const char *go = lookup(word, &said);
        const char *target = text + (at - low) + strlen(joints[i]);
        if (go) {
            found = true;
            read_reference(self, gc_starts_with(target, "to ") ? target + 3 : target,
                           true, go, out);
        }
        free(word);
        free(type);
    }
    free(low);
    return found;
}

/* "a | b | null": a nullable type, or values. */
static bool read_union(type_reader *self, const char *text, type_result *out)
{
    if (!text[find_outside(text, '|')])
        return false;
    gc_strv parts = { 0 }, rest = { 0 };
    gc_strv_split(&parts, text, '|');
    for (size_t i = 0; i < parts.count; i++)
        if (!gc_spec_is_one_of(parts.items[i], "null nil None undefined"))
            gc_strv_add(&rest, parts.items[i]);
    bool nullable = rest.count < parts.count;
    if (rest.count == 1) {
        read_type(self, rest.items[0], out);
    } else {
        char *values = gc_strv_join(&rest, ",");
        read_enum(self, values, out);
        free(values);
    }
    out->optional = out->optional || nullable;
    gc_strv_release(&parts);
    gc_strv_release(&rest);
    return true;
}

/* Name under which Go code uses a module: the last part that is no version. */
static bool module_has_name(const char *path, const char *name, size_t len)
{
    size_t end = strlen(path), start = end;
    for (int turn = 0; turn < 2; turn++) {
        while (start && path[start - 1] != '/')
            start--;
        bool version = path[start] == 'v' && end - start > 1 &&
                       strspn(path + start + 1, "0123456789") == end - start - 1;
        if (!version)
            break;
        end = start ? --start : 0;
    }
    const char *dot = memchr(path + start, '.', end - start);
    size_t n = dot ? (size_t)(dot - path) - start : end - start;
    return n == len && strncmp(path + start, name, len) == 0;
}

/* decimal.Decimal stays if the spec names a module called decimal. */
static bool read_qualified(type_reader *self, const char *text, type_result *out)
{
    const char *dot = strchr(text, '.');
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (!dot || dot == text || !(dot[1] >= 'A' && dot[1] <= 'Z') ||
        strspn(text, letters) != (size_t)(dot - text) ||
        strspn(dot + 1, letters) != strlen(dot + 1))
        return false;
    for (size_t i = 0; i < self->spec->module_count; i++)
        if (module_has_name(self->spec->modules[i].module.path, text,
                            (size_t)(dot - text))) {
            set(out, text, text);
            return true;
        }
    return false;
}

/* A known type with words behind it: "integer greater than 0", "text of the note". */
static bool read_prefix(type_reader *self, const char *text, type_result *out)
{
    size_t blank = strcspn(text, " ");
    if (!text[blank])
        return false;
    char *first = slice(text, blank);
    const char *said = NULL;
    char *word = normal(first);
    const char *go = lookup(word, &said);
    if (go) {
        set(out, go, said);
        read_modifier(self, text + blank + 1);
    }
    free(word);
    free(first);
    return go != NULL;
}

static void read_unknown(type_reader *self, const char *text, type_result *out)
{
    gc_spec_field *f = self->field;
    const char *near = gc_spec_nearest_entity(self->spec, text);
    gc_diags_add(self->owner->diags, GC_SEV_WARNING, f->at->line, f->at->column,
                 "field \"%s\" has the unknown type \"%.60s\", taken as string; %s%s%s",
                 f->field.name, text,
                 near ? "did you mean \"" : "write a type or an entity", near ? near : "",
                 near ? "\"?" : "");
    set(out, "string", text);
    if (strchr(text, ' ') && !*f->field.description)
        gc_spec_set(&f->field.description, gc_xstrdup(text));
}

/* "[]T", "T[]", "[4]T", "map[K]V", "*T", "T?", "optional T". */
static bool read_go_shape(type_reader *self, const char *text, type_result *out)
{
    size_t len = strlen(text);
    if (text[0] == '[') {
        size_t close = strcspn(text, "]");
        if (!text[close] || !text[close + 1])
            return false;
        read_list(self, text + close + 1, out);
        return true;
    }
    if (len > 2 && strcmp(text + len - 2, "[]") == 0) {
        char *element = slice(text, len - 2);
        read_list(self, element, out);
        free(element);
        return true;
    }
    if (strncasecmp(text, "map[", 4) == 0 && text[4 + find_outside(text + 4, ']')] &&
        text[5 + find_outside(text + 4, ']')]) {
        size_t close = find_outside(text + 4, ']');
        char *key = slice(text + 4, close);
        read_map(self, key, text + 5 + close, out);
        free(key);
        return true;
    }
    if (len > 1 && (text[0] == '*' || text[len - 1] == '?')) {
        char *inner = text[0] == '*' ? gc_xstrdup(text + 1) : slice(text, len - 1);
        read_type(self, inner, out);
        out->optional = true;
        free(inner);
        return true;
    }
    if (strncasecmp(text, "optional ", 9) == 0 ||
        strncasecmp(text, "nullable ", 9) == 0) {
        read_type(self, text + 9, out);
        out->optional = out->optional || (text[0] | 32) == 'n';
        return true;
    }
    return false;
}

static void read_word(type_reader *self, const char *text, type_result *out)
{
    const char *said = NULL;
    if (read_qualified(self, text, out))
        return;
    size_t entity = gc_spec_find_entity(self->spec, text);
    char *word = normal(text);
    const char *go = lookup(word, &said);
    bool exact =
        entity != SIZE_MAX && strcmp(self->spec->entities[entity].entity.name, text) == 0;
    if (go && !exact)
        set(out, go, said);
    else if (entity != SIZE_MAX) {
        use_entity(self, entity, out);
        bool plural = !self->in_list && gc_ends_with(text, "s") &&
                      !gc_ends_with(self->spec->entities[entity].entity.name, "s");
        if (plural) {
            gc_spec_set(&out->go, gc_xasprintf("[]%s", bare(out->go)));
            gc_spec_set(&out->said, gc_xasprintf("[]%s", out->said));
        }
    } else if (!read_prefix(self, text, out))
        read_unknown(self, text, out);
    free(word);
}

static void read_type(type_reader *self, const char *text, type_result *out)
{
    char *clean = gc_spec_trim(text);
    if (!*clean || self->depth >= DEPTH_MAX) {
        set(out, "string", "string");
        free(clean);
        return;
    }
    self->depth++;
    bool done = read_go_shape(self, clean, out) || read_call(self, clean, out) ||
                read_trailing(self, clean, out) || read_phrase(self, clean, out) ||
                read_parts(self, clean, out) || read_union(self, clean, out) ||
                read_keyed_reference(self, clean, out);
    if (!done)
        read_word(self, clean, out);
    self->depth--;
    free(clean);
}

/* ---- the result in the field ---- */

/* Without a type the name often tells. */
static const char *type_by_name(const gc_spec *spec, const gc_field *f)
{
    const char *json = f->json_name;
    if (gc_ends_with(json, "_at") || gc_ends_with(json, "_date") ||
        strcmp(json, "date") == 0)
        return "timestamp";
    if (gc_starts_with(json, "is_") || gc_starts_with(json, "has_"))
        return "boolean";
    size_t entity = gc_spec_find_entity(spec, f->name);
    return entity != SIZE_MAX ? f->name : "string";
}

static void apply_enum(gc_spec_entity *entity, gc_spec_field *field, type_result *r)
{
    gc_field *f = &field->field;
    const char *go = r->go;
    if (f->enum_values.count == 0) {
        gc_diags_add(
            entity->diags, GC_SEV_WARNING, field->at->line, field->at->column,
            "field \"%s\" is an enum without values, taken as string; add values: [a, b]",
            f->name);
        return;
    }
    bool list = gc_starts_with(go, "[]");
    const char *prefix = list ? "[]" : gc_starts_with(go, "map[") ? "map[string]" : "";
    if (strcmp(go + (list ? 2 : 0), "string") != 0 &&
        !*prefix) { /* numbers stay numbers */
        char *values = gc_strv_join(&f->enum_values, ", ");
        gc_strv_push(&f->constraints, gc_xasprintf("one_of=%s", values));
        gc_strv_release(&f->enum_values);
        free(values);
        return;
    }
    char *type = gc_xasprintf("%s%s%s", prefix, entity->entity.go_name, f->go_name);
    gc_spec_set(&r->go, type);
    gc_spec_set(&r->said, gc_xasprintf("%senum", prefix));
}

void gc_spec_resolve_type(gc_spec *self, gc_spec_entity *entity, gc_spec_field *field)
{
    gc_field *f = &field->field;
    type_reader reader = { self, entity, field, 0, false };
    type_result r = { .entity = SIZE_MAX };
    const char *text = f->spec_type;
    if (!*text)
        text = f->enum_values.count ? "string" : type_by_name(self, f);
    char *copy = gc_xstrdup(text);
    read_type(&reader, copy, &r);
    free(copy);
    if (field->is_enum || r.is_enum)
        apply_enum(entity, field, &r);
    if ((field->optional || r.optional) && !strchr("*[", r.go[0]) &&
        !gc_starts_with(r.go, "map[") && strcmp(r.go, "any") != 0)
        gc_spec_set(&r.go, gc_xasprintf("*%s", r.go));
    gc_spec_set(&f->go_type, r.go);
    gc_spec_set(&f->spec_type, r.said);
    if (r.entity != SIZE_MAX) {
        gc_spec_set(&f->ref, gc_xstrdup(self->entities[r.entity].entity.go_name));
        f->ref_by_id = r.by_id;
    }
    gc_strv_sort(&f->constraints);
}
