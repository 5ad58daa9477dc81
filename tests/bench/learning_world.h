/* The simulated world of bench_learning: models whose quality is known, what
 * benchmarks say of them, and people who rate. bench_learning.c says what is
 * assumed. Everything is a function of seed and category. */
#ifndef TESTS_BENCH_LEARNING_WORLD_H
#define TESTS_BENCH_LEARNING_WORLD_H

#include "core/types/catalog.h"
#include "scorer/category.h"

#define WORLD_DAYS 250
#define WORLD_TENANTS 20
#define WORLD_FOCAL 5         /* the first ones: whose regret is told */
#define WORLD_FOCAL_RATINGS 4 /* of each of them, a day */
#define WORLD_DRIFT_DAY 125
#define WORLD_DRIFT_POINTS 20
#define WORLD_NEVER INT32_MAX

enum rater {
    RATER_HONEST,
    RATER_LAZY, /* everything a 4 */
    RATER_HARSH,
    RATER_GENEROUS,
    RATER_HOSTILE,
};

/* What may be otherwise; world_usual is the world that is judged. */
struct world_manner {
    const char *name;
    double benchmark_error; /* times the measured one */
    double stars_noise;     /* standard deviation of one rating */
    double stars_per_100;   /* how much 100 points differ in stars */
    double taste;           /* points: deviation of one rater's truth */
    double choice;          /* about so many candidates; 0: all there are */
};

#define WORLD_MANNERS 5
/* The first is the usual one, which is judged. */
extern const struct world_manner world_manners[WORLD_MANNERS];

struct arm {
    uint32_t model; /* in the catalog */
    double truth;   /* points, before it drifts */
    int32_t arrives, drifts;
    double drop; /* points, from the day `drifts` on */
};

struct world {
    uint64_t seed;
    enum category category;
    const struct world_manner *manner;
    struct catalog catalog; /* the real one's ids, other figures */
    struct arena *arena;    /* owned */
    struct model *models;   /* of the catalog */
    struct arm *arms;
    size_t arm_count;
    enum rater raters[WORLD_TENANTS];
    double offsets[WORLD_TENANTS]; /* stars above or below what is meant */
};

/* A random number that depends on nothing but its names. */
uint64_t world_hash(uint64_t seed, uint64_t a, uint64_t b);
double world_uniform(uint64_t *state); /* in 0..1, moves the state */
double world_normal(uint64_t *state);  /* the sum of twelve uniforms - 6 */

/* The category's figures are drawn anew over the real catalog, which is only
 * read and must outlive the world. */
void world_make(const struct catalog *real, uint64_t seed,
                enum category category, const struct world_manner *manner,
                struct world *ret_world);
void world_free(struct world *world);
/* What one who knows how the world was made expects of a model with this
 * belief before anyone rated it: mean and variance in points. */
void world_expect(const struct world *world, const struct belief *belief,
                  double *ret_mean, double *ret_variance);
/* Points, on that day, as this tenant finds it. */
double
world_truth(const struct world *world, size_t arm, size_t tenant, int32_t day);
/* The best that is there for the tenant on that day, in points. */
double world_best(const struct world *world, size_t tenant, int32_t day);
/* The stars that the tenant gives in its nth rating, the same whichever way
 * it came to the arm. */
uint8_t world_stars(const struct world *world, size_t arm, size_t tenant,
                    int32_t day, uint32_t nth);
/* The stars of a rater for so many points, with the state's noise. */
uint8_t world_stars_of(const struct world *world, double points,
                       enum rater rater, double offset, uint64_t *state);
/* A rater of each kind but hostile, as often as in the world. */
enum rater world_rater(uint64_t *state, double *ret_offset);

#endif
