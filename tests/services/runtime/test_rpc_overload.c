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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(health_is_answered_ahead_of_a_full_queue),
        TEST(a_flood_of_health_leaves_the_others_their_turn),
        TEST(health_has_places_when_the_others_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
