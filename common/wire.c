#include "common/wire.h"

#include <string.h>

#include "common/pack.h"

const char *gc_command_str(gc_command command)
{
    switch (command) {
#define X(name, text) \
    case name: return text;
        GC_COMMAND_MAP(X)
#undef X
    case GC_COMMAND_COUNT: break;
    }
    return "UNKNOWN";
}

/* ---- the fields, and which command uses which ---- */

#define ANY_NUMBER .max = INT64_MAX
#define ID_TEXT .flags = GC_PACK_NEED | GC_PACK_ID, .min = 1, .max = GC_WIRE_MAX_ID

static const gc_pack_field task_fields[] = {
    { "id", GC_PACK_TEXT, .offset = offsetof(gc_wire_task, id), ID_TEXT },
    { "provider", GC_PACK_TEXT, .offset = offsetof(gc_wire_task, provider), ID_TEXT },
    { "attempt", GC_PACK_INT, .flags = GC_PACK_NEED,
      .offset = offsetof(gc_wire_task, attempt), .min = 1, .max = 1000 },
    { "payload", GC_PACK_BYTES, .flags = GC_PACK_NEED,
      .offset = offsetof(gc_wire_task, payload),
      .count_offset = offsetof(gc_wire_task, payload_len), .max = GC_WIRE_MAX_PAYLOAD },
};

static const gc_pack_schema task_schema = { task_fields,
                                            sizeof task_fields / sizeof *task_fields,
                                            sizeof(gc_wire_task) };

/* X(bit, key, kind, member, limits) */
#define FIELD_MAP(X)                                                                  \
    X(VERSION, "version", INT, version, .max = 1000000)                               \
    X(ROLE, "role", TEXT, role, .flags = GC_PACK_ID, .max = 16)                       \
    X(ID, "id", TEXT, id, .flags = GC_PACK_ID, .max = GC_WIRE_MAX_ID)                 \
    X(HOST, "host", TEXT, host, .flags = GC_PACK_CLIP, .max = GC_WIRE_MAX_HOST)       \
    X(PID, "pid", INT, pid, ANY_NUMBER)                                               \
    X(CREDIT, "credit", INT, credit, .max = GC_WIRE_MAX_CREDIT)                       \
    X(HEARTBEAT, "heartbeat_ms", INT, heartbeat_ms, ANY_NUMBER)                       \
    X(MAX_BYTES, "max_bytes", INT, max_bytes, ANY_NUMBER)                             \
    X(KNOWN, "known", BOOL, known, .max = 1)                                          \
    X(PROVIDERS, "providers", LIST, providers, .flags = GC_PACK_ID,                   \
      .max = GC_WIRE_MAX_PROVIDERS, .item_max = GC_WIRE_MAX_ID)                       \
    X(RUNNING, "running", LIST, running, .flags = GC_PACK_ID,                         \
      .max = GC_WIRE_MAX_RUNNING, .item_max = 2 * GC_WIRE_MAX_ID + 1)                 \
    X(JOB, "job", TEXT, job, .flags = GC_PACK_ID, .max = GC_WIRE_MAX_ID)              \
    X(MAX_IN_FLIGHT, "max_in_flight", INT, max_in_flight, .max = GC_WIRE_MAX_CREDIT)  \
    X(TASKS, "tasks", ARRAY, tasks, .count_offset = offsetof(gc_wire, task_count),    \
      .min = 1, .max = GC_WIRE_MAX_TASKS, .schema = &task_schema)                     \
    X(TASK, "task", TEXT, task, .flags = GC_PACK_ID, .max = GC_WIRE_MAX_ID)           \
    X(UNBEGUN, "unbegun", BOOL, unbegun, .max = 1)                                    \
    X(ATTEMPT, "attempt", INT, attempt, .max = 1000)                                  \
    X(TASK_IDS, "task_ids", LIST, task_ids, .flags = GC_PACK_ID,                      \
      .max = GC_WIRE_MAX_TASKS, .item_max = GC_WIRE_MAX_ID)                           \
    X(RETRY, "retry_ms", INT, retry_ms, ANY_NUMBER)                                   \
    X(PAYLOAD, "payload", BYTES, payload,                                             \
      .count_offset = offsetof(gc_wire, payload_len), .max = GC_WIRE_MAX_PAYLOAD)     \
    X(REASON, "reason", TEXT, reason, .flags = GC_PACK_ID, .max = GC_WIRE_MAX_REASON) \
    X(TEXT, "text", TEXT, text, .flags = GC_PACK_CLIP, .max = GC_WIRE_MAX_TEXT)

enum {
#define X(bit, ...) INDEX_##bit,
    FIELD_MAP(X)
#undef X
};

enum {
#define X(bit, ...) F_##bit = 1 << INDEX_##bit,
    FIELD_MAP(X)
#undef X
};

