#include "common/assets.h"

#include <string.h>

const gc_asset *gc_asset_find(const char *name)
{
    for (size_t i = 0; i < gc_asset_count; i++)
        if (strcmp(gc_assets[i].name, name) == 0)
            return &gc_assets[i];
    return NULL;
}
