/* OpenRouter: {"data":[{id, name, pricing, …}]} to offers.
 *
 * Two generations of entries are read. The older has top_provider and
 * expiration_date; the newer also `benchmarks` (with figures measured by
 * Artificial Analysis) and `reasoning` (what the model does by default).
 * Prices are decimal texts per token and stay exact. A row without an id or a
 * price is refused: nobody could pick it. */
#include "ingest/source.h"

#include "core/base/json_in.h"
#include "core/base/text.h"
#include "core/types/model.h"

#include <math.h>

/* USD per token as text, times 1e6 tokens, in 1e-9 USD. */
#define PRICE_PER_TOKEN_SCALE (PRICE_SCALE + 6)

/* Figures that OpenRouter passes on from Artificial Analysis. */
static const struct {
    const char *key;
    enum benchmark benchmark;
} embedded[] = {
    {"intelligence_index", BENCHMARK_INTELLIGENCE_INDEX},
    {"coding_index", BENCHMARK_CODING_INDEX},
    {"agentic_index", BENCHMARK_AGENTIC_INDEX},
};

/* A request parameter that a model supports says what it can do. */
static const struct {
    const char *parameter;
    enum capability capability;
} abilities[] = {
    {"tools", CAPABILITY_FUNCTION_CALLING},
    {"response_format", CAPABILITY_JSON},
    {"structured_outputs", CAPABILITY_JSON},
    {"reasoning", CAPABILITY_REASONING},
    {"include_reasoning", CAPABILITY_REASONING},
};

static const char *const media[] = {"image", "audio", "video"};

static bool
list_has(const struct json *list, const char *word)
{
    struct slice text;

    for (size_t i = 0; i < json_count(list); i++)
        if (json_text(json_at(list, i), &text) &&
            slice_eq(text, slice_of(word)))
            return true;
    return false;
}

static struct slice
text_or_empty(const struct json *object, const char *key)
{
    struct slice text = SLICE("");

    if (!json_text(json_get(object, key), &text) || text_has_control(text, ""))
        return SLICE("");
    return text;
}

static uint32_t
tokens(const struct json *object, const char *key)
{
    int64_t value;

    if (!json_i64(json_get(object, key), &value) || value <= 0 ||
        value > UINT32_MAX)
        return 0;
    return (uint32_t)value;
}

/* Both prices, or false. A negative one marks a router: its price is that of
 * whatever it forwards to. */
static bool
read_prices(const struct json *pricing, struct offer *offer)
{
    struct slice prompt, completion;

    if (!json_text(json_get(pricing, "prompt"), &prompt) ||
        !json_text(json_get(pricing, "completion"), &completion))
        return false;
    if (slice_starts(prompt, SLICE("-")) ||
        slice_starts(completion, SLICE("-"))) {
        offer->is_router = true;
        return true;
    }
    return text_decimal(prompt, PRICE_PER_TOKEN_SCALE, &offer->prompt_price) ==
               STATUS_OK &&
           text_decimal(completion, PRICE_PER_TOKEN_SCALE,
                        &offer->completion_price) == STATUS_OK;
}

static void
read_abilities(const struct json *entry, struct offer *offer)
{
    const struct json *supported = json_get(entry, "supported_parameters");
    const struct json *architecture = json_get(entry, "architecture");
    const struct json *inputs = json_get(architecture, "input_modalities");
    const struct json *outputs = json_get(architecture, "output_modalities");

    /* Every chat endpoint of OpenRouter streams. */
    offer->capabilities = BIT(CAPABILITY_STREAMING);
    for (size_t i = 0; i < ARRAY_LEN(abilities); i++)
        if (list_has(supported, abilities[i].parameter))
            offer->capabilities |= BIT(abilities[i].capability);
    offer->has_structured_outputs = list_has(supported, "structured_outputs");
    if (list_has(inputs, "image"))
        offer->capabilities |= BIT(CAPABILITY_VISION);
    for (size_t i = 0; i < ARRAY_LEN(media); i++)
        offer->is_multimodal |= list_has(inputs, media[i]);
    /* Not said: a chat model, as all were before the field existed. */
    offer->only_text = json_count(outputs) == 0 ||
                       (json_count(outputs) == 1 && list_has(outputs, "text"));
}

