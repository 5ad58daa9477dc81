/* A feedbackd in the test program: PostgreSQL, server, channel and a follower
 * of its layers, all on one loop. Included by one test program each. */
#ifndef TESTS_SERVICES_FEEDBACKD_FEEDBACK_NODE_H
#define TESTS_SERVICES_FEEDBACKD_FEEDBACK_NODE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "feedback/personal.h"
#include "proto/layers_codec.h"
#include "services/feedbackd/feedback_input.h"
#include "services/feedbackd/feedback_stack.h"
#include "services/runtime/snapshot.h"
#include "services/store/migrate.h"
#include "services/store/pg_session.h"
#include "tests/support/rpc_stand.h"
#include "tests/support/temp_postgres.h"

#include "decision.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_TIMEOUT_MS 15000
#define NODE_INTERVAL_MS 200 /* looks for events nobody told of */
#define NODE_HOUR_MS ((ms_dur)3600000)

enum {
    LOG_SPAWN,
    RECORD_OUTCOME,
    REPORT_COMMUNITY,
    PERSONAL_SCORES,
    COMMUNITY_SCORES,
    SPAWN_STATS
};

/* The key of the decision ids that this deployment made. */
static const struct secret_key node_seal = {.seal = {1}, .nonce = {2}};

/* One feedbackd, a caller and a follower of its layers. */
struct node {
    struct rpc_stand *stand;
    struct rpc_server *server;
    struct feedback_stack stack;
    struct rpc_channel *channel;
    struct snapshot_follower *follower;
    struct layers *seen; /* what the follower holds */
    unsigned wholes, deltas;
    bool ready;
    char detail[400];
};

/* How a call ended; texts copied. */
struct ended {
    struct rpc_stand *stand;
    bool done;
    enum status status;
    char reason[64], message[256];
    ms_dur retry_after;
    char spawn_id[64];
    ProtobufCMessage *reply; /* owned copy, or NULL */
};

static char url[TEMP_POSTGRES_URL_MAX];

/* --- PostgreSQL beside the loop
 * ----------------------------------------------*/

static inline struct pg_session *
session_open(const char *database)
{
    char place[TEMP_POSTGRES_URL_MAX];
    char why[PG_SESSION_ERROR_MAX];
    struct pg_session *session = NULL;

    temp_postgres_url(database, place);
    assert_int_equal(pg_session_open(place, why, &session), STATUS_OK);
    return session;
}

static inline void
session_run(struct pg_session *session, const char *text)
{
    if (pg_session_run(session, text) != STATUS_OK)
        fail_msg("%s: %s", text, pg_session_error(session));
}

static inline void
sql(const char *text)
{
    struct pg_session *session = session_open("feedback");

    session_run(session, text);
    pg_session_close(&session);
}

static inline int64_t
number_of(const char *text)
{
    struct pg_session *session = session_open("feedback");
    const struct pg_result *rows = NULL;
    int64_t number = 0;

    assert_int_equal(pg_session_query(session, text, NULL, 0, &rows),
                     STATUS_OK);
    number = rows_i64(rows, 0, 0, -1);
    pg_session_close(&session);
    return number;
}

/* --- a node --- */

static inline void
on_judged(void *context, const char *detail)
{
    struct node *node = context;

    node->ready = !detail;
    (void)snprintf(node->detail, sizeof(node->detail), "%s",
                   detail ? detail : "");
    loop_stop(node->stand->loop);
}

static inline enum status
on_whole(void *context, struct slice bytes, uint64_t wanted, uint64_t *ret_hash)
{
    struct node *node = context;
    struct layers *layers = NULL;
    enum status status = layers_decode(bytes, &layers);

    if (status != STATUS_OK)
        return status;
    *ret_hash = layers_hash(layers);
    assert_true(*ret_hash == wanted);
    if (node->seen)
        layers_free(&node->seen);
    node->seen = layers;
    node->wholes++;
    loop_stop(node->stand->loop);
    return STATUS_OK;
}

