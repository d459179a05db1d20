#include "tests/llm-sim/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/strv.h"
#include "common/text.h"

/* Prompts whose attempts are remembered; beyond it counting starts again. */
#define PROMPTS_MAX ((size_t)1 << 18)

struct gc_sim_faults {
    gc_sim_fault rules[GC_SIM_RULES_MAX];
    size_t count;
    uint64_t seed;
    gc_map
        *attempts; /* fingerprint -> times seen, as an integer in the pointer's place */
};

static const struct {
    const char *word;
    const char *help;
    int at;
} kinds[] = { { "none", "", -1 },
#define X(name, word, help, at) { word, help, at },
              GC_SIM_FAULT_MAP(X)
#undef X
};

const char *gc_sim_fault_name(gc_sim_fault_kind kind)
{
    return kinds[kind].word;
}

const char *gc_sim_fault_help(gc_sim_fault_kind kind)
{
    return kinds[kind].help;
}

gc_sim_faults *gc_sim_faults_new(uint64_t seed)
{
    gc_sim_faults *self = gc_xcalloc(1, sizeof *self);
    self->seed = seed;
    self->attempts = gc_map_new();
    return self;
}

static void forget_attempts(gc_sim_faults *self)
{
    size_t cursor = 0;
    void *value;
    while (gc_map_next(self->attempts, &cursor, NULL, &value))
        free(value);
    gc_map_destroy(&self->attempts);
}

void gc_sim_faults_destroy(gc_sim_faults **self_p)
{
    gc_sim_faults *self = *self_p;
    if (!self)
        return;
    forget_attempts(self);
    free(self);
    *self_p = NULL;
}

void gc_sim_faults_clear(gc_sim_faults *self)
{
    self->count = 0;
}

static gc_err set_kind(gc_sim_fault *rule, const char *word, gc_errinfo *info)
{
    const char *names[GC_SIM_FAULT_COUNT];
    for (int i = 1; i < GC_SIM_FAULT_COUNT; i++) {
        names[i] = kinds[i].word;
        if (strcmp(word, kinds[i].word) != 0)
            continue;
        rule->kind = (gc_sim_fault_kind)i;
        rule->at = kinds[i].at;
        return GC_OK;
    }
    const char *near = gc_nearest(word, names + 1, GC_SIM_FAULT_COUNT - 1);
    return gc_fail(info, GC_EINVAL, "unknown fault \"%s\"%s%s", word,
                   near ? "; did you mean " : "", near ? near : "");
}

/* One setting by name, from text. */
static gc_err set_field(gc_sim_fault *rule, const char *name, const char *value,
                        gc_errinfo *info)
{
    struct {
        const char *name;
        int64_t *place;
        int64_t max;
    } numbers[] = { { "count", &rule->count, INT32_MAX },
                    { "skip", &rule->skip, INT32_MAX },
                    { "every_ms", &rule->every_ms, 3600000 },
                    { "retry_ms", &rule->retry_ms, 3600000 } };
    int64_t at;
    if (strcmp(name, "rate") == 0 && !gc_parse_double(value, 0, 1, &rule->rate))
        return GC_OK;
    if (strcmp(name, "at") == 0 && !gc_parse_i64(value, 0, 100, &at)) {
        rule->at = (int)at;
        return GC_OK;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(name, numbers[i].name) == 0 &&
            !gc_parse_i64(value, 0, numbers[i].max, numbers[i].place))
            return GC_OK;
    if (strcmp(name, "path") == 0 && strlen(value) < sizeof rule->path) {
        snprintf(rule->path, sizeof rule->path, "%s", value);
        return GC_OK;
    }
    if (strcmp(name, "model") == 0 && strlen(value) < sizeof rule->model) {
        snprintf(rule->model, sizeof rule->model, "%s", value);
        return GC_OK;
    }
    return gc_fail(info, GC_EINVAL,
                   "fault setting \"%s\" = \"%s\" is unknown or out of range; known are "
                   "rate, at, count, skip, path, model, every_ms, retry_ms",
                   name, value);
}

static gc_sim_fault blank_rule(void)
{
    return (gc_sim_fault){
        .rate = 1, .count = -1, .at = -1, .every_ms = 1000, .retry_ms = 1000
    };
}

static gc_err add_rule(gc_sim_faults *self, const gc_sim_fault *rule, gc_errinfo *info)
{
    if (self->count == GC_SIM_RULES_MAX)
        return gc_fail(info, GC_EFULL, "at most %d fault rules", GC_SIM_RULES_MAX);
    self->rules[self->count++] = *rule;
    return GC_OK;
}

