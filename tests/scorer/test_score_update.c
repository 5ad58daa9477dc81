/* scorer/score_build and scorer/score_update: a table moved by events is to
 * the bit the one built whole from where the events led. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "scorer/score_build.h"
#include "scorer/score_update.h"
#include "tests/scorer/catalog_kit.h"

#define MODELS ((size_t)12)
#define CELLS (MODELS * CATEGORY_COUNT)
#define TENANTS 9
#define EVENTS 10000
#define TODAY 20000
#define NOW ((ms_time)TODAY * UTC_MS_PER_DAY)

/* A small generator with a fixed seed: every run sees the same events. */
struct dice {
    uint64_t state;
};

static uint64_t
dice_next(struct dice *dice, uint64_t sides)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return dice->state % sides;
}

static const char *const IDS[12] = {"a/one", "a/two", "b/six", "b/two",
                                    "c/one", "c/two", "d/one", "d/two",
                                    "e/one", "e/two", "f/one", "f/two"};
static const char *const NAMES[TENANTS] = {
    "acme", "beta", "default", "dora", "elmo", "fay", "gus", "hanna", "ivo"};

/* Models of rising strength; the last has no figure at all. */
static struct catalog *
small_catalog(void)
{
    struct kit_model rows[MODELS];
    for (size_t i = 0; i < MODELS; i++)
        rows[i] = (struct kit_model){
            .id = IDS[i],
            .prompt_usd = 0.1 * (double)(i + 1),
            .completion_usd = 0.4 * (double)(i + 1),
            .context_tokens = (uint32_t)(64000 * (i + 1)),
            .capabilities = i % 2 ? BIT(CAPABILITY_VISION) : 0,
            .speed = i % 3 ? 40.0 + 10 * (double)i : 0,
            .figure_count = i == MODELS - 1 ? 0 : 4,
            .figures = {
                {BENCHMARK_INTELLIGENCE_INDEX, 20 + 3 * (double)i},
                {BENCHMARK_GPQA, 30 + 5 * (double)(i * 7 % 11)},
                {BENCHMARK_ARENA, 1200 + 20 * (double)(i * 5 % 11)},
                {BENCHMARK_LIVE_BENCH_CODING, 25 + 4 * (double)(i * 3 % 11)}}};
    return kit_catalog(rows, MODELS);
}

/* Where the events led: one slot for every key there can be. */
struct world {
    struct personal_cell personal[TENANTS][MODELS][CATEGORY_COUNT];
    struct community_cell community[MODELS][CATEGORY_COUNT];
    struct personal_cell personal_list[TENANTS * MODELS * CATEGORY_COUNT];
    struct community_cell community_list[MODELS * CATEGORY_COUNT];
};

static struct layers
world_layers(struct world *world)
{
    struct layers layers = {.personal = world->personal_list,
                            .community = world->community_list,
                            .day = TODAY};
    for (size_t t = 0; t < TENANTS; t++)
        for (size_t m = 0; m < MODELS; m++)
            for (size_t c = 0; c < CATEGORY_COUNT; c++)
                if (world->personal[t][m][c].ratings > 0)
                    world->personal_list[layers.personal_count++] =
                        world->personal[t][m][c];
    for (size_t m = 0; m < MODELS; m++)
        for (size_t c = 0; c < CATEGORY_COUNT; c++)
            if (world->community[m][c].ratings > 0)
                world->community_list[layers.community_count++] =
                    world->community[m][c];
    return layers;
}

static struct personal_cell
random_personal(struct dice *dice, struct world *world)
{
    size_t t = dice_next(dice, TENANTS);
    size_t m = dice_next(dice, MODELS);
    size_t c = dice_next(dice, CATEGORY_COUNT);
    struct personal_cell cell = {.tenant = slice_of(NAMES[t]),
                                 .model = slice_of(IDS[m]),
                                 .category = (enum category)c};
    if (dice_next(dice, 5) > 0) { /* else it is taken out */
        cell.mass = (double)dice_next(dice, 3000) / 100;
        cell.shift = (double)dice_next(dice, 2001) / 1000 - 1;
        cell.ratings = 1 + (uint32_t)dice_next(dice, 50);
    }
    world->personal[t][m][c] = cell;
    return cell;
}

static struct community_cell
random_community(struct dice *dice, struct world *world)
{
    size_t m = dice_next(dice, MODELS);
    size_t c = dice_next(dice, CATEGORY_COUNT);
    struct community_cell cell = {.model = slice_of(IDS[m]),
                                  .category = (enum category)c};
    if (dice_next(dice, 5) > 0) {
        cell.mass = (double)dice_next(dice, 3000) / 100;
        cell.mean = (double)dice_next(dice, 1001) / 1000;
        cell.contributors = 5;
        cell.ratings = 1 + (uint32_t)dice_next(dice, 50);
    }
    world->community[m][c] = cell;
    return cell;
}

