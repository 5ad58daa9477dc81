/* A score table from a text, and rows of decision tables, for the tests of
 * router and routerd. Header-only: each test is one program, which includes
 * cmocka.h first. */
#ifndef TESTS_ROUTER_TABLE_KIT_H
#define TESTS_ROUTER_TABLE_KIT_H

#include "core/base/text.h"
#include "core/types/score_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TABLE_KIT_COLUMNS_MAX 16
#define TABLE_KIT_MODELS_MAX 64
#define TABLE_KIT_DAY 20656 /* 2026-07-22 */

/* Call row for every line of tests/tables/<name> that is no comment; columns
 * live until it returns. */
static inline void
table_kit_rows(const char *name, void *context,
               void (*row)(void *context, const struct slice *columns,
                           size_t count))
{
    char path[512];
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len = 0;
    size_t rows = 0;

    (void)snprintf(path, sizeof(path), SS_SOURCE_DIR "/tests/tables/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while ((len = getline(&line, &capacity, file)) > 0) {
        struct slice columns[TABLE_KIT_COLUMNS_MAX];
        size_t count = 0;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (line[len - 1] == '\n')
            len--;
        struct slice rest = slice_make(line, (size_t)len);
        while (count < TABLE_KIT_COLUMNS_MAX &&
               slice_split(&rest, '\t', &columns[count]))
            count++;
        row(context, columns, count);
        rows++;
    }
    free(line);
    (void)fclose(file);
    assert_true(rows > 0);
}

static inline double
table_kit_number(struct slice text)
{
    double number = 0;
    assert_int_equal(text_double(text, &number), STATUS_OK);
    return number;
}

static inline nusd_per_mtok
table_kit_price(struct slice text)
{
    int64_t price = 0;
    assert_int_equal(text_decimal(text, PRICE_SCALE, &price), STATUS_OK);
    return price;
}

/* "81+-4", or "-" for none. */
static inline struct score
table_kit_score(struct slice text)
{
    struct slice sign = SLICE("+-");
    ptrdiff_t at = slice_find(text, sign);
    if (at < 0) {
        assert_true(slice_eq(text, SLICE("-")));
        return (struct score){.present = false};
    }
    double mean = table_kit_number(slice_cut(text, 0, (size_t)at));
    double half =
        table_kit_number(slice_cut(text, (size_t)at + sign.len, text.len));
    return (struct score){.present = true,
                          .mean = mean,
                          .low = mean - half,
                          .high = mean + half,
                          .confidence = 0.75,
                          .benchmark = mean,
                          .community = NAN,
                          .personal = NAN,
                          .benchmark_share = 1.0,
                          .sources = 2};
}

/* "vision,json" as bits. */
static inline uint32_t
table_kit_capabilities(struct slice text)
{
    struct slice name;
    uint32_t bits = 0;
    while (slice_split(&text, ',', &name)) {
        enum capability capability;
        assert_true(capability_find(name, &capability));
        bits |= BIT(capability);
    }
    return bits;
}

struct table_kit_load {
    struct arena *arena;
    struct model models[TABLE_KIT_MODELS_MAX];
    struct score scores[TABLE_KIT_MODELS_MAX][CATEGORY_COUNT];
    size_t count;
};

static inline utc_day
table_kit_day(struct slice text)
{
    utc_day day = UTC_DAY_NONE;
    if (!slice_eq(text, SLICE("-")))
        assert_int_equal(utc_day_parse(text, &day), STATUS_OK);
    return day;
}

