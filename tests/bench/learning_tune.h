/* Choosing the constants of bench_learning: a coordinate search over small
 * grids on the tuning seeds. */
#ifndef TESTS_BENCH_LEARNING_TUNE_H
#define TESTS_BENCH_LEARNING_TUNE_H

#include "tests/bench/learning_trial.h"

/* Print every step and the best values found. */
void tune_search(const struct world *worlds, size_t count);

#endif
