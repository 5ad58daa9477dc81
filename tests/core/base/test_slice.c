/* Slices: comparing, searching, cutting, splitting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/slice.h"

#define assert_slice(slice, text) assert_true(slice_eq((slice), slice_of(text)))

static void
slices_compare_by_bytes(void **state)
{
    (void)state;
    assert_true(slice_eq(SLICE("abc"), SLICE("abc")));
    assert_false(slice_eq(SLICE("abc"), SLICE("abd")));
    assert_false(slice_eq(SLICE("abc"), SLICE("ab")));
    assert_true(slice_eq((struct slice){0}, SLICE("")));
    assert_true(slice_cmp(SLICE("a"), SLICE("b")) < 0);
    assert_true(slice_cmp(SLICE("ab"), SLICE("a")) > 0);
    assert_true(slice_cmp(SLICE("\x7f"), SLICE("\x80")) < 0);
    assert_int_equal(slice_cmp((struct slice){0}, SLICE("")), 0);
}

static void
folding_ignores_the_case_of_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(slice_eq_fold(SLICE("GPT-4o"), SLICE("gpt-4O")));
    assert_false(slice_eq_fold(SLICE("["), SLICE("{")));
    assert_false(slice_eq_fold(SLICE("\xc4"), SLICE("\xe4")));
}

static void
starts_and_ends_look_at_whole_prefixes(void **state)
{
    (void)state;
    assert_true(slice_starts(SLICE("openrouter/auto"), SLICE("openrouter/")));
    assert_false(slice_starts(SLICE("open"), SLICE("openrouter/")));
    assert_true(slice_starts(SLICE("x"), (struct slice){0}));
    assert_true(slice_ends(SLICE("a:free"), SLICE(":free")));
    assert_false(slice_ends(SLICE("free"), SLICE(":free")));
    assert_true(slice_ends((struct slice){0}, SLICE("")));
}

static void
find_gives_the_first_position_or_minus_one(void **state)
{
    (void)state;
    assert_int_equal(slice_find(SLICE("abcbc"), SLICE("bc")), 1);
    assert_int_equal(slice_find(SLICE("abc"), SLICE("")), 0);
    assert_int_equal(slice_find(SLICE("abc"), SLICE("abcd")), -1);
    assert_int_equal(slice_find((struct slice){0}, SLICE("a")), -1);
}

static void
trim_takes_white_space_off_both_ends(void **state)
{
    (void)state;
    assert_slice(slice_trim(SLICE(" \t a b \r\n")), "a b");
    assert_slice(slice_trim(SLICE(" \n ")), "");
    assert_slice(slice_trim((struct slice){0}), "");
}

static void
cut_stays_inside(void **state)
{
    (void)state;
    assert_slice(slice_cut(SLICE("abcdef"), 2, 4), "cd");
    assert_slice(slice_cut(SLICE("abc"), 2, 99), "c");
    assert_slice(slice_cut(SLICE("abc"), 9, 4), "");
    assert_slice(slice_cut(SLICE("abc"), 2, 1), "");
    assert_null(slice_cut((struct slice){0}, 1, 2).ptr);
}

static void
split_gives_empty_parts_and_ends_once(void **state)
{
    (void)state;
    struct slice rest = SLICE("a,,b");
    struct slice part;
    assert_true(slice_split(&rest, ',', &part));
    assert_slice(part, "a");
    assert_true(slice_split(&rest, ',', &part));
    assert_slice(part, "");
    assert_true(slice_split(&rest, ',', &part));
    assert_slice(part, "b");
    assert_false(slice_split(&rest, ',', &part));

    rest = SLICE("");
    assert_true(slice_split(&rest, ',', &part));
    assert_slice(part, "");
    assert_false(slice_split(&rest, ',', &part));

    rest = SLICE("a,");
    assert_true(slice_split(&rest, ',', &part));
    assert_true(slice_split(&rest, ',', &part));
    assert_slice(part, "");
    assert_false(slice_split(&rest, ',', &part));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_bytes),
        cmocka_unit_test(folding_ignores_the_case_of_ascii_letters_only),
        cmocka_unit_test(starts_and_ends_look_at_whole_prefixes),
        cmocka_unit_test(find_gives_the_first_position_or_minus_one),
        cmocka_unit_test(trim_takes_white_space_off_both_ends),
        cmocka_unit_test(cut_stays_inside),
        cmocka_unit_test(split_gives_empty_parts_and_ends_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
