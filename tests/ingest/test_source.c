/* The five adapters: on small fixtures always, on recorded payloads where they
 * are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/types/model.h"
#include "ingest/source.h"
#include "tests/ingest/ingest_files.h"

#include <math.h>

#define OFFER                                                                  \
    "{\"id\":\"a/b\",\"pricing\":{\"prompt\":\"0\",\"completion\":\"0\"}}"
#define FIXTURES "tests/ingest/fixtures/"

struct read {
    struct arena *arena;
    struct record_set set;
    enum status status;
};

static void
read_bytes(struct read *read, enum source source, struct slice bytes,
           struct slice companion, bool is_vision)
{
    struct source_input input = {.bytes = bytes,
                                 .companion = companion,
                                 .day = utc_day_from_date(2026, 7, 22),
                                 .is_vision = is_vision};

    read->arena = arena_new(RECORD_BYTES_MAX);
    record_set_init(&read->set, read->arena);
    read->status = source_adapter(source)(&input, &read->set);
}

static void
read_fixture(struct read *read, enum source source, const char *name)
{
    struct slice bytes = files_read(name);

    assert_non_null(bytes.ptr);
    read_bytes(read, source, bytes, SLICE(""), false);
    files_free(bytes);
}

static const struct record *
find(const struct read *read, const char *name)
{
    for (size_t i = 0; i < read->set.count; i++)
        if (slice_eq(read->set.records[i].name, slice_of(name)))
            return &read->set.records[i];
    return NULL;
}

/* The reading of a benchmark, NaN when it is absent. */
static double
reading(const struct record *record, enum benchmark benchmark)
{
    assert_non_null(record);
    for (size_t i = 0; i < record->reading_count; i++)
        if (record->readings[i].benchmark == benchmark)
            return record->readings[i].value;
    return NAN;
}

static void
assert_near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-9))
        fail_msg("%g is not %g", value, expected);
}

static void
openrouter_prices_are_exact_and_limits_are_read(void **state)
{
    const struct offer *offer;
    struct read read;

    (void)state;
    read_fixture(&read, SOURCE_OPENROUTER, FIXTURES "openrouter.json");
    assert_int_equal(read.status, STATUS_OK);
    assert_int_equal(read.set.rows_seen, 9);
    assert_int_equal(read.set.count, 5);
    assert_int_equal(read.set.rows_refused, 4);
    offer = find(&read, "Acme: Rocket 2")->offer;
    assert_int_equal(offer->prompt_price, 400000000);
    assert_int_equal(offer->completion_price, 1600000000);
    assert_int_equal(offer->context_tokens, 131072);
    assert_int_equal(offer->max_output_tokens, 0);
    assert_int_equal(offer->created, utc_day_from_date(2026, 4, 1));
    assert_int_equal(offer->expires, utc_day_from_date(2026, 9, 30));
    assert_true(offer->is_multimodal);
    assert_int_equal(offer->reasoning, REASONING_DEFAULT_ON);
    assert_true(slice_eq(offer->default_effort, SLICE("medium")));
    assert_true(offer->capabilities & BIT(CAPABILITY_VISION));
    assert_true(offer->capabilities & BIT(CAPABILITY_REASONING));
    assert_int_equal(
        find(&read, "Acme: Rocket 2 (free)")->offer->max_output_tokens, 4096);
    arena_free(&read.arena);
}

static void
openrouter_carries_figures_and_refuses_what_is_out_of_bounds(void **state)
{
    const struct record *record;
    struct read read;

    (void)state;
    read_fixture(&read, SOURCE_OPENROUTER, FIXTURES "openrouter.json");
    record = find(&read, "Acme: Rocket 2");
    assert_near(reading(record, BENCHMARK_INTELLIGENCE_INDEX), 41.5);
    assert_true(isnan(reading(record, BENCHMARK_CODING_INDEX)));
    assert_true(isnan(reading(record, BENCHMARK_AGENTIC_INDEX)));
    assert_int_equal(read.set.figures_refused, 1);
    arena_free(&read.arena);
}

static void
openrouter_marks_routers_and_what_paints(void **state)
{
    struct read read;

    (void)state;
    read_fixture(&read, SOURCE_OPENROUTER, FIXTURES "openrouter.json");
    assert_true(find(&read, "Somewhere Router")->offer->is_router);
    assert_false(find(&read, "Acme: Rocket 2")->offer->is_router);
    assert_false(find(&read, "Acme: Painter")->offer->only_text);
    assert_true(find(&read, "Acme: Rocket Latest")->offer->only_text);
    arena_free(&read.arena);
}

