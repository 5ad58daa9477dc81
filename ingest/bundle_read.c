/* Reading the bundle: a table of members, each with the function that takes
 * it. Strict, because a bundle is ours: what is not known is a mistake. */
#include "ingest/bundle.h"

#include "core/base/check.h"
#include "core/base/json_in.h"
#include "core/base/text.h"
#include "ingest/assemble.h"
#include "ingest/traits.h"

#include <math.h>
#include <stdio.h>

struct reader {
    struct arena *arena; /* until the catalog is made */
    char *error;
};

/* Take one member's value into a model (or figure, or status); false when it
 * is not what it must be. */
typedef bool (*take_fn)(struct reader *reader, const struct json *value,
                        void *target);

struct member {
    const char *key;
    take_fn take;
    bool is_required;
};

#define MEMBERS_MAX 32

static enum status
refuse(struct reader *reader, const char *what, struct slice where)
{
    int len = where.len > 100 ? 100 : (int)where.len;

    (void)snprintf(reader->error, BUNDLE_ERROR_MAX, "%s: %.*s", what, len,
                   where.ptr != NULL ? where.ptr : "");
    return STATUS_INVALID_ARGUMENT;
}

/* Every member of an object, each at most once (JSON says so), none unknown,
 * none that is required missing. */
static enum status
take_members(struct reader *reader, const struct json *object,
             const struct member *members, size_t count, void *target)
{
    uint32_t seen = 0;
    void *iterator = NULL;
    struct slice key;
    const struct json *value;

    CHECK(count <= MEMBERS_MAX);
    if (object == NULL || json_kind(object) != JSON_KIND_OBJECT)
        return refuse(reader, "not an object", SLICE(""));
    while (json_next(object, &iterator, &key, &value)) {
        size_t m = 0;

        while (m < count && !slice_eq(key, slice_of(members[m].key)))
            m++;
        if (m == count)
            return refuse(reader, "unknown member", key);
        if (!members[m].take(reader, value, target))
            return refuse(reader, "wrong value of", key);
        seen |= BIT(m);
    }
    for (size_t m = 0; m < count; m++)
        if (members[m].is_required && !(seen & BIT(m)))
            return refuse(reader, "missing member", slice_of(members[m].key));
    return STATUS_OK;
}

static bool
take_text(const struct json *value, struct slice *ret_text)
{
    return json_text(value, ret_text) && ret_text->len > 0 &&
           ret_text->len <= RECORD_NAME_MAX && !text_has_control(*ret_text, "");
}

static bool
take_count(const struct json *value, uint32_t *ret_count)
{
    int64_t number;

    if (!json_i64(value, &number) || number < 0 || number > UINT32_MAX)
        return false;
    *ret_count = (uint32_t)number;
    return true;
}

static bool
take_day(const struct json *value, utc_day *ret_day)
{
    struct slice text;

    return json_text(value, &text) && utc_day_parse(text, ret_day) == STATUS_OK;
}

static bool
take_price(const struct json *value, nusd_per_mtok *ret_price)
{
    struct slice text;

    return json_text(value, &text) &&
           text_decimal(text, PRICE_SCALE, ret_price) == STATUS_OK &&
           *ret_price >= 0;
}

static bool
take_positive(const struct json *value, double *ret_number)
{
    return json_double(value, ret_number) && isfinite(*ret_number) &&
           *ret_number >= 0;
}

/* Functions named <type>_<member>, one a member. */
#define TAKE(name, type, expression)                                           \
    static bool name(struct reader *reader, const struct json *value,          \
                     void *target)                                             \
    {                                                                          \
        struct type *it = target;                                              \
        (void)reader;                                                          \
        return expression;                                                     \
    }

static bool
is_model_id(const struct json *value, struct slice *ret_id)
{
    return json_text(value, ret_id) && model_id_is_valid(*ret_id);
}

static bool
find_tier(const struct json *value, enum tier *ret_tier)
{
    struct slice text;

    return json_text(value, &text) && tier_find(text, ret_tier);
}

static bool
find_standing(const struct json *value, enum model_standing *ret_standing)
{
    struct slice text;

    return json_text(value, &text) && model_standing_find(text, ret_standing);
}

static bool
take_capabilities(struct reader *reader, const struct json *value, void *target)
{
    struct model *model = target;
    enum capability capability;
    struct slice text;

    (void)reader;
    for (size_t i = 0; i < json_count(value); i++) {
        if (!json_text(json_at(value, i), &text) ||
            !capability_find(text, &capability))
            return false;
        model->capabilities |= BIT(capability);
    }
    return json_kind(value) == JSON_KIND_ARRAY;
}

