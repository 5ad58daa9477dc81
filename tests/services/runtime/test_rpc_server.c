/* The serving side over real sockets: answers, refusals, what is dropped.
 * "raw" is a bare DEALER that says whatever a test wants said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/rpc_call.h"
#include "services/runtime/rpc_frame.h"
#include "tests/support/raw_dealer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

struct house {
    struct rpc_stand stand;
    struct stand_server server;
    struct raw_dealer raw;
};

static int
set_up(void **state)
{
    static struct house house;
    memset(&house, 0, sizeof house);
    rpc_stand_open(&house.stand);
    stand_server_open(&house.server, &house.stand, "one", STAND_ECHO, 100);
    raw_open(&house.raw, &house.stand, rpc_stand_endpoint(&house.stand, "one"));
    *state = &house;
    return 0;
}

static int
tear_down(void **state)
{
    struct house *house = *state;
    raw_close(&house->raw);
    stand_server_close(&house->server);
    rpc_stand_close(&house->stand);
    return 0;
}

static uint64_t
count(struct house *house, const char *name)
{
    return rpc_stand_count(house->server.metrics, name);
}

/* --- normal use ----------------------------------------------------------- */

static void
a_call_is_answered(void **state)
{
    struct house *house = *state;
    struct stand_call call;
    struct rpc_channel *channel = stand_channel(
        &house->stand, rpc_stand_endpoint(&house->stand, "one"), 10);
    ms_time before = loop_now(house->stand.loop);
    stand_call_wait(&call, &house->stand, channel,
                    &(struct stand_call_options){
                        .timeout = 5000, .tenant = "acme", .key = "k-1"});
    assert_int_equal(call.status, STATUS_OK);
    assert_string_equal(call.served_by, "one");
    assert_string_equal(call.detail, "acme");
    assert_string_equal(house->server.last_caller, "test-1");
    assert_string_equal(house->server.last_metadata, "blue");
    assert_string_equal(house->server.last_key, "k-1");
    assert_in_range(house->server.last_deadline - before, 4000, 6000);
    assert_true(rpc_channel_is_up(channel));
    assert_int_equal(rpc_server_in_flight(house->server.server), 0);
    rpc_channel_free(&channel);
}

static void
a_call_continues_its_caller_s_trace(void **state)
{
    struct house *house = *state;
    struct stand_call call;
    struct trace trace = trace_start();
    struct rpc_channel *channel = stand_channel(
        &house->stand, rpc_stand_endpoint(&house->stand, "one"), 10);
    stand_call_wait(
        &call, &house->stand, channel,
        &(struct stand_call_options){.timeout = 5000, .trace = &trace});
    const struct trace *seen = &house->server.last_trace;
    assert_true(seen->id_high == trace.id_high && seen->id_low == trace.id_low);
    assert_true(seen->span != trace.span && seen->span != 0);
    rpc_channel_free(&channel);
}

static void
a_bare_dealer_is_answered_as_the_grammar_says(void **state)
{
    struct house *house = *state;
    raw_request(&house->raw, 77, 1000);
    const Ss__FrameHeader *reply = raw_receive(&house->raw);
    assert_non_null(reply);
    assert_int_equal(reply->kind, SS__FRAME_KIND__FRAME_REP);
    assert_int_equal(reply->call_id, 77);
    assert_int_equal(reply->status, STATUS_OK);
    assert_string_equal(reply->served_by, "one");
    assert_true(reply->has_boot_epoch && reply->has_load);
    assert_int_equal(reply->boot_epoch, rpc_server_epoch(house->server.server));
    Ss__HealthReply *body = ss__health_reply__unpack(
        NULL, house->raw.body_len, (const uint8_t *)house->raw.body);
    assert_non_null(body);
    assert_string_equal(body->instance, "one");
    ss__health_reply__free_unpacked(body, NULL);
}

static void
ping_is_answered_with_pong(void **state)
{
    struct house *house = *state;
    raw_ping(&house->raw, 5);
    const Ss__FrameHeader *reply = raw_receive(&house->raw);
    assert_non_null(reply);
    assert_int_equal(reply->kind, SS__FRAME_KIND__FRAME_PONG);
    assert_int_equal(reply->call_id, 5);
}

