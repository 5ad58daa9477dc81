/* The layers: the order of cells and the content hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/types/layers.h"

static const struct personal_cell personal[] = {
    {SLICE("acme"), SLICE("a/x"), CATEGORY_CODING, 2, 1.5, 0.25},
    {SLICE("acme"), SLICE("a/x"), CATEGORY_VISION, 1, 1, -0.5},
    {SLICE("acme"), SLICE("b/y"), CATEGORY_GENERAL, 1, 1, 0.5},
    {SLICE("default"), SLICE("a/x"), CATEGORY_CODING, 1, 1, 0.5},
};
static const struct community_cell community[] = {
    {SLICE("a/x"), CATEGORY_CODING, 4.5, 0.75, 5, 17},
    {SLICE("b/y"), CATEGORY_GENERAL, 9, 0.5, 9, 9},
};

static struct layers
layers_of(const struct personal_cell *cells)
{
    return (struct layers){.personal = cells,
                           .personal_count = ARRAY_LEN(personal),
                           .community = community,
                           .community_count = ARRAY_LEN(community),
                           .day = 20656};
}

static void
cells_ascend_by_tenant_model_and_category(void **state)
{
    (void)state;
    for (size_t i = 1; i < ARRAY_LEN(personal); i++) {
        assert_true(personal_cell_cmp(&personal[i - 1], &personal[i]) < 0);
        assert_true(personal_cell_cmp(&personal[i], &personal[i - 1]) > 0);
    }
    assert_int_equal(personal_cell_cmp(&personal[0], &personal[0]), 0);
    assert_true(community_cell_cmp(&community[0], &community[1]) < 0);
    assert_int_equal(community_cell_cmp(&community[1], &community[1]), 0);
}

static void
the_hash_does_not_care_for_order(void **state)
{
    (void)state;
    struct personal_cell turned[ARRAY_LEN(personal)];
    for (size_t i = 0; i < ARRAY_LEN(personal); i++)
        turned[i] = personal[ARRAY_LEN(personal) - 1 - i];
    struct layers a = layers_of(personal);
    struct layers b = layers_of(turned);
    assert_true(layers_hash(&a) == layers_hash(&b));
}

/* What lets a reader move the hash along with single cells. */
static void
the_hash_is_the_sum_of_what_each_cell_adds(void **state)
{
    (void)state;
    struct layers layers = layers_of(personal);
    struct layers none = {.day = layers.day};
    uint64_t sum = layers_hash(&none);
    for (size_t i = 0; i < ARRAY_LEN(personal); i++) {
        struct layers one = none;
        one.personal = &personal[i];
        one.personal_count = 1;
        sum += layers_hash(&one) - layers_hash(&none);
    }
    for (size_t i = 0; i < ARRAY_LEN(community); i++) {
        struct layers one = none;
        one.community = &community[i];
        one.community_count = 1;
        sum += layers_hash(&one) - layers_hash(&none);
    }
    assert_true(layers_hash(&layers) == sum);
}

static void
the_hash_sees_every_field(void **state)
{
    (void)state;
    struct layers layers = layers_of(personal);
    uint64_t before = layers_hash(&layers);
    struct personal_cell cells[8][ARRAY_LEN(personal)];
    for (size_t i = 0; i < 8; i++)
        memcpy(cells[i], personal, sizeof personal);
    cells[0][0].tenant = SLICE("acmf");
    cells[1][0].model = SLICE("a/z");
    cells[2][0].category = CATEGORY_CREATIVE;
    cells[3][0].mass += 0x1p-52;
    cells[4][0].shift = -0.25;
    cells[5][0].ratings++;
    cells[6][1] = cells[6][0];            /* doubled and lost */
    cells[7][0].mass = personal[0].shift; /* swapped */
    cells[7][0].shift = personal[0].mass;
    for (size_t i = 0; i < 8; i++) {
        struct layers changed = layers_of(cells[i]);
        assert_true(layers_hash(&changed) != before);
    }
    layers.day++;
    assert_true(layers_hash(&layers) != before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_ascend_by_tenant_model_and_category),
        cmocka_unit_test(the_hash_does_not_care_for_order),
        cmocka_unit_test(the_hash_is_the_sum_of_what_each_cell_adds),
        cmocka_unit_test(the_hash_sees_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
