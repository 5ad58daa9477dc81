/* Normalisation; see normalize.h.
 *
 * Two passes (mean, then squares around it) in catalog order, so that the
 * same catalog gives the same bits. Only + - * / and sqrt, which IEEE 754
 * fixes to the bit. Never trusts a figure: bounds are checked again here. */
#include "scorer/normalize.h"

#include <math.h>

/* A deviation this small beside the values is rounding, not spread. */
#define SPREAD_LEAST 1e-9

struct sums {
    double values[BENCHMARK_COUNT];
    double squares[BENCHMARK_COUNT]; /* around the mean */
    double speed, speed_squares;
};

static bool
figure_is_valid(const struct figure *figure)
{
    return isfinite(figure->value) &&
           figure->value >= benchmark_lowest(figure->benchmark) &&
           figure->value <= benchmark_highest(figure->benchmark);
}

static bool
speed_is_valid(const struct model *model)
{
    return isfinite(model->output_tokens_per_second) &&
           model->output_tokens_per_second > 0;
}

/* The model of which this is a variant ("vendor/name:free"), or NULL. */
static const struct model *
variant_base(const struct catalog *catalog, const struct model *model)
{
    ptrdiff_t colon = slice_find(model->id, SLICE(":"));
    if (colon < 0)
        return NULL;
    return catalog_find(catalog, slice_cut(model->id, 0, (size_t)colon));
}

static bool
is_counted(const struct model *model, const struct model *base,
           const struct figure *figure)
{
    if (model->standing == MODEL_ALIAS || model->standing == MODEL_ROUTER)
        return false;
    const struct figure *same =
        base ? model_figure(base, figure->benchmark) : NULL;
    return same == NULL || same->value != figure->value;
}

static void
add_values(const struct catalog *catalog, const struct model *model,
           struct normals *normals, struct sums *sums)
{
    const struct model *base = variant_base(catalog, model);
    for (size_t i = 0; i < model->figure_count; i++) {
        const struct figure *figure = &model->figures[i];
        if (!figure_is_valid(figure)) {
            normals->refused++;
        } else if (is_counted(model, base, figure)) {
            normals->benchmarks[figure->benchmark].count++;
            sums->values[figure->benchmark] += figure->value;
        }
    }
    if (base == NULL && speed_is_valid(model)) {
        normals->speed.count++;
        sums->speed += model->output_tokens_per_second;
    }
}

static void
add_squares(const struct catalog *catalog, const struct model *model,
            const struct normals *normals, struct sums *sums)
{
    const struct model *base = variant_base(catalog, model);
    for (size_t i = 0; i < model->figure_count; i++) {
        const struct figure *figure = &model->figures[i];
        double off =
            figure->value - normals->benchmarks[figure->benchmark].mean;
        if (figure_is_valid(figure) && is_counted(model, base, figure))
            sums->squares[figure->benchmark] += off * off;
    }
    if (base == NULL && speed_is_valid(model)) {
        double off = model->output_tokens_per_second - normals->speed.mean;
        sums->speed_squares += off * off;
    }
}

static void
finish(struct normal *normal, double squares, const struct tuning *tuning)
{
    if (normal->count == 0)
        return;
    normal->deviation = sqrt(squares / normal->count);
    normal->used = normal->count >= tuning->values_least &&
                   normal->deviation > SPREAD_LEAST * (1 + fabs(normal->mean));
}

void
normalize_catalog(const struct catalog *catalog, const struct tuning *tuning,
                  struct normals *ret_normals)
{
    struct sums sums = {0};
    struct normals normals = {.tuning = tuning};
    for (size_t i = 0; i < catalog->count; i++)
        add_values(catalog, &catalog->models[i], &normals, &sums);
    for (size_t b = 0; b < BENCHMARK_COUNT; b++)
        if (normals.benchmarks[b].count > 0)
            normals.benchmarks[b].mean =
                sums.values[b] / normals.benchmarks[b].count;
    if (normals.speed.count > 0)
        normals.speed.mean = sums.speed / normals.speed.count;
    for (size_t i = 0; i < catalog->count; i++)
        add_squares(catalog, &catalog->models[i], &normals, &sums);
    for (size_t b = 0; b < BENCHMARK_COUNT; b++)
        finish(&normals.benchmarks[b], sums.squares[b], tuning);
    finish(&normals.speed, sums.speed_squares, tuning);
    *ret_normals = normals;
}

static double
points(const struct normal *normal, double value, const struct tuning *tuning)
{
    double z = (value - normal->mean) / normal->deviation;
    return fmin(fmax(tuning->points_centre + tuning->points_spread * z, 0),
                100);
}

bool
normalize_figure(const struct normals *normals, const struct model *model,
                 enum benchmark benchmark, double *ret_points,
                 double *ret_spread)
{
    const struct normal *normal = &normals->benchmarks[benchmark];
    const struct figure *figure = model_figure(model, benchmark);
    if (figure == NULL || !normal->used || !figure_is_valid(figure))
        return false;
    *ret_points = points(normal, figure->value, normals->tuning);
    *ret_spread = isfinite(figure->spread) && figure->spread > 0
                      ? normals->tuning->points_spread * figure->spread /
                            normal->deviation
                      : 0;
    return true;
}

bool
normalize_speed(const struct normals *normals, const struct model *model,
                double *ret_points)
{
    if (!normals->speed.used || !speed_is_valid(model))
        return false;
    *ret_points = points(&normals->speed, model->output_tokens_per_second,
                         normals->tuning);
    return true;
}
