/* routerd over real RPC: a publisher's table is followed, asked, moved by a
 * delta, and still there after a restart without the publisher. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/table_codec.h"
#include "services/routerd/router_service.h"
#include "services/runtime/snapshot_disk.h"
#include "tests/router/table_kit.h"
#include "tests/support/rpc_stand.h"

#define BYTES_MAX (1 << 20)

/* Methods by their place in the contract. */
enum {
    PICK,
    RECOMMEND,
    COMPARE,
    MODELS,
    DECOMPOSE,
    SWARM,
    ROLE,
    BLOCKS,
    STATE
};

struct fixture {
    struct secret_key seal;
    struct rpc_stand stand;
    /* The scorer's side. */
    struct rpc_server *scorer;
    struct snapshot_publisher *publisher;
    struct score_table *published;
    /* The router's side. */
    struct arena *model;
    struct rpc_server *server;
    struct router_service service;
    struct rpc_channel *scorer_channel;
    struct table_holder *holder;
    unsigned changes;
    uint64_t wanted; /* version to wait for */
    bool reached;
    /* A caller's. */
    struct rpc_channel *channel;
};

static enum status
encode_published(void *context, struct buf *out)
{
    struct fixture *fixture = context;
    return table_encode(fixture->published, out);
}

static struct rpc_server *
server_on(struct fixture *fixture, const char *name)
{
    struct rpc_server *server = NULL;
    struct rpc_server_options options = {
        .endpoint = rpc_stand_endpoint(&fixture->stand, name),
        .instance = name,
        .max_calls = 64,
        .metrics = fixture->stand.metrics,
        .zmq = fixture->stand.zmq};
    assert_int_equal(rpc_server_new(fixture->stand.loop, &options, &server),
                     STATUS_OK);
    return server;
}

static void
open_scorer(struct fixture *fixture)
{
    fixture->scorer = server_on(fixture, "scorer");
    assert_int_equal(snapshot_publisher_new(fixture->scorer, "table",
                                            encode_published, fixture,
                                            &fixture->publisher),
                     STATUS_OK);
}

static void
close_scorer(struct fixture *fixture)
{
    snapshot_publisher_free(&fixture->publisher);
    rpc_server_free(&fixture->scorer);
}

static void
on_changed(void *context)
{
    struct fixture *fixture = context;
    fixture->changes++;
    /* From the disk copy it comes before the holder is known. */
    if (fixture->holder == NULL)
        return;
    const struct score_table *table = table_holder_table(fixture->holder);
    if (table != NULL && table->version == fixture->wanted) {
        fixture->reached = true;
        loop_stop(fixture->stand.loop);
    }
}

static void
open_holder(struct fixture *fixture)
{
    struct table_holder_options options = {.loop = fixture->stand.loop,
                                           .scorer = fixture->scorer_channel,
                                           .home = fixture->stand.folder,
                                           .instance = "routerd-1",
                                           .changed = on_changed,
                                           .context = fixture};
    assert_int_equal(table_holder_new(&options, &fixture->holder), STATUS_OK);
    fixture->service.holder = fixture->holder;
}

static void
close_holder(struct fixture *fixture)
{
    fixture->service.holder = NULL;
    table_holder_free(&fixture->holder);
}

static void
wait_for(struct fixture *fixture, uint64_t version)
{
    fixture->wanted = version;
    fixture->reached = false;
    const struct score_table *table = table_holder_table(fixture->holder);
    if (table != NULL && table->version == version)
        return;
    assert_true(rpc_stand_run(&fixture->stand, &fixture->reached));
}

static void
publish_whole(struct fixture *fixture)
{
    snapshot_publish_whole(fixture->publisher,
                           score_table_snapshot_hash(fixture->published));
    wait_for(fixture, fixture->published->version);
}

