/* fast-cheap; see fast_cheap.h. Pure arithmetic, no logarithm (libm's may
 * differ between machines). */
#include "scorer/fast_cheap.h"

#include <math.h>

static double
price_points(const struct tuning *tuning, const struct model *model)
{
    double ratio = tuning->prompt_tokens_per_completion;
    double mixed = (ratio * (double)model->prompt_price +
                    (double)model->completion_price) /
                   (ratio + 1) / (double)PRICE_USD;
    return 100 * tuning->price_half / (tuning->price_half + mixed);
}

static double
quality_floor(const struct tuning *tuning, double quality)
{
    double share = (quality - tuning->quality_floor) /
                   (tuning->quality_enough - tuning->quality_floor);
    return fmin(fmax(share, 0), 1);
}

struct belief
fast_cheap_belief(const struct normals *normals, const struct model *model,
                  uint32_t without, const struct belief *general)
{
    const struct tuning *tuning = normals->tuning;
    struct belief belief = {0};
    double weight = tuning->price_weight + tuning->quality_weight;
    double full = weight + tuning->speed_weight;
    double speed;
    if (!general->present || model->prompt_price < 0 ||
        model->completion_price < 0)
        return belief;
    belief = *general;
    belief.raw = tuning->price_weight * price_points(tuning, model) +
                 tuning->quality_weight * general->mean;
    if (!(without & BIT(SOURCE_ARTIFICIAL_ANALYSIS)) &&
        normalize_speed(normals, model, &speed)) {
        belief.raw += tuning->speed_weight * speed;
        belief.sources |= BIT(SOURCE_ARTIFICIAL_ANALYSIS);
        weight = full;
    }
    belief.raw /= weight;
    belief.coverage = weight / full * general->coverage;
    belief.reliability = weight / full;
    belief.mean = quality_floor(tuning, general->mean) *
                  (tuning->points_centre +
                   belief.reliability * (belief.raw - tuning->points_centre));
    /* What is unsure in the general score is unsure here too. */
    struct belief sure = belief;
    sure.reliability *= general->reliability;
    belief.mass = category_mass(tuning, &sure);
    return belief;
}
