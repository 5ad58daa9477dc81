/* The asynchronous store against a real PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "services/store/migrate.h"
#include "services/store/pg_session.h"
#include "services/store/store.h"
#include "tests/support/temp_postgres.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 15000

enum { ADD, LIST, WAIT, BACKEND };

static const struct store_statement statements[] = {
    {"add", "INSERT INTO numbers (n) VALUES ($1::integer) RETURNING n", 1},
    {"list",
     "SELECT n, xmin::text FROM numbers WHERE n >= $1::integer"
     " ORDER BY n",
     1},
    {"wait", "SELECT pg_sleep($1::float)", 1},
    {"backend", "SELECT pg_backend_pid()", 0},
};

/* What a test's loop waits for. */
struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct store *store;
    struct loop_timer *patience;
    unsigned ups, downs, notices;
    unsigned pending; /* calls without an answer */
    bool impatient;
    char why[320];
    char payload[64];
};

/* One call's answer, copied. */
struct answer {
    struct fixture *fixture;
    unsigned calls; /* of the callback */
    enum status status;
    bool in_doubt;
    char message[160];
    size_t rows;
    int64_t first;
    char xmin[24];
};

static void
on_up(void *context)
{
    struct fixture *fixture = context;

    fixture->ups++;
    loop_stop(fixture->loop);
}

static void
on_down(void *context, const char *why)
{
    struct fixture *fixture = context;

    fixture->downs++;
    (void)snprintf(fixture->why, sizeof(fixture->why), "%s", why);
    loop_stop(fixture->loop);
}

static void
on_notice(void *context, struct slice payload)
{
    struct fixture *fixture = context;

    fixture->notices++;
    (void)snprintf(fixture->payload, sizeof(fixture->payload), "%.*s",
                   SLICE_ARG(payload));
    loop_stop(fixture->loop);
}

static void
on_impatient(void *context)
{
    struct fixture *fixture = context;

    fixture->impatient = true;
    loop_stop(fixture->loop);
}

static void
on_answer(void *context, const struct store_result *result)
{
    struct answer *answer = context;

    answer->calls++;
    answer->status = result->status;
    answer->in_doubt = result->in_doubt;
    (void)snprintf(answer->message, sizeof(answer->message), "%s",
                   result->message);
    if (result->rows) {
        answer->rows = rows_count(result->rows);
        if (answer->rows)
            answer->first = rows_i64(result->rows, 0, 0, -1);
    }
    if (--answer->fixture->pending == 0)
        loop_stop(answer->fixture->loop);
}

static void
run_once(struct fixture *fixture)
{
    loop_timer_start(fixture->patience, PATIENCE_MS);
    loop_run(fixture->loop);
    loop_timer_stop(fixture->patience);
    assert_false(fixture->impatient);
}

static void
run_until_answered(struct fixture *fixture)
{
    while (fixture->pending)
        run_once(fixture);
}

static void
run_until_up(struct fixture *fixture)
{
    while (!store_is_up(fixture->store))
        run_once(fixture);
}

static void
run_until_down(struct fixture *fixture, const char *why)
{
    while (!strstr(fixture->why, why))
        run_once(fixture);
}

static struct pg_session *
session_open(const char *database)
{
    char url[TEMP_POSTGRES_URL_MAX];
    char why[PG_SESSION_ERROR_MAX];
    struct pg_session *session = NULL;

    temp_postgres_url(database, url);
    assert_int_equal(pg_session_open(url, why, &session), STATUS_OK);
    return session;
}

static void
sql(const char *database, const char *text)
{
    struct pg_session *session = session_open(database);

    assert_int_equal(pg_session_run(session, text), STATUS_OK);
    pg_session_close(&session);
}

static int64_t
number_of(const char *database, const char *text)
{
    struct pg_session *session = session_open(database);
    const struct pg_result *rows = NULL;
    int64_t number = 0;

    assert_int_equal(pg_session_query(session, text, NULL, 0, &rows),
                     STATUS_OK);
    number = rows_i64(rows, 0, 0, -1);
    pg_session_close(&session);
    return number;
}

static struct store_options
options_of(struct fixture *fixture, const char *url)
{
    return (struct store_options){.name = "test/one",
                                  .url = url,
                                  .home = "/nonexistent",
                                  .statements = statements,
                                  .statement_count = ARRAY_LEN(statements),
                                  .channel = "news",
                                  .queue_max = 1000,
                                  .statement_timeout = 2000,
                                  .up = on_up,
                                  .down = on_down,
                                  .notified = on_notice,
                                  .context = fixture,
                                  .metrics = fixture->metrics};
}

