/* scorer/category and scorer/fast_cheap: beliefs from figures. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "scorer/category.h"
#include "tests/scorer/catalog_kit.h"

/* Five models that carry every benchmark at mean 50, deviation 10 (values 30
 * to 70 of a scale), so that a figure of v reads as 50 + 2 (v - 50) points. */
#define LADDER_LENGTH 5
static const double LADDER[LADDER_LENGTH] = {
    50 - 14.142135623730951, 50 - 7.0710678118654755, 50,
    50 + 7.0710678118654755, 50 + 14.142135623730951};

static struct normals
plain_normals(void)
{
    static const char *const ids[] = {"v/a", "v/b", "v/c", "v/d", "v/e"};
    struct kit_model rows[LADDER_LENGTH];
    struct figure figures[LADDER_LENGTH][BENCHMARK_COUNT];
    struct model models[LADDER_LENGTH];
    struct normals normals;
    struct catalog *catalog = NULL;
    for (size_t i = 0; i < LADDER_LENGTH; i++)
        rows[i] = (struct kit_model){.id = ids[i]};
    catalog = kit_catalog(rows, LADDER_LENGTH);
    for (size_t i = 0; i < LADDER_LENGTH; i++) {
        models[i] = catalog->models[i];
        for (unsigned b = 0; b < BENCHMARK_COUNT; b++)
            figures[i][b] = (struct figure){.benchmark = (enum benchmark)b,
                                            .value = LADDER[i]};
        models[i].figures = figures[i];
        models[i].figure_count = BENCHMARK_COUNT;
        models[i].output_tokens_per_second = LADDER[i];
    }
    catalog->models = models;
    normalize_catalog(catalog, &tuning_default, &normals);
    catalog_free(&catalog);
    return normals;
}

/* A value that earns so many points. */
static double
worth(double points)
{
    return 50 + (points - 50) / 2;
}

struct bench {
    struct normals normals;
    struct figure figures[BENCHMARK_COUNT];
    struct model model;
    struct belief beliefs[CATEGORY_COUNT];
};

static void
bench_init(struct bench *bench)
{
    *bench = (struct bench){.normals = plain_normals()};
    bench->model = (struct model){.figures = bench->figures,
                                  .context_tokens = 200000,
                                  .capabilities = BIT(CAPABILITY_VISION),
                                  .prompt_price = PRICE_USD / 2,
                                  .completion_price = PRICE_USD / 2,
                                  .output_tokens_per_second = NAN};
}

/* Figures must be added ascending. */
static void
bench_add(struct bench *bench, enum benchmark benchmark, double points)
{
    bench->figures[bench->model.figure_count++] =
        (struct figure){.benchmark = benchmark, .value = worth(points)};
}

static void
bench_add_all(struct bench *bench, double points)
{
    for (unsigned b = 0; b < BENCHMARK_COUNT; b++)
        bench_add(bench, (enum benchmark)b, points);
}

static struct belief
bench_belief(struct bench *bench, enum category category)
{
    category_beliefs(&bench->normals, &bench->model, 0, bench->beliefs);
    return bench->beliefs[category];
}

/* To the bit, but for padding. */
static void
assert_same(const struct belief *a, const struct belief *b)
{
    assert_int_equal(a->present, b->present);
    assert_int_equal(a->sources, b->sources);
    assert_near(a->mean, b->mean, 0);
    assert_near(a->raw, b->raw, 0);
    assert_near(a->coverage, b->coverage, 0);
    assert_near(a->reliability, b->reliability, 0);
    assert_near(a->disagreement, b->disagreement, 0);
    assert_near(a->mass, b->mass, 0);
}

