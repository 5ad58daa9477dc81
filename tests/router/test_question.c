/* router/question: defaults, context tags, and what the hash depends on. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/question.h"

static void
a_new_question_is_general_at_medium_budget(void **state)
{
    struct question question;
    (void)state;
    question_init(&question);
    assert_int_equal(question.category, CATEGORY_GENERAL);
    assert_int_equal(question.budget, BUDGET_MEDIUM);
    assert_int_equal(question.objective, OBJECTIVE_QUALITY);
}

static void
known_tags_are_noted_in_any_case(void **state)
{
    struct question question;
    (void)state;
    question_init(&question);
    for (unsigned i = 0; i < CONTEXT_TAG_COUNT; i++)
        assert_true(question_add_context(
            &question, slice_of(context_tag_name((enum context_tag)i))));
    assert_int_equal(question.context_tags, BIT(CONTEXT_TAG_COUNT) - 1);
    assert_true(question_add_context(&question, SLICE("NextJS")));
}

static void
vision_and_long_context_are_requirements(void **state)
{
    struct question question;
    (void)state;
    question_init(&question);
    assert_true(question_add_context(&question, SLICE("vision")));
    assert_true(question_add_context(&question, SLICE("long-context")));
    assert_int_equal(question.require, BIT(CAPABILITY_VISION));
    assert_int_equal(question.min_context, QUESTION_LONG_CONTEXT);
    question.min_context = 500000;
    assert_true(question_add_context(&question, SLICE("long-context")));
    assert_int_equal(question.min_context, 500000);
}

static void
unknown_tags_change_nothing(void **state)
{
    struct question question;
    (void)state;
    question_init(&question);
    uint64_t before = question_hash(&question);
    assert_false(question_add_context(&question, SLICE("constructor")));
    assert_false(question_add_context(&question, SLICE("")));
    assert_true(question_hash(&question) == before);
}

static void
the_category_vision_needs_vision(void **state)
{
    struct question question;
    (void)state;
    question_init(&question);
    assert_int_equal(question_capabilities(&question), 0);
    question.category = CATEGORY_VISION;
    assert_int_equal(question_capabilities(&question), BIT(CAPABILITY_VISION));
}

static void
the_hash_is_of_all_that_is_asked_but_not_of_the_day(void **state)
{
    struct slice id = SLICE("a/b");
    struct question plain;
    struct question other;
    (void)state;
    question_init(&plain);
    other = plain;
    other.today = 20000;
    assert_true(question_hash(&plain) == question_hash(&other));
    other = plain;
    other.budget = BUDGET_LOW;
    assert_true(question_hash(&plain) != question_hash(&other));
    other = plain;
    other.exclude = &id;
    other.exclude_count = 1;
    uint64_t excluded = question_hash(&other);
    assert_true(question_hash(&plain) != excluded);
    other = plain;
    other.allow = &id;
    other.allow_count = 1;
    assert_true(question_hash(&other) != excluded);
    other = plain;
    other.tenant = SLICE("bob");
    assert_true(question_hash(&plain) != question_hash(&other));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_question_is_general_at_medium_budget),
        cmocka_unit_test(known_tags_are_noted_in_any_case),
        cmocka_unit_test(vision_and_long_context_are_requirements),
        cmocka_unit_test(unknown_tags_change_nothing),
        cmocka_unit_test(the_category_vision_needs_vision),
        cmocka_unit_test(the_hash_is_of_all_that_is_asked_but_not_of_the_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
