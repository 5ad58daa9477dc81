/* The catalog as bytes: there and back, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "proto/catalog_codec.h"
#include "proto/message_codec.h"
#include "tests/core/types/catalog_of_three.h"

static void
encode(const struct catalog *catalog, struct buf *out)
{
    buf_init(out, 1 << 20);
    assert_int_equal(catalog_encode(catalog, out), STATUS_OK);
}

static void
a_catalog_comes_back_as_it_was(void **state)
{
    (void)state;
    struct catalog *before = catalog_of_three();
    struct buf bytes;
    encode(before, &bytes);
    struct catalog *after = NULL;
    assert_int_equal(catalog_decode(buf_slice(&bytes), &after), STATUS_OK);
    assert_int_equal(after->count, 3);
    assert_true(after->version == before->version);
    assert_true(catalog_hash(after) == before->version);
    assert_true(after->made_at == before->made_at);
    const struct model *model = catalog_find(after, SLICE("openai/gpt-5"));
    assert_true(slice_eq(model->provider, SLICE("openai")));
    assert_true(model->sources == BIT(SOURCE_LMARENA));
    assert_int_equal(model->figure_count, 2);
    assert_int_equal(model_figure(model, BENCHMARK_ARENA)->day, UTC_DAY_NONE);
    const struct model *plain =
        catalog_find(after, SLICE("anthropic/claude-opus-4.6"));
    assert_true(isnan(plain->output_tokens_per_second));
    assert_int_equal(plain->expires, UTC_DAY_NONE);
    const struct source_status *source = &after->sources[SOURCE_LMARENA];
    assert_int_equal(source->state, SOURCE_STATE_STALE);
    assert_true(slice_eq(source->reason, SLICE("HTTP 503")));
    assert_true(source->last_success == 1784715000000);
    assert_int_equal(source->rows, 300);
    assert_int_equal(source->matched_rows, 120);
    assert_int_equal(source->refused, 2);
    assert_int_equal(after->sources[SOURCE_LIVEBENCH].state,
                     SOURCE_STATE_NEVER);
    buf_fini(&bytes);
    catalog_free(&after);
    catalog_free(&before);
}

static void
equal_catalogs_give_equal_bytes(void **state)
{
    (void)state;
    struct catalog *before = catalog_of_three();
    struct catalog *after = NULL;
    struct buf a;
    struct buf b;
    encode(before, &a);
    assert_int_equal(catalog_decode(buf_slice(&a), &after), STATUS_OK);
    encode(after, &b);
    assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
    buf_fini(&a);
    buf_fini(&b);
    catalog_free(&before);
    catalog_free(&after);
}

static void
a_catalog_without_models_is_one(void **state)
{
    (void)state;
    struct catalog *before = catalog_of_three();
    before->count = 0;
    before->version = catalog_hash(before);
    struct buf bytes;
    encode(before, &bytes);
    struct catalog *after = NULL;
    assert_int_equal(catalog_decode(buf_slice(&bytes), &after), STATUS_OK);
    assert_int_equal(after->count, 0);
    assert_null(catalog_find(after, SLICE("openai/gpt-5")));
    buf_fini(&bytes);
    catalog_free(&before);
    catalog_free(&after);
}

/* A message to spoil: the status of decoding it after a change. */
struct spoiled {
    struct arena *arena;
    struct catalog *catalog;
    Ss__CatalogSnapshot *message;
    Ss__CatalogModel *model; /* the one with everything */
};

static struct spoiled
spoiled_new(void)
{
    struct spoiled spoiled = {.arena = arena_new(1 << 20),
                              .catalog = catalog_of_three()};
    assert_int_equal(
        catalog_to_message(spoiled.catalog, spoiled.arena, &spoiled.message),
        STATUS_OK);
    spoiled.model = spoiled.message->models[1];
    return spoiled;
}

static enum status
spoiled_decode(struct spoiled *spoiled)
{
    struct buf bytes;
    struct catalog *after = NULL;
    buf_init(&bytes, 1 << 20);
    assert_int_equal(message_pack(&spoiled->message->base, &bytes), STATUS_OK);
    enum status status = catalog_decode(buf_slice(&bytes), &after);
    assert_true((status == STATUS_OK) == (after != NULL));
    catalog_free(&after);
    buf_fini(&bytes);
    catalog_free(&spoiled->catalog);
    arena_free(&spoiled->arena);
    return status;
}

#define AFTER(change, expected)                                                \
    do {                                                                       \
        struct spoiled it = spoiled_new();                                     \
        change;                                                                \
        assert_int_equal(spoiled_decode(&it), expected);                       \
    } while (0)

static char *
words(struct spoiled *it, const char *text)
{
    return arena_text(it->arena, slice_of(text));
}

