/* router/pick with filter and rank behind it: tests/tables/pick.tsv, and what
 * a row cannot say. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/explain.h"
#include "router/pick.h"
#include "router/rank.h"
#include "tests/router/table_kit.h"

#define LIST_MAX 8

struct fixture {
    struct score_table *table;
    struct arena *arena;
};

/* A question with its lists, from a row. */
struct posed {
    struct question question;
    struct slice exclude[LIST_MAX];
    struct slice allow[LIST_MAX];
};

static int
set_up(void **state)
{
    static struct fixture fixture;
    fixture.table = table_kit_new();
    fixture.arena = arena_new(1 << 20);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;
    score_table_free(&fixture->table);
    arena_free(&fixture->arena);
    return 0;
}

static size_t
read_list(struct slice text, struct slice *list)
{
    size_t count = 0;
    while (count < LIST_MAX && slice_split(&text, ',', &list[count]))
        count++;
    return count;
}

static void
read_context(struct slice text, struct question *question)
{
    struct slice tag;
    while (slice_split(&text, ',', &tag))
        assert_true(question_add_context(question, tag));
}

static void
read_option(struct slice key, struct slice value, struct posed *posed)
{
    struct question *question = &posed->question;
    if (slice_eq(key, SLICE("exclude")))
        question->exclude_count = read_list(value, posed->exclude);
    else if (slice_eq(key, SLICE("allow")))
        question->allow_count = read_list(value, posed->allow);
    else if (slice_eq(key, SLICE("require")))
        question->require = table_kit_capabilities(value);
    else if (slice_eq(key, SLICE("minContext")))
        question->min_context = (uint32_t)table_kit_number(value);
    else if (slice_eq(key, SLICE("context")))
        read_context(value, question);
    else if (slice_eq(key, SLICE("objective")))
        question->objective = OBJECTIVE_VALUE;
    else if (slice_eq(key, SLICE("tenant")))
        question->tenant = value;
    else if (slice_eq(key, SLICE("today")))
        question->today = table_kit_day(value);
    else
        fail_msg("no such option: %.*s", SLICE_ARG(key));
}

static void
pose(const struct slice *columns, struct posed *posed)
{
    struct question *question = &posed->question;
    struct slice options = columns[2];
    struct slice option;

    *posed = (struct posed){0};
    question_init(question);
    question->tenant = SLICE("default");
    question->today = TABLE_KIT_DAY;
    question->exclude = posed->exclude;
    question->allow = posed->allow;
    assert_true(category_find(columns[0], &question->category));
    assert_true(budget_find(columns[1], &question->budget));
    while (options.len > 0 && slice_split(&options, ';', &option)) {
        size_t at = (size_t)slice_find(option, SLICE("="));
        read_option(slice_cut(option, 0, at),
                    slice_cut(option, at + 1, option.len), posed);
    }
}

static void
check_hidden(struct slice want, const struct pick *pick, struct slice why)
{
    struct slice id;
    struct slice filter;

    if (slice_eq(want, SLICE("-"))) {
        if (pick->has_hidden)
            fail_msg("%.*s: hides %.*s", SLICE_ARG(why),
                     SLICE_ARG(pick->hidden.model->id));
        return;
    }
    assert_true(slice_split(&want, ' ', &id));
    assert_true(slice_split(&want, ' ', &filter));
    if (!pick->has_hidden || !slice_eq(pick->hidden.model->id, id))
        fail_msg("%.*s: %.*s is not named", SLICE_ARG(why), SLICE_ARG(id));
    assert_true(slice_eq(slice_of(filter_name(pick->hidden_by)), filter));
}

static void
check_row(void *context, const struct slice *columns, size_t count)
{
    struct fixture *fixture = context;
    struct slice why = columns[6];
    struct posed posed;
    struct pick pick;

    assert_int_equal(count, 7);
    pose(columns, &posed);
    arena_reset(fixture->arena);
    assert_int_equal(
        pick_best(fixture->table, &posed.question, fixture->arena, &pick),
        STATUS_OK);
    struct slice got =
        pick.candidate_count == 0 ? SLICE("NONE") : pick.best.model->id;
    if (!slice_eq(got, columns[3]))
        fail_msg("%.*s: got %.*s, not %.*s", SLICE_ARG(why), SLICE_ARG(got),
                 SLICE_ARG(columns[3]));
    check_hidden(columns[4], &pick, why);
    if (columns[5].len > 0 &&
        pick.candidate_count != (uint32_t)table_kit_number(columns[5]))
        fail_msg("%.*s: %u candidates", SLICE_ARG(why), pick.candidate_count);
}

static void
every_row_of_pick_tsv_gets_its_model(void **state)
{
    table_kit_rows("pick.tsv", *state, check_row);
}

static struct question
ask(enum category category, enum budget budget)
{
    struct question question;
    question_init(&question);
    question.category = category;
    question.budget = budget;
    question.tenant = SLICE("default");
    question.today = TABLE_KIT_DAY;
    return question;
}

static void
candidates_and_removed_add_up_to_the_catalog(void **state)
{
    struct fixture *fixture = *state;
    struct question question = ask(CATEGORY_VISION, BUDGET_HIGH);
    struct pick pick;
    uint32_t sum = 0;

    assert_int_equal(
        pick_best(fixture->table, &question, fixture->arena, &pick), STATUS_OK);
    for (unsigned i = 0; i < FILTER_COUNT; i++)
        sum += pick.removed[i];
    assert_int_equal(sum + pick.candidate_count,
                     fixture->table->catalog->count);
    assert_int_equal(pick.removed[FILTER_STANDING], 2);
    assert_int_equal(pick.removed[FILTER_EXPIRED], 1);
}

