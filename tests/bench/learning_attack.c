/* Attacks; see learning_attack.h.
 *
 * A crowd is drawn for an arm: so many raters, each with one to four ratings
 * in weeks of the last half year. Then some more raters join, and the score
 * that everybody sees is compared. The hostile ones vote every week. */
#include "tests/bench/learning_attack.h"
#include "core/base/check.h"
#include "feedback/community.h"
#include "feedback/personal.h"
#include "scorer/blend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TODAY 20653
#define WEEKS 26
#define IDLE_WEEKS 52
#define CROWD_MOST 100 /* raters */
#define VOTES_MOST ((size_t)CROWD_MOST * WEEKS)
#define SCRATCH_BYTES (4u << 20)
#define TRIED_MOST 65536
#define LAZY_RATINGS 10

static const size_t SIZES[] = {5, 9, 18, 45, 90};

struct siege {
    const struct rule *rule;
    struct belief belief;
    struct community_vote votes[VOTES_MOST];
    char names[CROWD_MOST][4];
    size_t count;
    int idle; /* weeks since the last of the crowd rated */
    struct arena *scratch;
    double *tried; /* movements by one lazy rater */
    size_t tried_count;
};

static void
vote(struct siege *siege, size_t rater, int week, uint8_t stars)
{
    CHECK(siege->count < VOTES_MOST && rater < CROWD_MOST);
    siege->votes[siege->count++] =
        (struct community_vote){.instance = slice_of(siege->names[rater]),
                                .week = TODAY - 7 * week,
                                .sum = stars,
                                .reports = 1};
}

static double
base_score(struct siege *siege)
{
    struct community_cell cell = {0};
    struct blend_evidence evidence = {0};
    arena_reset(siege->scratch);
    enum status status = community_fold(siege->votes, siege->count, TODAY,
                                        siege->scratch, &cell);
    CHECK(status == STATUS_OK || status == STATUS_NOT_FOUND);
    evidence.community_mass = cell.mass;
    evidence.community_mean = cell.mean;
    return blend(&siege->rule->tuning, &siege->belief, &evidence).mean;
}

static double
fixed_score(const struct siege *siege)
{
    double stars = 0;
    for (size_t i = 0; i < siege->count; i++)
        stars += siege->votes[i].sum;
    return rule_fixed_score(
        siege->belief.raw, -1,
        siege->count >= 10 ? stars / (double)siege->count / 5 : -1);
}

static void
gather(struct siege *siege, const struct world *world, size_t arm, size_t size)
{
    uint64_t state = world_hash(world->seed * 64 + world->category, arm, size);
    siege->count = 0;
    for (size_t r = 0; r < size; r++) {
        double offset;
        enum rater rater = world_rater(&state, &offset);
        int ratings = 1 + (int)(world_uniform(&state) * 4);
        for (int i = 0; i < ratings; i++) {
            int week = siege->idle + (int)(world_uniform(&state) * WEEKS);
            vote(siege, r, week,
                 world_stars_of(world, world->arms[arm].truth, rater, offset,
                                &state));
        }
    }
}

/* `more` raters say the same every week (one of them: ten times). */
static void
join(struct siege *siege, size_t size, size_t more, uint8_t stars)
{
    for (size_t r = size; r < size + more; r++)
        for (int week = 0; week < WEEKS; week++)
            vote(siege, r, week, stars);
}

static void
try_hostile(struct siege *siege, size_t size, struct attack *attack)
{
    double honest = base_score(siege);
    double honest_fixed = fixed_score(siege);
    double *most = siege->idle > 0 ? &attack->hostile_idle : &attack->hostile;
    size_t count = siege->count;
    for (uint8_t stars = 1; stars <= 5; stars = (uint8_t)(stars + 4)) {
        join(siege, size, size / 9, stars);
        *most = fmax(*most, fabs(base_score(siege) - honest));
        attack->hostile_fixed = fmax(attack->hostile_fixed,
                                     fabs(fixed_score(siege) - honest_fixed));
        siege->count = count;
    }
}

static void
try_lazy_neighbour(struct siege *siege, size_t size, struct attack *attack)
{
    double before = base_score(siege);
    size_t count = siege->count;
    for (int i = 0; i < LAZY_RATINGS; i++)
        vote(siege, size, 0, 4);
    double moved = fabs(base_score(siege) - before);
    attack->lazy_others = fmax(attack->lazy_others, moved);
    if (siege->tried_count < TRIED_MOST)
        siege->tried[siege->tried_count++] = moved;
    siege->count = count;
}

