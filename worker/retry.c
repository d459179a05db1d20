#include "worker/retry.h"

#include <curl/curl.h>
#include <string.h>
#include <time.h>

#include "common/text.h"

#define BASE_MS 500
#define MOST_MS 8000
#define SPREAD_MOST_MS 2000
#define DAY_MS ((int64_t)24 * 3600 * 1000)

gc_err gc_retry_after_ms(const char *value, int64_t *out)
{
    double ms;
    if (gc_parse_double(value, 0, 1e15, &ms))
        return GC_EINVAL;
    *out = ms < (double)DAY_MS ? (int64_t)ms : DAY_MS;
    return GC_OK;
}

gc_err gc_retry_after(const char *value, int64_t wall_ms, int64_t *out)
{
    double seconds;
    if (!gc_parse_double(value, 0, 1e12, &seconds)) {
        *out = seconds * 1000 < (double)DAY_MS ? (int64_t)(seconds * 1000) : DAY_MS;
        return GC_OK;
    }
    time_t when = curl_getdate(value, NULL);
    if (when == (time_t)-1)
        return GC_EINVAL;
    int64_t wait = (int64_t)when * 1000 - wall_ms;
    *out = wait < 0 ? 0 : wait < DAY_MS ? wait : DAY_MS;
    return GC_OK;
}

const char *gc_fault_str(gc_fault fault)
{
    static const char *const names[] = { "none", "busy",    "rate",    "spend",
                                         "auth", "request", "strange", "final" };
    return names[fault];
}

/* A rate limit says when it ends; what does not is the tier's monthly spend limit, whatever
 * else is said (https://docs.anthropic.com/en/api/rate-limits). */
static bool is_endless(const gc_llm *answer, const gc_retry_hint *hint)
{
    return answer->provider == &gc_provider_anthropic && answer->status == 429 &&
           strcmp(gc_llm_said(answer)->error_type, "rate_limit_error") == 0 &&
           hint->after_ms < 0 && hint->should_retry < 0;
}

static bool is_spend(const gc_llm *answer)
{
    static const char *const codes[] = { "enforced_spend_limit_reached",
                                         "insufficient_quota",
                                         "billing_hard_limit_reached" };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(gc_llm_said(answer)->error_code, codes[i]) == 0 ||
            strcmp(gc_llm_said(answer)->error_type, codes[i]) == 0)
            return true;
    return answer->status == 400 && gc_starts_with(gc_llm_said(answer)->message,
                                                   "You have reached your specified");
}

static gc_fault fault_of_status(int status)
{
    switch (status) {
    case 401:
    case 402:
    case 403: return GC_FAULT_AUTH;
    case 408:
    case 409: return GC_FAULT_BUSY;
    case 429: return GC_FAULT_RATE;
    default: break;
    }
    if ((status >= 300 && status <= 399) || status == 407) /* not the API itself */
        return GC_FAULT_FINAL;
    return status >= 500 || status == 0 ? GC_FAULT_BUSY : GC_FAULT_REQUEST;
}

/* Error events come after status 200 and are told apart by type or code; the names without a
 * line between the words are those of vLLM and its kin. */
static bool find_fault(const char *word, gc_fault *out)
{
    static const struct {
        const char *word;
        gc_fault fault;
    } rows[] = {
        { "rate_limit_error", GC_FAULT_RATE },
        { "rate_limit_exceeded", GC_FAULT_RATE },
        { "RateLimitError", GC_FAULT_RATE },
        { "authentication_error", GC_FAULT_AUTH },
        { "permission_error", GC_FAULT_AUTH },
        { "billing_error", GC_FAULT_AUTH },
        { "invalid_api_key", GC_FAULT_AUTH },
        { "AuthenticationError", GC_FAULT_AUTH },
        { "PermissionDeniedError", GC_FAULT_AUTH },
        { "invalid_request_error", GC_FAULT_REQUEST },
        { "not_found_error", GC_FAULT_REQUEST },
        { "request_too_large", GC_FAULT_REQUEST },
        { "context_length_exceeded", GC_FAULT_REQUEST },
        { "model_not_found", GC_FAULT_REQUEST },
        { "BadRequestError", GC_FAULT_REQUEST },
        { "NotFoundError", GC_FAULT_REQUEST },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].word, word) == 0) {
            *out = rows[i].fault;
            return true;
        }
    return false;
}

static gc_fault fault_of_error(const gc_llm_words *said)
{
    gc_fault fault = GC_FAULT_BUSY;
    int64_t status;
    if (!find_fault(said->error_code, &fault) && !find_fault(said->error_type, &fault) &&
        !gc_parse_i64(said->error_code, 400, 599, &status))
        fault = fault_of_status((int)status);
    return fault;
}

/* Statuses at which one asks again (or never, with less) whoever says them. */
static bool is_final(const gc_llm *answer)
{
    static const int others[] = { 408, 409, 413, 429 };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (answer->status == others[i])
            return false;
    return answer->is_alien && answer->status < 500;
}

static gc_fault fault_of_good_status(const gc_llm *answer)
{
    if (answer->has_error)
        return fault_of_error(gc_llm_said(answer));
    bool none = answer->garbled || (!answer->started && !answer->is_broken);
    return none ? GC_FAULT_STRANGE : GC_FAULT_BUSY;
}

gc_fault gc_fault_of(const gc_llm *answer, const gc_retry_hint *hint)
{
    if (gc_llm_ok(answer))
        return GC_FAULT_NONE;
    bool good = answer->status >= 200 && answer->status <= 299;
    gc_fault fault =
        good ? fault_of_good_status(answer) : fault_of_status(answer->status);
    if (is_final(answer))
        return GC_FAULT_FINAL;
    if (is_spend(answer) || is_endless(answer, hint))
        return GC_FAULT_SPEND;
    bool again = fault == GC_FAULT_BUSY || fault == GC_FAULT_RATE;
    if (again && hint->should_retry == 0)
        return GC_FAULT_FINAL;
    if (!again && hint->should_retry == 1)
        return GC_FAULT_BUSY;
    return fault;
}

/* min(0.5 s * 2^n, 8 s), less up to a quarter. */
static int64_t back_off(int failures, uint32_t dice)
{
    int64_t wait = failures < 5 ? BASE_MS << failures : MOST_MS;
    wait = wait < MOST_MS ? wait : MOST_MS;
    return wait - (int64_t)((uint64_t)(wait / 4) * dice >> 32);
}

/* A tenth, but no long pause needs more than two seconds to begin again in. */
static int64_t spread_ms(int64_t after_ms)
{
    return after_ms < 10 * SPREAD_MOST_MS ? after_ms / 10 : SPREAD_MOST_MS;
}

bool gc_retry_strange(gc_patience *self)
{
    return self->strange++ < GC_STRANGE_MOST;
}

int64_t gc_retry_wait(gc_patience *self, const gc_retry_hint *hint, int64_t patience_ms,
                      int64_t model_success_ms, int64_t now_ms, uint32_t dice)
{
    if (self->failures == 0)
        self->since_ms = now_ms;
    int64_t since = model_success_ms > self->since_ms ? model_success_ms : self->since_ms;
    int64_t wait = back_off(self->failures, dice);
    self->failures++;
    if (hint->after_ms > 0) /* as told, and a little later so that not all come at once */
        wait =
            hint->after_ms + (int64_t)((uint64_t)spread_ms(hint->after_ms) * dice >> 32);
    if (now_ms + wait - since > patience_ms ||
        now_ms + wait - self->since_ms > GC_PATIENCE_MOST * patience_ms)
        return -1;
    return wait;
}
