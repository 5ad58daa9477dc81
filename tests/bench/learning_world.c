/* The simulated world; see learning_world.h and the head of bench_learning.c.
 *
 * Random numbers are hashes of what they are for, so that two ways of ranking
 * meet the same world and the same mood. Only + - * / and sqrt: the same world
 * on every machine. */
#include "tests/bench/learning_world.h"
#include "core/base/check.h"

#include <math.h>

#define WORLD_BYTES (16u << 20)
#define ARRIVING 0.1 /* of the models come later */

const struct world_manner world_manners[WORLD_MANNERS] = {
    {"usual", 1, 1, 4, 0, 0},
    {"8 candidates", 1, 1, 4, 0, 8},
    {"calm ratings (sd 0.5)", 1, 0.5, 4, 0, 0},
    {"benchmarks 1.5 x wrong", 1.5, 1, 4, 0, 0},
    {"tastes differ by 8", 1, 1, 4, 8, 0},
};

/* Variance components of data/catalog.json of 2026-07-22, in points, by the
 * method of moments over its candidates (variants left out): between models,
 * between the sources of one model, between one source's benchmarks of it. */
struct components {
    enum category category;
    double between, source, benchmark;
};

static const struct components COMPONENTS[] = {
    {CATEGORY_GENERAL, 18, 0, 8.7},      {CATEGORY_CODING, 15, 0, 14.5},
    {CATEGORY_REASONING, 15, 9.3, 10.3}, {CATEGORY_CREATIVE, 16, 8.6, 8.3},
    {CATEGORY_VISION, 16, 13.2, 0},
};

static const enum rater RATERS[WORLD_TENANTS] = {
    RATER_HONEST,  RATER_HONEST, RATER_HARSH,    RATER_GENEROUS, RATER_LAZY,
    RATER_HOSTILE, RATER_HONEST, RATER_HONEST,   RATER_HONEST,   RATER_HONEST,
    RATER_HOSTILE, RATER_HONEST, RATER_HONEST,   RATER_HONEST,   RATER_HONEST,
    RATER_LAZY,    RATER_LAZY,   RATER_GENEROUS, RATER_GENEROUS, RATER_HARSH,
};

uint64_t
world_hash(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + a;
    for (int i = 0; i < 3; i++) {
        state ^= state >> 31;
        state *= UINT64_C(0xbf58476d1ce4e5b9);
        state ^= state >> 27;
        state *= UINT64_C(0x94d049bb133111eb);
        state += i == 0 ? b : 0;
    }
    return state ^ state >> 31;
}

/* splitmix64 */
double
world_uniform(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) / (double)(UINT64_C(1) << 53);
}

double
world_normal(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += world_uniform(state);
    return sum - 6;
}

static double
rater_offset(enum rater rater, uint64_t *state)
{
    static const double offsets[] = {[RATER_HONEST] = 0,
                                     [RATER_LAZY] = 0,
                                     [RATER_HARSH] = -1,
                                     [RATER_GENEROUS] = 0.7,
                                     [RATER_HOSTILE] = 0};
    return offsets[rater] + 0.3 * world_normal(state);
}

enum rater
world_rater(uint64_t *state, double *ret_offset)
{
    enum rater rater = RATER_HOSTILE;
    while (rater == RATER_HOSTILE)
        rater = RATERS[(size_t)(world_uniform(state) * WORLD_TENANTS)];
    *ret_offset = rater_offset(rater, state);
    return rater;
}

static const struct components *
components_of(enum category category)
{
    for (size_t i = 0; i < ARRAY_LEN(COMPONENTS); i++)
        if (COMPONENTS[i].category == category)
            return &COMPONENTS[i];
    CHECK(false);
    return NULL;
}

/* --- models and their figures --------------------------------------------- */

/* A model under the name that its variants share. */
static uint64_t
model_seed(const struct world *world, const struct model *model,
           unsigned purpose)
{
    ptrdiff_t colon = slice_find(model->id, SLICE(":"));
    struct slice base =
        colon < 0 ? model->id : slice_cut(model->id, 0, (size_t)colon);
    uint64_t hash = 0;
    for (size_t i = 0; i < base.len; i++)
        hash = hash * 131 + (unsigned char)base.ptr[i];
    return world_hash(world->seed * 64 + world->category, hash, purpose);
}

