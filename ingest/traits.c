/* Traits of models: tables of rules applied to one model at a time. */
#include "ingest/traits.h"

#include "core/base/check.h"

#include <math.h>

#define LONG_CONTEXT_TOKENS 100000
#define FAST_TOKENS_PER_SECOND 100
#define SLOW_TOKENS_PER_SECOND 30
#define CHEAP_BELOW (PRICE_USD / 2)
#define PREMIUM_FROM (5 * PRICE_USD)
#define PREMIUM_FROM_FRONTIER (2 * PRICE_USD)

/* Vendors whose models are premium at a lower price already. */
static const char *const frontier[] = {"anthropic", "openai", "google", "x-ai"};

/* Routers that state a price of their own (0, or an average), so that the
 * negative price does not give them away. */
static const char *const priced_routers[] = {"openrouter/free",
                                             "switchpoint/router"};

struct slice
traits_provider(struct slice id)
{
    ptrdiff_t slash = slice_find(id, SLICE("/"));
    size_t start = slice_starts(id, SLICE("~")) ? 1 : 0;

    return slash > 0 ? slice_cut(id, start, (size_t)slash) : SLICE("");
}

static bool
is_one_of(struct slice text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(text, slice_of(list[i])))
            return true;
    return false;
}

enum tier
traits_tier(struct slice provider, nusd_per_mtok prompt_price)
{
    if (prompt_price >= PREMIUM_FROM)
        return TIER_PREMIUM;
    if (prompt_price >= PREMIUM_FROM_FRONTIER &&
        is_one_of(provider, frontier, ARRAY_LEN(frontier)))
        return TIER_PREMIUM;
    return prompt_price < CHEAP_BELOW ? TIER_BUDGET : TIER_STANDARD;
}

static enum model_standing
standing(const struct offer *offer)
{
    if (slice_starts(offer->id, SLICE("~")))
        return MODEL_ALIAS;
    if (offer->is_router ||
        is_one_of(offer->id, priced_routers, ARRAY_LEN(priced_routers)))
        return MODEL_ROUTER;
    /* Who answers with pictures or sound as well is made and priced for
     * that, even when a text comes along. */
    return offer->only_text ? MODEL_CANDIDATE : MODEL_NOT_TEXT;
}

static uint32_t
tags(const struct offer *offer)
{
    uint32_t set = 0;

    if (offer->context_tokens >= LONG_CONTEXT_TOKENS)
        set |= BIT(TAG_LONG_CONTEXT);
    if (offer->is_multimodal)
        set |= BIT(TAG_MULTIMODAL);
    if (offer->capabilities & BIT(CAPABILITY_REASONING))
        set |= BIT(TAG_REASONING);
    if (offer->capabilities & BIT(CAPABILITY_FUNCTION_CALLING))
        set |= BIT(TAG_TOOL_USE);
    if (offer->has_structured_outputs)
        set |= BIT(TAG_STRUCTURED_OUTPUT);
    if (!offer->is_router && offer->prompt_price < CHEAP_BELOW)
        set |= BIT(TAG_CHEAP);
    return set;
}

/* "Anthropic: Claude Opus 4.6" without the vendor. */
static struct slice
bare_name(struct slice name)
{
    ptrdiff_t colon = slice_find(name, SLICE(": "));
    struct slice bare = name;

    if (colon > 0)
        bare = slice_cut(name, (size_t)colon + 2, name.len);
    bare = slice_trim(bare);
    return bare.len > 0 ? bare : name;
}

void
traits_from_offer(const struct offer *offer, struct slice name, utc_day today,
                  struct model *ret_model)
{
    *ret_model = (struct model){
        .id = offer->id,
        .name = bare_name(name),
        .provider = traits_provider(offer->id),
        .canonical_slug = offer->canonical_slug,
        .hugging_face_id = offer->hugging_face_id,
        .prompt_price = offer->prompt_price,
        .completion_price = offer->completion_price,
        .context_tokens = offer->context_tokens,
        .max_output_tokens = offer->max_output_tokens,
        .capabilities = offer->capabilities,
        .tags = tags(offer),
        .sources = BIT(SOURCE_OPENROUTER),
        .standing = standing(offer),
        .reasoning = offer->reasoning,
        .default_effort = offer->default_effort,
        .created = offer->created,
        .expires = offer->expires,
        .output_tokens_per_second = NAN,
        .time_to_first_token_s = NAN,
    };
    ret_model->tier =
        ret_model->standing == MODEL_ROUTER
            ? TIER_STANDARD
            : traits_tier(ret_model->provider, ret_model->prompt_price);
    traits_set_day(ret_model, today);
}

void
traits_set_speed(struct model *model)
{
    double speed = model->output_tokens_per_second;

    model->tags &= ~(BIT(TAG_FAST) | BIT(TAG_SLOW));
    if (isnan(speed))
        return;
    if (speed >= FAST_TOKENS_PER_SECOND)
        model->tags |= BIT(TAG_FAST);
    else if (speed < SLOW_TOKENS_PER_SECOND)
        model->tags |= BIT(TAG_SLOW);
}

void
traits_set_day(struct model *model, utc_day today)
{
    bool is_past = model->expires != UTC_DAY_NONE && model->expires < today;

    if (model->standing == MODEL_CANDIDATE && is_past)
        model->standing = MODEL_EXPIRED;
    else if (model->standing == MODEL_EXPIRED && !is_past)
        model->standing = MODEL_CANDIDATE;
}
