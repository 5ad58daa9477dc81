/* The blend; see blend.h. + - * / and sqrt only, so the bits are the same on
 * every machine. */
#include "scorer/blend.h"
#include "core/base/check.h"

#include <math.h>

static double
clamp(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

bool
blend_is_valid(const struct blend_evidence *evidence)
{
    return isfinite(evidence->community_mass) &&
           evidence->community_mass >= 0 && evidence->community_mean >= 0 &&
           evidence->community_mean <= 1 && isfinite(evidence->personal_mass) &&
           evidence->personal_mass >= 0 && evidence->personal_shift >= -1 &&
           evidence->personal_shift <= 1;
}

static void
set_interval(const struct tuning *tuning, double mean, double mass,
             struct score *score)
{
    double half =
        tuning->level_deviations * tuning->rating_deviation / sqrt(mass);
    score->low = 100 * clamp(mean - half, 0, 1);
    score->high = 100 * clamp(mean + half, 0, 1);
    score->confidence = clamp(1 - 2 * half, 0, 1);
}

struct score
blend(const struct tuning *tuning, const struct belief *belief,
      const struct blend_evidence *evidence)
{
    struct score score = {.community = NAN, .personal = NAN};
    CHECK(blend_is_valid(evidence));
    if (!belief->present)
        return score;
    double k0 = belief->mass;
    double mu0 = belief->mean / 100;
    double kc =
        fmin(evidence->community_mass, tuning->community_share_most * k0);
    double most = k0 / tuning->benchmark_share_least - k0 - kc;
    double n = fmin(evidence->personal_mass, most);
    double p = clamp(mu0 + evidence->personal_shift, 0, 1);
    double mass = k0 + kc + n;
    double mean = (k0 * mu0 + kc * evidence->community_mean + n * p) / mass;
    score.present = true;
    score.mean = 100 * clamp(mean, 0, 1);
    set_interval(tuning, mean, mass, &score);
    score.benchmark = belief->mean;
    score.benchmark_share = k0 / mass;
    score.community_share = kc / mass;
    score.personal_share = n / mass;
    score.sources = category_source_count(belief->sources);
    if (kc > 0)
        score.community = evidence->community_mean;
    if (n > 0)
        score.personal = p;
    return score;
}
