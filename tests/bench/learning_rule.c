/* The learner; see learning_rule.h.
 *
 * Ratings are kept one by one and folded again by the real fold whenever
 * something changed: the rated cell at once, all cells of a tenant at its
 * first pick of a day (weights and baseline move with the day), community
 * cells at the beginning of a day. */
#include "tests/bench/learning_rule.h"
#include "core/base/check.h"
#include "feedback/community.h"
#include "feedback/decay.h"
#include "feedback/personal.h"
#include "scorer/blend.h"

#include <math.h>
#include <stdlib.h>

#define FIRST_DAY 20653 /* a Monday in 2026 */
#define SCRATCH_BYTES (4u << 20)
#define FIXED_PERSONAL_FROM 3
#define FIXED_COMMUNITY_FROM 10
#define FIXED_YES_FROM 3 /* stars */

/* What one tenant thinks of one arm. */
struct opinion {
    struct rating *ratings; /* owned */
    size_t count, capacity;
    size_t yes;
    double stars;  /* sum */
    size_t meant;  /* ratings that mean something */
    double points; /* sum of what they mean, the habit taken off */
    struct score score;
};

struct tenant {
    struct opinion *opinions; /* [arm] */
    uint64_t stars, ratings;  /* of days before today */
    uint64_t stars_today, ratings_today;
    int32_t day; /* for which its table is made */
};

/* What all have reported on one arm. */
struct crowd {
    struct community_vote *votes; /* owned */
    size_t count, capacity;
    uint64_t stars, ratings;
    double points; /* as in an opinion */
    size_t meant;  /* ratings in it */
    struct community_cell cell;
    bool changed;
    int32_t day; /* when it was folded last */
};

struct learner {
    const struct world *world;
    const struct rule *rule;
    struct belief *beliefs; /* [arm] */
    struct tenant tenants[WORLD_TENANTS];
    struct crowd *crowds; /* [arm] */
    struct arena *scratch;
    int32_t day;
    double least_share;
};

static const char NAMES[WORLD_TENANTS] = "abcdefghijklmnopqrst";

struct rule
rule_ours(void)
{
    return (struct rule){.name = "ours",
                         .way = RULE_OURS,
                         .tuning = tuning_default,
                         .pseudo_ratings = FOLD_baseline_pseudo_ratings};
}

struct rule
rule_fixed(bool raw)
{
    return (struct rule){.name = raw ? "fixed 70/30" : "fixed, our benchmarks",
                         .way = RULE_FIXED,
                         .raw = raw,
                         .tuning = tuning_default};
}

struct rule
rule_benchmarks(void)
{
    return (struct rule){.name = "benchmarks alone",
                         .way = RULE_BENCHMARKS,
                         .tuning = tuning_default};
}

struct rule
rule_knowing(bool everybody)
{
    return (struct rule){.name = everybody ? "all-knowing, all ratings"
                                           : "all-knowing, own ratings",
                         .way = RULE_KNOWING,
                         .tuning = tuning_default,
                         .everybody = everybody};
}

double
rule_fixed_score(double benchmark, double personal, double community)
{
    if (personal >= 0 && community >= 0)
        return 0.5 * benchmark + 25 * personal + 25 * community;
    if (personal >= 0)
        return 0.7 * benchmark + 30 * personal;
    if (community >= 0)
        return 0.7 * benchmark + 30 * community;
    return benchmark;
}

static void *
grown(void *items, size_t *capacity, size_t size)
{
    *capacity = *capacity ? 2 * *capacity : 8;
    void *more = realloc(items, *capacity * size);
    CHECK(more != NULL);
    return more;
}

static void *
zeroed(size_t count, size_t size)
{
    void *items = calloc(count, size);
    CHECK(items != NULL);
    return items;
}

/* --- scores --------------------------------------------------------------- */

static double
baseline(const struct learner *learner, const struct tenant *tenant)
{
    double pseudo = learner->rule->pseudo_ratings;
    if (pseudo == FOLD_baseline_pseudo_ratings)
        return personal_baseline(tenant->stars, tenant->ratings);
    return ((double)tenant->stars + FOLD_baseline_stars * pseudo) /
           ((double)tenant->ratings + pseudo);
}

/* How much more than benchmarks promise the tenant gives in all its ratings,
 * in stars, shrunk toward nothing. */
static double
surplus(const struct learner *learner, const struct tenant *tenant)
{
    double sum = 0;
    double count = learner->rule->surplus_pseudo_ratings;
    for (size_t i = 0; i < learner->world->arm_count; i++) {
        const struct opinion *opinion = &tenant->opinions[i];
        double promised = 1 + 4 * learner->beliefs[i].mean / 100;
        sum += opinion->stars - promised * (double)opinion->count;
        count += (double)opinion->count;
    }
    return sum / count;
}

