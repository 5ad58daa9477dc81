/* services/scorerd/layer_store: what is held is what merging would give. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/layers_codec.h"
#include "services/scorerd/layer_store.h"

#define EVENTS 2000
#define BYTES_MAX (1 << 20)

static const char *const NAMES[] = {"acme", "beta", "b", "default"};
static const char *const IDS[] = {"a/a", "eta/a", "a/b", "b/c"};

static struct personal_cell
personal(uint32_t key, uint32_t ratings)
{
    return (struct personal_cell){.tenant = slice_of(NAMES[key % 4]),
                                  .model = slice_of(IDS[key / 4 % 4]),
                                  .category = (enum category)(key % 3),
                                  .mass = ratings / 2.0,
                                  .shift = ratings ? 0.125 : 0,
                                  .ratings = ratings};
}

static struct community_cell
community(uint32_t key, uint32_t ratings)
{
    return (struct community_cell){.model = slice_of(IDS[key % 4]),
                                   .category = (enum category)(key % 3),
                                   .mass = ratings / 2.0,
                                   .mean = ratings ? 0.5 : 0,
                                   .contributors = ratings,
                                   .ratings = ratings};
}

static struct layers *
no_layers(void)
{
    struct layers none = {.day = 7};
    struct layers *owned = NULL;
    struct buf bytes;
    buf_init(&bytes, BYTES_MAX);
    assert_int_equal(layers_encode(&none, &bytes), STATUS_OK);
    assert_int_equal(layers_decode(buf_slice(&bytes), &owned), STATUS_OK);
    buf_fini(&bytes);
    return owned;
}

static void
assert_same_bytes(const struct layer_store *store, const struct layers *wanted)
{
    struct arena *arena = arena_new(BYTES_MAX);
    struct layers held;
    struct buf one;
    struct buf two;
    buf_init(&one, BYTES_MAX);
    buf_init(&two, BYTES_MAX);
    assert_int_equal(layer_store_whole(store, arena, &held), STATUS_OK);
    assert_int_equal(layers_encode(&held, &one), STATUS_OK);
    assert_int_equal(layers_encode(wanted, &two), STATUS_OK);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(buf_text(&one), buf_text(&two), one.len);
    assert_int_equal(layer_store_hash(store), layers_hash(wanted));
    assert_int_equal(layer_store_community_count(store),
                     wanted->community_count);
    buf_fini(&one);
    buf_fini(&two);
    arena_free(&arena);
}

static void
events_lead_where_merging_leads(void **state)
{
    struct layers *merged = no_layers();
    struct layer_store *store = NULL;
    uint32_t dice = 12345;
    (void)state;
    assert_int_equal(layer_store_new(merged, &store), STATUS_OK);
    for (int event = 0; event < EVENTS; event++) {
        dice = dice * 1664525u + 1013904223u;
        struct personal_cell own = personal(dice >> 8 & 15, dice >> 16 & 3);
        struct community_cell all = community(dice >> 8 & 7, dice >> 18 & 3);
        struct layers changes = {.personal = &own,
                                 .personal_count = dice >> 30 & 1,
                                 .community = &all,
                                 .community_count = dice >> 31,
                                 .day = 7 + event / 500};
        struct layers *next = NULL;
        assert_int_equal(layer_store_apply(store, &changes), STATUS_OK);
        assert_int_equal(layers_merge(merged, &changes, &next), STATUS_OK);
        layers_free(&merged);
        merged = next;
        if (event % 50 == 0)
            assert_same_bytes(store, merged);
    }
    assert_same_bytes(store, merged);
    layer_store_free(&store);
    assert_null(store);
    layers_free(&merged);
}

static void
a_store_of_layers_holds_them(void **state)
{
    struct personal_cell own[] = {personal(0, 3), personal(1, 2)};
    struct community_cell all[] = {community(0, 6), community(1, 5)};
    struct layers layers = {.personal = own,
                            .personal_count = 2,
                            .community = all,
                            .community_count = 2,
                            .day = 9};
    struct layer_store *store = NULL;
    (void)state;
    assert_int_equal(layer_store_new(&layers, &store), STATUS_OK);
    assert_int_equal(layer_store_hash(store), layers_hash(&layers));
    assert_int_equal(layer_store_community_count(store), 2);
    layer_store_free(&store);
}

/* "b" + "eta/a" and "beta" + "/a" must not meet. */
static void
keys_that_read_alike_are_kept_apart(void **state)
{
    struct personal_cell own[] = {personal(0, 1), personal(0, 1)};
    struct layers layers = {.personal = own, .personal_count = 2};
    struct arena *arena = arena_new(BYTES_MAX);
    struct layer_store *store = NULL;
    struct layers held;
    (void)state;
    own[0].tenant = SLICE("b");
    own[0].model = SLICE("eta/a");
    own[1].tenant = SLICE("beta");
    own[1].model = SLICE("/a");
    assert_int_equal(layer_store_new(&layers, &store), STATUS_OK);
    assert_int_equal(layer_store_whole(store, arena, &held), STATUS_OK);
    assert_int_equal(held.personal_count, 2);
    layer_store_free(&store);
    arena_free(&arena);
}

static void
taking_out_what_never_was_changes_nothing(void **state)
{
    struct personal_cell own = personal(0, 0);
    struct community_cell all = community(0, 0);
    struct layers *none = no_layers();
    struct layers changes = {.personal = &own,
                             .personal_count = 1,
                             .community = &all,
                             .community_count = 1,
                             .day = 7};
    struct layer_store *store = NULL;
    (void)state;
    assert_int_equal(layer_store_new(none, &store), STATUS_OK);
    assert_int_equal(layer_store_apply(store, &changes), STATUS_OK);
    assert_same_bytes(store, none);
    layer_store_free(&store);
    layers_free(&none);
}

static void
a_name_that_is_too_long_is_refused(void **state)
{
    char name[TENANT_MAX + 1];
    struct personal_cell own = personal(0, 1);
    struct layers changes = {.personal = &own, .personal_count = 1};
    struct layer_store *store = NULL;
    (void)state;
    memset(name, 'x', sizeof name);
    own.tenant = slice_make(name, sizeof name);
    assert_int_equal(layer_store_new(&changes, &store),
                     STATUS_INVALID_ARGUMENT);
    assert_null(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_of_layers_holds_them),
        cmocka_unit_test(events_lead_where_merging_leads),
        cmocka_unit_test(keys_that_read_alike_are_kept_apart),
        cmocka_unit_test(taking_out_what_never_was_changes_nothing),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
