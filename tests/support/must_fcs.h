/* Builds an FCS from text in tests. */
#ifndef GC_TESTS_SUPPORT_MUST_FCS_H
#define GC_TESTS_SUPPORT_MUST_FCS_H

#include "support/must.h"

#include "common/diag.h"
#include "common/doc.h"
#include "common/fcs.h"

/* Fails the test, with the findings, unless the spec is accepted. The caller destroys it. */
gc_fcs *must_build(const char *yaml);
gc_fcs *must_build_as(const char *text, gc_doc_format format);
gc_fcs *must_build_answered(const char *yaml, const char *answers);

/* The findings of a spec, one per line as "LINE:COLUMN severity text"; free() it. */
char *findings_of(const char *yaml, gc_doc_format format, size_t max_entities);

/* Fails unless the spec is refused with an error at that place that holds `words`. */
void expect_finding(const char *yaml, const char *place, const char *words);

/* The sha256 of the canonical form is that of the other. */
void expect_same(const char *yaml, const char *other);
void expect_different(const char *yaml, const char *other);

const gc_field *must_field(const gc_fcs *fcs, const char *entity, const char *field);

#endif
