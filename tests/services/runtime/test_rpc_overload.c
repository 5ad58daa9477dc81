/* A server with more to do than it can: who is asked how it is answers, and
 * nobody is starved by that. "slow" is ss.Scorer/State, which here keeps the
 * processor for SLOW_MS, or is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/rpc_call.h"
#include "tests/support/raw_dealer.h"

#include "scorer.pb-c.h"

#include <string.h>

#define SLOW "ss.Scorer/State"
#define SLOW_MS 2
#define PLACES 2000

struct house {
    Ss__Scorer_Service slow; /* first */
    struct rpc_stand stand;
    struct stand_server server;
    struct raw_dealer raw;
    bool hold;
    struct {
        Ss__ScorerStateReply_Closure done;
        void *data;
    } held[PLACES];
    size_t held_count, slow_run;
};

static void
answer_slow(Ss__ScorerStateReply_Closure done, void *data)
{
    Ss__ScorerStateReply reply = SS__SCORER_STATE_REPLY__INIT;
    reply.ready = true;
    done(&reply, data);
}

static void
on_state(Ss__Scorer_Service *service, const Ss__ScorerStateRequest *request,
         Ss__ScorerStateReply_Closure done, void *data)
{
    struct house *house = (struct house *)(void *)service;
    (void)request;
    house->slow_run++;
    if (house->hold) {
        house->held[house->held_count].done = done;
        house->held[house->held_count++].data = data;
        return;
    }
    ms_time until = loop_now(house->stand.loop) + SLOW_MS;
    while (loop_now(house->stand.loop) < until)
        continue;
    answer_slow(done, data);
}

static void
release(struct house *house)
{
    for (size_t i = 0; i < house->held_count; i++)
        answer_slow(house->held[i].done, house->held[i].data);
    house->held_count = 0;
}

static int
set_up(void **state)
{
    static struct house house;
    memset(&house, 0, sizeof house);
    house.slow = (Ss__Scorer_Service)SS__SCORER__INIT(on_);
    rpc_stand_open(&house.stand);
    stand_server_open(&house.server, &house.stand, "one", STAND_ECHO, PLACES);
    rpc_server_add(house.server.server, &house.slow.base);
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

static void
health_is_answered_ahead_of_a_full_queue(void **state)
{
    struct house *house = *state;
    for (uint64_t id = 1; id <= 1500; id++)
        raw_call(&house->raw, SLOW, id, 60000);
    raw_request(&house->raw, 9999, 60000);
    const Ss__FrameHeader *reply;
    do {
        reply = raw_receive(&house->raw);
        assert_non_null(reply);
        assert_int_equal(reply->status, STATUS_OK);
    } while (reply->call_id != 9999);
    /* A few are run each time the socket was read; the rest still wait. */
    assert_true(house->slow_run < 500);
    assert_true(rpc_server_in_flight(house->server.server) > 1000);
}

static void
a_flood_of_health_leaves_the_others_their_turn(void **state)
{
    struct house *house = *state;
    house->server.mode = STAND_SPIN;
    for (uint64_t id = 1; id <= 20; id++)
        raw_request(&house->raw, id, 60000);
    raw_call(&house->raw, SLOW, 9999, 60000);
    for (uint64_t id = 21; id <= 60; id++)
        raw_request(&house->raw, id, 60000);
    while (raw_receive(&house->raw)->call_id != 9999)
        continue;
    /* Each turn runs one of the others, however long the urgent ones take. */
    assert_true(house->server.served < 50);
}

static void
health_has_places_when_the_others_have_none(void **state)
{
    struct house *house = *state;
    house->hold = true;
    for (uint64_t id = 1; id <= PLACES + 1; id++)
        raw_call(&house->raw, SLOW, id, 60000);
    const Ss__FrameHeader *refused = raw_receive(&house->raw);
    assert_int_equal(refused->call_id, PLACES + 1);
    assert_int_equal(refused->status, STATUS_RESOURCE_EXHAUSTED);
    assert_true(refused->retry_after_ms > 0);
    raw_request(&house->raw, 5000, 60000);
    const Ss__FrameHeader *healthy = raw_receive(&house->raw);
    assert_int_equal(healthy->call_id, 5000);
    assert_int_equal(healthy->status, STATUS_OK);
    release(house);
}

/* --- bytes ---------------------------------------------------------------- */

static void
await_held(struct house *house, size_t count)
{
    for (int i = 0; i < 1000 && house->held_count < count; i++)
        rpc_stand_run_for(&house->stand, 1);
    assert_int_equal(house->held_count, count);
}

static void
requests_past_the_bytes_held_are_refused_until_some_are_answered(void **state)
{
    enum { BODY = 900 << 10, FIT = RPC_HELD_MAX / BODY };
    /* A valid message: a field nobody knows, of so many bytes. */
    static char body[BODY] = {0x7a, (char)0xfc, (char)0x9f, 0x38};
    struct house *house = *state;
    Ss__FrameHeader header = raw_header(SS__FRAME_KIND__FRAME_REQ, 0);
    static char method[] = SLOW;
    header.method = method;
    header.has_timeout_ms = true;
    header.timeout_ms = 60000;
    house->hold = true;
    for (header.call_id = 1; header.call_id <= FIT + 1; header.call_id++)
        raw_send(&house->raw, &header, slice_make(body, BODY));
    const Ss__FrameHeader *refused = raw_receive(&house->raw);
    assert_int_equal(refused->call_id, FIT + 1);
    assert_int_equal(refused->status, STATUS_RESOURCE_EXHAUSTED);
    assert_true(refused->retry_after_ms > 0);
    await_held(house, FIT);
    release(house);
    for (int i = 0; i < FIT; i++)
        assert_int_equal(raw_receive(&house->raw)->status, STATUS_OK);
    raw_send(&house->raw, &header, slice_make(body, BODY));
    await_held(house, 1);
    release(house);
}

static void
health_has_bytes_when_the_others_have_none(void **state)
{
    enum { BODY = 1 << 20, FIT = RPC_HELD_MAX / BODY };
    /* A valid message: a field nobody knows, of so many bytes. */
    static char body[BODY] = {0x7a, (char)0xfc, (char)0xff, 0x3f};
    struct house *house = *state;
    Ss__FrameHeader header = raw_header(SS__FRAME_KIND__FRAME_REQ, 0);
    static char method[] = SLOW;
    header.method = method;
    header.has_timeout_ms = true;
    header.timeout_ms = 60000;
    house->hold = true;
    for (header.call_id = 1; header.call_id <= FIT; header.call_id++)
        raw_send(&house->raw, &header, slice_make(body, BODY));
    await_held(house, FIT); /* to the last byte */
    header = raw_header(SS__FRAME_KIND__FRAME_REQ, 5000);
    raw_send(&house->raw, &header, SLICE("\x7a\x01x"));
    const Ss__FrameHeader *healthy = raw_receive(&house->raw);
    assert_int_equal(healthy->call_id, 5000);
    assert_int_equal(healthy->status, STATUS_OK);
    release(house);
}

static int64_t
unread_bytes(struct house *house)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    metrics_write(house->server.metrics, &text); /* asks for the gauge */
    buf_fini(&text);
    return *metrics_gauge(house->server.metrics, "rpc_unread_bytes", "", "");
}

