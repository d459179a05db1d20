#include "coordinator/pool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "support/must.h"

#define LIMIT ((size_t)1 << 20)
#define PATIENCE_MS 30000

/* `script` by the shell, in /tmp; release the output. */
static gc_pool_job run(const char *script, size_t limit, int64_t timeout_ms)
{
    char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
    gc_pool_job job = { .argv = argv };
    gc_buf_init(&job.output, limit);
    gc_pool_run(&job, 1, "/tmp", 1, timeout_ms);
    return job;
}

static void test_pool_captures_both_streams(void **state)
{
    (void)state;
    gc_pool_job job = run("echo out; echo err >&2; pwd; exit 3", LIMIT, PATIENCE_MS);
    assert_int_equal(job.status, 3);
    assert_string_equal(job.output.ptr, "out\nerr\n/tmp\n");
    assert_false(job.missing || job.timed_out);
    assert_true(job.seconds >= 0);
    gc_buf_release(&job.output);
}

static void test_pool_gives_no_input(void **state)
{
    (void)state;
    gc_pool_job job = run("read line || echo end", LIMIT, PATIENCE_MS);
    assert_string_equal(job.output.ptr, "end\n");
    gc_buf_release(&job.output);
}

static void test_pool_tells_a_missing_program(void **state)
{
    (void)state;
    char *argv[] = { (char *)"no-such-program-anywhere", NULL };
    gc_pool_job job = { .argv = argv };
    gc_buf_init(&job.output, LIMIT);
    gc_pool_run(&job, 1, "/tmp", 1, PATIENCE_MS);
    assert_true(job.missing);
    assert_int_equal(job.status, -1);
    gc_buf_release(&job.output);
    job = run("exit 127", LIMIT, PATIENCE_MS); /* is there, and only says so */
    assert_false(job.missing);
    assert_int_equal(job.status, 127);
    gc_buf_release(&job.output);
}

static void test_pool_in_a_missing_folder(void **state)
{
    (void)state;
    char *argv[] = { (char *)"true", NULL };
    gc_pool_job job = { .argv = argv };
    gc_buf_init(&job.output, LIMIT);
    gc_pool_run(&job, 1, "/no/such/folder", 1, PATIENCE_MS);
    assert_int_equal(job.status, -1);
    assert_false(job.missing);
    gc_buf_release(&job.output);
}

static void test_pool_reports_a_signal(void **state)
{
    (void)state;
    gc_pool_job job = run("kill -TERM $$", LIMIT, PATIENCE_MS);
    assert_int_equal(job.status, 128 + SIGTERM);
    gc_buf_release(&job.output);
}

static void test_pool_bounds_the_output(void **state)
{
    (void)state;
    gc_pool_job job = run("yes | head -c 3000000; echo end", 1000, PATIENCE_MS);
    assert_int_equal(job.status, 0);
    assert_true(job.output.len <= 1000);
    gc_buf_release(&job.output);
}

static void test_pool_kills_after_the_timeout(void **state)
{
    (void)state;
    int64_t start = gc_clock_ms();
    gc_pool_job job = run("echo begun; sleep 1000 & sleep 1000", LIMIT, 200);
    assert_true(job.timed_out);
    assert_int_equal(job.status, 128 + SIGKILL);
    assert_string_equal(job.output.ptr, "begun\n");
    assert_true(gc_clock_ms() - start < PATIENCE_MS);
    gc_buf_release(&job.output);
}

/* A command that closes its output and stays is bounded by its time like any other. */
static void test_pool_kills_a_silent_command(void **state)
{
    (void)state;
    gc_pool_job job = run("exec >&- 2>&-; sleep 1000", LIMIT, 200);
    assert_true(job.timed_out);
    gc_buf_release(&job.output);
}

