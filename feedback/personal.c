/* Folding a tenant's ratings; see personal.h.
 *
 * Weights are fixed-point integers and so are the two sums: the order of the
 * ratings cannot matter, and a rating taken out leaves no trace. Only the
 * last step is floating point. Never reads a clock. */
#include "feedback/personal.h"
#include "feedback/decay.h"

/* Five stars times so many full weights still fit in 64 bits. */
_Static_assert(PERSONAL_RATINGS_MAX <= UINT64_MAX / 5 / DECAY_ONE,
               "the sums must not wrap");

double
personal_baseline(uint64_t sum, uint64_t count)
{
    double stars = (double)sum +
                   FOLD_baseline_stars * (double)FOLD_baseline_pseudo_ratings;
    return stars / ((double)count + FOLD_baseline_pseudo_ratings);
}

enum status
personal_fold(const struct rating *ratings, size_t count, double baseline,
              utc_day today, struct personal_cell *cell)
{
    uint64_t weights = 0;
    uint64_t stars = 0;
    if (!(baseline >= 1 && baseline <= 5) || count == 0)
        return STATUS_INVALID_ARGUMENT;
    if (count > PERSONAL_RATINGS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < count; i++) {
        if (ratings[i].stars < 1 || ratings[i].stars > 5)
            return STATUS_INVALID_ARGUMENT;
        uint64_t weight = decay_weight(DECAY_PERSONAL, ratings[i].day, today);
        weights += weight;
        stars += weight * ratings[i].stars;
    }
    cell->mass = decay_mass(weights);
    cell->ratings = (uint32_t)count;
    cell->shift =
        weights ? ((double)stars / (double)weights - baseline) / 4 : 0;
    return STATUS_OK;
}
