/* links: proto
 * options: -max_len=2048
 * Any bytes are a catalog or are refused; a catalog survives being sent on.
 *
 * Bytes that were changed at random never have the version that fits them. So
 * the message is tried a second time with a tag that nobody knows: then it is
 * a newer writer's, whose version cannot be judged. */
#include "core/base/utc.h"
#include "proto/catalog_codec.h"
#include "proto/message_codec.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

#define ENCODED_MAX (1 << 26)

static void
check_model(const struct catalog *catalog, size_t i)
{
    const struct model *model = &catalog->models[i];
    CHECK(catalog_find(catalog, model->id) == model);
    CHECK(i == 0 || slice_cmp(catalog->models[i - 1].id, model->id) < 0);
    CHECK(slice_starts(model->id, model->provider));
    for (size_t f = 0; f < model->figure_count; f++) {
        const struct figure *figure = &model->figures[f];
        CHECK(figure->value >= benchmark_lowest(figure->benchmark));
        CHECK(figure->value <= benchmark_highest(figure->benchmark));
        CHECK(isfinite(figure->spread) && figure->spread >= 0);
    }
}

/* Sent, read and sent again: the same bytes. */
static void
check_catalog(struct catalog *catalog)
{
    struct catalog *copy = NULL;
    struct buf once, twice;
    for (size_t i = 0; i < catalog->count; i++)
        check_model(catalog, i);
    /* What was skipped is not in the version any more. */
    catalog->version = catalog_hash(catalog);
    buf_init(&once, ENCODED_MAX);
    buf_init(&twice, ENCODED_MAX);
    CHECK(catalog_encode(catalog, &once) == STATUS_OK);
    CHECK(catalog_decode(buf_slice(&once), &copy) == STATUS_OK);
    CHECK(catalog_hash(copy) == catalog->version);
    CHECK(catalog_snapshot_hash(copy) == catalog_snapshot_hash(catalog));
    CHECK(catalog_encode(copy, &twice) == STATUS_OK);
    CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)));
    buf_fini(&once);
    buf_fini(&twice);
    catalog_free(&copy);
}

/* With a tag that is not known here; false when there is no model. */
static bool
add_unknown_tag(struct arena *arena, Ss__CatalogSnapshot *message)
{
    if (message->n_models == 0)
        return false;
    Ss__CatalogModel *model = message->models[0];
    char **tags = ARENA_ARRAY(arena, char *, model->n_tags + 1);
    CHECK(tags != NULL);
    for (size_t i = 0; i < model->n_tags; i++)
        tags[i] = model->tags[i];
    tags[model->n_tags++] = arena_text(arena, SLICE("of-tomorrow"));
    model->tags = tags;
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *kept;
    struct arena *arena = fuzz_arena(&kept, 64 << 20);
    struct slice bytes = fuzz_slice(data, size);
    struct catalog *catalog = NULL;
    ProtobufCMessage *message;
    enum status plain = catalog_decode(bytes, &catalog);
    CHECK((plain == STATUS_OK) == (catalog != NULL));
    if (catalog != NULL)
        check_catalog(catalog);
    catalog_free(&catalog);
    if (plain != STATUS_DATA_LOSS)
        return 0;
    CHECK(message_unpack(&ss__catalog_snapshot__descriptor, bytes, arena,
                         &message) == STATUS_OK);
    if (!add_unknown_tag(arena, (Ss__CatalogSnapshot *)message))
        return 0;
    CHECK(catalog_from_message((Ss__CatalogSnapshot *)message, &catalog) ==
          STATUS_OK);
    check_catalog(catalog);
    catalog_free(&catalog);
    return 0;
}
