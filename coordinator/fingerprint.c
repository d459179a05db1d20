#include "coordinator/fingerprint.h"

#include <string.h>

#define SLICE_LIMIT ((size_t)64 << 20)
#define FINGERPRINT_VERSION "gc-fp-2"

gc_sha gc_fingerprint_llm(const gc_fp_context *ctx, const gc_plan_file *file,
                          const gc_sha *apis)
{
    gc_hasher *h = gc_hasher_new();
    gc_buf slice;
    gc_buf_init(&slice, SLICE_LIMIT);
    gc_sha shared = gc_slice_shared_sha(ctx->slicer);
    gc_slice_context(ctx->slicer, &file, 1, 0, &slice);
    gc_sha prompt = gc_prompts_sha(ctx->prompts, file->kind, ctx->response_format);
    const char *const fields[] = { FINGERPRINT_VERSION,
                                   file->kind,
                                   file->path,
                                   file->package,
                                   ctx->fcs->module_path,
                                   ctx->fcs->go_version,
                                   file->purpose,
                                   shared.hex,
                                   slice.ptr,
                                   file->promise,
                                   prompt.hex,
                                   ctx->model,
                                   ctx->effort,
                                   ctx->simulated ? "simulated" : "" };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        gc_hasher_text(h, fields[i]);
    for (size_t i = 0; i < ctx->fcs->module_count; i++) {
        gc_hasher_text(h, ctx->fcs->modules[i].path);
        gc_hasher_text(h, ctx->fcs->modules[i].version);
    }
    for (size_t i = 0; i < file->edge_count; i++) {
        const gc_plan_file *dep = &ctx->plan->files[file->edges[i].file];
        bool real = file->edges[i].kind == GC_EDGE_REAL;
        gc_hasher_text(h, real ? "real" : "contract");
        gc_hasher_text(h, dep->path);
        gc_hasher_text(h, real ? apis[i].hex : dep->promise);
    }
    gc_buf_release(&slice);
    return gc_hasher_finish(&h);
}

gc_sha gc_fingerprint_data(const gc_plan_file *file, const gc_sha *text)
{
    gc_hasher *h = gc_hasher_new();
    gc_hasher_text(h, FINGERPRINT_VERSION " data");
    gc_hasher_text(h, file->kind);
    gc_hasher_text(h, file->path);
    gc_hasher_text(h, text->hex);
    gc_hasher_text(h, file->template_data);
    return gc_hasher_finish(&h);
}

gc_sha gc_fingerprint_template(const gc_plan_file *file, const char *content, size_t len)
{
    gc_hasher *h = gc_hasher_new();
    gc_hasher_text(h, FINGERPRINT_VERSION);
    gc_hasher_text(h, file->kind);
    gc_hasher_text(h, file->path);
    gc_hasher_text(h, file->template_name);
    gc_hasher_field(h, content, len);
    return gc_hasher_finish(&h);
}
