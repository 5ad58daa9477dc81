/* Watches that are held: nobody takes all the places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/snapshot.h"
#include "tests/support/raw_dealer.h"

#include <stdio.h>
#include <string.h>

struct house {
    struct rpc_stand stand;
    struct stand_server server;
    struct snapshot_publisher *publisher;
};

static enum status
encode_nothing(void *context, struct buf *out)
{
    (void)context;
    (void)out;
    return STATUS_OK;
}

static int
set_up(void **state)
{
    static struct house house;
    memset(&house, 0, sizeof house);
    rpc_stand_open(&house.stand);
    stand_server_open(&house.server, &house.stand, "pub", STAND_ECHO, 2000);
    assert_int_equal(snapshot_publisher_new(house.server.server, "text",
                                            encode_nothing, NULL,
                                            &house.publisher),
                     STATUS_OK);
    *state = &house;
    return 0;
}

static int
tear_down(void **state)
{
    struct house *house = *state;
    snapshot_publisher_free(&house->publisher);
    stand_server_close(&house->server);
    rpc_stand_close(&house->stand);
    return 0;
}

static void
raw_watch(struct raw_dealer *raw, const char *caller, uint64_t id)
{
    Ss__FrameHeader header = raw_header(SS__FRAME_KIND__FRAME_REQ, id);
    Ss__WatchRequest request = SS__WATCH_REQUEST__INIT;
    static char method[] = "ss.Snapshots/Watch", name[] = "text";
    char who[32];
    uint8_t body[64];
    (void)snprintf(who, sizeof who, "%s", caller);
    request.name = name;
    request.has_wait_ms = true;
    request.wait_ms = 20000;
    header.method = method;
    header.caller = who;
    header.has_timeout_ms = true;
    header.timeout_ms = 60000;
    size_t len = ss__watch_request__pack(&request, body);
    raw_send(raw, &header, slice_make((const char *)body, len));
}

static void
expect_refused(struct raw_dealer *raw, uint64_t id)
{
    const Ss__FrameHeader *reply = raw_receive(raw);
    assert_non_null(reply);
    assert_int_equal(reply->call_id, id);
    assert_int_equal(reply->status, STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(reply->reason, "WATCHERS");
    assert_true(reply->retry_after_ms > 0);
}

/* Nothing is published: every Watch that is taken is held. */
static void
expect_held(struct house *house, unsigned count)
{
    for (int i = 0; i < 200; i++) {
        if (rpc_server_in_flight(house->server.server) == count)
            return;
        rpc_stand_run_for(&house->stand, 10);
    }
    assert_int_equal(rpc_server_in_flight(house->server.server), count);
}

static void
a_connection_holds_a_few_watches_only(void **state)
{
    struct house *house = *state;
    struct raw_dealer one, two;
    Ss__FrameHeader cancel = raw_header(SS__FRAME_KIND__FRAME_CANCEL, 1);
    raw_open(&one, &house->stand, rpc_stand_endpoint(&house->stand, "pub"));
    raw_open(&two, &house->stand, rpc_stand_endpoint(&house->stand, "pub"));
    for (uint64_t id = 1; id <= SNAPSHOT_WATCHES_PER_PEER + 1; id++)
        raw_watch(&one, "one", id);
    expect_refused(&one, SNAPSHOT_WATCHES_PER_PEER + 1);
    raw_watch(&two, "two", 1);
    expect_held(house, SNAPSHOT_WATCHES_PER_PEER + 1);
    /* A Watch that was given up leaves its place to another. */
    raw_send(&one, &cancel, SLICE(""));
    raw_watch(&one, "one", 500);
    rpc_stand_run_for(&house->stand, 100); /* a refusal would be here */
    raw_ping(&one, 501);
    assert_int_equal(raw_receive(&one)->kind, SS__FRAME_KIND__FRAME_PONG);
    expect_held(house, SNAPSHOT_WATCHES_PER_PEER + 1);
    raw_close(&one);
    raw_close(&two);
}

static void
a_caller_takes_not_all_places_with_many_connections(void **state)
{
    struct house *house = *state;
    struct raw_dealer
        raw[SNAPSHOT_WATCHES_PER_CALLER / SNAPSHOT_WATCHES_PER_PEER + 1];
    size_t last = sizeof raw / sizeof raw[0] - 1;
    for (size_t i = 0; i <= last; i++) {
        raw_open(&raw[i], &house->stand,
                 rpc_stand_endpoint(&house->stand, "pub"));
        for (uint64_t id = 1; i < last && id <= SNAPSHOT_WATCHES_PER_PEER; id++)
            raw_watch(&raw[i], "greedy", id);
    }
    expect_held(house, SNAPSHOT_WATCHES_PER_CALLER);
    raw_watch(&raw[last], "greedy", 7);
    expect_refused(&raw[last], 7);
    raw_watch(&raw[last], "modest", 8);
    expect_held(house, SNAPSHOT_WATCHES_PER_CALLER + 1);
    for (size_t i = 0; i <= last; i++)
        raw_close(&raw[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connection_holds_a_few_watches_only),
        TEST(a_caller_takes_not_all_places_with_many_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
