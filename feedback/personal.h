/* A tenant's ratings of one model in one category, folded into a personal
 * cell.
 *
 * A rating is read against what its rater usually gives: it counts as
 * (stars - b)/4, b the rater's baseline in that category. Weights decay by
 * whole UTC days, 2^(-age/60), so that equal events give equal bits on every
 * machine and on every refold. */
#ifndef FEEDBACK_PERSONAL_H
#define FEEDBACK_PERSONAL_H

#include "core/base/status.h"
#include "core/types/layers.h"

#define PERSONAL_RATINGS_MAX (1u << 25) /* of one tenant on one cell */

struct rating {
    utc_day day;   /* when it was given */
    uint8_t stars; /* 1 to 5 */
};

/* The baseline of a rater from all ratings in one category given before
 * today: their mean, shrunk toward 4 stars by 8 imagined ratings,
 * (sum + 4 * 8) / (count + 8). `sum` of stars over `count` ratings; count 0
 * gives 4. */
double personal_baseline(uint64_t sum, uint64_t count);

/* Fold the ratings (any order, count > 0) into cell->mass, shift and ratings;
 * the cell's key fields are the caller's. A rating dated after today counts
 * as today's; from 36 half-lives on it weighs nothing, and a cell of nothing
 * else has mass and shift 0. INVALID_ARGUMENT for stars or a baseline outside
 * 1..5 or no ratings, RESOURCE_EXHAUSTED past PERSONAL_RATINGS_MAX (the cell
 * is untouched by either). */
enum status personal_fold(const struct rating *ratings, size_t count,
                          double baseline, utc_day today,
                          struct personal_cell *cell) MUST_CHECK;

#endif
