/* The search; see learning_tune.h.
 *
 * First the constants that move means, by regret after 200 ratings; then the
 * width of the interval, which moves no mean, by coverage. Grids end where the
 * product page ends: k0 within 4 to 12, the community at most a quarter of it,
 * the benchmark at least 40 %. */
#include "tests/bench/learning_tune.h"
#include "core/base/check.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define GRID_MOST 8
#define ROUNDS 2
#define MARKS 2 /* up to 200 ratings */
#define AIM 0.9
#define SURE 2 /* standard errors */
#define SURE_COVERAGE 0.01
#define WORLDS_MOST 256

struct knob {
    const char *name;
    size_t at; /* of a double in struct rule */
    double grid[GRID_MOST];
    size_t count;
};

#define KNOB(field) #field, offsetof(struct rule, tuning.field)

static const struct knob KNOBS[] = {
    {KNOB(shrink_ratio), {0.1, 0.2, 0.3, 0.5, 0.8, 1.2}, 6},
    {KNOB(prior_least), {4, 5, 6, 8}, 4},
    {KNOB(prior_most), {4, 6, 8, 10, 12}, 5},
    {KNOB(sources_enough), {2, 3, 4}, 3},
    {KNOB(disagreement_half), {8, 15, 30, 60}, 4},
    {KNOB(community_share_most), {0, 0.05, 0.1, 0.15, 0.2, 0.25}, 6},
    {KNOB(benchmark_share_least), {0.4, 0.5, 0.6, 0.7}, 4},
    {"baseline_pseudo_ratings",
     offsetof(struct rule, pseudo_ratings),
     {2, 4, 8, 16, 32, 64},
     6},
};

static const struct knob WIDTH = {
    KNOB(rating_deviation),
    {0.3, 0.325, 0.35, 0.375, 0.4, 0.425, 0.45, 0.5},
    8};

static double *
value_of(struct rule *rule, const struct knob *knob)
{
    return (double *)(void *)((char *)rule + knob->at);
}

/* The regrets by world. */
static void
regrets_of(const struct world *worlds, size_t count, const struct rule *rule,
           double *ret_regrets)
{
    for (size_t i = 0; i < count; i++) {
        struct trial trial;
        trial_run(&worlds[i], rule, MARKS, &trial);
        ret_regrets[i] = trial.regret[MARKS - 1];
    }
}

static double
mean_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* The mean of b - a and its standard error. */
static double
compare(const double *a, const double *b, size_t count, double *ret_error)
{
    double mean = mean_of(b, count) - mean_of(a, count);
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (b[i] - a[i] - mean) * (b[i] - a[i] - mean);
    *ret_error = sqrt(squares / (double)(count * (count - 1)));
    return mean;
}

/* How far the coverage of unrated, rated and picked cells lies from the aim
 * (root of the mean square). */
static double
miss_of(const struct world *worlds, size_t count, const struct rule *rule)
{
    double inside[3] = {0};
    double seen[3] = {0};
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        struct trial trial;
        trial_run(&worlds[i], rule, MARKS, &trial);
        for (size_t b = 0; b < TRIAL_BUCKETS; b++) {
            size_t kind = b == 0 ? 0 : b == TRIAL_PICKED ? 2 : 1;
            inside[kind] += trial.inside[b];
            seen[kind] += trial.seen[b];
        }
    }
    for (size_t k = 0; k < 3; k++)
        sum += (inside[k] / seen[k] - AIM) * (inside[k] / seen[k] - AIM);
    return sqrt(sum / 3);
}

/* Where the search stands. */
struct search {
    const struct world *worlds;
    size_t count;
    struct rule rule;
    double regrets[WORLDS_MOST];
};

/* Try the knob's values; one is taken when it is better than what there is by
 * more than chance would have it. */
static bool
walk(struct search *search, const struct knob *knob)
{
    double *value = value_of(&search->rule, knob);
    double start = *value;
    double best = start;
    double least = -SURE;
    static double kept[WORLDS_MOST];
    printf("  %s, now %g:", knob->name, start);
    for (size_t i = 0; i < knob->count; i++) {
        double regrets[WORLDS_MOST];
        double error;
        if (knob->grid[i] == start)
            continue;
        *value = knob->grid[i];
        regrets_of(search->worlds, search->count, &search->rule, regrets);
        double more = compare(search->regrets, regrets, search->count, &error);
        printf(" %g: %+.0f +- %.0f,", *value, more, error);
        (void)fflush(stdout);
        if (error > 0 && more / error < least) {
            least = more / error;
            best = *value;
            memcpy(kept, regrets, sizeof kept);
        }
    }
    *value = best;
    printf(" -> %g\n", best);
    if (best != start)
        memcpy(search->regrets, kept, sizeof kept);
    return best != start;
}

static void
walk_width(struct search *search)
{
    double *value = value_of(&search->rule, &WIDTH);
    double best = *value;
    double least = miss_of(search->worlds, search->count, &search->rule);
    printf("  %s, now %g (%.3f):", WIDTH.name, best, least);
    for (size_t i = 0; i < WIDTH.count; i++) {
        *value = WIDTH.grid[i];
        double miss = miss_of(search->worlds, search->count, &search->rule);
        printf(" %g: %.3f,", *value, miss);
        if (miss < least - SURE_COVERAGE) {
            least = miss;
            best = *value;
        }
    }
    printf(" -> %g\n", best);
    *value = best;
}

void
tune_search(const struct world *worlds, size_t count)
{
    static struct search search;
    bool moved = true;
    CHECK(count <= WORLDS_MOST);
    search.worlds = worlds;
    search.count = count;
    search.rule = rule_ours();
    regrets_of(worlds, count, &search.rule, search.regrets);
    printf("regret after 200 ratings: %.0f; differences to it, with their"
           " standard errors over %zu worlds\n",
           mean_of(search.regrets, count), count);
    for (int round = 0; moved && round < ROUNDS; round++) {
        moved = false;
        for (size_t k = 0; k < ARRAY_LEN(KNOBS); k++)
            moved |= walk(&search, &KNOBS[k]);
    }
    printf("regret with what was found: %.0f\n",
           mean_of(search.regrets, count));
    printf("coverage of unrated, rated and picked cells: distance from %g\n",
           AIM);
    walk_width(&search);
}
