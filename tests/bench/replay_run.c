/* Policies on orders; see replay_run.h. */
#include "tests/bench/replay_run.h"

#include <math.h>
#include <stdlib.h>

#define FIXED_RATINGS_LEAST 3 /* fewer count for nothing */
#define FIXED_BENCHMARK_SHARE 0.7
#define FIXED_SUCCESS_FROM 0.375 /* 3 stars: 1 + round(4 * 0.375) */

/* The seed's own count of a cell. */
struct tally {
    uint32_t successes, total;
};

struct player {
    const struct replay_field *field;
    const struct replay_policy *policy;
    struct replay_learner *learner; /* for REPLAY_LEARNER */
    struct tally tallies[REPLAY_MODELS_MAX * CATEGORY_COUNT];
    uint64_t random;
};

/* The best of those with an outcome on the prompt, by `worth` [model]; the
 * cheaper of equals, then the first. */
static size_t
best_present(const struct replay_matrix *matrix, size_t prompt,
             const double *worth)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < matrix->model_count; i++) {
        if (isnan(replay_matrix_outcome(matrix, prompt, i)))
            continue;
        if (best == SIZE_MAX || worth[i] > worth[best] ||
            (worth[i] >= worth[best] &&
             replay_matrix_cost(matrix, i) < replay_matrix_cost(matrix, best)))
            best = i;
    }
    CHECK(best != SIZE_MAX);
    return best;
}

static size_t
random_present(struct player *player, size_t prompt)
{
    const struct replay_matrix *matrix = player->field->matrix;
    size_t model;

    do
        model = replay_random(&player->random) % matrix->model_count;
    while (isnan(replay_matrix_outcome(matrix, prompt, model)));
    return model;
}

/* Benchmarks alone below three ratings, else 70 % benchmarks and 30 % the
 * share of ratings of three stars or more. */
static size_t
fixed_pick(const struct player *player, size_t prompt, enum category category)
{
    const struct replay_matrix *matrix = player->field->matrix;
    double worth[REPLAY_MODELS_MAX];

    for (size_t i = 0; i < matrix->model_count; i++) {
        size_t cell = i * CATEGORY_COUNT + category;
        const struct tally *tally = &player->tallies[cell];
        worth[i] = player->field->priors->beliefs[cell].mean;
        if (tally->total >= FIXED_RATINGS_LEAST)
            worth[i] = FIXED_BENCHMARK_SHARE * worth[i] +
                       (1 - FIXED_BENCHMARK_SHARE) * 100 * tally->successes /
                           tally->total;
    }
    return best_present(matrix, prompt, worth);
}

static size_t
prior_pick(const struct player *player, size_t prompt, enum category category)
{
    const struct replay_matrix *matrix = player->field->matrix;
    double worth[REPLAY_MODELS_MAX];

    for (size_t i = 0; i < matrix->model_count; i++)
        worth[i] =
            player->field->priors->beliefs[i * CATEGORY_COUNT + category].mean;
    return best_present(matrix, prompt, worth);
}

static size_t
pick(struct player *player, size_t prompt, enum category category)
{
    const struct replay_field *field = player->field;
    const struct replay_matrix *matrix = field->matrix;
    const struct replay_prompt *known = &matrix->prompts[prompt];
    size_t models = matrix->model_count;

    switch (player->policy->kind) {
    case REPLAY_LEARNER:
        return replay_learner_pick(player->learner, prompt, category);
    case REPLAY_FIXED:
        return fixed_pick(player, prompt, category);
    case REPLAY_BENCHMARKS:
        return prior_pick(player, prompt, category);
    case REPLAY_BEST:
        return best_present(matrix, prompt, field->means);
    case REPLAY_BEST_OF_KIND:
        return best_present(matrix, prompt,
                            &field->category_means[known->by_label * models]);
    case REPLAY_BEST_OF_TASK:
        return best_present(matrix, prompt,
                            &field->task_means[known->task * models]);
    case REPLAY_RANDOM:
        return random_present(player, prompt);
    case REPLAY_ORACLE:
        return best_present(matrix, prompt, &matrix->outcomes[prompt * models]);
    }
    CHECK(false);
    return 0;
}

static void
tell(struct player *player, size_t model, enum category category,
     double outcome)
{
    struct tally *tally = &player->tallies[model * CATEGORY_COUNT + category];

    tally->total++;
    tally->successes += outcome >= FIXED_SUCCESS_FROM;
    if (player->learner != NULL)
        replay_learner_tell(player->learner, model, category, outcome);
}

/* --- what an order earned ------------------------------------------------- */

