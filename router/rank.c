/* Ranking: a total order and the selection of its first few. It never drops a
 * candidate. */
#include "router/rank.h"

#include <math.h>

typedef bool (*before_fn)(const struct candidate *a, const struct candidate *b);

double
rank_shown(double score)
{
    return round(score * 100.0) / 100.0;
}

static bool
is_cheaper(const struct candidate *a, const struct candidate *b)
{
    if (a->cost != b->cost)
        return a->cost < b->cost;
    return slice_cmp(a->model->id, b->model->id) < 0;
}

bool
rank_is_before(const struct candidate *a, const struct candidate *b)
{
    if (a->shown > b->shown)
        return true;
    if (a->shown < b->shown)
        return false;
    return is_cheaper(a, b);
}

/* The order for `value`, once the tied are marked. */
static bool
is_better_value(const struct candidate *a, const struct candidate *b)
{
    if (a->tied != b->tied)
        return a->tied;
    if (!a->tied)
        return rank_is_before(a, b);
    if (a->cost != b->cost)
        return a->cost < b->cost;
    return rank_is_before(a, b);
}

bool
rank_is_better_and_cheaper(const struct candidate *a, const struct candidate *b)
{
    return a->shown > b->shown && a->cost < b->cost;
}

static void
select_front(struct candidate *candidates, size_t count, before_fn before,
             size_t wanted)
{
    for (size_t place = 0; place < wanted && place < count; place++) {
        size_t first = place;
        for (size_t i = place + 1; i < count; i++) {
            if (before(&candidates[i], &candidates[first]))
                first = i;
        }
        struct candidate chosen = candidates[first];
        candidates[first] = candidates[place];
        candidates[place] = chosen;
    }
}

const struct candidate *
rank_best(const struct candidate *candidates, size_t count)
{
    const struct candidate *best = count > 0 ? candidates : NULL;
    for (size_t i = 1; i < count; i++) {
        if (rank_is_before(&candidates[i], best))
            best = &candidates[i];
    }
    return best;
}

void
rank_mark_tied(struct candidate *candidates, size_t count)
{
    const struct candidate *top = rank_best(candidates, count);
    for (size_t i = 0; i < count; i++) {
        const struct score *best = top->score;
        const struct score *score = candidates[i].score;
        candidates[i].tied = score == best || (score->high >= best->mean &&
                                               score->mean >= best->low);
    }
}

void
rank_front(struct candidate *candidates, size_t count, enum objective objective,
           size_t wanted)
{
    before_fn before =
        objective == OBJECTIVE_VALUE ? is_better_value : rank_is_before;
    select_front(candidates, count, before, wanted);
}
