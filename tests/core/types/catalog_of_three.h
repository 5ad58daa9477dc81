/* A small catalog for tests: three models of which every kind of field is set
 * once. The caller frees it with catalog_free. */
#ifndef TESTS_CORE_TYPES_CATALOG_OF_THREE_H
#define TESTS_CORE_TYPES_CATALOG_OF_THREE_H

#include "core/types/catalog.h"

#include <math.h>

static inline void
catalog_of_three_figures(struct arena *arena, struct model *model)
{
    struct figure *figures = ARENA_ARRAY(arena, struct figure, 2);
    figures[0] = (struct figure){.benchmark = BENCHMARK_GPQA,
                                 .value = 81.25,
                                 .spread = 1.5,
                                 .day = 20600,
                                 .via = SOURCE_OPENROUTER,
                                 .row = SLICE("GPT-5 (high)")};
    figures[1] = (struct figure){.benchmark = BENCHMARK_ARENA,
                                 .value = 1432.1,
                                 .day = UTC_DAY_NONE,
                                 .via = SOURCE_LMARENA};
    model->figures = figures;
    model->figure_count = 2;
}

static inline struct catalog *
catalog_of_three(void)
{
    struct arena *arena = arena_new(CATALOG_BYTES_MAX);
    struct catalog *catalog = ARENA_NEW(arena, struct catalog);
    struct model *models = ARENA_ARRAY(arena, struct model, 3);
    struct model plain = {.created = UTC_DAY_NONE,
                          .expires = UTC_DAY_NONE,
                          .output_tokens_per_second = NAN,
                          .time_to_first_token_s = NAN};
    models[0] = models[1] = models[2] = plain;
    models[0].id = SLICE("anthropic/claude-opus-4.6");
    models[0].name = SLICE("Claude Opus 4.6");
    models[1].id = SLICE("openai/gpt-5");
    models[1].name = SLICE("GPT-5 \xe2\x80\x9chigh\xe2\x80\x9d");
    models[1].canonical_slug = SLICE("openai/gpt-5-2026");
    models[1].hugging_face_id = SLICE("openai/GPT-5");
    models[1].prompt_price = 1250000000;
    models[1].completion_price = 10 * PRICE_USD;
    models[1].context_tokens = 400000;
    models[1].max_output_tokens = 128000;
    models[1].capabilities = BIT(CAPABILITY_JSON) | BIT(CAPABILITY_VISION);
    models[1].tags = BIT(TAG_FAST) | BIT(TAG_LONG_CONTEXT);
    models[1].sources = BIT(SOURCE_LMARENA);
    models[1].tier = TIER_PREMIUM;
    models[1].created = 20000;
    models[1].expires = 30000;
    models[1].output_tokens_per_second = 120.5;
    models[1].time_to_first_token_s = 0.8;
    catalog_of_three_figures(arena, &models[1]);
    models[2].id = SLICE("openrouter/auto");
    models[2].name = SLICE("Auto");
    models[2].prompt_price = -PRICE_USD;
    models[2].standing = MODEL_ROUTER;
    catalog->by_id = map_new(arena, 3);
    for (uint32_t i = 0; i < 3; i++) {
        ptrdiff_t slash = slice_find(models[i].id, SLICE("/"));
        models[i].provider = slice_cut(models[i].id, 0, (size_t)slash);
        if (map_add(catalog->by_id, models[i].id, i) != STATUS_OK)
            return NULL;
    }
    catalog->arena = arena;
    catalog->models = models;
    catalog->count = 3;
    catalog->made_at = 1784715072123;
    catalog->sources[SOURCE_LMARENA] =
        (struct source_status){.state = SOURCE_STATE_STALE,
                               .reason = SLICE("HTTP 503"),
                               .last_success = 1784715000000,
                               .rows = 300,
                               .matched_rows = 120,
                               .refused = 2};
    catalog->version = catalog_hash(catalog);
    return catalog;
}

#endif
