/* The calling side over real sockets: choosing, retrying, deadlines, and what
 * happens when a server is killed, stopped, drained or speaks rubbish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/rpc_attempt.h"
#include "services/runtime/rpc_frame.h"
#include "tests/support/rpc_stand.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

static const struct stand_call_options plain = {.timeout = 5000};
static const struct stand_call_options safe = {.timeout = 5000,
                                               .idempotent = true};

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

/* --- normal use ----------------------------------------------------------- */

static void
calls_go_to_the_endpoint_with_the_fewest_outstanding(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server a, b;
    struct stand_call held[8], call;
    stand_server_open(&a, stand, "a", STAND_ECHO, 100);
    stand_server_open(&b, stand, "b", STAND_ECHO, 100);
    struct rpc_channel *channel =
        stand_channel(stand, stand_two_endpoints(stand, "a", "b"), 100);
    stand_warm_up(stand, channel);
    a.mode = b.mode = STAND_HOLD;
    for (int i = 0; i < 8; i++)
        assert_int_equal(stand_call_start(&held[i], stand, channel, &plain),
                         STATUS_OK);
    rpc_stand_run_for(stand, 50);
    assert_int_equal(a.held_count, 4);
    assert_int_equal(b.held_count, 4);
    /* a answers its four; the next four all go to it. */
    stand_server_release(&a);
    for (int i = 0; i < 100 && !(held[0].done || held[1].done); i++)
        rpc_stand_run_for(stand, 10);
    a.mode = STAND_ECHO;
    rpc_stand_run_for(stand, 50);
    unsigned before = b.served;
    for (int i = 0; i < 4; i++) {
        stand_call_wait(&call, stand, channel, &plain);
        assert_string_equal(call.served_by, "a");
    }
    assert_int_equal(b.served, before);
    stand_server_release(&b);
    rpc_stand_run_for(stand, 50);
    rpc_channel_free(&channel);
    stand_server_close(&a);
    stand_server_close(&b);
}

static void
a_sticky_call_stays_with_its_endpoint(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server a, b;
    struct stand_call first, call;
    const struct stand_call_options sticky = {.timeout = 5000, .sticky = true};
    stand_server_open(&a, stand, "a", STAND_ECHO, 100);
    stand_server_open(&b, stand, "b", STAND_ECHO, 100);
    struct rpc_channel *channel =
        stand_channel(stand, stand_two_endpoints(stand, "a", "b"), 100);
    stand_warm_up(stand, channel);
    stand_call_wait(&first, stand, channel, &sticky);
    for (int i = 0; i < 10; i++) {
        stand_call_wait(&call, stand, channel, &sticky);
        assert_string_equal(call.served_by, first.served_by);
    }
    rpc_channel_free(&channel);
    stand_server_close(&a);
    stand_server_close(&b);
}

static void
an_idempotent_call_is_tried_again_elsewhere(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server a, b;
    struct stand_call call;
    stand_server_open(&a, stand, "a", STAND_ECHO, 100);
    stand_server_open(&b, stand, "b", STAND_ECHO, 100);
    struct rpc_channel *channel =
        stand_channel(stand, stand_two_endpoints(stand, "a", "b"), 100);
    stand_warm_up(stand, channel);
    a.mode = STAND_UNAVAILABLE;
    for (int i = 0; i < 10; i++) {
        stand_call_wait(&call, stand, channel, &safe);
        assert_int_equal(call.status, STATUS_OK);
        assert_string_equal(call.served_by, "b");
    }
    assert_in_range(rpc_stand_count(stand->metrics, "rpc_client_retries_total"),
                    5, 10);
    rpc_channel_free(&channel);
    stand_server_close(&a);
    stand_server_close(&b);
}

/* --- edges ---------------------------------------------------------------- */

