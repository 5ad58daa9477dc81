/* The last step of assembly: models that point here and there become a
 * catalog that owns one arena. */
#include "ingest/assemble.h"

static void
copy_model(struct arena *arena, const struct model *from, struct model *model)
{
    struct figure *figures =
        ARENA_ARRAY(arena, struct figure, from->figure_count);

    *model = *from;
    model->id = arena_slice(arena, from->id);
    model->name = arena_slice(arena, from->name);
    model->provider = arena_slice(arena, from->provider);
    model->canonical_slug = arena_slice(arena, from->canonical_slug);
    model->hugging_face_id = arena_slice(arena, from->hugging_face_id);
    model->default_effort = arena_slice(arena, from->default_effort);
    model->figures = figures;
    if (figures == NULL)
        return;
    for (size_t i = 0; i < from->figure_count; i++) {
        figures[i] = from->figures[i];
        figures[i].row = arena_slice(arena, from->figures[i].row);
    }
}

enum status
assemble_copy(const struct model *models, size_t count,
              struct catalog **ret_catalog)
{
    struct arena *arena = arena_new(CATALOG_BYTES_MAX);
    struct catalog *catalog;
    struct model *copies;

    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    catalog = ARENA_NEW(arena, struct catalog);
    copies = ARENA_ARRAY(arena, struct model, count);
    if (!arena_ok(arena) || count > CATALOG_MODELS_MAX)
        goto fail;
    catalog->arena = arena;
    catalog->models = copies;
    catalog->count = count;
    catalog->by_id = map_new(arena, count);
    for (size_t i = 0; i < count && arena_ok(arena); i++)
        copy_model(arena, &models[i], &copies[i]);
    if (!arena_ok(arena))
        goto fail;
    for (uint32_t i = 0; i < count; i++)
        if (map_add(catalog->by_id, copies[i].id, i) != STATUS_OK)
            goto fail;
    catalog->version = catalog_hash(catalog);
    *ret_catalog = catalog;
    return STATUS_OK;
fail:
    arena_free(&arena);
    return STATUS_RESOURCE_EXHAUSTED;
}
