#include "coordinator/reserve.h"

#include "support/must.h"

static gc_model model_of(const char *provider)
{
    return (gc_model){ .id = (char *)"m",
                       .provider = (char *)provider,
                       .priced = true,
                       .prices = { 3.0, 3.75, 6.0, 0.3, 15.0 } };
}

static void expect_usd(double usd, double want)
{
    assert_true(usd > want - 1e-9 && usd < want + 1e-9);
}

static void test_reserve_is_the_dearest_price_of_each_part(void **state)
{
    (void)state;
    gc_model model = model_of("anthropic");
    gc_reserve_prompt prompt = { .marked_bytes = 20000, .other_bytes = 4000 };
    gc_reserve r = gc_reserve_of(&model, &prompt);
    expect_usd(gc_reserve_usd(&r, 1000), (10000 * 3.75 + 2200 * 3.0 + 1000 * 15.0) / 1e6);
    prompt.one_hour = true;
    r = gc_reserve_of(&model, &prompt);
    expect_usd(gc_reserve_usd(&r, 0), (10000 * 6.0 + 2200 * 3.0) / 1e6);
    prompt.marked_tokens = 7000; /* known */
    r = gc_reserve_of(&model, &prompt);
    expect_usd(gc_reserve_usd(&r, 0), (7000 * 6.0 + 2200 * 3.0) / 1e6);
    prompt.marked_bytes = 0; /* nothing is marked, whatever was known */
    r = gc_reserve_of(&model, &prompt);
    expect_usd(gc_reserve_usd(&r, 0), 2200 * 3.0 / 1e6);
}

/* It may cache the whole prompt by itself. */
static void test_reserve_where_the_provider_decides(void **state)
{
    (void)state;
    gc_model model = model_of("openai");
    gc_reserve_prompt prompt = { .marked_bytes = 20000,
                                 .marked_tokens = 7000,
                                 .other_bytes = 4000 };
    gc_reserve r = gc_reserve_of(&model, &prompt);
    expect_usd(gc_reserve_usd(&r, 0), 12200 * 3.75 / 1e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserve_is_the_dearest_price_of_each_part),
        cmocka_unit_test(test_reserve_where_the_provider_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