static void
a_call_that_is_not_idempotent_is_tried_once(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server a, b;
    struct stand_call call;
    unsigned failed = 0;
    stand_server_open(&a, stand, "a", STAND_ECHO, 100);
    stand_server_open(&b, stand, "b", STAND_ECHO, 100);
    struct rpc_channel *channel =
        stand_channel(stand, stand_two_endpoints(stand, "a", "b"), 100);
    stand_warm_up(stand, channel);
    unsigned before = a.served + b.served;
    a.mode = STAND_UNAVAILABLE;
    for (int i = 0; i < 10; i++) {
        stand_call_wait(&call, stand, channel, &plain);
        failed += call.status == STATUS_UNAVAILABLE;
    }
    assert_int_equal(failed, 5);
    assert_int_equal(a.served + b.served, before + 10);
    rpc_channel_free(&channel);
    stand_server_close(&a);
    stand_server_close(&b);
}

static void
two_attempts_are_all(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server a, b;
    struct stand_call call;
    stand_server_open(&a, stand, "a", STAND_ECHO, 100);
    stand_server_open(&b, stand, "b", STAND_ECHO, 100);
    struct rpc_channel *channel =
        stand_channel(stand, stand_two_endpoints(stand, "a", "b"), 100);
    stand_warm_up(stand, channel);
    unsigned before = a.served + b.served;
    a.mode = b.mode = STAND_UNAVAILABLE;
    stand_call_wait(&call, stand, channel, &safe);
    assert_int_equal(call.status, STATUS_UNAVAILABLE);
    assert_int_equal(a.served + b.served, before + 2);
    rpc_channel_free(&channel);
    stand_server_close(&a);
    stand_server_close(&b);
}

static void
retries_end_when_their_budget_is_spent(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server a, b;
    struct stand_call call;
    stand_server_open(&a, stand, "a", STAND_ECHO, 100);
    stand_server_open(&b, stand, "b", STAND_ECHO, 100);
    struct rpc_channel *channel =
        stand_channel(stand, stand_two_endpoints(stand, "a", "b"), 100);
    stand_warm_up(stand, channel);
    a.mode = b.mode = STAND_UNAVAILABLE;
    for (int i = 0; i < RPC_RETRY_BURST + 50; i++)
        stand_call_wait(&call, stand, channel, &safe);
    assert_int_equal(
        rpc_stand_count(stand->metrics, "rpc_client_retries_total"),
        RPC_RETRY_BURST);
    rpc_channel_free(&channel);
    stand_server_close(&a);
    stand_server_close(&b);
}

static void
too_many_outstanding_calls_are_refused_at_once(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_call calls[3];
    struct rpc_channel *channel =
        stand_channel(stand, rpc_stand_endpoint(stand, "nobody"), 2);
    assert_int_equal(stand_call_start(&calls[0], stand, channel, &plain),
                     STATUS_OK);
    assert_int_equal(stand_call_start(&calls[1], stand, channel, &plain),
                     STATUS_OK);
    assert_int_equal(stand_call_start(&calls[2], stand, channel, &plain),
                     STATUS_RESOURCE_EXHAUSTED);
    rpc_channel_free(&channel); /* ends the two */
    assert_int_equal(calls[0].status, STATUS_CANCELLED);
    assert_int_equal(calls[1].status, STATUS_CANCELLED);
    assert_int_equal(calls[2].times, 0);
}

static void
texts_unfit_for_a_header_are_refused_at_once(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_call call;
    struct rpc_channel *channel = stand_channel_to(stand, "nobody");
    static char large[6000];
    memset(large, 'a', sizeof large - 1);
    const char *const texts[] = {large, "two\nlines"};
    for (size_t i = 0; i < 2; i++) {
        struct stand_call_options options = {.timeout = 5000, .key = texts[i]};
        assert_int_equal(stand_call_start(&call, stand, channel, &options),
                         STATUS_INVALID_ARGUMENT);
    }
    rpc_channel_free(&channel);
    assert_int_equal(call.times, 0);
}

