/* The learner; see replay_learner.h. */
#include "tests/bench/replay_learner.h"
#include "feedback/personal.h"
#include "router/pick.h"
#include "scorer/score_build.h"
#include "scorer/score_update.h"

#include <math.h>
#include <stdlib.h>

#define TENANT SLICE("replay")
#define FIRST_DAY 20656 /* 2026-07-22; any would do */
#define SCRATCH_BYTES_MAX ((size_t)16 << 20)
#define RATINGS_FIRST 64
#define CONTEXT_TOKENS 1000000 /* nothing in a matrix is about context */
#define POOL_RATINGS_FOR_ONE 4.0
#define STARS_BEFORE 4.0
#define STARS_BEFORE_MASS 8.0

/* The ratings of one cell. */
struct history {
    struct rating *ratings; /* malloc'd */
    size_t count, capacity;
    uint64_t stars;     /* their sum */
    double mass, shift; /* as last folded */
};

struct learner_category {
    uint64_t sum, count; /* stars before today */
    uint64_t sum_today, count_today;
    double baseline;
};

struct replay_learner {
    const struct replay_matrix *matrix;
    const struct replay_style *style;
    struct score_book *book;
    struct arena *scratch;
    struct history *histories; /* [model * CATEGORY_COUNT + category] */
    struct learner_category categories[CATEGORY_COUNT];
    utc_day today;
    size_t told; /* today */
    uint64_t random;
};