static void
fixture_open(struct fixture *fixture, const char *url, unsigned schema)
{
    struct store_options options;

    *fixture = (struct fixture){.loop = loop_new(), .metrics = metrics_new()};
    assert_non_null(fixture->loop);
    options = options_of(fixture, url);
    options.schema = schema;
    assert_int_equal(loop_timer_new(fixture->loop, on_impatient, fixture,
                                    &fixture->patience),
                     STATUS_OK);
    assert_int_equal(store_new(fixture->loop, &options, &fixture->store),
                     STATUS_OK);
}

static void
fixture_close(struct fixture *fixture)
{
    store_free(&fixture->store);
    loop_timer_free(&fixture->patience);
    loop_free(&fixture->loop);
    metrics_free(&fixture->metrics);
}

static void
fixture_up(struct fixture *fixture)
{
    char url[TEMP_POSTGRES_URL_MAX];

    temp_postgres_url("store", url);
    sql("store", "TRUNCATE numbers");
    fixture_open(fixture, url, 0);
    run_until_up(fixture);
}

static enum status
call(struct fixture *fixture, bool write, unsigned statement,
     const char *parameter, struct answer *answer)
{
    const char *params[] = {parameter};
    enum status status = STATUS_OK;

    *answer = (struct answer){.fixture = fixture};
    status = (write ? store_write : store_read)(fixture->store, statement,
                                                params, on_answer, answer);
    if (status == STATUS_OK)
        fixture->pending++;
    return status;
}

/* --- normal use --- */

static void
an_acknowledged_write_is_committed(void **state)
{
    struct fixture fixture;
    struct answer answer;

    (void)state;
    fixture_up(&fixture);
    assert_int_equal(call(&fixture, true, ADD, "7", &answer), STATUS_OK);
    assert_int_equal(answer.calls, 0); /* never from inside the call */
    run_until_answered(&fixture);
    assert_int_equal(answer.status, STATUS_OK);
    assert_int_equal(answer.first, 7);
    assert_int_equal(number_of("store", "SELECT sum(n) FROM numbers"), 7);
    assert_int_equal(call(&fixture, false, LIST, "0", &answer), STATUS_OK);
    run_until_answered(&fixture);
    assert_int_equal(answer.rows, 1);
    fixture_close(&fixture);
}

static void
writes_of_one_pass_share_a_transaction(void **state)
{
    static struct answer answers[STORE_BATCH_MAX * 2];
    struct fixture fixture;
    char text[16];

    (void)state;
    fixture_up(&fixture);
    for (unsigned i = 0; i < ARRAY_LEN(answers); i++) {
        (void)snprintf(text, sizeof(text), "%u", i);
        assert_int_equal(call(&fixture, true, ADD, text, &answers[i]),
                         STATUS_OK);
    }
    run_until_answered(&fixture);
    for (unsigned i = 0; i < ARRAY_LEN(answers); i++) {
        assert_int_equal(answers[i].status, STATUS_OK);
        assert_int_equal(answers[i].first, i);
    }
    assert_int_equal(
        number_of("store", "SELECT count(DISTINCT xmin::text) FROM numbers"),
        2);
    fixture_close(&fixture);
}

