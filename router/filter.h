/* Filtering: a score table and a question in, the models that may answer it
 * out, with what each filter took away.
 *
 * A model must pass every filter. A removed model is counted once, under the
 * first filter (in the order below) that refused it, so that the counts and
 * the candidates add up to the catalog. Cost: one look at each model, and one
 * at each of the tenant's cells of the category. */
#ifndef ROUTER_FILTER_H
#define ROUTER_FILTER_H

#include "core/base/arena.h"
#include "core/types/score_table.h"
#include "router/question.h"

enum filter {
    FILTER_STANDING, /* not offered: retired, a router, no text, … */
    FILTER_EXPIRED,  /* its expiration date lies before today */
    FILTER_ALLOW,    /* not among the models the caller can use */
    FILTER_EXCLUDE,  /* the caller does not want it */
    FILTER_REQUIRE,  /* lacks a capability asked for, or vision for vision */
    FILTER_CONTEXT,  /* its context is too short, or unknown */
    FILTER_CEILING,  /* dearer than the budget */
    FILTER_FLOOR,    /* cheaper than the budget */
    FILTER_NO_SCORE, /* no evidence in this category */
    FILTER_COUNT
};

/* A model that passed. Borrowed from the table. */
struct candidate {
    const struct model *model;
    const struct score *score; /* present */
    double shown;              /* its score as shown: two decimals */
    nusd_per_mtok cost;        /* prompt plus completion (efficiency.h) */
    uint32_t index;            /* of the model in the catalog */
    bool tied; /* cannot be told apart from the best (rank_mark_tied) */
};

struct filtered {
    struct candidate *candidates; /* ascending by id, in the arena */
    size_t count;
    uint32_t removed[FILTER_COUNT];
    /* Models that one filter alone keeps out, and that a reader would want to
     * hear of: refused by the floor, the context, a capability or the list of
     * allowed models, and by nothing else. */
    struct candidate *near_misses;
    enum filter *near_filters; /* beside near_misses: which one */
    size_t near_count;
};

/* "budgetFloor", "minContext", …: as clients see it. */
const char *filter_name(enum filter filter);
/* What a person may do about it: "raise the budget"; "" where nothing helps. */
const char *filter_advice(enum filter filter);
/* A candidate with its figures; the score must be present. */
struct candidate filter_candidate(const struct model *model,
                                  const struct score *score, uint32_t index);
/* RESOURCE_EXHAUSTED when the arena is full. */
enum status filter_run(const struct score_table *table,
                       const struct question *question, struct arena *arena,
                       struct filtered *ret_filtered) MUST_CHECK;

#endif
