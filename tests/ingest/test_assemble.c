/* Assembly and combining: which figure a model ends with, and what stays when
 * a source fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "ingest/assemble.h"
#include "ingest/combine.h"

#include <math.h>

#define DAY utc_day_from_date(2026, 7, 22)
#define MS (INT64_C(1784678400000)) /* 2026-07-22 */

/* A little world of sources, built by hand. */
struct world {
    struct arena *arena;
    struct record_set sets[SOURCE_COUNT];
    struct assemble_payload payloads[SOURCE_COUNT];
    struct assemble_input input;
    utc_day expires; /* of the offers to come */
    utc_day day;     /* of the figures to come; 0 is DAY */
};

static void
world_init(struct world *world)
{
    *world = (struct world){.arena = arena_new(64u << 20)};
    world->input.today = DAY;
    world->expires = UTC_DAY_NONE;
    world->input.made_at = MS;
    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        record_set_init(&world->sets[s], world->arena);
        world->input.failures[s] = SLICE("");
    }
}

static void
offer_add(struct world *world, const char *id, const char *effort)
{
    struct reading_list list = {.count = 0};
    struct record row = record_blank(slice_of(id), DAY);
    struct offer offer = {
        .id = slice_of(id),
        .prompt_price = PRICE_USD,
        .completion_price = 2 * PRICE_USD,
        .only_text = true,
        .context_tokens = 200000,
        .capabilities = BIT(CAPABILITY_REASONING),
        .created = DAY - 100,
        .expires = world->expires,
        .reasoning = REASONING_DEFAULT_ON,
        .default_effort = slice_of(effort),
    };

    row.offer = &offer;
    assert_int_equal(
        record_set_add(&world->sets[SOURCE_OPENROUTER], &row, &list),
        STATUS_OK);
}

static void
figure_add(struct world *world, enum source source, const char *name,
           enum benchmark benchmark, double value)
{
    struct reading_list list = {.count = 0};
    struct record row =
        record_blank(slice_of(name), world->day != 0 ? world->day : DAY);

    reading_list_add(&list, &world->sets[source], benchmark, value);
    assert_int_equal(record_set_add(&world->sets[source], &row, &list),
                     STATUS_OK);
}

/* Assemble from the sets that hold anything. */
static struct catalog *
world_assemble(struct world *world, const struct catalog *previous)
{
    struct arena *scratch = arena_new(ASSEMBLE_SCRATCH_MAX);
    struct catalog *catalog = NULL;
    size_t count = 0;

    for (size_t s = 0; s < SOURCE_COUNT; s++)
        if (world->sets[s].count > 0)
            world->payloads[count++] =
                (struct assemble_payload){.source = (enum source)s,
                                          .set = &world->sets[s],
                                          .fetched_at = MS};
    world->input.payloads = world->payloads;
    world->input.payload_count = count;
    world->input.previous = previous;
    assert_int_equal(assemble_catalog(&world->input, scratch, NULL, &catalog),
                     STATUS_OK);
    arena_free(&scratch);
    return catalog;
}

static void
world_fini(struct world *world)
{
    arena_free(&world->arena);
}

static const struct model *
model_of(const struct catalog *catalog, const char *id)
{
    const struct model *model = catalog_find(catalog, slice_of(id));

    assert_non_null(model);
    return model;
}

static double
figure_of(const struct catalog *catalog, const char *id,
          enum benchmark benchmark)
{
    const struct figure *figure =
        model_figure(model_of(catalog, id), benchmark);

    return figure != NULL ? figure->value : NAN;
}

static void
assert_near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-9))
        fail_msg("%g is not %g", value, expected);
}

