/* Policies that choose one model a prompt, and what each earns on an order of
 * prompts. A policy sees only the outcome of the model it chose; the constants
 * and the oracle know the whole matrix. */
#ifndef TESTS_BENCH_REPLAY_RUN_H
#define TESTS_BENCH_REPLAY_RUN_H

#include "tests/bench/replay_learner.h"

#define REPLAY_EARLY 100  /* prompts */
#define REPLAY_TRIAL 500  /* prompts after which a policy is judged */
#define REPLAY_STEPS 6000 /* prompts of an order at most */

enum replay_kind {
    REPLAY_LEARNER,    /* ours, by its style */
    REPLAY_FIXED,      /* the seed's blend */
    REPLAY_BENCHMARKS, /* the highest prior, nothing learned */
    REPLAY_RANDOM,
    REPLAY_BEST,         /* the best constant model */
    REPLAY_BEST_OF_KIND, /* the best constant per category (by label) */
    REPLAY_BEST_OF_TASK, /* the best constant per task */
    REPLAY_ORACLE,       /* the best of each prompt, the cheaper when equal */
};
/* What follows it knows outcomes that it did not see. */
#define REPLAY_LAST_PLAYABLE REPLAY_RANDOM

struct replay_policy {
    const char *name;
    enum replay_kind kind;
    bool by_text; /* category by our classifier, not by the label */
    struct replay_style style;
};

/* A matrix with what hindsight says of it. */
struct replay_field {
    const struct replay_matrix *matrix;
    const struct replay_priors *priors;
    double *means;          /* [model], over all its prompts */
    double *category_means; /* [category * models + model] */
    double *task_means;     /* [task * models + model] */
    size_t best;            /* model */
};

/* One policy on one order. Means per prompt; NaN where there are too few. */
struct replay_result {
    double early, trial, all; /* mean outcome of the first 100, 500, all */
    double late;              /* … of all after the first 500 */
    double late_gap;          /* late - the best constant's on those prompts */
    double trial_gap;         /* trial - the best constant's */
    double least_gap;         /* the least that the mean from the start lies
                                 above the best constant's, from 500 on */
    double oracle_gap;        /* the oracle's all - all */
    double cost;              /* USD per 1 M tokens, mean over prompts */
};

void replay_field_init(struct replay_field *field,
                       const struct replay_matrix *matrix,
                       const struct replay_priors *priors);
/* Play. `order` holds `count` prompts. The seed is of the policy's own draws.
 */
struct replay_result
replay_run(const struct replay_field *field, const struct replay_policy *policy,
           const uint32_t *order, size_t count, uint64_t seed);

#endif
