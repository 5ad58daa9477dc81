/* Addresses of boards and pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/fetch/fetcher.h"
#include "services/ingestd/source_url.h"

static void
a_rows_api_is_asked_by_offset(void **state)
{
    char out[FETCH_URL_MAX];

    (void)state;
    assert_true(source_url_is_paged("https://h/rows?dataset=x"));
    assert_false(source_url_is_paged("https://h/models?x=rows"));
    assert_int_equal(source_url_page("https://h/rows?d=x", 200, 100, out),
                     STATUS_OK);
    assert_string_equal(out, "https://h/rows?d=x&offset=200&length=100");
}

static void
a_counted_page_is_added_to_the_query(void **state)
{
    char out[FETCH_URL_MAX];

    (void)state;
    assert_int_equal(source_url_numbered("https://h/m", 2, out), STATUS_OK);
    assert_string_equal(out, "https://h/m?page=2");
    assert_int_equal(source_url_numbered("https://h/m?a=b", 3, out), STATUS_OK);
    assert_string_equal(out, "https://h/m?a=b&page=3");
}

static void
the_vision_board_lies_beside_the_text_board(void **state)
{
    char out[FETCH_URL_MAX];

    (void)state;
    assert_int_equal(
        source_url_vision("https://h/rows?config=text&split=latest", out),
        STATUS_OK);
    assert_string_equal(out, "https://h/rows?config=vision&split=latest");
    assert_int_equal(
        source_url_vision("file:///t_text-/lmarena_text-2025-08-04.csv", out),
        STATUS_OK);
    assert_string_equal(out, "file:///t_text-/lmarena_vision-2025-08-04.csv");
    assert_int_equal(source_url_vision("https://h/board.json", out),
                     STATUS_NOT_FOUND);
}

static void
the_categories_lie_beside_the_table(void **state)
{
    char out[FETCH_URL_MAX];

    (void)state;
    assert_int_equal(
        source_url_categories("https://h/table_2026_01_08.csv", out),
        STATUS_OK);
    assert_string_equal(out, "https://h/categories_2026_01_08.json");
    assert_int_equal(source_url_categories("https://h/contents/public", out),
                     STATUS_NOT_FOUND);
    assert_int_equal(source_url_categories("https://h/board.csv", out),
                     STATUS_NOT_FOUND);
}

static void
a_day_in_an_address_is_found_in_any_writing(void **state)
{
    (void)state;
    assert_int_equal(source_url_day("https://h/table_2026_01_08.csv"),
                     utc_day_from_date(2026, 1, 8));
    assert_int_equal(source_url_day("file:///x_text-2025-08-04.csv"),
                     utc_day_from_date(2025, 8, 4));
    assert_int_equal(source_url_day("https://h/2025.08.05/a-2025-13-40.csv"),
                     utc_day_from_date(2025, 8, 5));
    assert_int_equal(source_url_day("https://h/board.csv"), UTC_DAY_NONE);
    assert_int_equal(source_url_day(""), UTC_DAY_NONE);
}

static void
the_newest_table_of_a_listing_is_taken(void **state)
{
    static const char listing[] =
        "[{\"name\":\"table_2025_11_25.csv\"},{\"name\":\"README.md\"},"
        "{\"name\":\"table_2026_01_08.csv\",\"size\":1},"
        "{\"name\":\"categories_2027_01_01.json\"},{\"name\":7}]";
    char out[FETCH_URL_MAX];

    (void)state;
    assert_int_equal(source_url_newest_table(slice_of(listing), out),
                     STATUS_OK);
    assert_string_equal(out, "https://livebench.ai/table_2026_01_08.csv");
    assert_int_equal(source_url_newest_table(SLICE("[]"), out),
                     STATUS_NOT_FOUND);
    assert_int_equal(source_url_newest_table(SLICE("<html>"), out),
                     STATUS_INVALID_ARGUMENT);
}

static void
an_address_that_grows_too_long_is_refused(void **state)
{
    char url[FETCH_URL_MAX], out[FETCH_URL_MAX];

    (void)state;
    memset(url, 'a', sizeof(url) - 1);
    url[sizeof(url) - 1] = '\0';
    assert_int_equal(source_url_page(url, 0, 100, out), STATUS_OUT_OF_RANGE);
    assert_int_equal(source_url_numbered(url, 1, out), STATUS_OUT_OF_RANGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rows_api_is_asked_by_offset),
        cmocka_unit_test(a_counted_page_is_added_to_the_query),
        cmocka_unit_test(the_vision_board_lies_beside_the_text_board),
        cmocka_unit_test(the_categories_lie_beside_the_table),
        cmocka_unit_test(a_day_in_an_address_is_found_in_any_writing),
        cmocka_unit_test(the_newest_table_of_a_listing_is_taken),
        cmocka_unit_test(an_address_that_grows_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
