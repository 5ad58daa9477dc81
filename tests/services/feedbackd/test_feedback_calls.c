/* Keys, limits, bad input, and PostgreSQL away. */
#include "tests/services/feedbackd/feedback_node.h"

#include <ctype.h>

/* --- keys and limits --- */

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
    node_open(&second, &fixture.stand, "feedbackd-2", url, NODE_INTERVAL_MS);
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

static bool
holds_no_row(const struct node *node)
{
    (void)node;
    return number_of("SELECT (SELECT count(*) FROM idempotency_keys) +"
                     " (SELECT count(*) FROM report_windows)") == 0;
}

/* A day in ten minutes: every time 144 times shorter. */
static void
shorter_times_hold_by_configuration(void **state)
{
    struct fixture fixture;
    struct node quick;
    struct ended ended;
    Ss__ReportCommunityRequest request =
        report_of((char[]){"a/b"}, (char[]){"golden-1"}, 5);
    struct feedback_stack_options times = {.url = url,
                                           .interval = NODE_INTERVAL_MS,
                                           .upkeep_interval = 25,
                                           .retention = 600000,
                                           .report_window = 25000};

    (void)state;
    fixture_open(&fixture);
    node_open_with(&quick, &fixture.stand, "feedbackd-2", times);
    node_wait(&quick, is_ready);
    call(&quick, REPORT_COMMUNITY, &request, "key-1", &ended);
    assert_int_equal(ended.status, STATUS_OK);
    ended_forget(&ended);
    sql("UPDATE report_windows SET reports = 100, began_at = began_at -"
        " interval '10 seconds'");
    call(&quick, REPORT_COMMUNITY, &request, NULL, &ended);
    assert_int_equal(ended.status, STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(ended.message, "Rate limit exceeded (100 in 25 s)");
    assert_true(ended.retry_after > 0 && ended.retry_after <= 15000);
    /* Within its retention the key is the first report's. */
    request.rating = 4;
    call(&quick, REPORT_COMMUNITY, &request, "key-1", &ended);
    assert_int_equal(ended.status, STATUS_ALREADY_EXISTS);
    sql("UPDATE report_windows SET began_at = now() - interval '26 seconds'");
    sql("UPDATE idempotency_keys SET given_at = now() - interval '601 s'");
    call(&quick, REPORT_COMMUNITY, &request, "key-1", &ended);
    assert_int_equal(ended.status, STATUS_OK);
    ended_forget(&ended);
    /* What is over is deleted while it runs. */
    sql("UPDATE report_windows SET began_at = now() - interval '26 seconds'");
    sql("UPDATE idempotency_keys SET given_at = now() - interval '601 s'");
    node_wait(&quick, holds_no_row);
    node_close(&quick);
    fixture_close(&fixture);
}

/* A decision id of this node's deployment. */
static char *
decision_of(char *tenant, struct buf *out)
{
    Ss__Decision decision = SS__DECISION__INIT;
    uint8_t packed[SECRET_PLAIN_MAX];

    decision.tenant = tenant;
    decision.model = (char[]){"a/b"};
    decision.category = (char[]){"coding"};
    buf_init(out, INPUT_DECISION_MAX + 1);
    secret_seal(
        &node_seal,
        slice_make((const char *)packed, ss__decision__pack(&decision, packed)),
        out);
    return out->data;
}

static void
a_decision_id_of_our_own_is_recorded_with_the_rating(void **state)
{
    struct fixture fixture;
    struct ended ended;
    struct buf id;
    Ss__RecordOutcomeRequest outcome = outcome_of((char[]){"c/d"}, 5);

    (void)state;
    fixture_open(&fixture);
    outcome.decision_id = decision_of((char[]){"acme"}, &id);
    call(&fixture.node, RECORD_OUTCOME, &outcome, NULL, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    ended_forget(&ended);
    assert_int_equal(number_of("SELECT count(*) FROM outcomes"
                               " WHERE length(decision_id) > 64"),
                     1);
    buf_fini(&id);
    fixture_close(&fixture);
}

/* --- the spawn that a rating is of --- */

/* Log a spawn of acme's; its id. */
static void
log_spawn(struct node *node, char out[INPUT_UUID_TEXT + 1])
{
    struct ended ended;
    Ss__LogSpawnRequest spawn = SS__LOG_SPAWN_REQUEST__INIT;

    spawn.model = (char[]){"a/b"};
    spawn.has_category = true;
    call(node, LOG_SPAWN, &spawn, NULL, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    (void)snprintf(out, INPUT_UUID_TEXT + 1, "%s",
                   ((Ss__LogSpawnReply *)(void *)ended.reply)->data->spawn_id);
    ended_forget(&ended);
}

/* Rate it as acme; the answer's bytes. `key` is an idempotency key or NULL. */
static size_t
rate_spawn(struct node *node, char *spawn_id, const char *key,
           uint8_t bytes[256])
{
    struct ended ended;
    Ss__RecordOutcomeRequest outcome = outcome_of((char[]){"a/b"}, 5);
    size_t len = 0;

    outcome.spawn_id = spawn_id;
    call(node, RECORD_OUTCOME, &outcome, key, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    len = protobuf_c_message_pack(ended.reply, bytes);
    assert_true(len <= 256);
    ended_forget(&ended);
    return len;
}

#define LINKED                                                                 \
    "SELECT count(*) FROM outcomes o JOIN spawn_logs s USING (spawn_id)"

static void
a_spawn_of_ones_own_is_recorded_with_its_rating(void **state)
{
    struct fixture fixture;
    char id[INPUT_UUID_TEXT + 1];
    uint8_t bytes[256];

    (void)state;
    fixture_open(&fixture);
    log_spawn(&fixture.node, id);
    (void)rate_spawn(&fixture.node, id, NULL, bytes);
    (void)rate_spawn(&fixture.node, id, "key-1", bytes);
    for (char *at = id; *at; at++)
        *at = (char)toupper(*at);
    (void)rate_spawn(&fixture.node, id, NULL, bytes);
    assert_int_equal(number_of(LINKED), 3);
    /* Of another month; the id's first 48 bits are 2026-01-15. */
    sql("SELECT spawn_logs_make_months('2026-01-15', 1); INSERT INTO spawn_logs"
        " (spawn_id, tenant, model, category, given_at) VALUES"
        " ('019bbef3-b000-7000-8000-000000000001', 'acme', 'a/b', 'coding',"
        " '2026-01-15 00:00:02+00')");
    (void)rate_spawn(&fixture.node,
                     (char[]){"019bbef3-b000-7000-8000-000000000001"}, NULL,
                     bytes);
    assert_int_equal(number_of(LINKED), 4);
    assert_int_equal(
        rpc_stand_count(fixture.stand.metrics, "outcomes_unlinked_total"), 0);
    fixture_close(&fixture);
}

/* Both are rated without the spawn, so that nobody learns which ids exist. */
static void
anothers_spawn_and_one_that_is_none_are_answered_alike(void **state)
{
    struct fixture fixture;
    char own[INPUT_UUID_TEXT + 1], others[INPUT_UUID_TEXT + 1];
    char unknown[INPUT_UUID_TEXT + 1];
    const char *keys[] = {NULL, "key-1", "key-2"};
    uint8_t wanted[256], bytes[256];
    size_t len = 0;

    (void)state;
    fixture_open(&fixture);
    log_spawn(&fixture.node, others);
    (void)snprintf(unknown, sizeof(unknown), "%s", others);
    unknown[35] = unknown[35] == '0' ? '1' : '0';
    sql("UPDATE spawn_logs SET tenant = 'eve'");
    log_spawn(&fixture.node, own);
    len = rate_spawn(&fixture.node, own, NULL, wanted);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(rate_spawn(&fixture.node, others, keys[i], bytes),
                         len);
        assert_memory_equal(bytes, wanted, len);
        assert_int_equal(
            rate_spawn(&fixture.node, unknown, i ? keys[2] : NULL, bytes), len);
        assert_memory_equal(bytes, wanted, len);
    }
    assert_int_equal(number_of(LINKED), 1);
    assert_int_equal(number_of("SELECT count(*) FROM outcomes"
                               " WHERE tenant = 'acme' AND spawn_id IS NULL"),
                     4);
    assert_int_equal(
        rpc_stand_count(fixture.stand.metrics, "outcomes_unlinked_total"), 4);
    /* The first answer again, and nothing else. */
    assert_int_equal(rate_spawn(&fixture.node, others, keys[1], bytes), len);
    assert_memory_equal(bytes, wanted, len);
    assert_int_equal(number_of("SELECT count(*) FROM outcomes"), 5);
    fixture_close(&fixture);
}

/* --- failures --- */

static void
forged_and_borrowed_decision_ids_are_refused(void **state)
{
    static const char *const rules[] = {
        "decisionId must be one that a pick of this deployment gave",
        "decisionId must be one that a pick of this deployment gave",
        "decisionId belongs to another key's picks"};
    struct fixture fixture;
    struct ended ended;
    struct buf changed, borrowed;
    Ss__RecordOutcomeRequest outcome = outcome_of((char[]){"a/b"}, 5);
    Ss__LogSpawnRequest spawn = SS__LOG_SPAWN_REQUEST__INIT;
    char *ids[] = {(char[]){"4bf92f3577b34da6a3ce929d0e0e4736"},
                   decision_of((char[]){"acme"}, &changed),
                   decision_of((char[]){"eve"}, &borrowed)};

    (void)state;
    changed.data[3] = changed.data[3] == 'A' ? 'B' : 'A';
    fixture_open(&fixture);
    spawn.model = outcome.model;
    spawn.has_category = true;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        outcome.decision_id = spawn.decision_id = ids[i];
        call(&fixture.node, RECORD_OUTCOME, &outcome, NULL, &ended);
        assert_int_equal(ended.status, STATUS_INVALID_ARGUMENT);
        assert_string_equal(ended.message, rules[i]);
        call(&fixture.node, LOG_SPAWN, &spawn, NULL, &ended);
        assert_int_equal(ended.status, STATUS_INVALID_ARGUMENT);
        assert_string_equal(ended.message, rules[i]);
    }
    assert_int_equal(number_of("SELECT count(*) FROM outcomes"), 0);
    buf_fini(&changed);
    buf_fini(&borrowed);
    fixture_close(&fixture);
}

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
    node_open(&node, &stand, "feedbackd-1", bare, NODE_INTERVAL_MS);
    node_wait(&node, wants_migrate);
    assert_int_equal(migrate_run(&job, error), STATUS_OK);
    node_wait(&node, is_ready);
    node_close(&node);
    rpc_stand_close(&stand);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_repeated_key_records_once_and_another_body_conflicts),
        cmocka_unit_test(a_key_is_free_again_after_24_hours),
        cmocka_unit_test(one_key_through_two_feedbackd_records_once),
        cmocka_unit_test(the_101st_report_of_an_hour_is_refused),
        cmocka_unit_test(shorter_times_hold_by_configuration),
        cmocka_unit_test(a_decision_id_of_our_own_is_recorded_with_the_rating),
        cmocka_unit_test(a_spawn_of_ones_own_is_recorded_with_its_rating),
        cmocka_unit_test(
            anothers_spawn_and_one_that_is_none_are_answered_alike),
        cmocka_unit_test(forged_and_borrowed_decision_ids_are_refused),
        cmocka_unit_test(bad_input_is_refused_and_leaves_nothing),
        cmocka_unit_test(without_postgres_writes_are_refused_and_layers_stay),
        cmocka_unit_test(an_older_schema_is_refused_and_tried_again),
    };

    return cmocka_run_group_tests(tests, cluster_start, NULL);
}
