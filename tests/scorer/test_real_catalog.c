/* Scores of the bundled catalog: what an expert expects of the ranking
 * (tests/tables/real_rank.tsv), and what must hold whatever the figures are.
 *
 * scorer's tests link no sibling, so data/catalog.json is read here with the
 * JSON reader alone, and only as far as scoring needs it. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/json_in.h"
#include "scorer/score_build.h"
#include "tests/scorer/catalog_kit.h"

#define BYTES_MAX (16 << 20)
#define MODELS_MAX 4096
#define SPARSE 0.2    /* of a category's weight */
#define MEASURED 0.55 /* the best-measured new models have 0.58 to 0.75 */
#define GOOD 75       /* points over what was measured */

static struct score_book *book; /* built once for all tests */

static struct slice
text_of(const struct json *object, const char *key)
{
    struct slice text = {0};
    (void)json_text(json_get(object, key), &text);
    return text;
}

static double
number_of(const struct json *object, const char *key, double fallback)
{
    double number = fallback;
    (void)json_double(json_get(object, key), &number);
    return number;
}

static void
read_figures(const struct json *list, struct kit_model *row)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *figure = json_at(list, i);
        enum benchmark benchmark;
        assert_true(row->figure_count < KIT_FIGURES_MAX);
        assert_true(benchmark_find(text_of(figure, "benchmark"), &benchmark));
        row->figures[row->figure_count++] =
            (struct kit_figure){benchmark, number_of(figure, "value", NAN)};
    }
}

static uint32_t
read_capabilities(const struct json *list)
{
    uint32_t set = 0;
    for (size_t i = 0; i < json_count(list); i++) {
        struct slice name;
        enum capability capability;
        if (json_text(json_at(list, i), &name) &&
            capability_find(name, &capability))
            set |= BIT(capability);
    }
    return set;
}

static void
read_model(const struct json *from, struct kit_model *row)
{
    int64_t nanos = 0;
    row->id = text_of(from, "id").ptr;
    if (text_decimal(text_of(from, "prompt"), 9, &nanos) == STATUS_OK)
        row->prompt_usd = (double)nanos / 1e9;
    if (text_decimal(text_of(from, "completion"), 9, &nanos) == STATUS_OK)
        row->completion_usd = (double)nanos / 1e9;
    row->context_tokens = (uint32_t)number_of(from, "context", 0);
    row->speed = number_of(from, "tokensPerSecond", 0);
    row->capabilities = read_capabilities(json_get(from, "capabilities"));
    (void)model_standing_find(text_of(from, "standing"), &row->standing);
    read_figures(json_get(from, "figures"), row);
}

static struct catalog *
read_catalog(const char *path)
{
    static struct kit_model rows[MODELS_MAX];
    struct json *document = NULL;
    char *bytes = malloc(BYTES_MAX);
    FILE *file = fopen(path, "rb");
    if (file == NULL || bytes == NULL) {
        free(bytes);
        return NULL;
    }
    size_t len = fread(bytes, 1, BYTES_MAX, file);
    (void)fclose(file);
    assert_int_equal(json_parse(slice_make(bytes, len), NULL, &document),
                     STATUS_OK);
    const struct json *models = json_get(document, "models");
    size_t count = json_count(models);
    assert_true(count > 0 && count <= MODELS_MAX);
    for (size_t i = 0; i < count; i++)
        read_model(json_at(models, i), &rows[i]);
    struct catalog *catalog = kit_catalog(rows, count);
    json_free(&document);
    free(bytes);
    return catalog;
}

static int
open_book(void **state)
{
    struct catalog *catalog = read_catalog(SS_SOURCE_DIR "/data/catalog.json");
    (void)state;
    if (catalog == NULL)
        return -1;
    return score_build(catalog, NULL, 20656, 0, &book) != STATUS_OK;
}

static int
close_book(void **state)
{
    (void)state;
    score_book_free(&book);
    return 0;
}

static const struct belief *
belief_at(size_t model, size_t category)
{
    return &book->cells[model * CATEGORY_COUNT + category].belief;
}

