/* Runs of one source as they end: states, and rows that are believed late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/ingestd/source_run.h"

#include <string.h>

static bool
run(struct source_run *run, const char *reason, size_t rows, size_t before)
{
    source_run_begin(run, 1000);
    assert_int_equal(run->state, SOURCE_RUN_FETCHING);
    return source_run_end(run,
                          &(struct source_run_end){SOURCE_OPENROUTER, reason,
                                                   rows, before, 1500});
}

static void
a_good_run_is_done_and_a_failed_one_says_why(void **state)
{
    struct source_run one = {.rows = 0};
    (void)state;
    assert_true(run(&one, "", 342, 0));
    assert_int_equal(one.state, SOURCE_RUN_DONE);
    assert_int_equal(one.ended - one.began, 500);
    assert_false(run(&one, "it is away", 0, 0));
    assert_int_equal(one.state, SOURCE_RUN_FAILED);
    assert_string_equal(one.reason, "it is away");
    assert_true(run(&one, "", 342, 0));
    assert_string_equal(one.reason, "");
}

static void
suddenly_few_rows_are_believed_when_they_stay(void **state)
{
    struct source_run one = {.rows = 0};
    (void)state;
    assert_true(run(&one, "", 342, 0));
    assert_false(run(&one, "", 100, 0));
    assert_string_equal(one.reason, "100 rows where 342 were: believed when "
                                    "it was seen 3 times in a row");
    assert_false(run(&one, "", 100, 0));
    assert_true(run(&one, "", 100, 0));
    assert_true(run(&one, "", 90, 0));
}

static void
a_full_run_in_between_starts_the_count_anew(void **state)
{
    struct source_run one = {.rows = 0};
    (void)state;
    assert_true(run(&one, "", 342, 0));
    assert_false(run(&one, "", 100, 0));
    assert_false(run(&one, "", 100, 0));
    assert_true(run(&one, "", 340, 0));
    assert_false(run(&one, "", 100, 0));
    assert_false(run(&one, "", 100, 0));
    /* A failure says nothing about rows. */
    assert_false(run(&one, "it is away", 0, 0));
    assert_true(run(&one, "", 100, 0));
}

static void
the_first_run_is_measured_by_what_was_known_before(void **state)
{
    struct source_run known = {.rows = 0}, unknown = {.rows = 0};
    struct source_run small = {.rows = 0};
    (void)state;
    assert_false(run(&known, "", 3, 342));
    assert_true(run(&unknown, "", 3, 0));
    assert_true(run(&small, "", 3, 19)); /* too small to judge by */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_run_is_done_and_a_failed_one_says_why),
        cmocka_unit_test(suddenly_few_rows_are_believed_when_they_stay),
        cmocka_unit_test(a_full_run_in_between_starts_the_count_anew),
        cmocka_unit_test(the_first_run_is_measured_by_what_was_known_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
