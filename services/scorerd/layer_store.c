/* The store; see layer_store.h.
 *
 * Two growing arrays and one map from key to place. A cell that is taken out
 * keeps its place, empty, until the next whole comes. The content hash is a
 * sum over cells (core/types/layers.h), so a change takes the old cell's share
 * off and puts the new one's on; the share of a cell is what layers_hash says
 * of layers that hold it alone. */
#include "services/scorerd/layer_store.h"
#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/map.h"
#include "core/types/model.h"

#include <stdlib.h>

#define CELLS_FIRST 64 /* capacity */
#define KEY_MAX (3 + TENANT_MAX + MODEL_ID_MAX)

struct layer_store {
    struct arena *arena; /* texts, map */
    struct map *places;
    struct personal_cell *personal;
    size_t personal_count, personal_capacity;
    struct community_cell *community;
    size_t community_count, community_capacity;
    size_t community_present;
    uint64_t sum; /* of the cells' shares of the hash */
    utc_day day;
};

static uint64_t
empty_hash(utc_day day)
{
    struct layers none = {.day = day};
    return layers_hash(&none);
}

static bool
personal_is_present(const struct personal_cell *cell)
{
    return cell->mass > 0 || cell->ratings > 0;
}

static bool
community_is_present(const struct community_cell *cell)
{
    return cell->mass > 0 || cell->ratings > 0;
}

static uint64_t
personal_share(const struct personal_cell *cell)
{
    struct layers alone = {.personal = cell, .personal_count = 1};
    return personal_is_present(cell) ? layers_hash(&alone) - empty_hash(0) : 0;
}

static uint64_t
community_share(const struct community_cell *cell)
{
    struct layers alone = {.community = cell, .community_count = 1};
    return community_is_present(cell) ? layers_hash(&alone) - empty_hash(0) : 0;
}

/* Bytes that no other cell has: kind, category, the tenant's length, tenant,
 * model. */
static enum status
cell_key(char kind, enum category category, struct slice tenant,
         struct slice model, struct buf *key)
{
    if (tenant.len > TENANT_MAX || model.len > MODEL_ID_MAX)
        return STATUS_INVALID_ARGUMENT;
    buf_reset(key);
    buf_put_char(key, kind);
    buf_put_char(key, (char)category);
    buf_put_char(key, (char)tenant.len);
    buf_put_slice(key, tenant);
    buf_put_slice(key, model);
    return buf_ok(key) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

/* Room for one more item of size bytes; NULL when there is none. */
static void *
grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    if (count >= LAYERS_CELLS_MAX)
        return NULL;
    size_t larger = *capacity ? *capacity * 2 : CELLS_FIRST;
    void *moved = realloc(items, larger * size);
    if (moved != NULL)
        *capacity = larger;
    return moved;
}