static void
read_reasoning(const struct json *reasoning, struct offer *offer)
{
    bool mandatory = false, enabled = false;

    if (reasoning == NULL || json_kind(reasoning) != JSON_KIND_OBJECT)
        return;
    offer->capabilities |= BIT(CAPABILITY_REASONING);
    offer->default_effort = text_or_empty(reasoning, "default_effort");
    if (offer->default_effort.len > RECORD_EFFORT_MAX)
        offer->default_effort = SLICE("");
    (void)json_bool(json_get(reasoning, "mandatory"), &mandatory);
    if (mandatory)
        offer->reasoning = REASONING_DEFAULT_ON;
    else if (json_bool(json_get(reasoning, "default_enabled"), &enabled))
        offer->reasoning =
            enabled ? REASONING_DEFAULT_ON : REASONING_DEFAULT_OFF;
}

static void
read_days(const struct json *entry, struct offer *offer)
{
    int64_t seconds;
    struct slice date;

    offer->created = offer->expires = UTC_DAY_NONE;
    if (json_i64(json_get(entry, "created"), &seconds) && seconds > 0 &&
        seconds < INT64_C(253402300800)) /* year 10000 */
        offer->created = utc_day_of(seconds * 1000);
    if (!json_text(json_get(entry, "expiration_date"), &date))
        return;
    if (utc_day_parse(slice_cut(date, 0, 10), &offer->expires) != STATUS_OK)
        offer->expires = UTC_DAY_NONE;
}

static bool
read_offer(const struct json *entry, struct offer *offer)
{
    *offer = (struct offer){.id = SLICE("")};
    if (!json_text(json_get(entry, "id"), &offer->id) ||
        !model_id_is_valid(offer->id))
        return false;
    if (!read_prices(json_get(entry, "pricing"), offer))
        return false;
    offer->canonical_slug = text_or_empty(entry, "canonical_slug");
    offer->hugging_face_id = text_or_empty(entry, "hugging_face_id");
    offer->context_tokens = tokens(entry, "context_length");
    offer->max_output_tokens =
        tokens(json_get(entry, "top_provider"), "max_completion_tokens");
    read_abilities(entry, offer);
    read_reasoning(json_get(entry, "reasoning"), offer);
    read_days(entry, offer);
    return true;
}

static enum status
read_entry(const struct json *entry, const struct source_input *input,
           struct record_set *set)
{
    const struct json *figures =
        json_get(json_get(entry, "benchmarks"), "artificial_analysis");
    struct reading_list list = {.count = 0};
    struct record row;
    struct offer offer;
    struct slice name;

    set->rows_seen++;
    if (!read_offer(entry, &offer)) {
        set->rows_refused++;
        return STATUS_OK;
    }
    name = text_or_empty(entry, "name");
    row =
        record_blank(record_name_is_valid(name) ? name : offer.id, input->day);
    row.offer = &offer;
    for (size_t i = 0; i < ARRAY_LEN(embedded); i++)
        reading_list_read(&list, set, embedded[i].benchmark,
                          json_get(figures, embedded[i].key), 1);
    return record_set_add(set, &row, &list);
}

enum status
source_openrouter(const struct source_input *input, struct record_set *set)
{
    struct json *document = NULL;
    const struct json *data;
    enum status status;

    status = json_parse(input->bytes, set->reason, &document);
    if (status != STATUS_OK)
        return status;
    data = json_get(document, "data");
    if (data == NULL || json_kind(data) != JSON_KIND_ARRAY)
        status =
            record_set_fail(set, STATUS_INVALID_ARGUMENT, "no list named data");
    for (size_t i = 0; status == STATUS_OK && i < json_count(data); i++)
        status = read_entry(json_at(data, i), input, set);
    json_free(&document);
    return status == STATUS_OK ? record_set_verdict(set) : status;
}
