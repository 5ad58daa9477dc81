/* Text from outside: UTF-8, numbers, percent-encoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void
well_formed_utf8_is_valid(void **state)
{
    (void)state;
    assert_true(text_is_utf8(SLICE("")));
    assert_true(text_is_utf8((struct slice){0}));
    assert_true(text_is_utf8(SLICE("plain")));
    assert_true(text_is_utf8(SLICE("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80")));
    assert_true(text_is_utf8(SLICE("\xed\x9f\xbf\xee\x80\x80")));
    assert_true(text_is_utf8(SLICE("\xf4\x8f\xbf\xbf")));
}

static void
malformed_utf8_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\x80",             /* a continuation alone */
        "\xc3",             /* cut */
        "\xe2\x82",         /* cut */
        "\xf0\x9f\x98",     /* cut */
        "\xc0\x80",         /* overlong NUL */
        "\xc1\xbf",         /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",     /* surrogate */
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xf5\x80\x80\x80", /* no such lead */
        "\xff",
        "\xc3(",
        "\xe2\x82(",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_false(text_is_utf8(slice_of(rows[i])));
    assert_false(text_is_utf8(slice_make("a\0b", 3)));
}

static void
a_tame_code_point_leaves_the_text_around_it(void **state)
{
    (void)state;
    static const uint32_t tame[] = {' ',    '~',     0xa0,    0xac,    0xae,
                                    0x4e2d, 0x5d0,   0x200c,  0x200d,  0x2010,
                                    0xfffd, 0x1f600, 0xe0100, 0x10ffff};
    static const uint32_t wild[] = {0,      '\n',   0x1b,   0x7f,    0x9b,
                                    0xad,   0x61c,  0x200b, 0x200e,  0x200f,
                                    0x2028, 0x2029, 0x202a, 0x202e,  0x2060,
                                    0x2066, 0x2069, 0xfeff, 0xe0001, 0xe007f};
    for (size_t i = 0; i < ARRAY_LEN(tame); i++)
        assert_true(text_is_tame(tame[i]));
    for (size_t i = 0; i < ARRAY_LEN(wild); i++)
        assert_false(text_is_tame(wild[i]));
}

/* Plain bytes are passed over eight at a time: every other byte must be seen
 * wherever it stands, alone and beside others. */
static void
an_odd_byte_is_seen_at_every_place_of_a_text(void **state)
{
    (void)state;
    char text[40];
    for (size_t len = 1; len < sizeof text; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                bool plain = byte >= 0x20 && byte < 0x7f;
                memset(text, byte % 2 ? '~' : ' ', len);
                text[at] = (char)byte;
                struct slice slice = slice_make(text, len);
                bool utf8 = byte > 0 && byte < 0x80;
                if (text_is_utf8(slice) != utf8 ||
                    text_is_plain(slice) != plain)
                    fail_msg("byte %d at %zu of %zu", byte, at, len);
                /* Alone, a byte from 0x80 on stands for U+FFFD. */
                if (text_has_control(slice, "") != (!plain && byte < 0x80))
                    fail_msg("control %d at %zu of %zu", byte, at, len);
            }
        }
    }
    assert_true(text_is_plain(SLICE("plain ~")));
    assert_false(text_is_plain(SLICE("tab\t")));
    assert_true(text_is_plain(SLICE("")));
    /* After an odd character the rest is looked at as well. */
    assert_false(text_is_utf8(SLICE("\xc3\xa4 plain again, then \xff")));
    assert_true(text_has_control(SLICE("a line\nand plain words\x01"), "\n"));
    assert_false(text_has_control(SLICE("a line\nand plain words"), "\n"));
}

static void
control_characters_are_found(void **state)
{
    (void)state;
    assert_false(text_has_control(SLICE("a\xc3\xa4\n\t"), "\n\r\t"));
    assert_true(text_has_control(SLICE("a\nb"), "\t"));
    assert_true(text_has_control(SLICE("\x7f"), "\n"));
    assert_true(text_has_control(SLICE("\xc2\x85"), "\n")); /* NEL */
    assert_true(text_has_control(slice_make("\0", 1), "\n"));
    assert_false(text_has_control(SLICE("\xc2\xa0"), "")); /* no-break space */
}

