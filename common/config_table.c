#include "common/config_table.h"

#include <string.h>

/* One macro per kind; default and range are written once, as the texts that people see. */
#define ROW(name, type, field, value, range, kind, min, max, help)                     \
    {                                                                                  \
        { name, type, value, range, help }, kind, offsetof(gc_config, field), min, max \
    }
#define BOOL(name, field, value, help) \
    ROW(name, "boolean", field, value, "true or false", GC_CONFIG_BOOL, "", "", help)
#define INTEGER(name, field, value, min, max, help) \
    ROW(name, "integer", field, value, min " to " max, GC_CONFIG_INTEGER, min, max, help)
#define NUMBER(name, field, value, min, max, help) \
    ROW(name, "number", field, value, min " to " max, GC_CONFIG_NUMBER, min, max, help)
#define DURATION(name, field, value, min, max, help)                                  \
    ROW(name, "duration", field, value, min " to " max, GC_CONFIG_DURATION, min, max, \
        help)
#define CHOICE(name, field, value, words, help) \
    ROW(name, "choice", field, value, words, GC_CONFIG_CHOICE, "", "", help)
#define TEXT(name, field, help) \
    ROW(name, "text", field, "", "", GC_CONFIG_TEXT, "", "", help)
#define NAME(name, field, value, help)                                            \
    ROW(name, "text", field, value, "1 to 128 letters, digits and . _ - : / @ +", \
        GC_CONFIG_NAME, "", "", help)
#define INNER(name, field, value, help)                                               \
    ROW(name, "path", field, value, "a path inside of the output folder, without ..", \
        GC_CONFIG_INNER, "", "", help)
#define URL(name, field, help) \
    ROW(name, "url", field, "", "http://... or https://...", GC_CONFIG_URL, "", "", help)

#define OPT "optimization."

