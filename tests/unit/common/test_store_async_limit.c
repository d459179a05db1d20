/* The limits that all workers share: bookings, and the line of those who wait. */
#include <stdlib.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/store_async.h"
#include "common/text.h"
#include "support/astore.h"
#include "support/must.h"

#define MINUTE_MS GC_LIMIT_WINDOW_MS
#define SHORT_MS 600 /* a minute that a test can wait for */

#define QUEUE1 "gc:queue:anthropic:claude-sonnet-5-5:key1"
#define KEY1 "gc:limit:anthropic:claude-sonnet-5-5:key1"

typedef struct turn_answer {
    bool done;
    gc_err err;
    gc_turn turn;
} turn_answer;

static void on_turn(void *arg, gc_err err, const gc_turn *turn)
{
    turn_answer *answer = arg;
    answer->done = true;
    answer->err = err;
    if (turn)
        answer->turn = *turn;
}

static gc_turn take_limit(astore_fixture *f, const gc_task *task, const char *key_id,
                          int64_t window_ms, const gc_booking *want)
{
    turn_answer answer = { 0 };
    gc_astore_limit_take(f->store, task, key_id, window_ms, want, on_turn, &answer);
    must_become(f, &answer.done, true);
    must_ok(answer.err);
    return answer.turn;
}

static int64_t pause_of(astore_fixture *f, const gc_task *task, const char *key_id)
{
    gc_booking nothing = { .requests = 1 };
    return take_limit(f, task, key_id, GC_LIMIT_WINDOW_MS, &nothing).paused_ms;
}

/* Asks, or asks again, and remembers the answer in `call`. True: it may go. */
static bool may_go(astore_fixture *f, const gc_task *task, int64_t window_ms,
                   gc_booking *call)
{
    gc_turn turn = take_limit(f, task, "key1", window_ms, call);
    call->slot = turn.slot;
    call->ticket = turn.ticket;
    assert_true((turn.wait_ms == 0) == (turn.slot > 0));
    assert_true((turn.wait_ms == 0) == (turn.ticket == 0));
    return turn.wait_ms == 0;
}

static void use_less(astore_fixture *f, const gc_task *task, int64_t window_ms,
                     const gc_booking *call, int64_t output)
{
    gc_booking error = { .slot = call->slot, .output = output - call->output };
    gc_astore_limit_settle(f->store, task, "key1", window_ms, &error);
}

static void learn_output(astore_fixture *f, const gc_task *task, int64_t window_ms,
                         int64_t limit)
{
    gc_limits told = { .requests = -1, .input = -1, .output = limit, .output_left = -1 };
    gc_astore_limit_learn(f->store, task, "key1", window_ms, &told);
}

static void test_limit_pause_holds_for_all_with_the_key(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    assert_int_equal(pause_of(f, &task, "key1"), 0);
    gc_astore_limit_pause(f->store, &task, "key1", 60000);
    int64_t wait = pause_of(f, &task, "key1");
    assert_true(wait > 50000 && wait <= 60000);
    gc_astore_limit_pause(f->store, &task, "key1", 10); /* never shortens */
    assert_true(pause_of(f, &task, "key1") > 50000);
    assert_int_equal(pause_of(f, &task, "key2"), 0);
    gc_astore_limit_pause(f->store, &task, "key2", 20);
    int64_t end = gc_clock_ms() + TEST_WAIT_MS;
    while (pause_of(f, &task, "key2") > 0)
        assert_true(gc_clock_ms() < end);
    assert_true(must_redis_int(f->redis, "PTTL " KEY1) > 0);
    sample_task_release(&task);
}

/* Nine ask for a third of the budget each: three go at a time, in the order of the first
 * asking, however they ask later. */
static void test_limit_line_is_served_in_order(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_booking calls[9];
    learn_output(f, &task, MINUTE_MS, 3000);
    for (size_t i = 0; i < 9; i++) {
        calls[i] = (gc_booking){ .requests = 1, .output = 1000 };
        assert_true(may_go(f, &task, MINUTE_MS, &calls[i]) == (i < 3));
    }
    for (size_t gone = 3; gone < 9; gone += 3) {
        for (size_t i = gone; i-- > gone - 3;)
            use_less(f, &task, MINUTE_MS, &calls[i], 0);
        for (size_t i = 9; i-- > gone;)
            assert_true(may_go(f, &task, MINUTE_MS, &calls[i]) == (i < gone + 3));
    }
    assert_int_equal(must_redis_int(f->redis, "HEXISTS " KEY1 " line_first"), 0);
    assert_int_equal(must_redis_int(f->redis, "EXISTS " QUEUE1), 0);
    sample_task_release(&task);
}

