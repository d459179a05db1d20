/* Any bytes as a table of models: loaded, or refused with findings. */
#include "fuzz/body.h"

#include <unistd.h>

#include "common/models.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file file;
    must_open_file(&file, data, size);
    gc_diags diags;
    gc_diags_init(&diags, "input");
    gc_models *models = NULL;
    gc_err err = gc_models_load(file.path, &diags, &models);
    gc_models_destroy(&models);
    must((err == GC_OK) == (diags.errors == 0));
    gc_diags_release(&diags);
    close(file.fd);
    return 0;
}
