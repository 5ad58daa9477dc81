/* The table of adapters, one row a source. */
#include "ingest/source.h"

#include "core/base/check.h"

static const source_fn adapters[SOURCE_COUNT] = {
    [SOURCE_OPENROUTER] = source_openrouter,
    [SOURCE_ARTIFICIAL_ANALYSIS] = source_artificial_analysis,
    [SOURCE_HF_LEADERBOARD] = source_hf_leaderboard,
    [SOURCE_LMARENA] = source_lmarena,
    [SOURCE_LIVEBENCH] = source_livebench,
};

source_fn
source_adapter(enum source source)
{
    CHECK(source < SOURCE_COUNT);
    return adapters[source];
}