static void
a_handler_may_fail_with_a_status_a_reason_and_a_hint(void **state)
{
    struct house *house = *state;
    house->server.mode = STAND_FAIL;
    raw_request(&house->raw, 1, 1000);
    const Ss__FrameHeader *reply = raw_receive(&house->raw);
    assert_non_null(reply);
    assert_int_equal(reply->status, STATUS_NOT_FOUND);
    assert_string_equal(reply->reason, "NOBODY");
    assert_string_equal(reply->message, "nobody is here"); /* was a newline */
    assert_int_equal(reply->retry_after_ms, 70);
    assert_int_equal(house->raw.body_len, 0);
}

static void
a_handler_may_answer_later(void **state)
{
    struct house *house = *state;
    house->server.mode = STAND_HOLD;
    raw_request(&house->raw, 1, 5000);
    raw_request(&house->raw, 2, 5000);
    stand_server_await(&house->server, 2);
    assert_int_equal(rpc_server_in_flight(house->server.server), 2);
    stand_server_release(&house->server);
    assert_int_equal(raw_receive(&house->raw)->call_id, 1);
    assert_int_equal(raw_receive(&house->raw)->call_id, 2);
    assert_int_equal(rpc_server_in_flight(house->server.server), 0);
}

static void
a_drain_answers_what_it_has_and_refuses_the_rest(void **state)
{
    struct house *house = *state;
    house->server.mode = STAND_HOLD;
    raw_ping(&house->raw, 1);
    assert_int_equal(raw_receive(&house->raw)->kind,
                     SS__FRAME_KIND__FRAME_PONG);
    raw_request(&house->raw, 2, 5000);
    stand_server_await(&house->server, 1);
    assert_int_equal(rpc_server_in_flight(house->server.server), 1);
    rpc_server_drain(house->server.server, (loop_fn)loop_stop,
                     house->stand.loop);
    assert_int_equal(raw_receive(&house->raw)->kind,
                     SS__FRAME_KIND__FRAME_GOAWAY);
    raw_ping(&house->raw, 3);
    assert_int_equal(raw_receive(&house->raw)->kind,
                     SS__FRAME_KIND__FRAME_GOAWAY);
    raw_request(&house->raw, 4, 5000);
    const Ss__FrameHeader *refused = raw_receive(&house->raw);
    assert_int_equal(refused->call_id, 4);
    assert_int_equal(refused->status, STATUS_UNAVAILABLE);
    assert_string_equal(refused->reason, "DRAINING");
    assert_true(refused->retry_after_ms > 0);
    stand_server_release(&house->server);
    ms_time answered = loop_now(house->stand.loop);
    loop_run(house->stand.loop); /* drained stops it */
    /* Its caller had the time to read it. */
    assert_true(loop_now(house->stand.loop) - answered >= RPC_LEAVE_MS);
    assert_int_equal(raw_receive(&house->raw)->call_id, 2);
}

