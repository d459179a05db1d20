/* What several fuzzers have in common: the body of those that differ by one argument alone. */
#ifndef GC_TESTS_FUZZ_BODY_H
#define GC_TESTS_FUZZ_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/doc.h"
#include "worker/provider.h"

/* What libFuzzer and the replay call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Else a crash, which is what a fuzzer looks for. */
void must(bool condition);

/* Any bytes as a document: a tree or findings, and never silence. */
void fuzz_document(gc_doc_format format, const uint8_t *data, size_t size);

/* An answer of a provider: however its bytes are cut, it is the same. The first byte chooses
 * content type, status, whether the connection broke, and the size of the pieces. */
void fuzz_answer(const gc_provider *provider, const uint8_t *data, size_t size);

/* The bytes as a file, for loaders that want a path. Ends when `fd` is closed. */
typedef struct fuzz_file {
    int fd;
    char path[32];
} fuzz_file;
void must_open_file(fuzz_file *self, const uint8_t *data, size_t size);

#endif
