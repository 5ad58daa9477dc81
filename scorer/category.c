/* Categories; see category.h.
 *
 * weights.def becomes two tables that are walked for each model; a tally
 * keeps the evidence by source, so that agreement between sources can be
 * told. Never ranks and never looks at standing. */
#include "scorer/category.h"
#include "core/base/check.h"
#include "scorer/fast_cheap.h"

#include <math.h>

#define BENCHMARK_NONE BENCHMARK_COUNT

struct weight {
    enum category category;
    enum benchmark benchmark;
    double weight;
    enum benchmark unless; /* BENCHMARK_NONE, or skip when this is there */
};

static const struct weight WEIGHTS[] = {
#define WEIGHT(category, benchmark, weight, unless)                            \
    {CATEGORY_##category, BENCHMARK_##benchmark, weight, BENCHMARK_##unless},
#define PART(category, part, weight)
#include "scorer/weights.def"
#undef WEIGHT
#undef PART
};

struct part {
    enum category category;
    enum category part;
    double weight;
};

static const struct part PARTS[] = {
#define WEIGHT(category, benchmark, weight, unless)
#define PART(category, part, weight)                                           \
    {CATEGORY_##category, CATEGORY_##part, weight},
#include "scorer/weights.def"
#undef WEIGHT
#undef PART
};

/* Evidence as it comes in, by source. */
struct tally {
    double weight[SOURCE_COUNT];
    double points[SOURCE_COUNT]; /* weight * points */
    double spreads;              /* weight * spread^2 */
};

struct question {
    const struct normals *normals;
    const struct model *model;
    uint32_t without;
};

uint32_t
category_source_count(uint32_t sources)
{
    return (uint32_t)__builtin_popcount(sources);
}

static bool
find_points(const struct question *question, enum benchmark benchmark,
            double *ret_points, double *ret_spread)
{
    if (question->without & BIT(benchmark_source(benchmark)))
        return false;
    return normalize_figure(question->normals, question->model, benchmark,
                            ret_points, ret_spread);
}

/* Add the category's own benchmarks to the tally, their weights times scale;
 * returns the weight added. */
static double
add_weights(const struct question *question, enum category category,
            double scale, struct tally *tally)
{
    double sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(WEIGHTS); i++) {
        const struct weight *row = &WEIGHTS[i];
        double points;
        double spread;
        if (row->category != category)
            continue;
        if (row->unless != BENCHMARK_NONE &&
            find_points(question, row->unless, &points, &spread))
            continue;
        if (!find_points(question, row->benchmark, &points, &spread))
            continue;
        enum source source = benchmark_source(row->benchmark);
        double weight = row->weight * scale;
        tally->weight[source] += weight;
        tally->points[source] += weight * points;
        tally->spreads += weight * spread * spread;
        sum += weight;
    }
    return sum;
}

/* The weight of a category's list when everything is there. */
static double
full_weight(enum category category)
{
    double sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(WEIGHTS); i++)
        if (WEIGHTS[i].category == category &&
            WEIGHTS[i].unless == BENCHMARK_NONE)
            sum += WEIGHTS[i].weight;
    return sum;
}

/* Add a part: its own evidence, scaled so that together it weighs what the
 * part weighs. Returns the weight of the part that is covered. */
static double
add_part(const struct question *question, const struct part *part,
         struct tally *tally)
{
    struct tally trial = {0};
    double there = add_weights(question, part->part, 1, &trial);
    if (there <= 0)
        return 0;
    (void)add_weights(question, part->part, part->weight / there, tally);
    return part->weight * there / full_weight(part->part);
}

double
category_reliability(const struct tuning *tuning, double coverage)
{
    return coverage / (coverage + tuning->shrink_ratio * (1 - coverage));
}

double
category_mass(const struct tuning *tuning, const struct belief *belief)
{
    double sources = category_source_count(belief->sources);
    double breadth =
        fmin(sources, tuning->sources_enough) / tuning->sources_enough;
    double off = belief->disagreement / tuning->disagreement_half;
    double agreement = 1 / (1 + off * off);
    return tuning->prior_least + (tuning->prior_most - tuning->prior_least) *
                                     belief->reliability * breadth * agreement;
}

/* Means by source to one mean and how far they lie apart. */
static void
settle(const struct tally *tally, struct belief *belief)
{
    double weight = 0;
    double points = 0;
    double variance = 0;
    for (unsigned s = 0; s < SOURCE_COUNT; s++) {
        if (tally->weight[s] <= 0)
            continue;
        belief->sources |= BIT(s);
        weight += tally->weight[s];
        points += tally->points[s];
    }
    belief->raw = points / weight;
    for (unsigned s = 0; s < SOURCE_COUNT; s++) {
        if (tally->weight[s] <= 0)
            continue;
        double off = tally->points[s] / tally->weight[s] - belief->raw;
        variance += tally->weight[s] * off * off;
    }
    belief->disagreement = sqrt((variance + tally->spreads) / weight);
}

static struct belief
believe(const struct question *question, enum category category)
{
    const struct tuning *tuning = question->normals->tuning;
    struct tally tally = {0};
    struct belief belief = {0};
    double covered = add_weights(question, category, 1, &tally);
    double full = full_weight(category);
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        if (PARTS[i].category != category)
            continue;
        covered += add_part(question, &PARTS[i], &tally);
        full += PARTS[i].weight;
    }
    if (covered <= 0)
        return belief;
    belief.present = true;
    settle(&tally, &belief);
    belief.coverage = fmin(covered / full, 1);
    belief.reliability = category_reliability(tuning, belief.coverage);
    belief.mean = tuning->points_centre +
                  belief.reliability * (belief.raw - tuning->points_centre);
    belief.mass = category_mass(tuning, &belief);
    return belief;
}

/* A category's own conditions and bonuses, on top of its benchmarks. */
static void
apply_traits(const struct question *question, enum category category,
             struct belief *belief)
{
    const struct tuning *tuning = question->normals->tuning;
    const struct model *model = question->model;
    if (category == CATEGORY_VISION &&
        !(model->capabilities & BIT(CAPABILITY_VISION)))
        *belief = (struct belief){0};
    if (category != CATEGORY_RESEARCH || !belief->present)
        return;
    if (model->context_tokens < tuning->context_least) {
        *belief = (struct belief){0};
        return;
    }
    double share = fmin(model->context_tokens / tuning->context_full, 1);
    belief->mean = fmin(belief->mean + tuning->context_points * share, 100);
}

void
category_beliefs(const struct normals *normals, const struct model *model,
                 uint32_t without, struct belief ret_beliefs[CATEGORY_COUNT])
{
    struct question question = {normals, model, without};
    for (unsigned c = 0; c < CATEGORY_COUNT; c++) {
        enum category category = (enum category)c;
        if (category == CATEGORY_FAST_CHEAP)
            continue;
        ret_beliefs[c] = believe(&question, category);
        apply_traits(&question, category, &ret_beliefs[c]);
    }
    ret_beliefs[CATEGORY_FAST_CHEAP] = fast_cheap_belief(
        normals, model, without, &ret_beliefs[CATEGORY_GENERAL]);
}
