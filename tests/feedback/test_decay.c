/* feedback/decay: what an event still weighs. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "feedback/decay.h"

#include <math.h>
#include <stdbool.h>

#define TODAY 20000

static bool
is_near(uint64_t weight, double wanted)
{
    return fabs(decay_mass(weight) - wanted) <= 1e-10;
}

static void
today_weighs_one(void **state)
{
    (void)state;
    assert_true(decay_weight(DECAY_PERSONAL, TODAY, TODAY) == DECAY_ONE);
    assert_true(decay_mass(DECAY_ONE) == 1);
    assert_true(decay_mass(3 * DECAY_ONE) == 3);
}

static void
a_half_life_halves_exactly(void **state)
{
    (void)state;
    assert_true(decay_weight(DECAY_PERSONAL, TODAY - 60, TODAY) ==
                DECAY_ONE / 2);
    assert_true(decay_weight(DECAY_PERSONAL, TODAY - 120, TODAY) ==
                DECAY_ONE / 4);
    assert_true(decay_weight(DECAY_COMMUNITY, TODAY - 120, TODAY) ==
                DECAY_ONE / 2);
}

/* The literals of the daily factors belong to the half-lives. */
static void
every_day_follows_the_exponential(void **state)
{
    (void)state;
    for (int age = 0; age < 1200; age++) {
        assert_true(is_near(decay_weight(DECAY_PERSONAL, TODAY - age, TODAY),
                            exp2(-age / 60.0)));
        assert_true(is_near(decay_weight(DECAY_COMMUNITY, TODAY - age, TODAY),
                            exp2(-age / 120.0)));
    }
}

static void
a_day_to_come_counts_as_today(void **state)
{
    (void)state;
    assert_true(decay_weight(DECAY_PERSONAL, TODAY + 5, TODAY) == DECAY_ONE);
    assert_true(decay_weight(DECAY_PERSONAL, INT32_MAX, INT32_MIN) ==
                DECAY_ONE);
}

static void
the_distant_past_weighs_nothing(void **state)
{
    (void)state;
    assert_true(decay_weight(DECAY_PERSONAL, TODAY - 36 * 60 + 1, TODAY) > 0);
    assert_true(decay_weight(DECAY_PERSONAL, TODAY - 36 * 60, TODAY) == 0);
    assert_true(decay_weight(DECAY_PERSONAL, UTC_DAY_NONE, TODAY) == 0);
    assert_true(decay_weight(DECAY_COMMUNITY, INT32_MIN, INT32_MAX) == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(today_weighs_one),
        cmocka_unit_test(a_half_life_halves_exactly),
        cmocka_unit_test(every_day_follows_the_exponential),
        cmocka_unit_test(a_day_to_come_counts_as_today),
        cmocka_unit_test(the_distant_past_weighs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
