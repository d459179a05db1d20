/* Any bytes as a configuration file: loaded, or refused with findings. */
#include "fuzz/body.h"

#include <unistd.h>

#include "common/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file file;
    must_open_file(&file, data, size);
    gc_diags diags;
    gc_diags_init(&diags, "input");
    gc_config config;
    gc_config_init(&config);
    gc_err err = gc_config_load_file(&config, file.path, &diags);
    gc_config_release(&config);
    must((err == GC_OK) == (diags.errors == 0));
    gc_diags_release(&diags);
    close(file.fd);
    return 0;
}
