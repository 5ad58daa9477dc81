/* The bundle: the same bytes again, and strictness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "ingest/bundle.h"
#include "tests/ingest/ingest_files.h"

#include <math.h>

#define TODAY utc_day_from_date(2026, 7, 22)

static void
the_bundled_catalog_reads_and_writes_the_same_bytes(void **state)
{
    struct slice bytes = files_read("data/catalog.json");
    char error[BUNDLE_ERROR_MAX];
    struct catalog *catalog = NULL;
    struct buf out;

    (void)state;
    assert_non_null(bytes.ptr);
    if (bundle_read(bytes, TODAY, error, &catalog) != STATUS_OK)
        fail_msg("%s", error);
    buf_init(&out, BUNDLE_BYTES_MAX);
    bundle_write(catalog, &out);
    assert_true(buf_ok(&out));
    assert_true(slice_eq(buf_slice(&out), bytes));
    assert_true(catalog->version == catalog_hash(catalog));
    buf_fini(&out);
    catalog_free(&catalog);
    files_free(bytes);
}

static void
the_bundled_catalog_is_what_a_first_start_needs(void **state)
{
    struct slice bytes = files_read("data/catalog.json");
    size_t candidates = 0, covered[SOURCE_COUNT] = {0};
    char error[BUNDLE_ERROR_MAX];
    struct catalog *catalog = NULL;

    (void)state;
    assert_int_equal(bundle_read(bytes, TODAY, error, &catalog), STATUS_OK);
    for (size_t i = 0; i < catalog->count; i++) {
        const struct model *model = &catalog->models[i];

        candidates += model->standing == MODEL_CANDIDATE;
        for (size_t s = 0; s < SOURCE_COUNT; s++)
            covered[s] += model->standing != MODEL_RETIRED &&
                          (model->sources & BIT(s)) != 0;
    }
    assert_true(candidates > 250);
    assert_true(covered[SOURCE_ARTIFICIAL_ANALYSIS] >= 170);
    assert_true(covered[SOURCE_LMARENA] >= 110);
    assert_true(covered[SOURCE_LIVEBENCH] >= 65);
    assert_true(bytes.len < 1500000);
    catalog_free(&catalog);
    files_free(bytes);
}

#define HEAD                                                                   \
    "{\"format\":1,\"made\":\"2026-07-22T00:00:00.000Z\",\"sources\":[],"      \
    "\"models\":["
#define MODEL(id, more)                                                        \
    "{\"id\":\"" id "\",\"name\":\"N\",\"prompt\":\"0.4\","                    \
    "\"completion\":\"1.6\",\"tier\":\"budget\",\"standing\":\"candidate\","   \
    "\"capabilities\":[\"vision\"],\"tags\":[\"cheap\"],\"figures\":[" more    \
    "]}"
#define FIGURE(benchmark, value)                                               \
    "{\"benchmark\":\"" benchmark "\",\"value\":" value                        \
    ",\"via\":\"lmarena\",\"day\":\"2026-06-25\",\"row\":\"r\"}"

static enum status
read_text(const char *text, char *error, struct catalog **ret_catalog)
{
    return bundle_read(slice_of(text), TODAY, error, ret_catalog);
}

static void
a_small_bundle_is_read_exactly(void **state)
{
    char error[BUNDLE_ERROR_MAX];
    struct catalog *catalog = NULL;
    const struct model *model;

    (void)state;
    if (read_text(HEAD MODEL("a/b", FIGURE("arena", "1300.5")) "]}", error,
                  &catalog) != STATUS_OK)
        fail_msg("%s", error);
    model = catalog_find(catalog, SLICE("a/b"));
    assert_non_null(model);
    assert_int_equal(model->prompt_price, 400000000);
    assert_true(slice_eq(model->provider, SLICE("a")));
    assert_int_equal(model->capabilities, BIT(CAPABILITY_VISION));
    assert_int_equal(model->created, UTC_DAY_NONE);
    assert_true(isnan(model->output_tokens_per_second));
    assert_int_equal(model->figure_count, 1);
    assert_int_equal(model->figures[0].via, SOURCE_LMARENA);
    assert_true(model->figures[0].value == 1300.5);
    assert_int_equal(model->sources,
                     BIT(SOURCE_OPENROUTER) | BIT(SOURCE_LMARENA));
    catalog_free(&catalog);
}

static void
every_mistake_is_an_error_that_names_it(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"[]", "format is not 1: "},
        {"{\"format\":2}", "format is not 1: "},
        {"{\"format\":1,\"made\":\"x\"}", "made is no time: "},
        {HEAD "]}", "models is no list or empty: "},
        {HEAD "{}]}", "missing member: id"},
        {HEAD MODEL("a b", "") "]}", "wrong value of: id"},
        {HEAD MODEL("b/b", "") "," MODEL("a/a", "") "]}",
         "ids do not ascend at: a/a"},
        {HEAD MODEL("a/a", "") "," MODEL("a/a", "") "]}",
         "ids do not ascend at: a/a"},
        {HEAD MODEL("a/a", FIGURE("arena", "9999")) "]}",
         "wrong value of: figures"},
        {HEAD MODEL("a/a", FIGURE("arena", "1") "," FIGURE("arena", "1")) "]}",
         "wrong value of: figures"},
        {HEAD MODEL("a/a", FIGURE("nonsense", "1")) "]}",
         "wrong value of: figures"},
        {HEAD "{\"price\":1}]}", "unknown member: price"},
        {HEAD "{\"prompt\":0.4}]}", "wrong value of: prompt"},
        {HEAD "{\"prompt\":\"-1\"}]}", "wrong value of: prompt"},
        {HEAD "{\"standing\":\"fine\"}]}", "wrong value of: standing"},
    };
    char error[BUNDLE_ERROR_MAX];
    struct catalog *catalog = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(read_text(cases[i].text, error, &catalog),
                         STATUS_INVALID_ARGUMENT);
        assert_string_equal(error, cases[i].error);
        assert_null(catalog);
    }
}

static void
an_expiry_is_judged_on_the_day_of_reading(void **state)
{
    static const char text[] =
        HEAD "{\"id\":\"a/b\",\"name\":\"N\",\"prompt\":\"0\","
             "\"completion\":\"0\",\"tier\":\"budget\","
             "\"standing\":\"candidate\",\"expires\":\"2026-07-21\","
             "\"capabilities\":[],\"tags\":[],\"figures\":[]}]}";
    char error[BUNDLE_ERROR_MAX];
    struct catalog *catalog = NULL;

    (void)state;
    assert_int_equal(read_text(text, error, &catalog), STATUS_OK);
    assert_int_equal(catalog->models[0].standing, MODEL_EXPIRED);
    catalog_free(&catalog);
    assert_int_equal(bundle_read(slice_of(text), TODAY - 1, error, &catalog),
                     STATUS_OK);
    assert_int_equal(catalog->models[0].standing, MODEL_CANDIDATE);
    catalog_free(&catalog);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bundled_catalog_reads_and_writes_the_same_bytes),
        cmocka_unit_test(the_bundled_catalog_is_what_a_first_start_needs),
        cmocka_unit_test(a_small_bundle_is_read_exactly),
        cmocka_unit_test(every_mistake_is_an_error_that_names_it),
        cmocka_unit_test(an_expiry_is_judged_on_the_day_of_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
