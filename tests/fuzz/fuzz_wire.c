/* The wire codec. First byte below GC_COMMAND_COUNT: a body for that command; else the rest
 * is "magic NUL command NUL body". What decodes must survive another round unchanged. */
#include "fuzz/body.h"

#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

static void encode(const gc_wire *message, gc_buf *out)
{
    gc_buf_init(out, 4 << 20);
    gc_wire_encode(message, out);
    if (out->full)
        abort();
}

static void check_round_trip(gc_wire *message)
{
    gc_buf first, second;
    gc_wire again;
    const char *command = gc_command_str(message->command);
    encode(message, &first);
    if (gc_wire_decode(GC_WIRE_MAGIC, strlen(GC_WIRE_MAGIC), command, strlen(command),
                       first.ptr, first.len, &again, NULL))
        abort();
    encode(&again, &second);
    if (first.len != second.len || memcmp(first.ptr, second.ptr, first.len) != 0)
        abort();
    gc_wire_release(&again);
    gc_buf_release(&first);
    gc_buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_errinfo info;
    gc_wire message;
    const char *parts[2] = { GC_WIRE_MAGIC, NULL };
    size_t lens[2] = { strlen(GC_WIRE_MAGIC), 0 };
    if (!size)
        return 0;
    uint8_t kind = *data++;
    size--;
    if (kind < GC_COMMAND_COUNT) {
        parts[1] = gc_command_str((gc_command)kind);
        lens[1] = strlen(parts[1]);
    }
    for (int i = 0; i < 2 && kind >= GC_COMMAND_COUNT; i++) {
        const uint8_t *end = memchr(data, 0, size);
        if (!end)
            return 0;
        parts[i] = (const char *)data;
        lens[i] = (size_t)(end - data);
        size -= lens[i] + 1;
        data = end + 1;
    }
    if (gc_wire_decode(parts[0], lens[0], parts[1], lens[1], data, size, &message, &info))
        return 0;
    check_round_trip(&message);
    gc_wire_release(&message);
    return 0;
}