/* What running calls turn out not to need is for the first in line, at once. */
static void test_limit_room_given_back_is_used_at_once(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_booking calls[7];
    learn_output(f, &task, MINUTE_MS, 3000);
    for (size_t i = 0; i < 7; i++) {
        calls[i] = (gc_booking){ .requests = 1, .output = 1000 };
        assert_true(may_go(f, &task, MINUTE_MS, &calls[i]) == (i < 3));
    }
    use_less(f, &task, MINUTE_MS, &calls[0], 100);
    use_less(f, &task, MINUTE_MS, &calls[1], 100);
    assert_false(may_go(f, &task, MINUTE_MS, &calls[6])); /* is not the first in line */
    assert_true(may_go(f, &task, MINUTE_MS, &calls[3]));
    assert_false(may_go(f, &task, MINUTE_MS, &calls[4])); /* for 800 of its 1000 */
    gc_astore_limit_leave(f->store, &task, "key1", MINUTE_MS, calls[4].ticket);
    use_less(f, &task, MINUTE_MS, &calls[2], 800);
    assert_true(may_go(f, &task, MINUTE_MS, &calls[5]));
    gc_booking late = { .requests = 1, .output = 1 };
    assert_false(may_go(f, &task, MINUTE_MS, &late)); /* there is room, but a line */
    sample_task_release(&task);
}

static int64_t booked_output(astore_fixture *f, int64_t slot)
{
    if (!must_redis_int(f->redis, "HEXISTS " KEY1 " o%lld", (long long)slot))
        return 0;
    char *text = must_redis_text(f->redis, "HGET " KEY1 " o%lld", (long long)slot);
    int64_t tokens = -1;
    must_ok(gc_parse_i64(text, 0, 1000000, &tokens));
    free(text);
    return tokens;
}

/* The output of a call counts for when it came: nothing is left where a long call began. */
static void test_limit_long_call_counts_when_it_streamed(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_booking call = { .requests = 1, .output = 1000 }, later = call;
    learn_output(f, &task, MINUTE_MS, 3000);
    assert_true(may_go(f, &task, MINUTE_MS, &call));
    gc_booking end = { .slot = call.slot, .output = -400, .streamed = 600 };
    gc_astore_limit_settle(f->store, &task, "key1", MINUTE_MS, &end);
    must_settle_down(f);
    assert_int_equal(booked_output(f, call.slot), 600); /* it was no long one */
    assert_true(may_go(f, &task, MINUTE_MS, &later));
    int64_t now = later.slot, begin = now - 30, sum = 0;
    freeReplyObject(must_redis(f->redis, "HSET " KEY1 " o%lld 1000", (long long)begin));
    end.slot = begin;
    gc_astore_limit_settle(f->store, &task, "key1", MINUTE_MS, &end);
    must_settle_down(f);
    assert_int_equal(booked_output(f, begin), 0);
    for (int64_t slot = begin + 1; slot < now - 1; slot++) {
        assert_in_range(booked_output(f, slot), 0, 60);
        sum += booked_output(f, slot);
    }
    assert_in_range(sum, 450, 600); /* the rest lies beside other calls */
    sample_task_release(&task);
}

/* All ask again soon enough to use what is given back. */
static void test_limit_waits_are_short(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_booking want = { .requests = 1, .output = 1000 };
    learn_output(f, &task, MINUTE_MS, 3000);
    for (size_t i = 0; i < 3; i++)
        take_limit(f, &task, "key1", MINUTE_MS, &want);
    gc_turn first = take_limit(f, &task, "key1", MINUTE_MS, &want), last = first;
    for (size_t i = 0; i < 300; i++)
        last = take_limit(f, &task, "key1", MINUTE_MS, &want);
    assert_true(first.wait_ms > 0 && first.wait_ms <= 1001);
    assert_true(last.wait_ms >= 1000 && last.wait_ms <= 2001);
    sample_task_release(&task);
}

/* The first in line is let in while asleep, and keeps his room until he comes; one who never
 * comes is forgotten, and his room is the next one's. */
