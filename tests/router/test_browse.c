/* router/browse and router/compare over tests/tables/browse.tsv. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "router/browse.h"
#include "router/compare.h"
#include "router/efficiency.h"
#include "router/rank.h"
#include "tests/router/table_kit.h"

struct fixture {
    struct score_table *table;
    struct arena *arena;
};

static int
set_up(void **state)
{
    static struct fixture fixture;
    fixture.table = table_kit_new();
    fixture.arena = arena_new(1 << 20);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;
    score_table_free(&fixture->table);
    arena_free(&fixture->arena);
    return 0;
}

static void
check_row(void *context, const struct slice *columns, size_t count)
{
    struct fixture *fixture = context;
    struct browse_request request = {.tenant = SLICE("default")};
    struct browse_page page;
    struct buf got;

    assert_int_equal(count, 7);
    request.has_category = category_find(columns[0], &request.category);
    request.has_tier = tier_find(columns[1], &request.tier);
    assert_true(browse_find_sort(columns[2], &request));
    request.limit = (size_t)table_kit_number(columns[3]);
    arena_reset(fixture->arena);
    assert_int_equal(
        browse_models(fixture->table, &request, fixture->arena, &page),
        STATUS_OK);
    buf_init(&got, 4096);
    for (size_t i = 0; i < page.count; i++) {
        buf_put_text(&got, i == 0 ? "" : ",");
        buf_put_slice(&got, fixture->table->catalog->models[page.models[i]].id);
    }
    if (!slice_eq(buf_slice(&got), columns[4]))
        fail_msg("%.*s: got %s", SLICE_ARG(columns[6]), buf_text(&got));
    buf_fini(&got);
    if (page.filtered != (uint32_t)table_kit_number(columns[5]))
        fail_msg("%.*s: %u left", SLICE_ARG(columns[6]), page.filtered);
    assert_int_equal(page.total, fixture->table->catalog->count);
}

static void
every_row_of_browse_tsv_gets_its_page(void **state)
{
    table_kit_rows("browse.tsv", *state, check_row);
}

static void
an_unknown_sort_is_refused(void **state)
{
    struct browse_request request = {0};
    (void)state;
    assert_false(browse_find_sort(SLICE("zzz"), &request));
    assert_false(browse_find_sort(SLICE(""), &request));
}

static void
a_tenant_browses_its_own_scores(void **state)
{
    struct fixture *fixture = *state;
    struct browse_request request = {.tenant = SLICE("bob"), .limit = 1};
    struct browse_page page;

    assert_true(browse_find_sort(SLICE("reasoning"), &request));
    assert_int_equal(
        browse_models(fixture->table, &request, fixture->arena, &page),
        STATUS_OK);
    assert_true(slice_eq(fixture->table->catalog->models[page.models[0]].id,
                         SLICE("hail/twin-b")));
}

static void
efficiency_is_score_by_the_sum_of_both_prices(void **state)
{
    struct model model = {.prompt_price = 400000000,
                          .completion_price = 1200000000};
    struct score score = {.present = true, .mean = 81};
    double efficiency = 0;

    (void)state;
    assert_true(efficiency_of(&model, &score, &efficiency));
    assert_true(rank_shown(efficiency) == 50.63);
}

static void
free_unpriced_and_unscored_models_have_no_efficiency(void **state)
{
    struct model free_model = {0};
    struct model router = {.prompt_price = -1, .completion_price = -1};
    struct model priced = {.prompt_price = 1};
    struct score score = {.present = true, .mean = 81};
    struct score none = {0};
    double efficiency = 7;

    (void)state;
    assert_false(efficiency_of(&free_model, &score, &efficiency));
    assert_false(efficiency_of(&router, &score, &efficiency));
    assert_false(efficiency_of(&priced, &none, &efficiency));
    assert_true(efficiency == 7);
    assert_true(efficiency_cost(&router) == INT64_MAX);
}

static void
comparing_keeps_the_order_drops_repeats_and_lists_the_missing(void **state)
{
    struct fixture *fixture = *state;
    struct slice ids[] = {SLICE("hail/twin-b"), SLICE("no/body"),
                          SLICE("acme/titan"), SLICE("hail/twin-b"),
                          SLICE("no/body")};
    const struct model *models = fixture->table->catalog->models;
    struct comparison found;

    compare_models(fixture->table, ids, 5, &found);
    assert_int_equal(found.model_count, 2);
    assert_true(slice_eq(models[found.models[0]].id, SLICE("hail/twin-b")));
    assert_true(slice_eq(models[found.models[1]].id, SLICE("acme/titan")));
    assert_int_equal(found.missing_count, 1);
    assert_true(slice_eq(found.missing[0], SLICE("no/body")));
}

static void
a_retired_model_can_still_be_compared(void **state)
{
    struct fixture *fixture = *state;
    struct slice ids[] = {SLICE("bolt/coder-old"), SLICE("bolt/coder")};
    struct comparison found;

    compare_models(fixture->table, ids, 2, &found);
    assert_int_equal(found.model_count, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_browse_tsv_gets_its_page),
        cmocka_unit_test(an_unknown_sort_is_refused),
        cmocka_unit_test(a_tenant_browses_its_own_scores),
        cmocka_unit_test(efficiency_is_score_by_the_sum_of_both_prices),
        cmocka_unit_test(free_unpriced_and_unscored_models_have_no_efficiency),
        cmocka_unit_test(
            comparing_keeps_the_order_drops_repeats_and_lists_the_missing),
        cmocka_unit_test(a_retired_model_can_still_be_compared),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
