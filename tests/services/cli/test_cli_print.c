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
    cli_print_reply(reply, &out);
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
        cmocka_unit_test(a_list_is_a_table_of_the_columns_that_are_used),
        cmocka_unit_test(another_reply_is_lines_of_what_is_set),
        cmocka_unit_test(an_empty_list_says_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
