#include "coordinator/progress.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/strv.h"
#include "support/capture.h"
#include "support/must.h"

/* A run of three files, and what progress writes about it. stderr is a file here. */
typedef struct fixture {
    gc_stats stats;
    gc_file_stat files[3];
    gc_view view;
    gc_progress *progress;
    capture capture;
    char *text;
    gc_strv lines;
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    f = (fixture){ 0 };
    f.files[0] = (gc_file_stat){ .path = "a.go", .how = "llm", .cost_usd = 0.5 };
    f.files[1] = (gc_file_stat){ .path = "b.go",
                                 .how = "failed",
                                 .state = GC_FILE_STATE_FAILED,
                                 .problem = (char *)"refused \xff three times" };
    f.files[2] = (gc_file_stat){ .path = "c.go", .how = "kept" };
    f.stats = (gc_stats){ .files = f.files, .file_count = 3 };
    f.view = (gc_view){ .phase = "generate",
                        .files = 3,
                        .output_tokens = 1234,
                        .cost_usd = 0.5,
                        .elapsed_ms = 12345,
                        .left_s = -1 };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(f.text);
    gc_strv_release(&f.lines);
    return 0;
}

static void begin(gc_progress_mode mode)
{
    capture_begin(&f.capture, stderr);
    f.progress = gc_progress_new(mode, 2000);
    gc_progress_phase(f.progress, "generate");
}

static void end(void)
{
    gc_progress_destroy(&f.progress);
    free(f.text);
    f.text = capture_end(&f.capture);
    gc_strv_release(&f.lines);
    gc_strv_split(&f.lines, f.text, '\n');
}

static void tick(int64_t now_ms)
{
    if (gc_progress_due(f.progress, now_ms) == 0)
        gc_progress_draw(f.progress, &f.view, now_ms);
}

static void test_progress_plain_line_per_interval(void **state)
{
    (void)state;
    begin(GC_PROGRESS_AUTO); /* no terminal: plain */
    assert_int_equal(gc_progress_due(f.progress, 1000), 0);
    tick(1000);
    f.view.done = 1;
    f.view.left_s = 4;
    assert_int_equal(gc_progress_due(f.progress, 1500), 1500); /* too early */
    tick(3000);
    tick(5000); /* nothing new: nothing to say */
    f.view.done = 3;
    f.view.left_s = 0;
    tick(7000);
    gc_progress_end_phase(f.progress, &f.view);
    end();
    assert_int_equal(f.lines.count, 4);
    assert_string_equal(f.lines.items[0], "generate: 0/3 files, 1234 tokens, $0.5000");
    assert_string_equal(f.lines.items[1],
                        "generate: 1/3 files, 1234 tokens, $0.5000, 4s left");
    assert_string_equal(f.lines.items[2],
                        "generate: 3/3 files, 1234 tokens, $0.5000, 0s left");
    assert_string_equal(f.lines.items[3],
                        "generate: 3/3 files, 1234 tokens, $0.5000 in 12.3 s");
}

static void test_progress_plain_tells_failures_and_notes(void **state)
{
    (void)state;
    begin(GC_PROGRESS_PLAIN);
    gc_progress_file(f.progress, &f.files[0], &f.stats); /* no line per finished file */
    gc_progress_file(f.progress, &f.files[1], &f.stats);
    gc_progress_note(f.progress, "a note\nof %d lines\x1b[31m", 2);
    end();
    assert_int_equal(f.lines.count, 2);
    assert_true(strncmp(f.lines.items[0], "b.go failed: refused", 20) == 0);
    assert_string_equal(f.lines.items[1], "a note of 2 lines [31m");
}

static void test_progress_says_that_the_model_is_simulated(void **state)
{
    (void)state;
    static const gc_progress_mode modes[] = { GC_PROGRESS_BAR, GC_PROGRESS_PLAIN,
                                              GC_PROGRESS_JSON };
    f.view.simulated = true;
    for (size_t i = 0; i < 3; i++) {
        begin(modes[i]);
        tick(1000);
        end();
        assert_non_null(strstr(f.text, modes[i] == GC_PROGRESS_JSON ? "\"simulated\":true"
                                                                    : "simulated model"));
    }
}

static void test_progress_none_is_silent(void **state)
{
    (void)state;
    begin(GC_PROGRESS_NONE);
    assert_int_equal(gc_progress_due(f.progress, 1000), -1);
    gc_progress_draw(f.progress, &f.view, 1000);
    gc_progress_end_phase(f.progress, &f.view);
    gc_progress_file(f.progress, &f.files[1], &f.stats);
    gc_progress_note(f.progress, "a note");
    end();
    assert_string_equal(f.text, "");
}

