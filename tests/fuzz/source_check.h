/* What must hold of whatever an adapter made of any bytes: the call ends with
 * a status and a reason that can be shown, what it counted adds up, texts are
 * texts and every figure is within its benchmark's bounds. */
#ifndef TESTS_FUZZ_SOURCE_CHECK_H
#define TESTS_FUZZ_SOURCE_CHECK_H

#include "core/base/text.h"
#include "ingest/source.h"
#include "tests/fuzz/fuzz.h"

#define SOURCE_CHECK_DAY 20000

static inline void
source_check_set(enum status status, const struct record_set *set)
{
    struct slice reason = slice_of(set->reason);
    CHECK(status != STATUS_OK || set->count + set->rows_passed > 0);
    CHECK(status == STATUS_OK || reason.len > 0);
    CHECK(text_is_utf8(reason) && !text_has_control(reason, ""));
    CHECK(set->count + set->rows_refused + set->rows_passed <= set->rows_seen);
    CHECK(set->count == 0 || set->figures <= set->count * BENCHMARK_COUNT);
    for (size_t i = 0; i < set->count; i++) {
        const struct record *record = &set->records[i];
        CHECK(record_name_is_valid(record->name));
        CHECK(text_is_utf8(record->name) && text_is_utf8(record->slug));
        CHECK(text_is_utf8(record->vendor));
        for (size_t r = 0; r < record->reading_count; r++) {
            const struct reading *reading = &record->readings[r];
            CHECK(reading->value >= benchmark_lowest(reading->benchmark));
            CHECK(reading->value <= benchmark_highest(reading->benchmark));
        }
    }
}

static inline void
source_check(source_fn adapter, const struct source_input *input)
{
    static struct arena *kept;
    struct record_set set;
    record_set_init(&set, fuzz_arena(&kept, RECORD_BYTES_MAX));
    enum status status = adapter(input, &set);
    CHECK(status == STATUS_OK || status == STATUS_INVALID_ARGUMENT ||
          status == STATUS_FAILED_PRECONDITION || status == STATUS_DATA_LOSS ||
          status == STATUS_RESOURCE_EXHAUSTED);
    source_check_set(status, &set);
    if (status == STATUS_OK && record_set_verdict_whole(&set) == STATUS_OK)
        CHECK(set.count > 0);
}

#endif