gc_err gc_sim_faults_add_text(gc_sim_faults *self, const char *text, gc_errinfo *info)
{
    gc_sim_fault rule = blank_rule();
    gc_strv parts = { 0 };
    gc_strv_split(&parts, text, ':');
    gc_err err = parts.count
                     ? set_kind(&rule, parts.items[0], info)
                     : gc_fail(info, GC_EINVAL, "empty fault; KIND:RATE is needed");
    for (size_t i = 1; !err && i < parts.count; i++) {
        char *equals = strchr(parts.items[i], '=');
        if (equals)
            *equals = '\0';
        if (!equals && i > 1)
            err = gc_fail(info, GC_EINVAL,
                          "fault \"%s\": NAME=VALUE is needed after the rate", text);
        else
            err = set_field(&rule, equals ? parts.items[i] : "rate",
                            equals ? equals + 1 : parts.items[i], info);
    }
    gc_strv_release(&parts);
    return err ? err : add_rule(self, &rule, info);
}

gc_err gc_sim_faults_add_json(gc_sim_faults *self, const json_t *object, gc_errinfo *info)
{
    gc_sim_fault rule = blank_rule();
    const char *kind = json_string_value(json_object_get(object, "kind"));
    gc_err err = kind ? set_kind(&rule, kind, info)
                      : gc_fail(info, GC_EINVAL, "a rule needs \"kind\"");
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        if (err)
            break;
        if (strcmp(name, "kind") == 0 || json_is_null(value))
            continue;
        char *text = json_is_string(value) ? gc_xstrdup(json_string_value(value))
                                           : json_dumps(value, JSON_ENCODE_ANY);
        err = text ? set_field(&rule, name, text, info)
                   : gc_fail(info, GC_EINVAL, "fault setting \"%s\" is no value", name);
        free(text);
    }
    return err ? err : add_rule(self, &rule, info);
}

json_t *gc_sim_faults_list(const gc_sim_faults *self)
{
    json_t *list = json_array();
    for (size_t i = 0; i < self->count; i++) {
        const gc_sim_fault *r = &self->rules[i];
        json_array_append_new(
            list, json_pack("{s:s, s:f, s:I, s:I, s:i, s:s, s:s, s:I, s:I, s:I, s:I}",
                            "kind", gc_sim_fault_name(r->kind), "rate", r->rate, "count",
                            (json_int_t)r->count, "skip", (json_int_t)r->skip, "at",
                            r->at, "path", r->path, "model", r->model, "every_ms",
                            (json_int_t)r->every_ms, "retry_ms", (json_int_t)r->retry_ms,
                            "seen", (json_int_t)r->seen, "hits", (json_int_t)r->hits));
    }
    return list;
}

/* How often this prompt was seen before, and counts it. */
static int64_t next_attempt(gc_sim_faults *self, const char *fingerprint)
{
    if (gc_map_count(self->attempts) >= PROMPTS_MAX) {
        forget_attempts(self);
        self->attempts = gc_map_new();
    }
    int64_t *times = gc_map_get(self->attempts, fingerprint);
    if (!times) {
        times = gc_xcalloc(1, sizeof *times);
        gc_map_set(self->attempts, fingerprint, times);
    }
    return (*times)++;
}

/* A number in [0, 1) that only these inputs decide. */
static double draw(uint64_t seed, size_t rule, const char *fingerprint, int64_t attempt)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15ULL + rule * 0xbf58476d1ce4e5b9ULL +
                 (uint64_t)attempt * 0x94d049bb133111ebULL;
    for (const char *c = fingerprint; *c; c++)
        x = (x ^ (unsigned char)*c) * 1099511628211ULL;
    x ^= x >> 30; /* finalizer of splitmix64 */
    x *= 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebULL;
    x ^= x >> 31;
    return (double)(x >> 11) / 9007199254740992.0;
}

static bool matches(const gc_sim_fault *rule, const gc_sim_fault_query *query)
{
    if (*rule->model && strcmp(rule->model, query->model) != 0)
        return false;
    if (!*rule->path)
        return true;
    for (size_t i = 0; i < query->path_count; i++)
        if (strstr(query->paths[i], rule->path))
            return true;
    return false;
}

const gc_sim_fault *gc_sim_faults_pick(gc_sim_faults *self,
                                       const gc_sim_fault_query *query)
{
    if (self->count == 0)
        return NULL;
    int64_t attempt = next_attempt(self, query->fingerprint);
    for (size_t i = 0; i < self->count; i++) {
        gc_sim_fault *rule = &self->rules[i];
        if (!matches(rule, query) || rule->seen++ < rule->skip)
            continue;
        if (rule->count >= 0 && rule->hits >= rule->count)
            continue;
        if (rule->rate < 1 &&
            draw(self->seed, i, query->fingerprint, attempt) >= rule->rate)
            continue;
        rule->hits++;
        return rule;
    }
    return NULL;
}
