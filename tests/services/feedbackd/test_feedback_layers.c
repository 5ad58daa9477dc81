/* From a committed event to the layers others follow. */
#include "tests/services/feedbackd/feedback_node.h"

/* --- normal use --- */

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

/* --- the watermark --- */

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
    node_open(&second, &fixture.stand, "feedbackd-2", url, NODE_INTERVAL_MS);
    node_wait(&second, is_ready);
    assert_true(fixture.node.seen->community_count > 0);
    assert_true(fixture.node.seen->personal_count > 31);
    assert_true(layers_hash(second.seen) == layers_hash(fixture.node.seen));
    node_close(&second);
    fixture_close(&fixture);
}

/* By the notice alone: it would look by itself only every hour. */
static void
another_feedbackd_hears_of_a_rating(void **state)
{
    struct fixture fixture;
    struct node second;

    (void)state;
    fixture_open(&fixture);
    node_open(&second, &fixture.stand, "feedbackd-2", url, 3600000);
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
    };

    return cmocka_run_group_tests(tests, cluster_start, NULL);
}