/* A peer that asks for large replies and takes in only what its kernel does. */
static void
open_deaf(struct raw_dealer *deaf, struct house *house)
{
    int few = 1;
    raw_open(deaf, &house->stand, NULL);
    assert_int_equal(zmq_setsockopt(deaf->socket, ZMQ_RCVHWM, &few, sizeof few),
                     0);
    assert_int_equal(
        zmq_connect(deaf->socket, rpc_stand_endpoint(&house->stand, "one")), 0);
}

static void
who_does_not_read_is_owed_so_many_bytes_and_the_others_get_theirs(void **state)
{
    struct house *house = *state;
    struct raw_dealer deaf;
    house->server.mode = STAND_LARGE;
    open_deaf(&deaf, house);
    for (uint64_t id = 1; id <= 100; id++)
        raw_request(&deaf, id, 60000);
    for (int i = 0; i < 5000 && house->server.served < 100; i++)
        rpc_stand_run_for(&house->stand, 1);
    assert_int_equal(house->server.served, 100);
    assert_true(rpc_stand_count(house->server.metrics,
                                "rpc_replies_unread_total") > 70);
    assert_true(unread_bytes(house) > RPC_UNREAD_PEER_MAX / 2);
    assert_true(unread_bytes(house) <= RPC_UNREAD_PEER_MAX);
    for (uint64_t id = 1; id <= 30; id++) { /* who reads owes nothing */
        raw_request(&house->raw, id, 5000);
        assert_int_equal(raw_receive(&house->raw)->status, STATUS_OK);
    }
    raw_close(&deaf);
    for (int i = 0; i < 1000 && unread_bytes(house) > 0; i++)
        rpc_stand_run_for(&house->stand, 1);
    assert_int_equal(unread_bytes(house), 0);
}

static void
who_reads_late_is_told_and_gets_more_then(void **state)
{
    struct house *house = *state;
    struct raw_dealer deaf;
    unsigned answered = 0, refused = 0;
    house->server.mode = STAND_LARGE;
    open_deaf(&deaf, house);
    for (uint64_t id = 1; id <= 40; id++)
        raw_request(&deaf, id, 60000);
    for (int i = 0; i < 5000 && house->server.served < 40; i++)
        rpc_stand_run_for(&house->stand, 1);
    for (int i = 0; i < 40; i++) {
        const Ss__FrameHeader *reply = raw_receive(&deaf);
        assert_non_null(reply);
        answered += reply->status == STATUS_OK;
        if (reply->status == STATUS_OK)
            continue;
        assert_int_equal(reply->status, STATUS_RESOURCE_EXHAUSTED);
        assert_string_equal(reply->reason, "UNREAD");
        assert_true(reply->retry_after_ms > 0);
        refused++;
    }
    assert_true(answered >= 16);
    assert_true(refused > 0);
    raw_request(&deaf, 41, 5000);
    assert_int_equal(raw_receive(&deaf)->status, STATUS_OK);
    raw_close(&deaf);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(health_is_answered_ahead_of_a_full_queue),
        TEST(a_flood_of_health_leaves_the_others_their_turn),
        TEST(health_has_places_when_the_others_have_none),
        TEST(requests_past_the_bytes_held_are_refused_until_some_are_answered),
        TEST(health_has_bytes_when_the_others_have_none),
        TEST(who_does_not_read_is_owed_so_many_bytes_and_the_others_get_theirs),
        TEST(who_reads_late_is_told_and_gets_more_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