/* How far a source with two benchmarks lies from what all sources mean:
 * variance, in points. */
static double
source_variance(const struct components *is, double error)
{
    return error * error *
           (is->source * is->source + is->benchmark * is->benchmark / 2);
}

/* What a model's figures say of the quality that all sources mean. */
static void
expect_quality(const struct components *is, double error,
               const struct belief *belief, double mean_variance[2])
{
    double sources = category_source_count(belief->sources);
    double between = is->between * is->between;
    double kept = between / (between + source_variance(is, error) / sources);
    mean_variance[0] = 50 + kept * (belief->raw - 50);
    mean_variance[1] = between * (1 - kept);
}

void
world_expect(const struct world *world, const struct belief *belief,
             double *ret_mean, double *ret_variance)
{
    const struct components *is = components_of(world->category);
    double error = world->manner->benchmark_error;
    double quality[2];
    expect_quality(is, error, belief, quality);
    *ret_mean = quality[0];
    *ret_variance = quality[1] + source_variance(is, error) +
                    world->manner->taste * world->manner->taste;
}

/* Drawn from what the real figures leave open. */
static double
draw_quality(const struct world *world, const struct model *model,
             const struct belief *belief)
{
    uint64_t state = model_seed(world, model, 1);
    double quality[2];
    expect_quality(components_of(world->category), 1, belief, quality);
    return quality[0] + sqrt(quality[1]) * world_normal(&state);
}

static double
draw_points(const struct world *world, const struct model *model,
            enum benchmark benchmark, double quality)
{
    const struct components *is = components_of(world->category);
    unsigned source = benchmark_source(benchmark);
    uint64_t shared = model_seed(world, model, 100 + source);
    uint64_t own = model_seed(world, model, 200 + benchmark);
    return quality + world->manner->benchmark_error *
                         (is->source * world_normal(&shared) +
                          is->benchmark * world_normal(&own));
}

static void
draw_figures(struct world *world, const struct normals *normals, size_t at,
             double quality)
{
    struct model *model = &world->models[at];
    struct figure *figures =
        ARENA_ARRAY(world->arena, struct figure, model->figure_count);
    CHECK(figures != NULL);
    for (size_t i = 0; i < model->figure_count; i++) {
        enum benchmark benchmark = model->figures[i].benchmark;
        const struct normal *normal = &normals->benchmarks[benchmark];
        double points = draw_points(world, model, benchmark, quality);
        double value = normal->mean + normal->deviation * (points - 50) / 20;
        figures[i] = model->figures[i];
        figures[i].value = fmin(fmax(value, benchmark_lowest(benchmark)),
                                benchmark_highest(benchmark));
    }
    model->figures = figures;
}

/* What raters find: as far from the common quality as one more source with
 * two benchmarks would be. */
static double
draw_truth(const struct world *world, const struct model *model, double quality)
{
    const struct components *is = components_of(world->category);
    uint64_t state = model_seed(world, model, 2);
    double off = sqrt(source_variance(is, world->manner->benchmark_error));
    return fmin(fmax(quality + off * world_normal(&state), 0), 100);
}

/* Whether a caller with few models has this one: those above average, by
 * lot. */
static bool
is_chosen(const struct world *world, const struct model *model, double quality)
{
    uint64_t state = model_seed(world, model, 8);
    double chance = world->manner->choice / 100; /* of about 100 */
    return world->manner->choice <= 0 ||
           (quality > 50 && world_uniform(&state) < chance);
}