static void test_limit_line_outlives_its_dead(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_booking calls[4];
    learn_output(f, &task, SHORT_MS, 1000);
    for (size_t i = 0; i < 4; i++) {
        calls[i] = (gc_booking){ .requests = 1, .output = 1000 };
        assert_true(may_go(f, &task, SHORT_MS, &calls[i]) == (i < 1));
    }
    int64_t end = gc_clock_ms() + TEST_WAIT_MS;
    while (!may_go(f, &task, SHORT_MS, &calls[3])) /* 1 and 2 never ask again */
        assert_true(gc_clock_ms() < end);
    assert_true(calls[3].slot - calls[0].slot > 60);
    assert_int_equal(must_redis_int(f->redis, "EXISTS " QUEUE1), 0);
    sample_task_release(&task);
}

/* A booking holds, and moves with the time until its call is sent; in a pause it becomes the
 * first place in line. */
static void test_limit_booking_holds_until_a_pause(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_booking call = { .requests = 1, .input = 10 }, other = call;
    assert_true(may_go(f, &task, SHORT_MS, &call));
    int64_t first = call.slot, end = gc_clock_ms() + TEST_WAIT_MS;
    while (call.slot == first) {
        assert_true(may_go(f, &task, SHORT_MS, &call));
        assert_true(gc_clock_ms() < end);
    }
    assert_int_equal(must_redis_int(f->redis, "HEXISTS " KEY1 " r%lld", (long long)first),
                     0);
    gc_astore_limit_pause(f->store, &task, "key1", MINUTE_MS);
    assert_false(may_go(f, &task, SHORT_MS, &other));
    assert_false(may_go(f, &task, SHORT_MS, &call));
    assert_true(call.ticket < other.ticket);
    assert_int_equal(must_redis_int(f->redis, "HLEN " QUEUE1), 2);
    sample_task_release(&task);
}

/* Who was let in when nobody knew a limit, and has not sent yet, waits like all others once
 * it is known. */
static void test_limit_holds_for_bookings_made_before_it_was_known(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_booking calls[5];
    for (size_t i = 0; i < 5; i++) {
        calls[i] = (gc_booking){ .requests = 1, .output = 1000 };
        assert_true(may_go(f, &task, MINUTE_MS, &calls[i]));
    }
    learn_output(f, &task, MINUTE_MS, 2500);
    size_t gone = 0;
    for (size_t i = 0; i < 5; i++)
        gone += may_go(f, &task, MINUTE_MS, &calls[i]);
    assert_int_equal(gone, 2);
    for (size_t i = 0; i < 5; i++)
        assert_true(may_go(f, &task, MINUTE_MS, &calls[i]) == (calls[i].slot > 0));
    sample_task_release(&task);
}

/* ---- any mixture ---- */

#define CROWD 24
#define CROWD_LIMIT 2000

typedef struct crowd_call {
    gc_booking booked;
    int64_t used; /* of its tokens, in the end */
    int64_t slot; /* where they were booked */
    bool dead, gone;
} crowd_call;

static void expect_no_window_full(const crowd_call *calls)
{
    for (size_t i = 0; i < CROWD; i++) {
        int64_t sum = 0;
        for (size_t k = 0; calls[i].gone && k < CROWD; k++)
            if (calls[k].gone && calls[k].slot <= calls[i].slot &&
                calls[k].slot > calls[i].slot - 60)
                sum += calls[k].used;
        assert_true(sum <= CROWD_LIMIT);
    }
}

static void step_crowd(astore_fixture *f, const gc_task *task, crowd_call *calls)
{
    for (size_t i = 0; i < CROWD; i++) {
        crowd_call *c = &calls[i];
        if (c->gone || c->dead || !may_go(f, task, SHORT_MS, &c->booked))
            continue;
        c->gone = true;
        c->slot = c->booked.slot;
        use_less(f, task, SHORT_MS, &c->booked, c->used);
    }
}

/* Calls of all sizes that take less than they book, and every fifth dies while it waits: all
 * others go, and no window holds more than the limit. */
