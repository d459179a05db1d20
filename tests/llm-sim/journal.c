#include "tests/llm-sim/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"

struct gc_sim_journal {
    int fd; /* -1: none */
    char *tail[GC_SIM_JOURNAL_TAIL];
    size_t count; /* lines ever added */
};

gc_err gc_sim_journal_open(const char *path, gc_sim_journal **out, gc_errinfo *info)
{
    int fd = -1;
    if (path) {
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0)
            return gc_fail(info, GC_EIO, "journal %s: %s", path, strerror(errno));
    }
    gc_sim_journal *self = gc_xcalloc(1, sizeof *self);
    self->fd = fd;
    *out = self;
    return GC_OK;
}

void gc_sim_journal_close(gc_sim_journal **self_p)
{
    gc_sim_journal *self = *self_p;
    if (!self)
        return;
    if (self->fd >= 0)
        close(self->fd);
    for (size_t i = 0; i < GC_SIM_JOURNAL_TAIL; i++)
        free(self->tail[i]);
    free(self);
    *self_p = NULL;
}

/* A line goes out in one write, so that a reader never sees half of one. */
static void write_line(const gc_sim_journal *self, const char *line)
{
    char *text = gc_xasprintf("%s\n", line);
    size_t len = strlen(text);
    ssize_t done;
    do
        done = write(self->fd, text, len);
    while (done < 0 && errno == EINTR);
    if (done != (ssize_t)len)
        gc_log_error("journal.write", "reason=\"%s\"", strerror(errno));
    free(text);
}

void gc_sim_journal_add(gc_sim_journal *self, json_t *record)
{
    char *line = json_dumps(record, JSON_COMPACT);
    json_decref(record);
    if (!line)
        return;
    if (self->fd >= 0)
        write_line(self, line);
    char **place = &self->tail[self->count++ % GC_SIM_JOURNAL_TAIL];
    free(*place);
    *place = line;
}

void gc_sim_journal_tail(const gc_sim_journal *self, size_t limit, gc_buf *out)
{
    size_t kept = self->count < GC_SIM_JOURNAL_TAIL ? self->count : GC_SIM_JOURNAL_TAIL;
    if (limit > kept)
        limit = kept;
    gc_buf_putc(out, '[');
    for (size_t i = self->count - limit; i < self->count; i++)
        gc_buf_printf(out, "%s%s", i > self->count - limit ? ",\n" : "",
                      self->tail[i % GC_SIM_JOURNAL_TAIL]);
    gc_buf_puts(out, "]\n");
}
