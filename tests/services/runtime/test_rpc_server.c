/* The serving side over real sockets: answers, refusals, what is dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/rpc_frame.h"
#include "tests/support/rpc_stand.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

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
a_call_is_answered(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server server;
    struct stand_call call;
    stand_server_open(&server, stand, "one", STAND_ECHO, 100);
    struct rpc_channel *channel =
        stand_channel(stand, rpc_stand_endpoint(stand, "one"), 10);
    stand_call_wait(
        &call, stand, channel,
        &(struct stand_call_options){.timeout = 5000, .tenant = "acme"});
    assert_int_equal(call.status, STATUS_OK);
    assert_string_equal(call.served_by, "one");
    assert_string_equal(call.detail, "acme");
    assert_string_equal(server.last_caller, "test-1");
    assert_string_equal(server.last_metadata, "blue");
    assert_true(rpc_channel_is_up(channel));
    rpc_channel_free(&channel);
    stand_server_close(&server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_is_answered, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