static void
code_points_come_one_by_one(void **state)
{
    (void)state;
    struct slice text = SLICE("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xffz");
    static const uint32_t codes[] = {'a', 0xe4, 0x20ac, 0x1f600, 0xfffd, 'z'};
    size_t offset = 0;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        assert_int_equal(text_next(text, &offset), codes[i]);
    assert_int_equal(offset, text.len);
}

static void
lower_case_is_ascii_and_a_copy(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64);
    struct slice lower = text_lower(arena, SLICE("GPT-4o \xc3\x84Z[@"));
    assert_true(slice_eq(lower, SLICE("gpt-4o \xc3\x84z[@")));
    assert_int_equal(text_lower(arena, slice_make("A", 100)).len, 0);
    arena_free(&arena);
}

static void
whole_numbers_are_read_to_their_limits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
        int64_t value;
    } rows[] = {
        {"0", STATUS_OK, 0},
        {"-0", STATUS_OK, 0},
        {"007", STATUS_OK, 7},
        {"9223372036854775807", STATUS_OK, INT64_MAX},
        {"-9223372036854775808", STATUS_OK, INT64_MIN},
        {"9223372036854775808", STATUS_OUT_OF_RANGE, 0},
        {"-9223372036854775809", STATUS_OUT_OF_RANGE, 0},
        {"99999999999999999999999", STATUS_OUT_OF_RANGE, 0},
        {"99999999999999999999999x", STATUS_INVALID_ARGUMENT, 0},
        {"", STATUS_INVALID_ARGUMENT, 0},
        {"-", STATUS_INVALID_ARGUMENT, 0},
        {"+4", STATUS_INVALID_ARGUMENT, 0},
        {" 4", STATUS_INVALID_ARGUMENT, 0},
        {"4 ", STATUS_INVALID_ARGUMENT, 0},
        {"0x10", STATUS_INVALID_ARGUMENT, 0},
        {"1e3", STATUS_INVALID_ARGUMENT, 0},
        {"--1", STATUS_INVALID_ARGUMENT, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = 42;
        assert_int_equal(text_i64(slice_of(rows[i].text), &value),
                         rows[i].status);
        assert_true(value ==
                    (rows[i].status == STATUS_OK ? rows[i].value : 42));
    }
    uint64_t value = 0;
    assert_int_equal(text_u64(SLICE("18446744073709551615"), &value),
                     STATUS_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(text_u64(SLICE("18446744073709551616"), &value),
                     STATUS_OUT_OF_RANGE);
    assert_int_equal(text_u64(SLICE("-1"), &value), STATUS_INVALID_ARGUMENT);
}

static void
doubles_are_read_to_the_last_bit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } rows[] = {
        {"0.1", 0.1},
        {"-2.5e3", -2500},
        {"1E+2", 100},
        {".5", 0.5},
        {"5.", 5},
        {"1e-400", 0},
        {"5e-324", 5e-324},
        {"0.30000000000000004", 0.1 + 0.2},
        {"1.7976931348623157e308", DBL_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        double value = -1;
        assert_int_equal(text_double(slice_of(rows[i].text), &value),
                         STATUS_OK);
        assert_true(value == rows[i].value);
    }
}

/* Around the place where text_double leaves strtod_l the work: 18 digits, 2^53,
 * ten to the 22. */
static void
short_and_long_doubles_are_those_of_strtod(void **state)
{
    (void)state;
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    uint64_t seed = 1;
    CHECK(locale != (locale_t)0);
    for (unsigned i = 0; i < 200000; i++) {
        char text[64];
        double value = -1;
        seed = hash_mix(seed, i);
        uint64_t whole = seed >> (10 + i % 54), fraction = seed % 1000000007;
        int exponent = (int)(seed >> 32) % 56 - 28;
        if (i % 3 == 0)
            whole = (UINT64_C(1) << 53) - 4 + seed % 8;
        (void)snprintf(text, sizeof text, "%s%llu%s%.*llue%d", i % 2 ? "-" : "",
                       (unsigned long long)whole, i % 3 ? "." : "",
                       i % 3 ? (int)(i % 11) : 0,
                       (unsigned long long)(i % 3 ? fraction : 0), exponent);
        assert_int_equal(text_double(slice_of(text), &value), STATUS_OK);
        double expected = strtod_l(text, NULL, locale);
        assert_memory_equal(&value, &expected, sizeof value);
    }
    double zero = 1;
    assert_int_equal(text_double(SLICE("-0"), &zero), STATUS_OK);
    assert_true(zero == 0 && signbit(zero));
    freelocale(locale);
}

