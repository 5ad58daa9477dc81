/* How often a store pings its connection, and tries to connect. */
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
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct store *store;
    struct loop_timer *nap;
};

static void
on_up(void *context)
{
    struct fixture *fixture = context;

    loop_stop(fixture->loop);
}

static void
on_nap(void *context)
{
    struct fixture *fixture = context;

    loop_stop(fixture->loop);
}

static void
fixture_open(struct fixture *fixture, const char *url, ms_dur ping_every,
             ms_dur backoff_max)
{
    struct store_options options = {.name = "test/timing",
                                    .url = url,
                                    .home = "/nonexistent",
                                    .queue_max = 10,
                                    .statement_timeout = 2000,
                                    .ping_every = ping_every,
                                    .backoff_max = backoff_max,
                                    .up = on_up,
                                    .context = fixture};

    *fixture = (struct fixture){.loop = loop_new(), .metrics = metrics_new()};
    options.metrics = fixture->metrics;
    assert_int_equal(
        loop_timer_new(fixture->loop, on_nap, fixture, &fixture->nap),
        STATUS_OK);
    assert_int_equal(store_new(fixture->loop, &options, &fixture->store),
                     STATUS_OK);
}

static void
fixture_close(struct fixture *fixture)
{
    store_free(&fixture->store);
    loop_timer_free(&fixture->nap);
    loop_free(&fixture->loop);
    metrics_free(&fixture->metrics);
}

static void
run_for(struct fixture *fixture, ms_dur time)
{
    ms_time until = loop_now(fixture->loop) + time;

    for (ms_dur left; (left = until - loop_now(fixture->loop)) > 0;) {
        loop_timer_start(fixture->nap, left);
        loop_run(fixture->loop);
    }
}

static bool
was_asked_lately(void)
{
    char url[TEMP_POSTGRES_URL_MAX], why[PG_SESSION_ERROR_MAX];
    struct pg_session *session = NULL;
    const struct pg_result *rows = NULL;

    temp_postgres_url("postgres", url);
    assert_int_equal(pg_session_open(url, why, &session), STATUS_OK);
    assert_int_equal(
        pg_session_query(session,
                         "SELECT count(*) FROM pg_stat_activity WHERE "
                         "application_name = 'test/timing' AND "
                         "clock_timestamp() - query_start < '900 ms'",
                         NULL, 0, &rows),
        STATUS_OK);
    bool lately = rows_i64(rows, 0, 0, 0) == 1;
    pg_session_close(&session);
    return lately;
}

static void
an_idle_connection_is_pinged_as_often_as_asked(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    struct fixture fixture;

    (void)state;
    temp_postgres_url("postgres", url);
    fixture_open(&fixture, url, 20, 0);
    for (int i = 0; i < 100 && !store_is_up(fixture.store); i++)
        run_for(&fixture, 100);
    assert_true(store_is_up(fixture.store));
    run_for(&fixture, 1500);
    assert_true(was_asked_lately());
    fixture_close(&fixture);
}

static void
attempts_to_connect_come_as_often_as_asked(void **state)
{
    /* A server that takes connections and ends them at once. */
    char folder[] = "/tmp/ss-store-XXXXXX", url[64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct fixture fixture;
    unsigned attempts = 0;
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(address.sun_path, sizeof(address.sun_path),
                   "%s/.s.PGSQL.5432", folder);
    assert_int_equal(
        bind(server, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server, 10), 0);
    (void)snprintf(url, sizeof(url), "host=%s dbname=x user=x", folder);
    fixture_open(&fixture, url, 0, 20);
    for (int i = 0; i < 100; i++) {
        run_for(&fixture, 10);
        for (int fd; (fd = accept(server, NULL, NULL)) >= 0; attempts++)
            (void)close(fd);
    }
    /* Doubling from 100 ms to the default maximum there are four or five. */
    assert_true(attempts > 10);
    fixture_close(&fixture);
    (void)close(server);
    (void)unlink(address.sun_path);
    assert_int_equal(rmdir(folder), 0);
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
        cmocka_unit_test(an_idle_connection_is_pinged_as_often_as_asked),
        cmocka_unit_test(attempts_to_connect_come_as_often_as_asked),
    };

    return cmocka_run_group_tests(tests, cluster_start, NULL);
}