uint64_t
replay_random(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static double
random_unit(uint64_t *state)
{
    return ((double)(replay_random(state) >> 11) + 0.5) * 0x1p-53;
}

static double
random_normal(uint64_t *state)
{
    double radius = sqrt(-2 * log(random_unit(state)));

    return radius * cos(6.283185307179586 * random_unit(state));
}

/* --- a book over the matrix ----------------------------------------------- */

static struct model
make_model(const struct replay_matrix *matrix, size_t index)
{
    struct replay_price price = {0, 0};

    if (replay_matrix_is_priced(matrix))
        price = matrix->prices[index];
    return (struct model){
        .id = matrix->models[index],
        .name = matrix->models[index],
        .prompt_price = llround(price.prompt * (double)PRICE_USD),
        .completion_price = llround(price.completion * (double)PRICE_USD),
        .context_tokens = CONTEXT_TOKENS,
        .capabilities = UINT32_MAX,
        .created = UTC_DAY_NONE,
        .expires = UTC_DAY_NONE,
        .output_tokens_per_second = NAN,
        .time_to_first_token_s = NAN,
    };
}

static struct catalog *
make_catalog(const struct replay_matrix *matrix)
{
    struct arena *arena = arena_new(CATALOG_BYTES_MAX);
    CHECK(arena != NULL);
    struct catalog *catalog = ARENA_NEW(arena, struct catalog);
    struct model *models =
        ARENA_ARRAY(arena, struct model, matrix->model_count);
    struct map *by_id = map_new(arena, matrix->model_count);

    CHECK(arena_ok(arena));
    for (size_t i = 0; i < matrix->model_count; i++) {
        models[i] = make_model(matrix, i);
        CHECK(map_add(by_id, models[i].id, (uint32_t)i) == STATUS_OK);
    }
    *catalog = (struct catalog){.arena = arena,
                                .models = models,
                                .count = matrix->model_count,
                                .by_id = by_id};
    catalog->version = catalog_hash(catalog);
    return catalog;
}

static void
set_beliefs(struct replay_learner *learner, const struct replay_priors *priors)
{
    struct score_book *book = learner->book;

    book->normals.tuning = &learner->style->tuning;
    for (uint32_t i = 0; i < learner->matrix->model_count * CATEGORY_COUNT;
         i++) {
        book->cells[i].belief = priors->beliefs[i];
        if (learner->style->mass > 0)
            book->cells[i].belief.mass = learner->style->mass;
        struct score score = score_book_base_score(book, i);
        score_table_set_base(book->table, i / CATEGORY_COUNT,
                             (enum category)(i % CATEGORY_COUNT), &score);
    }
}

struct replay_learner *
replay_learner_new(const struct replay_matrix *matrix,
                   const struct replay_priors *priors,
                   const struct replay_style *style, uint64_t seed)
{
    struct replay_learner *learner = calloc(1, sizeof(*learner));

    CHECK(learner != NULL);
    learner->matrix = matrix;
    learner->style = style;
    learner->today = FIRST_DAY;
    learner->random = seed;
    learner->scratch = arena_new(SCRATCH_BYTES_MAX);
    learner->histories = calloc(matrix->model_count * CATEGORY_COUNT,
                                sizeof(*learner->histories));
    CHECK(learner->scratch != NULL && learner->histories != NULL);
    for (size_t i = 0; i < CATEGORY_COUNT; i++)
        learner->categories[i].baseline = personal_baseline(0, 0);
    CHECK(score_build(make_catalog(matrix), NULL, FIRST_DAY, 0,
                      &learner->book) == STATUS_OK);
    set_beliefs(learner, priors);
    return learner;
}

void
replay_learner_free(struct replay_learner **learner)
{
    struct replay_learner *old = *learner;

    for (size_t i = 0; i < old->matrix->model_count * CATEGORY_COUNT; i++)
        free(old->histories[i].ratings);
    free(old->histories);
    score_book_free(&old->book);
    arena_free(&old->scratch);
    free(old);
    *learner = NULL;
}

/* --- picking -------------------------------------------------------------- */

static size_t
pick_as_router(struct replay_learner *learner, size_t prompt,
               enum category category)
{
    const struct replay_matrix *matrix = learner->matrix;
    struct slice allowed[REPLAY_MODELS_MAX];
    struct question question;
    struct pick pick;

    question_init(&question);
    question.category = category;
    question.budget = BUDGET_ANY;
    question.objective = learner->style->objective;
    question.tenant = TENANT;
    question.today = learner->today;
    question.allow = allowed;
    for (size_t i = 0; i < matrix->model_count; i++) {
        if (!isnan(replay_matrix_outcome(matrix, prompt, i)))
            allowed[question.allow_count++] = matrix->models[i];
    }
    arena_reset(learner->scratch);
    CHECK(pick_best(learner->book->table, &question, learner->scratch, &pick) ==
          STATUS_OK);
    CHECK(pick.candidate_count > 0);
    return pick.best.index;
}

/* Ratings that count at most, so that the benchmark keeps its share. */
static double
most_ratings(const struct replay_learner *learner, size_t cell)
{
    double k0 = learner->book->cells[cell].belief.mass;

    return k0 / learner->style->tuning.benchmark_share_least - k0;
}

/* Half the interval in points before clamping. */
static double
half_of(const struct replay_learner *learner, size_t cell)
{
    const struct tuning *tuning = &learner->style->tuning;
    enum replay_width width = learner->style->width;
    double mass = learner->book->cells[cell].belief.mass;
    double ratings = learner->histories[cell].mass;

    if (width == REPLAY_WIDTH_STATED || width == REPLAY_WIDTH_TRIED_CAPPED)
        ratings = fmin(ratings, most_ratings(learner, cell));
    if (width == REPLAY_WIDTH_TRIED || width == REPLAY_WIDTH_TRIED_CAPPED)
        mass = tuning->prior_most;
    return 100 * tuning->level_deviations * tuning->rating_deviation /
           sqrt(mass + ratings);
}

/* What a cell knows, with what it borrows. */
static void
gather(const struct replay_learner *learner, size_t cell, double *ret_mass,
       double *ret_shift)
{
    const struct history *own = &learner->histories[cell];
    const struct history *first = own - cell % CATEGORY_COUNT;
    double mass = 0;
    double shift = 0;

    for (size_t i = 0; i < CATEGORY_COUNT; i++) {
        if (&first[i] != own) {
            mass += first[i].mass;
            shift += first[i].mass * first[i].shift;
        }
    }
    double borrowed = fmin(mass / POOL_RATINGS_FOR_ONE, learner->style->pool);
    *ret_mass = own->mass + borrowed;
    *ret_shift = own->mass * own->shift;
    if (mass > 0)
        *ret_shift += borrowed * shift / mass;
    if (*ret_mass > 0)
        *ret_shift /= *ret_mass;
}

/* The blend's mean in points with another shape or borrowed ratings. */
static double
shaped(const struct replay_learner *learner, size_t cell)
{
    const struct belief *belief = &learner->book->cells[cell].belief;
    double mu0 = belief->mean / 100;
    double mass;
    double shift;

    gather(learner, cell, &mass, &shift);
    mass = fmin(mass, most_ratings(learner, cell));
    double p = mu0 + shift;
    double up = mu0 * (1 + shift) * (1 + shift);
    double down = (1 - mu0) * (1 - shift) * (1 - shift);
    if (learner->style->shape == REPLAY_SHAPE_CLAMPED)
        p = fmin(fmax(p, 0), 1);
    if (learner->style->shape == REPLAY_SHAPE_ODDS)
        p = up / (up + down);
    return 100 * (belief->mass * mu0 + mass * p) / (belief->mass + mass);
}

static double
worth(struct replay_learner *learner, size_t model, enum category category)
{
    size_t cell = model * CATEGORY_COUNT + category;
    double reach = learner->style->reach * half_of(learner, cell);

    if (learner->style->rule == REPLAY_RULE_THOMPSON)
        reach *= random_normal(&learner->random) /
                 learner->style->tuning.level_deviations;
    return shaped(learner, cell) + reach;
}

size_t
replay_learner_pick(struct replay_learner *learner, size_t prompt,
                    enum category category)
{
    const struct replay_matrix *matrix = learner->matrix;
    size_t best = SIZE_MAX;
    double most = 0;

    if (learner->style->one_category)
        category = CATEGORY_GENERAL;
    if (learner->style->rule == REPLAY_RULE_PICK)
        return pick_as_router(learner, prompt, category);
    for (size_t i = 0; i < matrix->model_count; i++) {
        if (isnan(replay_matrix_outcome(matrix, prompt, i)))
            continue;
        double value = worth(learner, i, category);
        if (best == SIZE_MAX || value > most ||
            (value >= most && replay_matrix_cost(matrix, i) <
                                  replay_matrix_cost(matrix, best))) {
            best = i;
            most = value;
        }
    }
    CHECK(best != SIZE_MAX);
    return best;
}

/* --- learning ------------------------------------------------------------- */

static struct personal_cell
fold(struct replay_learner *learner, size_t cell)
{
    struct history *history = &learner->histories[cell];
    enum category category = (enum category)(cell % CATEGORY_COUNT);
    struct personal_cell folded = {
        .tenant = TENANT,
        .model = learner->matrix->models[cell / CATEGORY_COUNT],
        .category = category};

    CHECK(personal_fold(history->ratings, history->count,
                        learner->categories[category].baseline, learner->today,
                        &folded) == STATUS_OK);
    history->mass = folded.mass;
    history->shift = folded.shift;
    return folded;
}

static void
update(struct replay_learner *learner, const struct personal_cell *cells,
       size_t count)
{
    struct layers changes = {
        .personal = cells, .personal_count = count, .day = learner->today};
    struct score_changes ignored;

    arena_reset(learner->scratch);
    CHECK(score_update(learner->book, &changes, 0, learner->scratch,
                       &ignored) == STATUS_OK);
}

static double
baseline_over_models(const struct replay_learner *learner,
                     enum category category)
{
    double sum = STARS_BEFORE * STARS_BEFORE_MASS;
    double count = STARS_BEFORE_MASS;
    size_t models = learner->matrix->model_count;

    for (size_t m = 0; m < models; m++) {
        const struct history *history =
            &learner->histories[m * CATEGORY_COUNT + category];
        double weight = fmin((double)history->count, STARS_BEFORE_MASS);
        if (history->count > 0)
            sum += weight * (double)history->stars / (double)history->count;
        count += weight;
    }
    return sum / count;
}

static void
move_baseline(struct replay_learner *learner, enum category category)
{
    struct learner_category *known = &learner->categories[category];

    known->sum += known->sum_today;
    known->count += known->count_today;
    known->sum_today = 0;
    known->count_today = 0;
    if (learner->style->baseline == REPLAY_BASELINE_OWN)
        known->baseline = personal_baseline(known->sum, known->count);
    else if (learner->style->baseline == REPLAY_BASELINE_MODELS)
        known->baseline = baseline_over_models(learner, category);
}

static void
begin_day(struct replay_learner *learner)
{
    static struct personal_cell cells[REPLAY_MODELS_MAX * CATEGORY_COUNT];
    size_t count = 0;

    learner->today++;
    learner->told = 0;
    for (size_t c = 0; c < CATEGORY_COUNT; c++)
        move_baseline(learner, (enum category)c);
    for (size_t i = 0; i < learner->matrix->model_count * CATEGORY_COUNT; i++) {
        if (learner->histories[i].count > 0)
            cells[count++] = fold(learner, i);
    }
    update(learner, cells, count);
}

static void
add(struct history *history, struct rating rating)
{
    if (history->count == history->capacity) {
        history->capacity =
            history->capacity ? history->capacity * 2 : RATINGS_FIRST;
        history->ratings = realloc(
            history->ratings, history->capacity * sizeof(*history->ratings));
        CHECK(history->ratings != NULL);
    }
    history->ratings[history->count++] = rating;
    history->stars += rating.stars;
}

void
replay_learner_tell(struct replay_learner *learner, size_t model,
                    enum category category, double outcome)
{
    struct rating rating = {.day = learner->today,
                            .stars = (uint8_t)(1 + lround(4 * outcome))};

    if (learner->style->one_category)
        category = CATEGORY_GENERAL;
    size_t cell = model * CATEGORY_COUNT + category;
    add(&learner->histories[cell], rating);
    learner->categories[category].sum_today += rating.stars;
    learner->categories[category].count_today++;
    struct personal_cell folded = fold(learner, cell);
    update(learner, &folded, 1);
    if (++learner->told == learner->style->prompts_a_day)
        begin_day(learner);
}
