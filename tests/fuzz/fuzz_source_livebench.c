/* Attacks the adapter of LiveBench with any bytes: the categories, a NUL, the
 * table.
 * links: ingest
 * options: -max_len=2048 */
#include "tests/fuzz/source_check.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice table = fuzz_slice(data, size);
    struct slice categories = SLICE("");
    ptrdiff_t end = slice_find(table, slice_make("", 1));
    if (end >= 0) {
        categories = slice_cut(table, 0, (size_t)end);
        table = slice_cut(table, (size_t)end + 1, size);
    }
    const struct source_input input = {
        .bytes = table, .companion = categories, .day = SOURCE_CHECK_DAY};
    source_check(source_livebench, &input);
    return 0;
}