static inline enum status
on_delta(void *context, struct slice bytes, uint64_t *ret_hash)
{
    struct node *node = context;
    struct layers *layers = NULL;
    enum status status = layers_delta_apply(node->seen, bytes, &layers);

    if (status != STATUS_OK)
        return status;
    layers_free(&node->seen);
    node->seen = layers;
    node->deltas++;
    *ret_hash = layers_hash(layers);
    loop_stop(node->stand->loop);
    return STATUS_OK;
}

static inline void
node_serve(struct node *node, const char *name)
{
    struct rpc_server_options server = {
        .endpoint = rpc_stand_endpoint(node->stand, name),
        .instance = name,
        .max_calls = 4096,
        .metrics = node->stand->metrics,
        .zmq = node->stand->zmq};

    assert_int_equal(rpc_server_new(node->stand->loop, &server, &node->server),
                     STATUS_OK);
}

/* `options` says the place and the times; the rest is filled in here. */
static inline void
node_open_with(struct node *node, struct rpc_stand *stand, const char *name,
               struct feedback_stack_options options)
{
    struct snapshot_follower_options follower = {.name = "layers",
                                                 .whole = on_whole,
                                                 .delta = on_delta,
                                                 .context = node};

    *node = (struct node){.stand = stand};
    node_serve(node, name);
    options.loop = stand->loop;
    options.server = node->server;
    options.seal = &node_seal;
    options.metrics = stand->metrics;
    options.instance = name;
    options.home = "/nonexistent";
    options.queue_max = 4096;
    options.write_timeout = 5000;
    options.read_timeout = 5000;
    options.judged = on_judged;
    options.context = node;
    assert_int_equal(feedback_stack_open(&node->stack, &options), STATUS_OK);
    node->channel = stand_channel(stand, rpc_stand_endpoint(stand, name), 4096);
    assert_int_equal(snapshot_follower_new(stand->loop, node->channel,
                                           &follower, &node->follower),
                     STATUS_OK);
}

static inline void
node_open(struct node *node, struct rpc_stand *stand, const char *name,
          const char *place, ms_dur interval)
{
    struct feedback_stack_options options = {.url = place,
                                             .interval = interval,
                                             .upkeep_interval = NODE_HOUR_MS,
                                             .retention = 24 * NODE_HOUR_MS,
                                             .report_window = NODE_HOUR_MS};

    node_open_with(node, stand, name, options);
}

static inline void
node_close(struct node *node)
{
    snapshot_follower_free(&node->follower);
    rpc_channel_free(&node->channel);
    feedback_stack_close(&node->stack);
    rpc_server_free(&node->server);
    if (node->seen)
        layers_free(&node->seen);
}

/* Run until fits(node) or the stand's patience ends. */
static inline void
node_wait(struct node *node, bool (*fits)(const struct node *))
{
    bool done = fits(node);
    ms_time until = loop_now(node->stand->loop) + STAND_PATIENCE_MS;

    while (!done && loop_now(node->stand->loop) < until) {
        rpc_stand_run_for(node->stand, 5);
        done = fits(node);
    }
    if (!done)
        fail_msg("waited in vain; the node says: %s", node->detail);
}

static inline bool
is_ready(const struct node *node)
{
    return node->ready && node->seen;
}

static inline bool
is_not_ready(const struct node *node)
{
    return !node->ready;
}

/* --- calls --- */

static inline void
on_ended(void *context, const struct rpc_result *result)
{
    struct ended *ended = context;

    ended->done = true;
    ended->status = result->status;
    ended->retry_after = result->retry_after;
    (void)snprintf(ended->reason, sizeof(ended->reason), "%s", result->reason);
    (void)snprintf(ended->message, sizeof(ended->message), "%s",
                   result->message);
    if (result->reply) {
        size_t len = protobuf_c_message_get_packed_size(result->reply);
        uint8_t *bytes = malloc(len + 1);

        assert_non_null(bytes);
        (void)protobuf_c_message_pack(result->reply, bytes);
        ended->reply = protobuf_c_message_unpack(result->reply->descriptor,
                                                 NULL, len, bytes);
        free(bytes);
    }
    loop_stop(ended->stand->loop);
}

