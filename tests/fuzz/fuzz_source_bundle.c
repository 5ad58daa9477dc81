/* Attacks the reader of the bundled catalog with any bytes.
 * links: ingest
 * What it accepts must be a catalog that is written and read again to the same
 * version. */
#include "core/base/check.h"
#include "ingest/bundle.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct catalog *catalog = NULL, *again = NULL;
    char error[BUNDLE_ERROR_MAX];
    struct buf out;

    if (bundle_read(slice_make((const char *)data, size), 20000, error,
                    &catalog) != STATUS_OK)
        return 0;
    buf_init(&out, BUNDLE_BYTES_MAX);
    bundle_write(catalog, &out);
    CHECK(buf_ok(&out));
    CHECK(bundle_read(buf_slice(&out), 20000, error, &again) == STATUS_OK);
    CHECK(again->version == catalog->version);
    buf_fini(&out);
    catalog_free(&catalog);
    catalog_free(&again);
    return 0;
}
