/* links: proto
 * Any bytes as a whole table, as a delta onto a small table, as layers and as
 * a delta of layers: whatever comes of it, the versions are true. The first
 * byte says which way. */
#include "core/base/check.h"
#include "proto/layers_codec.h"
#include "proto/table_codec.h"
#include "tests/core/types/catalog_of_three.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_whole(struct slice bytes)
{
    struct score_table *table = NULL;
    if (table_decode(bytes, &table) != STATUS_OK)
        return;
    CHECK(score_table_hash(table) == table->version);
    for (size_t i = 1; i < table->personal_count; i++)
        CHECK(personal_score_cmp(&table->personal[i - 1], &table->personal[i]) <
              0);
    struct buf again;
    buf_init(&again, 1 << 26);
    CHECK(table_encode(table, &again) == STATUS_OK);
    buf_fini(&again);
    score_table_free(&table);
}

static void
try_delta(struct slice bytes)
{
    struct score_table *table = NULL;
    struct catalog *catalog = catalog_of_three();
    CHECK(score_table_new(catalog, 20656, &table) == STATUS_OK);
    uint64_t before = table->version;
    enum status status = table_delta_apply(table, bytes);
    CHECK(score_table_hash(table) == table->version);
    if (status == STATUS_INVALID_ARGUMENT)
        CHECK(table->version == before);
    score_table_free(&table);
}

static void
try_layers(struct slice bytes)
{
    struct layers *layers = NULL;
    struct layers *moved = NULL;
    if (layers_decode(bytes, &layers) != STATUS_OK)
        return;
    /* The same again, as a delta over itself: nothing moves. */
    CHECK(layers_delta_apply(layers, bytes, &moved) == STATUS_OK);
    CHECK(layers_hash(layers) == layers_hash(moved));
    layers_free(&layers);
    layers_free(&moved);
}

static void
try_layers_delta(struct slice bytes)
{
    struct layers none = {.day = 1};
    struct layers *once = NULL;
    struct layers *twice = NULL;
    if (layers_delta_apply(&none, bytes, &once) != STATUS_OK)
        return;
    CHECK(layers_delta_apply(once, bytes, &twice) == STATUS_OK);
    CHECK(layers_hash(once) == layers_hash(twice));
    layers_free(&once);
    layers_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ways[])(struct slice bytes) = {
        try_whole, try_delta, try_layers, try_layers_delta};
    if (size == 0)
        return 0;
    struct slice bytes = slice_make((const char *)data + 1, size - 1);
    ways[data[0] % ARRAY_LEN(ways)](bytes);
    return 0;
}
