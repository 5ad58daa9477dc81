/* Ways to pick and to read ratings that the product does not have, to see what
 * each would be worth. */
#ifndef TESTS_BENCH_REPLAY_VARIANTS_H
#define TESTS_BENCH_REPLAY_VARIANTS_H

#include "tests/bench/replay_learner.h"

struct replay_variant {
    const char *name;
    struct replay_style style; /* its tuning is the default's, but: */
    double share_least;        /* benchmark_share_least; 0: as it is */
    bool by_text;              /* category by our classifier */
};

extern const struct replay_variant replay_variants[];
extern const size_t replay_variant_count;

#endif
