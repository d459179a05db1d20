/* The headers of an answer that matter to us. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/text.h"
#include "worker/http.h"

#define MAX_LIMIT ((int64_t)1000000000000) /* a minute: more is no limit */

static bool header_is(const char *line, size_t len, const char *name, char *out,
                      size_t size)
{
    size_t n = strlen(name);
    if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
        return false;
    line += n + 1;
    len -= n + 1;
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len > 0 && strchr(" \t\r\n", line[len - 1]))
        len--;
    len = len < size ? len : size - 1;
    memcpy(out, line, len);
    out[len] = '\0';
    return true;
}

static void take_header(gc_http_head *head, const char *line, size_t len)
{
    gc_retry_hint *hint = &head->hint;
    char value[128];
    int64_t wait;
    if (header_is(line, len, "retry-after-ms", value, sizeof value)) {
        hint->after_ms = gc_retry_after_ms(value, &wait) ? 0 : wait;
    } else if (header_is(line, len, "retry-after", value, sizeof value)) {
        if (hint->after_ms <= 0) /* one that cannot be read says at least that it ends */
            hint->after_ms = gc_retry_after(value, gc_wall_ms(), &wait) ? 0 : wait;
    } else if (header_is(line, len, "x-should-retry", value, sizeof value)) {
        hint->should_retry = strcmp(value, "true") == 0    ? 1
                             : strcmp(value, "false") == 0 ? 0
                                                           : -1;
    } else if (header_is(line, len, "content-type", value, sizeof value)) {
        snprintf(head->content_type, sizeof head->content_type, "%.63s", value);
    } else if (header_is(line, len, "request-id", value, sizeof value) ||
               header_is(line, len, "x-request-id", value, sizeof value)) {
        snprintf(head->request_id, sizeof head->request_id, "%s", value);
    }
}

/* "anthropic-ratelimit-requests-limit: 50" and its kin. Where one limit is for tokens of both
 * kinds (x-ratelimit-…-tokens) it is kept as the one of input. */
static void take_limit(gc_http_head *head, const char *line, size_t len)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {
        { "anthropic-ratelimit-requests-limit", offsetof(gc_limits, requests) },
        { "anthropic-ratelimit-requests-remaining", offsetof(gc_limits, requests_left) },
        { "anthropic-ratelimit-input-tokens-limit", offsetof(gc_limits, input) },
        { "anthropic-ratelimit-input-tokens-remaining", offsetof(gc_limits, input_left) },
        { "anthropic-ratelimit-output-tokens-limit", offsetof(gc_limits, output) },
        { "anthropic-ratelimit-output-tokens-remaining",
          offsetof(gc_limits, output_left) },
        { "x-ratelimit-limit-requests", offsetof(gc_limits, requests) },
        { "x-ratelimit-remaining-requests", offsetof(gc_limits, requests_left) },
        { "x-ratelimit-limit-tokens", offsetof(gc_limits, input) },
        { "x-ratelimit-remaining-tokens", offsetof(gc_limits, input_left) },
    };
    char value[32];
    int64_t number;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!header_is(line, len, rows[i].name, value, sizeof value) ||
            gc_parse_i64(value, 0, MAX_LIMIT, &number))
            continue;
        if (!head->has_limits)
            head->limits = (gc_limits){ -1, -1, -1, -1, -1, -1 };
        head->has_limits = true;
        memcpy((char *)&head->limits + rows[i].offset, &number, sizeof number);
    }
}

void gc_http_head_line(gc_http_head *head, const char *line, size_t len)
{
    take_header(head, line, len);
    take_limit(head, line, len);
}
