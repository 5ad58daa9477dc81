/* Layers in memory and their publisher; see the header. */
#include "services/feedbackd/layer_state.h"

#include "core/base/check.h"
#include "core/base/hash.h"
#include "proto/layers_codec.h"
#include "services/runtime/snapshot.h"

#include <stdlib.h>

#define LAYER_STATE_DELTA_MAX (64u << 20) /* bytes; a larger one is a whole */
#define LAYER_STATE_SCRATCH_MAX (512u << 20)

struct layer_state {
    struct layers *now;
    struct snapshot_publisher *publisher;
};

static enum status
layer_state_encode(void *context, struct buf *out)
{
    const struct layer_state *state = context;

    CHECK(state->now != NULL);
    return layers_encode(state->now, out);
}

enum status
layer_state_new(struct rpc_server *server, struct layer_state **ret_state)
{
    struct layer_state *state = calloc(1, sizeof(*state));
    enum status status = STATUS_RESOURCE_EXHAUSTED;

    if (state)
        status = snapshot_publisher_new(server, "layers", layer_state_encode,
                                        state, &state->publisher);
    if (status != STATUS_OK) {
        free(state);
        return status;
    }
    *ret_state = state;
    return STATUS_OK;
}

void
layer_state_free(struct layer_state **state)
{
    if (!*state)
        return;
    snapshot_publisher_free(&(*state)->publisher);
    if ((*state)->now)
        layers_free(&(*state)->now);
    free(*state);
    *state = NULL;
}

const struct layers *
layer_state_now(const struct layer_state *state)
{
    return state->now;
}

void
layer_state_replace(struct layer_state *state, struct layers *whole)
{
    if (state->now)
        layers_free(&state->now);
    state->now = whole;
    snapshot_publish_whole(state->publisher, layers_hash(whole));
}

/* As followers hash it: what would hash differently differs. */
static bool
layer_state_same_number(double a, double b)
{
    return hash_of_double(a) == hash_of_double(b);
}

static bool
layer_state_same_personal(const struct personal_cell *a,
                          const struct personal_cell *b)
{
    return a->ratings == b->ratings &&
           layer_state_same_number(a->mass, b->mass) &&
           layer_state_same_number(a->shift, b->shift);
}

static bool
layer_state_same_community(const struct community_cell *a,
                           const struct community_cell *b)
{
    return a->ratings == b->ratings && a->contributors == b->contributors &&
           layer_state_same_number(a->mass, b->mass) &&
           layer_state_same_number(a->mean, b->mean);
}

static int
layer_state_personal_order(const void *a, const void *b)
{
    return personal_cell_cmp(a, b);
}

static int
layer_state_community_order(const void *a, const void *b)
{
    return community_cell_cmp(a, b);
}

static void
layer_state_pick_personal(const struct layers *now,
                          const struct layers *changes,
                          struct personal_cell *out, struct layers *news)
{
    for (size_t i = 0; i < changes->personal_count; i++) {
        const struct personal_cell *cell = &changes->personal[i];
        const struct personal_cell *old =
            now->personal_count
                ? bsearch(cell, now->personal, now->personal_count,
                          sizeof(*cell), layer_state_personal_order)
                : NULL;

        if (old ? !layer_state_same_personal(cell, old) : cell->ratings > 0)
            out[news->personal_count++] = *cell;
    }
    news->personal = out;
}

static void
layer_state_pick_community(const struct layers *now,
                           const struct layers *changes,
                           struct community_cell *out, struct layers *news)
{
    for (size_t i = 0; i < changes->community_count; i++) {
        const struct community_cell *cell = &changes->community[i];
        const struct community_cell *old =
            now->community_count
                ? bsearch(cell, now->community, now->community_count,
                          sizeof(*cell), layer_state_community_order)
                : NULL;

        if (old ? !layer_state_same_community(cell, old) : cell->ratings > 0)
            out[news->community_count++] = *cell;
    }
    news->community = out;
}

/* Publish `now`, which `news` led to, as a delta when that fits. */
static void
layer_state_publish(struct layer_state *state, const struct layers *news)
{
    struct buf delta;
    uint64_t hash = layers_hash(state->now);

    buf_init(&delta, LAYER_STATE_DELTA_MAX);
    if (layers_delta_encode(news, &delta) == STATUS_OK)
        snapshot_publish_delta(state->publisher, buf_slice(&delta), hash);
    else
        snapshot_publish_whole(state->publisher, hash);
    buf_fini(&delta);
}

static enum status
layer_state_apply(struct layer_state *state, const struct layers *news)
{
    struct layers *merged = NULL;
    enum status status = layers_merge(state->now, news, &merged);

    if (status != STATUS_OK)
        return status;
    layers_free(&state->now);
    state->now = merged;
    layer_state_publish(state, news);
    return STATUS_OK;
}

enum status
layer_state_change(struct layer_state *state, const struct layers *changes,
                   size_t *ret_changed)
{
    struct layers news = {.day = changes->day};
    struct arena *scratch = arena_new(LAYER_STATE_SCRATCH_MAX);
    struct personal_cell *personal = NULL;
    struct community_cell *community = NULL;
    enum status status = STATUS_RESOURCE_EXHAUSTED;

    CHECK(state->now != NULL && changes->day == state->now->day);
    if (scratch) {
        personal =
            ARENA_ARRAY(scratch, struct personal_cell, changes->personal_count);
        community = ARENA_ARRAY(scratch, struct community_cell,
                                changes->community_count);
    }
    if (personal && community) {
        layer_state_pick_personal(state->now, changes, personal, &news);
        layer_state_pick_community(state->now, changes, community, &news);
        status = STATUS_OK;
        if (news.personal_count + news.community_count)
            status = layer_state_apply(state, &news);
    }
    if (status == STATUS_OK)
        *ret_changed = news.personal_count + news.community_count;
    arena_free(&scratch);
    return status;
}