static void
models_ascend_and_find_their_figures(void **state)
{
    struct world world;
    struct catalog *catalog;

    (void)state;
    world_init(&world);
    offer_add(&world, "b/two-2", "");
    offer_add(&world, "a/one-1", "");
    figure_add(&world, SOURCE_LMARENA, "One 1", BENCHMARK_ARENA, 1300);
    figure_add(&world, SOURCE_LMARENA, "Three 3", BENCHMARK_ARENA, 1400);
    catalog = world_assemble(&world, NULL);
    assert_int_equal(catalog->count, 2);
    assert_true(slice_eq(catalog->models[0].id, SLICE("a/one-1")));
    assert_near(figure_of(catalog, "a/one-1", BENCHMARK_ARENA), 1300);
    assert_int_equal(model_of(catalog, "a/one-1")->sources,
                     BIT(SOURCE_OPENROUTER) | BIT(SOURCE_LMARENA));
    assert_int_equal(model_of(catalog, "b/two-2")->figure_count, 0);
    assert_int_equal(catalog->sources[SOURCE_LMARENA].rows, 2);
    assert_int_equal(catalog->sources[SOURCE_LMARENA].matched_rows, 1);
    assert_int_equal(catalog->sources[SOURCE_LMARENA].state, SOURCE_STATE_OK);
    assert_int_equal(catalog->sources[SOURCE_LIVEBENCH].state,
                     SOURCE_STATE_NEVER);
    catalog_free(&catalog);
    world_fini(&world);
}

static void
the_default_effort_row_counts_whatever_comes_last(void **state)
{
    static const char *const orders[][3] = {
        {"One 1 (low)", "One 1 (medium)", "One 1 (high)"},
        {"One 1 (high)", "One 1 (medium)", "One 1 (low)"},
        {"One 1 (medium)", "One 1 (high)", "One 1 (low)"}};

    (void)state;
    for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
        struct world world;
        struct catalog *catalog;
        const struct figure *figure;

        world_init(&world);
        offer_add(&world, "a/one-1", "medium");
        for (size_t i = 0; i < 3; i++)
            figure_add(&world, SOURCE_ARTIFICIAL_ANALYSIS, orders[o][i],
                       BENCHMARK_GPQA,
                       orders[o][i][7] == 'l'   ? 40
                       : orders[o][i][7] == 'm' ? 60
                                                : 90);
        catalog = world_assemble(&world, NULL);
        figure = model_figure(model_of(catalog, "a/one-1"), BENCHMARK_GPQA);
        assert_near(figure->value, 60);
        assert_near(figure->spread, 0);
        assert_true(slice_eq(figure->row, SLICE("One 1 (medium)")));
        catalog_free(&catalog);
        world_fini(&world);
    }
}

static void
without_a_default_row_the_median_counts_and_keeps_its_spread(void **state)
{
    static const struct combine_row rows[] = {
        {90, NAME_MODE_ON, {.ptr = "high", .len = 4}, {.ptr = "h", .len = 1}},
        {40, NAME_MODE_ON, {.ptr = "low", .len = 3}, {.ptr = "l", .len = 1}},
        {70, NAME_MODE_ON, {.ptr = "xhigh", .len = 5}, {.ptr = "x", .len = 1}},
    };
    struct combine_served served = {REASONING_DEFAULT_ON, SLICE("medium")};
    struct combined combined;

    (void)state;
    combine_rows(rows, 3, &served, &combined);
    assert_near(combined.value, 70);
    assert_near(combined.spread, 25);
    assert_true(slice_eq(combined.row, SLICE("x")));
    combine_rows(rows, 2, &served, &combined);
    assert_near(combined.value, 65);
    combine_rows(rows, 1, &served, &combined);
    assert_near(combined.value, 90);
    assert_near(combined.spread, 0);
}

static void
what_is_served_not_thinking_is_measured_not_thinking(void **state)
{
    static const struct combine_row rows[] = {
        {90, NAME_MODE_ON, {.ptr = "medium", .len = 6}, {.ptr = "m", .len = 1}},
        {40, NAME_MODE_OFF, {.ptr = "high", .len = 4}, {.ptr = "o", .len = 1}},
        {50, NAME_MODE_NONE, {.ptr = "", .len = 0}, {.ptr = "p", .len = 1}},
    };
    struct combine_served served = {REASONING_DEFAULT_OFF, SLICE("medium")};
    struct combined combined;

    (void)state;
    combine_rows(rows, 3, &served, &combined);
    assert_near(combined.value, 40);
    served = (struct combine_served){REASONING_DEFAULT_UNKNOWN, SLICE("none")};
    combine_rows(rows, 3, &served, &combined);
    assert_near(combined.value, 40);
    served = (struct combine_served){REASONING_DEFAULT_UNKNOWN, SLICE("")};
    combine_rows(rows, 3, &served, &combined);
    assert_near(combined.value, 50);
}

