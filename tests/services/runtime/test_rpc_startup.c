/* A channel that is young: calls wait for the first endpoint, and no longer
 * than it may take to start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/rpc_stand.h"

#include <string.h>

static const struct stand_call_options plain = {.timeout = 5000};

static int
set_up(void **state)
{
    static struct rpc_stand stand;
    memset(&stand, 0, sizeof stand);
    rpc_stand_open(&stand);
    *state = &stand;
    return 0;
}

static int
tear_down(void **state)
{
    rpc_stand_close(*state);
    return 0;
}

static void
a_call_made_before_the_server_exists_waits_for_it(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server server;
    struct stand_call call;
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    assert_int_equal(stand_call_start(&call, stand, channel, &plain),
                     STATUS_OK);
    rpc_stand_run_for(stand, 100);
    assert_false(call.done);
    assert_false(rpc_channel_is_up(channel));
    stand_server_open(&server, stand, "a", STAND_ECHO, 100);
    stand_call_join(&call);
    assert_int_equal(call.status, STATUS_OK);
    rpc_channel_free(&channel);
    stand_server_close(&server);
}

static void
calls_wait_for_the_first_endpoint_as_long_as_a_channel_starts(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server server;
    struct stand_call early, late, call;
    struct rpc_channel *channel;
    const struct rpc_channel_options options = {
        .target = rpc_stand_endpoint(stand, "a"),
        .caller = "test-1",
        .max_calls = 10,
        .metrics = stand->metrics,
        .zmq = stand->zmq,
        .startup = 200};
    ms_time before = loop_now(stand->loop);
    assert_int_equal(rpc_channel_new(stand->loop, &options, &channel),
                     STATUS_OK);
    assert_int_equal(stand_call_start(&early, stand, channel, &plain),
                     STATUS_OK);
    rpc_stand_run_for(stand, 100);
    assert_false(early.done);
    assert_int_equal(stand_call_start(&late, stand, channel, &plain),
                     STATUS_OK);
    stand_call_join(&early);
    stand_call_join(&late);
    assert_in_range(loop_now(stand->loop) - before, 200, 1000);
    assert_int_equal(early.status, STATUS_UNAVAILABLE);
    assert_int_equal(late.status, STATUS_UNAVAILABLE);
    assert_true(late.retry_after > 0);
    before = loop_now(stand->loop);
    stand_call_wait(&call, stand, channel, &plain);
    assert_int_equal(call.status, STATUS_UNAVAILABLE);
    assert_in_range(loop_now(stand->loop) - before, 0, 100);
    /* Who comes later is found all the same. */
    stand_server_open(&server, stand, "a", STAND_ECHO, 100);
    for (int i = 0; i < 500 && !rpc_channel_is_up(channel); i++)
        rpc_stand_run_for(stand, 10);
    stand_call_wait(&call, stand, channel, &plain);
    assert_int_equal(call.status, STATUS_OK);
    rpc_channel_free(&channel);
    stand_server_close(&server);
}

static void
a_call_that_waited_for_nobody_ends_unavailable(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_call call;
    const struct stand_call_options hasty = {.timeout = 100};
    struct rpc_channel *channel = stand_channel_to(stand, "nobody");
    stand_call_wait(&call, stand, channel, &hasty);
    assert_int_equal(call.status, STATUS_UNAVAILABLE);
    assert_true(call.retry_after > 0);
    rpc_channel_free(&channel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_made_before_the_server_exists_waits_for_it),
        TEST(calls_wait_for_the_first_endpoint_as_long_as_a_channel_starts),
        TEST(a_call_that_waited_for_nobody_ends_unavailable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
