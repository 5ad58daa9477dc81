/* Comparing: one look-up an id. */
#include "router/compare.h"

#include "core/base/check.h"

static bool
is_repeated(const struct slice *ids, size_t i)
{
    for (size_t before = 0; before < i; before++) {
        if (slice_eq(ids[before], ids[i]))
            return true;
    }
    return false;
}

void
compare_models(const struct score_table *table, const struct slice *ids,
               size_t count, struct comparison *ret_comparison)
{
    struct comparison out = {0};

    CHECK(count <= COMPARE_MAX);
    for (size_t i = 0; i < count; i++) {
        if (is_repeated(ids, i))
            continue;
        const struct model *model = catalog_find(table->catalog, ids[i]);
        if (model == NULL)
            out.missing[out.missing_count++] = ids[i];
        else
            out.models[out.model_count++] =
                (uint32_t)(model - table->catalog->models);
    }
    *ret_comparison = out;
}
