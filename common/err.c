#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>

const char *gc_err_str(gc_err err)
{
    switch (err) {
#define X(name, text) \
    case name: return text;
        GC_ERR_MAP(X)
#undef X
    }
    return "unknown error";
}

gc_err gc_fail(gc_errinfo *info, gc_err code, const char *fmt, ...)
{
    if (info) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(info->text, sizeof info->text, fmt, ap);
        va_end(ap);
        info->code = code;
    }
    return code;
}
