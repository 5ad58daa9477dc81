/* Recommending: up to five models for a question, from different providers
 * while there are any. */
#ifndef ROUTER_RECOMMEND_H
#define ROUTER_RECOMMEND_H

#include "router/filter.h"

#define RECOMMEND_MAX 5

struct recommendation {
    struct candidate models[RECOMMEND_MAX];
    size_t count;             /* 0 when no candidate is left */
    uint32_t candidate_count; /* models that passed every filter */
    uint32_t removed[FILTER_COUNT];
};

/* The `wanted` (cut to 1..RECOMMEND_MAX) first models in the order of rank.h,
 * but one of a provider that was not yet named comes before any of one that
 * was: the first is what pick_best says, and a provider comes twice only when
 * all others are used up. RESOURCE_EXHAUSTED when the arena is full. */
enum status
recommend_models(const struct score_table *table,
                 const struct question *question, size_t wanted,
                 struct arena *arena,
                 struct recommendation *ret_recommendation) MUST_CHECK;

#endif