static void
tests_given_as_shares_become_percent_and_points_stay(void **state)
{
    const struct record *record;
    struct read read;

    (void)state;
    read_fixture(&read, SOURCE_ARTIFICIAL_ANALYSIS,
                 FIXTURES "artificial_analysis_v2.json");
    assert_int_equal(read.status, STATUS_OK);
    assert_int_equal(read.set.count, 3);
    assert_int_equal(read.set.rows_refused, 2);
    record = find(&read, "Rocket 2 (medium)");
    assert_near(reading(record, BENCHMARK_INTELLIGENCE_INDEX), 42.5);
    assert_near(reading(record, BENCHMARK_MMLU_PRO), 77.5);
    assert_near(reading(record, BENCHMARK_AIME), 50);
    /* 0 is a result; null is none. */
    assert_near(reading(record, BENCHMARK_GPQA), 0);
    assert_true(isnan(reading(record, BENCHMARK_LIVE_CODE_BENCH)));
    /* 101 points are no index. */
    assert_int_equal(find(&read, "Rocket 2 (low)")->reading_count, 0);
    assert_int_equal(read.set.figures_refused, 1);
    arena_free(&read.arena);
}

static void
a_speed_of_zero_is_unknown(void **state)
{
    struct read read;

    (void)state;
    read_fixture(&read, SOURCE_ARTIFICIAL_ANALYSIS,
                 FIXTURES "artificial_analysis_v2.json");
    assert_true(
        isnan(find(&read, "Rocket 2 (medium)")->output_tokens_per_second));
    assert_near(find(&read, "Rocket 2 (medium)")->time_to_first_token_s, 0.5);
    assert_near(find(&read, "Rocket 2 (high)")->output_tokens_per_second,
                120.5);
    arena_free(&read.arena);
}

static void
percent_stays_percent_field_by_field(void **state)
{
    struct read read;

    (void)state;
    read_fixture(&read, SOURCE_ARTIFICIAL_ANALYSIS,
                 FIXTURES "artificial_analysis_array.json");
    assert_int_equal(read.status, STATUS_OK);
    assert_near(reading(find(&read, "Rocket 2"), BENCHMARK_MMLU_PRO), 77.5);
    assert_near(reading(find(&read, "Rocket 2"), BENCHMARK_GPQA), 50);
    arena_free(&read.arena);
}

static void
the_paged_body_says_that_more_follows(void **state)
{
    struct read read;

    (void)state;
    read_fixture(&read, SOURCE_ARTIFICIAL_ANALYSIS,
                 FIXTURES "artificial_analysis_paged.json");
    assert_int_equal(read.status, STATUS_OK);
    assert_int_equal(read.set.pages, 3);
    assert_near(reading(find(&read, "Rocket 2"), BENCHMARK_AGENTIC_INDEX),
                12.5);
    assert_near(find(&read, "Rocket 2")->output_tokens_per_second, 88.25);
    arena_free(&read.arena);
}

static void
the_board_is_read_from_rows_and_from_csv_alike(void **state)
{
    static const char *const files[] = {FIXTURES "hf_rows.json",
                                        FIXTURES "hf.csv"};
    struct read read;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        read_fixture(&read, SOURCE_HF_LEADERBOARD, files[i]);
        assert_int_equal(read.status, STATUS_OK);
        assert_int_equal(read.set.count, 1);
        assert_int_equal(read.set.rows_refused, 1);
        assert_int_equal(read.set.rows_passed, 1); /* flagged */
        assert_near(reading(&read.set.records[0], BENCHMARK_HF_AVERAGE), 40.5);
        assert_near(reading(&read.set.records[0], BENCHMARK_HF_IFEVAL), 80.25);
        assert_true(
            slice_eq(read.set.records[0].name, SLICE("acme/Rocket-2-70B")));
        assert_int_equal(read.set.total, i == 0 ? 4576 : 0);
        arena_free(&read.arena);
    }
}

