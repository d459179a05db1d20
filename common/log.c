#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"

#define LINE_LIMIT 8192

static struct {
    const char *component;
    gc_log_level level;
    bool json;
    void (*before)(void *);
    void *before_arg;
} conf = { "gocreator", GC_LOG_WARN, false, NULL, NULL };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void gc_log_setup(const char *component, gc_log_level level, bool json)
{
    conf.component = component;
    conf.level = level;
    conf.json = json;
}

void gc_log_set_before_write(void (*before)(void *), void *arg)
{
    conf.before = before;
    conf.before_arg = arg;
}

gc_err gc_log_level_parse(const char *text, gc_log_level *out)
{
    if (strcmp(text, "auto") == 0)
        return GC_OK;
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (gc_log_level)i;
            return GC_OK;
        }
    }
    return GC_EINVAL;
}

bool gc_log_on(gc_log_level level)
{
    return level <= conf.level;
}

/* Control bytes never reach the terminal; JSON text is escaped fully. */
static void put_escaped(gc_buf *line, const char *text, bool json)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (json && (c == '"' || c == '\\'))
            gc_buf_printf(line, "\\%c", c);
        else if (c == '\n')
            gc_buf_puts(line, "\\n");
        else if (c < 0x20 || c == 0x7f)
            gc_buf_printf(line, "\\u%04x", c);
        else
            gc_buf_putc(line, (char)c);
    }
}

void gc_log_write(gc_log_level level, const char *event, const char *fmt, ...)
{
    if (!gc_log_on(level))
        return;
    char text[LINE_LIMIT / 2];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    char when[GC_RFC3339_SIZE];
    gc_rfc3339(gc_wall_ms(), when);
    gc_buf line;
    gc_buf_init(&line, LINE_LIMIT * 4);
    if (conf.json)
        gc_buf_printf(&line,
                      "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":\"%s\","
                      "\"component\":\"%s\",\"detail\":\"",
                      when, level_names[level], event, conf.component);
    else
        gc_buf_printf(&line, "%s %s %s component=%s ", when, level_names[level], event,
                      conf.component);
    put_escaped(&line, text, conf.json);
    gc_buf_puts(&line, conf.json ? "\"}\n" : "\n");
    if (conf.before)
        conf.before(conf.before_arg);
    ssize_t written = write(STDERR_FILENO, line.ptr, line.len);
    (void)written; /* nowhere left to report to */
    gc_buf_release(&line);
}
