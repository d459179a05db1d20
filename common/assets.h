/* Files that the programs carry inside: templates, prompts, the models table, the sample
 * configuration. Generated at build time from the folders of the same name. */
#ifndef GC_COMMON_ASSETS_H
#define GC_COMMON_ASSETS_H

#include <stddef.h>

typedef struct gc_asset {
    const char *name; /* e.g. "templates/project/go.mod.tmpl" */
    const char *text; /* NUL-terminated */
    size_t len;
} gc_asset;

extern const gc_asset gc_assets[];
extern const size_t gc_asset_count;

/* The asset of that exact name, or NULL. */
const gc_asset *gc_asset_find(const char *name);

#endif
