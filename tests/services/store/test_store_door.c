/* A server that is told to end while stores are connected to it: they leave,
 * and find its successor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "services/store/pg_session.h"
#include "services/store/store.h"
#include "tests/support/temp_postgres.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 15000

enum { SLEEP };

static const struct store_statement statements[] = {
    {"sleep", "SELECT pg_sleep($1::float)", 1},
};

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct store *store;
    struct loop_timer *nap;
    unsigned ups, downs, answers;
    enum status answer;
    char why[320]; /* of the first down */
};

static void
on_up(void *context)
{
    struct fixture *fixture = context;

    fixture->ups++;
}

static void
on_down(void *context, const char *why)
{
    struct fixture *fixture = context;

    if (fixture->downs++ == 0)
        (void)snprintf(fixture->why, sizeof(fixture->why), "%s", why);
}

static void
on_answer(void *context, const struct store_result *result)
{
    struct fixture *fixture = context;

    fixture->answers++;
    fixture->answer = result->status;
}

static void
on_nap(void *context)
{
    struct fixture *fixture = context;

    loop_stop(fixture->loop);
}

static void
run_for(struct fixture *fixture, ms_dur time)
{
    loop_timer_start(fixture->nap, time);
    loop_run(fixture->loop);
}

static void
fixture_open(struct fixture *fixture, const char *url)
{
    struct store_options options = {.name = "test/door",
                                    .url = url,
                                    .home = "/nonexistent",
                                    .statements = statements,
                                    .statement_count = ARRAY_LEN(statements),
                                    .queue_max = 10,
                                    .statement_timeout = 5000,
                                    .ping_every = 20,
                                    .up = on_up,
                                    .down = on_down,
                                    .context = fixture};

    *fixture = (struct fixture){.loop = loop_new(), .metrics = metrics_new()};
    options.metrics = fixture->metrics;
    assert_int_equal(
        loop_timer_new(fixture->loop, on_nap, fixture, &fixture->nap),
        STATUS_OK);
    assert_int_equal(store_new(fixture->loop, &options, &fixture->store),
                     STATUS_OK);
    for (int i = 0; i < PATIENCE_MS / 10 && fixture->ups == 0; i++)
        run_for(fixture, 10);
    assert_true(store_is_up(fixture->store));
}

static void
fixture_close(struct fixture *fixture)
{
    store_free(&fixture->store);
    loop_timer_free(&fixture->nap);
    loop_free(&fixture->loop);
    metrics_free(&fixture->metrics);
}

/* Until the server has ended; false when it does not. */
static bool
run_until_ended(struct fixture *fixture)
{
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        if (temp_postgres_has_ended())
            return true;
        run_for(fixture, 10);
    }
    return false;
}

static void
sql(const char *text)
{
    char url[TEMP_POSTGRES_URL_MAX], why[PG_SESSION_ERROR_MAX];
    struct pg_session *session = NULL;

    temp_postgres_url("postgres", url);
    assert_int_equal(pg_session_open(url, why, &session), STATUS_OK);
    assert_int_equal(pg_session_run(session, text), STATUS_OK);
    pg_session_close(&session);
}

static void
an_idle_store_lets_a_server_end_and_finds_its_successor(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    struct fixture fixture;

    (void)state;
    temp_postgres_url("postgres", url);
    fixture_open(&fixture, url);
    temp_postgres_retire();
    assert_true(run_until_ended(&fixture));
    assert_false(store_is_up(fixture.store));
    assert_string_equal(fixture.why, "the server is shutting down");
    assert_true(temp_postgres_restart());
    for (int i = 0; i < PATIENCE_MS / 10 && fixture.ups == 1; i++)
        run_for(&fixture, 10);
    assert_int_equal(fixture.ups, 2);
    fixture_close(&fixture);
}

static void
what_was_accepted_is_finished_first_and_nothing_more_is_taken(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    struct fixture fixture;
    const char *seconds[] = {"2.5"};

    (void)state;
    temp_postgres_url("postgres", url);
    fixture_open(&fixture, url);
    assert_int_equal(
        store_write(fixture.store, SLEEP, seconds, on_answer, &fixture),
        STATUS_OK);
    run_for(&fixture, 100);
    temp_postgres_retire();
    for (int i = 0; i < PATIENCE_MS / 10 && store_is_up(fixture.store); i++)
        run_for(&fixture, 10);
    assert_int_equal(fixture.answers, 0);
    assert_string_equal(store_detail(fixture.store),
                        "the server is shutting down");
    assert_int_equal(
        store_write(fixture.store, SLEEP, seconds, on_answer, &fixture),
        STATUS_UNAVAILABLE);
    assert_true(run_until_ended(&fixture));
    assert_int_equal(fixture.answers, 1);
    assert_int_equal(fixture.answer, STATUS_OK);
    assert_true(temp_postgres_restart());
    fixture_close(&fixture);
}

static void
another_refusal_is_no_reason_to_leave(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX], lonely[TEMP_POSTGRES_URL_MAX + 32];
    struct fixture fixture;

    (void)state;
    sql("CREATE ROLE lonely LOGIN CONNECTION LIMIT 1");
    temp_postgres_url("postgres", url);
    /* The last of two users counts. */
    (void)snprintf(lonely, sizeof(lonely), "%s user=lonely", url);
    fixture_open(&fixture, lonely);
    run_for(&fixture, 2500);
    assert_true(store_is_up(fixture.store));
    assert_int_equal(fixture.downs, 0);
    fixture_close(&fixture);
}

static void
a_store_that_is_closed_while_it_knocks_leaves_nothing(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];

    (void)state;
    temp_postgres_url("postgres", url);
    for (ms_dur wait = 0; wait < 10; wait++) {
        struct fixture fixture;

        fixture_open(&fixture, url);
        run_for(&fixture, 15 + wait);
        fixture_close(&fixture);
    }
}

static int
cluster_start(void **state)
{
    (void)state;
    return temp_postgres_start() ? 0 : 1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            an_idle_store_lets_a_server_end_and_finds_its_successor),
        cmocka_unit_test(
            what_was_accepted_is_finished_first_and_nothing_more_is_taken),
        cmocka_unit_test(another_refusal_is_no_reason_to_leave),
        cmocka_unit_test(a_store_that_is_closed_while_it_knocks_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, cluster_start, NULL);
}
