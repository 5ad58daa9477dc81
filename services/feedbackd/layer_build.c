/* Grouped rows to folded cells; see the header.
 *
 * The open group's events lie in arrays that are used again; a group ends when
 * a row with another key comes, or at the finish. */
#include "services/feedbackd/layer_build.h"

#include "core/base/check.h"
#include "feedback/community.h"
#include "feedback/personal.h"

#include <stdlib.h>

#define LAYER_BUILD_SCRATCH_MAX (256u << 20)
#define LAYER_BUILD_FIRST 256

struct layer_build {
    struct layers *layers; /* in its own arena */
    struct personal_cell *personal;
    struct community_cell *community;
    size_t personal_capacity, community_capacity;
    const struct baselines *baselines; /* borrowed */
    bool changes;
    /* The open groups. */
    struct personal_cell open_personal;
    struct community_cell open_community;
    struct rating *ratings;
    size_t rating_count, rating_capacity;
    struct community_vote *votes;
    size_t vote_count, vote_capacity;
    struct arena *scratch; /* texts of the open votes, memory of the fold */
};

struct layer_build *
layer_build_new(utc_day day, bool changes, const struct baselines *baselines)
{
    struct layer_build *build = calloc(1, sizeof(*build));
    struct arena *arena = arena_new(LAYERS_BYTES_MAX);

    if (!build || !arena)
        goto fail;
    build->layers = ARENA_NEW(arena, struct layers);
    if (!build->layers)
        goto fail;
    *build->layers = (struct layers){.arena = arena, .day = day};
    build->changes = changes;
    build->baselines = baselines;
    build->scratch = arena_new(LAYER_BUILD_SCRATCH_MAX);
    if (!build->scratch)
        layer_build_free(&build);
    return build;
fail:
    arena_free(&arena);
    free(build);
    return NULL;
}

void
layer_build_free(struct layer_build **build)
{
    if (!*build)
        return;
    if ((*build)->layers)
        layers_free(&(*build)->layers);
    arena_free(&(*build)->scratch);
    free((*build)->ratings);
    free((*build)->votes);
    free(*build);
    *build = NULL;
}

/* Room for one more item of an array in the arena: it moves when it grows. */
static void *
layer_build_grow(struct layer_build *build, const void *items, size_t count,
                 size_t size, size_t *capacity)
{
    size_t more = *capacity ? *capacity * 2 : LAYER_BUILD_FIRST;
    void *moved = NULL;

    if (build->layers->personal_count + build->layers->community_count >=
        LAYERS_CELLS_MAX)
        return NULL;
    moved = arena_array(build->layers->arena, more, size);
    if (moved && count)
        memcpy(moved, items, count * size);
    if (moved)
        *capacity = more;
    return moved;
}

static enum status
layer_build_keep_personal(struct layer_build *build,
                          const struct personal_cell *cell)
{
    struct layers *layers = build->layers;

    if (layers->personal_count == build->personal_capacity)
        build->personal =
            layer_build_grow(build, build->personal, layers->personal_count,
                             sizeof(*cell), &build->personal_capacity);
    if (!build->personal)
        return STATUS_RESOURCE_EXHAUSTED;
    build->personal[layers->personal_count++] = *cell;
    layers->personal = build->personal;
    return STATUS_OK;
}

static enum status
layer_build_keep_community(struct layer_build *build,
                           const struct community_cell *cell)
{
    struct layers *layers = build->layers;

    if (layers->community_count == build->community_capacity)
        build->community =
            layer_build_grow(build, build->community, layers->community_count,
                             sizeof(*cell), &build->community_capacity);
    if (!build->community)
        return STATUS_RESOURCE_EXHAUSTED;
    build->community[layers->community_count++] = *cell;
    layers->community = build->community;
    return STATUS_OK;
}

/* Fold the open group of ratings. */
static enum status
layer_build_end_ratings(struct layer_build *build)
{
    struct personal_cell cell = build->open_personal;
    enum status status = STATUS_OK;

    if (build->rating_count == 0)
        return STATUS_OK;
    status = personal_fold(
        build->ratings, build->rating_count,
        baselines_of(build->baselines, cell.tenant, cell.category),
        build->layers->day, &cell);
    build->rating_count = 0;
    if (status != STATUS_OK)
        return status;
    return layer_build_keep_personal(build, &cell);
}

