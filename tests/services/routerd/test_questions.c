/* routerd/questions: which requests are questions, and how the others are
 * turned down. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/routerd/questions.h"
#include "tests/services/routerd/view_kit.h"

static char *
text(const char *constant)
{
    /* Messages hold char *; nobody writes through it. */
    union {
        const char *from;
        char *to;
    } pun = {.from = constant};
    return pun.to;
}

static Ss__PickRequest
pick_for(const char *task)
{
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    request.task = task == NULL ? NULL : text(task);
    return request;
}

static struct asked
accept(struct view_kit *kit, const Ss__PickRequest *request)
{
    struct asked asked;
    struct refusal refusal = {.message = ""};
    enum status status = questions_pick(&kit->view, request, &asked, &refusal);
    if (status != STATUS_OK)
        fail_msg("refused: %s", refusal.message);
    return asked;
}

static void
assert_refused(struct view_kit *kit, const Ss__PickRequest *request,
               const char *reason, const char *message)
{
    struct asked asked;
    struct refusal refusal = {.message = ""};
    assert_int_equal(questions_pick(&kit->view, request, &asked, &refusal),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(refusal.status, STATUS_INVALID_ARGUMENT);
    assert_string_equal(refusal.reason, reason);
    assert_string_equal(refusal.message, message);
}

static void
free_text_is_classified(void **state)
{
    Ss__PickRequest request = pick_for("Build a React app");
    struct asked asked = accept(*state, &request);
    assert_int_equal(asked.question.category, CATEGORY_CODING);
    assert_int_equal(asked.question.budget, BUDGET_MEDIUM);
    assert_int_equal(asked.question.today, TABLE_KIT_DAY);
    assert_true(asked.classification.evidence_count > 0);
}

static void
a_given_category_overrides_the_classifier(void **state)
{
    Ss__PickRequest request = pick_for("Build a React app");
    request.has_category = true;
    request.category = SS__CATEGORY__CATEGORY_CREATIVE;
    struct asked asked = accept(*state, &request);
    assert_int_equal(asked.question.category, CATEGORY_CREATIVE);
    assert_int_equal(asked.classification.evidence_count, 0);
}

static void
every_field_arrives(void **state)
{
    char *exclude[] = {text("openrouter/acme/titan"), text(" bolt/coder "),
                       text("")};
    char *allow[] = {text("hail/*"), text("openrouter/echo/*"),
                     text("cirrus/pro")};
    char *context[] = {text("Rust"), text("constructor"), text("long-context")};
    char *require[] = {text("json"), text("functionCalling")};
    Ss__PickRequest request = pick_for("write a function");
    request.n_exclude = 3;
    request.exclude = exclude;
    request.n_allow = 3;
    request.allow = allow;
    request.n_context = 3;
    request.context = context;
    request.n_require = 2;
    request.require = require;
    request.has_budget = true;
    request.budget = SS__BUDGET__BUDGET_HIGH;
    request.has_objective = true;
    request.objective = SS__OBJECTIVE__OBJECTIVE_VALUE;
    struct asked asked = accept(*state, &request);
    struct question *question = &asked.question;
    assert_int_equal(question->exclude_count, 2);
    assert_true(slice_eq(question->exclude[0], SLICE("acme/titan")));
    assert_true(slice_eq(question->exclude[1], SLICE("bolt/coder")));
    assert_int_equal(question->allow_count, 3);
    assert_true(slice_eq(question->allow[1], SLICE("echo/*")));
    assert_int_equal(question->context_tags, BIT(CONTEXT_TAG_RUST));
    assert_int_equal(question->min_context, QUESTION_LONG_CONTEXT);
    assert_int_equal(asked.ignored_count, 1);
    assert_true(slice_eq(asked.ignored[0], SLICE("constructor")));
    assert_int_equal(question->require,
                     BIT(CAPABILITY_JSON) | BIT(CAPABILITY_FUNCTION_CALLING));
    assert_int_equal(question->budget, BUDGET_HIGH);
    assert_int_equal(question->objective, OBJECTIVE_VALUE);
}

static void
line_breaks_tabs_and_any_language_are_welcome(void **state)
{
    Ss__PickRequest request =
        pick_for("\xC3\xA9"
                 "cris une\r\n\tpetite histoire \xF0\x9F\x90\xB1");
    assert_int_equal(accept(*state, &request).question.category,
                     CATEGORY_CREATIVE);
}

static void
min_context_is_clamped(void **state)
{
    static const int64_t rows[][2] = {
        {-5, 0}, {0, 0}, {4096, 4096}, {99999999, 1000000}, {INT64_MIN, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        Ss__PickRequest request = pick_for("coding");
        request.has_min_context = true;
        request.min_context = rows[i][0];
        assert_int_equal(accept(*state, &request).question.min_context,
                         rows[i][1]);
    }
}

static void
eight_kilobytes_fit_and_one_byte_more_does_not(void **state)
{
    static char task[8194];
    Ss__PickRequest request = pick_for("");
    memset(task, 'a', sizeof(task));
    task[8192] = '\0';
    request.task = task;
    (void)accept(*state, &request);
    task[8192] = 'a';
    task[8193] = '\0';
    assert_refused(*state, &request, "INVALID_PARAM",
                   "task takes at most 8192 bytes");
}

static void
a_missing_or_blank_task_is_missing(void **state)
{
    static const char *const tasks[] = {NULL, "", "  ", "\n\t \r"};
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
        Ss__PickRequest request = pick_for(tasks[i]);
        assert_refused(*state, &request, "MISSING_PARAM",
                       "task parameter is required");
        request.has_category = true;
        assert_refused(*state, &request, "MISSING_PARAM",
                       "task parameter is required");
    }
}

static void
control_characters_and_broken_utf8_are_refused(void **state)
{
    static const char *const tasks[] = {"a\001b",   "a\x7F",
                                        "a\x1B[0m", "\xC2\x85 next line",
                                        "\xFF",     "\xED\xA0\x80 surrogate"};
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
        Ss__PickRequest request = pick_for(tasks[i]);
        request.has_category = i % 2 == 0;
        assert_refused(*state, &request, "INVALID_PARAM",
                       "task must be UTF-8 text without control characters "
                       "other than tab and line breaks");
    }
}

