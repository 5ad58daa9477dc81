/* Browsing: one sort key a model, computed once, then qsort. */
#include "router/browse.h"

#include "router/efficiency.h"
#include "router/rank.h"

#include <math.h>
#include <stdlib.h>

struct item {
    double figure;  /* greater first; -INFINITY when there is none */
    double score;   /* the next, greater first; -INFINITY too */
    uint32_t model; /* the last, smaller first: ids ascend with it */
    bool is_candidate;
};

bool
browse_is_good(const struct score *score)
{
    return score->present && rank_shown(score->mean) >= BROWSE_CATEGORY_SCORE;
}

bool
browse_find_sort(struct slice text, struct browse_request *request)
{
    enum category category = CATEGORY_GENERAL;

    request->sort_category =
        request->has_category ? request->category : CATEGORY_GENERAL;
    if (slice_eq(text, SLICE("score"))) {
        request->sort = BROWSE_SCORE;
    } else if (slice_eq(text, SLICE("cost"))) {
        request->sort = BROWSE_COST;
    } else if (slice_eq(text, SLICE("efficiency"))) {
        request->sort = BROWSE_EFFICIENCY;
    } else if (category_find(text, &category)) {
        request->sort = BROWSE_SCORE;
        request->sort_category = category;
    } else {
        return false;
    }
    return true;
}

static double
figure_of(const struct model *model, const struct score *score,
          enum browse_sort sort)
{
    double efficiency = 0.0;
    nusd_per_mtok cost = efficiency_cost(model);

    switch (sort) {
    case BROWSE_SCORE:
        return score->present ? rank_shown(score->mean) : -INFINITY;
    case BROWSE_COST:
        return cost == INT64_MAX ? -INFINITY : -(double)cost;
    case BROWSE_EFFICIENCY:
        return efficiency_of(model, score, &efficiency) ? efficiency
                                                        : -INFINITY;
    }
    return -INFINITY;
}

static int
cmp_double(double a, double b)
{
    return (a < b) - (a > b);
}

static int
cmp_items(const void *left, const void *right)
{
    const struct item *a = left;
    const struct item *b = right;
    if (a->is_candidate != b->is_candidate)
        return a->is_candidate ? -1 : 1;
    int order = cmp_double(a->figure, b->figure);
    if (order == 0)
        order = cmp_double(a->score, b->score);
    if (order == 0)
        order = (a->model > b->model) - (a->model < b->model);
    return order;
}

static bool
is_wanted(const struct score_table *table, const struct browse_request *request,
          uint32_t i)
{
    if (request->has_tier && table->catalog->models[i].tier != request->tier)
        return false;
    if (!request->has_category)
        return true;
    return browse_is_good(
        score_table_score(table, request->tenant, i, request->category));
}

static struct item
item_of(const struct score_table *table, const struct browse_request *request,
        uint32_t i)
{
    const struct model *model = &table->catalog->models[i];
    const struct score *score =
        score_table_score(table, request->tenant, i, request->sort_category);
    return (struct item){.figure = figure_of(model, score, request->sort),
                         .score = score->present ? rank_shown(score->mean)
                                                 : -INFINITY,
                         .model = i,
                         .is_candidate = model->standing == MODEL_CANDIDATE};
}

static size_t
clamp_limit(size_t limit)
{
    if (limit < 1)
        return 1;
    return limit > BROWSE_LIMIT_MAX ? BROWSE_LIMIT_MAX : limit;
}

enum status
browse_models(const struct score_table *table,
              const struct browse_request *request, struct arena *arena,
              struct browse_page *ret_page)
{
    size_t total = table->catalog->count;
    struct item *items = ARENA_ARRAY(arena, struct item, total);
    uint32_t *models = ARENA_ARRAY(arena, uint32_t, BROWSE_LIMIT_MAX);
    size_t kept = 0;

    if (!arena_ok(arena))
        return STATUS_RESOURCE_EXHAUSTED;
    for (uint32_t i = 0; i < total; i++) {
        if (is_wanted(table, request, i))
            items[kept++] = item_of(table, request, i);
    }
    qsort(items, kept, sizeof(items[0]), cmp_items);
    size_t count = clamp_limit(request->limit);
    if (count > kept)
        count = kept;
    for (size_t i = 0; i < count; i++)
        models[i] = items[i].model;
    *ret_page = (struct browse_page){.models = models,
                                     .count = count,
                                     .total = (uint32_t)total,
                                     .filtered = (uint32_t)kept};
    return STATUS_OK;
}
