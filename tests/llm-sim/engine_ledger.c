/* What the engine writes down of every finished request: the ground truth for tests. */
#include <jansson.h>

#include "common/clock.h"
#include "tests/llm-sim/engine_parts.h"

static json_t *sent_files(const gc_sim_reply *reply)
{
    json_t *files = json_array();
    for (size_t i = 0; i < reply->answer.file_count; i++) {
        const gc_sim_answer_file *file = &reply->answer.files[i];
        if (file->end <= reply->sent)
            json_array_append_new(files, json_pack("{s:s, s:s}", "path", file->path,
                                                   "sha256", file->sha.hex));
    }
    return files;
}

/* What a call that was answered adds to the record. */
static void record_call(gc_sim_engine *self, const gc_sim_exchange *ex, bool completed,
                        json_t *record)
{
    const gc_sim_reply *reply = &ex->reply;
    const gc_sim_cache_use *use = &reply->use;
    int64_t output = gc_sim_reply_output(reply);
    json_t *usage = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I}", "input", (json_int_t)use->input,
        "cache_write_5m", (json_int_t)use->write_5m, "cache_write_1h",
        (json_int_t)use->write_1h, "cache_read", (json_int_t)use->read, "output",
        (json_int_t)output, "thinking", (json_int_t)reply->thinking_tokens);
    json_object_set_new(record, "usage", usage);
    json_object_set_new(record, "files", sent_files(reply));
    json_object_set_new(record, "stop_reason",
                        completed ? json_string(reply->stop_reason) : json_null());
    self->totals.input += use->input;
    self->totals.cache_read += use->read;
    self->totals.cache_write_5m += use->write_5m;
    self->totals.cache_write_1h += use->write_1h;
    self->totals.output += output;
}

static json_t *wanted_paths(const gc_sim_exchange *ex)
{
    json_t *wanted = json_array();
    for (size_t i = 0; i < ex->call.wanted.count; i++)
        json_array_append_new(wanted, json_string(ex->call.wanted.files[i].path));
    return wanted;
}

void gc_sim_engine_record(gc_sim_engine *self, const gc_sim_exchange *ex, bool completed,
                          int64_t now_ms)
{
    int64_t ended_wall = ex->started_wall_ms + (now_ms - ex->started_ms);
    char time[GC_RFC3339_SIZE];
    gc_rfc3339(ended_wall, time);
    const char *model = ex->call.model_id ? ex->call.model_id : "";
    json_t *line = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:s, s:i, s:b, s:I, s:I, s:I}", "time", time,
        "request_id", ex->request_id, "endpoint", ex->endpoint, "key", ex->call.key_id,
        "model", model, "stream", ex->call.stream, "wanted", wanted_paths(ex),
        "fingerprint", ex->call.prompt.chain.hex, "status", ex->status, "completed",
        completed, "bytes", (json_int_t)ex->bytes, "started_ms",
        (json_int_t)ex->started_wall_ms, "ended_ms", (json_int_t)ended_wall);
    if (!line)
        return;
    json_object_set_new(line, "fault",
                        ex->fault ? json_string(gc_sim_fault_name(ex->fault))
                                  : json_null());
    json_object_set_new(line, "error",
                        *ex->error_type ? json_string(ex->error_type) : json_null());
    if (ex->has_call)
        record_call(self, ex, completed, line);
    gc_sim_journal_add(self->journal, line);
}
