/* Standstills as times that are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/stall.h"

#define START 1000000

static void
a_steady_pulse_loses_nothing(void **state)
{
    (void)state;
    struct stall stall;
    ms_time now = START;
    stall_init(&stall, now);
    for (int i = 0; i < 20; i++) {
        now += STALL_EVERY_MS + i; /* a little late */
        assert_int_equal(stall_lost(&stall, now), 0);
        stall_see(&stall, now);
        assert_int_equal(stall_lost(&stall, now), 0);
    }
}

static void
a_busy_machine_is_no_standstill(void **state)
{
    (void)state;
    struct stall stall;
    stall_init(&stall, START);
    ms_time now = START + STALL_EVERY_MS + STALL_LEAST_MS - 1;
    assert_int_equal(stall_lost(&stall, now), 0);
    stall_see(&stall, now);
    assert_int_equal(stall_lost(&stall, now), 0);
}

static void
what_is_read_after_a_standstill_may_be_so_old(void **state)
{
    (void)state;
    struct stall stall;
    stall_init(&stall, START);
    ms_time now = START + STALL_EVERY_MS + 7000;
    assert_int_equal(stall_lost(&stall, now), 7000); /* before the pulse */
    stall_see(&stall, now);
    assert_int_equal(stall_lost(&stall, now), 7000); /* and after it */
    now += STALL_AFTER_MS - 1;
    assert_int_equal(stall_lost(&stall, now), 7000);
    stall_see(&stall, now);
    assert_int_equal(stall_lost(&stall, now), 7000);
}

static void
a_moment_later_nothing_is_old_any_more(void **state)
{
    (void)state;
    struct stall stall;
    stall_init(&stall, START);
    ms_time now = START + 60000;
    stall_see(&stall, now);
    now += STALL_AFTER_MS;
    assert_int_equal(stall_lost(&stall, now), 0);
    stall_see(&stall, now);
    assert_int_equal(stall_lost(&stall, now), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_pulse_loses_nothing),
        cmocka_unit_test(a_busy_machine_is_no_standstill),
        cmocka_unit_test(what_is_read_after_a_standstill_may_be_so_old),
        cmocka_unit_test(a_moment_later_nothing_is_old_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
