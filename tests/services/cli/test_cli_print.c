/* What people see: a pick as lines, lists as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/cli/cli_print.h"

#include "feedback.pb-c.h"
#include "router.pb-c.h"

#include <string.h>

static void
expect(const ProtobufCMessage *reply, const char *want)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    cli_print_reply(reply, "coding", &out);
    assert_string_equal(buf_text(&out), want);
    buf_fini(&out);
}

static void
a_pick_is_a_few_lines_with_exact_prices(void **state)
{
    char id[] = "a/b";
    char reason[] = "Best.";
    Ss__Decimal prompt = SS__DECIMAL__INIT;
    Ss__Decimal completion = SS__DECIMAL__INIT;
    Ss__Pricing pricing = SS__PRICING__INIT;
    Ss__Interval interval = SS__INTERVAL__INIT;
    Ss__Pick pick = SS__PICK__INIT;
    Ss__PickReply reply = SS__PICK_REPLY__INIT;
    (void)state;
    prompt.nanos = 37000000;
    completion.nanos = 30000000000;
    pricing.prompt = &prompt;
    pricing.completion = &completion;
    interval.low = 70.04;
    interval.high = 88.95;
    pick.id = id;
    pick.has_score = true;
    pick.score = 80;
    pick.interval = &interval;
    pick.pricing = &pricing;
    pick.reason = reason;
    reply.data = &pick;
    expect(&reply.base, "a/b\n"
                        "  score  80.0 (70.0 to 89.0)\n"
                        "  price  $0.037 / $30 per 1M tokens in / out\n"
                        "  why    Best.\n");
}

/* Labels and names come from anybody; a terminal must not obey them. */
static void
what_a_terminal_would_obey_is_shown_as_a_mark(void **state)
{
    char id[] = "a/b\x1b[31m";
    char reason[] = "Best.\nsecond \xe2\x80\xae line";
    char model[] = "\xc2\x9bx\xd7\x90";
    Ss__Pick pick = SS__PICK__INIT;
    Ss__PickReply reply = SS__PICK_REPLY__INIT;
    Ss__CommunityScore one = SS__COMMUNITY_SCORE__INIT;
    Ss__CommunityScore *rows[] = {&one};
    Ss__CommunityScoresReply scores = SS__COMMUNITY_SCORES_REPLY__INIT;
    (void)state;
    pick.id = id;
    pick.reason = reason;
    reply.data = &pick;
    expect(&reply.base, "a/b\xef\xbf\xbd[31m\n"
                        "  why    Best.\xef\xbf\xbdsecond \xef\xbf\xbd line\n");
    one.model = model;
    scores.data = rows;
    scores.n_data = 1;
    expect(&scores.base, "MODEL\n\xef\xbf\xbdx\xd7\x90\n");
}

static void
a_list_is_a_table_of_the_columns_that_are_used(void **state)
{
    char first[] = "a/b";
    char second[] = "caf\xc3\xa9/long";
    Ss__CommunityScore one = SS__COMMUNITY_SCORE__INIT;
    Ss__CommunityScore two = SS__COMMUNITY_SCORE__INIT;
    Ss__CommunityScore *rows[] = {&one, &two};
    Ss__CommunityScoresReply reply = SS__COMMUNITY_SCORES_REPLY__INIT;
    (void)state;
    one.model = first;
    one.has_contributors = true;
    one.contributors = 12;
    two.model = second;
    two.has_category = true;
    two.category = SS__CATEGORY__CATEGORY_FAST_CHEAP;
    reply.data = rows;
    reply.n_data = 2;
    expect(&reply.base, "MODEL      CATEGORY    CONTRIBUTORS\n"
                        "a/b                    12\n"
                        "caf\xc3\xa9/long  fast-cheap  \n");
}

