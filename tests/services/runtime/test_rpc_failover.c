/* The calling side when servers are killed, restarted, stopped or hang: each
 * is a process of its own, forked before the stand is opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/rpc_endpoint.h"
#include "tests/support/rpc_stand.h"

#include <signal.h>
#include <string.h>

static const struct stand_call_options safe = {.timeout = 5000,
                                               .idempotent = true};

static int
set_up(void **state)
{
    static struct rpc_stand stand;
    rpc_stand_folder(&stand);
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
a_killed_server_fails_its_calls_at_once(void **state)
{
    struct rpc_stand *stand = *state;
    pid_t child = stand_child_start(stand, "a", STAND_HOLD);
    rpc_stand_open(stand);
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    struct stand_call held, call;
    assert_int_equal(stand_call_start(&held, stand, channel, &safe), STATUS_OK);
    for (int i = 0; i < 500 && !rpc_channel_is_up(channel); i++)
        rpc_stand_run_for(stand, 10);
    rpc_stand_run_for(stand, 50);
    stand_child_kill(child);
    ms_time before = loop_now(stand->loop);
    stand_call_join(&held);
    assert_int_equal(held.status, STATUS_UNAVAILABLE);
    /* Before the next PING could have found out. */
    assert_true(loop_now(stand->loop) - before < RPC_PING_EVERY_MS / 2);
    /* With none up and the start long over, new calls fail at once. */
    stand_call_wait(&call, stand, channel, &safe);
    assert_int_equal(call.status, STATUS_UNAVAILABLE);
    assert_true(call.retry_after > 0);
    assert_true(loop_now(stand->loop) - before < 400);
    rpc_channel_free(&channel);
}

/* Keep the processor, as a long callback would. */
static void
spin(struct rpc_stand *stand, ms_dur time)
{
    ms_time until = loop_now(stand->loop) + time;
    while (loop_now(stand->loop) < until)
        continue;
}

static void
a_killed_server_s_idempotent_calls_move_to_the_other(void **state)
{
    struct rpc_stand *stand = *state;
    pid_t child = stand_child_start(stand, "a", STAND_HOLD);
    rpc_stand_open(stand);
    struct stand_server b;
    static struct stand_call calls[40];
    stand_server_open(&b, stand, "b", STAND_HOLD, 100);
    struct rpc_channel *channel =
        stand_channel(stand, stand_two_endpoints(stand, "a", "b"), 100);
    rpc_stand_run_for(stand, 1200); /* both are up */
    for (int i = 0; i < 40; i++)
        assert_int_equal(stand_call_start(&calls[i], stand, channel, &safe),
                         STATUS_OK);
    rpc_stand_run_for(stand, 50);
    assert_int_equal(b.held_count, 20);
    stand_child_kill(child);
    rpc_stand_run_for(stand, 100);
    assert_int_equal(b.held_count, 40);
    stand_server_release(&b);
    for (int i = 0; i < 40; i++) {
        stand_call_join(&calls[i]);
        assert_int_equal(calls[i].status, STATUS_OK);
    }
    assert_int_equal(
        rpc_stand_count(stand->metrics, "rpc_client_endpoint_downs_total"), 1);
    rpc_channel_free(&channel);
    stand_server_close(&b);
}

static void
a_restarted_server_is_found_again(void **state)
{
    struct rpc_stand *stand = *state;
    pid_t child = stand_child_start(stand, "a", STAND_ECHO);
    rpc_stand_open(stand);
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    struct stand_server again;
    struct stand_call call;
    stand_call_wait(&call, stand, channel, &safe);
    assert_int_equal(call.status, STATUS_OK);
    stand_child_kill(child);
    rpc_stand_run_for(stand, 300);
    assert_false(rpc_channel_is_up(channel));
    stand_server_open(&again, stand, "a", STAND_ECHO, 100);
    ms_time before = loop_now(stand->loop);
    while (!rpc_channel_is_up(channel) && loop_now(stand->loop) - before < 5000)
        rpc_stand_run_for(stand, 10);
    assert_true(loop_now(stand->loop) - before < 1500);
    stand_call_wait(&call, stand, channel, &safe);
    assert_int_equal(call.status, STATUS_OK);
    rpc_channel_free(&channel);
    stand_server_close(&again);
}

