/* The catalog: finding models, and a hash that sees every field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/core/types/catalog_of_three.h"

static void
models_are_found_by_id(void **state)
{
    (void)state;
    struct catalog *catalog = catalog_of_three();
    assert_ptr_equal(catalog_find(catalog, SLICE("openai/gpt-5")),
                     &catalog->models[1]);
    assert_null(catalog_find(catalog, SLICE("openai/gpt-5-mini")));
    assert_null(catalog_find(catalog, SLICE("")));
    catalog_free(&catalog);
    assert_null(catalog);
    catalog_free(&catalog);
}

static void
the_hash_is_the_same_on_every_machine(void **state)
{
    (void)state;
    struct catalog *catalog = catalog_of_three();
    /* Pinned: another value here cuts old snapshots off from new readers. */
    assert_true(catalog->version == UINT64_C(0x401be7214612b77));
    catalog_free(&catalog);
}

static void
equal_catalogs_have_equal_hashes_whatever_their_times(void **state)
{
    (void)state;
    struct catalog *a = catalog_of_three();
    struct catalog *b = catalog_of_three();
    b->made_at++;
    b->sources[SOURCE_LMARENA].rows++;
    b->sources[SOURCE_LMARENA].state = SOURCE_STATE_OK;
    assert_true(catalog_hash(a) == catalog_hash(b));
    catalog_free(&a);
    catalog_free(&b);
}

static void
what_becomes_of_a_source_moves_the_snapshot_hash_alone(void **state)
{
    (void)state;
    struct catalog *catalog = catalog_of_three();
    struct source_status *source = &catalog->sources[SOURCE_LMARENA];
    uint64_t content = catalog_hash(catalog);
    uint64_t before = catalog_snapshot_hash(catalog);
    source->state = SOURCE_STATE_OK;
    uint64_t fine = catalog_snapshot_hash(catalog);
    source->reason = SLICE("no such host");
    uint64_t with_reason = catalog_snapshot_hash(catalog);
    catalog->version++;
    assert_true(before != fine && fine != with_reason);
    assert_true(with_reason != catalog_snapshot_hash(catalog));
    assert_true(catalog_hash(catalog) == content);
    catalog_free(&catalog);
}

/* The hash after `change` was made to the second model. */
#define HASH_MOVES(change)                                                     \
    do {                                                                       \
        struct catalog *catalog = catalog_of_three();                          \
        struct model models[3];                                                \
        struct figure figures[2];                                              \
        memcpy(models, catalog->models, sizeof models);                        \
        memcpy(figures, models[1].figures, sizeof figures);                    \
        models[1].figures = figures;                                           \
        catalog->models = models;                                              \
        struct model *model = &models[1];                                      \
        assert_true(catalog_hash(catalog) == catalog->version);                \
        change;                                                                \
        (void)model;                                                           \
        assert_true(catalog_hash(catalog) != catalog->version);                \
        catalog_free(&catalog);                                                \
    } while (0)

static void
every_field_moves_the_hash(void **state)
{
    (void)state;
    HASH_MOVES(model->id = SLICE("openai/gpt-6"));
    HASH_MOVES(model->name = SLICE("GPT-6"));
    HASH_MOVES(model->canonical_slug = SLICE(""));
    HASH_MOVES(model->hugging_face_id = SLICE(""));
    HASH_MOVES(model->prompt_price++);
    HASH_MOVES(model->completion_price++);
    HASH_MOVES(model->context_tokens++);
    HASH_MOVES(model->max_output_tokens++);
    HASH_MOVES(model->capabilities ^= BIT(CAPABILITY_STREAMING));
    HASH_MOVES(model->tags ^= BIT(TAG_CHEAP));
    HASH_MOVES(model->sources ^= BIT(SOURCE_LIVEBENCH));
    HASH_MOVES(model->tier = TIER_BUDGET);
    HASH_MOVES(model->standing = MODEL_RETIRED);
    HASH_MOVES(model->created++);
    HASH_MOVES(model->expires = UTC_DAY_NONE);
    HASH_MOVES(model->output_tokens_per_second = NAN);
    HASH_MOVES(model->time_to_first_token_s = 0);
    HASH_MOVES(model->figure_count--);
    HASH_MOVES(figures[0].benchmark = BENCHMARK_MATH_500);
    HASH_MOVES(figures[0].value += 0.01);
    HASH_MOVES(figures[0].spread = 0);
    HASH_MOVES(figures[0].day = UTC_DAY_NONE);
    HASH_MOVES(figures[0].via = SOURCE_ARTIFICIAL_ANALYSIS);
    HASH_MOVES(figures[0].row = SLICE("GPT-5"));
    HASH_MOVES(catalog->count--);
}

static void
text_cannot_slide_between_fields(void **state)
{
    (void)state;
    HASH_MOVES(model->canonical_slug = model->hugging_face_id;
               model->hugging_face_id = SLICE("openai/gpt-5-2026"));
    HASH_MOVES(model->tags = model->capabilities;
               model->capabilities = BIT(TAG_FAST) | BIT(TAG_LONG_CONTEXT));
}

static void
states_of_sources_have_names_that_lead_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SOURCE_STATE_COUNT; i++) {
        enum source_state found;
        assert_true(source_state_find(
            slice_of(source_state_name((enum source_state)i)), &found));
        assert_int_equal(found, i);
    }
    enum source_state found;
    assert_false(source_state_find(SLICE("fine"), &found));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_are_found_by_id),
        cmocka_unit_test(the_hash_is_the_same_on_every_machine),
        cmocka_unit_test(equal_catalogs_have_equal_hashes_whatever_their_times),
        cmocka_unit_test(
            what_becomes_of_a_source_moves_the_snapshot_hash_alone),
        cmocka_unit_test(every_field_moves_the_hash),
        cmocka_unit_test(text_cannot_slide_between_fields),
        cmocka_unit_test(states_of_sources_have_names_that_lead_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
