/* Several script calls as one: their arguments, kept as RESP, become the msgpack argument of
 * the script MANY. */
#include <assert.h>
#include <string.h>

#include "common/store_async_private.h"

#define SCRIPT_ARGUMENTS 3 /* EVALSHA, its name, the number of keys */

size_t gc_link_joinable(const gc_astore *self)
{
    size_t count = 0, bytes = 0;
    for (const gc_request *one = self->waiting.head; one && count < GC_ASTORE_MANY;
         one = one->next) {
        bytes += one->len;
        if (one->alone || !gc_script_joins(one->script) || bytes > GC_ASTORE_MANY_BYTES)
            break;
        count++;
    }
    return count;
}

static void put_big_endian(gc_buf *out, unsigned tag, size_t value, int bytes)
{
    gc_buf_putc(out, (char)tag);
    while (bytes--)
        gc_buf_putc(out, (char)(value >> (8 * bytes) & 0xff));
}

static void put_text(gc_buf *out, const char *text, size_t len)
{
    if (len < 32)
        gc_buf_putc(out, (char)(0xa0 | len));
    else if (len <= UINT16_MAX)
        put_big_endian(out, 0xda, len, 2);
    else
        put_big_endian(out, 0xdb, len, 4);
    gc_buf_append(out, text, len);
}

/* The number behind '*' or '$', and past its line end. Our own bytes: they are well-formed. */
static size_t take_number(const char **at)
{
    size_t number = 0;
    const char *digit = *at + 1;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        number = number * 10 + (size_t)(*digit - '0');
    assert(digit[0] == '\r' && digit[1] == '\n');
    *at = digit + 2;
    return number;
}

static void put_request(gc_buf *out, const gc_request *request)
{
    const char *at = request->bytes;
    size_t count = take_number(&at);
    assert(request->script >= 0 && request->script < 128);
    gc_buf_putc(out, (char)request->script);
    put_big_endian(out, 0xdc, count - SCRIPT_ARGUMENTS, 2);
    for (size_t i = 0; i < count; i++) {
        size_t len = take_number(&at);
        if (i >= SCRIPT_ARGUMENTS)
            put_text(out, at, len);
        at += len + 2;
    }
}

void gc_link_join(gc_astore *self, size_t count, gc_cmd *cmd)
{
    gc_buf *packed = &self->packed;
    gc_buf_reset(packed);
    put_big_endian(packed, 0xdc, 2 * count, 2);
    for (size_t i = 0; i < count; i++) {
        gc_request *request = gc_request_pop(&self->waiting);
        request->many = i == 0 ? count : 1;
        put_request(packed, request);
        gc_request_push(&self->sent, request);
    }
    gc_cmd_script(cmd, &self->scripts, GC_SCRIPT_MANY);
    gc_cmd_mem(cmd, packed->ptr, packed->len);
}