/* What a command leaves behind neither holds it up nor survives it. */
static void test_pool_does_not_wait_for_what_is_left_behind(void **state)
{
    (void)state;
    int64_t start = gc_clock_ms();
    gc_pool_job job = run("sleep 1000 & echo $!", LIMIT, PATIENCE_MS);
    assert_int_equal(job.status, 0);
    assert_false(job.timed_out);
    assert_true(gc_clock_ms() - start < PATIENCE_MS);
    long pid = strtol(job.output.ptr, NULL, 10);
    assert_true(pid > 1);
    int64_t deadline = gc_clock_ms() + PATIENCE_MS;
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    for (bool alive = true; alive;) { /* gone, or dead and not yet collected by init */
        FILE *stat = fopen(path, "r");
        alive = stat && fgets(text, sizeof text, stat) && !strstr(text, ") Z ");
        if (stat)
            fclose(stat);
        assert_true(gc_clock_ms() < deadline);
    }
    gc_buf_release(&job.output);
}

static void test_pool_runs_side_by_side_but_no_more(void **state)
{
    (void)state;
    enum {
        JOBS = 9,
        PARALLEL = 3
    };
    /* Every command says how many of its kind it sees at most. */
    static const char script[] =
        "d=$1; f=$d/$$; : > $f; i=0; m=0; while [ $i -lt 20 ]; do i=$((i+1)); "
        "n=$(ls $d | wc -l); [ $n -gt $m ] && m=$n; done; rm $f; echo $m";
    char *dir = must_temp_dir();
    char *argv[] = {
        (char *)"sh", (char *)"-c", (char *)script, (char *)"sh", dir, NULL
    };
    gc_pool_job jobs[JOBS] = { 0 };
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i].argv = argv;
        gc_buf_init(&jobs[i].output, LIMIT);
    }
    gc_pool_run(jobs, JOBS, "/tmp", PARALLEL, PATIENCE_MS);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].status, 0);
        long seen = strtol(jobs[i].output.ptr, NULL, 10);
        assert_true(seen >= 1 && seen <= PARALLEL);
        gc_buf_release(&jobs[i].output);
    }
    must_remove_tree(dir);
    free(dir);
}

/* The second command never starts; the first one dies with all that it started. */
static void test_pool_stops_at_a_signal(void **state)
{
    (void)state;
    char script[64];
    snprintf(script, sizeof script, "kill -TERM %d; sleep 1000", (int)getpid());
    char *first[] = { (char *)"sh", (char *)"-c", script, NULL };
    char *second[] = { (char *)"echo", (char *)"second", NULL };
    gc_pool_job jobs[] = { { .argv = first }, { .argv = second } };
    gc_buf_init(&jobs[0].output, LIMIT);
    gc_buf_init(&jobs[1].output, LIMIT);
    assert_false(gc_pool_run(jobs, 2, "/tmp", 1, PATIENCE_MS));
    assert_int_equal(jobs[0].status, 128 + SIGKILL);
    assert_false(jobs[0].timed_out);
    assert_int_equal(jobs[1].status, -1);
    assert_int_equal(jobs[1].output.len, 0);
    gc_buf_release(&jobs[0].output);
    gc_buf_release(&jobs[1].output);
}

static void test_pool_of_nothing(void **state)
{
    (void)state;
    assert_true(gc_pool_run(NULL, 0, "/tmp", 2, PATIENCE_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_captures_both_streams),
        cmocka_unit_test(test_pool_gives_no_input),
        cmocka_unit_test(test_pool_tells_a_missing_program),
        cmocka_unit_test(test_pool_in_a_missing_folder),
        cmocka_unit_test(test_pool_reports_a_signal),
        cmocka_unit_test(test_pool_bounds_the_output),
        cmocka_unit_test(test_pool_kills_after_the_timeout),
        cmocka_unit_test(test_pool_kills_a_silent_command),
        cmocka_unit_test(test_pool_does_not_wait_for_what_is_left_behind),
        cmocka_unit_test(test_pool_runs_side_by_side_but_no_more),
        cmocka_unit_test(test_pool_stops_at_a_signal),
        cmocka_unit_test(test_pool_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
