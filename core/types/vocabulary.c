/* The .def tables as arrays: a name by value is an index, a value by name a
 * walk over a few dozen rows. */
#include "core/types/vocabulary.h"

#include "core/base/check.h"

#include <string.h>

static const char *const category_names[] = {
#define CATEGORY(symbol, name, purpose) name,
#include "core/types/category.def"
#undef CATEGORY
};

static const char *const tier_names[] = {
#define TIER(symbol, name) name,
#include "core/types/tier.def"
#undef TIER
};

static const char *const capability_names[] = {
#define CAPABILITY(symbol, name) name,
#include "core/types/capability.def"
#undef CAPABILITY
};

static const char *const tag_names[] = {
#define TAG(symbol, name, rule) name,
#include "core/types/tag.def"
#undef TAG
};

static const char *const budget_names[] = {
#define BUDGET(symbol, name, lowest, highest) name,
#include "core/types/budget.def"
#undef BUDGET
};

static const struct {
    nusd_per_mtok lowest, highest;
} budget_bounds[] = {
#define BUDGET(symbol, name, lowest, highest) {lowest, highest},
#include "core/types/budget.def"
#undef BUDGET
};

static const char *const source_names[] = {
#define SOURCE(symbol, name, attribution) name,
#include "core/types/source.def"
#undef SOURCE
};

static const char *const source_attributions[] = {
#define SOURCE(symbol, name, attribution) attribution,
#include "core/types/source.def"
#undef SOURCE
};

static const char *const benchmark_names[] = {
#define BENCHMARK(symbol, name, source, lowest, highest, unit) name,
#include "core/types/benchmark.def"
#undef BENCHMARK
};

static const struct {
    enum source source;
    double lowest, highest;
    const char *unit;
} benchmark_rows[] = {
#define BENCHMARK(symbol, name, source, lowest, highest, unit)                 \
    {SOURCE_##source, lowest, highest, unit},
#include "core/types/benchmark.def"
#undef BENCHMARK
};

_Static_assert(CATEGORY_COUNT <= 32 && CAPABILITY_COUNT <= 32 &&
                   TAG_COUNT <= 32 && SOURCE_COUNT <= 32,
               "sets are uint32_t");

/* The index of the name, or count. */
static size_t
find(const char *const *names, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(slice_of(names[i]), name))
            return i;
    }
    return count;
}

static size_t
find_fold(const char *const *names, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq_fold(slice_of(names[i]), name))
            return i;
    }
    return count;
}

/* <set>_name and <set>_find over <set>_names. */
#define NAMED_SET(set, finder)                                                 \
    const char *set##_name(enum set value)                                     \
    {                                                                          \
        CHECK((size_t)value < ARRAY_LEN(set##_names));                         \
        return set##_names[value];                                             \
    }                                                                          \
                                                                               \
    bool set##_find(struct slice name, enum set *ret_value)                    \
    {                                                                          \
        size_t i = finder(set##_names, ARRAY_LEN(set##_names), name);          \
        if (i == ARRAY_LEN(set##_names))                                       \
            return false;                                                      \
        *ret_value = (enum set)i;                                              \
        return true;                                                           \
    }

NAMED_SET(category, find_fold)
NAMED_SET(budget, find_fold)
NAMED_SET(tier, find)
NAMED_SET(capability, find)
NAMED_SET(tag, find)
NAMED_SET(source, find)
NAMED_SET(benchmark, find)

const char *
source_attribution(enum source source)
{
    CHECK((size_t)source < SOURCE_COUNT);
    return source_attributions[source];
}

nusd_per_mtok
budget_lowest(enum budget budget)
{
    CHECK((size_t)budget < BUDGET_COUNT);
    return budget_bounds[budget].lowest;
}

nusd_per_mtok
budget_highest(enum budget budget)
{
    CHECK((size_t)budget < BUDGET_COUNT);
    return budget_bounds[budget].highest;
}

enum source
benchmark_source(enum benchmark benchmark)
{
    CHECK((size_t)benchmark < BENCHMARK_COUNT);
    return benchmark_rows[benchmark].source;
}

double
benchmark_lowest(enum benchmark benchmark)
{
    CHECK((size_t)benchmark < BENCHMARK_COUNT);
    return benchmark_rows[benchmark].lowest;
}

double
benchmark_highest(enum benchmark benchmark)
{
    CHECK((size_t)benchmark < BENCHMARK_COUNT);
    return benchmark_rows[benchmark].highest;
}

const char *
benchmark_unit(enum benchmark benchmark)
{
    CHECK((size_t)benchmark < BENCHMARK_COUNT);
    return benchmark_rows[benchmark].unit;
}