static void
runners_up_follow_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct question question = ask(CATEGORY_CODING, BUDGET_MEDIUM);
    struct pick pick;

    assert_int_equal(
        pick_best(fixture->table, &question, fixture->arena, &pick), STATUS_OK);
    assert_int_equal(pick.runner_up_count, 3);
    assert_true(slice_eq(pick.runners_up[0].model->id, SLICE("bolt/coder")));
    assert_true(slice_eq(pick.runners_up[1].model->id, SLICE("cirrus/pro")));
    assert_true(slice_eq(pick.runners_up[2].model->id, SLICE("hail/twin-c")));
}

static void
the_reason_reads_as_clients_know_it(void **state)
{
    struct fixture *fixture = *state;
    struct question question = ask(CATEGORY_CODING, BUDGET_MEDIUM);
    struct pick pick;
    struct buf text;

    assert_int_equal(
        pick_best(fixture->table, &question, fixture->arena, &pick), STATUS_OK);
    buf_init(&text, 1024);
    explain_pick(&question, &pick, &text);
    assert_string_equal(
        buf_text(&text),
        "Best coding model at medium budget ($0-5/M) \xE2\x80\x94 score: 88");
    question = ask(CATEGORY_CODING, BUDGET_ANY);
    question.objective = OBJECTIVE_VALUE;
    assert_int_equal(
        pick_best(fixture->table, &question, fixture->arena, &pick), STATUS_OK);
    buf_reset(&text);
    explain_pick(&question, &pick, &text);
    assert_string_equal(buf_text(&text),
                        "Best value coding model at any budget \xE2\x80\x94 "
                        "score: 88, cheaper than echo/huge (90) and not told "
                        "apart from it by the evidence");
    buf_fini(&text);
}

static void
the_note_names_the_model_and_the_floor(void **state)
{
    struct fixture *fixture = *state;
    struct question question = ask(CATEGORY_VISION, BUDGET_HIGH);
    struct pick pick;
    struct buf text;

    assert_int_equal(
        pick_best(fixture->table, &question, fixture->arena, &pick), STATUS_OK);
    buf_init(&text, 1024);
    explain_hidden(&question, &pick, &text);
    assert_string_equal(buf_text(&text),
                        "iris/eye scores higher (86) and costs less, but the "
                        "lower bound of the budget high ($2/M) leaves it out");
    buf_fini(&text);
}

static void
nothing_left_says_who_took_what_and_what_to_relax(void **state)
{
    struct fixture *fixture = *state;
    struct slice allow[] = {SLICE("acme/titan")};
    struct question question = ask(CATEGORY_CODING, BUDGET_LOW);
    struct pick pick;
    struct buf text;

    question.allow = allow;
    question.allow_count = 1;
    assert_int_equal(
        pick_best(fixture->table, &question, fixture->arena, &pick), STATUS_OK);
    assert_int_equal(pick.candidate_count, 0);
    buf_init(&text, 1024);
    explain_no_model(&question, pick.removed, &text);
    assert_string_equal(
        buf_text(&text),
        "no coding model at low budget ($0-1/M) is left; removed by standing "
        "2, expired 1, allow 12, budgetCeiling 1; try to allow more models");
    buf_fini(&text);
}

/* A scorer gives such a model no score; a router does not rely on it. */
static void
a_text_model_is_never_picked_for_vision_whatever_its_score(void **state)
{
    struct fixture *fixture = *state;
    struct score_table *table = fixture->table;
    struct question question = ask(CATEGORY_VISION, BUDGET_MEDIUM);
    struct score praise = table_kit_score(SLICE("99+-1"));
    struct score none = {.present = false};
    struct pick pick;
    uint32_t text_only =
        (uint32_t)(catalog_find(table->catalog, SLICE("bolt/coder")) -
                   table->catalog->models);

    score_table_set_base(table, text_only, CATEGORY_VISION, &praise);
    assert_int_equal(pick_best(table, &question, fixture->arena, &pick),
                     STATUS_OK);
    score_table_set_base(table, text_only, CATEGORY_VISION, &none);
    assert_true(slice_eq(pick.best.model->id, SLICE("iris/eye")));
    assert_int_equal(pick.candidate_count, 5);
}

static void
scores_tie_as_they_are_shown(void **state)
{
    struct model cheap = {.id = SLICE("z/z"), .prompt_price = 1};
    struct model dear = {.id = SLICE("a/a"), .prompt_price = 2};
    struct score low = {.present = true, .mean = 80.001};
    struct score high = {.present = true, .mean = 80.004};
    struct candidate a = filter_candidate(&cheap, &low, 0);
    struct candidate b = filter_candidate(&dear, &high, 1);

    (void)state;
    assert_true(rank_is_before(&a, &b));
    assert_false(rank_is_before(&b, &a));
    assert_false(rank_is_better_and_cheaper(&a, &b));
}

static void
an_arena_too_small_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = arena_new(64);
    struct question question = ask(CATEGORY_CODING, BUDGET_MEDIUM);
    struct pick pick = {.candidate_count = 77};

    assert_int_equal(pick_best(fixture->table, &question, arena, &pick),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_int_equal(pick.candidate_count, 77);
    arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_pick_tsv_gets_its_model),
        cmocka_unit_test(candidates_and_removed_add_up_to_the_catalog),
        cmocka_unit_test(runners_up_follow_in_order),
        cmocka_unit_test(the_reason_reads_as_clients_know_it),
        cmocka_unit_test(the_note_names_the_model_and_the_floor),
        cmocka_unit_test(nothing_left_says_who_took_what_and_what_to_relax),
        cmocka_unit_test(
            a_text_model_is_never_picked_for_vision_whatever_its_score),
        cmocka_unit_test(scores_tie_as_they_are_shown),
        cmocka_unit_test(an_arena_too_small_is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
