/* Reading a matrix; see replay_matrix.h.
 *
 * Twice over the lines: first the names of models and tasks, then, with their
 * numbers known, the outcomes. */
#include "tests/bench/replay_matrix.h"
#include "core/base/json_in.h"
#include "core/base/text.h"
#include "router/classify.h"
#include "services/runtime/home.h"

#include <math.h>
#include <stdlib.h>

#define ARENA_BYTES_MAX ((size_t)2 << 30)
#define LABEL_BYTES_MAX 128
#define PROMPT_PARTS 3.0 /* of the mix that a price is told by */

struct label {
    const char *part;
    enum category category;
};

static const struct label LABELS[] = {
#define REPLAY_LABEL(part, category) {part, CATEGORY_##category},
#include "tests/bench/replay_label.def"
#undef REPLAY_LABEL
};

/* Does with one line what a pass is for. */
typedef enum status (*line_fn)(struct replay_matrix *matrix,
                               const struct json *row, void *context);

static char
lowered(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static bool
category_of_label(struct slice label, enum category *ret_category)
{
    char lower[LABEL_BYTES_MAX];
    size_t len = label.len < sizeof(lower) ? label.len : sizeof(lower);

    for (size_t i = 0; i < len; i++)
        lower[i] = lowered(label.ptr[i]);
    for (size_t i = 0; i < sizeof(LABELS) / sizeof(LABELS[0]); i++) {
        if (slice_find(slice_make(lower, len), slice_of(LABELS[i].part)) >= 0) {
            *ret_category = LABELS[i].category;
            return true;
        }
    }
    return false;
}

static enum status
walk(struct replay_matrix *matrix, struct slice bytes, line_fn line,
     void *context)
{
    struct slice text;

    while (slice_split(&bytes, '\n', &text)) {
        struct json *row = NULL;
        enum status status = STATUS_OK;

        text = slice_trim(text);
        if (text.len == 0)
            continue;
        if (json_parse(text, NULL, &row) != STATUS_OK) {
            matrix->lines_refused++;
            continue;
        }
        status = line(matrix, row, context);
        json_free(&row);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static bool
is_outcome(const struct json *value, double *ret_outcome)
{
    return json_double(value, ret_outcome) && *ret_outcome >= 0 &&
           *ret_outcome <= 1;
}

static bool
has_outcome(const struct json *row)
{
    const struct json *scores = json_get(row, "scores");
    const struct json *value;
    struct slice task;
    struct slice model;
    void *iterator = NULL;
    double outcome;

    if (!json_text(json_get(row, "task"), &task))
        return false;
    while (json_next(scores, &iterator, &model, &value)) {
        if (is_outcome(value, &outcome))
            return true;
    }
    return false;
}

/* --- first: names --------------------------------------------------------- */

static enum status
note_task(struct replay_matrix *matrix, struct slice label)
{
    uint32_t ignored;

    if (map_find(matrix->task_ids, label, &ignored))
        return STATUS_OK;
    if (matrix->task_count == REPLAY_TASKS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t task = matrix->task_count++;
    matrix->tasks[task] = arena_slice(matrix->arena, label);
    matrix->task_is_known[task] =
        category_of_label(label, &matrix->task_categories[task]);
    return map_add(matrix->task_ids, label, (uint32_t)task);
}

static enum status
note_names(struct replay_matrix *matrix, const struct json *row, void *context)
{
    const struct json *value;
    struct slice name = {0};
    void *iterator = NULL;
    uint32_t ignored;

    (void)context;
    if (!has_outcome(row)) {
        matrix->lines_refused += json_get(row, "prices") == NULL;
        return STATUS_OK;
    }
    (void)json_text(json_get(row, "task"), &name);
    enum status status = note_task(matrix, name);
    while (status == STATUS_OK &&
           json_next(json_get(row, "scores"), &iterator, &name, &value)) {
        double outcome;
        if (!is_outcome(value, &outcome) ||
            map_find(matrix->model_ids, name, &ignored))
            continue;
        if (matrix->model_count == REPLAY_MODELS_MAX)
            return STATUS_RESOURCE_EXHAUSTED;
        matrix->models[matrix->model_count++] =
            arena_slice(matrix->arena, name);
        status = map_add(matrix->model_ids, name, 0);
    }
    matrix->count++;
    return matrix->count > REPLAY_PROMPTS_MAX ? STATUS_RESOURCE_EXHAUSTED
                                              : status;
}

static int
by_name(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static enum status
number_models(struct replay_matrix *matrix)
{
    enum status status = STATUS_OK;

    qsort(matrix->models, matrix->model_count, sizeof(*matrix->models),
          by_name);
    for (size_t i = 0; status == STATUS_OK && i < matrix->model_count; i++)
        status = map_set(matrix->model_ids, matrix->models[i], (uint32_t)i);
    return status;
}

/* --- then: what they did -------------------------------------------------- */

static double
number_of(const struct json *object, const char *key, const char *other)
{
    double number = NAN;

    if (!json_double(json_get(object, key), &number))
        (void)json_double(json_get(object, other), &number);
    return number;
}

static struct replay_price
price_of(const struct json *value)
{
    struct replay_price price = {NAN, NAN};

    if (json_double(value, &price.prompt)) {
        price.completion = price.prompt;
    } else if (json_count(value) == 2 && json_at(value, 0) != NULL) {
        (void)json_double(json_at(value, 0), &price.prompt);
        (void)json_double(json_at(value, 1), &price.completion);
    } else {
        price.prompt = number_of(value, "prompt", "input");
        price.completion = number_of(value, "completion", "output");
    }
    return price;
}

static void
take_prices(struct replay_matrix *matrix, const struct json *prices)
{
    const struct json *value;
    struct slice model;
    void *iterator = NULL;

    while (json_next(prices, &iterator, &model, &value))
        replay_matrix_set_price(matrix, model, price_of(value));
}

static void
take_scores(struct replay_matrix *matrix, const struct json *scores, double *to)
{
    const struct json *value;
    struct slice model;
    void *iterator = NULL;
    uint32_t index;

    for (size_t i = 0; i < matrix->model_count; i++)
        to[i] = NAN;
    while (json_next(scores, &iterator, &model, &value)) {
        double outcome;
        if (!is_outcome(value, &outcome))
            matrix->refused++;
        else if (map_find(matrix->model_ids, model, &index))
            to[index] = outcome;
    }
}

static enum status
take_row(struct replay_matrix *matrix, const struct json *row, void *context)
{
    struct replay_prompt *prompt = &matrix->prompts[matrix->count];
    struct slice text = {0};

    take_prices(matrix, json_get(row, "prices"));
    if (!has_outcome(row))
        return STATUS_OK;
    (void)json_text(json_get(row, "task"), &text);
    (void)map_find(matrix->task_ids, text, &prompt->task);
    prompt->by_text = CATEGORY_GENERAL;
    if (json_text(json_get(row, "prompt"), &text) && text.len > 0) {
        struct classification found;
        classify_text(context, text, &found);
        prompt->by_text = found.category;
        matrix->texts++;
    }
    prompt->by_label = matrix->task_is_known[prompt->task]
                           ? matrix->task_categories[prompt->task]
                           : prompt->by_text;
    take_scores(matrix, json_get(row, "scores"),
                &matrix->outcomes[matrix->count * matrix->model_count]);
    matrix->count++;
    return STATUS_OK;
}

static enum status
take_all(struct replay_matrix *matrix, struct slice bytes)
{
    struct arena *arena = matrix->arena;
    const struct classifier *classifier = classify_new(arena);
    enum status status = number_models(matrix);

    matrix->prompts = ARENA_ARRAY(arena, struct replay_prompt, matrix->count);
    matrix->outcomes =
        ARENA_ARRAY(arena, double, matrix->count * matrix->model_count);
    matrix->prices =
        ARENA_ARRAY(arena, struct replay_price, matrix->model_count);
    if (status != STATUS_OK || !arena_ok(arena))
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < matrix->model_count; i++)
        matrix->prices[i] = (struct replay_price){NAN, NAN};
    matrix->count = 0;
    matrix->lines_refused = 0; /* counted again */
    union {
        const struct classifier *in;
        void *out;
    } context = {.in = classifier};
    return walk(matrix, bytes, take_row, context.out);
}

static struct replay_matrix *
matrix_new(void)
{
    struct arena *arena = arena_new(ARENA_BYTES_MAX);
    struct replay_matrix *matrix;

    if (arena == NULL)
        return NULL;
    matrix = ARENA_NEW(arena, struct replay_matrix);
    *matrix = (struct replay_matrix){
        .arena = arena,
        .models = ARENA_ARRAY(arena, struct slice, REPLAY_MODELS_MAX),
        .model_ids = map_new(arena, REPLAY_MODELS_MAX),
        .tasks = ARENA_ARRAY(arena, struct slice, REPLAY_TASKS_MAX),
        .task_categories = ARENA_ARRAY(arena, enum category, REPLAY_TASKS_MAX),
        .task_is_known = ARENA_ARRAY(arena, bool, REPLAY_TASKS_MAX),
        .task_ids = map_new(arena, REPLAY_MODELS_MAX),
    };
    return matrix;
}

static enum status
read_bytes(struct replay_matrix *matrix, struct slice bytes)
{
    enum status status = walk(matrix, bytes, note_names, NULL);
    size_t refused = matrix->lines_refused;

    if (status == STATUS_OK && (matrix->count == 0 || matrix->model_count < 2))
        status = STATUS_INVALID_ARGUMENT;
    if (status == STATUS_OK)
        status = take_all(matrix, bytes);
    matrix->lines_refused = refused;
    return status;
}

enum status
replay_matrix_read(const char *path, struct replay_matrix **ret_matrix)
{
    char *bytes = NULL;
    size_t len = 0;
    enum status status = home_read_file(path, REPLAY_FILE_MAX, &bytes, &len);

    if (status != STATUS_OK)
        return status;
    struct replay_matrix *matrix = matrix_new();
    if (matrix == NULL)
        status = STATUS_RESOURCE_EXHAUSTED;
    else
        status = read_bytes(matrix, slice_make(bytes, len));
    free(bytes);
    if (status == STATUS_OK)
        *ret_matrix = matrix;
    else if (matrix != NULL)
        replay_matrix_free(&matrix);
    return status;
}

void
replay_matrix_free(struct replay_matrix **matrix)
{
    struct arena *arena = (*matrix)->arena;

    *matrix = NULL;
    arena_free(&arena);
}

/* --- questions ------------------------------------------------------------ */

double
replay_matrix_outcome(const struct replay_matrix *matrix, size_t prompt,
                      size_t model)
{
    return matrix->outcomes[prompt * matrix->model_count + model];
}

void
replay_matrix_set_price(struct replay_matrix *matrix, struct slice model,
                        struct replay_price price)
{
    if (!(price.prompt >= 0) || !(price.completion >= 0))
        return;
    for (size_t i = 0; i < matrix->model_count; i++) {
        if (isnan(matrix->prices[i].prompt) &&
            replay_matrix_is_same(matrix->models[i], model))
            matrix->prices[i] = price;
    }
}

bool
replay_matrix_is_priced(const struct replay_matrix *matrix)
{
    for (size_t i = 0; i < matrix->model_count; i++) {
        if (isnan(matrix->prices[i].prompt))
            return false;
    }
    return true;
}

double
replay_matrix_cost(const struct replay_matrix *matrix, size_t model)
{
    const struct replay_price *price = &matrix->prices[model];

    return (PROMPT_PARTS * price->prompt + price->completion) /
           (PROMPT_PARTS + 1);
}

/* The next letter or digit in lower case, 0 at the end. */
static char
next_significant(struct slice *rest)
{
    while (rest->len > 0) {
        char c = lowered(*rest->ptr++);
        rest->len--;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            return c;
    }
    return 0;
}

static struct slice
after_vendor(struct slice name)
{
    for (size_t i = name.len; i > 0; i--) {
        if (name.ptr[i - 1] == '/')
            return slice_cut(name, i, name.len);
    }
    return name;
}

bool
replay_matrix_is_same(struct slice a, struct slice b)
{
    a = after_vendor(a);
    b = after_vendor(b);
    for (;;) {
        char x = next_significant(&a);
        char y = next_significant(&b);
        if (x != y)
            return false;
        if (x == 0)
            return true;
    }
}