static enum status
layer_build_end_votes(struct layer_build *build)
{
    struct community_cell cell = build->open_community;
    enum status status = STATUS_OK;

    if (build->vote_count == 0)
        return STATUS_OK;
    status = community_fold(build->votes, build->vote_count, build->layers->day,
                            build->scratch, &cell);
    build->vote_count = 0;
    arena_reset(build->scratch);
    if (status == STATUS_OK)
        return layer_build_keep_community(build, &cell);
    if (status != STATUS_NOT_FOUND)
        return status;
    if (!build->changes)
        return STATUS_OK;
    cell.mass = 0;
    cell.contributors = 0;
    cell.ratings = 0; /* says: there is no such cell (any more) */
    return layer_build_keep_community(build, &cell);
}

static enum status
layer_build_open_ratings(struct layer_build *build,
                         const struct layer_rating *row)
{
    const struct personal_cell *open = &build->open_personal;
    struct arena *arena = build->layers->arena;
    enum status status = STATUS_OK;

    if (build->rating_count && open->category == row->category &&
        slice_eq(open->model, row->model) &&
        slice_eq(open->tenant, row->tenant))
        return STATUS_OK;
    status = layer_build_end_ratings(build);
    if (status != STATUS_OK)
        return status;
    build->open_personal =
        (struct personal_cell){.tenant = arena_slice(arena, row->tenant),
                               .model = arena_slice(arena, row->model),
                               .category = row->category};
    return arena_ok(arena) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

enum status
layer_build_rating(struct layer_build *build, const struct layer_rating *row)
{
    enum status status = layer_build_open_ratings(build, row);
    size_t wanted = build->rating_count + row->count;

    if (status != STATUS_OK)
        return status;
    if (wanted > PERSONAL_RATINGS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    if (wanted > build->rating_capacity) {
        size_t capacity = wanted * 2 + LAYER_BUILD_FIRST;
        struct rating *more = realloc(build->ratings, capacity * sizeof(*more));

        if (!more)
            return STATUS_RESOURCE_EXHAUSTED;
        build->ratings = more;
        build->rating_capacity = capacity;
    }
    for (uint32_t i = 0; i < row->count; i++)
        build->ratings[build->rating_count++] =
            (struct rating){.day = row->day, .stars = row->stars};
    return STATUS_OK;
}

static enum status
layer_build_open_votes(struct layer_build *build, const struct layer_vote *row)
{
    const struct community_cell *open = &build->open_community;
    struct arena *arena = build->layers->arena;
    enum status status = STATUS_OK;

    if (build->vote_count && open->category == row->category &&
        slice_eq(open->model, row->model))
        return STATUS_OK;
    status = layer_build_end_votes(build);
    if (status != STATUS_OK)
        return status;
    build->open_community = (struct community_cell){
        .model = arena_slice(arena, row->model), .category = row->category};
    return arena_ok(arena) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

enum status
layer_build_vote(struct layer_build *build, const struct layer_vote *row)
{
    enum status status = layer_build_open_votes(build, row);

    if (status != STATUS_OK)
        return status;
    if (build->vote_count == LAYER_BUILD_VOTES_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    if (build->vote_count == build->vote_capacity) {
        size_t capacity = build->vote_capacity * 2 + LAYER_BUILD_FIRST;
        struct community_vote *more =
            realloc(build->votes, capacity * sizeof(*more));

        if (!more)
            return STATUS_RESOURCE_EXHAUSTED;
        build->votes = more;
        build->vote_capacity = capacity;
    }
    build->votes[build->vote_count++] = (struct community_vote){
        .instance = arena_slice(build->scratch, row->instance),
        .week = row->week,
        .sum = row->sum,
        .reports = row->reports};
    return arena_ok(build->scratch) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

/* Categories sort by name in the database and by number in a cell: put cells
 * of equal keys in the order the layers want. */
static int
layer_build_personal_order(const void *a, const void *b)
{
    return personal_cell_cmp(a, b);
}

static int
layer_build_community_order(const void *a, const void *b)
{
    return community_cell_cmp(a, b);
}

enum status
layer_build_finish(struct layer_build **build, struct layers **ret_layers)
{
    struct layer_build *old = *build;
    enum status status = layer_build_end_ratings(old);

    if (status == STATUS_OK)
        status = layer_build_end_votes(old);
    if (status == STATUS_OK) {
        if (old->layers->personal_count)
            qsort(old->personal, old->layers->personal_count,
                  sizeof(*old->personal), layer_build_personal_order);
        if (old->layers->community_count)
            qsort(old->community, old->layers->community_count,
                  sizeof(*old->community), layer_build_community_order);
        *ret_layers = old->layers;
        old->layers = NULL;
    }
    layer_build_free(build);
    return status;
}
