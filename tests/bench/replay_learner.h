/* A tenant of ours who learns from a matrix: a score table over its models,
 * asked for a pick and told an outcome, in turns.
 *
 * Everything between an outcome and the next pick is the product's own code:
 * feedback/personal.h folds the ratings of a cell, scorer/score_update.h takes
 * the cell into the table, router/pick.h reads it. An outcome o in 0..1 is
 * rated with 1 + round(4 o) stars. Time is prompts: so many a day, or all in
 * one day; at midnight the rater's baselines move and every cell is folded
 * anew, as feedbackd does.
 *
 * Priors: where data/catalog.json knows at least half of the models they have
 * their beliefs of there, per category, and the others one of the least mass at
 * the mean of the known. Where it knows fewer, all have the same belief of the
 * least mass at 50 points: what little is known would only set models apart
 * from those of which nothing is. */
#ifndef TESTS_BENCH_REPLAY_LEARNER_H
#define TESTS_BENCH_REPLAY_LEARNER_H

#include "router/question.h"
#include "scorer/score_book.h"
#include "tests/bench/replay_matrix.h"

/* How a model is chosen from the table. */
enum replay_rule {
    REPLAY_RULE_PICK,     /* router's pick_best */
    REPLAY_RULE_UPPER,    /* the highest mean + reach * half the interval */
    REPLAY_RULE_THOMPSON, /* a draw from the interval's normal, scaled by
                             reach */
};

/* What the interval of UPPER and THOMPSON is made of. */
enum replay_width {
    REPLAY_WIDTH_STATED, /* the product's: mass stops growing at the cap */
    REPLAY_WIDTH_ALL,    /* of k0 and all ratings, capped or not */
    REPLAY_WIDTH_TRIED,  /* of 12, whatever k0, and all ratings: what was rated
                            little is tried, what is known little is not */
    REPLAY_WIDTH_TRIED_CAPPED, /* the same with ratings up to the cap */
};

enum replay_baseline {
    REPLAY_BASELINE_OWN,    /* the product's: mean up to the day before,
                               shrunk toward 4 */
    REPLAY_BASELINE_FIXED,  /* 4 always */
    REPLAY_BASELINE_MODELS, /* mean over models of what each is given, so that
                               being picked often does not raise it */
};

/* How ratings move a benchmark of mu0; for UPPER and THOMPSON. */
enum replay_shape {
    REPLAY_SHAPE_CLAMPED, /* the product's: p = mu0 + shift clamped to 0..1 */
    REPLAY_SHAPE_OPEN,    /* p = mu0 + shift, clamped nowhere */
    REPLAY_SHAPE_ODDS,    /* the odds of mu0 times ((1 + shift)/(1 - shift))^2:
                             the same slope at 0.5, never outside 0..1 */
};

/* A way to learn; {0} with a tuning is the product's. */
struct replay_style {
    enum replay_rule rule;
    enum objective objective; /* for RULE_PICK */
    double reach;
    enum replay_shape shape;
    double pool; /* for UPPER and THOMPSON: so many ratings at most that a cell
                    borrows from the model's other categories, one for four */
    enum replay_width width;
    enum replay_baseline baseline;
    size_t prompts_a_day; /* 0: all in one day */
    bool one_category;    /* every prompt counts as `general` */
    double mass;          /* of every prior; 0: as it is */
    struct tuning tuning;
};

/* What stands before the first rating. */
struct replay_priors {
    struct belief *beliefs; /* [model * CATEGORY_COUNT + category] */
    bool *known;            /* [model]: in the catalog with some belief */
    size_t known_count;
    bool equal; /* all the same after all */
};

enum replay_prior {
    REPLAY_PRIOR_AUTO,    /* as above */
    REPLAY_PRIOR_CATALOG, /* the catalog's, however few it knows */
    REPLAY_PRIOR_EQUAL,   /* none of the catalog's */
};

/* From data/catalog.json, which also prices models that have no price yet. An
 * unreadable catalog leaves every prior equal. RESOURCE_EXHAUSTED. */
enum status replay_priors_make(struct replay_matrix *matrix,
                               enum replay_prior wanted,
                               struct replay_priors *ret_priors) MUST_CHECK;

struct replay_learner;

/* Ends the program when memory is short: a bench has nobody to tell. */
struct replay_learner *replay_learner_new(const struct replay_matrix *matrix,
                                          const struct replay_priors *priors,
                                          const struct replay_style *style,
                                          uint64_t seed);
void replay_learner_free(struct replay_learner **learner);

/* The model for a prompt of that category, of those with an outcome. */
size_t replay_learner_pick(struct replay_learner *learner, size_t prompt,
                           enum category category);
/* Rate it. */
void replay_learner_tell(struct replay_learner *learner, size_t model,
                         enum category category, double outcome);

/* splitmix64: the next number of a stated seed. */
uint64_t replay_random(uint64_t *state);

#endif
