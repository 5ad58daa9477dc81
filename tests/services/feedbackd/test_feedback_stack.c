/* feedbackd's calls and layers against a real PostgreSQL, over real RPC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "feedback/personal.h"
#include "proto/layers_codec.h"
#include "services/feedbackd/feedback_stack.h"
#include "services/runtime/snapshot.h"
#include "services/store/migrate.h"
#include "services/store/pg_session.h"
#include "tests/support/rpc_stand.h"
#include "tests/support/temp_postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_TIMEOUT_MS 15000

enum {
    LOG_SPAWN,
    RECORD_OUTCOME,
    REPORT_COMMUNITY,
    PERSONAL_SCORES,
    COMMUNITY_SCORES,
    SPAWN_STATS
};

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

static struct pg_session *
session_open(const char *database)
{
    char place[TEMP_POSTGRES_URL_MAX];
    char why[PG_SESSION_ERROR_MAX];
    struct pg_session *session = NULL;

    temp_postgres_url(database, place);
    assert_int_equal(pg_session_open(place, why, &session), STATUS_OK);
    return session;
}

static void
session_run(struct pg_session *session, const char *text)
{
    if (pg_session_run(session, text) != STATUS_OK)
        fail_msg("%s: %s", text, pg_session_error(session));
}

static void
sql(const char *text)
{
    struct pg_session *session = session_open("feedback");

    session_run(session, text);
    pg_session_close(&session);
}

static int64_t
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

/* --- a node
 * ------------------------------------------------------------------*/

static void
on_judged(void *context, const char *detail)
{
    struct node *node = context;

    node->ready = !detail;
    (void)snprintf(node->detail, sizeof(node->detail), "%s",
                   detail ? detail : "");
    loop_stop(node->stand->loop);
}

static enum status
on_whole(void *context, struct slice bytes, uint64_t *ret_hash)
{
    struct node *node = context;
    struct layers *layers = NULL;
    enum status status = layers_decode(bytes, &layers);

    if (status != STATUS_OK)
        return status;
    if (node->seen)
        layers_free(&node->seen);
    node->seen = layers;
    node->wholes++;
    *ret_hash = layers_hash(layers);
    loop_stop(node->stand->loop);
    return STATUS_OK;
}

static enum status
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

static void
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

static void
node_open(struct node *node, struct rpc_stand *stand, const char *name,
          const char *place)
{
    struct feedback_stack_options options = {.loop = stand->loop,
                                             .metrics = stand->metrics,
                                             .instance = name,
                                             .url = place,
                                             .home = "/nonexistent",
                                             .queue_max = 4096,
                                             .write_timeout = 5000,
                                             .read_timeout = 5000,
                                             .interval = 500,
                                             .judged = on_judged,
                                             .context = node};
    struct snapshot_follower_options follower = {.name = "layers",
                                                 .whole = on_whole,
                                                 .delta = on_delta,
                                                 .context = node};

    *node = (struct node){.stand = stand};
    node_serve(node, name);
    options.server = node->server;
    assert_int_equal(feedback_stack_open(&node->stack, &options), STATUS_OK);
    node->channel = stand_channel(stand, rpc_stand_endpoint(stand, name), 4096);
    assert_int_equal(snapshot_follower_new(stand->loop, node->channel,
                                           &follower, &node->follower),
                     STATUS_OK);
}

static void
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
static void
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

static bool
is_ready(const struct node *node)
{
    return node->ready && node->seen;
}

static bool
is_not_ready(const struct node *node)
{
    return !node->ready;
}

/* --- calls
 * -------------------------------------------------------------------*/

static void
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

static void
ended_forget(struct ended *ended)
{
    if (ended->reply)
        protobuf_c_message_free_unpacked(ended->reply, NULL);
    ended->reply = NULL;
}

static void
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

static void
call(struct node *node, unsigned method, const void *request, const char *key,
     struct ended *ended)
{
    call_start(node, method, request, key, ended);
    assert_true(rpc_stand_run(node->stand, &ended->done));
}

static Ss__RecordOutcomeRequest
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

static Ss__ReportCommunityRequest
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

static void
rate(struct node *node, char *model, int64_t rating)
{
    Ss__RecordOutcomeRequest request = outcome_of(model, rating);
    struct ended ended;

    call(node, RECORD_OUTCOME, &request, NULL, &ended);
    if (ended.status != STATUS_OK)
        fail_msg("%s: %s", ended.reason, ended.message);
    ended_forget(&ended);
}

static const struct personal_cell *
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

