/* Recommending: the whole order first, then a walk over it that skips
 * providers already named. */
#include "router/recommend.h"

#include "router/rank.h"

static bool
has_provider(const struct recommendation *named, struct slice provider)
{
    for (size_t i = 0; i < named->count; i++) {
        if (slice_eq(named->models[i].model->provider, provider))
            return true;
    }
    return false;
}

/* Move candidates of providers already named behind all others, keeping the
 * rest in any order; returns how many are left in front. */
static size_t
put_named_last(struct candidate *candidates, size_t count,
               const struct recommendation *named)
{
    size_t front = 0;
    for (size_t i = 0; i < count; i++) {
        if (has_provider(named, candidates[i].model->provider))
            continue;
        struct candidate candidate = candidates[i];
        candidates[i] = candidates[front];
        candidates[front++] = candidate;
    }
    return front;
}

enum status
recommend_models(const struct score_table *table,
                 const struct question *question, size_t wanted,
                 struct arena *arena, struct recommendation *ret_recommendation)
{
    struct filtered filtered = {0};
    enum status status = filter_run(table, question, arena, &filtered);
    if (status != STATUS_OK)
        return status;

    struct recommendation out = {.candidate_count = (uint32_t)filtered.count};
    memcpy(out.removed, filtered.removed, sizeof(out.removed));
    struct candidate *left = filtered.candidates;
    size_t left_count = filtered.count;
    if (wanted < 1)
        wanted = 1;
    if (wanted > RECOMMEND_MAX)
        wanted = RECOMMEND_MAX;
    rank_mark_tied(left, left_count);
    while (out.count < wanted && left_count > 0) {
        size_t fresh = put_named_last(left, left_count, &out);
        size_t choice = fresh > 0 ? fresh : left_count;
        rank_front(left, choice, question->objective, 1);
        out.models[out.count++] = *left++;
        left_count--;
    }
    *ret_recommendation = out;
    return STATUS_OK;
}
