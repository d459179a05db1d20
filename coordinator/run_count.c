/* llm.count_tokens: before anything is estimated the provider counts the prompts of the calls
 * that are expected. What it says replaces the bytes per token that are known of prompts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/llm_request.h"
#include "common/mem.h"
#include "common/text.h"
#include "coordinator/count_tokens.h"
#include "coordinator/run_private.h"

/* Of more calls every second, fourth, ... is counted and stands for the others. */
#define MAX_COUNTED 64

/* The provider calls its count an estimate; what is billed may be a little more. */
#define COUNT_MARGIN 1.05

typedef struct sample {
    gc_count_item items[MAX_COUNTED];
    int64_t bytes[MAX_COUNTED]; /* of each prompt */
    size_t count;
    size_t seen, stride; /* calls so far; each `stride`th is taken */
    char *prefix; /* body with what all prompts share alone; NULL: nothing is marked */
} sample;

/* ---- bodies ---- */

static size_t lend_blocks(const gc_run *run, const gc_block *blocks, size_t count,
                          gc_llm_block *out)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = blocks[i].text
                               ? blocks[i].text
                               : gc_composer_block(run->composer, blocks[i].sha256);
        out[i] = (gc_llm_block){ text, strlen(text), blocks[i].mark };
    }
    return count;
}

/* The body that counts a task, or only what its prompt shares with all others. NULL if it is
 * larger than the provider takes. */
static char *body_of(const gc_run *run, const gc_task *task, bool shared_only)
{
    static const gc_llm_block something = { ".", 1, false }; /* there must be a message */
    gc_llm_block system[GC_TASK_MAX_BLOCKS], user[GC_TASK_MAX_BLOCKS];
    gc_llm_prompt prompt = {
        .task = task, .system = system, .user = user, .cache_key = ""
    };
    gc_buf body;
    prompt.system_count = lend_blocks(run, task->system, task->system_count, system);
    prompt.user_count = lend_blocks(run, task->user, task->user_count, user);
    if (shared_only && --prompt.user_count == 0)
        user[prompt.user_count++] = something;
    gc_buf_init(&body, GC_LLM_MAX_BODY);
    if (gc_anthropic_body(&prompt, true, &body) == GC_OK)
        return gc_buf_take(&body);
    gc_buf_release(&body);
    return NULL;
}

/* ---- the calls ---- */

static void drop(sample *self, size_t i)
{
    free((char *)self->items[i].body);
    self->items[i].body = NULL;
}

/* Every second of those that were taken makes room. */
static void thin_out(sample *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (i % 2) {
            drop(self, i);
            continue;
        }
        self->items[kept] = self->items[i];
        self->bytes[kept++] = self->bytes[i];
    }
    self->count = kept;
    self->stride *= 2;
}

static void take_call(gc_run *run, const size_t *files, size_t count, void *arg)
{
    sample *self = arg;
    gc_task *task = NULL;
    gc_err err = run_compose(run, files, count, &task, NULL);
    if (run_in_halves(run, err, files, count, take_call, arg) || err)
        return; /* what fits no window is told by the estimate */
    if (!self->seen && gc_composer_marked_bytes(run->composer))
        self->prefix = body_of(run, task, true);
    if (self->seen++ % self->stride == 0) {
        if (self->count == MAX_COUNTED)
            thin_out(self);
        char *body = body_of(run, task, false);
        if (body) {
            self->items[self->count] = (gc_count_item){ body, strlen(body), 0 };
            self->bytes[self->count++] = task->prompt_bytes;
        }
    }
    gc_task_destroy(&task);
}

/* ---- what they say ---- */

/* The shared part is asked for with the others, as the last. */
static gc_err ask(const gc_count_conf *conf, sample *self, gc_counted *out,
                  gc_errinfo *info, size_t marked_bytes)
{
    gc_count_item items[MAX_COUNTED + 1];
    size_t count = 0;
    if (self->prefix)
        items[count++] = (gc_count_item){ self->prefix, strlen(self->prefix), 0 };
    memcpy(items + count, self->items, self->count * sizeof *items);
    gc_err err = gc_count_tokens(conf, items, count + self->count, info);
    int64_t prefix = self->prefix ? items[0].tokens : 0;
    int64_t marked = self->prefix ? (int64_t)marked_bytes : 0;
    if (self->prefix && !prefix)
        return err; /* without it no share of a prompt is known */
    out->marked = (gc_ratio){ marked, prefix };
    for (size_t i = 0; i < self->count; i++) {
        int64_t tokens = items[count + i].tokens;
        if (tokens <= prefix)
            continue;
        out->plain.sum += self->bytes[i] - marked;
        out->plain.per += tokens - prefix;
        out->prompts++;
    }
    return err;
}

static void warn(const char *why)
{
    char *text = gc_utf8_clean(why, strlen(why));
    fprintf(stderr, "warning: llm.count_tokens: %s; the estimate goes on without it\n",
            text);
    free(text);
}

/* Whom to ask, and as whom. False: nobody, as was told. */
static bool find_provider(const gc_run *run, gc_keys *keys, gc_count_conf *conf)
{
    const gc_config *c = run->config;
    gc_errinfo info = { 0 };
    const char *problem = NULL;
    *conf = (gc_count_conf){ .base_url = gc_llm_base_url(c, "anthropic"),
                             .key = &keys->anthropic,
                             .ca_file = c->llm_ca_file,
                             .connect_ms = c->llm_connect_timeout_ms,
                             .stop_fd = run->signal_fd };
    if (strcmp(run->project.model->provider, "anthropic") != 0)
        problem = "OpenAI-compatible servers count no tokens";
    else if (gc_keys_load(keys, c, &info) || gc_ca_file_check(c->llm_ca_file, &info))
        problem = info.text;
    else if (!*keys->anthropic.secret)
        problem = "there is no key here; set ANTHROPIC_API_KEY or llm.api_key_file";
    if (problem)
        warn(problem);
    return !problem;
}

/* It is there only while a run works, and takes any key: it never sees one of the user. */
static bool find_simulator(const gc_run *run, const gc_key *key, gc_count_conf *conf)
{
    *conf = (gc_count_conf){ .ca_file = "",
                             .base_url = gc_local_sim(run->local),
                             .key = key,
                             .connect_ms = run->config->llm_connect_timeout_ms,
                             .stop_fd = run->signal_fd };
    if (!conf->base_url)
        warn("the simulated model can be asked only while a run works");
    return conf->base_url;
}

void run_count_tokens(gc_run *run)
{
    static char sim_key[] = "simulated-model-needs-no-key";
    sample s = { .stride = 1 };
    gc_keys keys = { 0 };
    gc_key no_key = { .secret = sim_key };
    gc_count_conf conf;
    gc_errinfo info = { 0 };
    if (!run->config->llm_count_tokens)
        return;
    run_each_call(run, take_call, &s);
    bool found = s.count && (run->stats.simulated ? find_simulator(run, &no_key, &conf)
                                                  : find_provider(run, &keys, &conf));
    if (found) {
        gc_counted counted = { 0 };
        if (ask(&conf, &s, &counted, &info, gc_composer_marked_bytes(run->composer)))
            warn(info.text);
        gc_rates_count(&run->rates, &counted);
        gc_composer_learn_marked(run->composer,
                                 (int64_t)((double)counted.marked.per * COUNT_MARGIN));
    }
    gc_keys_release(&keys);
    while (s.count)
        drop(&s, --s.count);
    free(s.prefix);
}
