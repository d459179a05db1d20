/* The rows behind config.h: shared by config.c, config_sample.c and the table itself. */
#ifndef GC_COMMON_CONFIG_TABLE_H
#define GC_COMMON_CONFIG_TABLE_H

#include <stddef.h>

#include "common/config.h"

/* How the text of a value is read and checked. The first four are numbers and switches,
 * the others stay text. */
typedef enum gc_config_kind {
    GC_CONFIG_BOOL,
    GC_CONFIG_INTEGER,
    GC_CONFIG_NUMBER,
    GC_CONFIG_DURATION,
    GC_CONFIG_CHOICE,    /* one of the words of the range */
    GC_CONFIG_TEXT,      /* any */
    GC_CONFIG_NAME,      /* a model's name */
    GC_CONFIG_INNER,     /* a path inside of the output folder */
    GC_CONFIG_URL,       /* http or https, or "" */
    GC_CONFIG_REDIS,     /* redis:// or unix://, or "" */
    GC_CONFIG_ENDPOINTS, /* ZeroMQ endpoints, comma separated, or "" */
    GC_CONFIG_ADDRESS    /* host:port, or "" */
} gc_config_kind;

typedef struct gc_config_row {
    gc_config_key key; /* what config.h shows */
    gc_config_kind kind;
    size_t offset; /* of the field in gc_config */
    const char *min;
    const char *max;
} gc_config_row;

extern const gc_config_row gc_config_rows[];
extern const size_t gc_config_row_count;

/* What a section is for, or NULL. */
const char *gc_config_section_help(const char *path);

#endif