static void test_limit_crowd_gets_through(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    crowd_call calls[CROWD] = { 0 };
    uint32_t dice = 20261123;
    learn_output(f, &task, SHORT_MS, CROWD_LIMIT);
    for (size_t i = 0; i < CROWD; i++) {
        dice = dice * 1664525 + 1013904223;
        int64_t size = 50 + dice % 400;
        calls[i] = (crowd_call){ .booked = { .requests = 1, .output = size },
                                 .used = size * (int64_t)(dice >> 24) / 256 };
        if (may_go(f, &task, SHORT_MS, &calls[i].booked)) {
            calls[i].gone = true;
            calls[i].slot = calls[i].booked.slot;
            calls[i].used = size;
        } else {
            calls[i].dead = i % 5 == 4;
        }
    }
    int64_t end = gc_clock_ms() + TEST_WAIT_MS;
    for (size_t left = CROWD; left;) {
        assert_true(gc_clock_ms() < end);
        step_crowd(f, &task, calls);
        left = 0;
        for (size_t i = 0; i < CROWD; i++)
            left += !calls[i].gone && !calls[i].dead;
    }
    expect_no_window_full(calls);
    sample_task_release(&task);
}

/* Corrections of one turn of the loop are one request for each slot. */
static void test_limit_corrections_of_a_slot_add_up(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_booking want = { .requests = 1, .input = 1000 };
    gc_booking error = { .input = -300 };
    error.slot = take_limit(f, &task, "key1", GC_LIMIT_WINDOW_MS, &want).slot;
    for (int i = 0; i < 3; i++)
        gc_astore_limit_settle(f->store, &task, "key1", GC_LIMIT_WINDOW_MS, &error);
    assert_int_equal(gc_astore_pending(f->store), 1);
    error.slot += 5;
    error.input = 40;
    gc_astore_limit_settle(f->store, &task, "key1", GC_LIMIT_WINDOW_MS, &error);
    gc_astore_limit_settle(f->store, &task, "key2", GC_LIMIT_WINDOW_MS, &error);
    assert_int_equal(gc_astore_pending(f->store), 3);
    must_settle_down(f);
    const char *key = "gc:limit:anthropic:claude-sonnet-5-5:key1";
    long long late = error.slot;
    char *first = must_redis_text(f->redis, "HGET %s i%lld", key, late - 5);
    char *second = must_redis_text(f->redis, "HGET %s i%lld", key, late);
    assert_string_equal(first, "100");
    assert_string_equal(second, "40");
    free(first);
    free(second);
    sample_task_release(&task);
}

static void test_limit_close_drops_what_was_gathered(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_booking error = { .slot = 1, .input = 10 };
    gc_astore_limit_settle(f->store, &task, "key1", GC_LIMIT_WINDOW_MS, &error);
    gc_astore_model_add(f->store, "m", 4.0, 0.01);
    gc_astore_close(&f->store);
    f->store = must_astore_open(f, f->redis->url);
    sample_task_release(&task);
}

/* As used all along the minute before: room comes back little by little, as with a bucket. */
static void test_limit_use_by_others_counts(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_limits told = { .requests = 50, .requests_left = 0, .input = -1, .output = -1 };
    gc_booking want = { .requests = 1 };
    assert_int_equal(take_limit(f, &task, "key1", 1000, &want).wait_ms, 0);
    gc_astore_limit_learn(f->store, &task, "key1", 1000, &told);
    assert_true(take_limit(f, &task, "key1", 1000, &want).wait_ms > 0);
    assert_true(must_redis_int(f->redis, "HLEN " KEY1) >= 20);
    sample_task_release(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_limit_pause_holds_for_all_with_the_key, astore_flush),
        cmocka_unit_test_setup(test_limit_line_is_served_in_order, astore_flush),
        cmocka_unit_test_setup(test_limit_room_given_back_is_used_at_once, astore_flush),
        cmocka_unit_test_setup(test_limit_long_call_counts_when_it_streamed,
                               astore_flush),
        cmocka_unit_test_setup(test_limit_waits_are_short, astore_flush),
        cmocka_unit_test_setup(test_limit_line_outlives_its_dead, astore_flush),
        cmocka_unit_test_setup(test_limit_booking_holds_until_a_pause, astore_flush),
        cmocka_unit_test_setup(test_limit_holds_for_bookings_made_before_it_was_known,
                               astore_flush),
        cmocka_unit_test_setup(test_limit_crowd_gets_through, astore_flush),
        cmocka_unit_test_setup(test_limit_corrections_of_a_slot_add_up, astore_flush),
        cmocka_unit_test_setup(test_limit_close_drops_what_was_gathered, astore_flush),
        cmocka_unit_test_setup(test_limit_use_by_others_counts, astore_flush),
    };
    return cmocka_run_group_tests_name("store_async_limit", tests, astore_setup,
                                       astore_teardown);
}
