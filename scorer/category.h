/* Categories: what the benchmarks say of a model, as a belief per category.
 *
 * 1. raw = weighted mean of the points of the benchmarks that are there
 *    (weights.def).
 * 2. Shrinkage. The category's score is the mean over all its benchmarks; a
 *    model measured on a share c of their weight is a sample without
 *    replacement from them, so the error of raw has variance
 *    s2 * (1 - c) / c, and with models spread around 50 with variance t2 the
 *    normal-normal posterior mean is
 *        mean = 50 + r (raw - 50),   r = c / (c + (s2/t2) (1 - c)).
 *    Fully measured: r = 1, nothing shrinks. One small benchmark: r is
 *    small, the score stays near the average and the belief weak. Nothing
 *    measured: no belief, no score. So ranking by mean is safe.
 * 3. Mass k0 = 4 + 8 * r * min(n, 4)/4 * a: n independent sources (figures
 *    of one measurer are one source, whichever way they came), agreement
 *    a = 1/(1 + d2/15^2) with d2 the variance between the sources' own means
 *    plus that inside combined figures.
 *
 * research: general + 20 points * min(1, context / 1 M tokens), clamped, only
 * from 100 k tokens. vision: only vision-capable models. fast-cheap:
 * fast_cheap.h. Standing plays no part: the router decides who is picked. */
#ifndef SCORER_CATEGORY_H
#define SCORER_CATEGORY_H

#include "core/types/model.h"
#include "scorer/normalize.h"

#include <stdbool.h>
#include <stdint.h>

struct belief {
    double mean;         /* 0..100, after shrinkage and bonuses */
    double raw;          /* 0..100, before */
    double coverage;     /* c, 0..1 */
    double reliability;  /* r, 0..1 */
    double disagreement; /* d, points */
    double mass;         /* k0, in ratings */
    uint32_t sources;    /* BIT(enum source) of the evidence */
    bool present;        /* false: no evidence; the rest is 0 */
};

/* The number of sources in a set. */
uint32_t category_source_count(uint32_t sources);
/* The beliefs of all categories. Sources in `without` (BIT(enum source)) are
 * treated as if they had said nothing: 0 for the real thing, one source for
 * "what if it were not there". */
void category_beliefs(const struct normals *normals, const struct model *model,
                      uint32_t without,
                      struct belief ret_beliefs[CATEGORY_COUNT]);
/* r of a coverage, and k0 from its three causes: for those who add evidence
 * of another kind. */
double category_reliability(const struct tuning *tuning, double coverage);
double category_mass(const struct tuning *tuning, const struct belief *belief);

#endif