static void
a_table_that_is_cut_says_so(void **state)
{
    enum { COUNT = 20001 };
    static const char end[] = "\n20000 of 20001; --json prints all\n";
    char model[] = "a/b";
    static Ss__CommunityScore scores[COUNT];
    static Ss__CommunityScore *rows[COUNT];
    Ss__CommunityScoresReply reply = SS__COMMUNITY_SCORES_REPLY__INIT;
    struct buf out;
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        ss__community_score__init(&scores[i]);
        scores[i].model = model;
        rows[i] = &scores[i];
    }
    reply.data = rows;
    reply.n_data = COUNT;
    buf_init(&out, 1 << 20);
    cli_print_reply(&reply.base, "coding", &out);
    assert_true(slice_ends(buf_slice(&out), slice_of(end)));
    buf_reset(&out);
    reply.n_data = COUNT - 1;
    cli_print_reply(&reply.base, "coding", &out);
    assert_true(slice_ends(buf_slice(&out), SLICE("\na/b\n")));
    buf_fini(&out);
}

static void
a_model_has_one_score_and_the_list_says_how_much_it_is(void **state)
{
    char id[] = "a/b";
    char coding[] = "coding";
    char vision[] = "vision";
    Ss__ScoresEntry low = SS__SCORES_ENTRY__INIT;
    Ss__ScoresEntry high = SS__SCORES_ENTRY__INIT;
    Ss__ScoresEntry *scores[] = {&low, &high};
    Ss__Model model = SS__MODEL__INIT;
    Ss__Model *rows[] = {&model};
    Ss__Meta meta = SS__META__INIT;
    Ss__ModelsReply reply = SS__MODELS_REPLY__INIT;
    (void)state;
    low.key = coding;
    low.value = 61.25;
    high.key = vision;
    high.value = 90;
    model.id = id;
    model.scores = scores;
    model.n_scores = 2;
    model.has_context_length = true;
    model.context_length = 8000;
    meta.has_total = true;
    meta.total = 380;
    meta.has_filtered = true;
    meta.filtered = 50;
    meta.has_returned = true;
    meta.returned = 1;
    reply.data = rows;
    reply.n_data = 1;
    reply.meta = &meta;
    expect(&reply.base,
           "ID   CODING SCORE  PRICING  TIER  CONTEXT LENGTH  CATEGORIES\n"
           "a/b  61.3                         8000            \n"
           "1 of 50\n");
}

static void
only_an_empty_list_is_nothing(void **state)
{
    Ss__CommunityScoresReply none = SS__COMMUNITY_SCORES_REPLY__INIT;
    Ss__Comparison missing = SS__COMPARISON__INIT;
    Ss__CompareReply compared = SS__COMPARE_REPLY__INIT;
    Ss__Pick pick = SS__PICK__INIT;
    Ss__PickReply picked = SS__PICK_REPLY__INIT;
    Ss__Model model = SS__MODEL__INIT;
    Ss__Model *rows[] = {&model};
    (void)state;
    compared.data = &missing;
    picked.data = &pick;
    assert_true(cli_print_is_nothing(&none.base));
    assert_true(cli_print_is_nothing(&compared.base));
    assert_false(cli_print_is_nothing(&picked.base));
    missing.models = rows;
    missing.n_models = 1;
    assert_false(cli_print_is_nothing(&compared.base));
}

static void
an_empty_list_says_none(void **state)
{
    Ss__CommunityScoresReply reply = SS__COMMUNITY_SCORES_REPLY__INIT;
    (void)state;
    expect(&reply.base, "none\n");
}

static void
another_reply_is_lines_of_what_is_set(void **state)
{
    char model[] = "a/b";
    Ss__RecordedOutcome data = SS__RECORDED_OUTCOME__INIT;
    Ss__RecordOutcomeReply reply = SS__RECORD_OUTCOME_REPLY__INIT;
    (void)state;
    data.recorded = true;
    data.model = model;
    reply.data = &data;
    expect(&reply.base, "recorded: yes\nmodel: a/b\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pick_is_a_few_lines_with_exact_prices),
        cmocka_unit_test(what_a_terminal_would_obey_is_shown_as_a_mark),
        cmocka_unit_test(a_list_is_a_table_of_the_columns_that_are_used),
        cmocka_unit_test(a_table_that_is_cut_says_so),
        cmocka_unit_test(another_reply_is_lines_of_what_is_set),
        cmocka_unit_test(
            a_model_has_one_score_and_the_list_says_how_much_it_is),
        cmocka_unit_test(only_an_empty_list_is_nothing),
        cmocka_unit_test(an_empty_list_says_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