static int
set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.published = table_kit_new(),
                               .model = arena_new(16 << 20)};
    rpc_stand_folder(&fixture.stand);
    rpc_stand_open(&fixture.stand);
    open_scorer(&fixture);
    struct timing timing = timing_default();
    timing.watch_wait = 100; /* so that silence is noticed soon */
    const struct rpc_channel_options to_scorer = {
        .target = rpc_stand_endpoint(&fixture.stand, "scorer"),
        .caller = "routerd-1",
        .max_calls = 16,
        .metrics = fixture.stand.metrics,
        .zmq = fixture.stand.zmq,
        .timing = &timing};
    assert_int_equal(rpc_channel_new(fixture.stand.loop, &to_scorer,
                                     &fixture.scorer_channel),
                     STATUS_OK);
    router_service_init(&fixture.service, fixture.stand.loop,
                        classify_new(fixture.model), &fixture.seal);
    fixture.server = server_on(&fixture, "routerd-1");
    rpc_server_add(fixture.server, &fixture.service.base.base);
    fixture.channel = stand_channel(
        &fixture.stand, rpc_stand_endpoint(&fixture.stand, "routerd-1"), 16);
    open_holder(&fixture);
    *state = &fixture;
    return 0;
}

/* The copy on disk goes with its folder. */
static void
remove_copy(const struct fixture *fixture)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/snapshots/table-routerd-1.snap",
                   fixture->stand.folder);
    (void)remove(path);
    (void)snprintf(path, sizeof(path), "%s/snapshots", fixture->stand.folder);
    (void)remove(path);
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;
    close_holder(fixture);
    remove_copy(fixture);
    rpc_channel_free(&fixture->channel);
    rpc_channel_free(&fixture->scorer_channel);
    rpc_server_free(&fixture->server);
    if (fixture->scorer != NULL)
        close_scorer(fixture);
    rpc_stand_close(&fixture->stand);
    score_table_free(&fixture->published);
    arena_free(&fixture->model);
    return 0;
}

/* One call, and how it ended. */
struct ended {
    struct fixture *fixture;
    bool done;
    enum status status;
    char reason[32], message[256];
    char id[MODEL_ID_MAX + 1]; /* of a pick */
    char detail[256];          /* of a state … */
    bool current, heard;       /* … as are these */
    uint64_t age_s;
    ms_dur retry_after;
    size_t entries; /* of a list */
};

static void
keep_reply(struct ended *ended, const ProtobufCMessage *reply)
{
    if (reply->descriptor == &ss__pick_reply__descriptor)
        (void)snprintf(ended->id, sizeof(ended->id), "%s",
                       ((const Ss__PickReply *)reply)->data->id);
    if (reply->descriptor == &ss__models_reply__descriptor)
        ended->entries = ((const Ss__ModelsReply *)reply)->n_data;
    if (reply->descriptor == &ss__router_state_reply__descriptor) {
        const Ss__RouterState *data =
            ((const Ss__RouterStateReply *)reply)->data;
        (void)snprintf(ended->detail, sizeof(ended->detail), "%s",
                       data->detail == NULL ? "" : data->detail);
        ended->current = data->table_current;
        ended->heard = data->scorer_heard != NULL;
        ended->age_s = data->table_age_s;
    }
}

static void
on_done(void *context, const struct rpc_result *result)
{
    struct ended *ended = context;
    ended->done = true;
    ended->status = result->status;
    ended->retry_after = result->retry_after;
    (void)snprintf(ended->reason, sizeof(ended->reason), "%s", result->reason);
    (void)snprintf(ended->message, sizeof(ended->message), "%s",
                   result->message);
    if (result->status == STATUS_OK)
        keep_reply(ended, result->reply);
    loop_stop(ended->fixture->stand.loop);
}

static struct ended
call(struct fixture *fixture, unsigned method, const ProtobufCMessage *request,
     const char *tenant)
{
    struct ended ended = {.fixture = fixture};
    struct rpc_options options = {.timeout = 5000, .tenant = tenant};
    assert_int_equal(rpc_call_start(fixture->channel, &ss__router__descriptor,
                                    method, request, &options, on_done, &ended,
                                    NULL),
                     STATUS_OK);
    assert_true(rpc_stand_run(&fixture->stand, &ended.done));
    return ended;
}

static struct ended
pick(struct fixture *fixture, const char *name, const char *tenant)
{
    char task[64];
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    (void)snprintf(task, sizeof(task), "%s", name);
    request.task = task;
    return call(fixture, PICK, &request.base, tenant);
}

static void
a_published_table_answers_picks(void **state)
{
    struct fixture *fixture = *state;
    publish_whole(fixture);
    struct ended ended = pick(fixture, "coding", NULL);
    assert_int_equal(ended.status, STATUS_OK);
    assert_string_equal(ended.id, "acme/titan");
    ended = pick(fixture, "reasoning", "bob");
    assert_string_equal(ended.id, "hail/twin-b");
    Ss__ModelsRequest models = SS__MODELS_REQUEST__INIT;
    ended = call(fixture, MODELS, &models.base, NULL);
    assert_int_equal(ended.entries, 16);
}