static inline void
table_kit_model(void *context, const struct slice *columns, size_t count)
{
    static const enum category order[] = {CATEGORY_GENERAL,   CATEGORY_CODING,
                                          CATEGORY_REASONING, CATEGORY_CREATIVE,
                                          CATEGORY_VISION,    CATEGORY_RESEARCH,
                                          CATEGORY_FAST_CHEAP};
    struct table_kit_load *load = context;
    struct slice id = arena_slice(load->arena, columns[0]);
    enum model_standing standing;

    assert_int_equal(count, 15);
    assert_true(load->count < TABLE_KIT_MODELS_MAX);
    assert_true(model_standing_find(columns[5], &standing));
    size_t slash = (size_t)slice_find(id, SLICE("/"));
    nusd_per_mtok price = table_kit_price(columns[1]);
    load->models[load->count] = (struct model){
        .id = id,
        .name = id,
        .provider = slice_cut(id, 0, slash),
        .prompt_price = price,
        .completion_price = table_kit_price(columns[2]),
        .context_tokens = (uint32_t)table_kit_number(columns[3]),
        .capabilities = table_kit_capabilities(columns[4]),
        .tags = slice_eq(columns[7], SLICE("fast")) ? BIT(TAG_FAST) : 0,
        .sources = BIT(SOURCE_OPENROUTER) | BIT(SOURCE_LIVEBENCH),
        .tier = price >= 5 * PRICE_USD  ? TIER_PREMIUM
                : price < PRICE_USD / 2 ? TIER_BUDGET
                                        : TIER_STANDARD,
        .standing = standing,
        .created = UTC_DAY_NONE,
        .expires = table_kit_day(columns[6]),
        .output_tokens_per_second = NAN,
        .time_to_first_token_s = NAN};
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        load->scores[load->count][order[i]] = table_kit_score(columns[8 + i]);
    load->count++;
}

static inline struct catalog *
table_kit_catalog(struct table_kit_load *load)
{
    struct arena *arena = load->arena;
    struct catalog *catalog = ARENA_NEW(arena, struct catalog);
    struct model *models = ARENA_ARRAY(arena, struct model, load->count);
    struct map *by_id = map_new(arena, load->count);
    assert_true(arena_ok(arena));
    for (uint32_t i = 0; i < load->count; i++) {
        models[i] = load->models[i];
        assert_int_equal(map_add(by_id, models[i].id, i), STATUS_OK);
        assert_true(i == 0 || slice_cmp(models[i - 1].id, models[i].id) < 0);
    }
    *catalog = (struct catalog){.arena = arena,
                                .models = models,
                                .count = load->count,
                                .by_id = by_id,
                                .made_at = 1784700000000};
    for (unsigned i = 0; i < SOURCE_COUNT; i++)
        catalog->sources[i] =
            (struct source_status){.state = SOURCE_STATE_OK,
                                   .last_success = 1784690000000 + i,
                                   .rows = 100 + i,
                                   .matched_rows = 50 + i};
    catalog->version = catalog_hash(catalog);
    return catalog;
}

/* One tenant's own score; the model must be there. */
static inline void
table_kit_rate(struct score_table *table, const char *tenant, const char *model,
               enum category category, double mean)
{
    const struct model *found = catalog_find(table->catalog, slice_of(model));
    assert_non_null(found);
    struct personal_score cell = {
        .tenant = slice_of(tenant),
        .model = (uint32_t)(found - table->catalog->models),
        .category = category,
        .score = {.present = true,
                  .mean = mean,
                  .low = mean - 3,
                  .high = mean + 3,
                  .confidence = 0.8,
                  .benchmark = 80,
                  .community = NAN,
                  .personal = mean / 100,
                  .benchmark_share = 0.6,
                  .personal_share = 0.4,
                  .sources = 2}};
    assert_int_equal(score_table_set_personal(table, &cell), STATUS_OK);
}

/* The table of tests/tables/pick_models.tsv with bob's two ratings; end it
 * with score_table_free. */
static inline struct score_table *
table_kit_new(void)
{
    struct table_kit_load load = {.arena = arena_new(1 << 20)};
    struct score_table *table = NULL;

    assert_non_null(load.arena);
    table_kit_rows("pick_models.tsv", &load, table_kit_model);
    assert_int_equal(
        score_table_new(table_kit_catalog(&load), TABLE_KIT_DAY, &table),
        STATUS_OK);
    for (uint32_t i = 0; i < load.count; i++) {
        for (unsigned c = 0; c < CATEGORY_COUNT; c++) {
            if (load.scores[i][c].present)
                score_table_set_base(table, i, (enum category)c,
                                     &load.scores[i][c]);
        }
    }
    table->made_at = 1784710000000;
    table_kit_rate(table, "bob", "hail/twin-b", CATEGORY_REASONING, 95);
    table_kit_rate(table, "bob", "acme/titan", CATEGORY_CODING, 50);
    return table;
}

#endif
