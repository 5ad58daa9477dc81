/* A map from text to a number, inside an arena; it grows and never deletes.
 *
 * Keys are copied. Finding costs one hash and about one compare. Meant for
 * indexes that are built with a snapshot and die with it. */
#ifndef CORE_BASE_MAP_H
#define CORE_BASE_MAP_H

#include "core/base/arena.h"
#include "core/base/slice.h"
#include "core/base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct map;

/* Room for `expected` keys before the first growth. NULL after overflow. */
struct map *map_new(struct arena *arena, size_t expected);
/* ALREADY_EXISTS when the key is there (its value stays),
 * RESOURCE_EXHAUSTED when the arena is full. */
enum status
map_add(struct map *map, struct slice key, uint32_t value) MUST_CHECK;
/* Add or overwrite. */
enum status
map_set(struct map *map, struct slice key, uint32_t value) MUST_CHECK;
bool map_find(const struct map *map, struct slice key, uint32_t *ret_value);
size_t map_count(const struct map *map);

#endif
