/* The catalog: finding, freeing, and its content hash.
 *
 * The hash is a chain over 64-bit numbers, one a field in a fixed order, texts
 * by their own hashes, so that no field can slide into its neighbour. */
#include "core/types/catalog.h"

#include "core/base/check.h"
#include "core/base/hash.h"

static const char *const state_names[] = {
    [SOURCE_STATE_NEVER] = "never",
    [SOURCE_STATE_OK] = "ok",
    [SOURCE_STATE_STALE] = "stale",
    [SOURCE_STATE_ERROR] = "error",
};
_Static_assert(ARRAY_LEN(state_names) == SOURCE_STATE_COUNT,
               "every state has a name");

const char *
source_state_name(enum source_state state)
{
    CHECK((size_t)state < SOURCE_STATE_COUNT);
    return state_names[state];
}

bool
source_state_find(struct slice name, enum source_state *ret_state)
{
    for (size_t i = 0; i < SOURCE_STATE_COUNT; i++) {
        if (slice_eq(slice_of(state_names[i]), name)) {
            *ret_state = (enum source_state)i;
            return true;
        }
    }
    return false;
}

const struct model *
catalog_find(const struct catalog *catalog, struct slice id)
{
    uint32_t i = 0;
    if (!map_find(catalog->by_id, id, &i) || i >= catalog->count)
        return NULL;
    return &catalog->models[i];
}

static uint64_t
mix_text(uint64_t hash, struct slice text)
{
    return hash_mix(hash, hash_slice(text));
}

static uint64_t
mix_double(uint64_t hash, double value)
{
    return hash_mix(hash, hash_of_double(value));
}

/* Members of a set by their names: a new row in a .def table must not change
 * the hash of a catalog that does not use it. */
#define MIX_SET(hash, bits, count, name_of)                                    \
    for (unsigned member = 0; member < (unsigned)(count); member++) {          \
        if ((bits)&BIT(member))                                                \
            (hash) = mix_text((hash), slice_of(name_of(member)));              \
    }                                                                          \
    (hash) = hash_mix((hash), 0)

static uint64_t
mix_figure(uint64_t hash, const struct figure *figure)
{
    hash = mix_text(hash, slice_of(benchmark_name(figure->benchmark)));
    hash = mix_double(hash, figure->value);
    hash = mix_double(hash, figure->spread);
    hash = hash_mix(hash, (uint64_t)figure->day);
    hash = mix_text(hash, slice_of(source_name(figure->via)));
    return mix_text(hash, figure->row);
}

static uint64_t
mix_model(uint64_t hash, const struct model *model)
{
    hash = mix_text(hash, model->id);
    hash = mix_text(hash, model->name);
    hash = mix_text(hash, model->canonical_slug);
    hash = mix_text(hash, model->hugging_face_id);
    hash = hash_mix(hash, (uint64_t)model->prompt_price);
    hash = hash_mix(hash, (uint64_t)model->completion_price);
    hash = hash_mix(hash, model->context_tokens);
    hash = hash_mix(hash, model->max_output_tokens);
    MIX_SET(hash, model->capabilities, CAPABILITY_COUNT, capability_name);
    MIX_SET(hash, model->tags, TAG_COUNT, tag_name);
    MIX_SET(hash, model->sources, SOURCE_COUNT, source_name);
    hash = mix_text(hash, slice_of(tier_name(model->tier)));
    hash = mix_text(hash, slice_of(model_standing_name(model->standing)));
    hash = hash_mix(hash, (uint64_t)model->created);
    hash = hash_mix(hash, (uint64_t)model->expires);
    hash = mix_double(hash, model->output_tokens_per_second);
    hash = mix_double(hash, model->time_to_first_token_s);
    hash = hash_mix(hash, model->figure_count);
    for (size_t i = 0; i < model->figure_count; i++)
        hash = mix_figure(hash, &model->figures[i]);
    return hash;
}

/* What a model does by default is left out: see model.h. */
uint64_t
catalog_hash(const struct catalog *catalog)
{
    uint64_t hash = hash_mix(0, catalog->count);
    for (size_t i = 0; i < catalog->count; i++)
        hash = mix_model(hash, &catalog->models[i]);
    return hash;
}

uint64_t
catalog_snapshot_hash(const struct catalog *catalog)
{
    uint64_t hash = hash_mix(0, catalog->version);
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        const struct source_status *source = &catalog->sources[i];
        hash = mix_text(hash, slice_of(source_state_name(source->state)));
        hash = mix_text(hash, source->reason);
        hash = hash_mix(hash, (uint64_t)source->last_success);
        hash = hash_mix(hash, source->rows);
        hash = hash_mix(hash, source->matched_rows);
        hash = hash_mix(hash, source->refused);
    }
    return hash;
}

void
catalog_free(struct catalog **catalog)
{
    if (*catalog == NULL)
        return;
    struct arena *arena = (*catalog)->arena; /* which holds the catalog */
    arena_free(&arena);
    *catalog = NULL;
}
