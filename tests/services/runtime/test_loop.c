/* The loop: descriptors, timers that are never early, signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/loop.h"

#include <signal.h>
#include <unistd.h>

struct seen {
    struct loop *loop;
    struct loop_timer *timer;
    unsigned fired, reads;
    int64_t at_us;
    int fd;
};

static int
set_up(void **state)
{
    static struct seen seen;
    seen = (struct seen){.loop = loop_new()};
    assert_non_null(seen.loop);
    *state = &seen;
    return 0;
}

static int
tear_down(void **state)
{
    struct seen *seen = *state;
    loop_timer_free(&seen->timer);
    loop_free(&seen->loop);
    assert_null(seen->loop);
    return 0;
}

static void
on_fire(void *context)
{
    struct seen *seen = context;
    seen->fired++;
    seen->at_us = loop_now_us(seen->loop);
    loop_stop(seen->loop);
}

static void
on_again(void *context)
{
    struct seen *seen = context;
    if (++seen->fired < 100)
        loop_timer_start(seen->timer, 0);
}

/* A long callback, at the end of which a timer of 10 ms is started: the time
 * that libevent remembers is 20 ms old then. */
static void
on_long(void *context)
{
    struct seen *seen = context;
    int64_t until_us = loop_now_us(seen->loop) + 20000;
    while (loop_now_us(seen->loop) < until_us)
        continue;
    loop_timer_start(seen->timer, 10);
}

static void
on_ready(void *context, bool readable, bool writable)
{
    struct seen *seen = context;
    char byte;
    assert_true(readable && !writable);
    assert_int_equal(read(seen->fd, &byte, 1), 1);
    seen->reads++;
    loop_stop(seen->loop);
}

static void
a_timer_fires_once_and_never_early(void **state)
{
    struct seen *seen = *state;
    assert_int_equal(loop_timer_new(seen->loop, on_fire, seen, &seen->timer),
                     STATUS_OK);
    for (ms_dur after = 1; after < 20; after++) {
        int64_t before_us = loop_now_us(seen->loop);
        seen->fired = 0;
        loop_timer_start(seen->timer, after);
        loop_run(seen->loop);
        assert_int_equal(seen->fired, 1);
        assert_true(seen->at_us - before_us >= after * 1000);
        assert_true(seen->at_us - before_us < (after + 1000) * 1000);
    }
}

static void
a_timer_started_by_a_long_callback_is_not_early_either(void **state)
{
    struct seen *seen = *state;
    struct loop_timer *first;
    assert_int_equal(loop_timer_new(seen->loop, on_fire, seen, &seen->timer),
                     STATUS_OK);
    assert_int_equal(loop_timer_new(seen->loop, on_long, seen, &first),
                     STATUS_OK);
    int64_t before_us = loop_now_us(seen->loop);
    loop_timer_start(first, 0);
    loop_run(seen->loop);
    assert_true(seen->at_us - before_us >= 30000);
    loop_timer_free(&first);
}

static void
starting_a_timer_again_moves_it_and_stopping_ends_it(void **state)
{
    struct seen *seen = *state;
    struct loop_timer *stop;
    assert_int_equal(loop_timer_new(seen->loop, on_fire, seen, &seen->timer),
                     STATUS_OK);
    assert_int_equal(
        loop_timer_new(seen->loop, (loop_fn)loop_stop, seen->loop, &stop),
        STATUS_OK);
    int64_t before_us = loop_now_us(seen->loop);
    loop_timer_start(seen->timer, 1);
    loop_timer_start(seen->timer, 30);
    loop_run(seen->loop);
    assert_true(seen->at_us - before_us >= 30000);
    loop_timer_start(seen->timer, 1);
    loop_timer_stop(seen->timer);
    loop_timer_start(stop, 20);
    loop_run(seen->loop);
    assert_int_equal(seen->fired, 1);
    loop_timer_free(&stop);
    assert_null(stop);
}

static void
a_readable_descriptor_calls_back_until_it_is_read(void **state)
{
    struct seen *seen = *state;
    struct loop_watch *watch;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    seen->fd = ends[0];
    assert_int_equal(loop_watch_new(seen->loop, ends[0], true, false, on_ready,
                                    seen, &watch),
                     STATUS_OK);
    assert_int_equal(write(ends[1], "ab", 2), 2);
    loop_run(seen->loop);
    loop_run(seen->loop);
    assert_int_equal(seen->reads, 2);
    loop_watch_free(&watch);
    assert_null(watch);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
a_watch_may_be_paused(void **state)
{
    struct seen *seen = *state;
    struct loop_watch *watch;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    seen->fd = ends[0];
    assert_int_equal(loop_watch_new(seen->loop, ends[0], true, false, on_ready,
                                    seen, &watch),
                     STATUS_OK);
    assert_int_equal(loop_timer_new(seen->loop, on_fire, seen, &seen->timer),
                     STATUS_OK);
    loop_watch_set(watch, false, false);
    assert_int_equal(write(ends[1], "a", 1), 1);
    loop_timer_start(seen->timer, 20);
    loop_run(seen->loop);
    assert_int_equal(seen->reads, 0);
    loop_watch_set(watch, true, false);
    loop_run(seen->loop);
    assert_int_equal(seen->reads, 1);
    loop_watch_free(&watch);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
a_timer_of_0_ms_that_starts_itself_starves_nobody(void **state)
{
    struct seen *seen = *state;
    struct loop_watch *watch;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    seen->fd = ends[0];
    assert_int_equal(loop_timer_new(seen->loop, on_again, seen, &seen->timer),
                     STATUS_OK);
    assert_int_equal(loop_watch_new(seen->loop, ends[0], true, false, on_ready,
                                    seen, &watch),
                     STATUS_OK);
    loop_timer_start(seen->timer, 0);
    assert_int_equal(write(ends[1], "a", 1), 1);
    loop_run(seen->loop);
    assert_int_equal(seen->reads, 1);
    assert_true(seen->fired < 100);
    loop_watch_free(&watch);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
a_signal_calls_back_in_the_loop(void **state)
{
    struct seen *seen = *state;
    assert_int_equal(loop_on_signal(seen->loop, SIGUSR1, on_fire, seen),
                     STATUS_OK);
    assert_int_equal(raise(SIGUSR1), 0);
    loop_run(seen->loop);
    assert_int_equal(seen->fired, 1);
}

static void
clocks_agree_in_their_units(void **state)
{
    struct seen *seen = *state;
    ms_time ms = loop_now(seen->loop);
    int64_t us = loop_now_us(seen->loop);
    assert_in_range(us / 1000 - ms, 0, 1000);
    assert_true(loop_wall(seen->loop) > 1700000000000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_timer_fires_once_and_never_early),
        TEST(a_timer_started_by_a_long_callback_is_not_early_either),
        TEST(starting_a_timer_again_moves_it_and_stopping_ends_it),
        TEST(a_readable_descriptor_calls_back_until_it_is_read),
        TEST(a_watch_may_be_paused),
        TEST(a_timer_of_0_ms_that_starts_itself_starves_nobody),
        TEST(a_signal_calls_back_in_the_loop),
        TEST(clocks_agree_in_their_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