static void
what_is_no_decimal_number_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",    "nan", "NaN",   "inf", "-inf", "infinity", "0x1p3",
        "1,5", "1e",  "1e+",   ".",   "-.e1", "1.2.3",    " 1",
        "1 ",  "+1",  "1e5.5", "--1", "e5",   "1e-+5",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        double value = 42;
        assert_int_equal(text_double(slice_of(rows[i]), &value),
                         STATUS_INVALID_ARGUMENT);
        assert_true(value == 42);
        int64_t scaled = 42;
        assert_int_equal(text_decimal(slice_of(rows[i]), 9, &scaled),
                         STATUS_INVALID_ARGUMENT);
        assert_int_equal(scaled, 42);
    }
    double value = 42;
    assert_int_equal(text_double(SLICE("1e309"), &value), STATUS_OUT_OF_RANGE);
    assert_int_equal(text_double(SLICE("1e99999999999999999999"), &value),
                     STATUS_OUT_OF_RANGE);
    assert_int_equal(text_double(slice_make("1\0002", 3), &value),
                     STATUS_INVALID_ARGUMENT);
    static char longest[5000];
    memset(longest, '1', sizeof longest);
    assert_int_equal(text_double(slice_make(longest, sizeof longest), &value),
                     STATUS_OUT_OF_RANGE);
    assert_true(value == 42);
}

static void
decimals_are_scaled_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned scale;
        int64_t value;
    } rows[] = {
        {"0.0000004", 15, 400000000},
        {"4e-7", 15, 400000000},
        {"4E-07", 15, 400000000},
        {"0.4", 9, 400000000},
        {"-1", 9, -1000000000},
        {"0", 18, 0},
        {"-0.0", 3, 0},
        {"1.5", 0, 2},
        {"-1.5", 0, -2},
        {"1.49999999999999999999999", 0, 1},
        {"0.5", 0, 1},
        {"0.05", 0, 0},
        {"0.0000000005", 9, 1},
        {"0.00000000049999", 9, 0},
        {"5e-10", 9, 1},
        {"5e-11", 9, 0},
        {"9999.9995", 3, 10000000},
        {"12e3", 2, 1200000},
        {"0e999999", 9, 0},
        {"1e-999999999999", 9, 0},
        {"0.000000000000000000000001e24", 0, 1},
        {"1000000000000000000000e-21", 0, 1},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036.854775807", 9, INT64_MAX},
        {"-9223372036854775808.4", 0, INT64_MIN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = 42;
        assert_int_equal(
            text_decimal(slice_of(rows[i].text), rows[i].scale, &value),
            STATUS_OK);
        assert_true(value == rows[i].value);
    }
}

static void
decimals_that_do_not_fit_are_out_of_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned scale;
    } rows[] = {
        {"9223372036854775808", 0},
        {"-9223372036854775809", 0},
        {"9223372036854775807.5", 0},
        {"-9223372036854775808.5", 0},
        {"9223372037", 9},
        {"1e19", 0},
        {"1e999999999999999", 0},
        {"10", 18},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = 42;
        assert_int_equal(
            text_decimal(slice_of(rows[i].text), rows[i].scale, &value),
            STATUS_OUT_OF_RANGE);
        assert_int_equal(value, 42);
    }
}

