/* links: core_base
 * Any bytes are rows within the limits, or a status; numbers of rows count
 * up. */
#include "core/base/check.h"
#include "core/base/csv_in.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t rows;
    size_t bytes;
};

static enum status
count_row(void *context, size_t row_number, const struct slice *columns,
          size_t count)
{
    struct seen *seen = context;
    CHECK(row_number == seen->rows++);
    CHECK(count >= 1 && count <= CSV_COLUMNS_MAX);
    for (size_t i = 0; i < count; i++) {
        CHECK(columns[i].len <= CSV_FIELD_MAX);
        for (size_t at = 0; at < columns[i].len; at++)
            seen->bytes += columns[i].ptr[at] != '\0';
    }
    return STATUS_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {0};
    struct slice bytes = slice_make((const char *)data, size);
    enum status status = csv_read(bytes, count_row, &seen);
    CHECK(status == STATUS_OK || status == STATUS_INVALID_ARGUMENT ||
          status == STATUS_RESOURCE_EXHAUSTED || status == STATUS_DATA_LOSS);
    CHECK(seen.bytes <= size);
    return 0;
}
