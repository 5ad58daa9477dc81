/* Picking: filter, rank, and look once at the near misses. It never invents a
 * model where none is left. */
#include "router/pick.h"

#include "router/rank.h"

static void
find_hidden(const struct filtered *filtered, struct pick *pick)
{
    for (size_t i = 0; i < filtered->near_count; i++) {
        const struct candidate *near = &filtered->near_misses[i];
        if (!rank_is_better_and_cheaper(near, &pick->best))
            continue;
        if (pick->has_hidden && !rank_is_before(near, &pick->hidden))
            continue;
        pick->has_hidden = true;
        pick->hidden = *near;
        pick->hidden_by = filtered->near_filters[i];
    }
}

enum status
pick_best(const struct score_table *table, const struct question *question,
          struct arena *arena, struct pick *ret_pick)
{
    struct filtered filtered = {0};
    enum status status = filter_run(table, question, arena, &filtered);
    if (status != STATUS_OK)
        return status;

    struct pick pick = {.candidate_count = (uint32_t)filtered.count};
    memcpy(pick.removed, filtered.removed, sizeof(pick.removed));
    if (filtered.count > 0) {
        rank_mark_tied(filtered.candidates, filtered.count);
        pick.top = *rank_best(filtered.candidates, filtered.count);
        rank_front(filtered.candidates, filtered.count, question->objective,
                   1 + PICK_RUNNERS_UP);
        pick.best = filtered.candidates[0];
        while (pick.runner_up_count < PICK_RUNNERS_UP &&
               pick.runner_up_count + 1 < filtered.count) {
            pick.runners_up[pick.runner_up_count] =
                filtered.candidates[pick.runner_up_count + 1];
            pick.runner_up_count++;
        }
        find_hidden(&filtered, &pick);
    }
    *ret_pick = pick;
    return STATUS_OK;
}