static void
a_bad_row_hurts_no_other_write_of_its_batch(void **state)
{
    static const char *const values[] = {"1", "2", "2", "x", "-5", "6"};
    static const enum status wanted[] = {STATUS_OK,
                                         STATUS_OK,
                                         STATUS_ALREADY_EXISTS,
                                         STATUS_INVALID_ARGUMENT,
                                         STATUS_INVALID_ARGUMENT,
                                         STATUS_OK};
    struct answer answers[ARRAY_LEN(values)];
    struct fixture fixture;

    (void)state;
    fixture_up(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        assert_int_equal(call(&fixture, true, ADD, values[i], &answers[i]),
                         STATUS_OK);
    run_until_answered(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        assert_int_equal(answers[i].status, wanted[i]);
        assert_int_equal(answers[i].calls, 1);
        assert_false(answers[i].in_doubt);
    }
    assert_non_null(strstr(answers[4].message, "numbers_n_check"));
    assert_int_equal(number_of("store", "SELECT sum(n) FROM numbers"), 9);
    fixture_close(&fixture);
}

static void
notices_of_others_arrive_and_its_own_do_not(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_up(&fixture);
    sql("store", "NOTIFY news, 'reload'");
    while (!fixture.notices)
        run_once(&fixture);
    assert_string_equal(fixture.payload, "reload");
    fixture_close(&fixture);
}

static void
the_session_is_durable_and_in_utc(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    static const struct store_statement settings[] = {
        {"settings",
         "SELECT (current_setting('synchronous_commit') = 'on'"
         " AND current_setting('timezone') = 'UTC'"
         " AND current_setting('statement_timeout') = '2s')::integer",
         0}};
    struct fixture fixture;
    struct store_options options;
    struct answer answer;

    (void)state;
    sql("store", "ALTER DATABASE store SET synchronous_commit = off");
    temp_postgres_url("store", url);
    fixture_open(&fixture, url, 0);
    store_free(&fixture.store);
    options = options_of(&fixture, url);
    options.statements = settings;
    options.statement_count = 1;
    assert_int_equal(store_new(fixture.loop, &options, &fixture.store),
                     STATUS_OK);
    run_until_up(&fixture);
    assert_int_equal(call(&fixture, false, 0, NULL, &answer), STATUS_OK);
    run_until_answered(&fixture);
    assert_int_equal(answer.first, 1);
    fixture_close(&fixture);
    sql("store", "ALTER DATABASE store RESET synchronous_commit");
}

/* --- edges --- */

static void
a_full_queue_and_large_parameters_are_refused(void **state)
{
    static char large[STORE_PARAM_BYTES + 1];
    static struct answer answers[1001];
    struct fixture fixture;

    (void)state;
    fixture_up(&fixture);
    memset(large, '1', sizeof(large) - 1);
    assert_int_equal(call(&fixture, true, ADD, large, &answers[0]),
                     STATUS_RESOURCE_EXHAUSTED);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(call(&fixture, false, LIST, "0", &answers[i]),
                         STATUS_OK);
    assert_int_equal(call(&fixture, false, LIST, "0", &answers[1000]),
                     STATUS_RESOURCE_EXHAUSTED);
    run_until_answered(&fixture);
    assert_int_equal(answers[999].status, STATUS_OK);
    fixture_close(&fixture);
}

static void
a_slow_statement_is_ended_and_the_next_runs(void **state)
{
    struct fixture fixture;
    struct answer slow;
    struct answer next;

    (void)state;
    fixture_up(&fixture);
    assert_int_equal(call(&fixture, false, WAIT, "30", &slow), STATUS_OK);
    assert_int_equal(call(&fixture, false, LIST, "0", &next), STATUS_OK);
    run_until_answered(&fixture);
    assert_int_equal(slow.status, STATUS_DEADLINE_EXCEEDED);
    assert_int_equal(next.status, STATUS_OK);
    fixture_close(&fixture);
}

static void
closing_ends_calls_as_cancelled(void **state)
{
    struct fixture fixture;
    struct answer answer;

    (void)state;
    fixture_up(&fixture);
    assert_int_equal(call(&fixture, true, ADD, "1", &answer), STATUS_OK);
    fixture_close(&fixture);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.status, STATUS_CANCELLED);
}

/* --- failures --- */

static void
a_lost_backend_ends_calls_in_doubt_and_comes_back(void **state)
{
    struct fixture fixture;
    struct answer slow;
    struct answer write;
    struct answer backend;
    char text[96];

    (void)state;
    fixture_up(&fixture);
    assert_int_equal(call(&fixture, false, BACKEND, NULL, &backend), STATUS_OK);
    run_until_answered(&fixture);
    assert_int_equal(call(&fixture, true, WAIT, "1.5", &slow), STATUS_OK);
    assert_int_equal(call(&fixture, true, ADD, "3", &write), STATUS_OK);
    /* One pass of the loop sends them. */
    loop_timer_start(fixture.patience, 50);
    loop_run(fixture.loop);
    fixture.impatient = false;
    (void)snprintf(text, sizeof(text), "SELECT pg_terminate_backend(%lld)",
                   (long long)backend.first);
    sql("store", text);
    run_until_answered(&fixture);
    assert_int_equal(slow.status, STATUS_UNAVAILABLE);
    assert_int_equal(write.status, STATUS_UNAVAILABLE);
    assert_true(write.in_doubt);
    assert_int_equal(write.calls, 1);
    assert_int_equal(fixture.downs, 1);
    run_until_up(&fixture);
    assert_int_equal(fixture.ups, 2);
    assert_int_equal(number_of("store", "SELECT count(*) FROM numbers"), 0);
    assert_int_equal(call(&fixture, true, ADD, "4", &write), STATUS_OK);
    run_until_answered(&fixture);
    assert_int_equal(write.status, STATUS_OK);
    fixture_close(&fixture);
}

