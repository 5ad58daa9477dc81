/* Folding reports of many instances; see community.h.
 *
 * The votes are copied, sorted by (instance, week) and merged; each
 * instance's votes become one voice; the voices are sorted by value, trimmed
 * and averaged. Everything is summed in sorted order, so the order of the
 * input cannot matter. Never reads a clock. */
#include "feedback/community.h"
#include "feedback/decay.h"

#include <stdlib.h>

struct voices {
    double *values; /* one per instance, in 1..5 stars */
    size_t count;
    uint64_t weights; /* of all votes, in 1/DECAY_ONE */
    uint64_t ratings;
};

static int
vote_cmp(const void *a, const void *b)
{
    const struct community_vote *left = a;
    const struct community_vote *right = b;
    int order = slice_cmp(left->instance, right->instance);
    if (order != 0)
        return order;
    return (left->week > right->week) - (left->week < right->week);
}

static int
value_cmp(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

static bool
vote_is_valid(const struct community_vote *vote)
{
    return vote->reports > 0 && vote->sum >= vote->reports &&
           vote->sum / 5 + (vote->sum % 5 != 0) <= vote->reports;
}

/* The mean of the votes of one instance and week that start at *i; *i moves
 * behind them. */
static double
week_mean(const struct community_vote *votes, size_t count, size_t *i,
          uint64_t *ratings)
{
    const struct community_vote *first = &votes[*i];
    uint64_t sum = 0;
    uint64_t reports = 0;
    for (; *i < count && vote_cmp(first, &votes[*i]) == 0; ++*i) {
        sum += votes[*i].sum;
        reports += votes[*i].reports;
    }
    *ratings += reports;
    return (double)sum / (double)reports;
}

/* The voice of the instance whose votes start at *i: their decayed mean. When
 * all are too old to weigh anything, their plain mean. */
static double
instance_voice(const struct community_vote *votes, size_t count, size_t *i,
               utc_day today, struct voices *voices)
{
    struct slice instance = votes[*i].instance;
    double weighted = 0;
    double plain = 0;
    uint64_t weights = 0;
    size_t weeks = 0;
    while (*i < count && slice_eq(votes[*i].instance, instance)) {
        uint64_t weight = decay_weight(DECAY_COMMUNITY, votes[*i].week, today);
        double mean = week_mean(votes, count, i, &voices->ratings);
        weighted += (double)weight * mean;
        weights += weight;
        plain += mean;
        weeks++;
    }
    voices->weights += weights;
    return weights ? weighted / (double)weights : plain / (double)weeks;
}

/* The mean in the middle, in stars. */
static double
trimmed_mean(double *values, size_t count)
{
    size_t trim = count / FOLD_trim_each_end;
    double sum = 0;
    qsort(values, count, sizeof *values, value_cmp);
    for (size_t i = trim; i < count - trim; i++)
        sum += values[i];
    return sum / (double)(count - 2 * trim);
}

static enum status
collect(const struct community_vote *votes, size_t count, utc_day today,
        struct arena *scratch, struct voices *voices)
{
    struct community_vote *sorted =
        ARENA_ARRAY(scratch, struct community_vote, count);
    voices->values = ARENA_ARRAY(scratch, double, count);
    if (sorted == NULL || voices->values == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < count; i++) {
        if (!vote_is_valid(&votes[i]))
            return STATUS_INVALID_ARGUMENT;
        sorted[i] = votes[i];
        sorted[i].week = utc_week_start(votes[i].week);
    }
    qsort(sorted, count, sizeof *sorted, vote_cmp);
    for (size_t i = 0; i < count;)
        voices->values[voices->count++] =
            instance_voice(sorted, count, &i, today, voices);
    return STATUS_OK;
}

enum status
community_fold(const struct community_vote *votes, size_t count, utc_day today,
               struct arena *scratch, struct community_cell *cell)
{
    struct voices voices = {0};
    if (count > COMMUNITY_VOTES_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = collect(votes, count, today, scratch, &voices);
    if (status != STATUS_OK)
        return status;
    cell->contributors = (uint32_t)voices.count;
    cell->ratings =
        voices.ratings < UINT32_MAX ? (uint32_t)voices.ratings : UINT32_MAX;
    cell->mass = 0;
    cell->mean = 0;
    if (voices.count < COMMUNITY_RELEASE_FROM)
        return STATUS_NOT_FOUND;
    cell->mass = decay_mass(voices.weights);
    cell->mean = (trimmed_mean(voices.values, voices.count) - 1) / 4;
    return STATUS_OK;
}
