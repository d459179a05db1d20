/* Why a file is made, in words: the decision's reason, and what of the specification, the
 * settings or a dependency has changed since the last run that ended well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/project.h"
#include "common/text.h"
#include "coordinator/run_private.h"

#define TOLD_CHANGES 3
#define MOST_LINKS 4 /* of a chain of dependencies */
#define DETAIL_SIZE 400

struct run_reasons {
    gc_facts before, now;
    gc_changes changes;
    char *record;  /* as it stands on disk, or NULL */
    bool known;    /* there is a record to compare with, of the state that there is */
    bool recorded; /* not too many facts for one */
};

/* ---- opening ---- */

static gc_err template_sha(void *arg, const char *name, gc_sha *out)
{
    gc_errinfo info = { 0 };
    return run_template_sha(arg, name, out, &info);
}

static void read_record(gc_run *run, run_reasons *self)
{
    gc_root *root = gc_output_root(run->output);
    gc_errinfo info = { 0 };
    gc_buf text;
    gc_buf_init(&text, GC_BASIS_MAX_BYTES);
    if (root && run_may_recall(run) &&
        gc_root_read(root, GC_BASIS_FILE, &text, &info) == GC_OK) {
        const char *fcs = gc_output_state(run->output)->fcs;
        self->known = gc_facts_parse(text.ptr, text.len, &self->before) == GC_OK &&
                      strcmp(self->before.fcs, fcs) == 0;
        self->record = gc_buf_take(&text);
    }
    gc_buf_release(&text);
}

static run_reasons *reasons_of(gc_run *run)
{
    if (run->reasons)
        return run->reasons;
    run_reasons *self = run->reasons = gc_xcalloc(1, sizeof *self);
    self->recorded = run->project.plan->file_count <= GC_FACTS_MAX &&
                     run->project.fcs->entity_count <= GC_FACTS_MAX;
    if (!self->recorded)
        return self;
    self->now = gc_facts_of(&run->fp, template_sha, run);
    self->recorded = self->now.count <= GC_FACTS_MAX;
    read_record(run, self);
    if (self->known)
        self->changes = gc_changes_between(&self->before, &self->now);
    return self;
}

void run_close_reasons(gc_run *run)
{
    run_reasons *self = run->reasons;
    if (!self)
        return;
    gc_changes_release(&self->changes);
    gc_facts_release(&self->before);
    gc_facts_release(&self->now);
    free(self->record);
    free(self);
    run->reasons = NULL;
}

/* ---- words ---- */

/* A text that was cut ends with a whole character. */
static void end_whole(char *text)
{
    size_t len = strlen(text), last = len;
    while (last && ((unsigned char)text[last - 1] & 0xc0) == 0x80)
        last--;
    if (last && !gc_utf8_valid(text + last - 1, len - (last - 1)))
        text[last - 1] = '\0';
}

/* The changes among a file's own inputs. */
static bool put_changes(const gc_run *run, const gc_plan_file *f, char *out, size_t size)
{
    size_t cursor = 0, told = 0, len = 0;
    const gc_change *c;
    while ((c = gc_changes_next(&run->reasons->changes, f, &cursor)) && len < size) {
        if (told++ == TOLD_CHANGES) {
            snprintf(out + len, size - len, " and more");
            break;
        }
        int n = snprintf(out + len, size - len, "%s%s", told > 1 ? "; " : "", c->text);
        len += n > 0 ? (size_t)n : 0;
    }
    end_whole(out);
    return told > 0;
}

static bool put_detail(const gc_run *run, size_t file, int links, char *out, size_t size);

/* A real dependency whose API has changed, with its own reason. */
static bool put_new_api(const gc_run *run, const gc_plan_file *f, int links, char *out,
                        size_t size)
{
    for (size_t e = 0; e < f->edge_count; e++) {
        size_t other = f->edges[e].file;
        char detail[DETAIL_SIZE] = "";
        if (f->edges[e].kind != GC_EDGE_REAL ||
            !gc_decider_file(run->decider, other)->api_changed)
            continue;
        bool known = put_detail(run, other, links - 1, detail, sizeof detail);
        snprintf(out, size, "%s%s%s → its API changed", detail, known ? " → " : "",
                 run->project.plan->files[other].path);
        end_whole(out);
        return true;
    }
    return false;
}

/* A dependency that promises something else: what it depends on itself does not matter. */
static bool put_new_promise(const gc_run *run, const gc_plan_file *f, char *out,
                            size_t size)
{
    for (size_t e = 0; e < f->edge_count; e++) {
        const gc_plan_file *other = &run->project.plan->files[f->edges[e].file];
        char detail[DETAIL_SIZE] = "";
        if (f->edges[e].kind != GC_EDGE_CONTRACT ||
            !put_changes(run, other, detail, sizeof detail))
            continue;
        snprintf(out, size, "%s → %s → what it promises", detail, other->path);
        end_whole(out);
        return true;
    }
    return false;
}

static bool put_detail(const gc_run *run, size_t file, int links, char *out, size_t size)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    return put_changes(run, f, out, size) ||
           (links > 0 && put_new_api(run, f, links, out, size)) ||
           put_new_promise(run, f, out, size);
}

static bool has_new_inputs(gc_why why)
{
    return why == GC_WHY_INPUTS || why == GC_WHY_INPUTS_EDITED ||
           why == GC_WHY_INPUTS_WAITS;
}

/* "inputs changed, ..." with the detail behind the first two words. */
static void insert(const char *words, const char *detail, char out[GC_WHY_SIZE])
{
    size_t head = strcspn(words, ",");
    if (words[head])
        snprintf(out, GC_WHY_SIZE, "%.*s (%s)%s", (int)head, words, detail, words + head);
    else
        snprintf(out, GC_WHY_SIZE, "%.*s: %s", (int)head, words, detail);
}

void run_why(gc_run *run, size_t file, char out[GC_WHY_SIZE])
{
    char words[GC_WHY_SIZE], detail[DETAIL_SIZE] = "";
    gc_decider_why(run->decider, file, words);
    snprintf(out, GC_WHY_SIZE, "%s", words);
    if (!has_new_inputs(run_decision(run, file).why))
        return;
    if (!reasons_of(run)->known)
        snprintf(detail, sizeof detail, "what they were is not on record");
    else if (!put_detail(run, file, MOST_LINKS, detail, sizeof detail))
        return;
    insert(words, detail, out);
    end_whole(out);
}

void run_list_changes(gc_run *run, gc_strv *out)
{
    const run_reasons *self = reasons_of(run);
    for (size_t i = 0; i < self->changes.count; i++)
        gc_strv_add(out, self->changes.items[i].text);
}

/* ---- the record ---- */

void run_record_facts(gc_run *run)
{
    run_reasons *self = reasons_of(run);
    gc_errinfo info = { 0 };
    gc_buf text;
    if (!self->recorded)
        return;
    memcpy(self->now.fcs, gc_output_state(run->output)->fcs, sizeof self->now.fcs);
    gc_buf_init(&text, GC_BASIS_MAX_BYTES);
    gc_facts_print(&self->now, &text);
    bool same = self->record && strcmp(self->record, text.ptr) == 0;
    if (!same && gc_root_write_cache(gc_output_root(run->output), GC_BASIS_FILE, text.ptr,
                                     text.len, &info))
        gc_log_warn("basis.not_written", "%s", info.text);
    gc_buf_release(&text);
}
