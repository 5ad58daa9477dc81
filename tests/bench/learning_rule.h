/* The ways to rank that bench_learning compares, and a learner that runs one
 * of them: what all tenants of a world rated, folded by feedback and blended
 * by scorer. */
#ifndef TESTS_BENCH_LEARNING_RULE_H
#define TESTS_BENCH_LEARNING_RULE_H

#include "core/types/layers.h"
#include "core/types/score_table.h"
#include "scorer/tuning.h"
#include "tests/bench/learning_world.h"

enum rule_way {
    RULE_OURS,       /* feedback's folds and scorer's blend */
    RULE_FIXED,      /* the fixed 70/30 blend */
    RULE_BENCHMARKS, /* nobody is listened to */
    RULE_KNOWING,    /* what Bayes' rule makes of the same, see below */
};

struct rule {
    const char *name;
    enum rule_way way;
    bool raw;       /* start from the mean of what is there, unshrunk */
    bool everybody; /* knowing: of everybody's ratings */
    struct tuning tuning;
    double pseudo_ratings; /* of the baseline */
    /* Changes of our formulas that are only proposed; 0 is as it is. */
    size_t newest; /* only so many of a cell's own ratings count, the newest */
    double surplus_pseudo_ratings; /* a rating is read against what the
                                      benchmarks promise of the model, and a
                                      rater's habit is the mean surplus over
                                      that, shrunk by so many ratings */
};

/* constants.def and fold_constants.def. */
struct rule rule_ours(void);
/* The fixed blend: benchmarks 70 %, own ratings 30 % from the third on (share
 * of ratings of 3 stars and more), or the community's plain mean 30 % from its
 * tenth rating on, or 50/25/25 of all three. raw: over the weighted mean of
 * the benchmarks that are there, 50 without any; else over our benchmark
 * means. */
struct rule rule_fixed(bool raw);
struct rule rule_benchmarks(void);
/* No way to rank but a bound for any: it knows how the world was made, how
 * noisy ratings are, each rater's habit and who is lazy or hostile, trusts
 * benchmarks only as far as they deserve, and goes one standard deviation (of
 * its own ratings alone: half of one) ahead of its means to explore. */
struct rule rule_knowing(bool everybody);
/* The fixed blend's score; a negative rate is none. */
double rule_fixed_score(double benchmark, double personal, double community);

struct learner;

/* World and rule are borrowed. */
struct learner *learner_new(const struct world *world, const struct rule *rule);
void learner_free(struct learner **learner);
/* A day begins: what was reported until now counts in everyone's table. Days
 * ascend from 0. */
void learner_begin_day(struct learner *learner, int32_t day);
/* The arm with the highest score for the tenant, the first of equals. */
size_t learner_pick(struct learner *learner, size_t tenant);
void
learner_rate(struct learner *learner, size_t tenant, size_t arm, uint8_t stars);
/* As it stands; of the fixed blend only the mean is set. */
const struct score *
learner_score(const struct learner *learner, size_t tenant, size_t arm);
/* Ratings that the tenant has given the arm. */
size_t
learner_ratings(const struct learner *learner, size_t tenant, size_t arm);
/* The least benchmark share of any score so far. */
double learner_least_share(const struct learner *learner);

#endif
