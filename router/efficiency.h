/* Cost efficiency: score per USD of (prompt + completion price per 1 M
 * tokens), so a model of score 81 at 0.4 and 1.2 USD has 50.63.
 *
 * A free model has no such number (there is nothing to divide by); neither
 * has one whose price is not known (negative) or one without a score. */
#ifndef ROUTER_EFFICIENCY_H
#define ROUTER_EFFICIENCY_H

#include "core/types/score_table.h"

/* Prompt plus completion price: what "cheaper" means everywhere in the
 * router. INT64_MAX for a negative price, which is none. */
nusd_per_mtok efficiency_cost(const struct model *model);
/* False when there is no such number. */
bool efficiency_of(const struct model *model, const struct score *score,
                   double *ret_efficiency);

#endif