static void
a_cancelled_call_is_never_told(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server server;
    struct stand_call call;
    struct rpc_pending *pending;
    struct stand_call_options options = {.timeout = 5000, .pending = &pending};
    stand_server_open(&server, stand, "a", STAND_HOLD, 100);
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    assert_int_equal(stand_call_start(&call, stand, channel, &options),
                     STATUS_OK);
    rpc_stand_run_for(stand, 100);
    assert_int_equal(server.held_count, 1);
    rpc_call_cancel(&pending);
    assert_null(pending);
    rpc_stand_run_for(stand, 50);
    assert_true(rpc_call_is_cancelled(server.held[0].data));
    stand_server_release(&server);
    rpc_stand_run_for(stand, 50);
    assert_int_equal(call.times, 0);
    rpc_channel_free(&channel);
    stand_server_close(&server);
}

static void
many_calls_with_many_deadlines_end_each_in_time(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server server;
    static struct stand_call calls[100];
    ms_time ended[100];
    stand_server_open(&server, stand, "a", STAND_HOLD, 200);
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    ms_time start = loop_now(stand->loop);
    for (int i = 0; i < 100; i++) {
        /* 100 to 298 ms in no order */
        ms_dur timeout = 100 + (ms_dur)2 * (i * 37 % 100);
        struct stand_call_options options = {.timeout = timeout};
        assert_int_equal(stand_call_start(&calls[i], stand, channel, &options),
                         STATUS_OK);
        ended[i] = 0;
    }
    unsigned done = 0;
    while (done < 100 && loop_now(stand->loop) - start < 5000) {
        loop_run(stand->loop); /* each end stops it */
        for (int i = 0; i < 100; i++) {
            if (calls[i].done && ended[i] == 0) {
                ended[i] = loop_now(stand->loop) - start;
                done++;
            }
        }
    }
    assert_int_equal(done, 100);
    for (int i = 0; i < 100; i++) {
        ms_dur timeout = 100 + (ms_dur)2 * (i * 37 % 100);
        assert_int_equal(calls[i].status, STATUS_DEADLINE_EXCEEDED);
        assert_int_equal(calls[i].times, 1);
        assert_in_range(ended[i], timeout, timeout + 100);
    }
    stand_server_release(&server); /* late replies: nobody's */
    rpc_stand_run_for(stand, 50);
    for (int i = 0; i < 100; i++)
        assert_int_equal(calls[i].times, 1);
    rpc_channel_free(&channel);
    stand_server_close(&server);
}

/* Answers that take long to make something of, and a timer beside them. */
struct slow {
    struct loop *loop;
    struct loop_timer *tick;
    unsigned done, ticks;
    unsigned at_once, most_at_once; /* answers between two ticks */
};

static void
on_tick(void *context)
{
    struct slow *slow = context;
    slow->ticks++;
    slow->at_once = 0;
    loop_timer_start(slow->tick, 1);
}

static void
on_slow_done(void *context, const struct rpc_result *result)
{
    struct slow *slow = context;
    assert_int_equal(result->status, STATUS_OK);
    ms_time until = loop_now(slow->loop) + 2;
    while (loop_now(slow->loop) < until)
        continue;
    slow->done++;
    if (++slow->at_once > slow->most_at_once)
        slow->most_at_once = slow->at_once;
}

static void
answers_that_take_long_leave_other_events_their_turn(void **state)
{
    enum { CALLS = 100 };
    struct rpc_stand *stand = *state;
    struct stand_server server;
    struct slow slow = {.loop = stand->loop};
    const struct rpc_options options = {.timeout = 20000};
    Ss__HealthRequest request = SS__HEALTH_REQUEST__INIT;
    stand_server_open(&server, stand, "a", STAND_HOLD, CALLS);
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(rpc_call_start(channel, &ss__health__descriptor, 0,
                                        &request.base, &options, on_slow_done,
                                        &slow, NULL),
                         STATUS_OK);
    stand_server_await(&server, CALLS);
    assert_int_equal(loop_timer_new(stand->loop, on_tick, &slow, &slow.tick),
                     STATUS_OK);
    loop_timer_start(slow.tick, 0);
    stand_server_release(&server);
    for (int i = 0; i < 1000 && slow.done < CALLS; i++)
        rpc_stand_run_for(stand, 10);
    assert_int_equal(slow.done, CALLS);
    assert_true(slow.most_at_once < CALLS / 4);
    loop_timer_free(&slow.tick);
    rpc_channel_free(&channel);
    stand_server_close(&server);
}

