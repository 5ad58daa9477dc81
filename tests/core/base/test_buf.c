/* The buffer: growth, limits, and numbers that look the same everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

static void
what_is_put_stands_one_behind_the_other(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    assert_string_equal(buf_text(&buf), "");
    buf_put_text(&buf, "a=");
    buf_put_u64(&buf, UINT64_MAX);
    buf_put_char(&buf, ' ');
    buf_put_i64(&buf, INT64_MIN);
    buf_put_slice(&buf, SLICE(" x"));
    buf_put_hex(&buf, 0xbeef, 8);
    buf_putf(&buf, " %s-%03d", "row", 7);
    assert_string_equal(buf_text(&buf), "a=18446744073709551615 "
                                        "-9223372036854775808 x0000beef "
                                        "row-007");
    assert_true(buf_ok(&buf));
    buf_fini(&buf);
}

static void
bytes_are_kept_as_they_are(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    buf_put(&buf, "a\0b", 3);
    buf_put(&buf, NULL, 0);
    assert_true(slice_eq(buf_slice(&buf), slice_make("a\0b", 3)));
    buf_fini(&buf);
}

static void
the_maximum_is_exact_and_passing_it_is_sticky(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5);
    buf_put_text(&buf, "abcde");
    assert_true(buf_ok(&buf));
    buf_put_char(&buf, 'f');
    assert_false(buf_ok(&buf));
    assert_string_equal(buf_text(&buf), "abcde");
    buf_put(&buf, "", 0);
    assert_null(buf_reserve(&buf, 0));
    buf_reset(&buf);
    assert_true(buf_ok(&buf));
    buf_putf(&buf, "%d", 123456);
    assert_false(buf_ok(&buf));
    assert_string_equal(buf_text(&buf), "");
    buf_fini(&buf);
}

static void
a_number_that_does_not_fit_is_not_cut(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 3);
    buf_put_i64(&buf, -1234);
    assert_false(buf_ok(&buf));
    assert_string_equal(buf_text(&buf), "");
    buf_reset(&buf);
    buf_put_i64(&buf, -12);
    assert_true(buf_ok(&buf));
    assert_string_equal(buf_text(&buf), "-12");
    buf_fini(&buf);
}

static void
sizes_that_wrap_around_are_an_overflow(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, SIZE_MAX);
    buf_put_char(&buf, 'a');
    assert_null(buf_reserve(&buf, SIZE_MAX));
    buf_reset(&buf);
    assert_null(buf_reserve(&buf, SIZE_MAX - 1));
    assert_false(buf_ok(&buf));
    buf_fini(&buf);
}

static void
reserved_room_is_written_by_the_caller(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000);
    for (int i = 0; i < 1000; i++) {
        char *end = buf_reserve(&buf, 64);
        for (int digit = 0; digit < 10; digit++)
            end[digit] = (char)('0' + digit);
        buf_advance(&buf, 10);
    }
    assert_int_equal(buf.len, 10000);
    assert_int_equal(strlen(buf_text(&buf)), 10000);
    buf_fini(&buf);
}

static void
assert_double(double value, const char *expected)
{
    struct buf buf;
    buf_init(&buf, 100);
    buf_put_double(&buf, value);
    assert_true(buf_ok(&buf));
    assert_string_equal(buf_text(&buf), expected);
    double back = 1;
    assert_int_equal(text_double(buf_slice(&buf), &back), STATUS_OK);
    assert_memory_equal(&back, &value, sizeof value);
    buf_fini(&buf);
}

static void
doubles_are_printed_in_the_shortest_form(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {5, "5"},
        {-17, "-17"},
        {0.1, "0.1"},
        {-0.000001, "-0.000001"},
        {999999999.999999, "999999999.999999"},
        {1000000000.5, "1000000000.5"},
        {100, "100"},
        {120.5, "120.5"},
        {0.3, "0.3"},
        {0.1 + 0.2, "0.30000000000000004"},
        {87.43, "87.43"},
        {-2.5, "-2.5"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {123456789012345680.0, "123456789012345680"},
        {9007199254740993.0, "9007199254740992"},
        {1e15, "1000000000000000"},
        {1e20, "100000000000000000000"},
        {1e21, "1e21"},
        {1.5e300, "1.5e300"},
        {0.000001, "0.000001"},
        {0.00000123, "0.00000123"},
        {1e-7, "1e-7"},
        {DBL_MAX, "1.7976931348623157e308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {1e-320, "1e-320"},
        /* Powers of two, where the nearest 16 digits do not read back. */
        {0x1p-44, "5.684341886080802e-14"},
        {0x1p-1074 * 8, "4e-323"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_double(rows[i].value, rows[i].text);
}

