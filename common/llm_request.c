#include "common/llm_request.h"

#include <string.h>

#include "common/mem.h"
#include "common/text.h"

#define ANTHROPIC_URL "https://api.anthropic.com"
#define OPENAI_URL "https://api.openai.com/v1"

const char *gc_llm_base_url(const gc_config *config, const char *provider)
{
    bool openai = strcmp(provider, "openai") == 0;
    const char *base =
        openai ? config->llm_openai_base_url : config->llm_anthropic_base_url;
    return base && *base ? base : openai ? OPENAI_URL : ANTHROPIC_URL;
}

char *gc_llm_url(const char *base, const char *path)
{
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    if (len >= 3 && memcmp(base + len - 3, "/v1", 3) == 0 && gc_starts_with(path, "/v1/"))
        len -= 3;
    return gc_xasprintf("%.*s%s", (int)len, base, path);
}

static int append_chunk(const char *mem, size_t len, void *arg)
{
    return gc_buf_append(arg, mem, len) ? -1 : 0;
}

gc_err gc_llm_dump(json_t *body, gc_buf *out)
{
    if (!body)
        return GC_EPROTO;
    json_dump_callback(body, append_chunk, out, JSON_COMPACT);
    json_decref(body);
    return out->full ? GC_ETOOBIG : GC_OK;
}

json_t *gc_llm_text_blocks(const gc_llm_block *blocks, size_t count, const char *mark_key,
                           json_t *mark)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        if (blocks[i].len == 0)
            continue;
        json_t *text = json_stringn(blocks[i].text, blocks[i].len);
        if (!text) {
            json_decref(array);
            return NULL;
        }
        json_t *block = json_pack("{s:s,s:o}", "type", "text", "text", text);
        if (blocks[i].mark && mark)
            json_object_set(block, mark_key, mark);
        json_array_append_new(array, block);
    }
    return array;
}

/* ---- Anthropic ---- */

void gc_anthropic_headers(const char *key, gc_strv *out)
{
    if (*key)
        gc_strv_push(out, gc_xasprintf("x-api-key: %s", key));
    gc_strv_add(out, "anthropic-version: 2023-06-01");
}

/* Sampling parameters are never sent: current models refuse them. */

static json_t *cache_control(const gc_task *task)
{
    json_t *control = json_pack("{s:s}", "type", "ephemeral");
    if (strcmp(task->cache_ttl, "1h") == 0)
        json_object_set_new(control, "ttl", json_string("1h"));
    return control;
}

/* NULL if a text is no UTF-8. */
static json_t *text_blocks(const gc_task *task, const gc_llm_block *blocks, size_t count)
{
    json_t *mark = task->model.cache_min_tokens > 0 ? cache_control(task) : NULL;
    json_t *array = gc_llm_text_blocks(blocks, count, "cache_control", mark);
    json_decref(mark);
    return array;
}

/* Thinking can be turned off at effort high and below only; above it, the request would be
 * refused. */
static const char *thinking_off(const gc_task *task)
{
    if (strcmp(task->effort, "xhigh") == 0 || strcmp(task->effort, "max") == 0)
        return NULL;
    switch (task->model.thinking_off) {
    case GC_THINKING_DISABLED: return "disabled";
    case GC_THINKING_BETWEEN_TOOLS: return "between_tools";
    case GC_THINKING_NONE: break;
    }
    return NULL;
}

gc_err gc_anthropic_body(const gc_llm_prompt *prompt, bool count, gc_buf *out)
{
    const gc_task *task = prompt->task;
    json_t *system = text_blocks(task, prompt->system, prompt->system_count);
    json_t *user = text_blocks(task, prompt->user, prompt->user_count);
    const char *thinking = thinking_off(task);
    json_t *root = count
                       ? json_pack("{s:s}", "model", task->model.id)
                       : json_pack("{s:s,s:I,s:b}", "model", task->model.id, "max_tokens",
                                   (json_int_t)task->max_tokens, "stream", 1);
    if (!root || !system || !user) {
        json_decref(root);
        json_decref(system);
        json_decref(user);
        return GC_EPROTO;
    }
    if (json_array_size(system) > 0)
        json_object_set(root, "system", system);
    json_decref(system);
    if (thinking)
        json_object_set_new(root, "thinking", json_pack("{s:s}", "type", thinking));
    if (task->model.effort && *task->effort)
        json_object_set_new(root, "output_config",
                            json_pack("{s:s}", "effort", task->effort));
    json_object_set_new(root, "messages",
                        json_pack("[{s:s,s:o}]", "role", "user", "content", user));
    return gc_llm_dump(root, out);
}
