/* Attacks the adapter of LMArena with any bytes; what ends with a line feed is
 * the vision board.
 * links: ingest
 * options: -max_len=2048 */
#include "tests/fuzz/source_check.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct source_input input = {.bytes = fuzz_slice(data, size),
                                       .companion = SLICE(""),
                                       .day = SOURCE_CHECK_DAY,
                                       .is_vision =
                                           size > 0 && data[size - 1] == '\n'};
    source_check(source_lmarena, &input);
    return 0;
}
