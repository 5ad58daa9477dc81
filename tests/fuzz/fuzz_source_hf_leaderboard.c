/* Attacks the adapter of the Open LLM Leaderboard with any bytes.
 * links: ingest
 * options: -max_len=2048 */
#include "tests/fuzz/source_check.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct source_input input = {.bytes = fuzz_slice(data, size),
                                       .companion = SLICE(""),
                                       .day = SOURCE_CHECK_DAY};
    source_check(source_hf_leaderboard, &input);
    return 0;
}
