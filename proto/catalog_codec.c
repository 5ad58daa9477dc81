/* The catalog and its message. Going out, every text is copied into the
 * message's arena (a slice has no NUL); coming in, everything is checked
 * before it is copied into the catalog's own arena. */
#include "proto/catalog_codec.h"

#include "proto/message_codec.h"

#include <math.h>

/* Of the message while it is built or read: its parts are larger than the
 * catalog's, and unpacked text stands beside its copy. */
#define MESSAGE_BYTES_MAX (2 * (size_t)CATALOG_BYTES_MAX)

/* --- out ----------------------------------------------------------------- */

/* A set of BIT(value) as names. */
#define SET_TO_NAMES(arena, bits, count, name_of, names, n_names)              \
    do {                                                                       \
        (names) = ARENA_ARRAY((arena), char *, (count));                       \
        for (unsigned i = 0; (names) != NULL && i < (unsigned)(count); i++) {  \
            if ((bits)&BIT(i))                                                 \
                (names)[(n_names)++] =                                         \
                    arena_text((arena), slice_of(name_of(i)));                 \
        }                                                                      \
    } while (0)

/* Unset rather than empty. */
static char *
text_or_unset(struct arena *arena, struct slice text)
{
    return text.len > 0 ? arena_text(arena, text) : NULL;
}

static void
figure_to_message(const struct figure *figure, struct arena *arena,
                  Ss__CatalogFigure *out)
{
    ss__catalog_figure__init(out);
    out->benchmark =
        arena_text(arena, slice_of(benchmark_name(figure->benchmark)));
    out->value = figure->value;
    out->has_spread = figure->spread != 0;
    out->spread = figure->spread;
    out->has_day = figure->day != UTC_DAY_NONE;
    out->day = figure->day;
    out->via = arena_text(arena, slice_of(source_name(figure->via)));
    out->row = text_or_unset(arena, figure->row);
}

static void
figures_to_message(const struct model *model, struct arena *arena,
                   Ss__CatalogModel *out)
{
    Ss__CatalogFigure *figures =
        ARENA_ARRAY(arena, Ss__CatalogFigure, model->figure_count);
    out->figures = ARENA_ARRAY(arena, Ss__CatalogFigure *, model->figure_count);
    if (figures == NULL || out->figures == NULL)
        return;
    for (size_t i = 0; i < model->figure_count; i++) {
        figure_to_message(&model->figures[i], arena, &figures[i]);
        out->figures[i] = &figures[i];
    }
    out->n_figures = model->figure_count;
}

static void
numbers_to_message(const struct model *model, Ss__CatalogModel *out)
{
    out->has_prompt_nusd_per_mtok = true;
    out->prompt_nusd_per_mtok = model->prompt_price;
    out->has_completion_nusd_per_mtok = true;
    out->completion_nusd_per_mtok = model->completion_price;
    out->has_context_tokens = model->context_tokens != 0;
    out->context_tokens = model->context_tokens;
    out->has_max_output_tokens = model->max_output_tokens != 0;
    out->max_output_tokens = model->max_output_tokens;
    out->has_created_day = model->created != UTC_DAY_NONE;
    out->created_day = model->created;
    out->has_expires_day = model->expires != UTC_DAY_NONE;
    out->expires_day = model->expires;
    out->has_output_tokens_per_second = !isnan(model->output_tokens_per_second);
    out->output_tokens_per_second = model->output_tokens_per_second;
    out->has_time_to_first_token_s = !isnan(model->time_to_first_token_s);
    out->time_to_first_token_s = model->time_to_first_token_s;
    out->has_thinks_by_default = model->reasoning != REASONING_DEFAULT_UNKNOWN;
    out->thinks_by_default = model->reasoning == REASONING_DEFAULT_ON;
}

