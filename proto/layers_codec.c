/* The layers and their message.
 *
 * Personal and community cells go the same ways (read, sort, check, merge),
 * so each way is written once over a `struct kind` that knows a cell's size,
 * order and rules. */
#include "proto/layers_codec.h"

#include "core/base/text.h"
#include "core/types/model.h"
#include "proto/message_codec.h"

#include "snapshot.pb-c.h"

#include <math.h>
#include <stdlib.h>

/* Of the message while it is built or read. */
#define MESSAGE_BYTES_MAX (2 * (size_t)LAYERS_BYTES_MAX)

struct kind {
    size_t size;
    int (*cmp)(const void *a, const void *b);
    bool (*is_valid)(const void *cell);
    /* Says that there is no such cell any more. */
    bool (*is_gone)(const void *cell);
    /* Move the cell's text into the arena; the cell before it (or NULL) may
     * have the same. */
    void (*own)(struct arena *arena, void *cell, const void *previous);
};

static struct slice
own_text(struct arena *arena, struct slice text, const struct slice *previous)
{
    if (previous != NULL && slice_eq(text, *previous))
        return *previous;
    return arena_slice(arena, text);
}

static bool
is_amount(double value)
{
    return isfinite(value) && value >= 0;
}

static int
personal_cmp(const void *a, const void *b)
{
    return personal_cell_cmp(a, b);
}

static bool
personal_is_valid(const void *any)
{
    const struct personal_cell *cell = any;
    return cell->tenant.len > 0 && cell->tenant.len <= TENANT_MAX &&
           text_is_utf8(cell->tenant) && model_id_is_valid(cell->model) &&
           is_amount(cell->mass) && isfinite(cell->shift);
}

static bool
personal_is_gone(const void *any)
{
    const struct personal_cell *cell = any;
    return cell->mass == 0 && cell->ratings == 0;
}

static void
personal_own(struct arena *arena, void *any, const void *any_previous)
{
    struct personal_cell *cell = any;
    const struct personal_cell *previous = any_previous;
    cell->tenant =
        own_text(arena, cell->tenant, previous ? &previous->tenant : NULL);
    cell->model =
        own_text(arena, cell->model, previous ? &previous->model : NULL);
}

static const struct kind personal = {
    .size = sizeof(struct personal_cell),
    .cmp = personal_cmp,
    .is_valid = personal_is_valid,
    .is_gone = personal_is_gone,
    .own = personal_own,
};

static int
community_cmp(const void *a, const void *b)
{
    return community_cell_cmp(a, b);
}

static bool
community_is_valid(const void *any)
{
    const struct community_cell *cell = any;
    return model_id_is_valid(cell->model) && is_amount(cell->mass) &&
           is_amount(cell->mean);
}

static bool
community_is_gone(const void *any)
{
    const struct community_cell *cell = any;
    return cell->mass == 0 && cell->ratings == 0;
}

static void
community_own(struct arena *arena, void *any, const void *any_previous)
{
    struct community_cell *cell = any;
    const struct community_cell *previous = any_previous;
    cell->model =
        own_text(arena, cell->model, previous ? &previous->model : NULL);
}

static const struct kind community = {
    .size = sizeof(struct community_cell),
    .cmp = community_cmp,
    .is_valid = community_is_valid,
    .is_gone = community_is_gone,
    .own = community_own,
};

/* --- out ----------------------------------------------------------------- */

static bool
all_valid(const struct kind *kind, const void *cells, size_t count,
          bool may_be_gone)
{
    const char *cell = cells;
    for (size_t i = 0; i < count; i++, cell += kind->size) {
        if (!kind->is_valid(cell) || (!may_be_gone && kind->is_gone(cell)))
            return false;
    }
    return true;
}

/* The names of the categories as protobuf-c wants them: not const. */
static void
category_names(struct arena *arena, char *names[CATEGORY_COUNT])
{
    for (unsigned i = 0; i < CATEGORY_COUNT; i++)
        names[i] = arena_text(arena, slice_of(category_name((enum category)i)));
}

static void
personal_to_message(const struct layers *layers, struct arena *arena,
                    char *names[CATEGORY_COUNT], Ss__LayersSnapshot *message)
{
    size_t count = layers->personal_count;
    Ss__PersonalCell *cells = ARENA_ARRAY(arena, Ss__PersonalCell, count);
    message->personal = ARENA_ARRAY(arena, Ss__PersonalCell *, count);
    if (cells == NULL || message->personal == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct personal_cell *cell = &layers->personal[i];
        ss__personal_cell__init(&cells[i]);
        cells[i].tenant = arena_text(arena, cell->tenant);
        cells[i].model = arena_text(arena, cell->model);
        cells[i].category = names[cell->category];
        cells[i].mass = cell->mass;
        cells[i].shift = cell->shift;
        cells[i].ratings = cell->ratings;
        message->personal[i] = &cells[i];
    }
    message->n_personal = count;
}

