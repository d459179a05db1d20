#include "tests/llm-sim/jsontext.h"

void gc_sim_json_string(gc_buf *out, const char *text, size_t len)
{
    size_t plain = 0; /* start of what needs no escape */
    gc_buf_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        gc_buf_append(out, text + plain, i - plain);
        plain = i + 1;
        switch (c) {
        case '"': gc_buf_puts(out, "\\\""); break;
        case '\\': gc_buf_puts(out, "\\\\"); break;
        case '\n': gc_buf_puts(out, "\\n"); break;
        case '\t': gc_buf_puts(out, "\\t"); break;
        case '\r': gc_buf_puts(out, "\\r"); break;
        default: gc_buf_printf(out, "\\u%04x", c);
        }
    }
    gc_buf_append(out, text + plain, len - plain);
    gc_buf_putc(out, '"');
}

size_t gc_sim_utf8_cut(const char *text, size_t len, size_t want)
{
    if (want >= len)
        return len;
    while (want > 0 && ((unsigned char)text[want] & 0xc0) == 0x80)
        want--;
    return want;
}
