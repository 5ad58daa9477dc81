/* The layers as bytes: whole, delta, merge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "proto/layers_codec.h"

#include <math.h>
#include <stdio.h>

static const struct personal_cell personal[] = {
    {SLICE("acme"), SLICE("a/x"), CATEGORY_CODING, 2, 1.5, 0.25},
    {SLICE("acme"), SLICE("b/y"), CATEGORY_GENERAL, 1, 1, -0.5},
    {SLICE("default"), SLICE("a/x"), CATEGORY_CODING, 1, 1, 0.5},
};
static const struct community_cell community[] = {
    {SLICE("a/x"), CATEGORY_CODING, 4.5, 0.75, 5, 17},
    {SLICE("b/y"), CATEGORY_GENERAL, 9, 0.5, 9, 9},
};
static const struct layers whole = {
    .personal = personal,
    .personal_count = ARRAY_LEN(personal),
    .community = community,
    .community_count = ARRAY_LEN(community),
    .day = 20656,
};

static struct layers *
copy_of(const struct layers *layers)
{
    struct buf bytes;
    struct layers *copy = NULL;
    buf_init(&bytes, 1 << 24);
    assert_int_equal(layers_encode(layers, &bytes), STATUS_OK);
    assert_int_equal(layers_decode(buf_slice(&bytes), &copy), STATUS_OK);
    buf_fini(&bytes);
    return copy;
}

static void
layers_come_back_as_they_were(void **state)
{
    (void)state;
    struct layers *copy = copy_of(&whole);
    assert_int_equal(copy->personal_count, ARRAY_LEN(personal));
    assert_int_equal(copy->community_count, ARRAY_LEN(community));
    assert_int_equal(copy->day, 20656);
    assert_true(slice_eq(copy->personal[1].tenant, SLICE("acme")));
    assert_true(copy->personal[1].shift == -0.5);
    assert_int_equal(copy->community[0].ratings, 17);
    assert_true(layers_hash(copy) == layers_hash(&whole));
    layers_free(&copy);
    struct layers none = {.day = 1};
    copy = copy_of(&none);
    assert_int_equal(copy->personal_count + copy->community_count, 0);
    assert_true(layers_hash(copy) == layers_hash(&none));
    layers_free(&copy);
}

/* The layers with the delta of these changes over them. */
static struct layers *
moved(const struct layers *layers, const struct layers *changes)
{
    struct buf bytes;
    struct layers *after = NULL;
    buf_init(&bytes, 1 << 24);
    assert_int_equal(layers_delta_encode(changes, &bytes), STATUS_OK);
    assert_int_equal(layers_delta_apply(layers, buf_slice(&bytes), &after),
                     STATUS_OK);
    buf_fini(&bytes);
    return after;
}

static void
a_delta_replaces_adds_and_removes(void **state)
{
    (void)state;
    /* In no order. */
    static const struct personal_cell personal_changes[] = {
        {SLICE("zeta"), SLICE("c/z"), CATEGORY_VISION, 1, 1, 1},
        {SLICE("acme"), SLICE("b/y"), CATEGORY_GENERAL, 0, 0, 0},
        {SLICE("acme"), SLICE("a/x"), CATEGORY_CODING, 3, 2.5, 0.125},
        {SLICE("ghost"), SLICE("a/x"), CATEGORY_CODING, 0, 0, 0},
    };
    static const struct community_cell community_changes[] = {
        {SLICE("b/y"), CATEGORY_GENERAL, 0, 0, 0, 0},
        {SLICE("a/w"), CATEGORY_CODING, 5, 0.5, 5, 5},
    };
    struct layers changes = {.personal = personal_changes,
                             .personal_count = ARRAY_LEN(personal_changes),
                             .community = community_changes,
                             .community_count = ARRAY_LEN(community_changes),
                             .day = 20657};
    static const struct personal_cell personal_after[] = {
        {SLICE("acme"), SLICE("a/x"), CATEGORY_CODING, 3, 2.5, 0.125},
        {SLICE("default"), SLICE("a/x"), CATEGORY_CODING, 1, 1, 0.5},
        {SLICE("zeta"), SLICE("c/z"), CATEGORY_VISION, 1, 1, 1},
    };
    static const struct community_cell community_after[] = {
        {SLICE("a/w"), CATEGORY_CODING, 5, 0.5, 5, 5},
        {SLICE("a/x"), CATEGORY_CODING, 4.5, 0.75, 5, 17},
    };
    struct layers expected = {.personal = personal_after,
                              .personal_count = ARRAY_LEN(personal_after),
                              .community = community_after,
                              .community_count = ARRAY_LEN(community_after),
                              .day = 20657};
    struct layers *after = moved(&whole, &changes);
    assert_int_equal(after->personal_count, 3);
    assert_int_equal(after->community_count, 2);
    assert_true(layers_hash(after) == layers_hash(&expected));
    /* In order, so it can travel again. */
    struct layers *copy = copy_of(after);
    assert_true(layers_hash(copy) == layers_hash(&expected));
    layers_free(&copy);
    layers_free(&after);
}

