/* One way to rank in one simulated world: regret, whether the intervals held
 * the truth, and how long a model that got worse is still picked. */
#ifndef TESTS_BENCH_LEARNING_TRIAL_H
#define TESTS_BENCH_LEARNING_TRIAL_H

#include "tests/bench/learning_rule.h"

#define TRIAL_MARKS 3   /* regret after 50, 200 and 1000 ratings */
#define TRIAL_BUCKETS 6 /* cells by their ratings; the last: what is picked */
#define TRIAL_PICKED (TRIAL_BUCKETS - 1)
#define TRIAL_PATIENCE 240 /* ratings after a model got worse */

extern const uint32_t trial_marks[TRIAL_MARKS];
extern const char *const trial_bucket_names[TRIAL_BUCKETS];

struct trial {
    double regret[TRIAL_MARKS]; /* points, summed over a tenant's ratings,
                                   mean of the focal tenants */
    double inside[TRIAL_BUCKETS], seen[TRIAL_BUCKETS];
    double least_share;
};

/* Until the focal tenants have given trial_marks[marks - 1] ratings. */
void trial_run(const struct world *world, const struct rule *rule, size_t marks,
               struct trial *ret_trial);
/* The regret of the model that, picked always, does best up to each mark. */
void trial_constant(const struct world *world, double ret_regret[TRIAL_MARKS]);
/* The first tenant's favourite loses 25 points on day 60; how many of its
 * next 240 ratings it still spends on that model. */
double trial_notice(struct world *world, const struct rule *rule);

#endif