static void
words_where_figures_should_be_are_counted_and_the_others_stay(void **state)
{
    static const char indices[] =
        "{\"data\":[{\"name\":\"Rocket 2\",\"evaluations\":{\"gpqa\":\"high\","
        "\"aime\":null,\"mmlu_pro\":70,\"math_500\":[90]}}]}";
    static const char board[] =
        "{\"rows\":[{\"row\":{\"fullname\":\"acme/rocket-2\","
        "\"IFEval\":\"50\",\"BBH\":40}}]}";
    struct read read;

    (void)state;
    read_bytes(&read, SOURCE_ARTIFICIAL_ANALYSIS, slice_of(indices), SLICE(""),
               false);
    assert_int_equal(read.status, STATUS_OK);
    assert_int_equal(read.set.figures_refused, 2);
    assert_int_equal(read.set.rows_refused, 0);
    assert_int_equal(find(&read, "Rocket 2")->reading_count, 1);
    assert_near(reading(find(&read, "Rocket 2"), BENCHMARK_MMLU_PRO), 70);
    arena_free(&read.arena);
    read_bytes(&read, SOURCE_HF_LEADERBOARD, slice_of(board), SLICE(""), false);
    assert_int_equal(read.set.figures_refused, 1);
    assert_near(reading(find(&read, "acme/rocket-2"), BENCHMARK_HF_BBH), 40);
    arena_free(&read.arena);
}

static void
arena_boards_are_evidence_of_their_own(void **state)
{
    struct read read;

    (void)state;
    read_fixture(&read, SOURCE_LMARENA, FIXTURES "lmarena_rows.json");
    assert_int_equal(read.status, STATUS_OK);
    assert_int_equal(read.set.rows_seen, 6);
    assert_int_equal(read.set.count, 3); /* overall, coding, creative */
    assert_int_equal(read.set.rows_refused, 2);
    assert_int_equal(read.set.rows_passed, 1); /* of another board */
    assert_int_equal(read.set.figures_refused, 1);
    assert_near(reading(&read.set.records[0], BENCHMARK_ARENA), 1400.5);
    assert_near(reading(&read.set.records[1], BENCHMARK_ARENA_CODING), 1420);
    assert_near(reading(&read.set.records[2], BENCHMARK_ARENA_CREATIVE), 1390);
    assert_int_equal(read.set.records[0].day, utc_day_from_date(2026, 6, 25));
    arena_free(&read.arena);
}

static void
the_release_csv_takes_names_with_commas(void **state)
{
    struct read read;

    (void)state;
    read_fixture(&read, SOURCE_LMARENA, FIXTURES "lmarena.csv");
    assert_int_equal(read.status, STATUS_OK);
    assert_int_equal(read.set.count, 1);
    assert_int_equal(read.set.rows_refused, 1);
    assert_near(reading(find(&read, "Rocket 2, high"), BENCHMARK_ARENA), 1400);
    arena_free(&read.arena);
}

static void
the_arena_catalog_is_text_or_vision(void **state)
{
    struct slice bytes = files_read(FIXTURES "lmarena_catalog.json");
    struct read read;

    (void)state;
    read_bytes(&read, SOURCE_LMARENA, bytes, SLICE(""), false);
    assert_int_equal(read.status, STATUS_OK);
    assert_int_equal(read.set.count, 3);
    assert_int_equal(read.set.rows_refused, 1); /* no rating */
    assert_near(reading(&read.set.records[0], BENCHMARK_ARENA), 1400.25);
    assert_near(reading(&read.set.records[2], BENCHMARK_ARENA_MATH), 1415.5);
    arena_free(&read.arena);
    read_bytes(&read, SOURCE_LMARENA, bytes, SLICE(""), true);
    assert_int_equal(read.set.count, 1);
    assert_near(reading(&read.set.records[0], BENCHMARK_ARENA_VISION), 1400.25);
    arena_free(&read.arena);
    files_free(bytes);
}

static void
livebench_finds_columns_by_name_and_refuses_short_rows(void **state)
{
    struct slice table = files_read(FIXTURES "livebench.csv");
    struct slice tasks = files_read(FIXTURES "livebench_categories.json");
    const struct record *record;
    struct read read;

    (void)state;
    read_bytes(&read, SOURCE_LIVEBENCH, table, tasks, false);
    assert_int_equal(read.status, STATUS_OK);
    assert_int_equal(read.set.count, 2);
    assert_int_equal(read.set.rows_refused, 1);
    record = find(&read, "rocket-2-high");
    assert_near(reading(record, BENCHMARK_LIVE_BENCH_CODING), 70);
    assert_near(reading(record, BENCHMARK_LIVE_BENCH_AGENTIC_CODING), 30);
    assert_near(reading(record, BENCHMARK_LIVE_BENCH_LANGUAGE), 50);
    /* spatial has no column: half a category is none. */
    assert_true(isnan(reading(record, BENCHMARK_LIVE_BENCH_REASONING)));
    assert_true(isnan(
        reading(find(&read, "rocket-2-gap"), BENCHMARK_LIVE_BENCH_CODING)));
    assert_near(reading(find(&read, "rocket-2-gap"),
                        BENCHMARK_LIVE_BENCH_AGENTIC_CODING),
                30);
    arena_free(&read.arena);
    files_free(table);
    files_free(tasks);
}