static void
a_delta_can_be_looked_at_by_itself(void **state)
{
    (void)state;
    static const struct personal_cell cells[] = {
        {SLICE("b"), SLICE("b/y"), CATEGORY_GENERAL, 0, 0, 0},
        {SLICE("a"), SLICE("b/y"), CATEGORY_GENERAL, 1, 1, 0},
    };
    struct layers changes = {.personal = cells, .personal_count = 2};
    struct buf bytes;
    struct layers *read = NULL;
    buf_init(&bytes, 4096);
    assert_int_equal(layers_delta_encode(&changes, &bytes), STATUS_OK);
    assert_int_equal(layers_delta_decode(buf_slice(&bytes), &read), STATUS_OK);
    assert_int_equal(read->personal_count, 2);
    assert_true(slice_eq(read->personal[0].tenant, SLICE("a")));
    assert_true(slice_eq(read->personal[1].tenant, SLICE("b")));
    assert_int_equal(read->personal[1].ratings, 0);
    layers_free(&read);
    assert_int_equal(layers_decode(buf_slice(&bytes), &read),
                     STATUS_INVALID_ARGUMENT);
    buf_fini(&bytes);
}

static uint32_t
next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*seed >> 33);
}

/* 400 random deltas one by one, and the same cells by one merge at the end,
 * give the same content. */
static void
the_content_does_not_depend_on_the_way(void **state)
{
    (void)state;
    uint64_t seed = 3;
    struct layers *steps = copy_of(&whole);
    struct personal_cell last[64] = {0}; /* what each key became */
    bool set[64] = {false};
    static char tenants[64][8];
    for (int i = 0; i < 64; i++)
        (void)snprintf(tenants[i], sizeof tenants[i], "t%02d", i);
    for (int i = 0; i < 400; i++) {
        uint32_t key = next_random(&seed) % 64;
        uint32_t ratings = next_random(&seed) % 3;
        last[key] = (struct personal_cell){
            slice_of(tenants[key]), SLICE("m/m"),  CATEGORY_CODING, ratings,
            ratings * 0.75,         ratings * 0.25};
        set[key] = true;
        struct layers change = {
            .personal = &last[key], .personal_count = 1, .day = 20656};
        struct layers *next = moved(steps, &change);
        layers_free(&steps);
        steps = next;
    }
    struct personal_cell all[64];
    size_t count = 0;
    for (int i = 0; i < 64; i++) {
        if (set[i])
            all[count++] = last[i];
    }
    struct layers changes = {
        .personal = all, .personal_count = count, .day = 20656};
    struct layers *once = NULL;
    assert_int_equal(layers_merge(&whole, &changes, &once), STATUS_OK);
    assert_int_equal(once->personal_count, steps->personal_count);
    assert_true(layers_hash(once) == layers_hash(steps));
    layers_free(&once);
    layers_free(&steps);
}