static void
a_model_measured_in_full_scores_the_weighted_mean(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench_add(&bench, BENCHMARK_INTELLIGENCE_INDEX, 90);
    bench_add(&bench, BENCHMARK_MMLU_PRO, 70);
    bench_add(&bench, BENCHMARK_GPQA, 60);
    bench_add(&bench, BENCHMARK_ARENA, 80);
    struct belief general = bench_belief(&bench, CATEGORY_GENERAL);
    double wanted = (3 * 80 + 2 * 70 + 2 * 60 + 90) / 8.0;
    assert_true(general.present);
    assert_near(general.raw, wanted, 1e-9);
    assert_near(general.mean, wanted, 1e-9);
    assert_near(general.coverage, 1, 1e-12);
    assert_int_equal(general.sources,
                     BIT(SOURCE_ARTIFICIAL_ANALYSIS) | BIT(SOURCE_LMARENA));
}

static void
every_category_of_a_model_of_seventies_is_seventy(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench_add_all(&bench, 70);
    for (unsigned c = 0; c < CATEGORY_COUNT; c++) {
        double bonus = c == CATEGORY_RESEARCH ? 20 * 0.2 : 0;
        if (c == CATEGORY_FAST_CHEAP)
            continue;
        struct belief belief = bench_belief(&bench, (enum category)c);
        assert_near(belief.mean, 70 + bonus, 1e-9);
        assert_near(belief.disagreement, 0, 1e-6);
    }
}

static void
reliability_row(char *const *columns, size_t count)
{
    double share = kit_number(columns[0]) / kit_number(columns[1]);
    (void)count;
    assert_near(category_reliability(&tuning_default, share),
                kit_number(columns[2]), 1e-15);
}

static void
what_is_measured_in_part_shrinks_toward_the_average(void **state)
{
    (void)state;
    assert_int_equal(kit_rows("reliability.tsv", 4, reliability_row), 5);
}

/* The rule that matters most: for every category, each benchmark alone at
 * its very best loses against all of them good. */
static void
one_benchmark_alone_never_beats_all_of_them_good(void **state)
{
    struct bench good;
    (void)state;
    bench_init(&good);
    bench_add_all(&good, 80);
    for (unsigned c = 0; c < CATEGORY_COUNT; c++) {
        enum category category = (enum category)c;
        double five = bench_belief(&good, category).mean;
        /* vision is two boards only: one of them is most of it. */
        if (category == CATEGORY_FAST_CHEAP || category == CATEGORY_VISION)
            continue;
        for (unsigned b = 0; b < BENCHMARK_COUNT; b++) {
            struct bench one;
            bench_init(&one);
            bench_add(&one, (enum benchmark)b, 100);
            struct belief belief = bench_belief(&one, category);
            if (belief.present && belief.coverage < 0.3)
                assert_true(belief.mean < five);
        }
    }
}

static void
without_evidence_there_is_no_belief_and_no_number(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    for (unsigned c = 0; c < CATEGORY_COUNT; c++) {
        struct belief belief = bench_belief(&bench, (enum category)c);
        assert_false(belief.present);
        assert_near(belief.mean, 0, 0);
    }
}

static void
mass_grows_with_independent_sources(void **state)
{
    static const enum benchmark one_each[] = {BENCHMARK_GPQA, BENCHMARK_ARENA,
                                              BENCHMARK_LIVE_BENCH_REASONING,
                                              BENCHMARK_HF_BBH};
    double last = 4;
    struct bench bench;
    (void)state;
    bench_init(&bench);
    for (size_t i = 0; i < ARRAY_LEN(one_each); i++) {
        bench_add(&bench, one_each[i], 70);
        struct belief belief = bench_belief(&bench, CATEGORY_REASONING);
        assert_int_equal(category_source_count(belief.sources), i + 1);
        assert_true(belief.mass > last && belief.mass <= 12);
        last = belief.mass;
    }
}

static void
a_second_figure_of_the_same_source_is_no_second_source(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench_add(&bench, BENCHMARK_MATH_INDEX, 70);
    bench_add(&bench, BENCHMARK_GPQA, 70);
    struct belief belief = bench_belief(&bench, CATEGORY_REASONING);
    assert_int_equal(belief.sources, BIT(SOURCE_ARTIFICIAL_ANALYSIS));
    assert_true(belief.mass < 4 + 8.0 / 4 + 1e-9);
}

