/* Days and timestamps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/base/utc.h"

static void
dates_become_days_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        utc_day day;
    } rows[] = {
        {"1970-01-01", 0},     {"1970-12-31", 364},     {"1972-02-29", 789},
        {"1999-12-31", 10956}, {"2000-02-29", 11016},   {"2000-03-01", 11017},
        {"2024-02-29", 19782}, {"2026-07-22", 20656},   {"2100-02-28", 47540},
        {"2100-03-01", 47541}, {"9999-12-31", 2932896},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        utc_day day = -1;
        assert_int_equal(utc_day_parse(slice_of(rows[i].text), &day),
                         STATUS_OK);
        assert_int_equal(day, rows[i].day);
        char text[11];
        utc_day_format(day, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void
every_day_of_five_centuries_reads_back(void **state)
{
    (void)state;
    for (utc_day day = 0; day < 200000; day++) {
        char text[11];
        utc_day_format(day, text);
        utc_day back = -1;
        assert_int_equal(utc_day_parse(slice_of(text), &back), STATUS_OK);
        assert_int_equal(back, day);
    }
}

static void
dates_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "2023-02-29", "2100-02-29", "2026-13-01",  "2026-00-10", "2026-04-31",
        "2026-01-00", "1969-12-31", "2026-7-22",   "2026/07/22", "20260722",
        "2026-07-2x", "",           "2026-07-22 ", "-026-07-22", "2026-07-+2",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        utc_day day = 42;
        assert_int_equal(utc_day_parse(slice_of(rows[i]), &day),
                         STATUS_INVALID_ARGUMENT);
        assert_int_equal(day, 42);
    }
    assert_int_equal(utc_day_from_date(2023, 2, 29), UTC_DAY_NONE);
    assert_int_equal(utc_day_from_date(10000, 1, 1), UTC_DAY_NONE);
}

static void
timestamps_are_read_in_every_allowed_shape(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ms_time time;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-07-22T10:11:12.123Z", 1784715072123},
        {"2026-07-22T10:11:12.123", 1784715072123},
        {"2026-07-22T12:11:12.123+02:00", 1784715072123},
        {"2026-07-22T04:41:12.123-05:30", 1784715072123},
        {"2026-07-22T10:11:12.1Z", 1784715072100},
        {"2026-07-22T10:11:12.123999999Z", 1784715072123},
        {"2026-07-22T23:59:59", 1784764799000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ms_time time = -1;
        assert_int_equal(utc_parse(slice_of(rows[i].text), &time), STATUS_OK);
        assert_true(time == rows[i].time);
    }
}

static void
broken_timestamps_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "2026-07-22",
        "2026-07-22T",
        "2026-07-22T10:11",
        "2026-07-22T24:00:00Z",
        "2026-07-22T10:60:00Z",
        "2026-07-22T10:11:60Z",
        "2026-07-22T10:11:12.Z",
        "2026-07-22T10:11:12.1234567890Z",
        "2026-07-22T10:11:12z",
        "2026-07-22T10:11:12+2:00",
        "2026-07-22T10:11:12+0200",
        "2026-07-22T10:11:12+24:00",
        "2026-07-22T10:11:12ZZ",
        "2026-07-22 10:11:12Z",
        "2026-02-29T10:11:12Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ms_time time = 42;
        assert_int_equal(utc_parse(slice_of(rows[i]), &time),
                         STATUS_INVALID_ARGUMENT);
        assert_int_equal(time, 42);
    }
}

static void
timestamps_are_printed_with_milliseconds(void **state)
{
    (void)state;
    char text[UTC_TEXT_MAX];
    utc_format(1784715072123, text);
    assert_string_equal(text, "2026-07-22T10:11:12.123Z");
    utc_format(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    utc_format(-5, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    utc_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void
days_begin_at_midnight_also_before_the_epoch(void **state)
{
    (void)state;
    assert_int_equal(utc_day_of(0), 0);
    assert_int_equal(utc_day_of(UTC_MS_PER_DAY - 1), 0);
    assert_int_equal(utc_day_of(UTC_MS_PER_DAY), 1);
    assert_int_equal(utc_day_of(-1), -1);
    assert_int_equal(utc_day_of(-UTC_MS_PER_DAY), -1);
    assert_true(utc_day_start(20656) == 20656 * (ms_time)UTC_MS_PER_DAY);
}

static void
weeks_begin_on_monday(void **state)
{
    (void)state;
    /* 2026-07-20 is a Monday. */
    utc_day monday = utc_day_from_date(2026, 7, 20);
    for (utc_day day = monday; day < monday + 7; day++)
        assert_int_equal(utc_week_start(day), monday);
    assert_int_equal(utc_week_start(monday - 1), monday - 7);
    assert_int_equal(utc_week_start(0), -3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_become_days_and_back),
        cmocka_unit_test(every_day_of_five_centuries_reads_back),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(timestamps_are_read_in_every_allowed_shape),
        cmocka_unit_test(broken_timestamps_are_refused),
        cmocka_unit_test(timestamps_are_printed_with_milliseconds),
        cmocka_unit_test(days_begin_at_midnight_also_before_the_epoch),
        cmocka_unit_test(weeks_begin_on_monday),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
