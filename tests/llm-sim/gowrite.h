/* Shared by the parts of the Go writer; nobody else includes this. */
#ifndef GC_LLM_SIM_GOWRITE_H
#define GC_LLM_SIM_GOWRITE_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/strv.h"
#include "tests/llm-sim/promise.h"
#include "tests/llm-sim/wanted.h"

typedef struct gc_sim_writer {
    const gc_sim_wanted_file *file;
    gc_sim_promise promise;
    gc_buf body;  /* everything below the imports */
    char *stem;   /* "OrderService": the file's name as a Go identifier */
    char *pkg;    /* package clause */
    gc_strv uses; /* standard packages that the bodies need */
} gc_sim_writer;

/* Layout: one line, `depth` tabs deep. */
void gc_sim_line(gc_sim_writer *self, int depth, const char *fmt, ...) GC_PRINTF(3, 4);

/* The word by which the code may use standard package `path`, which is then imported. */
const char *gc_sim_use(gc_sim_writer *self, const char *path);

/* The name that gc_sim_use() would give, without importing anything. */
const char *gc_sim_name_of(const gc_sim_writer *self, const char *path);

/* True if the code of `decl` can say `word` and mean the package: no parameter or
 * receiver of that name hides it. */
bool gc_sim_sees_package(const gc_sim_decl *decl, const char *word);

/* "// " lines wrapped at 80 columns. */
void gc_sim_comment(gc_sim_writer *self, const char *fmt, ...) GC_PRINTF(2, 3);

/* "CreateOrderItem" -> "create order item"; free() it. */
char *gc_sim_words(const char *name);

/* "order_service.go" -> "OrderService"; unique among the files of one folder; free() it. */
char *gc_sim_stem(const char *path);

/* A doc comment for `decl`. */
void gc_sim_doc(gc_sim_writer *self, const gc_sim_decl *decl);

/* Appends an expression: an empty but usable value of `type`. */
void gc_sim_value(gc_sim_writer *self, const char *type, gc_buf *out);

/* "(id string, opts ...Option) (*Order, error)". */
void gc_sim_signature(const gc_sim_decl *decl, gc_buf *out);

/* A whole type declaration with its doc comment. */
void gc_sim_type(gc_sim_writer *self, const gc_sim_decl *decl);

/* `func main()` of a program about which nothing else is known. */
void gc_sim_main(gc_sim_writer *self);

/* A whole function with its doc comment. */
void gc_sim_func(gc_sim_writer *self, const gc_sim_decl *decl);

/* The same for one of a test file (TestX, BenchmarkX, ...); false: it is none of these. */
bool gc_sim_test_func(gc_sim_writer *self, const gc_sim_decl *decl);

/* A test of that name. */
void gc_sim_table_test(gc_sim_writer *self, const char *name, const char *testing,
                       const char *param);

/* The constructor of an opaque struct in the same promise, or NULL. */
const gc_sim_decl *gc_sim_constructor(const gc_sim_writer *self, const char *type);

/* True if `decl` is promised as `type X struct` with nothing said about its inside. */
bool gc_sim_is_opaque(const gc_sim_decl *decl);

/* True if constructor parameter `index` becomes a field of opaque struct `type`. */
bool gc_sim_is_field(const gc_sim_writer *self, const gc_sim_decl *maker, size_t index,
                     const char *type);

#endif
