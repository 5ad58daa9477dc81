/* Matching against the bundled catalog, by tests/tables/alias.tsv, and against
 * the pairs recorded beside the source tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/bundle.h"
#include "ingest/match.h"
#include "ingest/record.h"
#include "tests/ingest/ingest_files.h"

#define COLUMNS 5

struct fixture {
    struct arena *arena;
    struct catalog *catalog;
    struct alias_table *aliases;
    struct match_index *index;
};

static int
set_up(void **state)
{
    static struct fixture fixture;
    struct slice bundle = files_read("data/catalog.json");
    struct slice text = files_read("data/aliases.tsv");
    char error[BUNDLE_ERROR_MAX];
    size_t line = 0;

    fixture.arena = arena_new(64u << 20);
    if (bundle_read(bundle, utc_day_from_date(2026, 7, 22), error,
                    &fixture.catalog) != STATUS_OK ||
        alias_table_read(fixture.arena, text, &line, &fixture.aliases) !=
            STATUS_OK)
        return -1;
    files_free(bundle);
    files_free(text);
    fixture.index = match_index_new(fixture.arena, fixture.catalog->models,
                                    fixture.catalog->count, fixture.aliases);
    *state = &fixture;
    return fixture.index != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    catalog_free(&fixture->catalog);
    arena_free(&fixture->arena);
    return 0;
}

/* The id a name is matched to, empty for none. */
static struct slice
match_id(const struct fixture *fixture, enum source source, struct slice name)
{
    struct match match;

    match_find(fixture->index, source, name, &match);
    if (!match_found(&match))
        return SLICE("");
    return fixture->catalog->models[match.model].id;
}

/* Whether any of the sources a row names ("*": the three with free names)
 * takes the name for the id. */
static bool
is_matched(const struct fixture *fixture, struct slice source,
           struct slice name, struct slice id)
{
    static const enum source any[] = {SOURCE_ARTIFICIAL_ANALYSIS,
                                      SOURCE_LMARENA, SOURCE_LIVEBENCH};
    enum source one;

    if (!slice_eq(source, SLICE("*"))) {
        assert_true(source_find(source, &one));
        return slice_eq(match_id(fixture, one, name), id);
    }
    for (size_t i = 0; i < ARRAY_LEN(any); i++)
        if (slice_eq(match_id(fixture, any[i], name), id))
            return true;
    return false;
}

static size_t
split_line(struct slice line, struct slice *columns, size_t most)
{
    size_t count = 0;

    while (count < most && slice_split(&line, '\t', &columns[count]))
        count++;
    return count;
}

struct tally {
    size_t found, missed; /* of the rows that say "same" */
    size_t merged;        /* of the others */
};

/* One row of the alias table; false when it does not hold. */
static bool
judge(const struct fixture *fixture, const struct slice *column,
      struct tally *tally)
{
    bool same = slice_eq(column[0], SLICE("same"));
    bool none = slice_eq(column[0], SLICE("none"));
    bool matched;

    assert_true(same || none || slice_eq(column[0], SLICE("different")));
    /* A row about an id that nobody knows would prove nothing. */
    assert_int_equal(catalog_find(fixture->catalog, column[3]) == NULL, none);
    matched = is_matched(fixture, column[1], column[2],
                         none ? SLICE("") : column[3]) != none;
    tally->found += same && matched;
    tally->missed += same && !matched;
    tally->merged += !same && matched;
    return matched == same;
}

static void
every_row_of_the_alias_table_holds(void **state)
{
    struct fixture *fixture = *state;
    struct slice text = files_read("tests/tables/alias.tsv"), rest = text;
    struct slice line, column[COLUMNS];
    struct tally tally = {.found = 0};
    size_t wrong = 0;

    assert_non_null(text.ptr);
    while (slice_split(&rest, '\n', &line)) {
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        assert_int_equal(split_line(line, column, COLUMNS), COLUMNS);
        if (judge(fixture, column, &tally))
            continue;
        wrong++;
        print_message("%.*s: %.*s and %.*s (%.*s)\n", SLICE_ARG(column[0]),
                      SLICE_ARG(column[2]), SLICE_ARG(column[3]),
                      SLICE_ARG(column[4]));
    }
    files_free(text);
    assert_true(tally.found + tally.missed >= 300);
    print_message("precision %.4f, recall %.4f over %zu pairs that are one\n",
                  (double)tally.found / (double)(tally.found + tally.merged),
                  (double)tally.found / (double)(tally.found + tally.missed),
                  tally.found + tally.missed);
    assert_int_equal(wrong, 0);
}

/* Lines "id, name, where": every name of the file must be, or must not be,
 * matched to its id in any source. */
