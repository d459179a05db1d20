/* All settings. One table (key, type, default, range, help) makes defaults, checks,
 * `--help` texts and the commented sample. Precedence: flags > environment > file >
 * defaults. Secrets are not settings: keys come from the environment or a key file. */
#ifndef GC_COMMON_CONFIG_H
#define GC_COMMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/diag.h"
#include "common/err.h"
#include "common/hash.h"

typedef struct gc_config {
    /* optimization: (the guide's section) */
    bool prompt_caching_enabled;
    bool prompt_caching_anthropic;
    bool prompt_caching_openai;
    bool batching_enabled;
    int64_t batching_max_batch_size;
    double batching_min_similarity;
    double batching_spread_cost;
    char *batching_response_format; /* tags | json */
    bool templates_enabled;
    char *templates_scope;     /* "boilerplate" or "structural" */
    char *templates_directory; /* "" = built in */
    bool context_filtering_enabled;
    int64_t context_filtering_max_entities_per_call;
    bool parallelization_enabled;
    int64_t parallelization_max_workers; /* calls in flight per job; 0 = all slots */
    bool incremental_enabled;
    char *incremental_state_file; /* relative to the output folder */
    bool progress_enabled;
    int64_t progress_update_interval_ms;
    bool dry_run_show_token_estimates;
    bool dry_run_show_cost_estimates;
    bool resume_enabled;
    char *resume_checkpoint_dir; /* relative to the output folder */
    int64_t resume_auto_checkpoint_interval_ms;
    /* llm: */
    char *llm_provider; /* anthropic | openai | sim */
    char *llm_model;
    char *llm_effort;      /* low | medium | high | xhigh | max | "" (do not send) */
    char *llm_models_file; /* override of the models table, "" = none */
    char *llm_prompts_directory; /* override of templates/prompts, "" = built in */
    char *llm_api_key_file;      /* "" = environment only */
    char *llm_anthropic_base_url;
    char *llm_openai_base_url;
    char *llm_ca_file; /* "" = the system's */
    bool llm_count_tokens;
    int64_t llm_connect_timeout_ms;
    int64_t llm_first_byte_timeout_ms;
    int64_t llm_idle_timeout_ms; /* between bytes */
    int64_t llm_call_timeout_ms; /* whole call */
    /* cluster: */
    char *cluster_broker; /* endpoints, comma separated; "" = local mode */
    char *
        cluster_redis; /* redis://[user:password@]host:port[/db] or unix:///path; "" = private */
    int64_t cluster_workers; /* local worker processes */
    int64_t cluster_slots;   /* calls per worker process */
    int64_t cluster_heartbeat_ms;
    int64_t cluster_lease_ms;
    int64_t cluster_max_queue; /* tasks the broker holds */
    int64_t cluster_max_message_bytes;
    char *cluster_http;              /* broker metrics and health, host:port, "" = off */
    char *cluster_curve_certificate; /* own secret certificate file, "" = none */
    char *cluster_curve_server;      /* broker's public certificate (clients, workers) */
    char *cluster_curve_allow;       /* folder of allowed public certificates (broker) */
    bool cluster_insecure;           /* tcp off loopback without CURVE */
    /* limits: */
    double limits_max_cost_usd;      /* 0 = none */
    double limits_confirm_above_usd; /* 0 = never ask */
    int64_t limits_max_repairs;
    int64_t limits_provider_patience_ms;
    int64_t limits_max_files;
    int64_t limits_max_entities;
    /* validation: */
    bool validation_gofmt;
    bool validation_build;
    bool validation_vet;
    bool validation_test;
    int64_t validation_timeout_ms; /* per command */
    int64_t validation_parallel;   /* 0 = number of processors */
    /* logging: */
    char *logging_level;
    char *logging_format; /* text | json */
    /* No setting: the file that was read, for children that shall read the same; or NULL. */
    char *file;
} gc_config;

/* Sets every key to its default. */
void gc_config_init(gc_config *self);
void gc_config_release(gc_config *self);

/* Reads a YAML file over `self`. Unknown keys name the nearest known one; bad values name
 * file, line and range. GC_EINVAL: see `diags`. GC_ENOENT, GC_EIO: the file. */
GC_MUST_CHECK gc_err gc_config_load_file(gc_config *self, const char *path,
                                         gc_diags *diags);

/* GC_<SECTION>_<KEY> for every key (optimization. left out, e.g. GC_BATCHING_ENABLED), then
 * REDIS_URL, ANTHROPIC_BASE_URL, OPENAI_BASE_URL. GC_EINVAL names variable and range. */
GC_MUST_CHECK gc_err gc_config_load_env(gc_config *self, gc_errinfo *info);

/* Sets one key by its dotted name, e.g. "limits.max_cost_usd": for flags. */
GC_MUST_CHECK gc_err gc_config_set(gc_config *self, const char *key, const char *value,
                                   gc_errinfo *info);

/* Adds every value in the table's order. */
void gc_config_hash(const gc_config *self, gc_hasher *hasher);

/* The commented sample with all keys and defaults: the text of config/gocreator.yaml. */
void gc_config_sample(gc_buf *out);

/* Steps through the table for help and tests: NULL at the end. `index` from 0. */
typedef struct gc_config_key {
    const char *key;
    const char *type;
    const char *value; /* default, as text */
    const char *range; /* "" if any */
    const char *help;
} gc_config_key;
const gc_config_key *gc_config_key_at(size_t index);

/* Turns every optimisation off: one file per call, whole FCS, no cache marks, no templates
 * but none, one call at a time, no reuse. */
void gc_config_no_optimization(gc_config *self);

#endif