static uint32_t
ratings_of(const struct node *node, const char *model)
{
    const struct personal_cell *cell = cell_of(node, model);

    return cell ? cell->ratings : 0;
}

/* --- a fixture
 * ---------------------------------------------------------------*/

struct fixture {
    struct rpc_stand stand;
    struct node node;
};

static void
fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    sql("TRUNCATE outcomes, community_reports, spawn_logs, idempotency_keys,"
        " report_windows");
    rpc_stand_open(&fixture->stand);
    node_open(&fixture->node, &fixture->stand, "feedbackd-1", url);
    node_wait(&fixture->node, is_ready);
}

static void
fixture_close(struct fixture *fixture)
{
    node_close(&fixture->node);
    rpc_stand_close(&fixture->stand);
}

/* --- normal use
 * --------------------------------------------------------------*/

static bool
has_three(const struct node *node)
{
    return ratings_of(node, "a/b") == 3;
}

static void
three_ratings_become_a_cell_within_250_ms(void **state)
{
    struct fixture fixture;
    struct rating ratings[3];
    struct personal_cell wanted = {0};
    ms_time before = 0;

    (void)state;
    fixture_open(&fixture);
    before = loop_now(fixture.stand.loop);
    for (unsigned i = 0; i < 3; i++)
        rate(&fixture.node, i ? (char[]){"a/b"} : (char[]){"openrouter/a/b"},
             5);
    node_wait(&fixture.node, has_three);
    assert_true(loop_now(fixture.stand.loop) - before < 250);
    assert_int_equal(number_of("SELECT count(*) FROM outcomes"
                               " WHERE tenant = 'acme' AND model = 'a/b'"
                               " AND category = 'coding' AND rating = 5"),
                     3);
    for (unsigned i = 0; i < 3; i++)
        ratings[i] = (struct rating){.day = fixture.node.seen->day, .stars = 5};
    assert_int_equal(personal_fold(ratings, 3, personal_baseline(0, 0),
                                   fixture.node.seen->day, &wanted),
                     STATUS_OK);
    assert_true(cell_of(&fixture.node, "a/b")->mass == wanted.mass);
    assert_true(cell_of(&fixture.node, "a/b")->shift == wanted.shift);
    assert_int_equal(fixture.node.wholes, 1); /* the rest came as deltas */
    fixture_close(&fixture);
}

static bool
has_released(const struct node *node)
{
    return node->seen && node->seen->community_count == 1;
}

static void
a_community_cell_is_released_from_five_instances(void **state)
{
    static char names[5][16];
    struct fixture fixture;
    struct ended ended;
    Ss__CommunityScoresRequest question = SS__COMMUNITY_SCORES_REQUEST__INIT;
    Ss__CommunityScoresReply *reply = NULL;

    (void)state;
    fixture_open(&fixture);
    for (unsigned i = 0; i < 5; i++) {
        Ss__ReportCommunityRequest request = {0};

        assert_int_equal(fixture.node.seen->community_count, 0);
        (void)snprintf(names[i], sizeof(names[i]), "home-%u", i);
        request = report_of((char[]){"a/b"}, names[i], 4);
        call(&fixture.node, REPORT_COMMUNITY, &request, NULL, &ended);
        assert_int_equal(ended.status, STATUS_OK);
        ended_forget(&ended);
    }
    node_wait(&fixture.node, has_released);
    assert_int_equal(fixture.node.seen->community[0].contributors, 5);
    call(&fixture.node, COMMUNITY_SCORES, &question, NULL, &ended);
    reply = (Ss__CommunityScoresReply *)(void *)ended.reply;
    assert_int_equal(reply->n_data, 1);
    assert_string_equal(reply->data[0]->model, "a/b");
    assert_int_equal(reply->data[0]->total_ratings, 5);
    assert_true(reply->data[0]->avg_rating == 4.0);
    ended_forget(&ended);
    fixture_close(&fixture);
}