static bool
take_tags(struct reader *reader, const struct json *value, void *target)
{
    struct model *model = target;
    struct slice text;
    enum tag tag;

    (void)reader;
    for (size_t i = 0; i < json_count(value); i++) {
        if (!json_text(json_at(value, i), &text) || !tag_find(text, &tag))
            return false;
        model->tags |= BIT(tag);
    }
    return json_kind(value) == JSON_KIND_ARRAY;
}

static bool
find_benchmark(const struct json *value, enum benchmark *ret_benchmark)
{
    struct slice text;

    return json_text(value, &text) && benchmark_find(text, ret_benchmark);
}

static bool
find_source(const struct json *value, enum source *ret_source)
{
    struct slice text;

    return json_text(value, &text) && source_find(text, ret_source);
}

TAKE(figure_benchmark, figure, find_benchmark(value, &it->benchmark))
TAKE(figure_value, figure, take_positive(value, &it->value))
TAKE(figure_spread, figure, take_positive(value, &it->spread))
TAKE(figure_via, figure, find_source(value, &it->via))
TAKE(figure_day, figure, take_day(value, &it->day))
TAKE(figure_row, figure, take_text(value, &it->row))

static const struct member figure_members[] = {
    {"benchmark", figure_benchmark, true},
    {"value", figure_value, true},
    {"spread", figure_spread, false},
    {"via", figure_via, true},
    {"day", figure_day, true},
    {"row", figure_row, true},
};

static bool
take_figures(struct reader *reader, const struct json *value, void *target)
{
    struct model *model = target;
    size_t count = json_count(value);
    struct figure *figures = ARENA_ARRAY(reader->arena, struct figure, count);

    if (json_kind(value) != JSON_KIND_ARRAY || count > BENCHMARK_COUNT ||
        figures == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct figure *figure = &figures[i];

        if (take_members(reader, json_at(value, i), figure_members,
                         ARRAY_LEN(figure_members), figure) != STATUS_OK)
            return false;
        if (figure->value < benchmark_lowest(figure->benchmark) ||
            figure->value > benchmark_highest(figure->benchmark))
            return false;
        if (i > 0 && figures[i - 1].benchmark >= figure->benchmark)
            return false;
        model->sources |= BIT(benchmark_source(figure->benchmark));
    }
    model->figures = figures;
    model->figure_count = count;
    return true;
}

static bool
take_default(const struct json *value, enum reasoning_default *ret_default)
{
    struct slice text;

    if (!json_text(value, &text) ||
        (!slice_eq(text, SLICE("on")) && !slice_eq(text, SLICE("off"))))
        return false;
    *ret_default = slice_eq(text, SLICE("on")) ? REASONING_DEFAULT_ON
                                               : REASONING_DEFAULT_OFF;
    return true;
}

TAKE(model_reasoning, model, take_default(value, &it->reasoning))
TAKE(model_effort, model,
     take_text(value, &it->default_effort) &&
         it->default_effort.len <= MODEL_EFFORT_MAX)
TAKE(model_id, model, is_model_id(value, &it->id))
TAKE(model_name, model, take_text(value, &it->name))
TAKE(model_canonical, model, take_text(value, &it->canonical_slug))
TAKE(model_hugging_face, model, take_text(value, &it->hugging_face_id))
TAKE(model_prompt, model, take_price(value, &it->prompt_price))
TAKE(model_completion, model, take_price(value, &it->completion_price))
TAKE(model_context, model, take_count(value, &it->context_tokens))
TAKE(model_max_output, model, take_count(value, &it->max_output_tokens))
TAKE(model_tier, model, find_tier(value, &it->tier))
TAKE(model_standing, model, find_standing(value, &it->standing))
TAKE(model_created, model, take_day(value, &it->created))
TAKE(model_expires, model, take_day(value, &it->expires))
TAKE(model_speed, model, take_positive(value, &it->output_tokens_per_second))
TAKE(model_first_token, model, take_positive(value, &it->time_to_first_token_s))

static const struct member model_members[] = {
    {"id", model_id, true},
    {"name", model_name, true},
    {"canonical", model_canonical, false},
    {"huggingFace", model_hugging_face, false},
    {"prompt", model_prompt, true},
    {"completion", model_completion, true},
    {"context", model_context, false},
    {"maxOutput", model_max_output, false},
    {"tier", model_tier, true},
    {"standing", model_standing, true},
    {"created", model_created, false},
    {"expires", model_expires, false},
    {"capabilities", take_capabilities, true},
    {"tags", take_tags, true},
    {"reasoning", model_reasoning, false},
    {"effort", model_effort, false},
    {"tokensPerSecond", model_speed, false},
    {"firstTokenSeconds", model_first_token, false},
    {"figures", take_figures, true},
};

static enum status
read_model(struct reader *reader, const struct json *value, utc_day today,
           struct model *model)
{
    enum status status;