static void
add_arm(struct world *world, size_t at, double quality)
{
    const struct model *model = &world->catalog.models[at];
    uint64_t state = model_seed(world, model, 3);
    if (!is_chosen(world, model, quality) ||
        model->standing != MODEL_CANDIDATE ||
        slice_find(model->id, SLICE(":")) >= 0)
        return;
    bool is_new = world_uniform(&state) < ARRIVING;
    world->arms[world->arm_count++] = (struct arm){
        .model = (uint32_t)at,
        .truth = draw_truth(world, model, quality),
        .arrives = is_new ? (int32_t)(world_uniform(&state) * WORLD_DAYS) : 0,
        .drifts = WORLD_NEVER,
    };
}

/* The best model of the first day gets worse. */
static void
let_drift(struct world *world)
{
    struct arm *best = NULL;
    for (size_t i = 0; i < world->arm_count; i++)
        if (world->arms[i].arrives == 0 &&
            (best == NULL || world->arms[i].truth > best->truth))
            best = &world->arms[i];
    CHECK(best != NULL);
    best->drifts = WORLD_DRIFT_DAY;
    best->drop = WORLD_DRIFT_POINTS;
}

void
world_make(const struct catalog *real, uint64_t seed, enum category category,
           const struct world_manner *manner, struct world *ret_world)
{
    struct world world = {.seed = seed,
                          .category = category,
                          .manner = manner,
                          .catalog = *real,
                          .arena = arena_new(WORLD_BYTES)};
    struct normals normals;
    normalize_catalog(real, &tuning_default, &normals);
    CHECK(world.arena != NULL);
    world.models = ARENA_ARRAY(world.arena, struct model, real->count);
    world.catalog.models = world.models;
    world.arms = ARENA_ARRAY(world.arena, struct arm, real->count);
    CHECK(world.models != NULL && world.arms != NULL);
    for (size_t m = 0; m < real->count; m++) {
        struct belief beliefs[CATEGORY_COUNT];
        world.models[m] = real->models[m];
        category_beliefs(&normals, &real->models[m], 0, beliefs);
        if (!beliefs[category].present)
            continue;
        double quality =
            draw_quality(&world, &real->models[m], &beliefs[category]);
        draw_figures(&world, &normals, m, quality);
        add_arm(&world, m, quality);
    }
    let_drift(&world);
    for (size_t t = 0; t < WORLD_TENANTS; t++) {
        uint64_t state = world_hash(seed * 64 + category, t, 4);
        world.raters[t] = RATERS[t];
        world.offsets[t] = rater_offset(RATERS[t], &state);
    }
    *ret_world = world;
}

void
world_free(struct world *world)
{
    arena_free(&world->arena);
}

/* --- raters --------------------------------------------------------------- */

double
world_truth(const struct world *world, size_t arm, size_t tenant, int32_t day)
{
    const struct arm *is = &world->arms[arm];
    double truth = is->truth - (day >= is->drifts ? is->drop : 0);
    if (world->manner->taste > 0) {
        uint64_t state = world_hash(world->seed * 64 + world->category,
                                    arm * WORLD_TENANTS + tenant, 5);
        truth += world->manner->taste * world_normal(&state);
    }
    return fmin(fmax(truth, 0), 100);
}

double
world_best(const struct world *world, size_t tenant, int32_t day)
{
    double best = 0;
    for (size_t i = 0; i < world->arm_count; i++)
        if (world->arms[i].arrives <= day)
            best = fmax(best, world_truth(world, i, tenant, day));
    return best;
}

uint8_t
world_stars_of(const struct world *world, double points, enum rater rater,
               double offset, uint64_t *state)
{
    double slope = world->manner->stars_per_100;
    double stars = 4 + slope * (points - 75) / 100 + offset +
                   world->manner->stars_noise * world_normal(state);
    if (rater == RATER_LAZY)
        return 4;
    if (rater == RATER_HOSTILE)
        return 1;
    return (uint8_t)fmin(fmax(floor(stars + 0.5), 1), 5);
}

uint8_t
world_stars(const struct world *world, size_t arm, size_t tenant, int32_t day,
            uint32_t nth)
{
    uint64_t state =
        world_hash(world->seed * 64 + world->category, tenant * 65536 + nth, 6);
    return world_stars_of(world, world_truth(world, arm, tenant, day),
                          world->raters[tenant], world->offsets[tenant],
                          &state);
}
