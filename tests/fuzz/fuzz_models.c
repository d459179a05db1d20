/* Any bytes as a table of models: loaded, or refused with findings. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/models.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    gc_diags diags;
    gc_diags_init(&diags, "input");
    gc_models *models = NULL;
    gc_err err = gc_models_load(path, &diags, &models);
    gc_models_destroy(&models);
    if ((err == GC_OK) != (diags.errors == 0))
        abort();
    gc_diags_release(&diags);
    close(fd);
    return 0;
}