static void
a_drained_endpoint_gets_no_new_calls_and_none_fails(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server a, b;
    struct stand_call call, held[3];
    stand_server_open(&a, stand, "a", STAND_ECHO, 100);
    stand_server_open(&b, stand, "b", STAND_ECHO, 100);
    struct rpc_channel *channel =
        stand_channel(stand, stand_two_endpoints(stand, "a", "b"), 100);
    stand_warm_up(stand, channel);
    rpc_stand_run_for(stand,
                      (ms_dur)2 * RPC_PING_EVERY_MS); /* it knows its peer */
    a.mode = b.mode = STAND_HOLD;
    for (int i = 0; i < 3; i++)
        assert_int_equal(stand_call_start(&held[i], stand, channel, &safe),
                         STATUS_OK);
    for (int i = 0; i < 500 && a.held_count + b.held_count < 3; i++)
        rpc_stand_run_for(stand, 10);
    /* The one that drains has fewer outstanding: it would be chosen. */
    struct stand_server *busy = a.held_count == 1 ? &a : &b;
    struct stand_server *other = busy == &a ? &b : &a;
    assert_int_equal(busy->held_count, 1);
    assert_int_equal(other->held_count, 2);
    other->mode = STAND_ECHO;
    rpc_server_drain(busy->server, (loop_fn)loop_stop, stand->loop);
    rpc_stand_run_for(stand, 50);
    for (int i = 0; i < 20; i++) {
        stand_call_wait(&call, stand, channel, &plain);
        assert_int_equal(call.status, STATUS_OK);
        assert_string_equal(call.served_by, other->name);
    }
    stand_server_release(busy);
    stand_server_release(other);
    for (int i = 0; i < 3; i++) {
        stand_call_join(&held[i]);
        assert_int_equal(held[i].status, STATUS_OK);
    }
    rpc_channel_free(&channel);
    stand_server_close(&a);
    stand_server_close(&b);
}

/* --- failures ------------------------------------------------------------- */

static void
a_call_without_an_answer_ends_at_its_deadline(void **state)
{
    struct rpc_stand *stand = *state;
    struct stand_server server;
    struct stand_call call;
    const struct stand_call_options hasty = {.timeout = 150};
    stand_server_open(&server, stand, "a", STAND_HOLD, 100);
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    ms_time before = loop_now(stand->loop);
    stand_call_wait(&call, stand, channel, &hasty);
    assert_int_equal(call.status, STATUS_DEADLINE_EXCEEDED);
    assert_in_range(loop_now(stand->loop) - before, 150, 400);
    /* Whoever cannot simply ask again is told what is not known. */
    assert_non_null(strstr(call.message, "whether it was done is not known"));
    /* The server heard that nobody waits any more. */
    rpc_stand_run_for(stand, 50);
    assert_int_equal(server.held_count, 1);
    assert_true(rpc_call_is_cancelled(server.held[0].data));
    rpc_channel_free(&channel);
    stand_server_close(&server);
}

static void
an_endpoint_that_is_down_is_probed_less_and_less_often(void **state)
{
    struct rpc_stand *stand = *state;
    struct rpc_channel *channel;
    struct timing timing = timing_default();
    timing.ping_every = 10;
    timing.connecting = 10;
    timing.backoff_longest = 170;
    const struct rpc_channel_options options = {
        .target = rpc_stand_endpoint(stand, "nobody"),
        .caller = "test-1",
        .max_calls = 10,
        .metrics = stand->metrics,
        .zmq = stand->zmq,
        .timing = &timing};
    assert_int_equal(rpc_channel_new(stand->loop, &options, &channel),
                     STATUS_OK);
    const struct rpc_endpoint *endpoint = &channel->endpoints[0];
    ms_dur before = endpoint->backoff;
    unsigned raised = 0;
    assert_int_equal(before, RPC_BACKOFF_FIRST_MS);
    for (int i = 0; i < 120; i++) {
        rpc_stand_run_for(stand, 10);
        assert_true(endpoint->backoff >= before);
        raised += endpoint->backoff > before;
        before = endpoint->backoff;
    }
    assert_int_equal(raised, 2); /* 100, then the longest */
    assert_int_equal(before, 170);
    rpc_channel_free(&channel);
}