/* Every line one object with its version and time; in the order of what happened. */
static void test_progress_json_events(void **state)
{
    (void)state;
    static const char *const want[] = { "phase", "progress", "file", "file", "note" };
    begin(GC_PROGRESS_JSON);
    tick(1000);
    gc_progress_file(f.progress, &f.files[0], &f.stats);
    gc_progress_file(f.progress, &f.files[1], &f.stats);
    gc_progress_note(f.progress, "bad \xff byte");
    end();
    assert_int_equal(f.lines.count, 5);
    for (size_t i = 0; i < f.lines.count; i++) {
        json_t *e = json_loads(f.lines.items[i], JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(e);
        assert_string_equal(json_string_value(json_object_get(e, "event")), want[i]);
        assert_int_equal(json_integer_value(json_object_get(e, "v")), 1);
        assert_int_equal(strlen(json_string_value(json_object_get(e, "time"))), 24);
        json_decref(e);
    }
}

static void test_progress_json_members(void **state)
{
    (void)state;
    f.view.done = 2;
    f.view.in_flight = 1;
    begin(GC_PROGRESS_JSON);
    tick(1000);
    gc_progress_file(f.progress, &f.files[1], &f.stats);
    end();
    json_t *counts = json_loads(f.lines.items[1], 0, NULL);
    json_t *file = json_loads(f.lines.items[2], 0, NULL);
    assert_string_equal(json_string_value(json_object_get(counts, "phase")), "generate");
    assert_int_equal(json_integer_value(json_object_get(counts, "files")), 3);
    assert_int_equal(json_integer_value(json_object_get(counts, "done")), 2);
    assert_int_equal(json_integer_value(json_object_get(counts, "failed")), 0);
    assert_int_equal(json_integer_value(json_object_get(counts, "in_flight")), 1);
    assert_int_equal(json_integer_value(json_object_get(counts, "output_tokens")), 1234);
    assert_true(json_number_value(json_object_get(counts, "cost_usd")) == 0.5);
    assert_string_equal(json_string_value(json_object_get(file, "path")), "b.go");
    assert_string_equal(json_string_value(json_object_get(file, "state")), "failed");
    assert_string_equal(json_string_value(json_object_get(file, "problem")),
                        "refused \xef\xbf\xbd three times");
    json_decref(counts);
    json_decref(file);
}

static void test_progress_live_view_leaves_a_summary(void **state)
{
    (void)state;
    begin(GC_PROGRESS_BAR);
    f.view.done = 1;
    tick(1000);
    f.view.done = 3;
    tick(3000);
    gc_progress_end_phase(f.progress, &f.view);
    end();
    assert_non_null(strstr(f.text, "\rgenerate [========>")); /* a third */
    assert_non_null(strstr(f.text, "=] 3/3 files"));
    const char *summary = strstr(f.text, "\r\033[Jgenerate: 3/3 files");
    assert_non_null(summary);
    assert_string_equal(strchr(summary, '\n'), "\n"); /* nothing behind it */
}

/* Something moves while one call takes its time. */
static void test_progress_spins_for_a_single_call(void **state)
{
    (void)state;
    begin(GC_PROGRESS_BAR);
    f.view.calls_running = 1;
    tick(1000);
    assert_int_equal(gc_progress_due(f.progress, 1000), 250);
    f.view.calls_running = 2;
    tick(1250);
    assert_int_equal(gc_progress_due(f.progress, 1250), 2000);
    end();
}

static void test_progress_bar_makes_way_for_notes_and_logs(void **state)
{
    (void)state;
    begin(GC_PROGRESS_BAR);
    gc_log_setup("test", GC_LOG_INFO, false);
    tick(1000);
    gc_progress_note(f.progress, "a note");
    tick(1001); /* drawn again at once */
    gc_log_warn("an.event", "x=%d", 1);
    end();
    assert_non_null(strstr(f.text, "\r\033[Ja note\n\rgenerate"));
    const char *event = strstr(f.text, "an.event");
    assert_non_null(event);
    assert_null(strstr(event, "generate")); /* cleared before, not drawn after */
}

static void test_progress_without_one(void **state)
{
    (void)state;
    gc_progress *none = NULL;
    gc_progress_phase(none, "plan");
    gc_progress_file(none, &f.files[0], &f.stats);
    gc_progress_note(none, "x");
    assert_int_equal(gc_progress_due(none, 0), -1);
    gc_progress_draw(none, &f.view, 0);
    gc_progress_end_phase(none, &f.view);
    gc_progress_destroy(&none);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_progress_plain_line_per_interval),
        TEST(test_progress_plain_tells_failures_and_notes),
        TEST(test_progress_says_that_the_model_is_simulated),
        TEST(test_progress_none_is_silent),
        TEST(test_progress_json_events),
        TEST(test_progress_json_members),
        TEST(test_progress_live_view_leaves_a_summary),
        TEST(test_progress_spins_for_a_single_call),
        TEST(test_progress_bar_makes_way_for_notes_and_logs),
        TEST(test_progress_without_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
