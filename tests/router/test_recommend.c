/* router/recommend: tests/tables/recommend.tsv, and the words it comes in. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "router/explain.h"
#include "router/recommend.h"
#include "tests/router/table_kit.h"

#define LIST_MAX 8

struct fixture {
    struct score_table *table;
    struct arena *arena;
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
check_row(void *context, const struct slice *columns, size_t count)
{
    struct fixture *fixture = context;
    struct slice exclude[LIST_MAX];
    struct slice rest = columns[3];
    struct question question = ask(CATEGORY_GENERAL, BUDGET_MEDIUM);
    struct recommendation found;
    struct buf got;

    assert_int_equal(count, 6);
    assert_true(category_find(columns[0], &question.category));
    assert_true(budget_find(columns[1], &question.budget));
    question.exclude = exclude;
    while (rest.len > 0 && question.exclude_count < LIST_MAX &&
           slice_split(&rest, ',', &exclude[question.exclude_count]))
        question.exclude_count++;
    arena_reset(fixture->arena);
    assert_int_equal(recommend_models(fixture->table, &question,
                                      (size_t)table_kit_number(columns[2]),
                                      fixture->arena, &found),
                     STATUS_OK);
    buf_init(&got, 4096);
    for (size_t i = 0; i < found.count; i++) {
        buf_put_text(&got, i == 0 ? "" : ",");
        buf_put_slice(&got, found.models[i].model->id);
    }
    if (!slice_eq(buf_slice(&got), columns[4]))
        fail_msg("%.*s: got %s", SLICE_ARG(columns[5]), buf_text(&got));
    buf_fini(&got);
}

static void
every_row_of_recommend_tsv_gets_its_models(void **state)
{
    table_kit_rows("recommend.tsv", *state, check_row);
}

static void
for_value_the_cheapest_of_the_tied_comes_first(void **state)
{
    struct fixture *fixture = *state;
    struct question question = ask(CATEGORY_CODING, BUDGET_MEDIUM);
    struct recommendation found;

    question.objective = OBJECTIVE_VALUE;
    assert_int_equal(
        recommend_models(fixture->table, &question, 3, fixture->arena, &found),
        STATUS_OK);
    assert_true(slice_eq(found.models[0].model->id, SLICE("bolt/coder")));
    assert_true(slice_eq(found.models[1].model->id, SLICE("acme/titan")));
    assert_true(slice_eq(found.models[2].model->id, SLICE("cirrus/pro")));
}

static void
the_reason_tells_grade_speed_and_sources(void **state)
{
    struct fixture *fixture = *state;
    struct question question = ask(CATEGORY_FAST_CHEAP, BUDGET_LOW);
    struct recommendation found;
    struct buf text;

    assert_int_equal(
        recommend_models(fixture->table, &question, 5, fixture->arena, &found),
        STATUS_OK);
    buf_init(&text, 1024);
    explain_recommendation(&question, &found.models[0], &text);
    assert_string_equal(
        buf_text(&text),
        "Top fast-cheap model at low budget (fast) (2 benchmark sources)");
    buf_reset(&text);
    explain_recommendation(&question, &found.models[1], &text);
    assert_string_equal(
        buf_text(&text),
        "Strong fast-cheap model at low budget (2 benchmark sources)");
    buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_recommend_tsv_gets_its_models),
        cmocka_unit_test(for_value_the_cheapest_of_the_tied_comes_first),
        cmocka_unit_test(the_reason_tells_grade_speed_and_sources),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