static void
bad_targets_are_refused(void **state)
{
    struct rpc_stand *stand = *state;
    static const char *const targets[] = {"",
                                          ",",
                                          "ipc://",
                                          "http://a:1",
                                          "tcp://a",
                                          "tcp://:1",
                                          "tcp://a:0",
                                          "tcp://a:65536",
                                          "ipc://@hidden",
                                          "ipc:///a,",
                                          "tcp://127.0.0.1:x"};
    struct rpc_channel *channel = NULL;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        const struct rpc_channel_options options = {.target = targets[i],
                                                    .caller = "test-1",
                                                    .max_calls = 10,
                                                    .metrics = stand->metrics,
                                                    .zmq = stand->zmq};
        if (rpc_channel_new(stand->loop, &options, &channel) !=
            STATUS_INVALID_ARGUMENT)
            fail_msg("\"%s\" was accepted", targets[i]);
        assert_null(channel);
    }
}

static void
rubbish_from_a_server_is_counted_and_dropped(void **state)
{
    struct rpc_stand *stand = *state;
    void *router = zmq_socket(stand->zmq, ZMQ_ROUTER);
    int none = 0;
    (void)zmq_setsockopt(router, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_bind(router, rpc_stand_endpoint(stand, "a")), 0);
    struct rpc_channel *channel = stand_channel_to(stand, "a");
    struct stand_call call;
    const struct stand_call_options hasty = {.timeout = 500};
    assert_int_equal(stand_call_start(&call, stand, channel, &hasty),
                     STATUS_OK);
    char route[32];
    int len = -1;
    for (int i = 0; i < 200 && len < 0; i++) {
        rpc_stand_run_for(stand, 5);
        len = zmq_recv(router, route, sizeof route, ZMQ_DONTWAIT);
    }
    assert_true(len > 0); /* its PING came */
    static const struct {
        const char *first, *second;
    } rubbish[] = {{"", NULL}, {"rubbish", NULL}, {"rubbish", "more"}};
    for (size_t i = 0; i < 3; i++) {
        (void)zmq_send(router, route, (size_t)len, ZMQ_SNDMORE);
        (void)zmq_send(router, rubbish[i].first, strlen(rubbish[i].first),
                       rubbish[i].second ? ZMQ_SNDMORE : 0);
        if (rubbish[i].second != NULL)
            (void)zmq_send(router, rubbish[i].second, 4, 0);
    }
    stand_call_join(&call);
    assert_int_equal(call.status, STATUS_UNAVAILABLE);
    assert_int_equal(rpc_stand_count(stand->metrics, "rpc_frames_bad_total"),
                     3);
    rpc_channel_free(&channel);
    (void)zmq_close(router);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_go_to_the_endpoint_with_the_fewest_outstanding),
        TEST(a_sticky_call_stays_with_its_endpoint),
        TEST(an_idempotent_call_is_tried_again_elsewhere),
        TEST(a_call_that_is_not_idempotent_is_tried_once),
        TEST(two_attempts_are_all),
        TEST(retries_end_when_their_budget_is_spent),
        TEST(too_many_outstanding_calls_are_refused_at_once),
        TEST(texts_unfit_for_a_header_are_refused_at_once),
        TEST(a_cancelled_call_is_never_told),
        TEST(many_calls_with_many_deadlines_end_each_in_time),
        TEST(answers_that_take_long_leave_other_events_their_turn),
        TEST(a_drained_endpoint_gets_no_new_calls_and_none_fails),
        TEST(a_call_without_an_answer_ends_at_its_deadline),
        TEST(an_endpoint_that_is_down_is_probed_less_and_less_often),
        TEST(bad_targets_are_refused),
        TEST(rubbish_from_a_server_is_counted_and_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
