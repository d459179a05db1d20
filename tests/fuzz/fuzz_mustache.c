/* Template bytes against fixed data: no crash, and the same bytes twice. The input itself is
 * the partial "self". */
#include "fuzz/body.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/template.h"

static const char *find_partial(void *arg, const char *name)
{
    if (strcmp(name, "self") == 0)
        return arg;
    return strcmp(name, "p") == 0 ? "p {{name}}\n  {{>q}}\n" : NULL;
}

static json_t *make_data(void)
{
    return json_pack("{s:s, s:i, s:f, s:[{s:s}, {s:s}], s:{s:{s:s}}, s:[], s:n, s:b}",
                     "name", "<Ann & \"Bob\">", "int", 85, "real", 1.21, "list", "item",
                     "one", "item", "two", "a", "b", "c", "deep", "empty", "null", "yes",
                     1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    char *text = gc_xmemdup(data, size);
    json_t *values = make_data();
    gc_render_options options = { find_partial, text, size % 2 == 0 };
    gc_errinfo info = { 0 };
    gc_buf first, second;
    gc_buf_init(&first, 1 << 16);
    gc_buf_init(&second, 1 << 16);
    gc_err err = gc_template_render(text, size, values, &options, &first, &info);
    if (err != gc_template_render(text, size, values, &options, &second, NULL) ||
        first.len != second.len || memcmp(first.ptr, second.ptr, first.len) != 0 ||
        (err && !info.text[0]))
        abort();
    gc_buf_release(&first);
    gc_buf_release(&second);
    json_decref(values);
    free(text);
    return 0;
}