static void
a_tenant_that_is_no_name_is_refused_by_name(void **state)
{
    static const char *const bad[] = {
        "", "../../x", "a b",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    struct house *house = *state;
    for (uint64_t i = 0; i < 4; i++) {
        char tenant[80];
        Ss__FrameHeader header = raw_header(SS__FRAME_KIND__FRAME_REQ, i);
        (void)snprintf(tenant, sizeof tenant, "%s", bad[i]);
        header.tenant = tenant;
        raw_send(&house->raw, &header, SLICE(""));
        const Ss__FrameHeader *refused = raw_receive(&house->raw);
        assert_int_equal(refused->call_id, i);
        assert_int_equal(refused->status, STATUS_INVALID_ARGUMENT);
        assert_string_equal(refused->reason, "TENANT");
    }
}

/* --- edges ---------------------------------------------------------------- */

static void
a_call_whose_deadline_passed_while_it_waited_is_not_run(void **state)
{
    struct house *house = *state;
    house->server.mode = STAND_SPIN;
    /* While the first runs the others arrive; while the second runs the
     * third's time passes. */
    raw_request(&house->raw, 1, 5000);
    raw_request(&house->raw, 2, 5000);
    raw_request(&house->raw, 3, STAND_SPIN_MS / 3);
    raw_request(&house->raw, 4, 5000);
    assert_int_equal(raw_receive(&house->raw)->call_id, 1);
    assert_int_equal(raw_receive(&house->raw)->call_id, 2);
    assert_int_equal(raw_receive(&house->raw)->call_id, 4);
    assert_int_equal(house->server.served, 3);
    assert_int_equal(count(house, "rpc_calls_expired_total"), 1);
}

static void
a_call_cancelled_while_it_waited_is_not_run(void **state)
{
    struct house *house = *state;
    Ss__FrameHeader cancel = raw_header(SS__FRAME_KIND__FRAME_CANCEL, 3);
    house->server.mode = STAND_SPIN;
    raw_request(&house->raw, 1, 5000);
    raw_request(&house->raw, 2, 5000);
    raw_request(&house->raw, 3, 5000);
    raw_send(&house->raw, &cancel, SLICE(""));
    raw_request(&house->raw, 4, 5000);
    assert_int_equal(raw_receive(&house->raw)->call_id, 1);
    assert_int_equal(raw_receive(&house->raw)->call_id, 2);
    assert_int_equal(raw_receive(&house->raw)->call_id, 4);
    assert_int_equal(house->server.served, 3);
    assert_int_equal(count(house, "rpc_calls_cancelled_total"), 1);
}

static void
a_call_cancelled_while_it_is_held_gets_no_reply(void **state)
{
    struct house *house = *state;
    Ss__FrameHeader cancel = raw_header(SS__FRAME_KIND__FRAME_CANCEL, 1);
    house->server.mode = STAND_HOLD;
    raw_request(&house->raw, 1, 5000);
    raw_request(&house->raw, 2, 5000);
    stand_server_await(&house->server, 2);
    raw_send(&house->raw, &cancel, SLICE(""));
    raw_ping(&house->raw, 3);
    assert_int_equal(raw_receive(&house->raw)->call_id, 3); /* after it */
    assert_true(rpc_call_is_cancelled(house->server.held[0].data));
    assert_false(rpc_call_is_cancelled(house->server.held[1].data));
    stand_server_release(&house->server);
    assert_int_equal(raw_receive(&house->raw)->call_id, 2);
    assert_int_equal(count(house, "rpc_calls_cancelled_total"), 1);
}

static void
another_peer_cannot_cancel_my_call(void **state)
{
    struct house *house = *state;
    Ss__FrameHeader cancel = raw_header(SS__FRAME_KIND__FRAME_CANCEL, 1);
    house->server.mode = STAND_HOLD;
    raw_request(&house->raw, 1, 5000);
    stand_server_await(&house->server, 1);
    struct raw_dealer other;
    raw_open(&other, &house->stand, rpc_stand_endpoint(&house->stand, "one"));
    raw_send(&other, &cancel, SLICE(""));
    raw_ping(&other, 9);
    assert_int_equal(raw_receive(&other)->call_id, 9); /* CANCEL came before */
    raw_close(&other);
    stand_server_release(&house->server);
    assert_int_equal(raw_receive(&house->raw)->status, STATUS_OK);
}

static void
calls_past_the_maximum_are_refused_with_a_hint(void **state)
{
    struct house *house = *state;
    const uint64_t places = 100 + RPC_URGENT_PLACES; /* Health is urgent */
    house->server.mode = STAND_HOLD;
    for (uint64_t id = 1; id <= places + 1; id++)
        raw_request(&house->raw, id, 5000);
    const Ss__FrameHeader *refused = raw_receive(&house->raw);
    assert_non_null(refused);
    assert_int_equal(refused->call_id, places + 1);
    assert_int_equal(refused->status, STATUS_RESOURCE_EXHAUSTED);
    assert_int_equal(refused->retry_after_ms, RPC_RETRY_HINT_MS);
    assert_int_equal(refused->load, places);
    assert_int_equal(count(house, "rpc_calls_refused_total"), 1);
    /* PING is answered all the same. */
    raw_ping(&house->raw, 500);
    assert_int_equal(raw_receive(&house->raw)->kind,
                     SS__FRAME_KIND__FRAME_PONG);
    stand_server_release(&house->server);
    for (uint64_t id = 1; id <= places; id++)
        assert_int_equal(raw_receive(&house->raw)->call_id, id);
}

static void
a_flood_is_served_without_starving_the_loop(void **state)
{
    struct house *house = *state;
    for (uint64_t id = 1; id <= 800; id++)
        raw_ping(&house->raw, id);
    /* More than three batches; a timer of 1 ms fires all the same. */
    ms_time before = loop_now(house->stand.loop);
    rpc_stand_run_for(&house->stand, 1);
    assert_true(loop_now(house->stand.loop) - before < 500);
    for (uint64_t id = 1; id <= 800; id++)
        assert_int_equal(raw_receive(&house->raw)->call_id, id);
}

static void
an_unknown_method_or_service_is_unimplemented(void **state)
{
    struct house *house = *state;
    static char methods[4][24] = {"ss.Health/Nothing", "ss.Nobody/Check",
                                  "ss.Health/check", "Health/Check"};
    for (size_t i = 0; i < 4; i++) {
        Ss__FrameHeader header = raw_header(SS__FRAME_KIND__FRAME_REQ, i);
        header.method = methods[i];
        raw_send(&house->raw, &header, SLICE(""));
        assert_int_equal(raw_receive(&house->raw)->status,
                         STATUS_UNIMPLEMENTED);
    }
    assert_int_equal(count(house, "rpc_calls_unknown_total"), 4);
}

/* --- failures ------------------------------------------------------------- */

static void
a_body_that_is_no_message_is_an_invalid_argument(void **state)
{
    struct house *house = *state;
    Ss__FrameHeader header = raw_header(SS__FRAME_KIND__FRAME_REQ, 1);
    raw_send(&house->raw, &header, SLICE("\x0a\xff"));
    const Ss__FrameHeader *reply = raw_receive(&house->raw);
    assert_int_equal(reply->status, STATUS_INVALID_ARGUMENT);
    assert_string_equal(reply->reason, "BODY");
    assert_int_equal(house->server.served, 0);
}

static void
garbage_is_counted_and_never_answered(void **state)
{
    struct house *house = *state;
    Ss__FrameHeader header;
    struct slice none = SLICE("");
    raw_part(&house->raw, "", 0, false);            /* one empty frame */
    raw_part(&house->raw, "garbage", 7, false);     /* one frame */
    raw_part(&house->raw, "\xff\xff\xff", 3, true); /* no header */
    raw_part(&house->raw, "", 0, false);
    raw_part(&house->raw, "", 0, true); /* an empty header */
    raw_part(&house->raw, "", 0, false);
    for (int i = 0; i < 40; i++) /* forty frames */
        raw_part(&house->raw, "x", 1, i < 39);
    header = raw_header(SS__FRAME_KIND__FRAME_REP, 1);
    raw_send(&house->raw, &header, none);
    header = raw_header(SS__FRAME_KIND__FRAME_PONG, 1);
    raw_send(&house->raw, &header, none);
    header = raw_header(SS__FRAME_KIND__FRAME_GOAWAY, 1);
    raw_send(&house->raw, &header, none);
    header = raw_header(SS__FRAME_KIND__FRAME_REQ, 1);
    header.version = 2;
    raw_send(&house->raw, &header, none);
    header = raw_header(SS__FRAME_KIND__FRAME_REQ, 1);
    header.method = NULL;
    raw_send(&house->raw, &header, none);
    header = raw_header(SS__FRAME_KIND__FRAME_REQ, 1);
    char control[] = "line\nbreak";
    header.caller = control;
    raw_send(&house->raw, &header, none);
    header = raw_header(SS__FRAME_KIND__FRAME_REQ, 1);
    char invalid[] = "\xc0\xaf";
    header.tenant = invalid;
    raw_send(&house->raw, &header, none);
    header = raw_header(SS__FRAME_KIND__FRAME_REQ, 1);
    static char large[RPC_HEADER_MAX];
    memset(large, 'a', sizeof large - 1);
    header.idempotency_key = large;
    raw_send(&house->raw, &header, none);
    /* What is sound is still served, and first to be answered. */
    raw_request(&house->raw, 99, 5000);
    const Ss__FrameHeader *reply = raw_receive(&house->raw);
    assert_non_null(reply);
    assert_int_equal(reply->call_id, 99);
    assert_int_equal(count(house, "rpc_frames_bad_total"), 13);
    assert_int_equal(house->server.served, 1);
}

static void
a_reply_to_a_peer_that_left_is_dropped_and_counted(void **state)
{
    struct house *house = *state;
    house->server.mode = STAND_HOLD;
    raw_request(&house->raw, 1, 5000);
    stand_server_await(&house->server, 1);
    raw_close(&house->raw);
    rpc_stand_run_for(&house->stand, 200);
    stand_server_release(&house->server);
    assert_int_equal(count(house, "rpc_replies_dropped_total"), 1);
}

static void
a_peer_that_stalls_loses_replies_that_are_counted_and_holds_nobody_up(
    void **state)
{
    struct house *house = *state;
    struct raw_dealer stalled;
    int few = 1;
    raw_open(&stalled, &house->stand, NULL);
    assert_int_equal(
        zmq_setsockopt(stalled.socket, ZMQ_RCVHWM, &few, sizeof few), 0);
    assert_int_equal(
        zmq_connect(stalled.socket, rpc_stand_endpoint(&house->stand, "one")),
        0);
    for (uint64_t id = 1; id <= 8000; id++) {
        raw_ping(&stalled, id);
        if (id % 100 == 0)
            rpc_stand_run_for(&house->stand, 1);
    }
    for (int i = 0; i < 200 && count(house, "rpc_replies_dropped_total") == 0;
         i++)
        rpc_stand_run_for(&house->stand, 10);
    assert_true(count(house, "rpc_replies_dropped_total") > 0);
    raw_request(&house->raw, 1, 5000);
    assert_int_equal(raw_receive(&house->raw)->status, STATUS_OK);
    raw_close(&stalled);
}

static void
two_peers_of_one_routing_id_do_not_hear_each_other(void **state)
{
    struct house *house = *state;
    struct raw_dealer twin[2];
    house->server.mode = STAND_HOLD;
    for (size_t i = 0; i < 2; i++) {
        raw_open(&twin[i], &house->stand, NULL);
        assert_int_equal(
            zmq_setsockopt(twin[i].socket, ZMQ_ROUTING_ID, "twin", 4), 0);
        assert_int_equal(zmq_connect(twin[i].socket,
                                     rpc_stand_endpoint(&house->stand, "one")),
                         0);
        raw_request(&twin[i], 10 + i, 5000);
        rpc_stand_run_for(&house->stand, 100);
    }
    /* The second is ignored, whatever it says: a stranger that chose its id
     * badly. Callers of ours have automatic ones. */
    assert_int_equal(house->server.held_count, 1);
    raw_request(&house->raw, 1, 5000);
    stand_server_await(&house->server, 2);
    stand_server_release(&house->server);
    assert_int_equal(raw_receive(&twin[0])->call_id, 10);
    assert_int_equal(raw_receive(&house->raw)->call_id, 1);
    assert_int_equal(zmq_recv(twin[1].socket, twin[1].header, 1, ZMQ_DONTWAIT),
                     -1);
    raw_close(&twin[0]);
    raw_close(&twin[1]);
}

static void
a_message_past_the_maximum_ends_its_connection(void **state)
{
    enum { TOO_LARGE = RPC_REQUEST_MAX + 1 };
    struct house *house = *state;
    Ss__FrameHeader header = raw_header(SS__FRAME_KIND__FRAME_REQ, 1);
    /* A valid message: a field nobody knows, of more than 1 MiB. */
    char *body = calloc(1, TOO_LARGE);
    assert_non_null(body);
    static const char field[] = {0x7a, (char)0xfd, (char)0xff, 0x3f};
    memcpy(body, field, sizeof field);
    raw_send(&house->raw, &header, slice_make(body, TOO_LARGE));
    free(body);
    rpc_stand_run_for(&house->stand, 200);
    assert_int_equal(house->server.served, 0);
    /* The peer comes back by itself, and others never noticed. */
    raw_request(&house->raw, 2, 5000);
    const Ss__FrameHeader *reply = raw_receive(&house->raw);
    assert_non_null(reply);
    assert_int_equal(reply->call_id, 2);
}

static void
endpoints_that_may_not_be_served_are_refused(void **state)
{
    struct house *house = *state;
    static const struct {
        const char *endpoint;
        enum status expected;
    } rows[] = {
        {"tcp://0.0.0.0:7001", STATUS_PERMISSION_DENIED},
        {"tcp://*:7001", STATUS_PERMISSION_DENIED},
        {"tcp://192.168.1.1:7001", STATUS_PERMISSION_DENIED},
        {"tcp://[::]:7001", STATUS_PERMISSION_DENIED},
        {"tcp://localhost:7001", STATUS_PERMISSION_DENIED},
        {"tcp://127.0.0.1", STATUS_INVALID_ARGUMENT},
        {"tcp://127.0.0.1:70000", STATUS_INVALID_ARGUMENT},
        {"udp://127.0.0.1:7001", STATUS_INVALID_ARGUMENT},
        {"", STATUS_INVALID_ARGUMENT},
        {"ipc://", STATUS_INVALID_ARGUMENT},
        {"ipc:///nowhere/at/all.sock", STATUS_UNAVAILABLE},
    };
    struct rpc_server *server = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct rpc_server_options options = {.endpoint = rows[i].endpoint,
                                                   .instance = "two",
                                                   .max_calls = 10,
                                                   .metrics =
                                                       house->stand.metrics,
                                                   .zmq = house->stand.zmq};
        enum status got = rpc_server_new(house->stand.loop, &options, &server);
        if (got != rows[i].expected)
            fail_msg("%s: %s, not %s", rows[i].endpoint, status_text(got),
                     status_text(rows[i].expected));
        assert_null(server);
    }
}