static enum status
fold_own(const struct learner *learner, const struct tenant *tenant, size_t arm,
         struct personal_cell *cell)
{
    const struct opinion *opinion = &tenant->opinions[arm];
    size_t newest = learner->rule->newest;
    size_t skip =
        newest > 0 && opinion->count > newest ? opinion->count - newest : 0;
    double base = baseline(learner, tenant);
    enum status status =
        personal_fold(opinion->ratings + skip, opinion->count - skip, base,
                      FIRST_DAY + learner->day, cell);
    if (learner->rule->surplus_pseudo_ratings <= 0)
        return status;
    double stars = 4 * cell->shift + base;
    double mean = (stars - 1 - surplus(learner, tenant)) / 4;
    cell->shift = fmin(fmax(mean, 0), 1) - learner->beliefs[arm].mean / 100;
    return status;
}

static struct score
ours(struct learner *learner, const struct tenant *tenant, size_t arm)
{
    const struct opinion *opinion = &tenant->opinions[arm];
    const struct community_cell *crowd = &learner->crowds[arm].cell;
    struct blend_evidence evidence = {.community_mass = crowd->mass,
                                      .community_mean = crowd->mean};
    struct personal_cell own = {0};
    if (opinion->count > 0)
        CHECK(fold_own(learner, tenant, arm, &own) == STATUS_OK);
    evidence.personal_mass = own.mass;
    evidence.personal_shift = own.shift;
    return blend(&learner->rule->tuning, &learner->beliefs[arm], &evidence);
}

static struct score
fixed(const struct learner *learner, const struct tenant *tenant, size_t arm)
{
    const struct opinion *opinion = &tenant->opinions[arm];
    const struct belief *belief = &learner->beliefs[arm];
    double personal = opinion->count >= FIXED_PERSONAL_FROM
                          ? (double)opinion->yes / (double)opinion->count
                          : -1;
    double community = learner->crowds[arm].cell.mean; /* -1: too few */
    double benchmark = learner->rule->raw ? belief->raw : belief->mean;
    if (!belief->present)
        benchmark = 50;
    return (struct score){.present = true,
                          .mean =
                              rule_fixed_score(benchmark, personal, community),
                          .benchmark_share = 1};
}

static bool
is_meant(const struct learner *learner, size_t tenant)
{
    enum rater rater = learner->world->raters[tenant];
    return rater != RATER_LAZY && rater != RATER_HOSTILE;
}

/* The normal posterior. */
static struct score
knowing(const struct learner *learner, const struct tenant *tenant, size_t arm)
{
    const struct opinion *opinion = &tenant->opinions[arm];
    const struct crowd *crowd = &learner->crowds[arm];
    const struct world_manner *manner = learner->world->manner;
    bool is_own = !learner->rule->everybody;
    double noise = manner->stars_noise * 100 / manner->stars_per_100;
    double precision = 1 / (noise * noise);
    double mean;
    double variance;
    world_expect(learner->world, &learner->beliefs[arm], &mean, &variance);
    double count = (double)(is_own ? opinion->meant : crowd->meant);
    double points = is_own ? opinion->points : crowd->points;
    double sum = mean / variance + points * precision;
    double all = 1 / variance + count * precision;
    return (struct score){.present = learner->beliefs[arm].present,
                          .mean = sum / all + (is_own ? 0.5 : 1) / sqrt(all),
                          .benchmark_share = 1};
}

static void
rescore(struct learner *learner, struct tenant *tenant, size_t arm)
{
    struct score *score = &tenant->opinions[arm].score;
    if (learner->rule->way == RULE_FIXED) {
        *score = fixed(learner, tenant, arm);
    } else if (learner->rule->way == RULE_KNOWING) {
        *score = knowing(learner, tenant, arm);
    } else if (learner->rule->way == RULE_OURS) {
        *score = ours(learner, tenant, arm);
    } else {
        struct blend_evidence none = {0};
        *score = blend(&learner->rule->tuning, &learner->beliefs[arm], &none);
    }
    if (score->benchmark_share < learner->least_share)
        learner->least_share = score->benchmark_share;
}

/* --- days ----------------------------------------------------------------- */

static void
fold_crowd(struct learner *learner, struct crowd *crowd)
{
    crowd->changed = false;
    crowd->day = learner->day;
    if (learner->rule->way == RULE_FIXED) {
        crowd->cell.mean =
            crowd->ratings >= FIXED_COMMUNITY_FROM
                ? (double)crowd->stars / (double)crowd->ratings / 5
                : -1;
        return;
    }
    arena_reset(learner->scratch);
    enum status status =
        community_fold(crowd->votes, crowd->count, FIRST_DAY + learner->day,
                       learner->scratch, &crowd->cell);
    CHECK(status == STATUS_OK || status == STATUS_NOT_FOUND);
}

void
learner_begin_day(struct learner *learner, int32_t day)
{
    learner->day = day;
    for (size_t i = 0; i < learner->world->arm_count; i++)
        if (learner->crowds[i].changed)
            fold_crowd(learner, &learner->crowds[i]);
}

static void
open_table(struct learner *learner, struct tenant *tenant)
{
    int32_t before = tenant->day;
    tenant->day = learner->day;
    tenant->stars += tenant->stars_today;
    tenant->ratings += tenant->ratings_today;
    tenant->stars_today = 0;
    tenant->ratings_today = 0;
    for (size_t i = 0; i < learner->world->arm_count; i++)
        if (before < 0 || tenant->opinions[i].count > 0 ||
            learner->crowds[i].day > before)
            rescore(learner, tenant, i);
}

