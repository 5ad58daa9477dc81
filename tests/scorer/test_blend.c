/* scorer/blend: the formula over tests/tables/blend.tsv, and its promises. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "scorer/blend.h"
#include "tests/scorer/catalog_kit.h"

static struct score
score_of(double mean, double mass, const struct blend_evidence *evidence)
{
    struct belief belief = {.present = true,
                            .mean = mean,
                            .mass = mass,
                            .sources =
                                BIT(SOURCE_LMARENA) | BIT(SOURCE_LIVEBENCH)};
    return blend(&tuning_default, &belief, evidence);
}

static void
check_shares(const struct score *score, const char *text)
{
    struct slice rest = slice_of(text);
    const double shares[] = {score->benchmark_share, score->community_share,
                             score->personal_share};
    for (size_t i = 0; i < 3; i++) {
        struct slice part;
        double wanted;
        assert_true(slice_split(&rest, ' ', &part));
        assert_int_equal(text_double(part, &wanted), STATUS_OK);
        assert_near(shares[i], wanted, 1e-6);
    }
}

static void
blend_row(char *const *columns, size_t count)
{
    struct blend_evidence evidence = {.community_mass = kit_number(columns[2]),
                                      .community_mean = kit_number(columns[3]),
                                      .personal_mass = kit_number(columns[4]),
                                      .personal_shift = kit_number(columns[5])};
    struct score score =
        score_of(kit_number(columns[0]), kit_number(columns[1]), &evidence);
    double personal = kit_number(columns[10]);
    (void)count;
    assert_true(score.present);
    assert_near(score.benchmark, kit_number(columns[0]), 0);
    assert_near(score.mean, kit_number(columns[6]), 1e-7);
    assert_near(score.low, kit_number(columns[7]), 1e-7);
    assert_near(score.high, kit_number(columns[8]), 1e-7);
    assert_near(score.confidence, kit_number(columns[9]), 1e-7);
    assert_int_equal(isnan(score.personal), isnan(personal));
    if (!isnan(personal))
        assert_near(100 * score.personal, personal, 1e-7);
    check_shares(&score, columns[11]);
    assert_int_equal(score.sources, 2);
}

static void
the_formula_gives_what_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(kit_rows("blend.tsv", 13, blend_row), 12);
}

static void
no_evidence_of_raters_is_not_a_number(void **state)
{
    struct blend_evidence none = {0};
    struct score score = score_of(80, 8, &none);
    (void)state;
    assert_true(isnan(score.community));
    assert_true(isnan(score.personal));
}

static void
more_evidence_of_any_kind_narrows_the_interval(void **state)
{
    double last = 1000;
    (void)state;
    for (int halves = 0; halves < 24; halves++) {
        struct blend_evidence evidence = {.personal_mass = halves / 2.0};
        struct score score = score_of(50, 8, &evidence);
        assert_true(score.high - score.low < last);
        last = score.high - score.low;
    }
}

/* No cliffs: a hundredth of a rating more never moves the mean by more than
 * that rating's own share of the way. */
static void
evidence_that_grows_by_a_little_moves_the_mean_by_a_little(void **state)
{
    (void)state;
    for (int hundredths = 0; hundredths < 3000; hundredths++) {
        struct blend_evidence less = {.personal_mass = hundredths / 100.0,
                                      .personal_shift = 0.2};
        struct blend_evidence more = {.personal_mass = (hundredths + 1) / 100.0,
                                      .personal_shift = 0.2};
        double step = score_of(60, 6, &more).mean - score_of(60, 6, &less).mean;
        assert_true(step >= -1e-9 && step <= 20 * 0.01 / 6 + 1e-9);
    }
}

static void
the_benchmark_keeps_forty_percent_whatever_comes(void **state)
{
    (void)state;
    for (int halves = 8; halves <= 24; halves++) {
        double k0 = halves / 2.0;
        struct blend_evidence flood = {.community_mass = 1e9,
                                       .community_mean = 1,
                                       .personal_mass = 1e9,
                                       .personal_shift = 1};
        struct score score = score_of(10, k0, &flood);
        assert_near(score.benchmark_share, 0.4, 1e-12);
        assert_near(score.benchmark_share + score.community_share +
                        score.personal_share,
                    1, 1e-12);
        assert_true(score.community_share <= 0.1 + 1e-12);
    }
}

static void
without_benchmarks_there_is_no_score_whatever_raters_say(void **state)
{
    struct belief none = {0};
    struct blend_evidence evidence = {.community_mass = 50,
                                      .community_mean = 1,
                                      .personal_mass = 50,
                                      .personal_shift = 1};
    (void)state;
    assert_false(blend(&tuning_default, &none, &evidence).present);
}

static void
evidence_that_is_no_evidence_is_told(void **state)
{
    static const struct blend_evidence bad[] = {
        {.community_mass = NAN},      {.community_mass = -1},
        {.community_mass = INFINITY}, {.community_mean = 1.01},
        {.community_mean = NAN},      {.personal_mass = NAN},
        {.personal_mass = -0.5},      {.personal_shift = -1.01},
        {.personal_shift = NAN},
    };
    struct blend_evidence good = {1, 1, 1, -1};
    (void)state;
    assert_true(blend_is_valid(&good));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(blend_is_valid(&bad[i]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_formula_gives_what_the_table_says),
        cmocka_unit_test(no_evidence_of_raters_is_not_a_number),
        cmocka_unit_test(more_evidence_of_any_kind_narrows_the_interval),
        cmocka_unit_test(
            evidence_that_grows_by_a_little_moves_the_mean_by_a_little),
        cmocka_unit_test(the_benchmark_keeps_forty_percent_whatever_comes),
        cmocka_unit_test(
            without_benchmarks_there_is_no_score_whatever_raters_say),
        cmocka_unit_test(evidence_that_is_no_evidence_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
