#include "coordinator/report_html.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "support/must.h"

#define LIMIT ((size_t)16 << 20)
#define MAX_PAGE ((size_t)1 << 20)

static gc_model model = { .id = (char *)"model-x",
                          .priced = true,
                          .prices = { 3.0, 3.75, 6.0, 0.3, 15.0 } };

static gc_stats small_run(gc_file_stat *files, gc_call_stat *calls)
{
    files[0] = (gc_file_stat){ .path = "go.mod", .how = "template" };
    files[1] = (gc_file_stat){
        .path = "a/a.go", .how = "llm", .usage = { 100, 0, 0, 0, 30 }, .cost_usd = 0.25
    };
    calls[0] = (gc_call_stat){ .task = (char *)"t-1",
                               .worker = (char *)"w-1",
                               .start_s = 1,
                               .seconds = 2,
                               .files = 1,
                               .usage = { 100, 0, 0, 0, 30 },
                               .cost_usd = 0.25,
                               .calls = 1 };
    calls[1] = (gc_call_stat){ .task = (char *)"t-2",
                               .worker = (char *)"w-1",
                               .start_s = 2,
                               .seconds = 2,
                               .files = 1,
                               .usage = { 0, 0, 0, 100, 30 },
                               .failed = true };
    return (gc_stats){ .job = (char *)"j-0123456789ab",
                       .spec = (char *)"spec.yaml",
                       .provider = (char *)"anthropic",
                       .model = &model,
                       .optimization = true,
                       .files = files,
                       .file_count = 2,
                       .calls = calls,
                       .call_count = 2,
                       .started_ms = 1000,
                       .ended_ms = 6000,
                       .usage = { 100, 0, 0, 100, 60 },
                       .cost_usd = 0.25,
                       .llm_calls = 2 };
}

static void must_contain(const gc_buf *page, const char *text)
{
    if (!strstr(page->ptr, text))
        fail_msg("the page lacks %s", text);
}

static void must_lack(const gc_buf *page, const char *text)
{
    if (strstr(page->ptr, text))
        fail_msg("the page has %s", text);
}

static size_t count_of(const gc_buf *page, const char *text)
{
    size_t n = 0;
    for (const char *at = page->ptr; (at = strstr(at, text)); at++)
        n++;
    return n;
}

static void print(const gc_stats *stats, gc_buf *page)
{
    gc_buf_init(page, LIMIT);
    gc_report_html(stats, page);
    must_contain(page, "</html>");
    must_lack(page, "<script");
    must_lack(page, "http:");
    must_lack(page, "https:");
    must_lack(page, "url(");
    must_lack(page, "nan");
}

static void test_report_html_has_every_part(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "Token Efficiency",
        "Caching",
        "Batching",
        "Templates",
        "Performance",
        "Timeline of Calls",
        "Tokens by Kind",
        "Cost by File",
        "Cache Hit Rate over Time",
        "class=\"line\"",
        "class=\"bad\"",
        "$0.250000",
        "points=\"0.00,160.00 500.00,160.00 1000.00,80.00",
        "a/a.go",
        "t-2 on w-1",
        "viewBox=\"0 0 1000 28\"",
        "row 1 on: w-1",
    };
    gc_file_stat files[2];
    gc_call_stat calls[2];
    gc_stats stats = small_run(files, calls);
    gc_buf page, again;
    print(&stats, &page);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        must_contain(&page, parts[i]);
    must_lack(&page, "simulated");
    print(&stats, &again);
    assert_string_equal(page.ptr, again.ptr);
    gc_buf_release(&again);
    gc_buf_release(&page);
    stats.simulated = true;
    print(&stats, &page);
    must_contain(&page, "simulated model");
    gc_buf_release(&page);
}

static void test_report_html_of_nothing(void **state)
{
    (void)state;
    gc_stats stats = {
        .spec = (char *)"s.yaml", .file_count = 3, .started_ms = 5, .ended_ms = 5
    };
    gc_buf page;
    print(&stats, &page);
    must_contain(&page, "No call was made");
    gc_buf_release(&page);
}

static void test_report_html_escapes_foreign_text(void **state)
{
    (void)state;
    gc_file_stat files[2];
    gc_call_stat calls[2];
    gc_stats stats = small_run(files, calls);
    char name[1000];
    memset(name, 'x', sizeof name);
    memcpy(name + 199, "ß<b>", 5);
    name[sizeof name - 1] = '\0';
    stats.spec = (char *)"<script>alert('1')</script>&\".yaml";
    files[0].path = "a/<img src=x onerror=y>.go";
    files[1].path = name;
    calls[0].worker = (char *)"</title><script>\x01";
    gc_strv_add(&stats.notes, "<b>bold & brave</b>");
    gc_buf page;
    print(&stats, &page);
    must_lack(&page, "<img");
    must_lack(&page, "<b>");
    must_lack(&page, "\x01");
    must_contain(&page, "&lt;b&gt;bold &amp; brave");
    must_contain(&page, "&lt;script&gt;alert(&#39;1&#39;)");
    must_contain(&page, "xß");
    gc_buf_release(&page);
    gc_strv_release(&stats.notes);
}

static void test_report_html_is_bounded(void **state)
{
    (void)state;
    enum {
        FILES = 10000,
        CALLS = 6000
    };
    gc_file_stat *files = gc_xcalloc(FILES, sizeof *files);
    gc_call_stat *calls = gc_xcalloc(CALLS, sizeof *calls);
    char(*paths)[32] = gc_xcalloc(FILES, sizeof *paths);
    gc_stats stats = small_run(files, calls);
    for (size_t i = 0; i < FILES; i++) {
        snprintf(paths[i], sizeof paths[i], "p/file%05zu.go", i);
        files[i] = (gc_file_stat){ .path = paths[i], .how = "llm", .cost_usd = 0.001 };
    }
    for (size_t i = 2; i < CALLS; i++)
        calls[i] = calls[i % 2];
    stats.files = files;
    stats.file_count = FILES;
    stats.calls = calls;
    gc_buf page;
    for (size_t count = 2000; count <= CALLS; count += 2000) {
        stats.call_count = count;
        print(&stats, &page);
        assert_true(page.len < MAX_PAGE);
        must_contain(&page, count > 2000 ? "more than are drawn" : "are not drawn");
        must_contain(&page, "all further files");
        must_contain(&page, "$9.700000");
        assert_int_equal(count_of(&page, "p/file"), 300);
        gc_buf_release(&page);
    }
    free(paths);
    free(calls);
    free(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_html_has_every_part),
        cmocka_unit_test(test_report_html_of_nothing),
        cmocka_unit_test(test_report_html_escapes_foreign_text),
        cmocka_unit_test(test_report_html_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