static void
a_stopped_server_is_left_after_a_second_and_taken_back(void **state)
{
    struct rpc_stand *stand = *state;
    pid_t child = stand_child_start(stand, "a", STAND_ECHO);
    rpc_stand_open(stand);
    struct stand_server b;
    struct stand_call call;
    stand_server_open(&b, stand, "b", STAND_ECHO, 100);
    struct rpc_channel *channel =
        stand_channel(stand, stand_two_endpoints(stand, "a", "b"), 100);
    stand_warm_up(stand, channel);
    assert_int_equal(kill(child, SIGSTOP), 0);
    ms_dur worst = 0;
    for (int i = 0; i < 200; i++) {
        ms_time before = loop_now(stand->loop);
        stand_call_wait(&call, stand, channel, &safe);
        ms_dur took = loop_now(stand->loop) - before;
        worst = took > worst ? took : worst;
        assert_int_equal(call.status, STATUS_OK);
        assert_string_equal(call.served_by, "b");
    }
    assert_in_range(worst, RPC_SILENCE_MS - RPC_PING_EVERY_MS,
                    RPC_SILENCE_MS + 3 * RPC_PING_EVERY_MS);
    assert_int_equal(kill(child, SIGCONT), 0);
    stand_warm_up(stand, channel);
    rpc_channel_free(&channel);
    stand_server_close(&b);
    stand_child_kill(child);
}

static void
a_server_whose_handler_hangs_is_left_too(void **state)
{
    struct rpc_stand *stand = *state;
    pid_t child = stand_child_start(stand, "a", STAND_HANG);
    rpc_stand_open(stand);
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    struct stand_call call;
    /* Its I/O thread still keeps the connection: only PONG is missing. */
    ms_time before = loop_now(stand->loop);
    stand_call_wait(&call, stand, channel, &safe);
    assert_int_equal(call.status, STATUS_UNAVAILABLE);
    assert_true(loop_now(stand->loop) - before < 2500);
    rpc_stand_run_for(stand, 1500); /* probes are not answered either */
    assert_false(rpc_channel_is_up(channel));
    rpc_channel_free(&channel);
    stand_child_kill(child);
}

static void
our_own_standstill_is_not_taken_for_theirs(void **state)
{
    struct rpc_stand *stand = *state;
    pid_t child = stand_child_start(stand, "a", STAND_ECHO);
    rpc_stand_open(stand);
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    struct stand_call call;
    stand_call_wait(&call, stand, channel, &safe);
    /* Both stand still for longer than the silence that ejects, as in a
     * machine that was suspended: the last PING has no answer yet. */
    assert_int_equal(kill(child, SIGSTOP), 0);
    rpc_stand_run_for(stand, (ms_dur)2 * RPC_PING_EVERY_MS);
    spin(stand, RPC_SILENCE_MS + RPC_PING_EVERY_MS);
    assert_int_equal(kill(child, SIGCONT), 0);
    rpc_stand_run_for(stand, (ms_dur)3 * RPC_PING_EVERY_MS);
    assert_true(rpc_channel_is_up(channel));
    assert_int_equal(
        rpc_stand_count(stand->metrics, "rpc_client_endpoint_downs_total"), 0);
    rpc_channel_free(&channel);
    stand_child_kill(child);
}

static void
what_came_while_something_was_sent_is_read_at_once(void **state)
{
    struct rpc_stand *stand = *state;
    pid_t child = stand_child_start(stand, "a", STAND_ECHO);
    rpc_stand_open(stand);
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    struct stand_call call, other;
    struct rpc_pending *pending;
    struct stand_call_options options = {.timeout = 5000, .pending = &pending};
    stand_call_wait(&call, stand, channel, &safe);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(stand_call_start(&call, stand, channel, &safe),
                         STATUS_OK);
        assert_int_equal(stand_call_start(&other, stand, channel, &options),
                         STATUS_OK);
        spin(stand, 20); /* both replies are here, unread */
        /* This send takes the descriptor's sign away. */
        rpc_call_cancel(&pending);
        ms_time before = loop_now(stand->loop);
        stand_call_join(&call);
        assert_true(loop_now(stand->loop) - before < 30);
    }
    rpc_channel_free(&channel);
    stand_child_kill(child);
}