static void
unknown_names_are_skipped_and_the_version_kept(void **state)
{
    (void)state;
    AFTER((void)it, STATUS_OK);
    AFTER(it.model->figures[1]->benchmark = words(&it, "newBench"), STATUS_OK);
    AFTER(it.model->figures[1]->via = words(&it, "new-source"), STATUS_OK);
    AFTER(it.model->capabilities[0] = words(&it, "smell"), STATUS_OK);
    AFTER(it.model->tags[0] = words(&it, "new-tag"), STATUS_OK);
    AFTER(it.model->sources[0] = words(&it, "new-source"), STATUS_OK);
    AFTER(it.message->sources[0]->name = words(&it, "new"), STATUS_OK);
}

static void
what_a_model_cannot_be_is_refused(void **state)
{
    (void)state;
    enum status refused = STATUS_INVALID_ARGUMENT;
    AFTER(it.model->id = words(&it, "no slash"), refused);
    AFTER(it.model->id = words(&it, "z/last"), refused);
    AFTER(it.model->id = it.message->models[0]->id, refused);
    AFTER(it.model->name = words(&it, "\xff"), refused);
    AFTER(it.model->tags[0] = words(&it, "\xed\xa0\x80"), refused);
    AFTER(it.model->tier = words(&it, "golden"), refused);
    AFTER(it.model->standing = words(&it, "lost"), refused);
    AFTER(it.model->has_prompt_nusd_per_mtok = false, refused);
    AFTER(it.model->output_tokens_per_second = INFINITY, refused);
    AFTER(it.model->time_to_first_token_s = -1, refused);
    AFTER(it.message->sources[1]->state = words(&it, "odd"), refused);
    AFTER(it.message->sources[1]->name = it.message->sources[0]->name, refused);
}

static void
figures_that_cannot_be_are_refused(void **state)
{
    (void)state;
    enum status refused = STATUS_INVALID_ARGUMENT;
    AFTER(it.model->figures[0]->value = NAN, refused);
    AFTER(it.model->figures[0]->value = INFINITY, refused);
    AFTER(it.model->figures[0]->value = 100.5, refused);
    AFTER(it.model->figures[0]->value = -0.5, refused);
    AFTER(it.model->figures[0]->spread = -1, refused);
    AFTER(it.model->figures[0]->spread = NAN, refused);
    AFTER(it.model->figures[0]->benchmark = words(&it, "arena"), refused);
    AFTER(it.model->figures[1]->benchmark = words(&it, "mmluPro"), refused);
}

static void
content_that_is_not_its_version_is_data_loss(void **state)
{
    (void)state;
    AFTER(it.message->version++, STATUS_DATA_LOSS);
    AFTER(it.model->figures[0]->value += 0.25, STATUS_DATA_LOSS);
    AFTER(it.message->n_models--, STATUS_DATA_LOSS);
    AFTER(it.model->expires_day++, STATUS_DATA_LOSS);
}

static void
too_many_models_are_refused(void **state)
{
    (void)state;
    struct spoiled it = spoiled_new();
    size_t count = CATALOG_MODELS_MAX + 1;
    Ss__CatalogModel **models = test_malloc(count * sizeof(Ss__CatalogModel *));
    for (size_t i = 0; i < count; i++)
        models[i] = it.message->models[0];
    it.message->models = models;
    it.message->n_models = count;
    struct catalog *after = NULL;
    assert_int_equal(catalog_from_message(it.message, &after),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_null(after);
    test_free(models);
    catalog_free(&it.catalog);
    arena_free(&it.arena);
}

static void
cut_and_flipped_bytes_never_give_another_catalog(void **state)
{
    (void)state;
    struct catalog *before = catalog_of_three();
    struct buf bytes;
    encode(before, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct catalog *after = NULL;
        struct slice cut = slice_cut(buf_slice(&bytes), 0, len);
        if (catalog_decode(cut, &after) == STATUS_OK)
            assert_true(catalog_hash(after) == before->version);
        catalog_free(&after);
    }
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        struct catalog *after = NULL;
        char flip = (char)(1 << bit % 8);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ flip);
        /* A flip may make a name unknown, which is skipped: then, and only
         * then, the content differs from the version it carries. */
        enum status status = catalog_decode(buf_slice(&bytes), &after);
        assert_true((status == STATUS_OK) == (after != NULL));
        catalog_free(&after);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ flip);
    }
    buf_fini(&bytes);
    catalog_free(&before);
}

static void
a_full_buffer_is_said(void **state)
{
    (void)state;
    struct catalog *catalog = catalog_of_three();
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(catalog_encode(catalog, &out), STATUS_RESOURCE_EXHAUSTED);
    buf_fini(&out);
    catalog_free(&catalog);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_catalog_comes_back_as_it_was),
        cmocka_unit_test(equal_catalogs_give_equal_bytes),
        cmocka_unit_test(a_catalog_without_models_is_one),
        cmocka_unit_test(unknown_names_are_skipped_and_the_version_kept),
        cmocka_unit_test(what_a_model_cannot_be_is_refused),
        cmocka_unit_test(figures_that_cannot_be_are_refused),
        cmocka_unit_test(content_that_is_not_its_version_is_data_loss),
        cmocka_unit_test(too_many_models_are_refused),
        cmocka_unit_test(cut_and_flipped_bytes_never_give_another_catalog),
        cmocka_unit_test(a_full_buffer_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