/* Artificial Analysis by its own API or inside OpenRouter's entries. */
static void
the_way_a_figure_came_makes_no_difference(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench_add(&bench, BENCHMARK_GPQA, 70);
    bench.figures[0].via = SOURCE_ARTIFICIAL_ANALYSIS;
    struct belief direct = bench_belief(&bench, CATEGORY_GENERAL);
    bench.figures[0].via = SOURCE_OPENROUTER;
    struct belief inside = bench_belief(&bench, CATEGORY_GENERAL);
    assert_same(&direct, &inside);
}

static void
mass_shrinks_with_disagreement(void **state)
{
    struct bench agree;
    struct bench differ;
    (void)state;
    bench_init(&agree);
    bench_init(&differ);
    bench_add(&agree, BENCHMARK_GPQA, 65);
    bench_add(&agree, BENCHMARK_ARENA, 65);
    bench_add(&differ, BENCHMARK_GPQA, 35);
    bench_add(&differ, BENCHMARK_ARENA, 85);
    struct belief calm = bench_belief(&agree, CATEGORY_GENERAL);
    struct belief torn = bench_belief(&differ, CATEGORY_GENERAL);
    assert_near(calm.raw, torn.raw, 1e-9);
    assert_true(torn.disagreement > 20);
    assert_true(torn.mass < calm.mass && torn.mass >= 4);
}

static void
a_source_left_out_counts_as_silent(void **state)
{
    struct bench both;
    struct bench alone;
    struct belief without[CATEGORY_COUNT];
    (void)state;
    bench_init(&both);
    bench_init(&alone);
    bench_add(&both, BENCHMARK_GPQA, 70);
    bench_add(&alone, BENCHMARK_GPQA, 70);
    bench_add(&both, BENCHMARK_ARENA, 90);
    category_beliefs(&both.normals, &both.model, BIT(SOURCE_LMARENA), without);
    (void)bench_belief(&alone, CATEGORY_GENERAL);
    for (unsigned c = 0; c < CATEGORY_COUNT; c++)
        assert_same(&without[c], &alone.beliefs[c]);
}

static void
creative_takes_the_creative_board_and_only_else_the_whole_arena(void **state)
{
    struct bench board;
    struct bench arena;
    (void)state;
    bench_init(&board);
    bench_init(&arena);
    bench_add(&arena, BENCHMARK_ARENA, 60);
    struct belief whole = bench_belief(&arena, CATEGORY_CREATIVE);
    assert_near(whole.raw, 60, 1e-9);
    bench_add(&board, BENCHMARK_ARENA, 60);
    bench_add(&board, BENCHMARK_ARENA_CREATIVE, 90);
    struct belief own = bench_belief(&board, CATEGORY_CREATIVE);
    assert_near(own.raw, (4 * 90 + 1 * 60) / 5.0, 1e-9);
}

static void
vision_is_for_models_that_see(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench_add(&bench, BENCHMARK_INTELLIGENCE_INDEX, 80);
    assert_true(bench_belief(&bench, CATEGORY_VISION).present);
    bench.model.capabilities = 0;
    assert_false(bench_belief(&bench, CATEGORY_VISION).present);
}

static void
research_adds_points_for_context_from_a_hundred_thousand_tokens(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench_add_all(&bench, 70);
    bench.model.context_tokens = 100000;
    assert_near(bench_belief(&bench, CATEGORY_RESEARCH).mean, 72, 1e-9);
    bench.model.context_tokens = 1000000;
    assert_near(bench_belief(&bench, CATEGORY_RESEARCH).mean, 90, 1e-9);
    bench.model.context_tokens = 10000000;
    assert_near(bench_belief(&bench, CATEGORY_RESEARCH).mean, 90, 1e-9);
    bench.model.context_tokens = 99999;
    assert_false(bench_belief(&bench, CATEGORY_RESEARCH).present);
    bench.model.context_tokens = 0; /* unknown */
    assert_false(bench_belief(&bench, CATEGORY_RESEARCH).present);
}

