/* Words that tests insist with. A failure prints the call and the error's own words. */
#ifndef GC_TESTS_SUPPORT_MUST_H
#define GC_TESTS_SUPPORT_MUST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/err.h"

void must_equal_err(gc_err want, gc_err got, const char *call, const char *file,
                    int line);

#define must_ok(call) must_equal_err(GC_OK, (call), #call, __FILE__, __LINE__)
#define expect_err(want, call) must_equal_err((want), (call), #call, __FILE__, __LINE__)

/* The whole file as text (free() it); fails the test if it cannot be read. */
char *must_read(const char *path);

/* A new empty folder below $TMPDIR (free() the name); must_remove_tree() takes it away. */
char *must_temp_dir(void);
void must_remove_tree(const char *path);

#endif
