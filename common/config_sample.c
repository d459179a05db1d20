#include <string.h>

#include "common/config_table.h"

static const char head[] =
    "# Configuration of GoCreator: every key with its default. Keep what you change and drop\n"
    "# the rest. Read from -c FILE, else from ./.gocreator.yaml. Flags and environment\n"
    "# variables (GC_LLM_MODEL for llm.model, GC_BATCHING_ENABLED for\n"
    "# optimization.batching.enabled) come before it.\n";

static void indent(gc_buf *out, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        gc_buf_puts(out, "  ");
}

/* Opens the sections of `key` that `before` (the key above, "" at first) is not in; returns
 * the last part of the key and its depth. */
static const char *open_sections(gc_buf *out, const char *before, const char *key,
                                 size_t *depth)
{
    const char *part = key;
    bool same = true;
    *depth = 0;
    for (const char *dot; (dot = strchr(part, '.')) != NULL; part = dot + 1, ++*depth) {
        size_t upto = (size_t)(dot - key) + 1;
        same = same && strncmp(before, key, upto) == 0;
        if (same)
            continue;
        char path[64];
        size_t len = upto - 1 < sizeof path - 1 ? upto - 1 : sizeof path - 1;
        memcpy(path, key, len);
        path[len] = '\0';
        const char *help = gc_config_section_help(path);
        if (*depth == 0)
            gc_buf_putc(out, '\n');
        if (help) {
            indent(out, *depth);
            gc_buf_printf(out, "# %s\n", help);
        }
        indent(out, *depth);
        gc_buf_printf(out, "%.*s:\n", (int)(dot - part), part);
    }
    return part;
}

/* Texts are quoted, so that they stay texts for every YAML reader. */
static bool quoted(gc_config_kind kind)
{
    return kind > GC_CONFIG_CHOICE;
}

void gc_config_sample(gc_buf *out)
{
    gc_buf_puts(out, head);
    const char *before = "";
    for (size_t i = 0; i < gc_config_row_count; i++) {
        const gc_config_row *row = &gc_config_rows[i];
        size_t depth;
        const char *name = open_sections(out, before, row->key.key, &depth);
        indent(out, depth);
        gc_buf_printf(out, "# %s\n", row->key.help);
        indent(out, depth);
        const char *quote = quoted(row->kind) ? "\"" : "";
        gc_buf_printf(out, "%s: %s%s%s", name, quote, row->key.value, quote);
        if (*row->key.range && row->kind != GC_CONFIG_BOOL)
            gc_buf_printf(out, "  # %s", row->key.range);
        gc_buf_putc(out, '\n');
        before = row->key.key;
    }
}
