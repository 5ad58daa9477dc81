/* Traits: tier, tags, standing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "ingest/traits.h"

#include <math.h>

static struct offer
plain(const char *id)
{
    return (struct offer){.id = slice_of(id),
                          .canonical_slug = SLICE(""),
                          .hugging_face_id = SLICE(""),
                          .default_effort = SLICE(""),
                          .only_text = true,
                          .prompt_price = PRICE_USD,
                          .created = UTC_DAY_NONE,
                          .expires = UTC_DAY_NONE};
}

static void
the_tier_goes_by_price_and_vendor(void **state)
{
    static const struct {
        const char *provider;
        nusd_per_mtok price;
        enum tier tier;
    } cases[] = {
        {"anthropic", 2 * PRICE_USD, TIER_PREMIUM},
        {"anthropic", 2 * PRICE_USD - 1, TIER_STANDARD},
        {"x-ai", 3 * PRICE_USD, TIER_PREMIUM},
        {"qwen", 3 * PRICE_USD, TIER_STANDARD},
        {"qwen", 5 * PRICE_USD, TIER_PREMIUM},
        {"qwen", PRICE_USD / 2, TIER_STANDARD},
        {"qwen", PRICE_USD / 2 - 1, TIER_BUDGET},
        {"google", 0, TIER_BUDGET},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(
            traits_tier(slice_of(cases[i].provider), cases[i].price),
            cases[i].tier);
}

static void
the_standing_says_why_a_model_is_no_candidate(void **state)
{
    struct offer offer = plain("a/b");
    struct model model;

    (void)state;
    traits_from_offer(&offer, SLICE("A: B"), 100, &model);
    assert_int_equal(model.standing, MODEL_CANDIDATE);
    assert_true(slice_eq(model.name, SLICE("B")));
    assert_true(slice_eq(model.provider, SLICE("a")));
    offer.expires = 99;
    traits_from_offer(&offer, SLICE("B"), 100, &model);
    assert_int_equal(model.standing, MODEL_EXPIRED);
    traits_set_day(&model, 99);
    assert_int_equal(model.standing, MODEL_CANDIDATE);
    offer.only_text = false;
    traits_from_offer(&offer, SLICE("B"), 100, &model);
    assert_int_equal(model.standing, MODEL_NOT_TEXT);
    offer.is_router = true;
    traits_from_offer(&offer, SLICE("B"), 100, &model);
    assert_int_equal(model.standing, MODEL_ROUTER);
    offer = plain("~a/latest");
    traits_from_offer(&offer, SLICE("B"), 100, &model);
    assert_int_equal(model.standing, MODEL_ALIAS);
    assert_true(slice_eq(model.provider, SLICE("a")));
    offer = plain("openrouter/free");
    traits_from_offer(&offer, SLICE("B"), 100, &model);
    assert_int_equal(model.standing, MODEL_ROUTER);
}

static void
tags_follow_limits_abilities_and_speed(void **state)
{
    static const struct {
        double speed;
        uint32_t tags;
    } speeds[] = {{100, BIT(TAG_FAST)},
                  {99.9, 0},
                  {30, 0},
                  {29.9, BIT(TAG_SLOW)},
                  {NAN, 0}};
    struct offer offer = plain("a/b");
    struct model model;

    (void)state;
    offer.context_tokens = 100000;
    offer.is_multimodal = offer.has_structured_outputs = true;
    offer.capabilities =
        BIT(CAPABILITY_REASONING) | BIT(CAPABILITY_FUNCTION_CALLING);
    offer.prompt_price = 1;
    traits_from_offer(&offer, SLICE("B"), 100, &model);
    assert_int_equal(model.tags, BIT(TAG_LONG_CONTEXT) | BIT(TAG_MULTIMODAL) |
                                     BIT(TAG_REASONING) | BIT(TAG_TOOL_USE) |
                                     BIT(TAG_STRUCTURED_OUTPUT) |
                                     BIT(TAG_CHEAP));
    for (size_t i = 0; i < ARRAY_LEN(speeds); i++) {
        model.tags = BIT(TAG_FAST) | BIT(TAG_SLOW);
        model.output_tokens_per_second = speeds[i].speed;
        traits_set_speed(&model);
        assert_int_equal(model.tags, speeds[i].tags);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tier_goes_by_price_and_vendor),
        cmocka_unit_test(the_standing_says_why_a_model_is_no_candidate),
        cmocka_unit_test(tags_follow_limits_abilities_and_speed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
