/* Attacks the adapter of Artificial Analysis with any bytes.
 * links: ingest
 * Whatever comes in, the call ends with a status, what it counted adds up and
 * every figure it gives is within its benchmark's bounds. */
#include "core/base/check.h"
#include "ingest/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source_input input = {.bytes = slice_make((const char *)data, size),
                                 .companion = SLICE(""),
                                 .day = 20000};
    struct arena *arena = arena_new(RECORD_BYTES_MAX);
    struct record_set set;

    CHECK(arena != NULL);
    record_set_init(&set, arena);
    if (source_artificial_analysis(&input, &set) == STATUS_OK)
        CHECK(set.count > 0);
    CHECK(set.count + set.rows_refused <= set.rows_seen);
    for (size_t i = 0; i < set.count; i++) {
        const struct record *record = &set.records[i];

        CHECK(record_name_is_valid(record->name));
        for (size_t r = 0; r < record->reading_count; r++) {
            const struct reading *reading = &record->readings[r];

            CHECK(reading->value >= benchmark_lowest(reading->benchmark));
            CHECK(reading->value <= benchmark_highest(reading->benchmark));
        }
    }
    arena_free(&arena);
    return 0;
}