struct sums {
    double gained, best, oracle, cost;
    double trial_gained, trial_best; /* as of prompt 500 */
};

static void
note_mark(struct sums *sums, size_t played, struct replay_result *result)
{
    double gap = (sums->gained - sums->best) / (double)played;

    if (played == REPLAY_EARLY)
        result->early = sums->gained / (double)played;
    if (played == REPLAY_TRIAL) {
        result->trial = sums->gained / (double)played;
        result->trial_gap = gap;
        result->least_gap = gap;
        sums->trial_gained = sums->gained;
        sums->trial_best = sums->best;
    }
    if (played > REPLAY_TRIAL)
        result->least_gap = fmin(result->least_gap, gap);
}

static void
note_end(const struct sums *sums, size_t count, struct replay_result *result)
{
    double late = (double)count - REPLAY_TRIAL;

    result->all = sums->gained / (double)count;
    result->oracle_gap = (sums->oracle - sums->gained) / (double)count;
    result->cost = sums->cost / (double)count;
    if (late > 0) {
        result->late = (sums->gained - sums->trial_gained) / late;
        result->late_gap =
            result->late - (sums->best - sums->trial_best) / late;
    }
}

static void
step(struct player *player, size_t prompt, struct sums *sums)
{
    const struct replay_field *field = player->field;
    const struct replay_matrix *matrix = field->matrix;
    const struct replay_prompt *known = &matrix->prompts[prompt];
    enum category category =
        player->policy->by_text ? known->by_text : known->by_label;
    const double *outcomes = &matrix->outcomes[prompt * matrix->model_count];
    size_t model = pick(player, prompt, category);

    sums->gained += outcomes[model];
    sums->cost += replay_matrix_cost(matrix, model);
    sums->best += outcomes[best_present(matrix, prompt, field->means)];
    sums->oracle += outcomes[best_present(matrix, prompt, outcomes)];
    tell(player, model, category, outcomes[model]);
}

struct replay_result
replay_run(const struct replay_field *field, const struct replay_policy *policy,
           const uint32_t *order, size_t count, uint64_t seed)
{
    struct replay_result result = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    struct player player = {.field = field, .policy = policy, .random = seed};
    struct sums sums = {0};

    if (policy->kind == REPLAY_LEARNER)
        player.learner = replay_learner_new(field->matrix, field->priors,
                                            &policy->style, seed);
    for (size_t i = 0; i < count; i++) {
        step(&player, order[i], &sums);
        note_mark(&sums, i + 1, &result);
    }
    note_end(&sums, count, &result);
    if (player.learner != NULL)
        replay_learner_free(&player.learner);
    return result;
}

/* --- hindsight ------------------------------------------------------------ */

/* Means over prompts by group; a model without an outcome there has -1, so
 * that any other comes first. */
static double *
means_by(const struct replay_matrix *matrix, size_t groups,
         uint32_t (*group_of)(const struct replay_prompt *prompt))
{
    size_t cells = groups * matrix->model_count;
    double *means = ARENA_ARRAY(matrix->arena, double, cells);
    double *counts = ARENA_ARRAY(matrix->arena, double, cells);

    CHECK(arena_ok(matrix->arena));
    for (size_t p = 0; p < matrix->count; p++) {
        size_t group = group_of(&matrix->prompts[p]);
        for (size_t m = 0; m < matrix->model_count; m++) {
            double outcome = replay_matrix_outcome(matrix, p, m);
            if (isnan(outcome))
                continue;
            means[group * matrix->model_count + m] += outcome;
            counts[group * matrix->model_count + m]++;
        }
    }
    for (size_t i = 0; i < cells; i++)
        means[i] = counts[i] > 0 ? means[i] / counts[i] : -1;
    return means;
}

static uint32_t
by_nothing(const struct replay_prompt *prompt)
{
    (void)prompt;
    return 0;
}

static uint32_t
by_category(const struct replay_prompt *prompt)
{
    return prompt->by_label;
}

static uint32_t
by_task(const struct replay_prompt *prompt)
{
    return prompt->task;
}

void
replay_field_init(struct replay_field *field,
                  const struct replay_matrix *matrix,
                  const struct replay_priors *priors)
{
    *field = (struct replay_field){
        .matrix = matrix,
        .priors = priors,
        .means = means_by(matrix, 1, by_nothing),
        .category_means = means_by(matrix, CATEGORY_COUNT, by_category),
        .task_means = means_by(matrix, matrix->task_count, by_task),
    };
    for (size_t i = 1; i < matrix->model_count; i++) {
        if (field->means[i] > field->means[field->best])
            field->best = i;
    }
}
