/* Ranking: which of the candidates comes first.
 *
 * By score as it is shown (two decimals), then the cheaper, then the smaller
 * id: total and the same on every machine. For the objective `value` the
 * models that cannot be told apart from the best come first, cheapest first;
 * the others follow by score. Two models cannot be told apart when the best's
 * mean lies within the other's interval and the other's mean within the
 * best's: a wide interval alone (little evidence) is no merit. */
#ifndef ROUTER_RANK_H
#define ROUTER_RANK_H

#include "router/filter.h"

/* A score as shown and compared: rounded to two decimals. */
double rank_shown(double score);
/* a comes before b by score, then cost, then id. */
bool rank_is_before(const struct candidate *a, const struct candidate *b);
/* Both better (as shown) and cheaper. */
bool rank_is_better_and_cheaper(const struct candidate *a,
                                const struct candidate *b);
/* The best by score; NULL when there is none. */
const struct candidate *
rank_best(const struct candidate *candidates, size_t count);
/* Set `tied` in all of them: cannot be told apart from the best of these. */
void rank_mark_tied(struct candidate *candidates, size_t count);
/* Bring the first `wanted` candidates to the front, in order; the rest stay
 * in any order. For the objective value `tied` must be set. Cost: count *
 * wanted at most. */
void rank_front(struct candidate *candidates, size_t count,
                enum objective objective, size_t wanted);

#endif
