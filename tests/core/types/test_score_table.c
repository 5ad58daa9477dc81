/* The score table: look-ups, changes in place, the version that follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/types/score_table.h"
#include "tests/core/types/catalog_of_three.h"

#include <stdio.h>

static struct score_table *
table_of_three(void)
{
    struct score_table *table = NULL;
    struct catalog *catalog = catalog_of_three();
    assert_int_equal(score_table_new(catalog, 20656, &table), STATUS_OK);
    return table;
}

static struct score
score_of(double mean)
{
    return (struct score){.present = true,
                          .mean = mean,
                          .low = mean - 5,
                          .high = mean + 5,
                          .confidence = 0.8,
                          .benchmark = mean,
                          .community = NAN,
                          .personal = NAN,
                          .benchmark_share = 1,
                          .sources = 2};
}

static struct personal_score
cell_of(const char *tenant, uint32_t model, enum category category, double mean)
{
    return (struct personal_score){.tenant = slice_of(tenant),
                                   .model = model,
                                   .category = category,
                                   .score = score_of(mean)};
}

static void
put(struct score_table *table, const char *tenant, uint32_t model,
    enum category category, double mean)
{
    struct personal_score cell = cell_of(tenant, model, category, mean);
    assert_int_equal(score_table_set_personal(table, &cell), STATUS_OK);
}

static void
a_new_table_has_no_score_and_the_catalogs_version(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    assert_true(table->version == table->catalog->version);
    assert_true(table->version == score_table_hash(table));
    for (uint32_t model = 0; model < 3; model++)
        assert_false(
            score_table_score(table, SLICE("x"), model, CATEGORY_CODING)
                ->present);
    score_table_free(&table);
    assert_null(table);
    score_table_free(&table);
}

static void
a_personal_score_stands_before_the_base(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    struct score base = score_of(70);
    score_table_set_base(table, 1, CATEGORY_CODING, &base);
    put(table, "acme", 1, CATEGORY_CODING, 90);
    assert_true(
        score_table_score(table, SLICE("acme"), 1, CATEGORY_CODING)->mean ==
        90);
    assert_true(
        score_table_score(table, SLICE("acm"), 1, CATEGORY_CODING)->mean == 70);
    assert_true(score_table_score(table, SLICE(""), 1, CATEGORY_CODING)->mean ==
                70);
    assert_false(
        score_table_score(table, SLICE("acme"), 1, CATEGORY_VISION)->present);
    score_table_free(&table);
}

static void
cells_of_a_tenant_and_category_are_a_run(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    put(table, "b", 2, CATEGORY_CODING, 1);
    put(table, "b", 0, CATEGORY_CODING, 2);
    put(table, "b", 1, CATEGORY_VISION, 3);
    put(table, "a", 1, CATEGORY_CODING, 4);
    put(table, "c", 1, CATEGORY_CODING, 5);
    size_t count = 0;
    const struct personal_score *cells =
        score_table_personal(table, SLICE("b"), CATEGORY_CODING, &count);
    assert_int_equal(count, 2);
    assert_int_equal(cells[0].model, 0);
    assert_int_equal(cells[1].model, 2);
    for (size_t i = 1; i < table->personal_count; i++)
        assert_true(personal_score_cmp(&table->personal[i - 1],
                                       &table->personal[i]) < 0);
    assert_null(
        score_table_personal(table, SLICE("b"), CATEGORY_CREATIVE, &count));
    assert_int_equal(count, 0);
    score_table_free(&table);
}

static void
personal_cells_ascend_by_tenant_category_and_model(void **state)
{
    (void)state;
    const struct personal_score rows[] = {
        cell_of("a", 2, CATEGORY_CODING, 1),
        cell_of("a", 0, CATEGORY_VISION, 1),
        cell_of("a", 1, CATEGORY_VISION, 1),
        cell_of("b", 0, CATEGORY_CODING, 1),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
            int order = personal_score_cmp(&rows[i], &rows[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void
a_score_that_is_not_present_takes_the_cell_out(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    uint64_t empty = table->version;
    put(table, "a", 1, CATEGORY_CODING, 50);
    struct personal_score gone = cell_of("a", 1, CATEGORY_CODING, 0);
    gone.score = (struct score){.present = false};
    assert_int_equal(score_table_set_personal(table, &gone), STATUS_OK);
    assert_int_equal(table->personal_count, 0);
    assert_true(table->version == empty);
    assert_int_equal(score_table_set_personal(table, &gone), STATUS_OK);
    assert_true(table->version == empty);
    score_table_free(&table);
}

static void
the_tenants_name_is_copied(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    char tenant[] = "acme";
    put(table, tenant, 0, CATEGORY_CODING, 50);
    tenant[0] = 'x';
    put(table, "acme", 1, CATEGORY_CODING, 50);
    assert_true(slice_eq(table->personal[0].tenant, SLICE("acme")));
    assert_int_equal(table->personal_count, 2);
    score_table_free(&table);
}

static uint32_t
next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*seed >> 33);
}

/* 20,000 random changes: after each 500 the version that moved along is the
 * one computed afresh. */