static const gc_pack_field fields[] = {
#define X(bit, key, kind, member, ...) \
    { key, GC_PACK_##kind, .offset = offsetof(gc_wire, member), __VA_ARGS__ },
    FIELD_MAP(X)
#undef X
};

static const gc_pack_schema schema = { fields, sizeof fields / sizeof *fields,
                                       sizeof(gc_wire) };

static const gc_pack_mask shapes[GC_COMMAND_COUNT] = {
    [GC_HELLO] = { F_VERSION | F_ROLE | F_ID, F_HOST | F_PID | F_CREDIT | F_HEARTBEAT |
                                                  F_MAX_BYTES | F_KNOWN | F_PROVIDERS |
                                                  F_RUNNING },
    [GC_READY] = { F_CREDIT, 0 },
    [GC_SUBMIT] = { F_JOB | F_TASKS, F_MAX_IN_FLIGHT },
    [GC_TASK] = { F_JOB | F_TASKS, 0 },
    [GC_PROGRESS] = { F_JOB | F_TASK | F_ATTEMPT, F_PAYLOAD },
    [GC_DONE] = { F_JOB | F_TASK | F_ATTEMPT, F_PAYLOAD },
    [GC_FAIL] = { F_JOB | F_TASK | F_ATTEMPT | F_REASON, F_PAYLOAD | F_TEXT },
    [GC_CANCEL] = { F_JOB, F_TASK | F_UNBEGUN },
    [GC_PING] = { 0, F_ID },
    [GC_PONG] = { 0, F_ID | F_CREDIT | F_RUNNING },
    [GC_BYE] = { 0, F_TEXT },
    [GC_BUSY] = { F_JOB | F_TASK_IDS | F_RETRY, 0 },
    [GC_REFUSED] = { F_REASON, F_TEXT },
};

void gc_wire_init(gc_wire *self, gc_command command)
{
    *self = (gc_wire){ .command = command };
}

void gc_wire_release(gc_wire *self)
{
    gc_pack_release(&schema, self);
}

void gc_wire_encode(const gc_wire *self, gc_buf *out)
{
    gc_pack_encode(&schema, &shapes[self->command], self, out);
}

/* ---- decoding ---- */

static gc_err check_magic(const char *magic, size_t len, gc_errinfo *info)
{
    if (len == strlen(GC_WIRE_MAGIC) && memcmp(magic, GC_WIRE_MAGIC, len) == 0)
        return GC_OK;
    if (len >= 3 && len <= 6 && memcmp(magic, "GC", 2) == 0 &&
        strspn(magic + 2, "0123456789") >= len - 2)
        return gc_fail(info, GC_ESTATE, "protocol %.*s is not supported; this is %s",
                       (int)len, magic, GC_WIRE_MAGIC);
    return gc_fail(info, GC_EPROTO, "first frame is not %s", GC_WIRE_MAGIC);
}

static gc_err find_command(const char *name, size_t len, gc_command *out,
                           gc_errinfo *info)
{
    for (int i = 0; i < GC_COMMAND_COUNT; i++) {
        const char *known = gc_command_str((gc_command)i);
        if (strlen(known) == len && memcmp(known, name, len) == 0) {
            *out = (gc_command)i;
            return GC_OK;
        }
    }
    return gc_fail(info, GC_EPROTO, "unknown command");
}

/* "job/task" with exactly one slash and something on both sides. */
static bool is_job_and_task(const char *text)
{
    const char *slash = strchr(text, '/');
    return slash && slash > text && slash[1] && !strchr(slash + 1, '/');
}

static gc_err check_meaning(const gc_wire *message, gc_errinfo *info)
{
    if (message->command == GC_HELLO && message->version != GC_WIRE_VERSION)
        return gc_fail(info, GC_ESTATE,
                       "protocol version %lld is not supported; this is %d",
                       (long long)message->version, GC_WIRE_VERSION);
    if (message->command == GC_TASK && message->task_count != 1)
        return gc_fail(info, GC_EPROTO, "\"tasks\" of TASK holds not one task");
    for (size_t i = 0; i < message->running.count; i++)
        if (!is_job_and_task(message->running.items[i]))
            return gc_fail(info, GC_EPROTO, "\"running\" holds no job/task");
    return GC_OK;
}

/* Three frames, as they come. NOLINTNEXTLINE(readability-function-size) */
gc_err gc_wire_decode(const void *magic, size_t magic_len, const void *command,
                      size_t command_len, const void *body, size_t body_len, gc_wire *out,
                      gc_errinfo *info)
{
    gc_command kind;
    gc_err err = check_magic(magic, magic_len, info);
    if (!err)
        err = find_command(command, command_len, &kind, info);
    if (err)
        return err;
    gc_wire message;
    gc_wire_init(&message, kind);
    err = gc_pack_decode(&schema, &shapes[kind], body, body_len, &message, info);
    if (err)
        return err;
    err = check_meaning(&message, info);
    if (err) {
        gc_wire_release(&message);
        return err;
    }
    *out = message;
    return GC_OK;
}
