/* The payloads: gc_task if the first byte is even, else gc_result. */
#include "fuzz/body.h"

#include <stdlib.h>

#include "common/task.h"

static void fuzz_task(const uint8_t *data, size_t size)
{
    gc_buf buf;
    gc_task *task = NULL, *again = NULL;
    if (gc_task_decode(data, size, &task, NULL))
        return;
    gc_buf_init(&buf, 4 << 20);
    gc_task_encode(task, &buf);
    if (buf.full || gc_task_decode(buf.ptr, buf.len, &again, NULL))
        abort();
    gc_buf_release(&buf);
    gc_task_destroy(&task);
    gc_task_destroy(&again);
}

static void fuzz_result(const uint8_t *data, size_t size)
{
    gc_buf buf;
    gc_result *result = NULL, *again = NULL;
    if (gc_result_decode(data, size, &result))
        return;
    gc_buf_init(&buf, 4 << 20);
    gc_result_encode(result, &buf);
    if (buf.full || gc_result_decode(buf.ptr, buf.len, &again))
        abort();
    gc_buf_release(&buf);
    gc_result_destroy(&result);
    gc_result_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    if (*data % 2 == 0)
        fuzz_task(data + 1, size - 1);
    else
        fuzz_result(data + 1, size - 1);
    return 0;
}