static void
rows_that_nobody_understands_are_an_error_not_an_empty_source(void **state)
{
    static const struct {
        enum source source;
        enum status status;
        const char *bytes, *reason;
    } cases[] = {
        {SOURCE_OPENROUTER, STATUS_FAILED_PRECONDITION,
         "{\"data\":[{\"ident\":\"a/b\"},{}]}", "0 of 2 rows understood"},
        {SOURCE_OPENROUTER, STATUS_FAILED_PRECONDITION,
         "{\"data\":[" OFFER ",{},{}]}", "1 of 3 rows understood"},
        {SOURCE_OPENROUTER, STATUS_OK, "{\"data\":[" OFFER ",{}]}", ""},
        {SOURCE_OPENROUTER, STATUS_FAILED_PRECONDITION, "{\"data\":[]}",
         "0 of 0 rows understood"},
        {SOURCE_OPENROUTER, STATUS_INVALID_ARGUMENT, "{\"models\":[]}",
         "no list named data"},
        {SOURCE_ARTIFICIAL_ANALYSIS, STATUS_FAILED_PRECONDITION,
         "{\"data\":[{\"title\":\"x\"}]}", "0 of 1 rows understood"},
        {SOURCE_ARTIFICIAL_ANALYSIS, STATUS_INVALID_ARGUMENT, "\"text\"",
         "no list and no list named data"},
        {SOURCE_HF_LEADERBOARD, STATUS_FAILED_PRECONDITION,
         "{\"rows\":[{\"row\":{\"name\":\"x\"}}]}", "0 of 1 rows understood"},
        {SOURCE_HF_LEADERBOARD, STATUS_INVALID_ARGUMENT, "a,b\n1,2\n",
         "no column model_name"},
        {SOURCE_LMARENA, STATUS_INVALID_ARGUMENT, "model,score\nx,1\n",
         "no columns model and arena_score"},
        {SOURCE_LMARENA, STATUS_INVALID_ARGUMENT, "{\"rows\":7}",
         "rows is no list"},
        {SOURCE_LMARENA, STATUS_FAILED_PRECONDITION, "{}",
         "0 of 0 rows understood"},
    };
    struct read read;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        read_bytes(&read, cases[i].source, slice_of(cases[i].bytes), SLICE(""),
                   false);
        assert_int_equal(read.status, cases[i].status);
        assert_string_equal(read.set.reason, cases[i].reason);
        arena_free(&read.arena);
    }
}

static void
html_instead_of_data_is_refused_by_every_adapter(void **state)
{
    const struct slice page =
        SLICE("<!doctype html><html><body>502 Bad Gateway</body></html>");
    struct read read;

    (void)state;
    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        read_bytes(&read, (enum source)s, page, page, false);
        assert_int_not_equal(read.status, STATUS_OK);
        assert_int_not_equal(read.set.reason[0], '\0');
        arena_free(&read.arena);
        read_bytes(&read, (enum source)s, SLICE(""), SLICE(""), false);
        assert_int_not_equal(read.status, STATUS_OK);
        arena_free(&read.arena);
    }
}

