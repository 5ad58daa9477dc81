/* The layers as bytes (ss.LayersSnapshot) and back, whole and as deltas.
 *
 * A delta is the cells that changed, as they are now; a cell of mass 0 and no
 * ratings says that there is none any more. layers_hash (core/types/layers.h)
 * names the content, whichever way it was reached. */
#ifndef PROTO_LAYERS_CODEC_H
#define PROTO_LAYERS_CODEC_H

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/types/layers.h"

/* Append the layers to out. INVALID_ARGUMENT for a cell that layers_decode
 * would refuse, RESOURCE_EXHAUSTED when out or memory is full. */
enum status
layers_encode(const struct layers *layers, struct buf *out) MUST_CHECK;
/* New layers that own copies of everything; end them with layers_free.
 * INVALID_ARGUMENT: no LayersSnapshot, text not UTF-8, a tenant that is empty
 * or longer than TENANT_MAX, a model id that is none, an unknown category, a
 * number that is not finite or below 0 (shift may be), cells not ascending, a
 * cell without mass and ratings. RESOURCE_EXHAUSTED past LAYERS_CELLS_MAX. */
enum status
layers_decode(struct slice bytes, struct layers **ret_layers) MUST_CHECK;

/* Append a delta. `changes` holds only the changed cells, in any order, each
 * key once (its arena may be NULL); day is the day of the whole afterwards. */
enum status
layers_delta_encode(const struct layers *changes, struct buf *out) MUST_CHECK;
/* The delta as a value of its own, removals included, cells ascending: what a
 * reader that rescores only what changed looks at. As layers_decode, but in
 * any order. */
enum status
layers_delta_decode(struct slice bytes, struct layers **ret_changes) MUST_CHECK;
/* New layers: those given, with the changes over them (ascending, as
 * layers_delta_decode gives them). Both inputs stay as they are and the
 * caller's. Linear in the cells. RESOURCE_EXHAUSTED past LAYERS_CELLS_MAX. */
enum status layers_merge(const struct layers *layers,
                         const struct layers *changes,
                         struct layers **ret_layers) MUST_CHECK;
/* layers_delta_decode and layers_merge in one. */
enum status layers_delta_apply(const struct layers *layers, struct slice bytes,
                               struct layers **ret_layers) MUST_CHECK;

#endif