static void
the_version_follows_every_change(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    uint64_t seed = 7;
    for (int i = 1; i <= 20000; i++) {
        char tenant[16];
        (void)snprintf(tenant, sizeof tenant, "t%u", next_random(&seed) % 50);
        struct personal_score cell =
            cell_of(tenant, next_random(&seed) % 3,
                    (enum category)(next_random(&seed) % CATEGORY_COUNT),
                    next_random(&seed) % 100);
        cell.score.present = next_random(&seed) % 3 > 0;
        if (next_random(&seed) % 4 == 0)
            score_table_set_base(table, cell.model, cell.category, &cell.score);
        else
            assert_int_equal(score_table_set_personal(table, &cell), STATUS_OK);
        if (i % 500 == 0)
            assert_true(table->version == score_table_hash(table));
    }
    for (size_t i = 1; i < table->personal_count; i++)
        assert_true(personal_score_cmp(&table->personal[i - 1],
                                       &table->personal[i]) < 0);
    score_table_free(&table);
}

static void
the_version_does_not_depend_on_the_way(void **state)
{
    (void)state;
    struct score_table *a = table_of_three();
    struct score_table *b = table_of_three();
    struct score base = score_of(61);
    put(a, "x", 0, CATEGORY_CODING, 50);
    put(a, "y", 1, CATEGORY_CODING, 60);
    score_table_set_base(a, 2, CATEGORY_GENERAL, &base);
    score_table_set_base(b, 2, CATEGORY_GENERAL, &base);
    put(b, "y", 1, CATEGORY_CODING, 10);
    put(b, "z", 1, CATEGORY_CODING, 10);
    put(b, "y", 1, CATEGORY_CODING, 60);
    put(b, "x", 0, CATEGORY_CODING, 50);
    assert_true(a->version != b->version);
    struct personal_score gone = {
        .tenant = SLICE("z"), .model = 1, .category = CATEGORY_CODING};
    assert_int_equal(score_table_set_personal(b, &gone), STATUS_OK);
    assert_true(a->version == b->version);
    score_table_free(&a);
    score_table_free(&b);
}

static void
the_version_sees_who_what_and_how_much(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    struct score score = score_of(50);
    uint64_t seen[8];
    size_t count = 0;
    seen[count++] = table->version;
    score_table_set_base(table, 0, CATEGORY_CODING, &score);
    seen[count++] = table->version;
    score.community = 0.5;
    score_table_set_base(table, 0, CATEGORY_CODING, &score);
    seen[count++] = table->version;
    score.sources++;
    score_table_set_base(table, 0, CATEGORY_CODING, &score);
    seen[count++] = table->version;
    struct score none = {.present = false};
    score_table_set_base(table, 0, CATEGORY_CODING, &none);
    assert_true(table->version == seen[0]);
    score_table_set_base(table, 1, CATEGORY_CODING, &score);
    seen[count++] = table->version;
    score_table_set_base(table, 1, CATEGORY_CODING, &none);
    put(table, "a", 0, CATEGORY_CODING, 50);
    seen[count++] = table->version;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
    }
    score_table_free(&table);
}

static void
keys_out_of_range_are_refused(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    char longest[TENANT_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[TENANT_MAX + 1] = '\0';
    struct personal_score cells[] = {
        cell_of("", 0, CATEGORY_CODING, 1),
        cell_of(longest, 0, CATEGORY_CODING, 1),
        cell_of("a", 3, CATEGORY_CODING, 1),
        cell_of("a", 0, CATEGORY_COUNT, 1),
    };
    for (size_t i = 0; i < ARRAY_LEN(cells); i++)
        assert_int_equal(score_table_set_personal(table, &cells[i]),
                         STATUS_INVALID_ARGUMENT);
    longest[TENANT_MAX] = '\0';
    put(table, longest, 0, CATEGORY_CODING, 1);
    assert_int_equal(table->personal_count, 1);
    score_table_free(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_table_has_no_score_and_the_catalogs_version),
        cmocka_unit_test(a_personal_score_stands_before_the_base),
        cmocka_unit_test(cells_of_a_tenant_and_category_are_a_run),
        cmocka_unit_test(personal_cells_ascend_by_tenant_category_and_model),
        cmocka_unit_test(a_score_that_is_not_present_takes_the_cell_out),
        cmocka_unit_test(the_tenants_name_is_copied),
        cmocka_unit_test(the_version_follows_every_change),
        cmocka_unit_test(the_version_does_not_depend_on_the_way),
        cmocka_unit_test(the_version_sees_who_what_and_how_much),
        cmocka_unit_test(keys_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