/* What each recording must give, so that a change of a parser shows. */
/* What only a whole board can be told of. */
static void
a_board_must_be_whole_and_come_to_something(void **state)
{
    static const struct {
        enum source source;
        enum status status;
        const char *bytes, *reason;
    } cases[] = {
        {SOURCE_OPENROUTER, STATUS_OK, "{\"data\":[" OFFER "]}", ""},
        {SOURCE_ARTIFICIAL_ANALYSIS, STATUS_FAILED_PRECONDITION,
         "[{\"name\":\"x\",\"evaluations\":{\"new_name\":1}}]",
         "none of 1 rows has a figure"},
        {SOURCE_LMARENA, STATUS_FAILED_PRECONDITION,
         "{\"rows\":[{\"row\":{\"model_name\":\"x\",\"category\":\"german\","
         "\"rating\":1000}}]}",
         "none of 1 rows is of a board that is read"},
        {SOURCE_HF_LEADERBOARD, STATUS_FAILED_PRECONDITION,
         "{\"num_rows_total\":3,\"rows\":[{\"row\":{\"fullname\":\"a/x\","
         "\"BBH\":50}}]}",
         "1 rows came of 3 that there are"},
    };
    struct read read;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        read_bytes(&read, cases[i].source, slice_of(cases[i].bytes), SLICE(""),
                   false);
        assert_int_equal(read.status, STATUS_OK);
        assert_int_equal(record_set_verdict_whole(&read.set), cases[i].status);
        assert_string_equal(read.set.reason, cases[i].reason);
        arena_free(&read.arena);
    }
}

static void
recorded_payloads_are_understood(void **state)
{
    static const struct {
        enum source source;
        bool is_vision;
        const char *file, *companion;
        size_t rows, understood;
    } cases[] = {
        {SOURCE_OPENROUTER, false, "openrouter/models-2026-07-22.json", NULL,
         342, 342},
        {SOURCE_OPENROUTER, false, "openrouter/models-2026-05-01.json", NULL,
         371, 371},
        {SOURCE_ARTIFICIAL_ANALYSIS, false,
         "artificial-analysis/models-2026-07-22.json", NULL, 579, 579},
        {SOURCE_ARTIFICIAL_ANALYSIS, false,
         "artificial-analysis/models-paged-2026-06-27-page1.json", NULL, 200,
         200},
        {SOURCE_HF_LEADERBOARD, false,
         "hf-leaderboard/open-llm-leaderboard-v2-2025-06-09.csv", NULL, 4576,
         4575},
        {SOURCE_LMARENA, false,
         "lmarena/leaderboard-dataset-text-latest-2026-06-25.json", NULL, 254,
         254},
        {SOURCE_LMARENA, false, "lmarena/arena-catalog-text-2025-12-11.json",
         NULL, 1115, 1115},
        {SOURCE_LMARENA, true, "lmarena/arena-catalog-vision-2025-12-11.json",
         NULL, 87, 87},
        {SOURCE_LIVEBENCH, false, "livebench/table_2026_01_08.csv",
         "livebench/categories_2026_01_08.json", 127, 126},
    };
    struct read read;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice bytes = files_recorded(cases[i].file);
        struct slice companion = SLICE("");

        FILES_NEED(bytes, cases[i].file);
        if (cases[i].companion != NULL)
            companion = files_recorded(cases[i].companion);
        read_bytes(&read, cases[i].source, bytes, companion,
                   cases[i].is_vision);
        assert_int_equal(read.status, STATUS_OK);
        assert_int_equal(read.set.rows_seen, cases[i].rows);
        assert_int_equal(read.set.count, cases[i].understood);
        arena_free(&read.arena);
        files_free(bytes);
        if (cases[i].companion != NULL)
            files_free(companion);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openrouter_prices_are_exact_and_limits_are_read),
        cmocka_unit_test(
            openrouter_carries_figures_and_refuses_what_is_out_of_bounds),
        cmocka_unit_test(openrouter_marks_routers_and_what_paints),
        cmocka_unit_test(tests_given_as_shares_become_percent_and_points_stay),
        cmocka_unit_test(a_speed_of_zero_is_unknown),
        cmocka_unit_test(percent_stays_percent_field_by_field),
        cmocka_unit_test(the_paged_body_says_that_more_follows),
        cmocka_unit_test(the_board_is_read_from_rows_and_from_csv_alike),
        cmocka_unit_test(
            words_where_figures_should_be_are_counted_and_the_others_stay),
        cmocka_unit_test(arena_boards_are_evidence_of_their_own),
        cmocka_unit_test(the_release_csv_takes_names_with_commas),
        cmocka_unit_test(the_arena_catalog_is_text_or_vision),
        cmocka_unit_test(
            livebench_finds_columns_by_name_and_refuses_short_rows),
        cmocka_unit_test(
            rows_that_nobody_understands_are_an_error_not_an_empty_source),
        cmocka_unit_test(html_instead_of_data_is_refused_by_every_adapter),
        cmocka_unit_test(a_board_must_be_whole_and_come_to_something),
        cmocka_unit_test(recorded_payloads_are_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
