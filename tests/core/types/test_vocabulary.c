/* The closed sets: every name leads back to its value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/types/vocabulary.h"

#define EVERY_NAME_LEADS_BACK(set, count)                                      \
    for (unsigned i = 0; i < (unsigned)(count); i++) {                         \
        enum set value = (enum set)0;                                          \
        assert_true(set##_find(slice_of(set##_name((enum set)i)), &value));    \
        assert_int_equal(value, i);                                            \
    }

static void
every_name_leads_back_to_its_value(void **state)
{
    (void)state;
    EVERY_NAME_LEADS_BACK(category, CATEGORY_COUNT)
    EVERY_NAME_LEADS_BACK(budget, BUDGET_COUNT)
    EVERY_NAME_LEADS_BACK(tier, TIER_COUNT)
    EVERY_NAME_LEADS_BACK(capability, CAPABILITY_COUNT)
    EVERY_NAME_LEADS_BACK(tag, TAG_COUNT)
    EVERY_NAME_LEADS_BACK(source, SOURCE_COUNT)
    EVERY_NAME_LEADS_BACK(benchmark, BENCHMARK_COUNT)
}

static void
only_categories_and_budgets_ignore_case(void **state)
{
    (void)state;
    enum category category;
    enum budget budget;
    enum tier tier;
    assert_true(category_find(SLICE("Fast-Cheap"), &category));
    assert_int_equal(category, CATEGORY_FAST_CHEAP);
    assert_true(budget_find(SLICE("ANY"), &budget));
    assert_int_equal(budget, BUDGET_ANY);
    assert_false(tier_find(SLICE("Premium"), &tier));
}

static void
an_unknown_name_is_nothing(void **state)
{
    (void)state;
    enum category category = CATEGORY_VISION;
    assert_false(category_find(SLICE("code"), &category));
    assert_false(category_find(SLICE(""), &category));
    assert_false(category_find(slice_make("coding\0", 7), &category));
    assert_int_equal(category, CATEGORY_VISION);
}

static void
budgets_have_bounds_in_order(void **state)
{
    (void)state;
    assert_true(budget_highest(BUDGET_LOW) == PRICE_USD);
    assert_true(budget_highest(BUDGET_MEDIUM) == 5 * PRICE_USD);
    assert_true(budget_lowest(BUDGET_HIGH) == 2 * PRICE_USD);
    assert_true(budget_highest(BUDGET_ANY) == PRICE_UNBOUNDED);
    for (int i = 0; i < BUDGET_COUNT; i++)
        assert_true(budget_lowest((enum budget)i) <
                    budget_highest((enum budget)i));
}

static void
benchmarks_have_a_source_bounds_and_a_unit(void **state)
{
    (void)state;
    assert_int_equal(benchmark_source(BENCHMARK_ARENA), SOURCE_LMARENA);
    assert_string_equal(benchmark_unit(BENCHMARK_ARENA), "elo");
    for (int i = 0; i < BENCHMARK_COUNT; i++)
        assert_true(benchmark_lowest((enum benchmark)i) <
                    benchmark_highest((enum benchmark)i));
    for (int i = 0; i < SOURCE_COUNT; i++)
        assert_true(strlen(source_attribution((enum source)i)) > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_leads_back_to_its_value),
        cmocka_unit_test(only_categories_and_budgets_ignore_case),
        cmocka_unit_test(an_unknown_name_is_nothing),
        cmocka_unit_test(budgets_have_bounds_in_order),
        cmocka_unit_test(benchmarks_have_a_source_bounds_and_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