static void
a_free_variant_inherits_its_base_and_thinking_only_what_it_lacks(void **state)
{
    struct world world;
    struct catalog *catalog;

    (void)state;
    world_init(&world);
    offer_add(&world, "a/one-1", "");
    offer_add(&world, "a/one-1:free", "");
    offer_add(&world, "a/one-1:thinking", "");
    figure_add(&world, SOURCE_LMARENA, "one-1", BENCHMARK_ARENA, 1300);
    figure_add(&world, SOURCE_LMARENA, "one-1-thinking", BENCHMARK_ARENA, 1400);
    figure_add(&world, SOURCE_LIVEBENCH, "one-1", BENCHMARK_LIVE_BENCH_CODING,
               55);
    catalog = world_assemble(&world, NULL);
    assert_near(figure_of(catalog, "a/one-1", BENCHMARK_ARENA), 1300);
    assert_near(figure_of(catalog, "a/one-1:free", BENCHMARK_ARENA), 1300);
    assert_near(figure_of(catalog, "a/one-1:thinking", BENCHMARK_ARENA), 1400);
    assert_near(
        figure_of(catalog, "a/one-1:thinking", BENCHMARK_LIVE_BENCH_CODING),
        55);
    catalog_free(&catalog);
    world_fini(&world);
}

static void
of_two_boards_the_newer_day_counts_alone(void **state)
{
    struct world world;
    struct catalog *catalog;

    (void)state;
    world_init(&world);
    offer_add(&world, "a/one-1", "");
    offer_add(&world, "a/two-2", "");
    figure_add(&world, SOURCE_LMARENA, "one-1", BENCHMARK_ARENA, 1300);
    figure_add(&world, SOURCE_LMARENA, "two-2", BENCHMARK_ARENA, 1200);
    figure_add(&world, SOURCE_LMARENA, "one-1", BENCHMARK_ARENA_CODING, 1250);
    world.sets[SOURCE_LMARENA].records[0].day = DAY - 30;
    world.sets[SOURCE_LMARENA].records[2].day = DAY - 30;
    catalog = world_assemble(&world, NULL);
    /* one-1 is only on the older board: its rating has another scale. */
    assert_true(isnan(figure_of(catalog, "a/one-1", BENCHMARK_ARENA)));
    assert_near(figure_of(catalog, "a/two-2", BENCHMARK_ARENA), 1200);
    assert_near(figure_of(catalog, "a/one-1", BENCHMARK_ARENA_CODING), 1250);
    catalog_free(&catalog);
    world_fini(&world);
}

static void
the_same_evidence_counts_once(void **state)
{
    struct reading_list list = {.count = 0};
    struct record row = record_blank(SLICE("A: One 1"), DAY);
    struct offer offer = {.id = SLICE("a/one-1"),
                          .canonical_slug = SLICE(""),
                          .hugging_face_id = SLICE(""),
                          .default_effort = SLICE(""),
                          .only_text = true,
                          .created = UTC_DAY_NONE,
                          .expires = UTC_DAY_NONE};
    const struct figure *figure;
    struct world world;
    struct catalog *catalog;

    (void)state;
    world_init(&world);
    row.offer = &offer;
    reading_list_add(&list, &world.sets[SOURCE_OPENROUTER],
                     BENCHMARK_CODING_INDEX, 30);
    reading_list_add(&list, &world.sets[SOURCE_OPENROUTER],
                     BENCHMARK_AGENTIC_INDEX, 20);
    assert_int_equal(
        record_set_add(&world.sets[SOURCE_OPENROUTER], &row, &list), STATUS_OK);
    figure_add(&world, SOURCE_ARTIFICIAL_ANALYSIS, "One 1",
               BENCHMARK_CODING_INDEX, 33);
    catalog = world_assemble(&world, NULL);
    figure = model_figure(model_of(catalog, "a/one-1"), BENCHMARK_CODING_INDEX);
    assert_near(figure->value, 33);
    assert_int_equal(figure->via, SOURCE_ARTIFICIAL_ANALYSIS);
    figure =
        model_figure(model_of(catalog, "a/one-1"), BENCHMARK_AGENTIC_INDEX);
    assert_int_equal(figure->via, SOURCE_OPENROUTER);
    catalog_free(&catalog);
    world_fini(&world);
}

