/* Priors of a matrix's models from data/catalog.json; see replay_learner.h. */
#include "ingest/bundle.h"
#include "scorer/score_build.h"
#include "tests/bench/replay_learner.h"
#include "tests/ingest/ingest_files.h"

#define TODAY 20656 /* 2026-07-22, the catalog's day */

/* The catalog's model of that name that says most: a variant that carries no
 * figures of its own loses to its base. */
static bool
find(const struct catalog *catalog, struct slice name, uint32_t *ret_model)
{
    bool found = false;

    for (uint32_t i = 0; i < catalog->count; i++) {
        if (!replay_matrix_is_same(name, catalog->models[i].id) &&
            !replay_matrix_is_same(name, catalog->models[i].hugging_face_id))
            continue;
        if (found && catalog->models[i].figure_count <=
                         catalog->models[*ret_model].figure_count)
            continue;
        *ret_model = i;
        found = true;
    }
    return found;
}

static void
take_model(struct replay_matrix *matrix, const struct score_book *book,
           size_t model, struct replay_priors *priors)
{
    const struct catalog *catalog = book->table->catalog;
    uint32_t at = 0;

    if (!find(catalog, matrix->models[model], &at))
        return;
    const struct model *known = &catalog->models[at];
    if (known->prompt_price >= 0)
        replay_matrix_set_price(
            matrix, matrix->models[model],
            (struct replay_price){
                (double)known->prompt_price / (double)PRICE_USD,
                (double)known->completion_price / (double)PRICE_USD});
    for (size_t c = 0; c < CATEGORY_COUNT; c++) {
        const struct belief *belief =
            &book->cells[(size_t)at * CATEGORY_COUNT + c].belief;
        priors->beliefs[model * CATEGORY_COUNT + c] = *belief;
        priors->known[model] |= belief->present;
    }
    priors->known_count += priors->known[model];
}

static void
read_catalog(struct replay_matrix *matrix, struct replay_priors *priors)
{
    struct slice bytes = files_read("data/catalog.json");
    struct catalog *catalog = NULL;
    struct score_book *book = NULL;
    char error[BUNDLE_ERROR_MAX];

    if (bytes.ptr == NULL)
        return;
    if (bundle_read(bytes, TODAY, error, &catalog) == STATUS_OK) {
        CHECK(score_build(catalog, NULL, TODAY, 0, &book) == STATUS_OK);
        for (size_t i = 0; i < matrix->model_count; i++)
            take_model(matrix, book, i, priors);
        score_book_free(&book);
    }
    files_free(bytes);
}

static void
fill_category(const struct replay_matrix *matrix, size_t category,
              struct replay_priors *priors)
{
    double sum = 0;
    size_t count = 0;

    for (size_t i = 0; i < matrix->model_count; i++) {
        struct belief *belief = &priors->beliefs[i * CATEGORY_COUNT + category];
        belief->present = belief->present && !priors->equal;
        sum += belief->present ? belief->mean : 0;
        count += belief->present;
    }
    double mean =
        count > 0 ? sum / (double)count : tuning_default.points_centre;
    for (size_t i = 0; i < matrix->model_count; i++) {
        struct belief *belief = &priors->beliefs[i * CATEGORY_COUNT + category];
        if (!belief->present)
            *belief = (struct belief){.present = true,
                                      .mean = mean,
                                      .raw = mean,
                                      .mass = tuning_default.prior_least};
    }
}

enum status
replay_priors_make(struct replay_matrix *matrix, enum replay_prior wanted,
                   struct replay_priors *ret_priors)
{
    struct replay_priors priors = {
        .beliefs = ARENA_ARRAY(matrix->arena, struct belief,
                               matrix->model_count * CATEGORY_COUNT),
        .known = ARENA_ARRAY(matrix->arena, bool, matrix->model_count)};

    if (!arena_ok(matrix->arena))
        return STATUS_RESOURCE_EXHAUSTED;
    read_catalog(matrix, &priors);
    priors.equal = wanted == REPLAY_PRIOR_EQUAL ||
                   (wanted == REPLAY_PRIOR_AUTO &&
                    priors.known_count * 2 < matrix->model_count);
    for (size_t c = 0; c < CATEGORY_COUNT; c++)
        fill_category(matrix, c, &priors);
    *ret_priors = priors;
    return STATUS_OK;
}