static enum status
add_personal(struct layer_store *store, struct slice key,
             const struct personal_cell *cell)
{
    struct personal_cell *items =
        grow(store->personal, store->personal_count, &store->personal_capacity,
             sizeof *items);
    if (items == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    store->personal = items;
    struct personal_cell *own = &items[store->personal_count];
    *own = *cell;
    own->tenant = arena_slice(store->arena, cell->tenant);
    own->model = arena_slice(store->arena, cell->model);
    if (!arena_ok(store->arena))
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status =
        map_add(store->places, key, (uint32_t)store->personal_count);
    if (status != STATUS_OK)
        return status;
    store->personal_count++;
    store->sum += personal_share(own);
    return STATUS_OK;
}

static enum status
add_community(struct layer_store *store, struct slice key,
              const struct community_cell *cell)
{
    struct community_cell *items =
        grow(store->community, store->community_count,
             &store->community_capacity, sizeof *items);
    if (items == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    store->community = items;
    struct community_cell *own = &items[store->community_count];
    *own = *cell;
    own->model = arena_slice(store->arena, cell->model);
    if (!arena_ok(store->arena))
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status =
        map_add(store->places, key, (uint32_t)store->community_count);
    if (status != STATUS_OK)
        return status;
    store->community_count++;
    store->community_present++;
    store->sum += community_share(own);
    return STATUS_OK;
}

static enum status
put_personal(struct layer_store *store, const struct personal_cell *cell,
             struct buf *key)
{
    uint32_t place;
    enum status status =
        cell_key('p', cell->category, cell->tenant, cell->model, key);
    if (status != STATUS_OK)
        return status;
    if (!map_find(store->places, buf_slice(key), &place))
        return personal_is_present(cell)
                   ? add_personal(store, buf_slice(key), cell)
                   : STATUS_OK;
    CHECK(place < store->personal_count);
    struct personal_cell *own = &store->personal[place];
    store->sum -= personal_share(own);
    own->mass = cell->mass;
    own->shift = cell->shift;
    own->ratings = cell->ratings;
    store->sum += personal_share(own);
    return STATUS_OK;
}

static enum status
put_community(struct layer_store *store, const struct community_cell *cell,
              struct buf *key)
{
    uint32_t place;
    enum status status =
        cell_key('c', cell->category, SLICE(""), cell->model, key);
    if (status != STATUS_OK)
        return status;
    if (!map_find(store->places, buf_slice(key), &place))
        return community_is_present(cell)
                   ? add_community(store, buf_slice(key), cell)
                   : STATUS_OK;
    CHECK(place < store->community_count);
    struct community_cell *own = &store->community[place];
    store->sum -= community_share(own);
    store->community_present -= community_is_present(own);
    own->mass = cell->mass;
    own->mean = cell->mean;
    own->contributors = cell->contributors;
    own->ratings = cell->ratings;
    store->community_present += community_is_present(own);
    store->sum += community_share(own);
    return STATUS_OK;
}

enum status
layer_store_apply(struct layer_store *store, const struct layers *changes)
{
    struct buf key;
    enum status status = STATUS_OK;
    buf_init(&key, KEY_MAX + 1);
    for (size_t i = 0; status == STATUS_OK && i < changes->personal_count; i++)
        status = put_personal(store, &changes->personal[i], &key);
    for (size_t i = 0; status == STATUS_OK && i < changes->community_count; i++)
        status = put_community(store, &changes->community[i], &key);
    buf_fini(&key);
    store->day = changes->day;
    return status;
}

enum status
layer_store_new(const struct layers *layers, struct layer_store **ret_store)
{
    struct layer_store *store = calloc(1, sizeof *store);
    enum status status = STATUS_RESOURCE_EXHAUSTED;
    if (store == NULL)
        return status;
    store->arena = arena_new(LAYER_STORE_BYTES_MAX);
    if (store->arena != NULL)
        store->places = map_new(store->arena, layers->personal_count +
                                                  layers->community_count);
    if (store->places != NULL)
        status = layer_store_apply(store, layers);
    if (status != STATUS_OK) {
        layer_store_free(&store);
        return status;
    }
    *ret_store = store;
    return STATUS_OK;
}

void
layer_store_free(struct layer_store **store)
{
    if (*store == NULL)
        return;
    arena_free(&(*store)->arena);
    free((*store)->personal);
    free((*store)->community);
    free(*store);
    *store = NULL;
}

uint64_t
layer_store_hash(const struct layer_store *store)
{
    return empty_hash(store->day) + store->sum;
}

size_t
layer_store_community_count(const struct layer_store *store)
{
    return store->community_present;
}

static int
personal_order(const void *a, const void *b)
{
    return personal_cell_cmp(a, b);
}

static int
community_order(const void *a, const void *b)
{
    return community_cell_cmp(a, b);
}

enum status
layer_store_whole(const struct layer_store *store, struct arena *arena,
                  struct layers *ret_layers)
{
    struct layers layers = {.day = store->day};
    struct personal_cell *personal =
        ARENA_ARRAY(arena, struct personal_cell, store->personal_count);
    struct community_cell *community =
        ARENA_ARRAY(arena, struct community_cell, store->community_count);
    if (!arena_ok(arena))
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < store->personal_count; i++)
        if (personal_is_present(&store->personal[i]))
            personal[layers.personal_count++] = store->personal[i];
    for (size_t i = 0; i < store->community_count; i++)
        if (community_is_present(&store->community[i]))
            community[layers.community_count++] = store->community[i];
    qsort(personal, layers.personal_count, sizeof *personal, personal_order);
    qsort(community, layers.community_count, sizeof *community,
          community_order);
    layers.personal = personal;
    layers.community = community;
    *ret_layers = layers;
    return STATUS_OK;
}
