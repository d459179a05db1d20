#include "common/models.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/assets.h"
#include "common/doc.h"
#include "common/fs.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/strv.h"
#include "common/text.h"

#define TABLE_NAME "config/models.yaml"
#define FILE_LIMIT ((size_t)1 << 20)
#define PRICE_MAX 1e6
#define TOKENS_MAX INT64_C(100000000)
#define NAME_LIMIT 128

struct gc_models {
    gc_map *models;  /* id -> gc_model, owned */
    gc_map *unknown; /* provider -> gc_model, owned */
};

typedef enum field_kind {
    FIELD_PROVIDER,
    FIELD_PRICES,
    FIELD_TOKENS,
    FIELD_BOOL,
    FIELD_THINKING,
    FIELD_RATE
} field_kind;

static const struct field {
    const char *name;
    field_kind kind;
    size_t offset;
} fields[] = {
    { "provider", FIELD_PROVIDER, offsetof(gc_model, provider) },
    { "prices", FIELD_PRICES, offsetof(gc_model, prices) },
    { "long_prompt_tokens", FIELD_TOKENS, offsetof(gc_model, long_prompt_tokens) },
    { "long_prices", FIELD_PRICES, offsetof(gc_model, long_prices) },
    { "context_tokens", FIELD_TOKENS, offsetof(gc_model, context_tokens) },
    { "max_output_tokens", FIELD_TOKENS, offsetof(gc_model, max_output_tokens) },
    { "cache_min_tokens", FIELD_TOKENS, offsetof(gc_model, cache_min_tokens) },
    { "effort", FIELD_BOOL, offsetof(gc_model, effort) },
    { "thinking_off", FIELD_THINKING, offsetof(gc_model, thinking_off) },
    { "thinking_tokens", FIELD_TOKENS, offsetof(gc_model, thinking_tokens) },
    { "bytes_per_token", FIELD_RATE, offsetof(gc_model, bytes_per_token) },
    { "seconds_per_1k_output", FIELD_RATE, offsetof(gc_model, seconds_per_1k_output) },
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

static const struct price_field {
    const char *name;
    size_t offset;
} price_fields[] = {
    { "input", offsetof(gc_prices, input) },
    { "cache_write_5m", offsetof(gc_prices, cache_write_5m) },
    { "cache_write_1h", offsetof(gc_prices, cache_write_1h) },
    { "cache_read", offsetof(gc_prices, cache_read) },
    { "output", offsetof(gc_prices, output) },
};
#define PRICE_COUNT (sizeof price_fields / sizeof *price_fields)

static void model_destroy(gc_model *self)
{
    if (!self)
        return;
    free(self->id);
    free(self->provider);
    free(self);
}

static gc_model *model_copy(const gc_model *from, const char *id, const char *provider)
{
    gc_model *self = gc_xmalloc(sizeof *self);
    *self = *from;
    self->id = gc_xstrdup(id);
    self->provider = gc_xstrdup(provider);
    return self;
}

static void map_destroy(gc_map **map_p)
{
    size_t cursor = 0;
    const char *key;
    void *model;
    while (gc_map_next(*map_p, &cursor, &key, &model))
        model_destroy(model);
    gc_map_destroy(map_p);
}

void gc_models_destroy(gc_models **self_p)
{
    gc_models *self = *self_p;
    if (!self)
        return;
    map_destroy(&self->models);
    map_destroy(&self->unknown);
    free(self);
    *self_p = NULL;
}

static void error_at(gc_diags *diags, const gc_node *at, const char *name,
                     const char *want)
{
    gc_diags_add(diags, GC_SEV_ERROR, at->line, at->column, "%.80s: must be %s", name,
                 want);
}

static void unknown_key(gc_diags *diags, const gc_node *key, const char *const *names,
                        size_t count)
{
    const char *near = gc_nearest(key->text, names, count);
    if (!near) {
        char *all = NULL;
        gc_strv list = { 0 };
        for (size_t i = 0; i < count; i++)
            gc_strv_add(&list, names[i]);
        all = gc_strv_join(&list, ", ");
        gc_diags_add(diags, GC_SEV_ERROR, key->line, key->column,
                     "unknown key \"%.80s\"; the keys are %s", key->text, all);
        free(all);
        gc_strv_release(&list);
        return;
    }
    gc_diags_add(diags, GC_SEV_ERROR, key->line, key->column,
                 "unknown key \"%.80s\"; did you mean \"%s\"?", key->text, near);
}

static bool read_number(const gc_node *node, double min, double max, double *out)
{
    return node->kind == GC_NODE_SCALAR &&
           gc_parse_double(node->text, min, max, out) == GC_OK;
}

static const struct price_field *find_price(const char *name)
{
    for (size_t i = 0; i < PRICE_COUNT; i++)
        if (strcmp(price_fields[i].name, name) == 0)
            return &price_fields[i];
    return NULL;
}

/* A new price list needs input and output; the cache prices follow input if left out. */
static void complete_prices(gc_prices *prices, const gc_node *node, gc_diags *diags)
{
    if (!gc_node_get(node, "input") || !gc_node_get(node, "output")) {
        gc_diags_add(diags, GC_SEV_ERROR, node->line, node->column,
                     "new prices need at least input and output");
        return;
    }
    for (size_t i = 0; i < PRICE_COUNT; i++)
        if (!gc_node_get(node, price_fields[i].name))
            memcpy((char *)prices + price_fields[i].offset, &prices->input,
                   sizeof(double));
}

static void read_prices(gc_prices *prices, bool fresh, const gc_node *node,
                        gc_diags *diags)
{
    if (node->kind != GC_NODE_MAP) {
        error_at(diags, node, "prices", "a map of USD per million tokens");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct price_field *field = find_price(node->keys[i]->text);
        double value;
        if (!field) {
            const char *names[PRICE_COUNT];
            for (size_t j = 0; j < PRICE_COUNT; j++)
                names[j] = price_fields[j].name;
            unknown_key(diags, node->keys[i], names, PRICE_COUNT);
        } else if (!read_number(node->items[i], 0, PRICE_MAX, &value)) {
            error_at(diags, node->items[i], field->name,
                     "a price from 0 to 1000000 USD per million tokens");
        } else {
            memcpy((char *)prices + field->offset, &value, sizeof value);
        }
    }
    if (fresh)
        complete_prices(prices, node, diags);
}

static bool is_provider(const char *text)
{
    return strcmp(text, "anthropic") == 0 || strcmp(text, "openai") == 0;
}

static void read_provider(gc_model *model, const gc_node *node, gc_diags *diags)
{
    if (node->kind != GC_NODE_SCALAR || !is_provider(node->text)) {
        error_at(diags, node, "provider", "anthropic or openai");
        return;
    }
    free(model->provider);
    model->provider = gc_xstrdup(node->text);
}

static void read_thinking(gc_model *model, const gc_node *node, gc_diags *diags)
{
    static const char *const words[] = { [GC_THINKING_NONE] = "none",
                                         [GC_THINKING_DISABLED] = "disabled",
                                         [GC_THINKING_BETWEEN_TOOLS] = "between_tools" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (node->kind == GC_NODE_SCALAR && strcmp(node->text, words[i]) == 0) {
            model->thinking_off = (gc_thinking)i;
            return;
        }
    }
    error_at(diags, node, "thinking_off", "none, disabled or between_tools");
}

static void read_field(gc_model *model, const struct field *field, const gc_node *node,
                       gc_diags *diags)
{
    void *target = (char *)model + field->offset;
    bool scalar = node->kind == GC_NODE_SCALAR;
    double rate;
    switch (field->kind) {
    case FIELD_PROVIDER: read_provider(model, node, diags); break;
    case FIELD_PRICES: {
        bool base = target == &model->prices;
        bool fresh = base ? !model->priced : model->long_prices.output <= 0;
        read_prices(target, fresh, node, diags);
        model->priced = model->priced || base;
        break;
    }
    case FIELD_TOKENS:
        if (!scalar || gc_parse_i64(node->text, 0, TOKENS_MAX, target))
            error_at(diags, node, field->name, "a number of tokens up to 100000000");
        break;
    case FIELD_BOOL:
        if (!scalar || gc_parse_bool(node->text, target))
            error_at(diags, node, field->name, "true or false");
        break;
    case FIELD_THINKING: read_thinking(model, node, diags); break;
    case FIELD_RATE:
        if (read_number(node, 0.001, 1000, &rate))
            memcpy(target, &rate, sizeof rate);
        else
            error_at(diags, node, field->name, "a number from 0.001 to 1000");
        break;
    }
}

/* What no single field can tell. */
static void check_model(const gc_model *model, const gc_node *node, gc_diags *diags)
{
    if (!*model->provider)
        gc_diags_add(diags, GC_SEV_ERROR, node->line, node->column,
                     "%.80s: a new model needs its provider (anthropic or openai)",
                     model->id);
    if (model->long_prompt_tokens && model->long_prices.output <= 0)
        gc_diags_add(diags, GC_SEV_ERROR, node->line, node->column,
                     "%.80s: long_prompt_tokens needs long_prices", model->id);
    if (model->context_tokens < 1 || model->max_output_tokens < 1)
        gc_diags_add(diags, GC_SEV_ERROR, node->line, node->column,
                     "%.80s: context_tokens and max_output_tokens must be over 0",
                     model->id);
}

static void read_model(gc_model *model, const gc_node *node, gc_diags *diags)
{
    if (node->kind != GC_NODE_MAP) {
        error_at(diags, node, model->id, "a map of keys");
        return;
    }
    const char *names[FIELD_COUNT];
    size_t errors = diags->errors;
    for (size_t j = 0; j < FIELD_COUNT; j++)
        names[j] = fields[j].name;
    for (size_t i = 0; i < node->count; i++) {
        size_t j = 0;
        while (j < FIELD_COUNT && strcmp(names[j], node->keys[i]->text) != 0)
            j++;
        if (j < FIELD_COUNT)
            read_field(model, &fields[j], node->items[i], diags);
        else
            unknown_key(diags, node->keys[i], names, FIELD_COUNT);
    }
    if (diags->errors == errors)
        check_model(model, node, diags);
}

static gc_model *require_unknown(gc_models *self, const char *provider)
{
    gc_model *model = gc_map_get(self->unknown, provider);
    if (!model) {
        model = gc_xcalloc(1, sizeof *model);
        model->id = gc_xasprintf("unknown.%s", provider);
        model->provider = gc_xstrdup(provider);
        gc_map_set(self->unknown, provider, model);
    }
    return model;
}

static void read_unknown(gc_models *self, const gc_node *node, gc_diags *diags)
{
    if (node->kind != GC_NODE_MAP) {
        error_at(diags, node, "unknown", "a map of providers");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const gc_node *key = node->keys[i], *value = node->items[i];
        const gc_node *prices = gc_node_get(value, "prices");
        if (!is_provider(key->text))
            error_at(diags, key, key->text, "anthropic or openai");
        else if (prices)
            error_at(diags, prices, "prices", "left out: an unknown model has no price");
        else
            read_model(require_unknown(self, key->text), value, diags);
    }
}

static const char *text_or(const gc_node *map, const char *key, const char *otherwise)
{
    const char *text = gc_node_text(map, key);
    return text ? text : otherwise;
}

/* A new model starts as the unknown one of its provider. */
static gc_model *new_model(gc_models *self, const char *id, const gc_node *node)
{
    const char *provider = text_or(node, "provider", "");
    const gc_model *base = gc_map_get(self->unknown, provider);
    gc_model none = { .context_tokens = 1, .max_output_tokens = 1 };
    gc_model *model = model_copy(base ? base : &none, id, base ? provider : "");
    gc_map_set(self->models, id, model);
    return model;
}

static void read_models(gc_models *self, const gc_node *node, gc_diags *diags)
{
    if (node->kind != GC_NODE_MAP) {
        error_at(diags, node, "models", "a map from model ids to what is known of them");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const gc_node *key = node->keys[i];
        if (!key->len || key->len > NAME_LIMIT) {
            error_at(diags, key, "a model id", "1 to 128 bytes long");
            continue;
        }
        gc_model *model = gc_map_get(self->models, key->text);
        if (!model)
            model = new_model(self, key->text, node->items[i]);
        read_model(model, node->items[i], diags);
    }
}

/* `unknown` first: new models start from it. */
static void read_table(gc_models *self, const gc_node *root, gc_diags *diags)
{
    static const char *const names[] = { "models", "unknown" };
    if (root->kind == GC_NODE_NULL)
        return;
    if (root->kind != GC_NODE_MAP) {
        error_at(diags, root, "the file", "a map with the key models");
        return;
    }
    for (size_t i = 0; i < root->count; i++)
        if (strcmp(root->keys[i]->text, "models") != 0 &&
            strcmp(root->keys[i]->text, "unknown") != 0)
            unknown_key(diags, root->keys[i], names, 2);
    const gc_node *unknown = gc_node_get(root, "unknown");
    const gc_node *models = gc_node_get(root, "models");
    if (unknown)
        read_unknown(self, unknown, diags);
    if (models)
        read_models(self, models, diags);
}

static gc_err read_text(gc_models *self, const char *text, size_t len, gc_diags *diags)
{
    gc_node *root = NULL;
    size_t before = diags->errors;
    gc_err err = gc_doc_parse(text, len, GC_DOC_YAML, diags, &root);
    if (root)
        read_table(self, root, diags);
    gc_node_destroy(&root);
    return err ? err : diags->errors > before ? GC_EINVAL : GC_OK;
}

/* The table inside was checked by the unit tests; if it is broken, so is the build. */
static void read_builtin(gc_models *self)
{
    const gc_asset *table = gc_asset_find(TABLE_NAME);
    gc_diags diags;
    gc_diags_init(&diags, TABLE_NAME);
    if (!table || read_text(self, table->text, table->len, &diags) != GC_OK) {
        gc_diags_print(&diags, stderr);
        fputs("the built-in models table is broken\n", stderr);
        abort();
    }
    gc_diags_release(&diags);
}

gc_err gc_models_load(const char *override_path, gc_diags *diags, gc_models **out)
{
    gc_models *self = gc_xcalloc(1, sizeof *self);
    gc_err err = GC_OK;
    self->models = gc_map_new();
    self->unknown = gc_map_new();
    read_builtin(self);
    if (override_path) {
        gc_buf text;
        gc_buf_init(&text, FILE_LIMIT);
        err = gc_read_file(override_path, &text, NULL) ? GC_EIO : GC_OK;
        if (!err)
            err = read_text(self, text.ptr, text.len, diags);
        gc_buf_release(&text);
    }
    if (err)
        gc_models_destroy(&self);
    else
        *out = self;
    return err;
}

/* Length of `id` without a release date at its end (-20251001 or -2025-10-01). */
static size_t undated_len(const char *id)
{
    static const char *const shapes[] = { "-dddddddd", "-dddd-dd-dd" };
    size_t len = strlen(id);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t n = strlen(shapes[i]), j = 0;
        if (len <= n)
            continue;
        const char *tail = id + len - n;
        while (j < n && (shapes[i][j] == 'd' ? isdigit((unsigned char)tail[j]) != 0
                                             : tail[j] == shapes[i][j]))
            j++;
        if (j == n)
            return len - n;
    }
    return len;
}