static void
model_to_message(const struct model *model, struct arena *arena,
                 Ss__CatalogModel *out)
{
    ss__catalog_model__init(out);
    out->id = arena_text(arena, model->id);
    out->name = arena_text(arena, model->name);
    out->canonical_slug = text_or_unset(arena, model->canonical_slug);
    out->hugging_face_id = text_or_unset(arena, model->hugging_face_id);
    out->default_effort = text_or_unset(arena, model->default_effort);
    numbers_to_message(model, out);
    SET_TO_NAMES(arena, model->capabilities, CAPABILITY_COUNT, capability_name,
                 out->capabilities, out->n_capabilities);
    SET_TO_NAMES(arena, model->tags, TAG_COUNT, tag_name, out->tags,
                 out->n_tags);
    SET_TO_NAMES(arena, model->sources, SOURCE_COUNT, source_name, out->sources,
                 out->n_sources);
    out->tier = arena_text(arena, slice_of(tier_name(model->tier)));
    if (model->standing != MODEL_CANDIDATE)
        out->standing =
            arena_text(arena, slice_of(model_standing_name(model->standing)));
    figures_to_message(model, arena, out);
}

static void
source_to_message(enum source source, const struct source_status *status,
                  struct arena *arena, Ss__CatalogSource *out)
{
    ss__catalog_source__init(out);
    out->name = arena_text(arena, slice_of(source_name(source)));
    out->state = arena_text(arena, slice_of(source_state_name(status->state)));
    out->reason = text_or_unset(arena, status->reason);
    out->has_last_success_ms = status->last_success != 0;
    out->last_success_ms = status->last_success;
    out->has_rows = out->has_matched_rows = out->has_refused = true;
    out->rows = status->rows;
    out->matched_rows = status->matched_rows;
    out->refused = status->refused;
    out->has_rows_refused = status->rows_refused != 0;
    out->rows_refused = status->rows_refused;
    out->has_content = status->content != 0;
    out->content = status->content;
    out->has_address = status->address != 0;
    out->address = status->address;
}

enum status
catalog_to_message(const struct catalog *catalog, struct arena *arena,
                   Ss__CatalogSnapshot **ret_message)
{
    Ss__CatalogSnapshot *out = ARENA_NEW(arena, Ss__CatalogSnapshot);
    Ss__CatalogModel *models =
        ARENA_ARRAY(arena, Ss__CatalogModel, catalog->count);
    Ss__CatalogModel **model_list =
        ARENA_ARRAY(arena, Ss__CatalogModel *, catalog->count);
    Ss__CatalogSource *sources =
        ARENA_ARRAY(arena, Ss__CatalogSource, SOURCE_COUNT);
    Ss__CatalogSource **source_list =
        ARENA_ARRAY(arena, Ss__CatalogSource *, SOURCE_COUNT);
    if (!arena_ok(arena))
        return STATUS_RESOURCE_EXHAUSTED;
    ss__catalog_snapshot__init(out);
    out->made_at_ms = catalog->made_at;
    out->version = catalog->version;
    out->models = model_list;
    out->n_models = catalog->count;
    out->sources = source_list;
    out->n_sources = SOURCE_COUNT;
    for (size_t i = 0; i < catalog->count; i++) {
        model_to_message(&catalog->models[i], arena, &models[i]);
        model_list[i] = &models[i];
    }
    for (unsigned i = 0; i < SOURCE_COUNT; i++) {
        source_to_message((enum source)i, &catalog->sources[i], arena,
                          &sources[i]);
        source_list[i] = &sources[i];
    }
    if (!arena_ok(arena))
        return STATUS_RESOURCE_EXHAUSTED;
    *ret_message = out;
    return STATUS_OK;
}

