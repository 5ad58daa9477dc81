/* Trials; see learning_trial.h. */
#include "tests/bench/learning_trial.h"
#include "core/base/check.h"

#include <math.h>
#include <stdlib.h>

#define BACKGROUND_CHANCE 0.5 /* of a rating a day, of those not focal */
#define NOTICE_DAY 60
#define NOTICE_POINTS 25

const uint32_t trial_marks[TRIAL_MARKS] = {50, 200, 1000};
const char *const trial_bucket_names[TRIAL_BUCKETS] = {
    "none", "1-2", "3-9", "10-29", "30+", "picked"};

/* What is going on in one world. */
struct course {
    const struct world *world;
    struct learner *learner;
    struct trial *trial;
    uint32_t given[WORLD_TENANTS];
    double regret[WORLD_FOCAL];
    double best[WORLD_FOCAL]; /* today */
};

static size_t
bucket_of(size_t ratings)
{
    static const size_t from[] = {1, 3, 10, 30};
    size_t bucket = 0;
    while (bucket < ARRAY_LEN(from) && ratings >= from[bucket])
        bucket++;
    return bucket;
}

static void
note_interval(struct course *course, size_t tenant, size_t arm, size_t bucket)
{
    const struct score *score = learner_score(course->learner, tenant, arm);
    double truth = world_truth(course->world, arm, tenant, 0);
    if (!score->present)
        return;
    course->trial->seen[bucket]++;
    course->trial->inside[bucket] +=
        truth >= score->low && truth <= score->high;
}

/* Only models that have not drifted: what drift does is told by itself. */
static void
note_intervals(struct course *course, int32_t day)
{
    for (size_t t = 0; t < WORLD_FOCAL; t++) {
        note_interval(course, t, learner_pick(course->learner, t),
                      TRIAL_PICKED);
        for (size_t i = 0; i < course->world->arm_count; i++)
            if (course->world->arms[i].arrives <= day &&
                course->world->arms[i].drifts > day)
                note_interval(
                    course, t, i,
                    bucket_of(learner_ratings(course->learner, t, i)));
    }
}

static size_t
rate_once(struct course *course, size_t tenant, int32_t day)
{
    size_t arm = learner_pick(course->learner, tenant);
    uint32_t nth = course->given[tenant]++;
    learner_rate(course->learner, tenant, arm,
                 world_stars(course->world, arm, tenant, day, nth));
    return arm;
}

static void
note_mark(struct course *course)
{
    for (size_t m = 0; m < TRIAL_MARKS; m++) {
        if (course->given[0] != trial_marks[m])
            continue;
        course->trial->regret[m] = 0;
        for (size_t t = 0; t < WORLD_FOCAL; t++)
            course->trial->regret[m] += course->regret[t] / WORLD_FOCAL;
    }
}

static void
rate_of_background(struct course *course, int32_t day)
{
    for (size_t t = WORLD_FOCAL; t < WORLD_TENANTS; t++) {
        uint64_t state = world_hash(course->world->seed, t * 4096 + day, 7);
        if (world_uniform(&state) < BACKGROUND_CHANCE)
            (void)rate_once(course, t, day);
    }
}

static void
live_a_day(struct course *course, int32_t day, uint32_t until)
{
    learner_begin_day(course->learner, day);
    for (size_t t = 0; t < WORLD_FOCAL; t++)
        course->best[t] = world_best(course->world, t, day);
    for (int i = 0; i < WORLD_FOCAL_RATINGS && course->given[0] < until; i++) {
        for (size_t t = 0; t < WORLD_FOCAL; t++) {
            size_t arm = rate_once(course, t, day);
            course->regret[t] +=
                course->best[t] - world_truth(course->world, arm, t, day);
        }
        note_mark(course);
    }
    rate_of_background(course, day);
}

void
trial_run(const struct world *world, const struct rule *rule, size_t marks,
          struct trial *ret_trial)
{
    struct trial trial = {0};
    struct course course = {
        .world = world, .learner = learner_new(world, rule), .trial = &trial};
    uint32_t until = trial_marks[marks - 1];
    for (int32_t day = 0; course.given[0] < until; day++) {
        live_a_day(&course, day, until);
        if (day == 12 || day == 49 || day == 119)
            note_intervals(&course, day);
    }
    trial.least_share = learner_least_share(course.learner);
    learner_free(&course.learner);
    *ret_trial = trial;
}

/* The regret of always picking the arm, up to the mark, mean of tenants. */
static double
constant_regret(const struct world *world, size_t arm, uint32_t mark)
{
    double regret = 0;
    for (uint32_t n = 0; n < mark; n++)
        for (size_t t = 0; t < WORLD_FOCAL; t++)
            regret -=
                world_truth(world, arm, t, (int32_t)(n / WORLD_FOCAL_RATINGS)) /
                WORLD_FOCAL;
    return regret;
}

void
trial_constant(const struct world *world, double ret_regret[TRIAL_MARKS])
{
    for (size_t m = 0; m < TRIAL_MARKS; m++) {
        double least = INFINITY;
        double best = 0;
        for (size_t i = 0; i < world->arm_count; i++)
            if (world->arms[i].arrives == 0)
                least = fmin(least, constant_regret(world, i, trial_marks[m]));
        for (uint32_t n = 0; n < trial_marks[m]; n++)
            for (size_t t = 0; t < WORLD_FOCAL; t++)
                best +=
                    world_best(world, t, (int32_t)(n / WORLD_FOCAL_RATINGS)) /
                    WORLD_FOCAL;
        ret_regret[m] = best + least;
    }
}

static size_t
favourite(const struct course *course, const size_t *counts)
{
    size_t best = 0;
    for (size_t i = 1; i < course->world->arm_count; i++)
        if (counts[i] > counts[best])
            best = i;
    return best;
}

double
trial_notice(struct world *world, const struct rule *rule)
{
    struct trial trial = {0};
    struct course course = {
        .world = world, .learner = learner_new(world, rule), .trial = &trial};
    size_t *counts = calloc(world->arm_count, sizeof *counts);
    CHECK(counts != NULL);
    for (int32_t day = 0; day < NOTICE_DAY; day++) {
        live_a_day(&course, day, UINT32_MAX);
        if (day >= NOTICE_DAY - 10)
            counts[learner_pick(course.learner, 0)]++;
    }
    size_t arm = favourite(&course, counts);
    struct arm before = world->arms[arm];
    world->arms[arm].drifts = NOTICE_DAY;
    world->arms[arm].drop = NOTICE_POINTS;
    size_t old = learner_ratings(course.learner, 0, arm);
    int32_t last = NOTICE_DAY + TRIAL_PATIENCE / WORLD_FOCAL_RATINGS;
    for (int32_t day = NOTICE_DAY; day < last; day++)
        live_a_day(&course, day, UINT32_MAX);
    double spent = (double)(learner_ratings(course.learner, 0, arm) - old);
    world->arms[arm] = before;
    learner_free(&course.learner);
    free(counts);
    return spent;
}