static void
what_a_stopped_server_has_not_taken_does_not_run_later(void **state)
{
    enum { CALLS = 1500 };
    struct rpc_stand *stand = *state;
    pid_t child = stand_child_start(stand, "a", STAND_ECHO);
    rpc_stand_open(stand);
    struct rpc_channel *channel =
        stand_channel(stand, rpc_stand_endpoint(stand, "a"), 2 * CALLS);
    static struct stand_call calls[CALLS];
    struct stand_call call;
    /* Large, so that most of them find no room between the processes. */
    static char key[3000];
    const struct stand_call_options large = {.timeout = 5000, .key = key};
    memset(key, 'k', sizeof key - 1);
    stand_call_wait(&call, stand, channel, &safe);
    assert_int_equal(kill(child, SIGSTOP), 0);
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(stand_call_start(&calls[i], stand, channel, &large),
                         STATUS_OK);
    for (int i = 0; i < CALLS; i++) {
        stand_call_join(&calls[i]);
        assert_int_equal(calls[i].status, STATUS_UNAVAILABLE);
    }
    assert_int_equal(kill(child, SIGCONT), 0);
    for (int i = 0; i < 500 && !rpc_channel_is_up(channel); i++)
        rpc_stand_run_for(stand, 10);
    rpc_stand_run_for(stand, 500);
    stand_call_wait(&call, stand, channel, &safe);
    assert_int_equal(call.status, STATUS_OK);
    /* What the kernel had taken before is run, unheard. */
    assert_true(call.served < CALLS / 2);
    rpc_channel_free(&channel);
    stand_child_kill(child);
}

static void
a_second_try_has_the_time_that_is_left(void **state)
{
    struct rpc_stand *stand = *state;
    pid_t child = stand_child_start(stand, "a", STAND_HOLD);
    rpc_stand_open(stand);
    struct stand_server b;
    struct stand_call calls[2];
    const struct stand_call_options options = {
        .timeout = 3000, .idempotent = true, .key = "k-7"};
    stand_server_open(&b, stand, "b", STAND_HOLD, 100);
    struct rpc_channel *channel =
        stand_channel(stand, stand_two_endpoints(stand, "a", "b"), 100);
    rpc_stand_run_for(stand, 1200); /* both are up */
    ms_time start = loop_now(stand->loop);
    for (int i = 0; i < 2; i++)
        assert_int_equal(stand_call_start(&calls[i], stand, channel, &options),
                         STATUS_OK);
    rpc_stand_run_for(stand, 1000);
    assert_int_equal(b.held_count, 1);
    memset(b.last_key, 0, sizeof b.last_key);
    stand_child_kill(child);
    rpc_stand_run_for(stand, 200);
    assert_int_equal(b.held_count, 2);
    assert_string_equal(b.last_key, "k-7");
    assert_in_range(b.last_deadline - start, 2500, 3300);
    stand_server_release(&b);
    for (int i = 0; i < 2; i++) {
        stand_call_join(&calls[i]);
        assert_int_equal(calls[i].status, STATUS_OK);
    }
    rpc_channel_free(&channel);
    stand_server_close(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_killed_server_fails_its_calls_at_once),
        TEST(a_killed_server_s_idempotent_calls_move_to_the_other),
        TEST(a_restarted_server_is_found_again),
        TEST(a_stopped_server_is_left_after_a_second_and_taken_back),
        TEST(a_server_whose_handler_hangs_is_left_too),
        TEST(our_own_standstill_is_not_taken_for_theirs),
        TEST(what_a_stopped_server_has_not_taken_does_not_run_later),
        TEST(a_second_try_has_the_time_that_is_left),
        TEST(what_came_while_something_was_sent_is_read_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
