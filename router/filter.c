/* Filtering: every filter is a bit, so that a model refused by one alone can
 * be told from one refused by several. It never ranks. */
#include "router/filter.h"

#include "core/base/check.h"
#include "router/efficiency.h"
#include "router/rank.h"

struct filter_row {
    const char *name;
    const char *advice;
};

static const struct filter_row filters[FILTER_COUNT] = {
    [FILTER_STANDING] = {"standing", ""},
    [FILTER_EXPIRED] = {"expired", ""},
    [FILTER_ALLOW] = {"allow", "allow more models"},
    [FILTER_EXCLUDE] = {"exclude", "exclude fewer models"},
    [FILTER_REQUIRE] = {"require", "require fewer capabilities"},
    [FILTER_CONTEXT] = {"minContext", "lower minContext"},
    [FILTER_CEILING] = {"budgetCeiling", "choose a higher budget"},
    [FILTER_FLOOR] = {"budgetFloor", "choose a lower budget"},
    [FILTER_NO_SCORE] = {"noScore", "ask for another category"},
};

/* Filters whose single refusal is worth telling. An exclusion is not: the
 * caller named that model. */
#define NEAR_FILTERS                                                           \
    (BIT(FILTER_ALLOW) | BIT(FILTER_REQUIRE) | BIT(FILTER_CONTEXT) |           \
     BIT(FILTER_FLOOR))

const char *
filter_name(enum filter filter)
{
    CHECK(filter < FILTER_COUNT);
    return filters[filter].name;
}

const char *
filter_advice(enum filter filter)
{
    CHECK(filter < FILTER_COUNT);
    return filters[filter].advice;
}

/* "vendor/name" as it is, "vendor/" and a star for all of a vendor. */
static bool
matches(struct slice pattern, struct slice id)
{
    if (slice_ends(pattern, SLICE("/*")))
        return slice_starts(id, slice_cut(pattern, 0, pattern.len - 1));
    return slice_eq(pattern, id);
}

static bool
is_listed(const struct slice *list, size_t count, struct slice id)
{
    for (size_t i = 0; i < count; i++) {
        if (matches(list[i], id))
            return true;
    }
    return false;
}

/* A question with what is the same for every model worked out. */
struct pass {
    const struct question *question;
    uint32_t needed; /* capabilities */
    nusd_per_mtok lowest, highest;
};

/* BIT(filter) of every filter that refuses the model. */
static uint32_t
refusals(const struct pass *pass, const struct model *model,
         const struct score *score)
{
    const struct question *question = pass->question;
    uint32_t needed = pass->needed;
    uint32_t refused = 0;

    if (model->standing != MODEL_CANDIDATE)
        refused |= BIT(FILTER_STANDING);
    if (model->expires != UTC_DAY_NONE && model->expires < question->today)
        refused |= BIT(FILTER_EXPIRED);
    if (question->allow_count > 0 &&
        !is_listed(question->allow, question->allow_count, model->id))
        refused |= BIT(FILTER_ALLOW);
    if (is_listed(question->exclude, question->exclude_count, model->id))
        refused |= BIT(FILTER_EXCLUDE);
    if ((model->capabilities & needed) != needed)
        refused |= BIT(FILTER_REQUIRE);
    if (model->context_tokens < question->min_context)
        refused |= BIT(FILTER_CONTEXT);
    if (model->prompt_price > pass->highest)
        refused |= BIT(FILTER_CEILING);
    if (model->prompt_price < pass->lowest)
        refused |= BIT(FILTER_FLOOR);
    if (!score->present)
        refused |= BIT(FILTER_NO_SCORE);
    return refused;
}

static enum filter
first_of(uint32_t refused)
{
    unsigned filter = 0;
    while ((refused & BIT(filter)) == 0)
        filter++;
    return (enum filter)filter;
}

struct candidate
filter_candidate(const struct model *model, const struct score *score,
                 uint32_t index)
{
    return (struct candidate){.model = model,
                              .score = score,
                              .shown = rank_shown(score->mean),
                              .cost = efficiency_cost(model),
                              .index = index};
}

/* Put a model where it belongs. */
static void
sort_out(struct filtered *filtered, uint32_t refused, const struct model *model,
         const struct score *score, uint32_t index)
{
    if (refused == 0) {
        filtered->candidates[filtered->count++] =
            filter_candidate(model, score, index);
        return;
    }
    enum filter first = first_of(refused);
    filtered->removed[first]++;
    if (refused == BIT(first) && (refused & NEAR_FILTERS) != 0) {
        filtered->near_filters[filtered->near_count] = first;
        filtered->near_misses[filtered->near_count++] =
            filter_candidate(model, score, index);
    }
}

enum status
filter_run(const struct score_table *table, const struct question *question,
           struct arena *arena, struct filtered *ret_filtered)
{
    const struct catalog *catalog = table->catalog;
    struct filtered filtered = {
        .candidates = ARENA_ARRAY(arena, struct candidate, catalog->count),
        .near_misses = ARENA_ARRAY(arena, struct candidate, catalog->count),
        .near_filters = ARENA_ARRAY(arena, enum filter, catalog->count)};
    const struct pass pass = {.question = question,
                              .needed = question_capabilities(question),
                              .lowest = budget_lowest(question->budget),
                              .highest = budget_highest(question->budget)};
    size_t own_count = 0;
    const struct personal_score *own = score_table_personal(
        table, question->tenant, question->category, &own_count);

    if (!arena_ok(arena))
        return STATUS_RESOURCE_EXHAUSTED;
    for (uint32_t i = 0; i < catalog->count; i++) {
        /* Both lists ascend by model: walk them together. */
        while (own_count > 0 && own->model < i) {
            own++;
            own_count--;
        }
        bool is_own = own_count > 0 && own->model == i;
        const struct score *score =
            is_own ? &own->score
                   : &table->base[i * CATEGORY_COUNT + question->category];
        const struct model *model = &catalog->models[i];
        sort_out(&filtered, refusals(&pass, model, score), model, score, i);
    }
    *ret_filtered = filtered;
    return STATUS_OK;
}
