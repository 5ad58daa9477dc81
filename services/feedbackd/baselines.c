/* A map from "category, tenant" to a number in a growing array. */
#include "services/feedbackd/baselines.h"

#include "core/base/map.h"
#include "feedback/personal.h"

#include <stdlib.h>

#define BASELINES_FIRST 64

struct baselines {
    struct arena *arena;
    struct map *places;
    double *stars; /* owned */
    uint32_t count, capacity;
};

struct baselines *
baselines_new(void)
{
    struct baselines *baselines = calloc(1, sizeof(*baselines));

    if (!baselines)
        return NULL;
    baselines->arena = arena_new(BASELINES_BYTES_MAX);
    if (baselines->arena)
        baselines->places = map_new(baselines->arena, BASELINES_FIRST);
    if (!baselines->places)
        baselines_free(&baselines);
    return baselines;
}

void
baselines_free(struct baselines **baselines)
{
    if (!*baselines)
        return;
    arena_free(&(*baselines)->arena);
    free((*baselines)->stars);
    free(*baselines);
    *baselines = NULL;
}

/* One byte of category, then the tenant. */
static struct slice
baselines_key(struct slice tenant, enum category category,
              char key[TENANT_MAX + 1])
{
    size_t len = tenant.len < TENANT_MAX ? tenant.len : TENANT_MAX;

    key[0] = (char)('A' + (int)category);
    if (len)
        memcpy(key + 1, tenant.ptr, len);
    return slice_make(key, len + 1);
}

static bool
baselines_grow(struct baselines *baselines)
{
    uint32_t capacity =
        baselines->capacity ? baselines->capacity * 2 : BASELINES_FIRST;
    double *more = NULL;

    if (baselines->count < baselines->capacity)
        return true;
    if (capacity > LAYERS_CELLS_MAX * 2u)
        return false;
    more = realloc(baselines->stars, capacity * sizeof(*more));
    if (!more)
        return false;
    baselines->stars = more;
    baselines->capacity = capacity;
    return true;
}

enum status
baselines_add(struct baselines *baselines, struct slice tenant,
              enum category category, uint64_t sum, uint64_t count)
{
    char key[TENANT_MAX + 1];
    enum status status = STATUS_OK;

    if (!baselines_grow(baselines))
        return STATUS_RESOURCE_EXHAUSTED;
    status = map_add(baselines->places, baselines_key(tenant, category, key),
                     baselines->count);
    if (status != STATUS_OK)
        return status;
    baselines->stars[baselines->count++] = personal_baseline(sum, count);
    return STATUS_OK;
}

double
baselines_of(const struct baselines *baselines, struct slice tenant,
             enum category category)
{
    char key[TENANT_MAX + 1];
    uint32_t place = 0;

    if (!map_find(baselines->places, baselines_key(tenant, category, key),
                  &place))
        return personal_baseline(0, 0);
    return baselines->stars[place];
}
