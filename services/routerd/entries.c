/* Full entries: the lists of a model, each counted before it is filled. */
#include "services/routerd/entries.h"

#include "router/browse.h"
#include "router/efficiency.h"
#include "router/rank.h"
#include "services/routerd/messages.h"

#include <math.h>

static Ss__Capabilities *
capabilities_of(struct arena *arena, const struct model *model)
{
    Ss__Capabilities *out = messages_new(arena, &ss__capabilities__descriptor);
    uint32_t set = model->capabilities;
    if (out == NULL)
        return NULL;
    out->has_vision = out->has_function_calling = out->has_streaming =
        out->has_json = out->has_reasoning = true;
    out->vision = (set & BIT(CAPABILITY_VISION)) != 0;
    out->function_calling = (set & BIT(CAPABILITY_FUNCTION_CALLING)) != 0;
    out->streaming = (set & BIT(CAPABILITY_STREAMING)) != 0;
    out->json = (set & BIT(CAPABILITY_JSON)) != 0;
    out->reasoning = (set & BIT(CAPABILITY_REASONING)) != 0;
    return out;
}

/* Append an entry to a list that has room. */
static void
add_entry(struct arena *arena, Ss__ScoresEntry **list, size_t *count,
          const char *key, double value)
{
    Ss__ScoresEntry *entry = messages_new(arena, &ss__scores_entry__descriptor);
    if (list == NULL || entry == NULL)
        return;
    entry->key = messages_text(arena, slice_of(key));
    entry->value = rank_shown(value);
    list[(*count)++] = entry;
}

static void
add_scores(const struct view *view, uint32_t index, Ss__Model *out)
{
    struct arena *arena = view->arena;
    const struct model *model = &view->table->catalog->models[index];

    out->scores = ARENA_ARRAY(arena, Ss__ScoresEntry *, CATEGORY_COUNT);
    out->cost_efficiency =
        ARENA_ARRAY(arena, Ss__ScoresEntry *, CATEGORY_COUNT);
    out->categories = ARENA_ARRAY(arena, Ss__Category, CATEGORY_COUNT);
    if (!arena_ok(arena))
        return;
    for (unsigned c = 0; c < CATEGORY_COUNT; c++) {
        const struct score *score = score_table_score(view->table, view->tenant,
                                                      index, (enum category)c);
        const char *name = category_name((enum category)c);
        double efficiency = 0.0;
        if (!score->present)
            continue;
        add_entry(arena, out->scores, &out->n_scores, name, score->mean);
        if (browse_is_good(score))
            out->categories[out->n_categories++] = (Ss__Category)c;
        if (efficiency_of(model, score, &efficiency))
            add_entry(arena, out->cost_efficiency, &out->n_cost_efficiency,
                      name, efficiency);
    }
}

static void
add_figures(struct arena *arena, const struct model *model, Ss__Model *out)
{
    out->benchmarks =
        ARENA_ARRAY(arena, Ss__ScoresEntry *, model->figure_count);
    for (size_t i = 0; i < model->figure_count; i++) {
        const struct figure *figure = &model->figures[i];
        add_entry(arena, out->benchmarks, &out->n_benchmarks,
                  benchmark_name(figure->benchmark), figure->value);
    }
}

static void
add_names(struct arena *arena, const struct model *model, Ss__Model *out)
{
    out->tags = ARENA_ARRAY(arena, char *, TAG_COUNT);
    out->sources_covered = ARENA_ARRAY(arena, char *, SOURCE_COUNT);
    if (!arena_ok(arena))
        return;
    for (unsigned i = 0; i < TAG_COUNT; i++) {
        if ((model->tags & BIT(i)) != 0)
            out->tags[out->n_tags++] =
                messages_text(arena, slice_of(tag_name((enum tag)i)));
    }
    for (unsigned i = 0; i < SOURCE_COUNT; i++) {
        if ((model->sources & BIT(i)) != 0)
            out->sources_covered[out->n_sources_covered++] =
                messages_text(arena, slice_of(source_name((enum source)i)));
    }
}

static Ss__Speed *
speed_of(struct arena *arena, const struct model *model)
{
    Ss__Speed *speed = messages_new(arena, &ss__speed__descriptor);
    if (speed == NULL)
        return NULL;
    speed->has_output_tokens_per_second =
        !isnan(model->output_tokens_per_second);
    if (speed->has_output_tokens_per_second)
        speed->output_tokens_per_second = model->output_tokens_per_second;
    speed->has_time_to_first_token = !isnan(model->time_to_first_token_s);
    if (speed->has_time_to_first_token)
        speed->time_to_first_token = model->time_to_first_token_s;
    return speed;
}

Ss__Model *
entries_model(const struct view *view, uint32_t index)
{
    struct arena *arena = view->arena;
    const struct model *model = &view->table->catalog->models[index];
    Ss__Model *out = messages_new(arena, &ss__model__descriptor);
    if (out == NULL)
        return NULL;
    out->id = messages_text(arena, model->id);
    out->name = messages_text(arena, model->name);
    out->provider = messages_text(arena, model->provider);
    out->has_context_length = model->context_tokens > 0;
    out->context_length = model->context_tokens;
    out->pricing = messages_pricing(arena, model);
    out->capabilities = capabilities_of(arena, model);
    add_scores(view, index, out);
    out->has_tier = true;
    out->tier = (Ss__Tier)model->tier;
    add_figures(arena, model, out);
    out->speed = speed_of(arena, model);
    add_names(arena, model, out);
    out->last_updated = messages_time(arena, view->table->catalog->made_at);
    out->standing =
        messages_text(arena, slice_of(model_standing_name(model->standing)));
    return out;
}
