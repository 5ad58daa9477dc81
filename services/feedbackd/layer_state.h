/* The layers as they are now in this process, and as others follow them
 * (snapshot "layers").
 *
 * A whole replaces them; changes are laid over them and published as a delta
 * of only those cells that differ. Laying the same changes over twice
 * publishes nothing, so a reader of events may look at an event again. */
#ifndef SERVICES_FEEDBACKD_LAYER_STATE_H
#define SERVICES_FEEDBACKD_LAYER_STATE_H

#include "core/types/layers.h"
#include "services/runtime/rpc_server.h"

struct layer_state;

/* Publishes on this server. RESOURCE_EXHAUSTED. */
enum status layer_state_new(struct rpc_server *server,
                            struct layer_state **ret_state) MUST_CHECK;
void layer_state_free(struct layer_state **state);
/* NULL before the first whole. Valid until the next replace or change. */
const struct layers *layer_state_now(const struct layer_state *state);
/* Take over and publish a whole. */
void layer_state_replace(struct layer_state *state, struct layers *whole);
/* Lay changes over (borrowed; cells ascending, day the same) and publish what
 * differs. RESOURCE_EXHAUSTED leaves the state as it was. */
enum status layer_state_change(struct layer_state *state,
                               const struct layers *changes,
                               size_t *ret_changed) MUST_CHECK;

#endif
