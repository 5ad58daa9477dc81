/* Comparing: ids in, the models known under them side by side, and the ids
 * that nobody knows. */
#ifndef ROUTER_COMPARE_H
#define ROUTER_COMPARE_H

#include "core/types/score_table.h"

#define COMPARE_MIN 2
#define COMPARE_MAX 5

struct comparison {
    uint32_t models[COMPARE_MAX]; /* indices into the catalog */
    size_t model_count;
    struct slice missing[COMPARE_MAX]; /* borrowed from the ids */
    size_t missing_count;
};

/* At most COMPARE_MAX bare ids, in the order given; an id given twice counts
 * once. */
void compare_models(const struct score_table *table, const struct slice *ids,
                    size_t count, struct comparison *ret_comparison);

#endif