static void
community_to_message(const struct layers *layers, struct arena *arena,
                     char *names[CATEGORY_COUNT], Ss__LayersSnapshot *message)
{
    size_t count = layers->community_count;
    Ss__CommunityCell *cells = ARENA_ARRAY(arena, Ss__CommunityCell, count);
    message->community = ARENA_ARRAY(arena, Ss__CommunityCell *, count);
    if (cells == NULL || message->community == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct community_cell *cell = &layers->community[i];
        ss__community_cell__init(&cells[i]);
        cells[i].model = arena_text(arena, cell->model);
        cells[i].category = names[cell->category];
        cells[i].mass = cell->mass;
        cells[i].mean = cell->mean;
        cells[i].contributors = cell->contributors;
        cells[i].ratings = cell->ratings;
        message->community[i] = &cells[i];
    }
    message->n_community = count;
}

static enum status
encode(const struct layers *layers, bool is_delta, struct buf *out)
{
    if (!all_valid(&personal, layers->personal, layers->personal_count,
                   is_delta) ||
        !all_valid(&community, layers->community, layers->community_count,
                   is_delta))
        return STATUS_INVALID_ARGUMENT;
    struct arena *arena = arena_new(MESSAGE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    Ss__LayersSnapshot message;
    ss__layers_snapshot__init(&message);
    message.day = layers->day;
    char *names[CATEGORY_COUNT];
    category_names(arena, names);
    personal_to_message(layers, arena, names, &message);
    community_to_message(layers, arena, names, &message);
    enum status status = arena_ok(arena) ? message_pack(&message.base, out)
                                         : STATUS_RESOURCE_EXHAUSTED;
    arena_free(&arena);
    return status;
}

enum status
layers_encode(const struct layers *layers, struct buf *out)
{
    return encode(layers, false, out);
}

enum status
layers_delta_encode(const struct layers *changes, struct buf *out)
{
    return encode(changes, true, out);
}

/* --- in ------------------------------------------------------------------ */

static struct layers *
layers_new(void)
{
    struct arena *arena = arena_new(LAYERS_BYTES_MAX);
    if (arena == NULL)
        return NULL;
    struct layers *layers = ARENA_NEW(arena, struct layers);
    if (layers == NULL)
        arena_free(&arena);
    else
        layers->arena = arena;
    return layers;
}

/* Check cells that still borrow their text, sort those of a delta, then make
 * the text the arena's. */
static enum status
adopt(const struct kind *kind, struct arena *arena, void *cells, size_t count,
      bool is_delta)
{
    if (!all_valid(kind, cells, count, is_delta))
        return STATUS_INVALID_ARGUMENT;
    if (is_delta && count > 1)
        qsort(cells, count, kind->size, kind->cmp);
    char *cell = cells;
    const char *previous = NULL;
    for (size_t i = 0; i < count; i++, previous = cell, cell += kind->size) {
        if (previous != NULL && kind->cmp(previous, cell) >= 0)
            return STATUS_INVALID_ARGUMENT;
        kind->own(arena, cell, previous);
    }
    return arena_ok(arena) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

static enum status
read_personal(const Ss__LayersSnapshot *message, bool is_delta,
              struct layers *layers)
{
    size_t count = message->n_personal;
    if (count > LAYERS_CELLS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    struct personal_cell *cells =
        ARENA_ARRAY(layers->arena, struct personal_cell, count);
    if (cells == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < count; i++) {
        const Ss__PersonalCell *in = message->personal[i];
        if (!category_find(slice_of(in->category), &cells[i].category))
            return STATUS_INVALID_ARGUMENT;
        cells[i].tenant = slice_of(in->tenant);
        cells[i].model = slice_of(in->model);
        cells[i].mass = in->mass;
        cells[i].shift = in->shift;
        cells[i].ratings = in->ratings;
    }
    layers->personal = cells;
    layers->personal_count = count;
    return adopt(&personal, layers->arena, cells, count, is_delta);
}

static enum status
read_community(const Ss__LayersSnapshot *message, bool is_delta,
               struct layers *layers)
{
    size_t count = message->n_community;
    if (count > LAYERS_CELLS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    struct community_cell *cells =
        ARENA_ARRAY(layers->arena, struct community_cell, count);
    if (cells == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < count; i++) {
        const Ss__CommunityCell *in = message->community[i];
        if (!category_find(slice_of(in->category), &cells[i].category))
            return STATUS_INVALID_ARGUMENT;
        cells[i].model = slice_of(in->model);
        cells[i].mass = in->mass;
        cells[i].mean = in->mean;
        cells[i].contributors = in->contributors;
        cells[i].ratings = in->ratings;
    }
    layers->community = cells;
    layers->community_count = count;
    return adopt(&community, layers->arena, cells, count, is_delta);
}

static enum status
from_message(const Ss__LayersSnapshot *message, bool is_delta,
             struct layers **ret_layers)
{
    struct layers *layers = layers_new();
    if (layers == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    layers->day = message->day;
    enum status status = read_personal(message, is_delta, layers);
    if (status == STATUS_OK)
        status = read_community(message, is_delta, layers);
    if (status == STATUS_OK)
        *ret_layers = layers;
    else
        layers_free(&layers);
    return status;
}

static enum status
decode(struct slice bytes, bool is_delta, struct layers **ret_layers)
{
    struct arena *arena = arena_new(MESSAGE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    ProtobufCMessage *message = NULL;
    enum status status = message_unpack(&ss__layers_snapshot__descriptor, bytes,
                                        arena, &message);
    if (status == STATUS_OK)
        status = from_message((const Ss__LayersSnapshot *)message, is_delta,
                              ret_layers);
    arena_free(&arena);
    return status;
}

enum status
layers_decode(struct slice bytes, struct layers **ret_layers)
{
    return decode(bytes, false, ret_layers);
}

enum status
layers_delta_decode(struct slice bytes, struct layers **ret_changes)
{
    return decode(bytes, true, ret_changes);
}

/* --- merge --------------------------------------------------------------- */

struct run {
    const char *cells;
    size_t count;
};

static void
run_advance(const struct kind *kind, struct run *run)
{
    run->cells += kind->size;
    run->count--;
}

/* Two ascending runs into the arena; where keys meet, the change wins. */
static enum status
merge(const struct kind *kind, struct arena *arena, struct run old,
      struct run changes, struct run *ret_merged)
{
    char *cells = arena_array(arena, old.count + changes.count, kind->size);
    if (cells == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    char *cell = cells;
    const char *previous = NULL;
    while (old.count + changes.count > 0) {
        int order = changes.count == 0 ? -1
                    : old.count == 0   ? 1
                                       : kind->cmp(old.cells, changes.cells);
        const char *from = order < 0 ? old.cells : changes.cells;
        if (order < 0 || !kind->is_gone(from)) {
            memcpy(cell, from, kind->size);
            kind->own(arena, cell, previous);
            previous = cell;
            cell += kind->size;
        }
        if (order <= 0)
            run_advance(kind, &old);
        if (order >= 0)
            run_advance(kind, &changes);
    }
    size_t count = (size_t)(cell - cells) / kind->size;
    if (!arena_ok(arena) || count > LAYERS_CELLS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    *ret_merged = (struct run){.cells = cells, .count = count};
    return STATUS_OK;
}

static enum status
merge_into(const struct layers *old, const struct layers *changes,
           struct layers *merged)
{
    struct run run = {0};
    enum status status = merge(
        &personal, merged->arena,
        (struct run){(const char *)old->personal, old->personal_count},
        (struct run){(const char *)changes->personal, changes->personal_count},
        &run);
    if (status != STATUS_OK)
        return status;
    merged->personal = (const struct personal_cell *)run.cells;
    merged->personal_count = run.count;
    status =
        merge(&community, merged->arena,
              (struct run){(const char *)old->community, old->community_count},
              (struct run){(const char *)changes->community,
                           changes->community_count},
              &run);
    if (status != STATUS_OK)
        return status;
    merged->community = (const struct community_cell *)run.cells;
    merged->community_count = run.count;
    merged->day = changes->day;
    return STATUS_OK;
}

enum status
layers_merge(const struct layers *layers, const struct layers *changes,
             struct layers **ret_layers)
{
    struct layers *merged = layers_new();
    if (merged == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = merge_into(layers, changes, merged);
    if (status == STATUS_OK)
        *ret_layers = merged;
    else
        layers_free(&merged);
    return status;
}

enum status
layers_delta_apply(const struct layers *layers, struct slice bytes,
                   struct layers **ret_layers)
{
    struct layers *changes = NULL;
    enum status status = layers_delta_decode(bytes, &changes);
    if (status != STATUS_OK)
        return status;
    status = layers_merge(layers, changes, ret_layers);
    layers_free(&changes);
    return status;
}
