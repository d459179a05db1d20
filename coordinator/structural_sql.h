/* The first migration of a project that asks for SQL: PostgreSQL's flavour of the standard.
 * Pure. */
#ifndef GC_COORDINATOR_STRUCTURAL_SQL_H
#define GC_COORDINATOR_STRUCTURAL_SQL_H

#include "coordinator/plan_private.h"

/* For both directions: tables [{name, lines, indexes}] in the order in which they can be
 * made, dropped [{name}] in the reverse one, links [{table, name, column, target}] that close
 * circles and come last. Identifiers are quoted. */
gc_tell *structural_sql(const plan_ctx *ctx);

#endif