static void
an_endpoint_somebody_serves_is_not_taken_over(void **state)
{
    struct house *house = *state;
    struct rpc_server *second = NULL;
    const struct rpc_server_options options = {
        .endpoint = rpc_stand_endpoint(&house->stand, "one"),
        .instance = "two",
        .max_calls = 10,
        .metrics = house->stand.metrics,
        .zmq = house->stand.zmq};
    assert_int_equal(rpc_server_new(house->stand.loop, &options, &second),
                     STATUS_UNAVAILABLE);
    raw_request(&house->raw, 1, 5000);
    assert_string_equal(raw_receive(&house->raw)->served_by, "one");
}

static void
tcp_on_loopback_is_served(void **state)
{
    struct house *house = *state;
    struct rpc_server *server = NULL;
    const struct rpc_server_options options = {.endpoint = "tcp://127.0.0.1:*",
                                               .instance = "two",
                                               .max_calls = 10,
                                               .metrics = house->stand.metrics,
                                               .zmq = house->stand.zmq};
    assert_int_equal(rpc_server_new(house->stand.loop, &options, &server),
                     STATUS_OK);
    rpc_server_free(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered),
        TEST(a_call_continues_its_caller_s_trace),
        TEST(a_bare_dealer_is_answered_as_the_grammar_says),
        TEST(ping_is_answered_with_pong),
        TEST(a_handler_may_fail_with_a_status_a_reason_and_a_hint),
        TEST(a_handler_may_answer_later),
        TEST(a_drain_answers_what_it_has_and_refuses_the_rest),
        TEST(a_tenant_that_is_no_name_is_refused_by_name),
        TEST(a_call_whose_deadline_passed_while_it_waited_is_not_run),
        TEST(a_call_cancelled_while_it_waited_is_not_run),
        TEST(a_call_cancelled_while_it_is_held_gets_no_reply),
        TEST(another_peer_cannot_cancel_my_call),
        TEST(calls_past_the_maximum_are_refused_with_a_hint),
        TEST(a_flood_is_served_without_starving_the_loop),
        TEST(an_unknown_method_or_service_is_unimplemented),
        TEST(a_body_that_is_no_message_is_an_invalid_argument),
        TEST(garbage_is_counted_and_never_answered),
        TEST(a_reply_to_a_peer_that_left_is_dropped_and_counted),
        TEST(
            a_peer_that_stalls_loses_replies_that_are_counted_and_holds_nobody_up),
        TEST(two_peers_of_one_routing_id_do_not_hear_each_other),
        TEST(a_message_past_the_maximum_ends_its_connection),
        TEST(endpoints_that_may_not_be_served_are_refused),
        TEST(an_endpoint_somebody_serves_is_not_taken_over),
        TEST(tcp_on_loopback_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