static void
logged_spawns_are_counted(void **state)
{
    struct fixture fixture;
    struct ended ended;
    Ss__LogSpawnRequest request = SS__LOG_SPAWN_REQUEST__INIT;
    Ss__SpawnStatsRequest question = SS__SPAWN_STATS_REQUEST__INIT;
    Ss__SpawnStats *stats = NULL;

    (void)state;
    fixture_open(&fixture);
    request.model = (char[]){"openrouter/openai/gpt-5.2"};
    request.has_category = true;
    request.category = SS__CATEGORY__CATEGORY_CODING;
    request.has_mode = true;
    request.mode = SS__MODE__MODE_CASCADE;
    request.role = (char[]){"primary"};
    for (unsigned i = 0; i < 2; i++) {
        call(&fixture.node, LOG_SPAWN, &request, NULL, &ended);
        assert_int_equal(ended.status, STATUS_OK);
        assert_int_equal(
            strlen(((Ss__LogSpawnReply *)(void *)ended.reply)->data->spawn_id),
            36);
        ended_forget(&ended);
        request.has_mode = false;
    }
    call(&fixture.node, SPAWN_STATS, &question, NULL, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    stats = ((Ss__SpawnStatsReply *)(void *)ended.reply)->data;
    assert_int_equal(stats->total_spawns, 2);
    assert_int_equal(stats->n_by_model, 1);
    assert_string_equal(stats->by_model[0]->key, "openai/gpt-5.2");
    assert_int_equal(stats->by_model[0]->value, 2);
    assert_int_equal(stats->n_by_mode, 1);
    assert_string_equal(stats->by_mode[0]->key, "cascade");
    assert_int_equal(stats->by_mode[0]->value, 1);
    assert_int_equal(stats->n_by_category, 1);
    assert_int_equal(stats->n_daily, 1);
    assert_int_equal(stats->daily[0]->spawns, 2);
    assert_false(stats->has_total_estimated_cost);
    ended_forget(&ended);
    fixture_close(&fixture);
}

static void
personal_scores_count_ratings_of_the_tenant(void **state)
{
    struct fixture fixture;
    struct ended ended;
    Ss__PersonalScoresRequest question = SS__PERSONAL_SCORES_REQUEST__INIT;
    Ss__PersonalScoresReply *reply = NULL;

    (void)state;
    fixture_open(&fixture);
    sql("INSERT INTO outcomes (tenant, model, category, rating)"
        " SELECT 'other', 'a/b', 'coding', 1 FROM generate_series(1, 9)");
    for (int64_t i = 3; i <= 5; i++)
        rate(&fixture.node, (char[]){"a/b"}, i);
    rate(&fixture.node, (char[]){"a/c"}, 2);
    call(&fixture.node, PERSONAL_SCORES, &question, NULL, &ended);
    reply = (Ss__PersonalScoresReply *)(void *)ended.reply;
    assert_int_equal(reply->n_data, 1); /* three ratings before a score */
    assert_string_equal(reply->data[0]->model, "a/b");
    assert_int_equal(reply->data[0]->total, 3);
    assert_true(reply->data[0]->mean_rating == 4.0);
    assert_true(reply->data[0]->success_rate > 0.66 &&
                reply->data[0]->success_rate < 0.67);
    ended_forget(&ended);
    question.has_min_samples = true;
    question.min_samples = -4; /* clamped to 1 */
    call(&fixture.node, PERSONAL_SCORES, &question, NULL, &ended);
    assert_int_equal(((Ss__PersonalScoresReply *)(void *)ended.reply)->n_data,
                     2);
    ended_forget(&ended);
    fixture_close(&fixture);
}

/* --- the watermark
 * -----------------------------------------------------------*/

static bool
has_fast(const struct node *node)
{
    return ratings_of(node, "fast/one") == 1;
}

static bool
has_slow(const struct node *node)
{
    return ratings_of(node, "slow/one") == 1;
}

static void
a_slow_transaction_neither_hides_nor_is_hidden(void **state)
{
    struct fixture fixture;
    struct pg_session *slow = session_open("feedback");

    (void)state;
    fixture_open(&fixture);
    session_run(slow, "BEGIN; INSERT INTO outcomes"
                      " (tenant, model, category, rating)"
                      " VALUES ('acme', 'slow/one', 'coding', 5)");
    rate(&fixture.node, (char[]){"fast/one"}, 4);
    node_wait(&fixture.node, has_fast); /* not held up by the open one */
    rate(&fixture.node, (char[]){"fast/two"}, 4);
    assert_int_equal(ratings_of(&fixture.node, "slow/one"), 0);
    session_run(slow, "COMMIT"); /* with a lower xid than the others */
    node_wait(&fixture.node, has_slow);
    assert_int_equal(ratings_of(&fixture.node, "fast/one"), 1);
    pg_session_close(&slow);
    fixture_close(&fixture);
}

static bool
has_late(const struct node *node)
{
    return ratings_of(node, "late/one") == 1;
}

static void
a_late_rating_of_yesterday_moves_the_baseline_of_all_cells(void **state)
{
    struct fixture fixture;
    double before = 0;

    (void)state;
    fixture_open(&fixture);
    rate(&fixture.node, (char[]){"fast/one"}, 4);
    node_wait(&fixture.node, has_fast);
    before = cell_of(&fixture.node, "fast/one")->shift;
    assert_true(before == 0); /* a four against the baseline of four */
    sql("INSERT INTO outcomes (tenant, model, category, rating, given_at)"
        " VALUES ('acme', 'late/one', 'coding', 1, now() - interval '1 day')");
    node_wait(&fixture.node, has_late);
    assert_true(cell_of(&fixture.node, "fast/one")->shift > before);
    fixture_close(&fixture);
}

/* As after a restart: the same events give the same bits. */
static void
a_new_process_folds_to_the_same_content(void **state)
{
    struct fixture fixture;
    struct node second;
    unsigned stars = 0;

    (void)state;
    fixture_open(&fixture);
    sql("INSERT INTO outcomes (tenant, model, category, rating, given_at)"
        " SELECT 't' || n % 7, 'v/m' || n % 31, 'coding', 1 + n % 5,"
        " now() - n * interval '5 hours' FROM generate_series(1, 500) n");
    sql("INSERT INTO community_reports"
        " (instance, model, category, rating, given_at)"
        " SELECT 'i' || n % 9, 'v/m' || n % 4, 'creative', 1 + n % 5,"
        " now() - n * interval '11 hours' FROM generate_series(1, 500) n");
    for (stars = 1; stars <= 3; stars++)
        rate(&fixture.node, (char[]){"a/b"}, stars);
    node_wait(&fixture.node, has_three);
    node_open(&second, &fixture.stand, "feedbackd-2", url);
    node_wait(&second, is_ready);
    assert_true(fixture.node.seen->community_count > 0);
    assert_true(fixture.node.seen->personal_count > 31);
    assert_true(layers_hash(second.seen) == layers_hash(fixture.node.seen));
    node_close(&second);
    fixture_close(&fixture);
}

static void
another_feedbackd_hears_of_a_rating(void **state)
{
    struct fixture fixture;
    struct node second;

    (void)state;
    fixture_open(&fixture);
    node_open(&second, &fixture.stand, "feedbackd-2", url);
    node_wait(&second, is_ready);
    for (unsigned i = 0; i < 3; i++)
        rate(&fixture.node, (char[]){"a/b"}, 5);
    node_wait(&second, has_three);
    assert_true(layers_hash(second.seen) ==
                layers_hash(second.stack.service.state
                                ? layer_state_now(second.stack.service.state)
                                : NULL));
    node_close(&second);
    fixture_close(&fixture);
}

/* --- keys and limits
 * ---------------------------------------------------------*/

static void
a_repeated_key_records_once_and_another_body_conflicts(void **state)
{
    struct fixture fixture;
    struct ended ended;
    char first[64];
    Ss__LogSpawnRequest spawn = SS__LOG_SPAWN_REQUEST__INIT;
    Ss__RecordOutcomeRequest outcome = outcome_of((char[]){"a/b"}, 5);

    (void)state;
    fixture_open(&fixture);
    spawn.model = (char[]){"a/b"};
    spawn.has_category = true;
    call(&fixture.node, LOG_SPAWN, &spawn, "key-1", &ended);
    assert_int_equal(ended.status, STATUS_OK);
    (void)snprintf(first, sizeof(first), "%s",
                   ((Ss__LogSpawnReply *)(void *)ended.reply)->data->spawn_id);
    ended_forget(&ended);
    call(&fixture.node, LOG_SPAWN, &spawn, "key-1", &ended);
    assert_string_equal(
        ((Ss__LogSpawnReply *)(void *)ended.reply)->data->spawn_id, first);
    ended_forget(&ended);
    assert_int_equal(number_of("SELECT count(*) FROM spawn_logs"), 1);
    /* The same key for another call, then another body. */
    call(&fixture.node, RECORD_OUTCOME, &outcome, "key-1", &ended);
    assert_int_equal(ended.status, STATUS_ALREADY_EXISTS);
    assert_string_equal(ended.reason, "CONFLICT");
    call(&fixture.node, RECORD_OUTCOME, &outcome, "key-2", &ended);
    assert_int_equal(ended.status, STATUS_OK);
    ended_forget(&ended);
    outcome.rating = 4;
    call(&fixture.node, RECORD_OUTCOME, &outcome, "key-2", &ended);
    assert_int_equal(ended.status, STATUS_ALREADY_EXISTS);
    assert_int_equal(number_of("SELECT count(*) FROM outcomes"), 1);
    fixture_close(&fixture);
}

static void
a_key_is_free_again_after_24_hours(void **state)
{
    struct fixture fixture;
    struct ended ended;
    Ss__RecordOutcomeRequest outcome = outcome_of((char[]){"a/b"}, 5);

    (void)state;
    fixture_open(&fixture);
    call(&fixture.node, RECORD_OUTCOME, &outcome, "key-1", &ended);
    ended_forget(&ended);
    sql("UPDATE idempotency_keys SET given_at = now() - interval '25 hours'");
    outcome.rating = 4;
    call(&fixture.node, RECORD_OUTCOME, &outcome, "key-1", &ended);
    assert_int_equal(ended.status, STATUS_OK);
    ended_forget(&ended);
    assert_int_equal(number_of("SELECT count(*) FROM outcomes"), 2);
    fixture_close(&fixture);
}

/* Sent at once through two feedbackd, they meet in PostgreSQL. */
static void
one_key_through_two_feedbackd_records_once(void **state)
{
    struct fixture fixture;
    struct node second;
    struct ended ended[16];
    Ss__RecordOutcomeRequest outcome = outcome_of((char[]){"a/b"}, 5);

    (void)state;
    fixture_open(&fixture);
    node_open(&second, &fixture.stand, "feedbackd-2", url);
    node_wait(&second, is_ready);
    for (size_t i = 0; i < ARRAY_LEN(ended); i++)
        call_start(i % 2 ? &second : &fixture.node, RECORD_OUTCOME, &outcome,
                   "key-1", &ended[i]);
    for (size_t i = 0; i < ARRAY_LEN(ended); i++) {
        assert_true(rpc_stand_run(&fixture.stand, &ended[i].done));
        assert_int_equal(ended[i].status, STATUS_OK);
        ended_forget(&ended[i]);
    }
    assert_int_equal(number_of("SELECT count(*) FROM outcomes"), 1);
    node_close(&second);
    fixture_close(&fixture);
}

static void
the_101st_report_of_an_hour_is_refused(void **state)
{
    struct fixture fixture;
    static struct ended ended[101];
    Ss__ReportCommunityRequest request =
        report_of((char[]){"a/b"}, (char[]){"golden-1"}, 5);
    unsigned refused = 0;

    (void)state;
    fixture_open(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(ended); i++)
        call_start(&fixture.node, REPORT_COMMUNITY, &request, NULL, &ended[i]);
    for (size_t i = 0; i < ARRAY_LEN(ended); i++) {
        assert_true(rpc_stand_run(&fixture.stand, &ended[i].done));
        if (ended[i].status == STATUS_OK) {
            ended_forget(&ended[i]);
            continue;
        }
        refused++;
        assert_int_equal(ended[i].status, STATUS_RESOURCE_EXHAUSTED);
        assert_string_equal(ended[i].reason, "RATE_LIMITED");
        assert_string_equal(ended[i].message, "Rate limit exceeded (100/hr)");
        assert_true(ended[i].retry_after > 3500000);
    }
    assert_int_equal(refused, 1);
    assert_int_equal(number_of("SELECT count(*) FROM community_reports"), 100);
    /* A retry of a report that was recorded is no new report; one that was
     * refused leaves no key behind. */
    call(&fixture.node, REPORT_COMMUNITY, &request, "key-1", &ended[0]);
    assert_int_equal(ended[0].status, STATUS_RESOURCE_EXHAUSTED);
    sql("UPDATE report_windows SET began_at = now() - interval '61 minutes'");
    call(&fixture.node, REPORT_COMMUNITY, &request, "key-1", &ended[0]);
    assert_int_equal(ended[0].status, STATUS_OK);
    ended_forget(&ended[0]);
    sql("UPDATE report_windows SET reports = 100");
    call(&fixture.node, REPORT_COMMUNITY, &request, "key-1", &ended[0]);
    assert_int_equal(ended[0].status, STATUS_OK);
    ended_forget(&ended[0]);
    assert_int_equal(number_of("SELECT count(*) FROM community_reports"), 101);
    fixture_close(&fixture);
}

/* --- failures
 * ----------------------------------------------------------------*/

static void
bad_input_is_refused_and_leaves_nothing(void **state)
{
    struct fixture fixture;
    struct ended ended;
    Ss__RecordOutcomeRequest outcome = outcome_of((char[]){"a/b"}, 5);
    static const int64_t ratings[] = {0, 6, -40, INT64_MAX, INT64_MIN};

    (void)state;
    fixture_open(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(ratings); i++) {
        outcome.rating = ratings[i];
        call(&fixture.node, RECORD_OUTCOME, &outcome, NULL, &ended);
        assert_int_equal(ended.status, STATUS_INVALID_ARGUMENT);
        assert_string_equal(ended.reason, "INVALID_BODY");
        assert_string_equal(ended.message,
                            "rating must be a whole number from 1 to 5");
    }
    outcome.has_rating = false;
    call(&fixture.node, RECORD_OUTCOME, &outcome, NULL, &ended);
    assert_string_equal(ended.message,
                        "model, category, and rating (1-5) are required");
    assert_int_equal(number_of("SELECT count(*) FROM outcomes"), 0);
    fixture_close(&fixture);
}

static void
without_postgres_writes_are_refused_and_layers_stay(void **state)
{
    struct fixture fixture;
    struct ended ended;
    Ss__RecordOutcomeRequest outcome = outcome_of((char[]){"a/b"}, 5);
    Ss__CommunityScoresRequest question = SS__COMMUNITY_SCORES_REQUEST__INIT;

    (void)state;
    fixture_open(&fixture);
    rate(&fixture.node, (char[]){"fast/one"}, 4);
    node_wait(&fixture.node, has_fast);
    temp_postgres_crash();
    node_wait(&fixture.node, is_not_ready);
    while (store_is_up(fixture.node.stack.service.write))
        rpc_stand_run_for(&fixture.stand, 5);
    call(&fixture.node, RECORD_OUTCOME, &outcome, NULL, &ended);
    assert_int_equal(ended.status, STATUS_UNAVAILABLE);
    assert_string_equal(ended.reason, "UNAVAILABLE");
    assert_string_equal(ended.message, "the database is not reachable; nothing"
                                       " was recorded; try again");
    assert_true(ended.retry_after > 0);
    call(&fixture.node, COMMUNITY_SCORES, &question, NULL, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    ended_forget(&ended);
    assert_int_equal(ratings_of(&fixture.node, "fast/one"), 1);
    assert_true(temp_postgres_restart());
    node_wait(&fixture.node, is_ready);
    for (unsigned i = 0; i < 3; i++)
        rate(&fixture.node, (char[]){"a/b"}, 5);
    node_wait(&fixture.node, has_three);
    fixture_close(&fixture);
}

static bool
wants_migrate(const struct node *node)
{
    return strstr(node->detail, "run smart-spawn migrate") != NULL;
}

static void
an_older_schema_is_refused_and_tried_again(void **state)
{
    struct rpc_stand stand = {0};
    struct node node;
    char bare[TEMP_POSTGRES_URL_MAX];
    char error[MIGRATE_ERROR_MAX];
    struct migrate_job job = {.url = bare};

    (void)state;
    temp_postgres_url("bare", bare);
    rpc_stand_open(&stand);
    node_open(&node, &stand, "feedbackd-1", bare);
    node_wait(&node, wants_migrate);
    assert_int_equal(migrate_run(&job, error), STATUS_OK);
    node_wait(&node, is_ready);
    node_close(&node);
    rpc_stand_close(&stand);
}

static int
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_ratings_become_a_cell_within_250_ms),
        cmocka_unit_test(a_community_cell_is_released_from_five_instances),
        cmocka_unit_test(logged_spawns_are_counted),
        cmocka_unit_test(personal_scores_count_ratings_of_the_tenant),
        cmocka_unit_test(a_slow_transaction_neither_hides_nor_is_hidden),
        cmocka_unit_test(
            a_late_rating_of_yesterday_moves_the_baseline_of_all_cells),
        cmocka_unit_test(a_new_process_folds_to_the_same_content),
        cmocka_unit_test(another_feedbackd_hears_of_a_rating),
        cmocka_unit_test(
            a_repeated_key_records_once_and_another_body_conflicts),
        cmocka_unit_test(a_key_is_free_again_after_24_hours),
        cmocka_unit_test(one_key_through_two_feedbackd_records_once),
        cmocka_unit_test(the_101st_report_of_an_hour_is_refused),
        cmocka_unit_test(bad_input_is_refused_and_leaves_nothing),
        cmocka_unit_test(without_postgres_writes_are_refused_and_layers_stay),
        cmocka_unit_test(an_older_schema_is_refused_and_tried_again),
    };

    return cmocka_run_group_tests(tests, cluster_start, NULL);
}