enum status
catalog_encode(const struct catalog *catalog, struct buf *out)
{
    struct arena *arena = arena_new(MESSAGE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    Ss__CatalogSnapshot *message = NULL;
    enum status status = catalog_to_message(catalog, arena, &message);
    if (status == STATUS_OK)
        status = message_pack(&message->base, out);
    arena_free(&arena);
    return status;
}

/* --- in ------------------------------------------------------------------ */

struct reader {
    struct arena *arena; /* of the catalog */
    bool skipped;        /* a name that is not known here */
};

/* Names as a set of BIT(value); unknown ones are skipped. */
#define NAMES_TO_SET(reader, names, n_names, enum_type, find, bits)            \
    do {                                                                       \
        for (size_t i = 0; i < (n_names); i++) {                               \
            enum_type value;                                                   \
            if (find(slice_of((names)[i]), &value))                            \
                (bits) |= BIT(value);                                          \
            else                                                               \
                (reader)->skipped = true;                                      \
        }                                                                      \
    } while (0)

static struct slice
copy(struct reader *reader, const char *text)
{
    return arena_slice(reader->arena, slice_of(text));
}

/* False when the figure must be refused; *ret_known says whether to keep it. */
static bool
read_figure(struct reader *reader, const Ss__CatalogFigure *in,
            struct figure *out, bool *ret_known)
{
    *ret_known = false;
    if (!isfinite(in->value) || !isfinite(in->spread) || in->spread < 0)
        return false;
    if (!benchmark_find(slice_of(in->benchmark), &out->benchmark)) {
        reader->skipped = true;
        return true;
    }
    out->via = benchmark_source(out->benchmark);
    if (in->via != NULL && !source_find(slice_of(in->via), &out->via)) {
        reader->skipped = true;
        return true;
    }
    out->value = in->value;
    out->spread = in->spread;
    out->day = in->has_day ? in->day : UTC_DAY_NONE;
    out->row = copy(reader, in->row);
    *ret_known = true;
    return in->value >= benchmark_lowest(out->benchmark) &&
           in->value <= benchmark_highest(out->benchmark);
}

static enum status
read_figures(struct reader *reader, const Ss__CatalogModel *in,
             struct model *model)
{
    struct figure *figures =
        ARENA_ARRAY(reader->arena, struct figure, in->n_figures);
    if (figures == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t count = 0;
    for (size_t i = 0; i < in->n_figures; i++) {
        bool known;
        if (!read_figure(reader, in->figures[i], &figures[count], &known))
            return STATUS_INVALID_ARGUMENT;
        if (!known)
            continue;
        if (count > 0 &&
            figures[count].benchmark <= figures[count - 1].benchmark)
            return STATUS_INVALID_ARGUMENT;
        count++;
    }
    model->figures = figures;
    model->figure_count = count;
    return STATUS_OK;
}

static bool
is_speed(bool set, double value)
{
    return !set || (isfinite(value) && value >= 0);
}

static bool
read_numbers(const Ss__CatalogModel *in, struct model *model)
{
    /* A price that is missing is not a price of 0. */
    if (!in->has_prompt_nusd_per_mtok || !in->has_completion_nusd_per_mtok)
        return false;
    model->prompt_price = in->prompt_nusd_per_mtok;
    model->completion_price = in->completion_nusd_per_mtok;
    model->context_tokens = in->context_tokens;
    model->max_output_tokens = in->max_output_tokens;
    model->created = in->has_created_day ? in->created_day : UTC_DAY_NONE;
    model->expires = in->has_expires_day ? in->expires_day : UTC_DAY_NONE;
    model->output_tokens_per_second =
        in->has_output_tokens_per_second ? in->output_tokens_per_second : NAN;
    model->time_to_first_token_s =
        in->has_time_to_first_token_s ? in->time_to_first_token_s : NAN;
    if (in->has_thinks_by_default)
        model->reasoning = in->thinks_by_default ? REASONING_DEFAULT_ON
                                                 : REASONING_DEFAULT_OFF;
    return is_speed(in->has_output_tokens_per_second,
                    in->output_tokens_per_second) &&
           is_speed(in->has_time_to_first_token_s, in->time_to_first_token_s);
}

static enum status
read_model(struct reader *reader, const Ss__CatalogModel *in,
           struct model *model)
{
    model->tier = TIER_STANDARD;
    model->standing = MODEL_CANDIDATE;
    if (!model_id_is_valid(slice_of(in->id)) || !read_numbers(in, model) ||
        (in->tier && !tier_find(slice_of(in->tier), &model->tier)) ||
        (in->standing &&
         !model_standing_find(slice_of(in->standing), &model->standing)))
        return STATUS_INVALID_ARGUMENT;
    model->id = copy(reader, in->id);
    ptrdiff_t slash = slice_find(model->id, SLICE("/"));
    model->provider = slice_cut(model->id, 0, slash > 0 ? (size_t)slash : 0);
    model->name = copy(reader, in->name);
    model->canonical_slug = copy(reader, in->canonical_slug);
    model->hugging_face_id = copy(reader, in->hugging_face_id);
    model->default_effort = copy(reader, in->default_effort);
    if (model->default_effort.len > MODEL_EFFORT_MAX)
        return STATUS_INVALID_ARGUMENT;
    NAMES_TO_SET(reader, in->capabilities, in->n_capabilities, enum capability,
                 capability_find, model->capabilities);
    NAMES_TO_SET(reader, in->tags, in->n_tags, enum tag, tag_find, model->tags);
    NAMES_TO_SET(reader, in->sources, in->n_sources, enum source, source_find,
                 model->sources);
    return read_figures(reader, in, model);
}

static enum status
read_models(struct reader *reader, const Ss__CatalogSnapshot *message,
            struct catalog *catalog)
{
    size_t count = message->n_models;
    if (count > CATALOG_MODELS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    struct model *models = ARENA_ARRAY(reader->arena, struct model, count);
    catalog->by_id = map_new(reader->arena, count);
    if (models == NULL || catalog->by_id == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < count; i++) {
        enum status status = read_model(reader, message->models[i], &models[i]);
        if (status != STATUS_OK)
            return status;
        if (i > 0 && slice_cmp(models[i - 1].id, models[i].id) >= 0)
            return STATUS_INVALID_ARGUMENT;
        status = map_add(catalog->by_id, models[i].id, (uint32_t)i);
        if (status != STATUS_OK)
            return status;
    }
    catalog->models = models;
    catalog->count = count;
    return STATUS_OK;
}

static enum status
read_sources(struct reader *reader, const Ss__CatalogSnapshot *message,
             struct catalog *catalog)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < message->n_sources; i++) {
        const Ss__CatalogSource *in = message->sources[i];
        enum source source;
        if (!source_find(slice_of(in->name), &source))
            continue; /* not part of the hash */
        struct source_status *out = &catalog->sources[source];
        if (seen & BIT(source) ||
            (in->state && !source_state_find(slice_of(in->state), &out->state)))
            return STATUS_INVALID_ARGUMENT;
        seen |= BIT(source);
        out->reason = copy(reader, in->reason);
        out->last_success = in->last_success_ms;
        out->rows = in->rows;
        out->matched_rows = in->matched_rows;
        out->refused = in->refused;
        out->rows_refused = in->rows_refused;
        out->content = in->content;
        out->address = in->address;
    }
    return STATUS_OK;
}

static enum status
read_catalog(const Ss__CatalogSnapshot *message, struct catalog *catalog)
{
    struct reader reader = {.arena = catalog->arena};
    enum status status = read_models(&reader, message, catalog);
    if (status == STATUS_OK)
        status = read_sources(&reader, message, catalog);
    if (status != STATUS_OK)
        return status;
    if (!arena_ok(catalog->arena))
        return STATUS_RESOURCE_EXHAUSTED;
    catalog->made_at = message->made_at_ms;
    catalog->version = message->version;
    /* A newer writer hashed names that were skipped here. */
    if (!reader.skipped && catalog_hash(catalog) != catalog->version)
        return STATUS_DATA_LOSS;
    return STATUS_OK;
}

enum status
catalog_from_message(const Ss__CatalogSnapshot *message,
                     struct catalog **ret_catalog)
{
    struct arena *arena = arena_new(CATALOG_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    struct catalog *catalog = ARENA_NEW(arena, struct catalog);
    if (catalog == NULL) {
        arena_free(&arena);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    catalog->arena = arena;
    enum status status = read_catalog(message, catalog);
    if (status != STATUS_OK)
        catalog_free(&catalog);
    else
        *ret_catalog = catalog;
    return status;
}

enum status
catalog_decode(struct slice bytes, struct catalog **ret_catalog)
{
    struct arena *arena = arena_new(MESSAGE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    ProtobufCMessage *message = NULL;
    enum status status = message_unpack(&ss__catalog_snapshot__descriptor,
                                        bytes, arena, &message);
    if (status == STATUS_OK)
        status = catalog_from_message((const Ss__CatalogSnapshot *)message,
                                      ret_catalog);
    arena_free(&arena);
    return status;
}