static void
a_delta_changes_the_next_pick(void **state)
{
    struct fixture *fixture = *state;
    struct buf delta;
    publish_whole(fixture);
    const struct score_table *before = table_holder_table(fixture->holder);
    table_kit_rate(fixture->published, "eve", "hail/twin-a", CATEGORY_CODING,
                   97);
    struct table_change change = {.tenant = SLICE("eve"),
                                  .category = CATEGORY_CODING};
    change.model = (uint32_t)(catalog_find(fixture->published->catalog,
                                           SLICE("hail/twin-a")) -
                              fixture->published->catalog->models);
    buf_init(&delta, BYTES_MAX);
    assert_int_equal(table_delta_encode(fixture->published, &change, 1, &delta),
                     STATUS_OK);
    snapshot_publish_delta(fixture->publisher, buf_slice(&delta),
                           score_table_snapshot_hash(fixture->published));
    buf_fini(&delta);
    wait_for(fixture, fixture->published->version);
    /* Moved in place: the whole was not fetched again. */
    assert_ptr_equal(table_holder_table(fixture->holder), before);
    assert_string_equal(pick(fixture, "coding", "eve").id, "hail/twin-a");
    assert_string_equal(pick(fixture, "coding", NULL).id, "acme/titan");
}

static void
a_table_that_is_not_the_one_published_answers_nothing(void **state)
{
    struct fixture *fixture = *state;
    publish_whole(fixture);
    uint64_t version = table_holder_table(fixture->holder)->version;
    table_kit_rate(fixture->published, "eve", "hail/twin-a", CATEGORY_CODING,
                   97);
    snapshot_publish_whole(fixture->publisher, 7); /* nobody's hash */
    rpc_stand_run_for(&fixture->stand, 300);
    assert_true(table_holder_table(fixture->holder)->version == version);
    assert_string_equal(pick(fixture, "coding", "eve").id, "acme/titan");
}

static void
after_a_restart_the_copy_on_disk_answers_at_once(void **state)
{
    struct fixture *fixture = *state;
    publish_whole(fixture);
    close_holder(fixture);
    close_scorer(fixture);
    fixture->changes = 0;
    open_holder(fixture);
    assert_int_equal(fixture->changes, 1);
    assert_non_null(table_holder_table(fixture->holder));
    assert_string_equal(pick(fixture, "coding", NULL).id, "acme/titan");
    Ss__RouterStateRequest request = SS__ROUTER_STATE_REQUEST__INIT;
    struct ended ended = call(fixture, STATE, &request.base, NULL);
    assert_string_equal(ended.detail, "no scorer heard from lately: answers "
                                      "come from the last table");
    assert_false(ended.heard); /* not by this router */
}

static struct ended
ask_state(struct fixture *fixture)
{
    Ss__RouterStateRequest request = SS__ROUTER_STATE_REQUEST__INIT;
    return call(fixture, STATE, &request.base, NULL);
}

static void
without_its_scorer_a_router_answers_on_and_says_how_old_its_table_is(
    void **state)
{
    struct fixture *fixture = *state;
    fixture->published->made_at = loop_wall(fixture->stand.loop);
    publish_whole(fixture);
    struct ended before = ask_state(fixture);
    assert_true(before.current && before.heard);
    assert_true(before.age_s < 5);
    close_scorer(fixture);
    struct ended after = before;
    for (int i = 0; i < 50 && after.current; i++) {
        rpc_stand_run_for(&fixture->stand, 100);
        after = ask_state(fixture);
    }
    assert_false(after.current);
    assert_true(after.heard);
    assert_string_equal(after.detail, "no scorer heard from lately: answers "
                                      "come from the last table");
    rpc_stand_run_for(&fixture->stand, 1100);
    assert_true(ask_state(fixture).age_s > before.age_s);
    assert_string_equal(pick(fixture, "coding", NULL).id, "acme/titan");
    open_scorer(fixture);
    publish_whole(fixture);
    for (int i = 0; i < 50 && !after.current; i++) {
        rpc_stand_run_for(&fixture->stand, 100);
        after = ask_state(fixture);
    }
    assert_true(after.current);
}

