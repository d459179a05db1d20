#include "common/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/config_table.h"
#include "common/doc.h"
#include "common/fs.h"
#include "common/mem.h"
#include "common/strv.h"
#include "common/text.h"

#define FILE_LIMIT ((size_t)1 << 20)
#define TEXT_LIMIT 4096
#define NAME_LIMIT 128
#define PATH_LIMIT 512 /* of a dotted key in an error message */
#define SHOWN_LIMIT 60 /* longer values are not repeated in messages */

static void *field_of(gc_config *self, const gc_config_row *row)
{
    return (char *)self + row->offset;
}

static bool is_text(gc_config_kind kind)
{
    return kind >= GC_CONFIG_CHOICE;
}

/* true and false, and the other words that YAML has for them. */
static gc_err parse_switch(const char *text, bool *out)
{
    if (gc_parse_bool(text, out) == GC_OK)
        return GC_OK;
    bool yes = strcmp(text, "yes") == 0 || strcmp(text, "on") == 0;
    if (!yes && strcmp(text, "no") != 0 && strcmp(text, "off") != 0)
        return GC_EINVAL;
    *out = yes;
    return GC_OK;
}

static gc_err parse_integer(const gc_config_row *row, const char *text, int64_t *out)
{
    int64_t min, max;
    if (gc_parse_i64(row->min, INT64_MIN, INT64_MAX, &min) ||
        gc_parse_i64(row->max, INT64_MIN, INT64_MAX, &max))
        return GC_EINVAL;
    return gc_parse_i64(text, min, max, out);
}

static gc_err parse_number(const gc_config_row *row, const char *text, double *out)
{
    double min, max;
    if (gc_parse_double(row->min, -1e18, 1e18, &min) ||
        gc_parse_double(row->max, -1e18, 1e18, &max))
        return GC_EINVAL;
    return gc_parse_double(text, min, max, out);
}

static gc_err parse_duration(const gc_config_row *row, const char *text, int64_t *out)
{
    int64_t min, max;
    if (gc_parse_duration_ms(row->min, 0, INT64_C(1) << 50, &min) ||
        gc_parse_duration_ms(row->max, 0, INT64_C(1) << 50, &max))
        return GC_EINVAL;
    return gc_parse_duration_ms(text, min, max, out);
}

/* `words` is "a | b | c"; the word "" stands for the empty text. */
static bool is_choice(const char *words, const char *text)
{
    gc_strv choices = { 0 };
    gc_strv_split(&choices, words, '|');
    bool found = gc_strv_has(&choices, *text ? text : "\"\"");
    gc_strv_release(&choices);
    return found;
}

static bool is_name(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= NAME_LIMIT &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "._-:/@+") == len;
}

static bool is_endpoints(const char *text)
{
    gc_strv items = { 0 };
    gc_strv_split(&items, text, ',');
    bool good = items.count > 0;
    for (size_t i = 0; i < items.count; i++) {
        const char *item = items.items[i];
        good = good && ((gc_starts_with(item, "tcp://") && strchr(item + 6, ':')) ||
                        (gc_starts_with(item, "ipc://") && item[6]));
    }
    gc_strv_release(&items);
    return good;
}

static bool is_address(const char *text)
{
    int64_t port;
    const char *colon = strrchr(text, ':');
    return colon && gc_parse_i64(colon + 1, 0, 65535, &port) == GC_OK;
}

static bool text_ok(const gc_config_row *row, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (iscntrl((unsigned char)text[i]))
            return false;
    if (len > TEXT_LIMIT || !gc_utf8_valid(text, len))
        return false;
    switch (row->kind) {
    case GC_CONFIG_CHOICE: return is_choice(row->key.range, text);
    case GC_CONFIG_NAME: return is_name(text);
    case GC_CONFIG_INNER: return gc_path_safe(text);
    case GC_CONFIG_URL:
        return !len || gc_starts_with(text, "http://") ||
               gc_starts_with(text, "https://");
    case GC_CONFIG_REDIS:
        return !len || gc_starts_with(text, "redis://") ||
               gc_starts_with(text, "unix://");
    case GC_CONFIG_ENDPOINTS: return !len || is_endpoints(text);
    case GC_CONFIG_ADDRESS: return !len || is_address(text);
    default: return true;
    }
}