static void
check_pairs(const struct fixture *fixture, const char *file, bool same)
{
    struct slice text = files_recorded(file), rest = text, line, column[2];
    size_t rows = 0, wrong = 0;

    FILES_NEED(text, file);
    while (slice_split(&rest, '\n', &line)) {
        if (split_line(line, column, 2) < 2)
            continue;
        rows++;
        if ((is_matched(fixture, SLICE("*"), column[1], column[0]) ||
             is_matched(fixture, SLICE("hf-leaderboard"), column[1],
                        column[0])) != same) {
            print_message("%s: %.*s and %.*s\n", file, SLICE_ARG(column[1]),
                          SLICE_ARG(column[0]));
            wrong++;
        }
    }
    files_free(text);
    assert_true(rows > 10);
    assert_int_equal(wrong, 0);
}

static void
recorded_pairs_that_are_one_model_are_found(void **state)
{
    check_pairs(*state, "alias-same.tsv", true);
}

static void
recorded_pairs_that_are_not_are_kept_apart(void **state)
{
    check_pairs(*state, "alias-different.tsv", false);
}

static void
a_match_tells_its_rule_and_variant(void **state)
{
    struct fixture *fixture = *state;
    struct match match;

    match_find(fixture->index, SOURCE_LIVEBENCH,
               SLICE("gpt-5.1-2025-11-13-medium"), &match);
    assert_int_equal(match.rule, MATCH_ID);
    assert_true(slice_eq(match.effort, SLICE("medium")));
    assert_int_equal(match.mode, NAME_MODE_NONE);
    match_find(fixture->index, SOURCE_LIVEBENCH,
               SLICE("claude-4-1-opus-20250805-base"), &match);
    assert_int_equal(match.rule, MATCH_ALIAS);
    assert_int_equal(match.mode, NAME_MODE_OFF);
    match_find(fixture->index, SOURCE_LMARENA, SLICE("deepseek-v3.1"), &match);
    assert_int_equal(match.rule, MATCH_NAME);
}

static void
a_near_miss_lists_its_candidates(void **state)
{
    struct fixture *fixture = *state;
    struct match match;

    match_find(fixture->index, SOURCE_LMARENA,
               SLICE("gemini-2.5-flash-preview-09-2025"), &match);
    assert_int_equal(match.rule, MATCH_NONE);
    assert_true(match.candidate_count > 0);
    assert_true(slice_eq(fixture->catalog->models[match.candidates[0].model].id,
                         SLICE("google/gemini-2.5-flash")));
}

static void
routers_and_alias_ids_are_never_matched(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(match_id(fixture, SOURCE_LMARENA, SLICE("auto")).len, 0);
    assert_int_equal(
        match_id(fixture, SOURCE_LMARENA, SLICE("Claude Opus Latest")).len, 0);
}

static void
hostile_names_match_nothing(void **state)
{
    struct fixture *fixture = *state;
    char dashes[RECORD_NAME_MAX + 2];
    static const char *const names[] = {"",      "-",   "((((",    "))))",
                                        "2024",  "v",   ".",       "+",
                                        "(max)", "+++", "\xff\xfe"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(
            match_id(fixture, SOURCE_LMARENA, slice_of(names[i])).len, 0);
    memset(dashes, 'a', sizeof(dashes) - 1);
    for (size_t i = 1; i < sizeof(dashes) - 1; i += 2)
        dashes[i] = '-';
    dashes[sizeof(dashes) - 1] = '\0';
    assert_int_equal(match_id(fixture, SOURCE_LMARENA, slice_of(dashes)).len,
                     0);
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        assert_int_equal(
            match_id(fixture, (enum source)s, slice_of(dashes)).len, 0);
}

static void
a_day_that_no_month_has_is_far_from_every_day(void **state)
{
    const struct name_date november = {2025, 11, 31}, leap_day = {0, 2, 29};
    utc_day day = utc_day_from_date(2025, 3, 1);

    (void)state;
    assert_int_equal(name_date_distance(&november, day), INT32_MAX);
    /* Of the three years that could be meant, only 2024 has one. */
    assert_int_equal(name_date_distance(&leap_day, day), 366);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_alias_table_holds),
        cmocka_unit_test(recorded_pairs_that_are_one_model_are_found),
        cmocka_unit_test(recorded_pairs_that_are_not_are_kept_apart),
        cmocka_unit_test(a_match_tells_its_rule_and_variant),
        cmocka_unit_test(a_near_miss_lists_its_candidates),
        cmocka_unit_test(routers_and_alias_ids_are_never_matched),
        cmocka_unit_test(hostile_names_match_nothing),
        cmocka_unit_test(a_day_that_no_month_has_is_far_from_every_day),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
