/* The map: open addressing with linear probing in a power of two of slots,
 * at most three quarters full. Growing leaves the old slots in the arena;
 * together they are smaller than the new ones. */
#include "core/base/map.h"

#include "core/base/hash.h"

#define SLOTS_FIRST ((size_t)16)

struct slot {
    struct slice key;
    uint64_t hash;
    uint32_t value;
    bool used;
};

struct map {
    struct arena *arena; /* borrowed */
    struct slot *slots;
    size_t mask; /* slots - 1 */
    size_t count;
};

struct map *
map_new(struct arena *arena, size_t expected)
{
    size_t size = SLOTS_FIRST;
    while (size / 4 * 3 < expected && size <= SIZE_MAX / 4)
        size *= 2;
    struct map *map = ARENA_NEW(arena, struct map);
    struct slot *slots = ARENA_ARRAY(arena, struct slot, size);
    if (map == NULL || slots == NULL)
        return NULL;
    *map = (struct map){.arena = arena, .slots = slots, .mask = size - 1};
    return map;
}

/* The slot of the key, or the free one where it belongs. */
static struct slot *
probe(const struct map *map, struct slice key, uint64_t hash)
{
    for (size_t i = (size_t)hash & map->mask;; i = (i + 1) & map->mask) {
        struct slot *slot = &map->slots[i];
        if (!slot->used || (slot->hash == hash && slice_eq(slot->key, key)))
            return slot;
    }
}

static enum status
grow(struct map *map)
{
    size_t size = (map->mask + 1) * 2;
    struct slot *slots = ARENA_ARRAY(map->arena, struct slot, size);
    if (slots == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    struct map larger = {.slots = slots, .mask = size - 1};
    for (size_t i = 0; i <= map->mask; i++) {
        const struct slot *slot = &map->slots[i];
        if (slot->used)
            *probe(&larger, slot->key, slot->hash) = *slot;
    }
    map->slots = slots;
    map->mask = larger.mask;
    return STATUS_OK;
}

static enum status
insert(struct map *map, struct slice key, uint64_t hash, uint32_t value)
{
    if (map->count + 1 > (map->mask + 1) / 4 * 3) {
        enum status status = grow(map);
        if (status != STATUS_OK)
            return status;
    }
    struct slice copy = arena_slice(map->arena, key);
    if (!arena_ok(map->arena))
        return STATUS_RESOURCE_EXHAUSTED;
    *probe(map, key, hash) =
        (struct slot){.key = copy, .hash = hash, .value = value, .used = true};
    map->count++;
    return STATUS_OK;
}

enum status
map_add(struct map *map, struct slice key, uint32_t value)
{
    uint64_t hash = hash_slice(key);
    if (probe(map, key, hash)->used)
        return STATUS_ALREADY_EXISTS;
    return insert(map, key, hash, value);
}

enum status
map_set(struct map *map, struct slice key, uint32_t value)
{
    uint64_t hash = hash_slice(key);
    struct slot *slot = probe(map, key, hash);
    if (!slot->used)
        return insert(map, key, hash, value);
    slot->value = value;
    return STATUS_OK;
}

bool
map_find(const struct map *map, struct slice key, uint32_t *ret_value)
{
    const struct slot *slot = probe(map, key, hash_slice(key));
    if (!slot->used)
        return false;
    *ret_value = slot->value;
    return true;
}

size_t
map_count(const struct map *map)
{
    return map->count;
}