static void
a_crashed_server_refuses_at_once_and_is_found_again(void **state)
{
    struct fixture fixture;
    struct answer answer;

    (void)state;
    fixture_up(&fixture);
    temp_postgres_crash();
    while (store_is_up(fixture.store))
        run_once(&fixture);
    assert_int_equal(call(&fixture, true, ADD, "1", &answer),
                     STATUS_UNAVAILABLE);
    assert_int_equal(answer.calls, 0);
    assert_true(strlen(store_detail(fixture.store)) > 0);
    assert_true(temp_postgres_restart());
    run_until_up(&fixture);
    assert_int_equal(call(&fixture, true, ADD, "1", &answer), STATUS_OK);
    run_until_answered(&fixture);
    assert_int_equal(answer.status, STATUS_OK);
    fixture_close(&fixture);
}

static void
a_silent_server_counts_as_gone(void **state)
{
    struct fixture fixture;
    struct answer answer;

    (void)state;
    fixture_up(&fixture);
    assert_int_equal(call(&fixture, false, BACKEND, NULL, &answer), STATUS_OK);
    run_until_answered(&fixture);
    assert_int_equal(kill((pid_t)answer.first, SIGSTOP), 0);
    {
        pid_t stopped = (pid_t)answer.first;

        assert_int_equal(call(&fixture, true, ADD, "1", &answer), STATUS_OK);
        run_until_answered(&fixture);
        assert_int_equal(kill(stopped, SIGCONT), 0);
    }
    assert_int_equal(answer.status, STATUS_UNAVAILABLE);
    assert_true(answer.in_doubt);
    assert_non_null(strstr(fixture.why, "does not answer"));
    fixture_close(&fixture);
}

static void
a_database_without_schema_is_refused_until_it_has_one(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    char error[MIGRATE_ERROR_MAX];
    struct migrate_job job = {.url = url};
    struct fixture fixture;

    (void)state;
    temp_postgres_url("bare", url);
    fixture_open(&fixture, url, migrate_newest());
    run_until_down(&fixture, "run smart-spawn migrate");
    sql("bare", "CREATE TABLE numbers (n integer)");
    assert_int_equal(migrate_run(&job, error), STATUS_OK);
    run_until_up(&fixture);
    store_free(&fixture.store);
    fixture_close(&fixture);
}

static void
a_newer_schema_is_refused(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    struct fixture fixture;

    (void)state;
    sql("bare", "INSERT INTO schema_migrations (version, name, hash)"
                " VALUES (9000, 'later', '')");
    temp_postgres_url("bare", url);
    fixture_open(&fixture, url, migrate_newest());
    run_until_down(&fixture, "newer than this program");
    fixture_close(&fixture);
}

static void
bad_connection_strings_and_missing_files_are_told(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture, "host=/tmp nonsense", 0);
    run_until_down(&fixture, "nonsense");
    fixture_close(&fixture);
    fixture_open(&fixture, "", 0);
    run_until_down(&fixture, "smart-spawn up");
    fixture_close(&fixture);
    fixture_open(&fixture, "host=/nonexistent dbname=x", 0);
    run_until_down(&fixture, "/nonexistent");
    fixture_close(&fixture);
}

static int
cluster_start(void **state)
{
    (void)state;
    if (!temp_postgres_start())
        return 1;
    sql("postgres", "CREATE DATABASE store");
    sql("postgres", "CREATE DATABASE bare");
    sql("store", "CREATE TABLE numbers"
                 " (n integer PRIMARY KEY CHECK (n >= 0))");
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acknowledged_write_is_committed),
        cmocka_unit_test(writes_of_one_pass_share_a_transaction),
        cmocka_unit_test(a_bad_row_hurts_no_other_write_of_its_batch),
        cmocka_unit_test(notices_of_others_arrive_and_its_own_do_not),
        cmocka_unit_test(the_session_is_durable_and_in_utc),
        cmocka_unit_test(a_full_queue_and_large_parameters_are_refused),
        cmocka_unit_test(a_slow_statement_is_ended_and_the_next_runs),
        cmocka_unit_test(closing_ends_calls_as_cancelled),
        cmocka_unit_test(a_lost_backend_ends_calls_in_doubt_and_comes_back),
        cmocka_unit_test(a_crashed_server_refuses_at_once_and_is_found_again),
        cmocka_unit_test(a_silent_server_counts_as_gone),
        cmocka_unit_test(a_database_without_schema_is_refused_until_it_has_one),
        cmocka_unit_test(a_newer_schema_is_refused),
        cmocka_unit_test(bad_connection_strings_and_missing_files_are_told),
    };

    return cmocka_run_group_tests(tests, cluster_start, NULL);
}
