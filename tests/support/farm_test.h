/* The words of unit tests whose state is a farm: its start and end, a task from its submission
 * to its end, and what is insisted on then. */
#ifndef GC_TESTS_SUPPORT_FARM_TEST_H
#define GC_TESTS_SUPPORT_FARM_TEST_H

#include "support/farm.h"
#include "support/must.h"

/* Before and after a test; the simulator writes as fast as it can. */
int farm_set_up(void **state);
int farm_tear_down(void **state);
#define FARM_TEST(test) cmocka_unit_test_setup_teardown(test, farm_set_up, farm_tear_down)

/* Submits the task, waits for its end and destroys it. The end is borrowed. */
const farm_end *farm_run(farm *self, gc_task *task);

/* It is DONE, and so are that many files. */
void expect_outcomes(const farm_end *end, gc_outcome outcome, size_t count);
void expect_fail(const farm_end *end, const char *reason);
/* Nobody holds a fingerprint any more. */
void expect_no_leases(farm *self);

/* For farm_until: some call is under way, as a PROGRESS has told. */
bool farm_has_progress(farm *self, const void *unused);

/* Frees what stands there. */
void set_text(char **at, const char *text);

#endif
