/* A matrix of outcomes: what every model of a set made of every prompt.
 *
 * One JSON object a line: `task` (a label), `scores` (model -> 0..1), and
 * optionally `prompt` (text) and `prices` (model -> USD per 1 M tokens, as a
 * number, as [prompt, completion] or as {prompt, completion} or {input,
 * output}). A line with `prices` alone is fine. Models, tasks and the numbers
 * of prompts come from the file; a model may be missing from a line, an
 * outcome outside 0..1 is left out and counted. */
#ifndef TESTS_BENCH_REPLAY_MATRIX_H
#define TESTS_BENCH_REPLAY_MATRIX_H

#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/types/vocabulary.h"

#define REPLAY_MODELS_MAX 64
#define REPLAY_TASKS_MAX 4096
#define REPLAY_PROMPTS_MAX 1000000
#define REPLAY_FILE_MAX ((size_t)512 << 20) /* bytes */

struct replay_prompt {
    uint32_t task;
    enum category by_label; /* of the task's label */
    enum category by_text;  /* what our classifier says of the prompt */
};

/* USD per 1 M tokens; NaN unknown. */
struct replay_price {
    double prompt, completion;
};

struct replay_matrix {
    struct arena *arena;   /* owned: everything, this struct too */
    struct slice *models;  /* ascending */
    struct map *model_ids; /* name -> index */
    struct replay_price *prices;
    size_t model_count;
    struct slice *tasks; /* in order of appearance */
    enum category *task_categories;
    bool *task_is_known; /* its label says a category; else the text does */
    struct map *task_ids;
    size_t task_count;
    struct replay_prompt *prompts;
    double *outcomes; /* [prompt * model_count + model]; NaN is absent */
    size_t count;
    size_t texts;         /* prompts with a text */
    size_t lines_refused; /* no JSON object with a task and an outcome */
    size_t refused;       /* outcomes outside 0..1 */
};

/* Read the file. NOT_FOUND, INVALID_ARGUMENT when it holds no prompt with two
 * models, RESOURCE_EXHAUSTED past a limit above. The caller owns it. */
enum status replay_matrix_read(const char *path,
                               struct replay_matrix **ret_matrix) MUST_CHECK;
void replay_matrix_free(struct replay_matrix **matrix);

/* The outcome of a model on a prompt; NaN is absent. */
double replay_matrix_outcome(const struct replay_matrix *matrix, size_t prompt,
                             size_t model);
/* Set the price of a model that has none yet. */
void replay_matrix_set_price(struct replay_matrix *matrix, struct slice model,
                             struct replay_price price);
/* Whether every model has a price. */
bool replay_matrix_is_priced(const struct replay_matrix *matrix);
/* 3 parts prompt, 1 part completion, USD per 1 M tokens. */
double replay_matrix_cost(const struct replay_matrix *matrix, size_t model);
/* Two names are of one model: ASCII letters and digits of what follows the
 * last '/' are the same, case ignored. */
bool replay_matrix_is_same(struct slice a, struct slice b);

#endif