static bool
same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void
assert_same_score(const struct score *a, const struct score *b)
{
    assert_int_equal(a->present, b->present);
    if (!a->present)
        return;
    assert_true(same_number(a->mean, b->mean));
    assert_true(same_number(a->low, b->low));
    assert_true(same_number(a->high, b->high));
    assert_true(same_number(a->confidence, b->confidence));
    assert_true(same_number(a->benchmark, b->benchmark));
    assert_true(same_number(a->community, b->community));
    assert_true(same_number(a->personal, b->personal));
    assert_true(same_number(a->benchmark_share, b->benchmark_share));
    assert_true(same_number(a->community_share, b->community_share));
    assert_true(same_number(a->personal_share, b->personal_share));
    assert_int_equal(a->sources, b->sources);
}

static void
assert_same_table(const struct score_table *a, const struct score_table *b)
{
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->version, score_table_hash(a));
    assert_int_equal(a->personal_count, b->personal_count);
    for (size_t i = 0; i < CELLS; i++)
        assert_same_score(&a->base[i], &b->base[i]);
    for (size_t i = 0; i < a->personal_count; i++) {
        assert_int_equal(personal_score_cmp(&a->personal[i], &b->personal[i]),
                         0);
        assert_same_score(&a->personal[i].score, &b->personal[i].score);
    }
}

static struct score_book *
build(const struct layers *layers)
{
    struct score_book *book = NULL;
    assert_int_equal(score_build(small_catalog(), layers, TODAY, NOW, &book),
                     STATUS_OK);
    return book;
}

static void
a_table_without_layers_holds_benchmarks_only(void **state)
{
    struct score_book *book = build(NULL);
    (void)state;
    assert_int_equal(book->table->personal_count, 0);
    assert_int_equal(book->table->day, TODAY);
    assert_int_equal(book->table->made_at, NOW);
    assert_true(book->table->base[CATEGORY_GENERAL].present);
    assert_true(isnan(book->table->base[CATEGORY_GENERAL].community));
    for (size_t c = 0; c < CATEGORY_COUNT; c++)
        assert_false(book->table->base[CELLS - CATEGORY_COUNT + c].present);
    score_book_free(&book);
    assert_null(book);
}

static void
a_rating_changes_its_own_cell_and_no_other(void **state)
{
    struct personal_cell cell = {.tenant = SLICE("acme"),
                                 .model = SLICE("a/one"),
                                 .category = CATEGORY_CODING,
                                 .mass = 3,
                                 .shift = 0.25,
                                 .ratings = 3};
    struct layers changes = {.personal = &cell, .personal_count = 1};
    struct score_book *book = build(NULL);
    struct score_book *before = build(NULL);
    struct arena *arena = arena_new(1 << 20);
    struct score_changes touched;
    (void)state;
    assert_int_equal(score_update(book, &changes, NOW + 1, arena, &touched),
                     STATUS_OK);
    assert_int_equal(touched.count, 1);
    assert_true(slice_eq(touched.items[0].tenant, SLICE("acme")));
    assert_int_equal(touched.items[0].model, 0);
    assert_int_equal(touched.items[0].category, CATEGORY_CODING);
    assert_int_equal(book->table->personal_count, 1);
    assert_int_equal(book->table->made_at, NOW + 1);
    for (size_t i = 0; i < CELLS; i++)
        assert_same_score(&book->table->base[i], &before->table->base[i]);
    const struct score *own =
        score_table_score(book->table, SLICE("acme"), 0, CATEGORY_CODING);
    assert_true(own->mean > book->table->base[CATEGORY_CODING].mean);
    arena_free(&arena);
    score_book_free(&book);
    score_book_free(&before);
}

static void
a_community_cell_touches_every_tenant_who_rated_there(void **state)
{
    struct personal_cell own[2] = {{.tenant = SLICE("acme"),
                                    .model = SLICE("a/one"),
                                    .category = CATEGORY_GENERAL,
                                    .mass = 1,
                                    .ratings = 1},
                                   {.tenant = SLICE("beta"),
                                    .model = SLICE("a/one"),
                                    .category = CATEGORY_GENERAL,
                                    .mass = 1,
                                    .ratings = 1}};
    struct community_cell all = {.model = SLICE("a/one"),
                                 .category = CATEGORY_GENERAL,
                                 .mass = 9,
                                 .mean = 1,
                                 .contributors = 9,
                                 .ratings = 9};
    struct layers layers = {.personal = own, .personal_count = 2};
    struct layers changes = {.community = &all, .community_count = 1};
    struct score_book *book = build(&layers);
    struct arena *arena = arena_new(1 << 20);
    struct score_changes touched;
    (void)state;
    assert_int_equal(score_update(book, &changes, NOW, arena, &touched),
                     STATUS_OK);
    assert_int_equal(touched.count, 3);
    assert_near(book->table->personal[0].score.community, 1, 0);
    assert_near(book->table->personal[1].score.community, 1, 0);
    arena_free(&arena);
    score_book_free(&book);
}