static gc_err set_text(gc_config *self, const gc_config_row *row, const char *text)
{
    char **field = field_of(self, row);
    if (row->kind == GC_CONFIG_INNER && gc_starts_with(text, "./"))
        text += 2;
    if (!text_ok(row, text))
        return GC_EINVAL;
    char *copy = gc_xstrdup(text);
    free(*field);
    *field = copy;
    return GC_OK;
}

/* The field is unchanged if the text is none of its values. */
static gc_err set_row(gc_config *self, const gc_config_row *row, const char *text)
{
    switch (row->kind) {
    case GC_CONFIG_BOOL: return parse_switch(text, field_of(self, row));
    case GC_CONFIG_INTEGER: return parse_integer(row, text, field_of(self, row));
    case GC_CONFIG_NUMBER: return parse_number(row, text, field_of(self, row));
    case GC_CONFIG_DURATION: return parse_duration(row, text, field_of(self, row));
    default: return set_text(self, row, text);
    }
}

void gc_config_init(gc_config *self)
{
    *self = (gc_config){ 0 };
    for (size_t i = 0; i < gc_config_row_count; i++)
        if (set_row(self, &gc_config_rows[i], gc_config_rows[i].key.value))
            abort(); /* the table contradicts itself; a unit test loads every row */
}

void gc_config_release(gc_config *self)
{
    for (size_t i = 0; i < gc_config_row_count; i++)
        if (is_text(gc_config_rows[i].kind))
            gc_free_str(field_of(self, &gc_config_rows[i]));
    free(self->file);
    *self = (gc_config){ 0 };
}

void gc_config_hash(const gc_config *self, gc_hasher *hasher)
{
    for (size_t i = 0; i < gc_config_row_count; i++) {
        const char *field = (const char *)self + gc_config_rows[i].offset;
        switch (gc_config_rows[i].kind) {
        case GC_CONFIG_BOOL: gc_hasher_field(hasher, field, sizeof(bool)); break;
        case GC_CONFIG_INTEGER:
        case GC_CONFIG_DURATION: gc_hasher_field(hasher, field, sizeof(int64_t)); break;
        case GC_CONFIG_NUMBER: gc_hasher_field(hasher, field, sizeof(double)); break;
        default: gc_hasher_text(hasher, *(char *const *)field); break;
        }
    }
}

static const gc_config_row *find_row(const char *key)
{
    for (size_t i = 0; i < gc_config_row_count; i++)
        if (strcmp(gc_config_rows[i].key.key, key) == 0)
            return &gc_config_rows[i];
    return NULL;
}

const gc_config_key *gc_config_key_at(size_t index)
{
    return index < gc_config_row_count ? &gc_config_rows[index].key : NULL;
}

/* Values that may hold a password or a key are never repeated. */
static bool may_show(const gc_config_row *row, const char *value)
{
    return row->kind != GC_CONFIG_URL && row->kind != GC_CONFIG_REDIS &&
           strlen(value) <= SHOWN_LIMIT && !gc_starts_with(value, "sk-");
}

/* "must be 1 to 100", with the value if it may be shown. free() it. */
static char *explain_value(const gc_config_row *row, const char *value)
{
    const char *range = row->key.range;
    const char *unit =
        row->kind == GC_CONFIG_DURATION ? " (a number with ms, s, m or h)" : "";
    if (!*range)
        return gc_xasprintf("%s: must be a text of at most %d bytes without control "
                            "characters",
                            row->key.key, TEXT_LIMIT);
    if (!may_show(row, value))
        return gc_xasprintf("%s: the value must be %s%s", row->key.key, range, unit);
    return gc_xasprintf("%s: \"%s\" must be %s%s", row->key.key, value, range, unit);
}

static bool is_section(const char *path, const char *key)
{
    size_t len = strlen(path);
    return strncmp(key, path, len) == 0 && key[len] == '.';
}

/* True if `path` is a map of keys. */
static bool known_section(const char *path)
{
    for (size_t i = 0; i < gc_config_row_count; i++)
        if (is_section(path, gc_config_rows[i].key.key))
            return true;
    return false;
}

/* All keys and, for a misspelled section, all sections. */
static void list_names(gc_strv *names)
{
    for (size_t i = 0; i < gc_config_row_count; i++) {
        const char *key = gc_config_rows[i].key.key;
        gc_strv_add(names, key);
        for (const char *dot = strchr(key, '.'); dot; dot = strchr(dot + 1, '.')) {
            char *section = gc_xmemdup(key, (size_t)(dot - key));
            gc_strv_add_unique(names, section);
            free(section);
        }
    }
}

