#include "coordinator/layout.h"

#include <stdint.h>

/* Prices of a model that has none, relative to its input: what providers have in common. */
static const gc_prices relative = { 1, 1.25, 2, 0.1, 5 };

/* Of equals the first is taken: the one that tells the model more. */
static const gc_layout layouts[GC_LAYOUT_OPTIONS] = {
    { false, true, true }, { false, false, true }, { true, true, true },
    { true, false, true }, { false, true, false }, { false, false, false },
    { true, true, false }, { true, false, false },
};

static const char *const names[GC_LAYOUT_OPTIONS] = {
    "filtered specification, whole symbol table, cached",
    "filtered specification, filtered symbol table, cached",
    "whole specification, whole symbol table, cached",
    "whole specification, filtered symbol table, cached",
    "filtered specification, whole symbol table, not cached",
    "filtered specification, filtered symbol table, not cached",
    "whole specification, whole symbol table, not cached",
    "whole specification, filtered symbol table, not cached",
};

const char *gc_layout_str(const gc_layout *self)
{
    for (size_t i = 0; i < GC_LAYOUT_OPTIONS; i++)
        if (layouts[i].whole_spec == self->whole_spec &&
            layouts[i].whole_symbols == self->whole_symbols &&
            layouts[i].marked == self->marked)
            return names[i];
    return "";
}

/* Tokens of the prefix, and of what the average call adds to it. */
typedef struct parts {
    int64_t prefix, tail;
} parts;

static parts parts_of(const gc_model *model, const gc_layout_sizes *s,
                      const gc_layout *layout)
{
    size_t prefix = s->base + (layout->whole_spec ? s->spec : s->shared);
    size_t tails = s->task_base;
    if (layout->whole_symbols)
        prefix += s->symbols;
    else
        tails += s->task_symbols;
    if (!layout->whole_spec)
        tails += s->task_context;
    double per_call = s->calls ? (double)tails / (double)s->calls : 0;
    return (parts){ (int64_t)((double)prefix / model->bytes_per_token),
                    (int64_t)(per_call / model->bytes_per_token) };
}

static gc_usage call_usage(const parts *p, const gc_layout *layout, bool first,
                           bool one_hour)
{
    gc_usage u = { .input = p->tail };
    if (!layout->marked)
        u.input += p->prefix;
    else if (!first)
        u.cache_read = p->prefix;
    else if (one_hour)
        u.cache_write_1h = p->prefix;
    else
        u.cache_write_5m = p->prefix;
    return u;
}

double gc_layout_weight(const gc_model *model, const gc_usage *usage)
{
    gc_model compared = *model;
    if (!model->priced) {
        compared.priced = true;
        compared.prices = relative;
        compared.long_prompt_tokens = 0;
    }
    return gc_model_cost(&compared, usage);
}

/* Each call is priced by itself: a long prompt may have prices of its own. */
static void price(const gc_model *model, size_t calls, bool one_hour, const parts *p,
                  gc_layout_option *o)
{
    gc_usage first = call_usage(p, &o->layout, true, one_hour);
    gc_usage later = call_usage(p, &o->layout, false, one_hour);
    int64_t more = calls > 1 ? (int64_t)calls - 1 : 0;
    if (calls) {
        o->weight = gc_layout_weight(model, &first) +
                    (double)more * gc_layout_weight(model, &later);
        o->usage = first;
        o->usage.input += more * later.input;
        o->usage.cache_read += more * later.cache_read;
    }
    o->usd = model->priced ? o->weight : 0;
}

static const char *refusal(const gc_model *model, const gc_layout_sizes *sizes,
                           const gc_layout_rules *rules, const parts *p,
                           const gc_layout *layout)
{
    if (!rules->filter && !layout->whole_spec)
        return "context filtering is off";
    if (!rules->filter && !layout->whole_symbols)
        return "context filtering is off";
    if (layout->marked && !rules->cache)
        return "prompt caching is off";
    if (layout->marked && !model->cache_min_tokens)
        return "the model takes no marks";
    if (layout->marked && sizes->calls < 2)
        return "the prefix is used once";
    if (layout->marked && p->prefix < model->cache_min_tokens)
        return "the prefix is too short for the model's cache";
    double most = (double)(p->prefix + p->tail) + (double)sizes->max_output;
    if (model->context_tokens &&
        most > rules->window_part * (double)model->context_tokens)
        return "it does not fit the model's window";
    return NULL;
}

/* If nothing fits, tasks are still split: the shortest prompt leaves most room for that. */
static bool is_better(const gc_layout_rules *rules, const gc_layout_option *o,
                      const gc_layout_option *best)
{
    if (!o->refused || !best->refused)
        return !o->refused && (best->refused || o->weight < best->weight);
    bool allowed = rules->filter || (o->layout.whole_spec && o->layout.whole_symbols);
    bool best_allowed =
        rules->filter || (best->layout.whole_spec && best->layout.whole_symbols);
    if (o->layout.marked || !allowed)
        return false;
    return best->layout.marked || !best_allowed ||
           gc_usage_prompt(&o->usage) < gc_usage_prompt(&best->usage);
}

size_t gc_layout_choose(const gc_model *model, const gc_layout_sizes *sizes,
                        const gc_layout_rules *rules,
                        gc_layout_option options[GC_LAYOUT_OPTIONS])
{
    size_t best = 0;
    for (size_t i = 0; i < GC_LAYOUT_OPTIONS; i++) {
        gc_layout_option *o = &options[i];
        *o = (gc_layout_option){ .layout = layouts[i] };
        parts p = parts_of(model, sizes, &o->layout);
        price(model, sizes->calls, rules->one_hour, &p, o);
        o->refused = refusal(model, sizes, rules, &p, &o->layout);
        if (i && is_better(rules, o, &options[best]))
            best = i;
    }
    return best;
}