static void
random_events_lead_to_the_table_that_is_built_whole(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct score_book *moved = build(NULL);
    struct arena *arena = arena_new(1 << 20);
    struct dice dice = {UINT64_C(0x9e3779b97f4a7c15)};
    (void)state;
    for (size_t event = 1; event <= EVENTS; event++) {
        struct personal_cell personal;
        struct community_cell community;
        struct layers changes = {.personal = &personal,
                                 .community = &community};
        struct score_changes touched;
        if (dice_next(&dice, 4) > 0) {
            personal = random_personal(&dice, world);
            changes.personal_count = 1;
        } else {
            community = random_community(&dice, world);
            changes.community_count = 1;
        }
        arena_reset(arena);
        assert_int_equal(score_update(moved, &changes, NOW, arena, &touched),
                         STATUS_OK);
        if (event % 1000 == 0) {
            struct layers layers = world_layers(world);
            struct score_book *whole = build(&layers);
            assert_true(whole->table->personal_count > 0);
            assert_same_table(moved->table, whole->table);
            score_book_free(&whole);
        }
    }
    arena_free(&arena);
    score_book_free(&moved);
    free(world);
}

static void
a_catalog_can_go_on_into_the_next_table(void **state)
{
    struct score_book *old = build(NULL);
    struct score_book *next = NULL;
    uint64_t version = old->table->version;
    (void)state;
    struct catalog *catalog = score_book_take_catalog(old);
    assert_int_equal(score_build(catalog, NULL, TODAY + 1, NOW, &next),
                     STATUS_OK);
    score_book_free(&old);
    assert_int_equal(next->table->version, version);
    assert_int_equal(next->table->day, TODAY + 1);
    score_book_free(&next);
}

static void
evidence_on_a_model_without_benchmarks_makes_no_score(void **state)
{
    struct personal_cell own = {.tenant = SLICE("acme"),
                                .model = SLICE("f/two"),
                                .category = CATEGORY_CODING,
                                .mass = 30,
                                .shift = 0.25,
                                .ratings = 30};
    struct community_cell all = {.model = SLICE("f/two"),
                                 .category = CATEGORY_CODING,
                                 .mass = 30,
                                 .mean = 1,
                                 .ratings = 30};
    struct layers layers = {.personal = &own,
                            .personal_count = 1,
                            .community = &all,
                            .community_count = 1};
    struct score_book *book = build(&layers);
    (void)state;
    assert_int_equal(book->table->personal_count, 0);
    assert_false(score_table_score(book->table, SLICE("acme"),
                                   (uint32_t)MODELS - 1, CATEGORY_CODING)
                     ->present);
    score_book_free(&book);
}

static void
a_model_that_the_catalog_does_not_know_is_left_aside(void **state)
{
    struct personal_cell own = {.tenant = SLICE("acme"),
                                .model = SLICE("z/unknown"),
                                .category = CATEGORY_CODING,
                                .mass = 1,
                                .ratings = 1};
    struct layers changes = {.personal = &own, .personal_count = 1};
    struct score_book *book = build(&changes);
    struct arena *arena = arena_new(1 << 20);
    struct score_changes touched;
    uint64_t version = book->table->version;
    (void)state;
    assert_int_equal(score_update(book, &changes, NOW, arena, &touched),
                     STATUS_OK);
    assert_int_equal(touched.count, 0);
    assert_int_equal(book->table->version, version);
    arena_free(&arena);
    score_book_free(&book);
}

static void
evidence_that_is_no_number_is_refused_and_changes_nothing(void **state)
{
    struct personal_cell own[2] = {{.tenant = SLICE("acme"),
                                    .model = SLICE("a/one"),
                                    .category = CATEGORY_CODING,
                                    .mass = 1,
                                    .ratings = 1},
                                   {.tenant = SLICE("acme"),
                                    .model = SLICE("a/two"),
                                    .category = CATEGORY_CODING,
                                    .mass = NAN,
                                    .ratings = 1}};
    struct layers changes = {.personal = own, .personal_count = 2};
    struct score_book *book = build(NULL);
    struct score_book *none = NULL;
    struct catalog *catalog = small_catalog();
    struct arena *arena = arena_new(1 << 20);
    struct score_changes touched;
    uint64_t version = book->table->version;
    (void)state;
    assert_int_equal(score_update(book, &changes, NOW, arena, &touched),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(book->table->version, version);
    assert_int_equal(score_build(catalog, &changes, TODAY, NOW, &none),
                     STATUS_INVALID_ARGUMENT);
    assert_null(none);
    catalog_free(&catalog); /* still ours */
    arena_free(&arena);
    score_book_free(&book);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_without_layers_holds_benchmarks_only),
        cmocka_unit_test(a_rating_changes_its_own_cell_and_no_other),
        cmocka_unit_test(a_community_cell_touches_every_tenant_who_rated_there),
        cmocka_unit_test(random_events_lead_to_the_table_that_is_built_whole),
        cmocka_unit_test(a_catalog_can_go_on_into_the_next_table),
        cmocka_unit_test(evidence_on_a_model_without_benchmarks_makes_no_score),
        cmocka_unit_test(a_model_that_the_catalog_does_not_know_is_left_aside),
        cmocka_unit_test(
            evidence_that_is_no_number_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