static void
research_never_passes_a_hundred(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench_add_all(&bench, 95);
    bench.model.context_tokens = 1000000;
    assert_near(bench_belief(&bench, CATEGORY_RESEARCH).mean, 100, 0);
}

static void
cheap_and_fast_wins_only_above_the_quality_floor(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench_add_all(&bench, 60);
    bench.model.output_tokens_per_second = worth(80);
    struct belief fair = bench_belief(&bench, CATEGORY_FAST_CHEAP);
    assert_near(fair.mean, (3 * 50 + 3 * 80 + 2 * 60) / 8.0, 1e-9);
    bench.model.prompt_price = 0;
    bench.model.completion_price = 0;
    struct belief free_one = bench_belief(&bench, CATEGORY_FAST_CHEAP);
    assert_near(free_one.mean, (3 * 100 + 3 * 80 + 2 * 60) / 8.0, 1e-9);

    bench.model.figure_count = 0;
    bench_add_all(&bench, 30);
    struct belief weak = bench_belief(&bench, CATEGORY_FAST_CHEAP);
    assert_true(weak.present);
    assert_near(weak.mean, 0, 0);
}

static void
an_unknown_speed_is_not_taken_for_an_average_one(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench_add_all(&bench, 80);
    bench.model.prompt_price = 0;
    bench.model.completion_price = 0;
    bench.model.output_tokens_per_second = worth(92);
    struct belief known = bench_belief(&bench, CATEGORY_FAST_CHEAP);
    bench.model.output_tokens_per_second = NAN;
    struct belief unknown = bench_belief(&bench, CATEGORY_FAST_CHEAP);
    assert_near(known.raw, unknown.raw, 1e-9); /* the same on what is known */
    assert_true(unknown.mean < known.mean);
    assert_true(unknown.mass < known.mass);
}

static void
price_without_any_benchmark_is_no_evidence(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench.model.prompt_price = 0;
    bench.model.output_tokens_per_second = 70;
    assert_false(bench_belief(&bench, CATEGORY_FAST_CHEAP).present);
    bench_add(&bench, BENCHMARK_ARENA, 90);
    bench.model.prompt_price = -1;
    assert_false(bench_belief(&bench, CATEGORY_FAST_CHEAP).present);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_measured_in_full_scores_the_weighted_mean),
        cmocka_unit_test(every_category_of_a_model_of_seventies_is_seventy),
        cmocka_unit_test(what_is_measured_in_part_shrinks_toward_the_average),
        cmocka_unit_test(one_benchmark_alone_never_beats_all_of_them_good),
        cmocka_unit_test(without_evidence_there_is_no_belief_and_no_number),
        cmocka_unit_test(mass_grows_with_independent_sources),
        cmocka_unit_test(
            a_second_figure_of_the_same_source_is_no_second_source),
        cmocka_unit_test(the_way_a_figure_came_makes_no_difference),
        cmocka_unit_test(mass_shrinks_with_disagreement),
        cmocka_unit_test(a_source_left_out_counts_as_silent),
        cmocka_unit_test(
            creative_takes_the_creative_board_and_only_else_the_whole_arena),
        cmocka_unit_test(vision_is_for_models_that_see),
        cmocka_unit_test(
            research_adds_points_for_context_from_a_hundred_thousand_tokens),
        cmocka_unit_test(research_never_passes_a_hundred),
        cmocka_unit_test(cheap_and_fast_wins_only_above_the_quality_floor),
        cmocka_unit_test(an_unknown_speed_is_not_taken_for_an_average_one),
        cmocka_unit_test(price_without_any_benchmark_is_no_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