static void
enums_from_the_wire_may_be_any_number(void **state)
{
    static const int numbers[] = {-1, 99, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        Ss__PickRequest request = pick_for("coding");
        request.has_budget = true;
        request.budget = (Ss__Budget)numbers[i];
        assert_refused(*state, &request, "INVALID_PARAM",
                       "budget must be low, medium, high or any");
        request = pick_for("coding");
        request.has_category = true;
        request.category = (Ss__Category)numbers[i];
        assert_refused(*state, &request, "INVALID_PARAM",
                       "category must be a category");
        request = pick_for("coding");
        request.has_objective = true;
        request.objective = (Ss__Objective)numbers[i];
        assert_refused(*state, &request, "INVALID_PARAM",
                       "objective must be quality or value");
    }
}

static void
ids_must_be_ids(void **state)
{
    static const char *const bad[] = {"a b", "vendor", "<script>", "a/",
                                      "/b",  "a//b",   "a/b\n c"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *ids[] = {text(bad[i])};
        Ss__PickRequest request = pick_for("coding");
        request.n_exclude = 1;
        request.exclude = ids;
        assert_refused(*state, &request, "INVALID_PARAM",
                       "exclude contains an invalid model id (vendor/name)");
        request = pick_for("coding");
        request.n_allow = 1;
        request.allow = ids;
        assert_refused(
            *state, &request, "INVALID_PARAM",
            "allow contains an invalid entry (vendor/name or vendor/*)");
    }
    char *star[] = {text("hail/*")};
    Ss__PickRequest request = pick_for("coding");
    request.n_exclude = 1;
    request.exclude = star;
    assert_refused(*state, &request, "INVALID_PARAM",
                   "exclude contains an invalid model id (vendor/name)");
}

static void
lists_have_their_limits(void **state)
{
    static char *ids[QUESTION_ALLOW_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = text("a/b");
    Ss__PickRequest request = pick_for("coding");
    request.exclude = ids;
    request.n_exclude = QUESTION_EXCLUDE_MAX;
    (void)accept(*state, &request);
    request.n_exclude++;
    assert_refused(*state, &request, "INVALID_PARAM",
                   "exclude takes at most 50 model ids");
    request = pick_for("coding");
    request.allow = ids;
    request.n_allow = QUESTION_ALLOW_MAX;
    (void)accept(*state, &request);
    request.n_allow++;
    assert_refused(*state, &request, "INVALID_PARAM",
                   "allow takes at most 200 entries");
    request = pick_for("coding");
    request.context = ids;
    request.n_context = QUESTION_CONTEXT_MAX;
    assert_int_equal(accept(*state, &request).ignored_count, 20);
    request.n_context++;
    assert_refused(*state, &request, "INVALID_PARAM",
                   "context takes at most 20 tags");
}

static void
capabilities_and_tags_are_checked(void **state)
{
    char *telepathy[] = {text("vision"), text("telepathy")};
    char *bell[] = {text("a\x07")};
    Ss__PickRequest request = pick_for("coding");
    request.n_require = 2;
    request.require = telepathy;
    assert_refused(*state, &request, "INVALID_PARAM",
                   "require contains an invalid capability (vision, "
                   "functionCalling, streaming, json, reasoning)");
    request = pick_for("coding");
    request.n_context = 1;
    request.context = bell;
    assert_refused(*state, &request, "INVALID_PARAM",
                   "context takes tags of at most 64 bytes of printable text");
}

static void
recommend_takes_a_task_or_a_category_and_clamps_its_count(void **state)
{
    static const int64_t rows[][2] = {{-3, 1}, {0, 1}, {4, 4}, {99, 5}};
    struct view_kit *kit = *state;
    Ss__RecommendRequest request = SS__RECOMMEND_REQUEST__INIT;
    struct asked asked;
    struct refusal refusal;
    size_t count = 0;

    assert_int_equal(
        questions_recommend(&kit->view, &request, &asked, &count, &refusal),
        STATUS_INVALID_ARGUMENT);
    assert_string_equal(refusal.message, "task parameter is required");
    request.has_category = true;
    request.category = SS__CATEGORY__CATEGORY_VISION;
    assert_int_equal(
        questions_recommend(&kit->view, &request, &asked, &count, &refusal),
        STATUS_OK);
    assert_int_equal(asked.question.category, CATEGORY_VISION);
    assert_int_equal(count, 1);
    request.has_count = true;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        request.count = rows[i][0];
        assert_int_equal(
            questions_recommend(&kit->view, &request, &asked, &count, &refusal),
            STATUS_OK);
        assert_int_equal(count, rows[i][1]);
    }
}