static void
a_source_that_fails_keeps_its_figures_and_turns_stale(void **state)
{
    struct world before, after;
    struct catalog *first, *second;

    (void)state;
    world_init(&before);
    offer_add(&before, "a/one-1", "");
    figure_add(&before, SOURCE_LMARENA, "one-1", BENCHMARK_ARENA, 1300);
    figure_add(&before, SOURCE_LIVEBENCH, "one-1", BENCHMARK_LIVE_BENCH_CODING,
               50);
    first = world_assemble(&before, NULL);
    world_fini(&before);

    world_init(&after);
    offer_add(&after, "a/one-1", "");
    figure_add(&after, SOURCE_LIVEBENCH, "one-1", BENCHMARK_LIVE_BENCH_CODING,
               60);
    after.input.failures[SOURCE_LMARENA] = SLICE("HTTP status 500");
    after.input.failures[SOURCE_HF_LEADERBOARD] = SLICE("no such host");
    second = world_assemble(&after, first);
    assert_near(figure_of(second, "a/one-1", BENCHMARK_ARENA), 1300);
    assert_near(figure_of(second, "a/one-1", BENCHMARK_LIVE_BENCH_CODING), 60);
    assert_int_equal(second->sources[SOURCE_LMARENA].state, SOURCE_STATE_STALE);
    assert_true(slice_eq(second->sources[SOURCE_LMARENA].reason,
                         SLICE("HTTP status 500")));
    assert_int_equal(second->sources[SOURCE_LMARENA].rows, 1);
    assert_int_equal(second->sources[SOURCE_HF_LEADERBOARD].state,
                     SOURCE_STATE_ERROR);
    catalog_free(&first);
    catalog_free(&second);
    world_fini(&after);
}

static void
an_id_that_left_is_retired_and_comes_back(void **state)
{
    struct world world;
    struct catalog *first, *second, *third;

    (void)state;
    world_init(&world);
    offer_add(&world, "a/one-1", "");
    offer_add(&world, "a/old-1", "");
    first = world_assemble(&world, NULL);
    world_fini(&world);
    world_init(&world);
    offer_add(&world, "a/one-1", "");
    figure_add(&world, SOURCE_LMARENA, "old-1", BENCHMARK_ARENA, 1000);
    second = world_assemble(&world, first);
    assert_int_equal(model_of(second, "a/old-1")->standing, MODEL_RETIRED);
    assert_near(figure_of(second, "a/old-1", BENCHMARK_ARENA), 1000);
    world_fini(&world);
    world_init(&world);
    offer_add(&world, "a/old-1", "");
    third = world_assemble(&world, second);
    assert_int_equal(model_of(third, "a/old-1")->standing, MODEL_CANDIDATE);
    assert_int_equal(model_of(third, "a/one-1")->standing, MODEL_RETIRED);
    catalog_free(&first);
    catalog_free(&second);
    catalog_free(&third);
    world_fini(&world);
}

static void
without_openrouter_models_stay_and_only_expiry_moves(void **state)
{
    struct world world;
    struct catalog *first, *second;

    (void)state;
    world_init(&world);
    world.expires = DAY;
    offer_add(&world, "a/one-1", "");
    world.expires = UTC_DAY_NONE;
    offer_add(&world, "a/two-2", "");
    first = world_assemble(&world, NULL);
    assert_int_equal(model_of(first, "a/one-1")->standing, MODEL_CANDIDATE);
    world_fini(&world);
    world_init(&world);
    world.input.today = DAY + 1;
    second = world_assemble(&world, first);
    assert_int_equal(second->count, 2);
    assert_int_equal(model_of(second, "a/one-1")->standing, MODEL_EXPIRED);
    assert_int_equal(model_of(second, "a/two-2")->standing, MODEL_CANDIDATE);
    assert_int_not_equal(first->version, second->version);
    catalog_free(&first);
    catalog_free(&second);
    world_fini(&world);
}