    *model = (struct model){
        .canonical_slug = SLICE(""),
        .hugging_face_id = SLICE(""),
        .default_effort = SLICE(""),
        .created = UTC_DAY_NONE,
        .expires = UTC_DAY_NONE,
        .sources = BIT(SOURCE_OPENROUTER),
        .output_tokens_per_second = NAN,
        .time_to_first_token_s = NAN,
    };
    status = take_members(reader, value, model_members,
                          ARRAY_LEN(model_members), model);
    if (status != STATUS_OK)
        return status;
    model->provider = traits_provider(model->id);
    traits_set_day(model, today);
    return STATUS_OK;
}

/* A source's line in the bundle. */
struct source_line {
    enum source source;
    struct source_status status;
};

static bool
take_time(const struct json *value, ms_time *ret_time)
{
    struct slice text;

    return json_text(value, &text) && utc_parse(text, ret_time) == STATUS_OK;
}

static bool
is_text(const struct json *value)
{
    struct slice text;

    return json_text(value, &text);
}

TAKE(source_name_of, source_line, find_source(value, &it->source))
TAKE(source_attribution_of, source_line, it != NULL && is_text(value))
TAKE(source_time, source_line, take_time(value, &it->status.last_success))
TAKE(source_rows, source_line, take_count(value, &it->status.rows))
TAKE(source_matched, source_line, take_count(value, &it->status.matched_rows))
TAKE(source_refused, source_line, take_count(value, &it->status.refused))

static const struct member source_members[] = {
    {"name", source_name_of, true},
    {"attribution", source_attribution_of, true},
    {"time", source_time, false},
    {"rows", source_rows, false},
    {"matched", source_matched, false},
    {"refused", source_refused, false},
};

static enum status
read_sources(struct reader *reader, const struct json *list,
             struct source_status *ret_sources)
{
    if (list == NULL || json_kind(list) != JSON_KIND_ARRAY)
        return refuse(reader, "sources is no list", SLICE(""));
    for (size_t i = 0; i < json_count(list); i++) {
        struct source_line line = {.status = {.reason = SLICE("")}};
        enum status status =
            take_members(reader, json_at(list, i), source_members,
                         ARRAY_LEN(source_members), &line);

        if (status != STATUS_OK)
            return status;
        if (line.status.last_success != 0)
            line.status.state = SOURCE_STATE_OK;
        ret_sources[line.source] = line.status;
    }
    return STATUS_OK;
}

static enum status
read_models(struct reader *reader, const struct json *list, utc_day today,
            struct catalog **ret_catalog)
{
    size_t count = json_count(list);
    struct model *models = ARENA_ARRAY(reader->arena, struct model, count);

    if (list == NULL || json_kind(list) != JSON_KIND_ARRAY || count == 0)
        return refuse(reader, "models is no list or empty", SLICE(""));
    if (models == NULL || count > CATALOG_MODELS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < count; i++) {
        enum status status =
            read_model(reader, json_at(list, i), today, &models[i]);

        if (status != STATUS_OK)
            return status;
        if (i > 0 && slice_cmp(models[i - 1].id, models[i].id) >= 0)
            return refuse(reader, "ids do not ascend at", models[i].id);
    }
    return assemble_copy(models, count, ret_catalog);
}

static enum status
read_document(struct reader *reader, const struct json *document, utc_day today,
              struct catalog **ret_catalog)
{
    struct source_status sources[SOURCE_COUNT] = {{.reason = SLICE("")}};
    ms_time made_at = 0;
    int64_t format = 0;
    enum status status;

    if (!json_i64(json_get(document, "format"), &format) ||
        format != BUNDLE_FORMAT)
        return refuse(reader, "format is not 1", SLICE(""));
    if (!take_time(json_get(document, "made"), &made_at))
        return refuse(reader, "made is no time", SLICE(""));
    status = read_sources(reader, json_get(document, "sources"), sources);
    if (status == STATUS_OK)
        status = read_models(reader, json_get(document, "models"), today,
                             ret_catalog);
    if (status != STATUS_OK)
        return status;
    memcpy((*ret_catalog)->sources, sources, sizeof(sources));
    (*ret_catalog)->made_at = made_at;
    return STATUS_OK;
}

enum status
bundle_read(struct slice bytes, utc_day today, char *ret_error,
            struct catalog **ret_catalog)
{
    struct reader reader = {.error = ret_error};
    struct json *document = NULL;
    enum status status;

    (void)snprintf(ret_error, BUNDLE_ERROR_MAX, "too large");
    if (bytes.len > BUNDLE_BYTES_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    status = json_parse(bytes, ret_error, &document);
    if (status != STATUS_OK)
        return status;
    reader.arena = arena_new(CATALOG_BYTES_MAX);
    if (reader.arena != NULL)
        status = read_document(&reader, document, today, ret_catalog);
    else
        status = STATUS_RESOURCE_EXHAUSTED;
    arena_free(&reader.arena);
    json_free(&document);
    return status;
}
