/* The layers as they are now, for changes one cell at a time.
 *
 * struct layers is sorted and immutable: merging a delta into it costs time
 * linear in all cells. The store costs one look-up a changed cell, and is put
 * in order only when somebody needs the whole (a new catalog, the copy on
 * disk). It owns copies of everything. */
#ifndef SERVICES_SCORERD_LAYER_STORE_H
#define SERVICES_SCORERD_LAYER_STORE_H

#include "core/base/arena.h"
#include "core/base/status.h"
#include "core/types/layers.h"

#define LAYER_STORE_BYTES_MAX ((size_t)1 << 30) /* of its arena */

struct layer_store;

/* A store of what the layers hold. RESOURCE_EXHAUSTED. */
enum status layer_store_new(const struct layers *layers,
                            struct layer_store **ret_store) MUST_CHECK;
void layer_store_free(struct layer_store **store);

/* Put changed cells in; a cell of mass 0 and no ratings takes one out. The day
 * becomes that of the changes. RESOURCE_EXHAUSTED past LAYERS_CELLS_MAX keys
 * or memory: then some of the changes are in. */
enum status layer_store_apply(struct layer_store *store,
                              const struct layers *changes) MUST_CHECK;
/* layers_hash of what is held, without walking it. */
uint64_t layer_store_hash(const struct layer_store *store);
size_t layer_store_community_count(const struct layer_store *store);
/* What is held as layers, in order. The arrays live in the arena, their texts
 * in the store; ret_layers->arena is NULL. RESOURCE_EXHAUSTED. Cost: a sort. */
enum status layer_store_whole(const struct layer_store *store,
                              struct arena *arena,
                              struct layers *ret_layers) MUST_CHECK;

#endif
