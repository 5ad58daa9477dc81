/* Model ids, standings and figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/types/model.h"

static void
ids_of_models_are_valid(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "anthropic/claude-opus-4.6", "a/b",
        "~anthropic/claude-latest",  "qwen/qwen3-30b-a3b:thinking",
        "openrouter/openai/gpt-5",   "Vendor_1/Name+x",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(model_id_is_valid(slice_of(rows[i])));
}

static void
what_is_no_id_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",     "a/",   "/b",    "ab",         "abc",        "a b/c",
        "a//b", "a/b/", "a/b\n", "a/<script>", "a/\xc3\xa4", "a/b?c=1",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_false(model_id_is_valid(slice_of(rows[i])));
    assert_false(model_id_is_valid(slice_make("a/b\0", 4)));
    char longest[MODEL_ID_MAX + 1];
    memset(longest, 'a', sizeof longest);
    longest[1] = '/';
    assert_true(model_id_is_valid(slice_make(longest, MODEL_ID_MAX)));
    assert_false(model_id_is_valid(slice_make(longest, MODEL_ID_MAX + 1)));
}

static void
the_prefix_of_clients_is_taken_off(void **state)
{
    (void)state;
    static const struct {
        const char *id, *bare;
    } rows[] = {
        {"openrouter/openai/gpt-5", "openai/gpt-5"},
        {"openrouter/auto", "openrouter/auto"},
        {"openai/gpt-5", "openai/gpt-5"},
        {"openrouter/openrouter/auto", "openrouter/auto"},
        {"openrouter/", "openrouter/"},
        {"openrouter//x", "openrouter//x"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(slice_eq(model_id_bare(slice_of(rows[i].id)),
                             slice_of(rows[i].bare)));
}

static void
every_standing_has_a_name_that_leads_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MODEL_STANDING_COUNT; i++) {
        enum model_standing standing;
        const char *name = model_standing_name((enum model_standing)i);
        assert_true(model_standing_find(slice_of(name), &standing));
        assert_int_equal(standing, i);
    }
    enum model_standing standing;
    assert_false(model_standing_find(SLICE("gone"), &standing));
}

static void
figures_are_found_by_benchmark(void **state)
{
    (void)state;
    static const struct figure figures[] = {
        {.benchmark = BENCHMARK_GPQA, .value = 80},
        {.benchmark = BENCHMARK_ARENA, .value = 1400},
    };
    struct model model = {.figures = figures, .figure_count = 2};
    assert_ptr_equal(model_figure(&model, BENCHMARK_ARENA), &figures[1]);
    assert_null(model_figure(&model, BENCHMARK_AIME));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_models_are_valid),
        cmocka_unit_test(what_is_no_id_is_refused),
        cmocka_unit_test(the_prefix_of_clients_is_taken_off),
        cmocka_unit_test(every_standing_has_a_name_that_leads_back),
        cmocka_unit_test(figures_are_found_by_benchmark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