size_t
learner_pick(struct learner *learner, size_t tenant)
{
    struct tenant *who = &learner->tenants[tenant];
    size_t best = SIZE_MAX;
    if (who->day != learner->day)
        open_table(learner, who);
    for (size_t i = 0; i < learner->world->arm_count; i++)
        if (learner->world->arms[i].arrives <= learner->day &&
            who->opinions[i].score.present &&
            (best == SIZE_MAX ||
             who->opinions[i].score.mean > who->opinions[best].score.mean))
            best = i;
    CHECK(best != SIZE_MAX);
    return best;
}

static void
report(struct learner *learner, size_t tenant, size_t arm, uint8_t stars)
{
    struct crowd *crowd = &learner->crowds[arm];
    utc_day week = utc_week_start(FIRST_DAY + learner->day);
    struct slice instance = slice_make(&NAMES[tenant], 1);
    crowd->stars += stars;
    crowd->ratings++;
    crowd->changed = true;
    for (size_t i = crowd->count; i > 0; i--) {
        struct community_vote *vote = &crowd->votes[i - 1];
        if (vote->week != week)
            break; /* weeks ascend */
        if (slice_eq(vote->instance, instance)) {
            vote->sum += stars;
            vote->reports++;
            return;
        }
    }
    if (crowd->count == crowd->capacity)
        crowd->votes =
            grown(crowd->votes, &crowd->capacity, sizeof *crowd->votes);
    crowd->votes[crowd->count++] = (struct community_vote){
        .instance = instance, .week = week, .sum = stars, .reports = 1};
}

void
learner_rate(struct learner *learner, size_t tenant, size_t arm, uint8_t stars)
{
    struct tenant *who = &learner->tenants[tenant];
    struct opinion *opinion = &who->opinions[arm];
    if (learner->rule->way == RULE_BENCHMARKS)
        return;
    if (opinion->count == opinion->capacity)
        opinion->ratings =
            grown(opinion->ratings, &opinion->capacity, sizeof(struct rating));
    opinion->ratings[opinion->count++] =
        (struct rating){.day = FIRST_DAY + learner->day, .stars = stars};
    opinion->yes += stars >= FIXED_YES_FROM;
    opinion->stars += stars;
    if (is_meant(learner, tenant)) {
        double points = 75 + (stars - 4 - learner->world->offsets[tenant]) *
                                 100 / learner->world->manner->stars_per_100;
        opinion->meant++;
        opinion->points += points;
        learner->crowds[arm].meant++;
        learner->crowds[arm].points += points;
    }
    who->stars_today += stars;
    who->ratings_today++;
    report(learner, tenant, arm, stars);
    rescore(learner, who, arm);
}

/* --- beginning and end ---------------------------------------------------- */

struct learner *
learner_new(const struct world *world, const struct rule *rule)
{
    struct learner *learner = zeroed(1, sizeof *learner);
    struct normals normals;
    learner->world = world;
    learner->rule = rule;
    learner->scratch = arena_new(SCRATCH_BYTES);
    learner->beliefs = zeroed(world->arm_count, sizeof *learner->beliefs);
    learner->crowds = zeroed(world->arm_count, sizeof *learner->crowds);
    learner->least_share = 1;
    CHECK(learner->scratch != NULL);
    normalize_catalog(&world->catalog, &rule->tuning, &normals);
    for (size_t i = 0; i < world->arm_count; i++) {
        struct belief beliefs[CATEGORY_COUNT];
        category_beliefs(&normals, &world->catalog.models[world->arms[i].model],
                         0, beliefs);
        learner->beliefs[i] = beliefs[world->category];
        if (rule->way == RULE_FIXED)
            learner->crowds[i].cell.mean = -1;
    }
    for (size_t t = 0; t < WORLD_TENANTS; t++)
        learner->tenants[t] = (struct tenant){
            .opinions = zeroed(world->arm_count, sizeof(struct opinion)),
            .day = -1};
    return learner;
}

void
learner_free(struct learner **learner)
{
    size_t arms = (*learner)->world->arm_count;
    for (size_t t = 0; t < WORLD_TENANTS; t++) {
        for (size_t i = 0; i < arms; i++)
            free((*learner)->tenants[t].opinions[i].ratings);
        free((*learner)->tenants[t].opinions);
    }
    for (size_t i = 0; i < arms; i++)
        free((*learner)->crowds[i].votes);
    arena_free(&(*learner)->scratch);
    free((*learner)->beliefs);
    free((*learner)->crowds);
    free(*learner);
    *learner = NULL;
}

const struct score *
learner_score(const struct learner *learner, size_t tenant, size_t arm)
{
    return &learner->tenants[tenant].opinions[arm].score;
}

size_t
learner_ratings(const struct learner *learner, size_t tenant, size_t arm)
{
    return learner->tenants[tenant].opinions[arm].count;
}

double
learner_least_share(const struct learner *learner)
{
    return learner->least_share;
}