/* The status of encoding one personal cell, whole or delta. */
static enum status
encoded(struct personal_cell cell)
{
    struct layers layers = {.personal = &cell, .personal_count = 1};
    struct buf bytes;
    buf_init(&bytes, 4096);
    enum status status = layers_encode(&layers, &bytes);
    enum status delta = layers_delta_encode(&layers, &bytes);
    buf_fini(&bytes);
    assert_int_equal(status, delta);
    return status;
}

static void
cells_that_cannot_be_do_not_leave(void **state)
{
    (void)state;
    char longest[TENANT_MAX + 1];
    memset(longest, 'a', sizeof longest);
    struct personal_cell good = personal[0];
    assert_int_equal(encoded(good), STATUS_OK);
    struct personal_cell cells[] = {good, good, good, good, good, good, good};
    cells[0].tenant = SLICE("");
    cells[1].tenant = slice_make(longest, sizeof longest);
    cells[2].tenant = SLICE("\xff");
    cells[3].model = SLICE("nothing");
    cells[4].mass = NAN;
    cells[5].mass = -1;
    cells[6].shift = INFINITY;
    for (size_t i = 0; i < ARRAY_LEN(cells); i++)
        assert_int_equal(encoded(cells[i]), STATUS_INVALID_ARGUMENT);
    struct community_cell cell = community[0];
    cell.mean = NAN;
    struct layers layers = {.community = &cell, .community_count = 1};
    struct buf bytes;
    buf_init(&bytes, 4096);
    assert_int_equal(layers_encode(&layers, &bytes), STATUS_INVALID_ARGUMENT);
    buf_fini(&bytes);
}

static void
cells_out_of_order_or_doubled_are_refused(void **state)
{
    (void)state;
    struct personal_cell turned[] = {personal[1], personal[0]};
    struct personal_cell doubled[] = {personal[0], personal[0]};
    struct layers layers = {.personal = turned, .personal_count = 2};
    struct layers *read = NULL;
    struct buf bytes;
    buf_init(&bytes, 4096);
    assert_int_equal(layers_encode(&layers, &bytes), STATUS_OK);
    assert_int_equal(layers_decode(buf_slice(&bytes), &read),
                     STATUS_INVALID_ARGUMENT);
    layers.personal = doubled;
    buf_reset(&bytes);
    assert_int_equal(layers_delta_encode(&layers, &bytes), STATUS_OK);
    assert_int_equal(layers_delta_decode(buf_slice(&bytes), &read),
                     STATUS_INVALID_ARGUMENT);
    assert_null(read);
    buf_fini(&bytes);
}

static void
cut_and_flipped_bytes_are_survived(void **state)
{
    (void)state;
    struct buf bytes;
    buf_init(&bytes, 4096);
    assert_int_equal(layers_encode(&whole, &bytes), STATUS_OK);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        struct layers *read = NULL;
        char flip = (char)(1 << bit % 8);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ flip);
        if (layers_decode(buf_slice(&bytes), &read) == STATUS_OK)
            layers_free(&read);
        if (layers_delta_apply(&whole, buf_slice(&bytes), &read) == STATUS_OK)
            layers_free(&read);
        struct slice cut = slice_cut(buf_slice(&bytes), 0, bit / 8);
        if (layers_decode(cut, &read) == STATUS_OK)
            layers_free(&read);
        assert_null(read);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ flip);
    }
    buf_fini(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_come_back_as_they_were),
        cmocka_unit_test(a_delta_replaces_adds_and_removes),
        cmocka_unit_test(a_delta_can_be_looked_at_by_itself),
        cmocka_unit_test(the_content_does_not_depend_on_the_way),
        cmocka_unit_test(cells_that_cannot_be_do_not_leave),
        cmocka_unit_test(cells_out_of_order_or_doubled_are_refused),
        cmocka_unit_test(cut_and_flipped_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
