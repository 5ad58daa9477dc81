/* scorer/normalize: points from figures, over tests/tables/normalize.tsv. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "scorer/normalize.h"
#include "tests/scorer/catalog_kit.h"

#define ONE(b, v) .figure_count = 1, .figures = {{BENCHMARK_##b, v}}

/* Mean 5, standard deviation of the population 2. */
static const struct kit_model EIGHT[] = {
    {.id = "v/a", ONE(GPQA, 2), .speed = 10},
    {.id = "v/b", ONE(GPQA, 4), .speed = 20},
    {.id = "v/c", ONE(GPQA, 4), .speed = 30},
    {.id = "v/d", ONE(GPQA, 4), .speed = 40},
    {.id = "v/e", ONE(GPQA, 5), .speed = 50},
    {.id = "v/f", ONE(GPQA, 5)},
    {.id = "v/g", ONE(GPQA, 7)},
    {.id = "v/h", ONE(GPQA, 9)},
};

static struct normals
normals_of(const struct kit_model *rows, size_t count)
{
    struct normals normals;
    struct catalog *catalog = kit_catalog(rows, count);
    normalize_catalog(catalog, &tuning_default, &normals);
    catalog_free(&catalog);
    return normals;
}

static struct model
probe(struct figure *figure, double value, double spread)
{
    *figure = (struct figure){
        .benchmark = BENCHMARK_GPQA, .value = value, .spread = spread};
    return (struct model){.figures = figure, .figure_count = 1};
}

static void
points_row(char *const *columns, size_t count)
{
    struct normals normals = normals_of(EIGHT, ARRAY_LEN(EIGHT));
    struct figure figure;
    struct model model = probe(&figure, kit_number(columns[0]), 0);
    double points = -1;
    double spread = -1;
    (void)count;
    assert_true(
        normalize_figure(&normals, &model, BENCHMARK_GPQA, &points, &spread));
    assert_near(points, kit_number(columns[1]), 1e-12);
    assert_near(spread, 0, 0);
}

static void
a_deviation_is_twenty_points(void **state)
{
    (void)state;
    assert_int_equal(kit_rows("normalize.tsv", 3, points_row), 8);
}

static void
the_spread_of_a_figure_is_told_in_points(void **state)
{
    struct normals normals = normals_of(EIGHT, ARRAY_LEN(EIGHT));
    struct figure figure;
    struct model model = probe(&figure, 5, 1);
    double points;
    double spread;
    (void)state;
    assert_true(
        normalize_figure(&normals, &model, BENCHMARK_GPQA, &points, &spread));
    assert_near(spread, 10, 1e-12); /* half a deviation */
}

static void
speed_is_normalised_over_those_that_have_it(void **state)
{
    struct normals normals = normals_of(EIGHT, ARRAY_LEN(EIGHT));
    struct model model = {.output_tokens_per_second = 30};
    double points;
    (void)state;
    assert_int_equal(normals.speed.count, 5);
    assert_true(normalize_speed(&normals, &model, &points));
    assert_near(points, 50, 1e-12);
    model.output_tokens_per_second = NAN;
    assert_false(normalize_speed(&normals, &model, &points));
    model.output_tokens_per_second = 0;
    assert_false(normalize_speed(&normals, &model, &points));
}

static void
a_model_without_the_figure_has_no_points(void **state)
{
    struct normals normals = normals_of(EIGHT, ARRAY_LEN(EIGHT));
    struct model model = {0};
    double points;
    double spread;
    (void)state;
    assert_false(
        normalize_figure(&normals, &model, BENCHMARK_GPQA, &points, &spread));
}

static void
variants_other_names_and_routers_are_counted_once(void **state)
{
    static const struct kit_model rows[] = {
        {.id = "v/a", ONE(GPQA, 2)},
        {.id = "v/a:free", ONE(GPQA, 2)},     /* inherits: not counted */
        {.id = "v/a:thinking", ONE(GPQA, 9)}, /* a figure of its own */
        {.id = "v/b", ONE(GPQA, 4)},
        {.id = "v/c", ONE(GPQA, 5)},
        {.id = "~v/b", ONE(GPQA, 4), .standing = MODEL_ALIAS},
        {.id = "~v/r", ONE(GPQA, 4), .standing = MODEL_ROUTER},
    };
    struct normals normals = normals_of(rows, ARRAY_LEN(rows));
    (void)state;
    assert_int_equal(normals.benchmarks[BENCHMARK_GPQA].count, 4);
    assert_near(normals.benchmarks[BENCHMARK_GPQA].mean, 5, 1e-12);
}

static void
fewer_than_five_values_are_not_used(void **state)
{
    struct normals four = normals_of(EIGHT, 4);
    struct normals five = normals_of(EIGHT, 5);
    (void)state;
    assert_false(four.benchmarks[BENCHMARK_GPQA].used);
    assert_true(five.benchmarks[BENCHMARK_GPQA].used);
    assert_false(five.benchmarks[BENCHMARK_ARENA].used);
}

static void
values_without_spread_are_not_used(void **state)
{
    struct kit_model rows[5];
    static const char *const ids[] = {"v/a", "v/b", "v/c", "v/d", "v/e"};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        rows[i] = (struct kit_model){.id = ids[i], ONE(GPQA, 0.1)};
    assert_false(normals_of(rows, 5).benchmarks[BENCHMARK_GPQA].used);
}

static void
figures_that_are_no_numbers_or_absurd_are_refused_and_counted(void **state)
{
    struct kit_model rows[ARRAY_LEN(EIGHT)];
    double clean =
        normals_of(EIGHT, ARRAY_LEN(EIGHT)).benchmarks[BENCHMARK_GPQA].mean;
    static const double bad[] = {NAN, INFINITY, -INFINITY, -1, 101};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        memcpy(rows, EIGHT, sizeof rows);
        rows[7].figures[0].value = bad[i];
        struct normals normals = normals_of(rows, ARRAY_LEN(rows));
        assert_int_equal(normals.refused, 1);
        assert_int_equal(normals.benchmarks[BENCHMARK_GPQA].count, 7);
        assert_near(normals.benchmarks[BENCHMARK_GPQA].mean,
                    (clean * 8 - 9) / 7, 1e-12);
        struct figure figure;
        struct model model = probe(&figure, bad[i], 0);
        double points;
        double spread;
        assert_false(normalize_figure(&normals, &model, BENCHMARK_GPQA, &points,
                                      &spread));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deviation_is_twenty_points),
        cmocka_unit_test(the_spread_of_a_figure_is_told_in_points),
        cmocka_unit_test(speed_is_normalised_over_those_that_have_it),
        cmocka_unit_test(a_model_without_the_figure_has_no_points),
        cmocka_unit_test(variants_other_names_and_routers_are_counted_once),
        cmocka_unit_test(fewer_than_five_values_are_not_used),
        cmocka_unit_test(values_without_spread_are_not_used),
        cmocka_unit_test(
            figures_that_are_no_numbers_or_absurd_are_refused_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