static bool
is_pickable(size_t model, enum budget budget)
{
    const struct model *known = &book->table->catalog->models[model];
    return known->standing == MODEL_CANDIDATE &&
           known->prompt_price >= budget_lowest(budget) &&
           known->prompt_price <= budget_highest(budget);
}

/* 1 for the best; only candidates of the budget are counted. */
static size_t
rank_of(size_t model, enum category category, enum budget budget)
{
    size_t rank = 1;
    for (size_t m = 0; m < book->table->catalog->count; m++)
        if (is_pickable(m, budget) && belief_at(m, category)->present &&
            belief_at(m, category)->mean > belief_at(model, category)->mean)
            rank++;
    return rank;
}

static void
rank_row(char *const *columns, size_t count)
{
    enum category category;
    enum budget budget;
    uint32_t model;
    int64_t place;
    struct slice rule = slice_of(columns[3]);
    (void)count;
    assert_true(category_find(slice_of(columns[0]), &category));
    assert_true(budget_find(slice_of(columns[1]), &budget));
    assert_true(
        map_find(book->table->catalog->by_id, slice_of(columns[2]), &model));
    assert_true(belief_at(model, category)->present);
    assert_int_equal(text_i64(slice_cut(rule, 4, rule.len), &place), STATUS_OK);
    size_t rank = rank_of(model, category, budget);
    bool within = rank <= (size_t)place;
    if (within != slice_starts(rule, SLICE("top ")))
        fail_msg("%s %s: %s is number %zu, not %s (%s)", columns[0], columns[1],
                 columns[2], rank, columns[3], columns[4]);
}

static void
the_ranking_is_what_an_expert_expects(void **state)
{
    (void)state;
    assert_int_equal(kit_rows("real_rank.tsv", 5, rank_row), 20);
}

static void
a_sparsely_measured_model_never_beats_a_well_measured_good_one(void **state)
{
    size_t pairs = 0;
    (void)state;
    for (size_t c = 0; c < CATEGORY_FAST_CHEAP; c++) {
        double best_sparse = 0;
        double worst_good = 101;
        if (c == CATEGORY_RESEARCH) /* context adds points there */
            continue;
        for (size_t m = 0; m < book->table->catalog->count; m++) {
            const struct belief *belief = belief_at(m, c);
            if (belief->present && belief->coverage < SPARSE)
                best_sparse = fmax(best_sparse, belief->mean);
            if (belief->present && belief->coverage > MEASURED &&
                belief->raw >= GOOD)
                worst_good = fmin(worst_good, belief->mean);
        }
        assert_true(best_sparse < worst_good);
        pairs += best_sparse > 0 && worst_good <= 100;
    }
    assert_true(pairs >= 2); /* the catalog has such models */
}

static void
a_score_is_there_exactly_where_evidence_is(void **state)
{
    const struct catalog *catalog = book->table->catalog;
    (void)state;
    for (size_t m = 0; m < catalog->count; m++) {
        const struct model *model = &catalog->models[m];
        for (size_t c = 0; c < CATEGORY_COUNT; c++) {
            const struct score *score =
                &book->table->base[m * CATEGORY_COUNT + c];
            assert_int_equal(score->present, belief_at(m, c)->present);
            if (!score->present)
                continue;
            assert_true(model->figure_count > 0 && score->sources > 0);
            assert_true(score->low <= score->mean &&
                        score->mean <= score->high);
            assert_true(score->low >= 0 && score->high <= 100);
        }
        if (!(model->capabilities & BIT(CAPABILITY_VISION)))
            assert_false(belief_at(m, CATEGORY_VISION)->present);
        if (model->context_tokens < 100000)
            assert_false(belief_at(m, CATEGORY_RESEARCH)->present);
    }
}

static void
no_figure_of_the_bundled_catalog_is_refused(void **state)
{
    (void)state;
    assert_int_equal(book->normals.refused, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ranking_is_what_an_expert_expects),
        cmocka_unit_test(
            a_sparsely_measured_model_never_beats_a_well_measured_good_one),
        cmocka_unit_test(a_score_is_there_exactly_where_evidence_is),
        cmocka_unit_test(no_figure_of_the_bundled_catalog_is_refused),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
