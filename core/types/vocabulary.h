/* The words of the field as closed sets: categories, budgets, tiers,
 * capabilities, tags, sources, benchmarks.
 *
 * Each set is one .def table beside this file; here the tables become enums
 * and the functions that turn a name into a value and back. A set of
 * capabilities, tags, categories or sources is a uint32_t of BIT(value). */
#ifndef CORE_TYPES_VOCABULARY_H
#define CORE_TYPES_VOCABULARY_H

#include "core/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define BIT(value) (UINT32_C(1) << (value))

/* Price in 1e-9 USD per 1,000,000 tokens: exact for every price in use, up to
 * 9.2e9 USD. */
typedef int64_t nusd_per_mtok;
#define PRICE_SCALE 9 /* decimals of nusd_per_mtok, for text_decimal */
#define PRICE_UNBOUNDED INT64_MAX
#define PRICE_USD INT64_C(1000000000) /* one USD per 1 M tokens */

enum category {
#define CATEGORY(symbol, name, purpose) CATEGORY_##symbol,
#include "core/types/category.def"
#undef CATEGORY
    CATEGORY_COUNT
};

enum budget {
#define BUDGET(symbol, name, lowest, highest) BUDGET_##symbol,
#include "core/types/budget.def"
#undef BUDGET
    BUDGET_COUNT
};

enum tier {
#define TIER(symbol, name) TIER_##symbol,
#include "core/types/tier.def"
#undef TIER
    TIER_COUNT
};

enum capability {
#define CAPABILITY(symbol, name) CAPABILITY_##symbol,
#include "core/types/capability.def"
#undef CAPABILITY
    CAPABILITY_COUNT
};

enum tag {
#define TAG(symbol, name, rule) TAG_##symbol,
#include "core/types/tag.def"
#undef TAG
    TAG_COUNT
};

enum source {
#define SOURCE(symbol, name, attribution) SOURCE_##symbol,
#include "core/types/source.def"
#undef SOURCE
    SOURCE_COUNT
};

enum benchmark {
#define BENCHMARK(symbol, name, source, lowest, highest, unit)                 \
    BENCHMARK_##symbol,
#include "core/types/benchmark.def"
#undef BENCHMARK
    BENCHMARK_COUNT
};

/* Names as clients see them, static storage. The value must be in range. */
const char *category_name(enum category category);
const char *budget_name(enum budget budget);
const char *tier_name(enum tier tier);
const char *capability_name(enum capability capability);
const char *tag_name(enum tag tag);
const char *source_name(enum source source);
const char *source_attribution(enum source source);
const char *benchmark_name(enum benchmark benchmark);

/* A name as a value; false when there is none. Categories and budgets ignore
 * ASCII case, the rest is exact. */
bool category_find(struct slice name, enum category *ret_category);
bool budget_find(struct slice name, enum budget *ret_budget);
bool tier_find(struct slice name, enum tier *ret_tier);
bool capability_find(struct slice name, enum capability *ret_capability);
bool tag_find(struct slice name, enum tag *ret_tag);
bool source_find(struct slice name, enum source *ret_source);
bool benchmark_find(struct slice name, enum benchmark *ret_benchmark);

/* Prompt price bounds of a budget, both included. */
nusd_per_mtok budget_lowest(enum budget budget);
nusd_per_mtok budget_highest(enum budget budget); /* or PRICE_UNBOUNDED */

enum source benchmark_source(enum benchmark benchmark);
double benchmark_lowest(enum benchmark benchmark);
double benchmark_highest(enum benchmark benchmark);
const char *benchmark_unit(enum benchmark benchmark);

#endif