/* The copy with every occurrence of a name made into one that this program
 * does not know. */
static void
keep_copy_with(struct fixture *fixture, struct slice name)
{
    char path[256];
    struct buf bytes;
    struct snapshot_version version = {
        .epoch = 1,
        .sequence = 1,
        .hash = score_table_snapshot_hash(fixture->published)};
    buf_init(&bytes, BYTES_MAX);
    assert_int_equal(table_encode(fixture->published, &bytes), STATUS_OK);
    unsigned found = 0;
    for (size_t i = 0; i + name.len <= bytes.len; i++) {
        if (memcmp(bytes.data + i, name.ptr, name.len) != 0)
            continue;
        bytes.data[i] = 'Z';
        found++;
    }
    assert_true(found > 0);
    (void)snprintf(path, sizeof(path), "%s/snapshots/table-routerd-1.snap",
                   fixture->stand.folder);
    assert_int_equal(
        snapshot_disk_write(path, "table", &version, buf_slice(&bytes)),
        STATUS_OK);
    buf_fini(&bytes);
}

static void
a_copy_that_a_newer_program_wrote_is_ignored_and_fetched_anew(void **state)
{
    /* What has no meaning without its name: a category, a tier. */
    static const char *const names[] = {"coding", "premium"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        close_holder(fixture);
        keep_copy_with(fixture, slice_of(names[i]));
        open_holder(fixture);
        assert_null(table_holder_table(fixture->holder));
        assert_int_equal(pick(fixture, "coding", NULL).status,
                         STATUS_UNAVAILABLE);
        publish_whole(fixture);
        assert_string_equal(pick(fixture, "coding", NULL).id, "acme/titan");
        close_scorer(fixture);
        open_scorer(fixture);
    }
}

static void
without_a_table_calls_are_unavailable_with_a_hint(void **state)
{
    struct ended ended = pick(*state, "coding", NULL);
    assert_int_equal(ended.status, STATUS_UNAVAILABLE);
    assert_string_equal(ended.reason, "UNAVAILABLE");
    assert_true(ended.retry_after > 0);
}

static void
refusals_travel_with_reason_and_message(void **state)
{
    struct fixture *fixture = *state;
    publish_whole(fixture);
    struct ended ended = pick(fixture, "  ", NULL);
    assert_int_equal(ended.status, STATUS_INVALID_ARGUMENT);
    assert_string_equal(ended.reason, "MISSING_PARAM");
    assert_string_equal(ended.message, "task parameter is required");
}

static void
what_is_not_there_yet_says_so(void **state)
{
    static const struct {
        unsigned method;
        const ProtobufCMessageDescriptor *request;
    } rows[] = {
        {DECOMPOSE, &ss__decompose_request__descriptor},
        {SWARM, &ss__swarm_request__descriptor},
        {ROLE, &ss__compose_role_request__descriptor},
        {BLOCKS, &ss__role_blocks_request__descriptor},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        union {
            ProtobufCMessage base;
            Ss__DecomposeRequest decompose;
            Ss__SwarmRequest swarm;
            Ss__ComposeRoleRequest role;
            Ss__RoleBlocksRequest blocks;
        } request;
        protobuf_c_message_init(rows[i].request, &request);
        struct ended ended = call(fixture, rows[i].method, &request.base, NULL);
        assert_int_equal(ended.status, STATUS_UNIMPLEMENTED);
        assert_true(strlen(ended.message) > 0);
    }
}

#define SERVICE_TEST(name)                                                     \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(a_published_table_answers_picks),
        SERVICE_TEST(a_delta_changes_the_next_pick),
        SERVICE_TEST(a_table_that_is_not_the_one_published_answers_nothing),
        SERVICE_TEST(after_a_restart_the_copy_on_disk_answers_at_once),
        SERVICE_TEST(
            without_its_scorer_a_router_answers_on_and_says_how_old_its_table_is),
        SERVICE_TEST(
            a_copy_that_a_newer_program_wrote_is_ignored_and_fetched_anew),
        SERVICE_TEST(without_a_table_calls_are_unavailable_with_a_hint),
        SERVICE_TEST(refusals_travel_with_reason_and_message),
        SERVICE_TEST(what_is_not_there_yet_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