/* The name meant by `path`: one that ends in it (a section was left out), or the nearest. */
static char *suggest(const char *path)
{
    gc_strv names = { 0 };
    const char *found = NULL;
    list_names(&names);
    for (size_t i = 0; i < names.count && !found; i++) {
        size_t all = strlen(names.items[i]), len = strlen(path);
        if (all > len && names.items[i][all - len - 1] == '.' &&
            gc_ends_with(names.items[i], path))
            found = names.items[i];
    }
    if (!found)
        found = gc_nearest(path, (const char *const *)names.items, names.count);
    char *text = found ? gc_xasprintf("; did you mean \"%s\"?", found)
                       : gc_xstrdup("; see docs/configuration.md for all keys");
    gc_strv_release(&names);
    return text;
}

static bool has_word(const char *name, const char *word)
{
    for (; *name; name++)
        if (strncasecmp(name, word, strlen(word)) == 0)
            return true;
    return false;
}

/* An API key or the like under a name that we do not know. */
static bool is_secret(const char *name, const char *value)
{
    if (!value)
        return false;
    if (gc_starts_with(value, "sk-") || has_word(name, "api_key") ||
        has_word(name, "apikey"))
        return true;
    bool named = has_word(name, "key") || has_word(name, "token") ||
                 has_word(name, "secret") || has_word(name, "password");
    return named && strlen(value) >= 16 && !strchr(value, ' ');
}

static const char secret_text[] =
    "keys are not read from here: set ANTHROPIC_API_KEY or OPENAI_API_KEY in the "
    "environment, or name a file in llm.api_key_file; then take the key out of this file "
    "and replace it at the provider if others could read it";

gc_err gc_config_set(gc_config *self, const char *key, const char *value,
                     gc_errinfo *info)
{
    const gc_config_row *row = find_row(key);
    if (!row) {
        char *hint = suggest(key);
        gc_fail(info, GC_EINVAL, "unknown key \"%.200s\"%s", key, hint);
        free(hint);
        return GC_EINVAL;
    }
    if (set_row(self, row, value) == GC_OK)
        return GC_OK;
    char *text = explain_value(row, value);
    gc_fail(info, GC_EINVAL, "%s", text);
    free(text);
    return GC_EINVAL;
}

typedef struct file_reader {
    gc_config *config;
    gc_diags *diags;
} file_reader;

static void report(file_reader *self, const gc_node *at, const char *text)
{
    gc_diags_add(self->diags, GC_SEV_ERROR, at->line, at->column, "%s", text);
}

static void load_unknown(file_reader *self, const char *path, const gc_node *key,
                         const gc_node *value)
{
    const char *text = value->kind == GC_NODE_SCALAR ? value->text : NULL;
    if (gc_starts_with(key->text, "sk-")) {
        report(self, key, secret_text);
        return;
    }
    if (is_secret(key->text, text)) {
        gc_diags_add(self->diags, GC_SEV_ERROR, key->line, key->column, "%s: %s", path,
                     secret_text);
        return;
    }
    char *hint = suggest(path);
    gc_diags_add(self->diags, GC_SEV_ERROR, key->line, key->column,
                 "unknown key \"%s\"%s", path, hint);
    free(hint);
}

static void load_value(file_reader *self, const gc_config_row *row, const gc_node *value)
{
    if (value->kind == GC_NODE_SEQ || value->kind == GC_NODE_MAP) {
        char *text =
            gc_xasprintf("%s: must be one value, not a list or map", row->key.key);
        report(self, value, text);
        free(text);
        return;
    }
    if (value->kind == GC_NODE_NULL && !is_text(row->kind)) {
        char *text = gc_xasprintf("%s: has no value; write one or take the line out",
                                  row->key.key);
        report(self, value, text);
        free(text);
        return;
    }
    if (row->kind == GC_CONFIG_TEXT && gc_starts_with(value->text, "sk-")) {
        char *text = gc_xasprintf("%s: %s", row->key.key, secret_text);
        report(self, value, text);
        free(text);
        return;
    }
    if (set_row(self->config, row, value->text) == GC_OK)
        return;
    char *text = explain_value(row, value->text);
    report(self, value, text);
    free(text);
}