/* Ten fours of one who has given fours only, many or none before. */
static void
try_lazy_self(const struct siege *siege, struct attack *attack)
{
    struct blend_evidence none = {0};
    double before = blend(&siege->rule->tuning, &siege->belief, &none).mean;
    for (uint64_t given = 0; given <= 100; given += 20) {
        struct personal_cell cell = {0};
        struct rating ratings[LAZY_RATINGS];
        for (size_t i = 0; i < LAZY_RATINGS; i++)
            ratings[i] = (struct rating){.day = TODAY, .stars = 4};
        CHECK(personal_fold(ratings, LAZY_RATINGS,
                            personal_baseline(4 * given, given), TODAY,
                            &cell) == STATUS_OK);
        struct blend_evidence own = {.personal_mass = cell.mass,
                                     .personal_shift = cell.shift};
        double after = blend(&siege->rule->tuning, &siege->belief, &own).mean;
        attack->lazy = fmax(attack->lazy, fabs(after - before));
    }
    attack->lazy_fixed = fmax(
        attack->lazy_fixed,
        fabs(rule_fixed_score(siege->belief.raw, 1, -1) - siege->belief.raw));
}

/* Every crowd of nine of only two opinions, and one more rater. No crowd of
 * active raters is moved more: the movement is linear in the sorted voices, so
 * that its extremes have two opinions, and larger crowds are moved less. */
static void
try_worst_crowd(struct siege *siege, struct attack *attack)
{
    for (int code = 0; code < 5 * 5 * 10; code++) {
        uint8_t low = (uint8_t)(1 + code / 50);
        uint8_t high = (uint8_t)(1 + code / 10 % 5);
        siege->count = 0;
        for (int r = 0; r < 9; r++)
            vote(siege, (size_t)r, 0, r < code % 10 ? low : high);
        double honest = base_score(siege);
        for (uint8_t stars = 1; stars <= 5; stars = (uint8_t)(stars + 4)) {
            siege->count = 9;
            join(siege, 9, 1, stars);
            attack->bound =
                fmax(attack->bound, fabs(base_score(siege) - honest));
        }
    }
}

static void
try_world(struct siege *siege, const struct world *world, struct attack *attack)
{
    struct normals normals;
    normalize_catalog(&world->catalog, &siege->rule->tuning, &normals);
    for (size_t arm = 0; arm < world->arm_count; arm += 3) {
        struct belief beliefs[CATEGORY_COUNT];
        category_beliefs(&normals,
                         &world->catalog.models[world->arms[arm].model], 0,
                         beliefs);
        siege->belief = beliefs[world->category];
        for (size_t s = 0; s < ARRAY_LEN(SIZES); s++) {
            gather(siege, world, arm, SIZES[s]);
            try_lazy_neighbour(siege, SIZES[s], attack);
            try_hostile(siege, SIZES[s], attack);
            siege->idle = IDLE_WEEKS;
            gather(siege, world, arm, SIZES[s]);
            try_hostile(siege, SIZES[s], attack);
            siege->idle = 0;
        }
        try_lazy_self(siege, attack);
        if (arm % 30 == 0)
            try_worst_crowd(siege, attack);
    }
}

static int
double_cmp(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

void
attack_try(const struct world *worlds, size_t count, const struct rule *rule,
           struct attack *ret_attack)
{
    struct attack attack = {0};
    struct siege *siege = calloc(1, sizeof *siege);
    CHECK(siege != NULL);
    siege->rule = rule;
    siege->scratch = arena_new(SCRATCH_BYTES);
    siege->tried = calloc(TRIED_MOST, sizeof *siege->tried);
    CHECK(siege->scratch != NULL && siege->tried != NULL);
    for (size_t r = 0; r < CROWD_MOST; r++)
        (void)snprintf(siege->names[r], sizeof siege->names[r], "%02zu", r);
    for (size_t i = 0; i < count; i++)
        try_world(siege, &worlds[i], &attack);
    qsort(siege->tried, siege->tried_count, sizeof(double), double_cmp);
    attack.lazy_others_median = siege->tried[siege->tried_count / 2];
    arena_free(&siege->scratch);
    free(siege->tried);
    free(siege);
    *ret_attack = attack;
}
