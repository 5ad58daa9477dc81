/* Browsing: the catalog filtered and sorted for a reader.
 *
 * Models that can be picked come before those that cannot, whatever the
 * order; what has no figure to sort by comes after what has; the last word is
 * the smaller id's. By efficiency, free models have no figure
 * (router/efficiency.h) and so follow the priced ones, the better first. */
#ifndef ROUTER_BROWSE_H
#define ROUTER_BROWSE_H

#include "core/base/arena.h"
#include "core/types/score_table.h"

#define BROWSE_LIMIT_DEFAULT 50
#define BROWSE_LIMIT_MAX 500
/* A model is "good at" a category from this score on: what an entry lists as
 * its categories, and what the category filter asks for. */
#define BROWSE_CATEGORY_SCORE 60.0

enum browse_sort {
    BROWSE_SCORE,      /* highest first */
    BROWSE_COST,       /* prompt + completion price, lowest first */
    BROWSE_EFFICIENCY, /* score per USD, highest first */
};

struct browse_request {
    bool has_category; /* only models good at it */
    enum category category;
    bool has_tier;
    enum tier tier;
    enum browse_sort sort;
    enum category sort_category; /* whose scores are sorted by */
    size_t limit;                /* cut to 1..BROWSE_LIMIT_MAX */
    struct slice tenant;         /* whose scores count */
};

struct browse_page {
    const uint32_t *models; /* indices into the catalog, in the arena */
    size_t count;           /* of models */
    uint32_t total;         /* in the catalog */
    uint32_t filtered;      /* left by category and tier */
};

/* A shown score is at least BROWSE_CATEGORY_SCORE. */
bool browse_is_good(const struct score *score);
/* "score", "cost", "efficiency", or a category's name (sorts by its score).
 * Sets sort and sort_category; "score" and "efficiency" look at the filter's
 * category, else at general. False for another text. */
bool browse_find_sort(struct slice text, struct browse_request *request);
/* RESOURCE_EXHAUSTED when the arena is full. */
enum status browse_models(const struct score_table *table,
                          const struct browse_request *request,
                          struct arena *arena,
                          struct browse_page *ret_page) MUST_CHECK;

#endif