/* `section` is the dotted path of `map` with a dot at its end, or "". */
static void load_map(file_reader *self, const char *section, const gc_node *map)
{
    char path[PATH_LIMIT];
    for (size_t i = 0; i < map->count; i++) {
        const gc_node *key = map->keys[i], *value = map->items[i];
        snprintf(path, sizeof path, "%s%s", section, key->text);
        const gc_config_row *row = find_row(path);
        if (row) {
            load_value(self, row, value);
        } else if (!known_section(path)) {
            load_unknown(self, path, key, value);
        } else if (value->kind == GC_NODE_MAP) {
            char inner[PATH_LIMIT + 1];
            snprintf(inner, sizeof inner, "%s.", path);
            load_map(self, inner, value);
        } else if (value->kind != GC_NODE_NULL) { /* everything in it is commented out */
            char *text = gc_xasprintf("%s: must be a map of keys", path);
            report(self, value, text);
            free(text);
        }
    }
}

gc_err gc_config_load_file(gc_config *self, const char *path, gc_diags *diags)
{
    gc_buf text;
    gc_errinfo info = { 0 };
    gc_node *root = NULL;
    size_t before = diags->errors;
    gc_buf_init(&text, FILE_LIMIT);
    gc_err err = gc_read_file(path, &text, &info);
    if (err == GC_ENOENT)
        goto out; /* the caller knows whether it was asked for */
    if (err) {
        gc_diags_add(diags, GC_SEV_ERROR, 1, 1, "%s", info.text);
        err = err == GC_ETOOBIG ? GC_EINVAL : err;
        goto out;
    }
    err = gc_doc_parse(text.ptr, text.len, GC_DOC_YAML, diags, &root);
    file_reader reader = { .config = self, .diags = diags };
    if (root && root->kind == GC_NODE_MAP)
        load_map(&reader, "", root);
    else if (root && root->kind != GC_NODE_NULL)
        report(&reader, root, "the configuration must be a map of sections");
    if (diags->errors > before)
        err = GC_EINVAL;
    free(self->file);
    self->file = gc_xstrdup(path);
out:
    gc_node_destroy(&root);
    gc_buf_release(&text);
    return err;
}

/* optimization.batching.enabled -> GC_BATCHING_ENABLED; free() it. */
static char *variable_of(const char *key)
{
    static const char left_out[] = "optimization.";
    if (gc_starts_with(key, left_out))
        key += sizeof left_out - 1;
    char *name = gc_xasprintf("GC_%s", key);
    for (char *p = name; *p; p++)
        *p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
    return name;
}

static gc_err set_from(gc_config *self, const gc_config_row *row, const char *variable,
                       gc_errinfo *info)
{
    const char *value = getenv(variable);
    if (!value || !*value)
        return GC_OK; /* empty counts as not set */
    if (set_row(self, row, value) == GC_OK)
        return GC_OK;
    char *text = explain_value(row, value);
    gc_fail(info, GC_EINVAL, "environment variable %s: %s", variable, text);
    free(text);
    return GC_EINVAL;
}

/* Variables that other programs know too; our own names win over them. */
static gc_err load_shared_variables(gc_config *self, gc_errinfo *info)
{
    static const char *const shared[][2] = {
        { "REDIS_URL", "cluster.redis" },
        { "ANTHROPIC_BASE_URL", "llm.anthropic_base_url" },
        { "OPENAI_BASE_URL", "llm.openai_base_url" },
    };
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        gc_err err = set_from(self, find_row(shared[i][1]), shared[i][0], info);
        if (err)
            return err;
    }
    return GC_OK;
}

gc_err gc_config_load_env(gc_config *self, gc_errinfo *info)
{
    gc_err err = load_shared_variables(self, info);
    for (size_t i = 0; !err && i < gc_config_row_count; i++) {
        char *name = variable_of(gc_config_rows[i].key.key);
        err = set_from(self, &gc_config_rows[i], name, info);
        free(name);
    }
    if (!err && self->cluster_lease_ms < 2 * self->cluster_heartbeat_ms)
        err = gc_fail(info, GC_EINVAL,
                      "cluster.lease must be at least two times cluster.heartbeat, or "
                      "living workers lose their claims");
    return err;
}

void gc_config_no_optimization(gc_config *self)
{
    self->prompt_caching_enabled = false;
    self->prompt_caching_anthropic = false;
    self->prompt_caching_openai = false;
    self->batching_enabled = false;
    self->batching_max_batch_size = 1;
    self->templates_enabled = false;
    self->context_filtering_enabled = false;
    self->parallelization_enabled = false;
    self->parallelization_max_workers = 1;
    self->incremental_enabled = false;
}