static void
switches_durations_and_sizes_have_their_words(void **state)
{
    (void)state;
    bool on = false;
    assert_int_equal(text_bool(SLICE("Yes"), &on), STATUS_OK);
    assert_true(on);
    assert_int_equal(text_bool(SLICE("OFF"), &on), STATUS_OK);
    assert_false(on);
    assert_int_equal(text_bool(SLICE("1"), &on), STATUS_OK);
    assert_true(on);
    assert_int_equal(text_bool(SLICE(""), &on), STATUS_INVALID_ARGUMENT);
    assert_int_equal(text_bool(SLICE("y"), &on), STATUS_INVALID_ARGUMENT);

    static const struct {
        const char *text;
        int64_t ms;
    } durations[] = {{"250ms", 250},    {"2s", 2000},
                     {"5m", 300000},    {"6h", 21600000},
                     {"0", 0},          {"0s", 0},
                     {"3d", 259200000}, {"106751991167d", 9223372036828800000}};
    int64_t value;
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        assert_int_equal(text_duration(slice_of(durations[i].text), &value),
                         STATUS_OK);
        assert_true(value == durations[i].ms);
    }
    static const char *const no_durations[] = {
        "", "5", "s", "-1s", "1.5s", "1S", "1 s", "1sec", "00"};
    for (size_t i = 0; i < ARRAY_LEN(no_durations); i++)
        assert_int_equal(text_duration(slice_of(no_durations[i]), &value),
                         STATUS_INVALID_ARGUMENT);
    assert_int_equal(text_duration(SLICE("106751991168d"), &value),
                     STATUS_OUT_OF_RANGE);

    assert_int_equal(text_size(SLICE("4096"), &value), STATUS_OK);
    assert_int_equal(value, 4096);
    assert_int_equal(text_size(SLICE("64KiB"), &value), STATUS_OK);
    assert_int_equal(value, 65536);
    assert_int_equal(text_size(SLICE("2GiB"), &value), STATUS_OK);
    assert_true(value == INT64_C(2147483648));
    assert_int_equal(text_size(SLICE("2GB"), &value), STATUS_INVALID_ARGUMENT);
    assert_int_equal(text_size(SLICE("KiB"), &value), STATUS_INVALID_ARGUMENT);
    assert_int_equal(text_size(SLICE("9007199254740992KiB"), &value),
                     STATUS_OUT_OF_RANGE);
}

static void
percent_escapes_are_undone(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    struct slice text;
    assert_int_equal(
        text_percent_decode(arena, SLICE("a%20b+c%2B%c3%A4"), true, &text),
        STATUS_OK);
    assert_true(slice_eq(text, SLICE("a b c+\xc3\xa4")));
    assert_int_equal(text_percent_decode(arena, SLICE("a+b"), false, &text),
                     STATUS_OK);
    assert_true(slice_eq(text, SLICE("a+b")));
    assert_int_equal(text_percent_decode(arena, SLICE("%00%41"), false, &text),
                     STATUS_OK);
    assert_true(slice_eq(text, slice_make("\0A", 2)));
    assert_int_equal(text_percent_decode(arena, SLICE(""), true, &text),
                     STATUS_OK);
    assert_int_equal(text.len, 0);
    arena_free(&arena);
}

static void
broken_percent_escapes_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"%",   "%4",  "a%",  "%zz",
                                       "%4g", "%+1", "%%41"};
    struct arena *arena = arena_new(4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice text = SLICE("untouched");
        assert_int_equal(
            text_percent_decode(arena, slice_of(rows[i]), true, &text),
            STATUS_INVALID_ARGUMENT);
        assert_true(slice_eq(text, SLICE("untouched")));
    }
    arena_free(&arena);
    arena = arena_new(8);
    struct slice text;
    assert_int_equal(
        text_percent_decode(arena, SLICE("0123456789"), true, &text),
        STATUS_RESOURCE_EXHAUSTED);
    arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_utf8_is_valid),
        cmocka_unit_test(malformed_utf8_is_refused),
        cmocka_unit_test(an_odd_byte_is_seen_at_every_place_of_a_text),
        cmocka_unit_test(a_tame_code_point_leaves_the_text_around_it),
        cmocka_unit_test(control_characters_are_found),
        cmocka_unit_test(code_points_come_one_by_one),
        cmocka_unit_test(lower_case_is_ascii_and_a_copy),
        cmocka_unit_test(whole_numbers_are_read_to_their_limits),
        cmocka_unit_test(doubles_are_read_to_the_last_bit),
        cmocka_unit_test(short_and_long_doubles_are_those_of_strtod),
        cmocka_unit_test(what_is_no_decimal_number_is_refused),
        cmocka_unit_test(decimals_are_scaled_exactly),
        cmocka_unit_test(decimals_that_do_not_fit_are_out_of_range),
        cmocka_unit_test(switches_durations_and_sizes_have_their_words),
        cmocka_unit_test(percent_escapes_are_undone),
        cmocka_unit_test(broken_percent_escapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