/* clang-format off */
const gc_config_row gc_config_rows[] = {
    BOOL(OPT "prompt_caching.enabled", prompt_caching_enabled, "true",
         "Mark the shared start of prompts, so that the provider bills it at the cache price."),
    BOOL(OPT "prompt_caching.providers.anthropic", prompt_caching_anthropic, "true",
         "Do so for Anthropic."),
    BOOL(OPT "prompt_caching.providers.openai", prompt_caching_openai, "true",
         "Do so for OpenAI models that take cache marks; older ones cache by themselves."),
    BOOL(OPT "batching.enabled", batching_enabled, "true",
         "Ask for several similar files in one call."),
    INTEGER(OPT "batching.max_batch_size", batching_max_batch_size, "5", "1", "100",
            "Files per call at most."),
    NUMBER(OPT "batching.min_similarity", batching_min_similarity, "0.7", "0", "1",
           "How much of their context files must share to go into one call."),
    NUMBER(OPT "batching.spread_cost", batching_spread_cost, "0.02", "0", "10",
           "Part of the cost that smaller groups may add where slots would be idle."),
    CHOICE(OPT "batching.response_format", batching_response_format, "tags", "tags | json",
           "How the model returns files. JSON costs about a fifth more output tokens."),
    BOOL(OPT "templates.enabled", templates_enabled, "true",
         "Render what the specification determines from templates instead of asking."),
    CHOICE(OPT "templates.scope", templates_scope, "structural", "boilerplate | structural",
           "boilerplate: go.mod, Makefile, ...; structural: also Go that leaves no choice."),
    TEXT(OPT "templates.directory", templates_directory,
         "Folder whose files replace built-in templates of the same name; empty: none."),
    BOOL(OPT "context_filtering.enabled", context_filtering_enabled, "true",
         "Send only those parts of the specification that a file needs."),
    INTEGER(OPT "context_filtering.max_entities_per_call", context_filtering_max_entities_per_call,
            "10", "1", "10000",
            "Entities that one call is about at most; so many related ones get their keys."),
    BOOL(OPT "parallelization.enabled", parallelization_enabled, "true",
         "Generate files at the same time; off: one call after the other."),
    INTEGER(OPT "parallelization.max_workers", parallelization_max_workers, "0", "0", "100000",
            "Calls in flight per job; 0: as many as slots and the provider's limits allow."),
    BOOL(OPT "incremental.enabled", incremental_enabled, "true",
         "Generate only what changed since the last run."),
    INNER(OPT "incremental.state_file", incremental_state_file, ".gocreator/state.json",
          "Record of the last run, in the output folder."),
    BOOL(OPT "progress.enabled", progress_enabled, "true", "Show progress on stderr."),
    DURATION(OPT "progress.update_interval", progress_update_interval_ms, "2s", "100ms", "1h",
             "Time between two updates of the progress."),
    BOOL(OPT "dry_run.show_token_estimates", dry_run_show_token_estimates, "true",
         "A dry run prints the expected tokens."),
    BOOL(OPT "dry_run.show_cost_estimates", dry_run_show_cost_estimates, "true",
         "A dry run prints the expected cost."),
    BOOL(OPT "resume.enabled", resume_enabled, "true",
         "Write checkpoints and take up interrupted jobs."),
    INNER(OPT "resume.checkpoint_dir", resume_checkpoint_dir, ".gocreator/checkpoints",
          "Folder of the local checkpoints, in the output folder."),
    DURATION(OPT "resume.auto_checkpoint_interval", resume_auto_checkpoint_interval_ms, "30s",
             "1s", "1h", "Time between two local checkpoints."),

    CHOICE("llm.provider", llm_provider, "anthropic", "anthropic | openai | sim",
           "Whose API; openai is any OpenAI-compatible server; sim is a simulated model."),
    NAME("llm.model", llm_model, "claude-sonnet-5-5",
         "Model id as the provider spells it."),
    CHOICE("llm.effort", llm_effort, "low", "low | medium | high | xhigh | max | \"\"",
           "Effort of models that take one; empty: not sent."),
    TEXT("llm.models_file", llm_models_file,
         "File with prices and limits of models, read over the built-in table."),
    TEXT("llm.prompts_directory", llm_prompts_directory,
         "Folder whose files replace built-in prompts of the same name; empty: none."),
    TEXT("llm.api_key_file", llm_api_key_file,
         "File with the API key; empty: ANTHROPIC_API_KEY or OPENAI_API_KEY only."),
    URL("llm.anthropic_base_url", llm_anthropic_base_url,
        "Address of the Anthropic API; empty: https://api.anthropic.com."),
    URL("llm.openai_base_url", llm_openai_base_url,
        "Address of an OpenAI-compatible API; empty: https://api.openai.com/v1."),
    TEXT("llm.ca_file", llm_ca_file,
         "CA certificates (PEM) that https addresses are checked with; empty: the system's."),
    BOOL("llm.count_tokens", llm_count_tokens, "false",
         "Let Anthropic count the prompts before a run is estimated: free, and to the token."),
    DURATION("llm.connect_timeout", llm_connect_timeout_ms, "10s", "100ms", "10m",
             "Time to connect to the provider."),
    DURATION("llm.first_byte_timeout", llm_first_byte_timeout_ms, "10m", "1s", "2h",
             "Time from the request to the first byte of the answer."),
    DURATION("llm.idle_timeout", llm_idle_timeout_ms, "2m", "1s", "2h",
             "Time without a byte in the middle of an answer."),
    DURATION("llm.call_timeout", llm_call_timeout_ms, "30m", "1s", "24h",
             "Time of a whole call."),

    ROW("cluster.broker", "endpoints", cluster_broker, "", "tcp://host:port or ipc://path, comma separated",
        GC_CONFIG_ENDPOINTS, "", "", "Brokers to use; empty: local mode, everything is started here."),
    ROW("cluster.redis", "url", cluster_redis, "",
        "redis://[user:password@]host:port[/db] or unix:///path", GC_CONFIG_REDIS, "", "",
        "Redis to use; empty: a private one beside the output."),
    INTEGER("cluster.workers", cluster_workers, "1", "1", "1000",
            "Worker processes that local mode starts."),
    INTEGER("cluster.slots", cluster_slots, "32", "1", "10000",
            "Calls that one worker process holds at once."),
    DURATION("cluster.heartbeat", cluster_heartbeat_ms, "2s", "50ms", "1m",
             "Time between signs of life of workers and coordinators."),
    DURATION("cluster.lease", cluster_lease_ms, "30s", "200ms", "1h",
             "Time after which a silent worker loses its claim; at least two heartbeats."),
    INTEGER("cluster.max_queue", cluster_max_queue, "100000", "1", "10000000",
            "Tasks that a broker holds before it answers BUSY."),
    INTEGER("cluster.max_message_bytes", cluster_max_message_bytes, "16777216", "65536",
            "67108864", "Size of one message at most."),
    ROW("cluster.http", "address", cluster_http, "", "host:port", GC_CONFIG_ADDRESS, "", "",
        "Where the broker answers /metrics and /healthz; empty: nowhere."),
    TEXT("cluster.curve_certificate", cluster_curve_certificate,
         "Own secret CURVE certificate; empty: no encryption."),
    TEXT("cluster.curve_server", cluster_curve_server,
         "The broker's public CURVE certificate, for those who connect to it."),
    TEXT("cluster.curve_allow", cluster_curve_allow,
         "Folder of public CURVE certificates that the broker lets in."),
    BOOL("cluster.insecure", cluster_insecure, "false",
         "Allow tcp beyond this machine without CURVE."),

    NUMBER("limits.max_cost_usd", limits_max_cost_usd, "0", "0", "1000000",
           "Spend cap of one job in US dollars; 0: none."),
    NUMBER("limits.confirm_above_usd", limits_confirm_above_usd, "1", "0", "1000000",
           "On a terminal, ask before a job that is expected to cost more; 0: never ask."),
    INTEGER("limits.max_repairs", limits_max_repairs, "2", "0", "10",
            "How often a file that fails its checks is asked for again."),
    DURATION("limits.provider_patience_s", limits_provider_patience_ms, "600", "1", "86400",
             "Seconds without any success of the provider after which a job gives up."),
    INTEGER("limits.max_files", limits_max_files, "100000", "1", "1000000",
            "Files of one project at most."),
    INTEGER("limits.max_entities", limits_max_entities, "10000", "1", "1000000",
            "Entities of one specification at most."),

    BOOL("validation.gofmt", validation_gofmt, "true", "Check the format of the generated code."),
    BOOL("validation.build", validation_build, "true", "Run go build."),
    BOOL("validation.vet", validation_vet, "true", "Run go vet."),
    BOOL("validation.test", validation_test, "true", "Run go test."),
    DURATION("validation.timeout", validation_timeout_ms, "10m", "1s", "24h",
             "Time of one command at most."),
    INTEGER("validation.parallel", validation_parallel, "0", "0", "1024",
            "Commands at the same time; 0: as many as processors."),

    CHOICE("logging.level", logging_level, "auto", "auto | error | warn | info | debug",
           "What goes to the log on stderr; auto: warn for the coordinator, info for the others."),
    CHOICE("logging.format", logging_format, "text", "text | json",
           "logfmt lines, or one JSON object per line."),
};
/* clang-format on */

const size_t gc_config_row_count = sizeof gc_config_rows / sizeof *gc_config_rows;

const char *gc_config_section_help(const char *path)
{
    static const struct {
        const char *path;
        const char *help;
    } sections[] = {
        { "optimization",
          "What saves tokens and time. --no-optimization turns it all off." },
        { "llm",
          "The model. API keys are no settings: they come from the environment or a "
          "key file." },
        { "cluster", "Processes and how they find each other." },
        { "limits", "Bounds of one job." },
        { "validation", "What `full` and `validate` run in the generated project." },
        { "logging", "Logs go to stderr, one line per event." },
    };
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (strcmp(sections[i].path, path) == 0)
            return sections[i].help;
    return NULL;
}
