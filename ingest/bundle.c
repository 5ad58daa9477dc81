/* Writing the bundle: straight into the buffer, one model a line. */
#include "ingest/bundle.h"

#include "core/base/json_out.h"

#include <math.h>

#define PRICE_TEXT_MAX 64 /* bytes of a price */

static void
put_text(struct json_out *json, const char *key, struct slice value)
{
    if (value.len == 0)
        return;
    json_out_key(json, slice_of(key));
    json_out_text(json, value);
}

static void
put_count(struct json_out *json, const char *key, uint64_t value)
{
    if (value == 0)
        return;
    json_out_key(json, slice_of(key));
    json_out_u64(json, value);
}

static void
put_day(struct json_out *json, const char *key, utc_day day)
{
    char text[UTC_TEXT_MAX];

    if (day == UTC_DAY_NONE)
        return;
    utc_day_format(day, text);
    put_text(json, key, slice_of(text));
}

/* As text: a reader's floating point must not touch a price. */
static void
put_price(struct json_out *json, const char *key, nusd_per_mtok price)
{
    struct buf digits;
    struct json_out number;

    buf_init(&digits, PRICE_TEXT_MAX);
    json_out_init(&number, &digits);
    json_out_decimal(&number, price, PRICE_SCALE);
    put_text(json, key, buf_slice(&digits));
    buf_fini(&digits);
}

static void
put_number(struct json_out *json, const char *key, double value)
{
    if (isnan(value))
        return;
    json_out_key(json, slice_of(key));
    json_out_double(json, value);
}

static void
put_set(struct json_out *json, const char *key, uint32_t set, size_t count,
        const char *(*name)(unsigned))
{
    json_out_key(json, slice_of(key));
    json_out_list(json);
    for (unsigned i = 0; i < count; i++)
        if (set & BIT(i))
            json_out_text(json, slice_of(name(i)));
    json_out_list_end(json);
}

static const char *
name_of_capability(unsigned value)
{
    return capability_name((enum capability)value);
}

static const char *
name_of_tag(unsigned value)
{
    return tag_name((enum tag)value);
}

static void
put_figure(struct json_out *json, const struct figure *figure)
{
    json_out_object(json);
    put_text(json, "benchmark", slice_of(benchmark_name(figure->benchmark)));
    put_number(json, "value", figure->value);
    if (figure->spread > 0)
        put_number(json, "spread", figure->spread);
    put_text(json, "via", slice_of(source_name(figure->via)));
    put_day(json, "day", figure->day);
    put_text(json, "row", figure->row);
    json_out_object_end(json);
}

/* What is served by default. */
static const char *const defaults[] = {
    [REASONING_DEFAULT_UNKNOWN] = "",
    [REASONING_DEFAULT_ON] = "on",
    [REASONING_DEFAULT_OFF] = "off",
};

static void
put_model(struct json_out *json, const struct model *model)
{
    json_out_object(json);
    put_text(json, "id", model->id);
    put_text(json, "name", model->name);
    put_text(json, "canonical", model->canonical_slug);
    put_text(json, "huggingFace", model->hugging_face_id);
    put_price(json, "prompt", model->prompt_price);
    put_price(json, "completion", model->completion_price);
    put_count(json, "context", model->context_tokens);
    put_count(json, "maxOutput", model->max_output_tokens);
    put_text(json, "tier", slice_of(tier_name(model->tier)));
    put_text(json, "standing", slice_of(model_standing_name(model->standing)));
    put_day(json, "created", model->created);
    put_day(json, "expires", model->expires);
    put_set(json, "capabilities", model->capabilities, CAPABILITY_COUNT,
            name_of_capability);
    put_set(json, "tags", model->tags, TAG_COUNT, name_of_tag);
    put_text(json, "reasoning", slice_of(defaults[model->reasoning]));
    put_text(json, "effort", model->default_effort);
    put_number(json, "tokensPerSecond", model->output_tokens_per_second);
    put_number(json, "firstTokenSeconds", model->time_to_first_token_s);
    json_out_key(json, SLICE("figures"));
    json_out_list(json);
    for (size_t i = 0; i < model->figure_count; i++)
        put_figure(json, &model->figures[i]);
    json_out_list_end(json);
    json_out_object_end(json);
}

static void
put_source(struct json_out *json, enum source source,
           const struct source_status *status)
{
    char text[UTC_TEXT_MAX];

    json_out_object(json);
    put_text(json, "name", slice_of(source_name(source)));
    put_text(json, "attribution", slice_of(source_attribution(source)));
    if (status->last_success != 0) {
        utc_format(status->last_success, text);
        put_text(json, "time", slice_of(text));
    }
    put_count(json, "rows", status->rows);
    put_count(json, "matched", status->matched_rows);
    put_count(json, "refused", status->refused);
    json_out_object_end(json);
}

void
bundle_write(const struct catalog *catalog, struct buf *out)
{
    struct json_out json;
    char text[UTC_TEXT_MAX];

    utc_format(catalog->made_at, text);
    buf_putf(out, "{\"format\":%d,\n\"made\":\"%s\",\n\"sources\":[\n",
             BUNDLE_FORMAT, text);
    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        json_out_init(&json, out);
        put_source(&json, (enum source)s, &catalog->sources[s]);
        buf_put_text(out, s + 1 < SOURCE_COUNT ? ",\n" : "\n");
    }
    buf_put_text(out, "],\n\"models\":[\n");
    for (size_t i = 0; i < catalog->count; i++) {
        json_out_init(&json, out);
        put_model(&json, &catalog->models[i]);
        buf_put_text(out, i + 1 < catalog->count ? ",\n" : "\n");
    }
    buf_put_text(out, "]}\n");
}