static void
the_version_is_of_the_content_not_of_the_time(void **state)
{
    struct catalog *catalogs[2];
    struct world world;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        world_init(&world);
        world.input.made_at = MS + (ms_time)i * 1000;
        /* Also not of the order in which things arrive. */
        offer_add(&world, i == 0 ? "a/one-1" : "b/two-2", "");
        offer_add(&world, i == 0 ? "b/two-2" : "a/one-1", "");
        figure_add(&world, SOURCE_LMARENA, "one-1", BENCHMARK_ARENA, 1000);
        catalogs[i] = world_assemble(&world, NULL);
        world_fini(&world);
    }
    assert_true(catalogs[0]->version == catalogs[1]->version);
    assert_true(catalogs[0]->version != 0);
    catalog_free(&catalogs[0]);
    catalog_free(&catalogs[1]);
}

static void
a_catalog_without_models_is_refused(void **state)
{
    struct arena *scratch = arena_new(ASSEMBLE_SCRATCH_MAX);
    struct assemble_input input = {.today = DAY};
    struct catalog *catalog = NULL;

    (void)state;
    assert_int_equal(assemble_catalog(&input, scratch, NULL, &catalog),
                     STATUS_FAILED_PRECONDITION);
    assert_null(catalog);
    arena_free(&scratch);
}

/* A clock that ran a year ahead dated them. */
static void
figures_of_the_future_give_way_to_newer_ones(void **state)
{
    struct catalog *wrong, *right;
    struct world world;

    (void)state;
    world_init(&world);
    world.input.today = DAY + 365;
    offer_add(&world, "a/one-1", "");
    world.day = DAY + 365;
    figure_add(&world, SOURCE_LIVEBENCH, "one-1", BENCHMARK_LIVE_BENCH_IF, 50);
    wrong = world_assemble(&world, NULL);
    assert_near(figure_of(wrong, "a/one-1", BENCHMARK_LIVE_BENCH_IF), 50);
    world_fini(&world);
    world_init(&world); /* the clock is right again */
    offer_add(&world, "a/one-1", "");
    figure_add(&world, SOURCE_LIVEBENCH, "one-1", BENCHMARK_LIVE_BENCH_IF, 60);
    right = world_assemble(&world, wrong);
    assert_near(figure_of(right, "a/one-1", BENCHMARK_LIVE_BENCH_IF), 60);
    assert_int_equal(
        model_figure(model_of(right, "a/one-1"), BENCHMARK_LIVE_BENCH_IF)->day,
        DAY);
    catalog_free(&wrong);
    catalog_free(&right);
    world_fini(&world);
}

/* Without OpenRouter's answer it is still known which row counts. */
static void
what_is_served_by_default_is_remembered(void **state)
{
    struct catalog *first, *second;
    struct world world;

    (void)state;
    world_init(&world);
    offer_add(&world, "a/one-1", "low");
    first = world_assemble(&world, NULL);
    world_fini(&world);
    world_init(&world);
    figure_add(&world, SOURCE_LIVEBENCH, "one-1-low", BENCHMARK_LIVE_BENCH_IF,
               40);
    figure_add(&world, SOURCE_LIVEBENCH, "one-1-high", BENCHMARK_LIVE_BENCH_IF,
               80);
    second = world_assemble(&world, first);
    assert_near(figure_of(second, "a/one-1", BENCHMARK_LIVE_BENCH_IF), 40);
    catalog_free(&first);
    catalog_free(&second);
    world_fini(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_ascend_and_find_their_figures),
        cmocka_unit_test(the_default_effort_row_counts_whatever_comes_last),
        cmocka_unit_test(
            without_a_default_row_the_median_counts_and_keeps_its_spread),
        cmocka_unit_test(what_is_served_not_thinking_is_measured_not_thinking),
        cmocka_unit_test(
            a_free_variant_inherits_its_base_and_thinking_only_what_it_lacks),
        cmocka_unit_test(of_two_boards_the_newer_day_counts_alone),
        cmocka_unit_test(the_same_evidence_counts_once),
        cmocka_unit_test(a_source_that_fails_keeps_its_figures_and_turns_stale),
        cmocka_unit_test(an_id_that_left_is_retired_and_comes_back),
        cmocka_unit_test(without_openrouter_models_stay_and_only_expiry_moves),
        cmocka_unit_test(the_version_is_of_the_content_not_of_the_time),
        cmocka_unit_test(a_catalog_without_models_is_refused),
        cmocka_unit_test(figures_of_the_future_give_way_to_newer_ones),
        cmocka_unit_test(what_is_served_by_default_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
