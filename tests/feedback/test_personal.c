/* feedback/personal: a tenant's ratings as one cell. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "feedback/personal.h"

#include <math.h>
#include <string.h>

#define TODAY 20000

static struct personal_cell
fold(const struct rating *ratings, size_t count, double baseline)
{
    struct personal_cell cell = {0};
    assert_int_equal(personal_fold(ratings, count, baseline, TODAY, &cell),
                     STATUS_OK);
    return cell;
}

static void
three_fives_of_a_new_rater_shift_by_a_quarter(void **state)
{
    static const struct rating fives[] = {{TODAY, 5}, {TODAY, 5}, {TODAY, 5}};
    struct personal_cell cell = fold(fives, 3, personal_baseline(0, 0));
    (void)state;
    assert_true(cell.mass == 3);
    assert_true(cell.shift == 0.25);
    assert_int_equal(cell.ratings, 3);
}

static void
someone_who_gives_everything_a_four_moves_nothing(void **state)
{
    struct rating fours[10];
    (void)state;
    for (int i = 0; i < 10; i++)
        fours[i] = (struct rating){TODAY - 7 * i, 4};
    assert_true(personal_baseline(40, 10) == 4);
    struct personal_cell cell = fold(fours, 10, personal_baseline(40, 10));
    assert_true(cell.shift == 0);
    assert_true(cell.mass > 7 && cell.mass < 10);
}

static void
the_baseline_starts_at_four_and_goes_to_what_is_given(void **state)
{
    (void)state;
    assert_true(personal_baseline(0, 0) == 4);
    assert_true(personal_baseline(40, 8) == 4.5); /* half way at eight */
    assert_true(personal_baseline(8, 8) == 2.5);
    assert_true(personal_baseline(UINT64_C(5000000), 1000000) > 4.99999);
    assert_true(personal_baseline(UINT64_C(5000000), 1000000) < 5);
}

static void
a_newer_rating_counts_more(void **state)
{
    static const struct rating old_one[] = {{TODAY, 5}, {TODAY - 60, 2}};
    struct personal_cell cell = fold(old_one, 2, 4);
    (void)state;
    assert_true(cell.mass == 1.5);
    assert_true(fabs(cell.shift - ((5 + 0.5 * 2) / 1.5 - 4) / 4) < 1e-15);
}

static void
the_order_of_ratings_does_not_matter_to_the_bit(void **state)
{
    struct rating ratings[97];
    struct rating mixed[97];
    (void)state;
    for (size_t i = 0; i < 97; i++)
        ratings[i] = (struct rating){TODAY - (utc_day)(i * i % 500),
                                     (uint8_t)(1 + i * 7 % 5)};
    struct personal_cell first = fold(ratings, 97, 3.7);
    for (size_t step = 1; step < 97; step++) { /* 97 is prime */
        for (size_t i = 0; i < 97; i++)
            mixed[i] = ratings[(i * step + step) % 97];
        struct personal_cell again = fold(mixed, 97, 3.7);
        assert_true(again.mass == first.mass && again.shift == first.shift);
    }
}

static void
the_shift_stays_within_one(void **state)
{
    static const struct rating five = {TODAY, 5};
    static const struct rating one = {TODAY, 1};
    (void)state;
    assert_true(fold(&five, 1, 1).shift == 1);
    assert_true(fold(&one, 1, 5).shift == -1);
}

static void
a_rating_dated_after_today_counts_as_todays(void **state)
{
    static const struct rating early = {TODAY + 1, 5};
    (void)state;
    assert_true(fold(&early, 1, 4).mass == 1);
}

static void
ratings_too_old_to_weigh_leave_a_cell_of_no_mass(void **state)
{
    static const struct rating ancient = {TODAY - 10000, 1};
    struct personal_cell cell = fold(&ancient, 1, 4);
    (void)state;
    assert_true(cell.mass == 0 && cell.shift == 0);
    assert_int_equal(cell.ratings, 1);
}

static void
bad_stars_are_refused_and_the_cell_is_untouched(void **state)
{
    struct rating ratings[] = {{TODAY, 5}, {TODAY, 0}};
    struct personal_cell cell = {.mass = 7, .shift = 0.5, .ratings = 9};
    (void)state;
    assert_int_equal(personal_fold(ratings, 2, 4, TODAY, &cell),
                     STATUS_INVALID_ARGUMENT);
    ratings[1].stars = 6;
    assert_int_equal(personal_fold(ratings, 2, 4, TODAY, &cell),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(personal_fold(ratings, 1, NAN, TODAY, &cell),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(personal_fold(ratings, 1, 5.1, TODAY, &cell),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(personal_fold(ratings, 0, 4, TODAY, &cell),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(
        personal_fold(ratings, PERSONAL_RATINGS_MAX + 1, 4, TODAY, &cell),
        STATUS_RESOURCE_EXHAUSTED);
    assert_true(cell.mass == 7 && cell.shift == 0.5 && cell.ratings == 9);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_fives_of_a_new_rater_shift_by_a_quarter),
        cmocka_unit_test(someone_who_gives_everything_a_four_moves_nothing),
        cmocka_unit_test(the_baseline_starts_at_four_and_goes_to_what_is_given),
        cmocka_unit_test(a_newer_rating_counts_more),
        cmocka_unit_test(the_order_of_ratings_does_not_matter_to_the_bit),
        cmocka_unit_test(the_shift_stays_within_one),
        cmocka_unit_test(a_rating_dated_after_today_counts_as_todays),
        cmocka_unit_test(ratings_too_old_to_weigh_leave_a_cell_of_no_mass),
        cmocka_unit_test(bad_stars_are_refused_and_the_cell_is_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
