/* Normalisation: raw figures of every scale as points from 0 to 100.
 *
 * points = 50 + 20 * (value - mean) / deviation, clamped; mean and standard
 * deviation (of the population: divided by n) run over all models that have
 * the figure. Counted once: a variant ("id:free") that carries its base's
 * figure, another name ("~id") and routers are no models of their own here.
 * Higher is better for every benchmark. */
#ifndef SCORER_NORMALIZE_H
#define SCORER_NORMALIZE_H

#include "core/types/catalog.h"
#include "scorer/tuning.h"

#include <stdbool.h>
#include <stdint.h>

/* How the values of one benchmark lie. */
struct normal {
    double mean;      /* in the benchmark's unit */
    double deviation; /* standard deviation, same unit */
    uint32_t count;   /* values */
    bool used;        /* count >= 5 and some spread; else it scores nothing */
};

struct normals {
    const struct tuning *tuning; /* borrowed */
    struct normal benchmarks[BENCHMARK_COUNT];
    struct normal speed; /* output tokens per second */
    uint32_t refused;    /* figures not finite or outside their bounds */
};

/* Look at every figure of the catalog. Cost: two passes over the figures. */
void normalize_catalog(const struct catalog *catalog,
                       const struct tuning *tuning,
                       struct normals *ret_normals);

/* A figure as points and its spread (half-range) in points too. False when
 * the model has none, its benchmark is unused or the value is refused. */
bool normalize_figure(const struct normals *normals, const struct model *model,
                      enum benchmark benchmark, double *ret_points,
                      double *ret_spread);
/* The model's output speed as points; false when unknown or unused. */
bool normalize_speed(const struct normals *normals, const struct model *model,
                     double *ret_points);

#endif
