/* The blend: benchmarks, community and one's own ratings by how much there
 * is of each.
 *
 *   mean = (k0 mu0 + kc c + n p) / (k0 + kc + n)          all in 0..1
 *
 *   mu0, k0  the belief's mean/100 and mass (category.h)
 *   c        the community mean; kc = min(its mass, k0/4)
 *   p        mu0 + shift clamped to 0..1, shift = how far the rater's stars
 *            lie from what that rater usually gives, in units of 4 stars
 *   n        the mass of own ratings, at most k0/0.4 - k0 - kc, so that the
 *            benchmark keeps at least 40 %
 *
 * interval = mean -+ 1.645 * 0.4 / sqrt(k0 + kc + n), level 0.9, clamped to
 * 0..1; confidence = 1 - its width before clamping. There are no steps:
 * evidence that grows by a little moves the mean by a little. */
#ifndef SCORER_BLEND_H
#define SCORER_BLEND_H

#include "core/types/score_table.h"
#include "scorer/category.h"

/* What raters add; a mass of 0 says that there is none. */
struct blend_evidence {
    double community_mass, community_mean; /* ratings, 0..1 */
    double personal_mass, personal_shift;  /* ratings, -1..1 */
};

/* Evidence that blend accepts: finite, masses >= 0, mean 0..1, shift -1..1. */
bool blend_is_valid(const struct blend_evidence *evidence);
/* The score. Without a belief none is present, whatever raters say: a shift
 * needs something to be shifted from, and community mass is bounded by that of
 * the benchmarks. The evidence must be valid. */
struct score blend(const struct tuning *tuning, const struct belief *belief,
                   const struct blend_evidence *evidence);

#endif
