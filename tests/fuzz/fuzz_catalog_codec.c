/* links: proto
 * Any bytes are a catalog or are refused; a catalog survives being sent on. */
#include "core/base/check.h"
#include "proto/catalog_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_make((const char *)data, size);
    struct catalog *catalog = NULL;
    if (catalog_decode(bytes, &catalog) != STATUS_OK) {
        CHECK(catalog == NULL);
        return 0;
    }
    for (size_t i = 0; i < catalog->count; i++)
        CHECK(catalog_find(catalog, catalog->models[i].id) ==
              &catalog->models[i]);
    /* What was skipped is not in the version any more. */
    catalog->version = catalog_hash(catalog);
    struct buf again;
    struct catalog *copy = NULL;
    buf_init(&again, 1 << 26);
    CHECK(catalog_encode(catalog, &again) == STATUS_OK);
    CHECK(catalog_decode(buf_slice(&again), &copy) == STATUS_OK);
    CHECK(catalog_hash(copy) == catalog->version);
    buf_fini(&again);
    catalog_free(&copy);
    catalog_free(&catalog);
    return 0;
}