/* xorshift64: every bit pattern may come. */
static uint64_t
next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void
every_double_reads_back_as_itself(void **state)
{
    (void)state;
    uint64_t seed = 0x9e3779b97f4a7c15;
    struct buf buf;
    buf_init(&buf, 100);
    for (int i = 0; i < 50000; i++) {
        uint64_t bits = next_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        buf_reset(&buf);
        buf_put_double(&buf, value);
        double back = 0;
        assert_int_equal(text_double(buf_slice(&buf), &back), STATUS_OK);
        assert_memory_equal(&back, &value, sizeof value);
    }
    buf_fini(&buf);
}

/* Numbers with 1 to 8 decimals, and their neighbours, against the digits
 * they were made of. */
static void
numbers_with_few_decimals_are_short(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int i = 0; i < 50000; i++) {
        uint64_t random = next_random(&seed);
        int decimals = (int)(random % 8);
        char text[32];
        (void)snprintf(text, sizeof text, "%s%u.%0*u1", random & 8 ? "-" : "",
                       (unsigned)(random >> 40), decimals,
                       (unsigned)(random >> 32) % 10);
        double value = 0;
        assert_int_equal(text_double(slice_of(text), &value), STATUS_OK);
        assert_double(value, text);
        struct buf buf;
        buf_init(&buf, 100);
        buf_put_double(&buf, nextafter(value, 0));
        double back = 0;
        assert_int_equal(text_double(buf_slice(&buf), &back), STATUS_OK);
        assert_true(back == nextafter(value, 0));
        buf_fini(&buf);
    }
}

static void
what_is_no_number_fails_the_buffer(void **state)
{
    (void)state;
    static const double values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct buf buf;
        buf_init(&buf, 100);
        buf_put_double(&buf, values[i]);
        assert_false(buf_ok(&buf));
        buf_reset(&buf);
        buf_put_fixed(&buf, values[i], 2);
        assert_false(buf_ok(&buf));
        buf_fini(&buf);
    }
}

static void
fixed_places_round_half_away_from_zero(void **state)
{
    (void)state;
    static const struct {
        double value;
        unsigned decimals;
        const char *text;
    } rows[] = {
        {0.125, 2, "0.13"},
        {-0.125, 2, "-0.13"},
        {0.375, 2, "0.38"},
        {2.5, 0, "3"},
        {3.5, 0, "4"},
        {-2.5, 0, "-3"},
        {0.5, 0, "1"},
        {1.005, 2, "1.00"}, /* the double lies below 1.005 */
        {99.995, 1, "100.0"},
        {-0.001, 2, "0.00"},
        {-0.0, 0, "0"},
        {1e22, 1, "10000000000000000000000.0"},
        {1234.56789, 9, "1234.567890000"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf buf;
        buf_init(&buf, 400);
        buf_put_fixed(&buf, rows[i].value, rows[i].decimals);
        assert_string_equal(buf_text(&buf), rows[i].text);
        buf_fini(&buf);
    }
    struct buf buf;
    buf_init(&buf, 400);
    buf_put_fixed(&buf, -DBL_MAX, 9);
    assert_int_equal(buf.len, 1 + 309 + 1 + 9);
    buf_fini(&buf);
}

static void
numbers_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    /* One with a decimal comma, whichever the machine has. */
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8",
                                        "fr_FR.UTF-8", "de_DE"};
    locale_t comma = (locale_t)0;
    for (size_t i = 0; i < ARRAY_LEN(names) && comma == (locale_t)0; i++)
        comma = newlocale(LC_ALL_MASK, names[i], (locale_t)0);
    if (comma == (locale_t)0) {
        print_message("skipped: no locale with a decimal comma is installed\n");
        skip();
    }
    locale_t before = uselocale(comma);
    assert_double(0.25, "0.25");
    assert_double(1.5e300, "1.5e300");
    struct buf buf;
    buf_init(&buf, 100);
    buf_put_fixed(&buf, 1234.5, 2);
    assert_string_equal(buf_text(&buf), "1234.50");
    buf_fini(&buf);
    (void)uselocale(before);
    freelocale(comma);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_stands_one_behind_the_other),
        cmocka_unit_test(bytes_are_kept_as_they_are),
        cmocka_unit_test(the_maximum_is_exact_and_passing_it_is_sticky),
        cmocka_unit_test(a_number_that_does_not_fit_is_not_cut),
        cmocka_unit_test(sizes_that_wrap_around_are_an_overflow),
        cmocka_unit_test(reserved_room_is_written_by_the_caller),
        cmocka_unit_test(doubles_are_printed_in_the_shortest_form),
        cmocka_unit_test(every_double_reads_back_as_itself),
        cmocka_unit_test(numbers_with_few_decimals_are_short),
        cmocka_unit_test(what_is_no_number_fails_the_buffer),
        cmocka_unit_test(fixed_places_round_half_away_from_zero),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
