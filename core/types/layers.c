/* Order and content hash of the layers. */
#include "core/types/layers.h"

#include "core/base/hash.h"

static int
key_cmp(struct slice model_a, enum category a, struct slice model_b,
        enum category b)
{
    int order = slice_cmp(model_a, model_b);
    return order != 0 ? order : (a > b) - (a < b);
}

int
personal_cell_cmp(const struct personal_cell *a, const struct personal_cell *b)
{
    int order = slice_cmp(a->tenant, b->tenant);
    return order != 0 ? order
                      : key_cmp(a->model, a->category, b->model, b->category);
}

int
community_cell_cmp(const struct community_cell *a,
                   const struct community_cell *b)
{
    return key_cmp(a->model, a->category, b->model, b->category);
}

static uint64_t
hash_key(struct slice model, enum category category)
{
    return hash_mix(hash_slice(model),
                    hash_slice(slice_of(category_name(category))));
}

static uint64_t
personal_cell_hash(const struct personal_cell *cell)
{
    uint64_t hash = hash_mix(hash_key(cell->model, cell->category),
                             hash_slice(cell->tenant));
    hash = hash_mix(hash, hash_of_double(cell->mass));
    hash = hash_mix(hash, hash_of_double(cell->shift));
    return hash_mix(hash, cell->ratings);
}

static uint64_t
community_cell_hash(const struct community_cell *cell)
{
    uint64_t hash = hash_key(cell->model, cell->category);
    hash = hash_mix(hash, hash_of_double(cell->mass));
    hash = hash_mix(hash, hash_of_double(cell->mean));
    return hash_mix(hash, (uint64_t)cell->contributors << 32 | cell->ratings);
}

uint64_t
layers_hash(const struct layers *layers)
{
    uint64_t sum = hash_mix(0, (uint64_t)layers->day);
    for (size_t i = 0; i < layers->personal_count; i++)
        sum += personal_cell_hash(&layers->personal[i]);
    for (size_t i = 0; i < layers->community_count; i++)
        sum += community_cell_hash(&layers->community[i]);
    return sum;
}

void
layers_free(struct layers **layers)
{
    if (*layers == NULL)
        return;
    struct arena *arena = (*layers)->arena; /* which holds the layers */
    arena_free(&arena);
    *layers = NULL;
}