static void
compare_wants_two_to_five_ids(void **state)
{
    static const struct {
        size_t count;
        const char *ids[6];
        const char *message; /* NULL: fine */
    } rows[] = {
        {2, {"openai/a", "openrouter/openai/b"}, NULL},
        {2, {"a/b", "a/b"}, NULL},
        {0, {NULL}, "models parameter is required"},
        {1, {"openai/a"}, "models must be two to five model ids"},
        {3, {"", " ", ""}, "models must be two to five model ids"},
        {6,
         {"a/0", "a/1", "a/2", "a/3", "a/4", "a/5"},
         "models must be two to five model ids"},
        {2,
         {"openai/a", "<script>"},
         "models contains an invalid model id (vendor/name)"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *ids[6];
        struct slice found[COMPARE_MAX];
        size_t count = 0;
        struct refusal refusal;
        Ss__CompareRequest request = SS__COMPARE_REQUEST__INIT;
        for (size_t k = 0; k < rows[i].count; k++)
            ids[k] = text(rows[i].ids[k]);
        request.n_models = rows[i].count;
        request.models = ids;
        enum status status =
            questions_compare(&request, found, &count, &refusal);
        if (rows[i].message == NULL) {
            assert_int_equal(status, STATUS_OK);
            assert_int_equal(count, 2);
        } else {
            assert_int_equal(status, STATUS_INVALID_ARGUMENT);
            assert_string_equal(refusal.message, rows[i].message);
        }
    }
}

static void
models_has_defaults_clamps_and_refusals(void **state)
{
    static const int64_t limits[][2] = {
        {0, 50}, {-4, 1}, {1, 1}, {500, 500}, {501, 500}, {INT64_MAX, 500}};
    struct view_kit *kit = *state;
    Ss__ModelsRequest request = SS__MODELS_REQUEST__INIT;
    struct browse_request found;
    struct refusal refusal;

    assert_int_equal(questions_models(&kit->view, &request, &found, &refusal),
                     STATUS_OK);
    assert_int_equal(found.limit, 50);
    assert_int_equal(found.sort, BROWSE_SCORE);
    request.has_limit = true;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        request.limit = limits[i][0];
        assert_int_equal(
            questions_models(&kit->view, &request, &found, &refusal),
            STATUS_OK);
        assert_int_equal(found.limit, limits[i][1]);
    }
    request.sort = text("zzz");
    assert_int_equal(questions_models(&kit->view, &request, &found, &refusal),
                     STATUS_INVALID_ARGUMENT);
    assert_string_equal(refusal.message,
                        "sort must be score, cost, efficiency or a category");
    request.sort = NULL;
    request.has_tier = true;
    request.tier = (Ss__Tier)7;
    assert_int_equal(questions_models(&kit->view, &request, &found, &refusal),
                     STATUS_INVALID_ARGUMENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_text_is_classified),
        cmocka_unit_test(a_given_category_overrides_the_classifier),
        cmocka_unit_test(every_field_arrives),
        cmocka_unit_test(line_breaks_tabs_and_any_language_are_welcome),
        cmocka_unit_test(min_context_is_clamped),
        cmocka_unit_test(eight_kilobytes_fit_and_one_byte_more_does_not),
        cmocka_unit_test(a_missing_or_blank_task_is_missing),
        cmocka_unit_test(control_characters_and_broken_utf8_are_refused),
        cmocka_unit_test(enums_from_the_wire_may_be_any_number),
        cmocka_unit_test(ids_must_be_ids),
        cmocka_unit_test(lists_have_their_limits),
        cmocka_unit_test(capabilities_and_tags_are_checked),
        cmocka_unit_test(
            recommend_takes_a_task_or_a_category_and_clamps_its_count),
        cmocka_unit_test(compare_wants_two_to_five_ids),
        cmocka_unit_test(models_has_defaults_clamps_and_refusals),
    };
    return cmocka_run_group_tests(tests, view_kit_set_up, view_kit_tear_down);
}