const gc_model *gc_models_find(const gc_models *self, const char *id)
{
    const gc_model *model = gc_map_get(self->models, id);
    size_t len = undated_len(id);
    if (model || !id[len])
        return model;
    char *undated = gc_xmemdup(id, len);
    model = gc_map_get(self->models, undated);
    free(undated);
    return model;
}

const gc_model *gc_models_require(gc_models *self, const char *id, const char *provider)
{
    const gc_model *base = gc_models_find(self, id);
    if (base && strcmp(base->id, id) == 0)
        return base;
    gc_model *model;
    if (base) {
        model = model_copy(base, id, base->provider);
    } else {
        /* A simulated model speaks Anthropic's protocol. */
        base = gc_map_get(self->unknown, is_provider(provider) ? provider : "anthropic");
        model = model_copy(base, id, provider);
    }
    gc_map_set(self->models, id, model);
    return model;
}

void gc_usage_add(gc_usage *self, const gc_usage *more)
{
    self->input += more->input;
    self->cache_write_5m += more->cache_write_5m;
    self->cache_write_1h += more->cache_write_1h;
    self->cache_read += more->cache_read;
    self->output += more->output;
}

int64_t gc_usage_prompt(const gc_usage *self)
{
    return self->input + self->cache_write_5m + self->cache_write_1h + self->cache_read;
}

double gc_model_cost(const gc_model *self, const gc_usage *usage)
{
    if (!self->priced)
        return 0;
    bool is_long =
        self->long_prompt_tokens && gc_usage_prompt(usage) > self->long_prompt_tokens;
    const gc_prices *p = is_long ? &self->long_prices : &self->prices;
    return ((double)usage->input * p->input +
            (double)usage->cache_write_5m * p->cache_write_5m +
            (double)usage->cache_write_1h * p->cache_write_1h +
            (double)usage->cache_read * p->cache_read +
            (double)usage->output * p->output) /
           1e6;
}
