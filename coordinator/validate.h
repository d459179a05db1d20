/* Checks a generated project with the Go toolchain: gofmt, go build, go vet, go test per
 * package in parallel. Errors are mapped to files. */
#ifndef GC_COORDINATOR_VALIDATE_H
#define GC_COORDINATOR_VALIDATE_H

#include <stdio.h>

#include "common/config.h"
#include "coordinator/exit.h"

/* Validates the project in `dir`; prints a summary to `out`, writes a JSON report to
 * `report` (NULL: none). GC_EXIT_OK, GC_EXIT_VALIDATION (problems, no toolchain, or one that
 * is too old for the project's go.mod: said plainly), GC_EXIT_FILES. */
gc_exit gc_validate(const char *dir, const gc_config *config, const char *report,
                    bool json, FILE *out);

/* Version of the Go toolchain on PATH ("1.22.3"; free() it), or NULL. */
char *gc_go_version(void);

#endif