static inline void
ended_forget(struct ended *ended)
{
    if (ended->reply)
        protobuf_c_message_free_unpacked(ended->reply, NULL);
    ended->reply = NULL;
}

static inline void
call_start(struct node *node, unsigned method, const void *request,
           const char *key, struct ended *ended)
{
    struct rpc_options options = {
        .timeout = CALL_TIMEOUT_MS, .tenant = "acme", .idempotency_key = key};

    *ended = (struct ended){.stand = node->stand};
    assert_int_equal(rpc_call_start(node->channel, &ss__feedback__descriptor,
                                    method, request, &options, on_ended, ended,
                                    NULL),
                     STATUS_OK);
}

static inline void
call(struct node *node, unsigned method, const void *request, const char *key,
     struct ended *ended)
{
    call_start(node, method, request, key, ended);
    assert_true(rpc_stand_run(node->stand, &ended->done));
}

static inline Ss__RecordOutcomeRequest
outcome_of(char *model, int64_t rating)
{
    Ss__RecordOutcomeRequest request = SS__RECORD_OUTCOME_REQUEST__INIT;

    request.model = model;
    request.has_category = true;
    request.category = SS__CATEGORY__CATEGORY_CODING;
    request.has_rating = true;
    request.rating = rating;
    return request;
}

static inline Ss__ReportCommunityRequest
report_of(char *model, char *instance, int64_t rating)
{
    Ss__ReportCommunityRequest request = SS__REPORT_COMMUNITY_REQUEST__INIT;

    request.model = model;
    request.has_category = true;
    request.category = SS__CATEGORY__CATEGORY_CODING;
    request.has_rating = true;
    request.rating = rating;
    request.instance_id = instance;
    return request;
}

static inline void
rate(struct node *node, char *model, int64_t rating)
{
    Ss__RecordOutcomeRequest request = outcome_of(model, rating);
    struct ended ended;

    call(node, RECORD_OUTCOME, &request, NULL, &ended);
    if (ended.status != STATUS_OK)
        fail_msg("%s: %s", ended.reason, ended.message);
    ended_forget(&ended);
}

static inline const struct personal_cell *
cell_of(const struct node *node, const char *model)
{
    for (size_t i = 0; node->seen && i < node->seen->personal_count; i++) {
        const struct personal_cell *cell = &node->seen->personal[i];

        if (slice_eq(cell->model, slice_of(model)) &&
            slice_eq(cell->tenant, SLICE("acme")))
            return cell;
    }
    return NULL;
}

static inline uint32_t
ratings_of(const struct node *node, const char *model)
{
    const struct personal_cell *cell = cell_of(node, model);

    return cell ? cell->ratings : 0;
}

/* --- a fixture --- */

struct fixture {
    struct rpc_stand stand;
    struct node node;
};

static inline void
fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    sql("TRUNCATE outcomes, community_reports, spawn_logs, idempotency_keys,"
        " report_windows, api_keys");
    rpc_stand_open(&fixture->stand);
    node_open(&fixture->node, &fixture->stand, "feedbackd-1", url,
              NODE_INTERVAL_MS);
    node_wait(&fixture->node, is_ready);
}

static inline void
fixture_close(struct fixture *fixture)
{
    node_close(&fixture->node);
    rpc_stand_close(&fixture->stand);
}

static inline bool
has_three(const struct node *node)
{
    return ratings_of(node, "a/b") == 3;
}

static inline bool
has_fast(const struct node *node)
{
    return ratings_of(node, "fast/one") == 1;
}

static inline int
cluster_start(void **state)
{
    char error[MIGRATE_ERROR_MAX];
    struct migrate_job job = {.url = url};
    struct pg_session *session = NULL;

    (void)state;
    if (!temp_postgres_start())
        return 1;
    session = session_open("postgres");
    session_run(session, "CREATE DATABASE feedback");
    session_run(session, "CREATE DATABASE bare");
    pg_session_close(&session);
    temp_postgres_url("feedback", url);
    return migrate_run(&job, error) == STATUS_OK ? 0 : 1;
}

#endif
