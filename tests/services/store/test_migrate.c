/* Migrations against a real PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/store/migrate.h"
#include "services/store/pg_session.h"
#include "tests/support/temp_postgres.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIGRATORS 4

static const struct migration two[] = {
    {1, "0001_one", "CREATE TABLE one (n integer)"},
    {2, "0002_two", "INSERT INTO one VALUES (2)"},
};

static char error[MIGRATE_ERROR_MAX];

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
database_make(const char *database, char url[TEMP_POSTGRES_URL_MAX])
{
    struct pg_session *session = session_open("postgres");
    char sql[128];

    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", database);
    assert_int_equal(pg_session_run(session, sql), STATUS_OK);
    pg_session_close(&session);
    temp_postgres_url(database, url);
}

static int64_t
number_of(const char *database, const char *sql)
{
    struct pg_session *session = session_open(database);
    const struct pg_result *rows = NULL;
    int64_t number = -1;

    if (pg_session_query(session, sql, NULL, 0, &rows) == STATUS_OK &&
        rows_count(rows) == 1)
        number = rows_i64(rows, 0, 0, -1);
    pg_session_close(&session);
    return number;
}

static void
count_applied(void *context, const struct migration *migration)
{
    unsigned *applied = context;

    assert_int_equal(migration->version, *applied + 1);
    (*applied)++;
}

static void
the_shipped_migrations_apply_once(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    unsigned applied = 0;
    struct migrate_job job = {
        .url = url, .applied = count_applied, .context = &applied};

    (void)state;
    database_make("shipped", url);
    if (migrate_run(&job, error) != STATUS_OK)
        fail_msg("%s", error);
    assert_int_equal(applied, migrate_newest());
    assert_int_equal(migrate_run(&job, error), STATUS_OK);
    assert_int_equal(applied, migrate_newest()); /* nothing more */
    assert_int_equal(number_of("shipped", "SELECT max(version) FROM"
                                          " schema_migrations"),
                     migrate_newest());
}

static void
logs_have_partitions_for_this_month_and_the_next(void **state)
{
    (void)state;
    assert_int_equal(number_of("shipped",
                               "SELECT count(*) FROM pg_inherits WHERE"
                               " inhparent = 'spawn_logs'::regclass"),
                     2);
    /* Three months ahead: one more is made; a second call finds all. */
    assert_int_equal(
        number_of("shipped", "SELECT spawn_logs_make_months(now(), 3)"), 1);
    assert_int_equal(
        number_of("shipped", "SELECT spawn_logs_make_months(now(), 3)"), 0);
    /* Months begin at midnight UTC, whatever the session's time zone. */
    assert_int_equal(
        number_of("shipped",
                  "WITH z AS (SELECT set_config('timezone',"
                  " 'Pacific/Auckland', false)) SELECT count(*) FROM z,"
                  " spawn_logs_make_months('2031-03-31 23:30+00', 1)"),
        1);
    assert_int_equal(
        number_of("shipped",
                  "SELECT count(*) FROM pg_class"
                  " WHERE oid = to_regclass('spawn_logs_2031_03')"
                  " AND pg_get_expr(relpartbound, oid) LIKE '%2031-03-01%'"),
        1);
}

static void
the_schema_refuses_rows_that_the_program_never_writes(void **state)
{
    static const char *const bad[] = {
        "INSERT INTO outcomes (tenant, model, category, rating)"
        " VALUES ('t', 'a/b', 'coding', 6)",
        "INSERT INTO outcomes (tenant, model, category, rating)"
        " VALUES ('t', 'a/b', 'coding', 0)",
        "INSERT INTO outcomes (tenant, model, category, rating)"
        " VALUES (repeat('t', 65), 'a/b', 'coding', 3)",
        "INSERT INTO community_reports (instance, model, category, rating)"
        " VALUES ('i', repeat('m', 129), 'coding', 3)",
    };
    struct pg_session *session = session_open("shipped");

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(pg_session_run(session, bad[i]),
                         STATUS_INVALID_ARGUMENT);
    pg_session_close(&session);
}

/* Each migrator is a process of its own, as two operators would be. */
static void
concurrent_migrators_apply_each_file_once(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    struct migrate_job job = {.url = url};
    pid_t children[MIGRATORS];

    (void)state;
    database_make("crowd", url);
    for (size_t i = 0; i < MIGRATORS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(migrate_run(&job, error) == STATUS_OK ? 0 : 1);
    }
    for (size_t i = 0; i < MIGRATORS; i++) {
        int ended = 1;

        assert_int_equal(waitpid(children[i], &ended, 0), children[i]);
        assert_int_equal(ended, 0);
    }
    assert_int_equal(
        number_of("crowd", "SELECT count(*) FROM schema_migrations"),
        migrate_newest());
}

static void
a_failing_migration_is_rolled_back_and_earlier_ones_stay(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    const struct migration broken[] = {
        two[0],
        {2, "0002_broken", "INSERT INTO one VALUES (1); SELECT nonsense"},
    };
    struct migrate_job job = {.url = url, .migrations = broken, .count = 2};

    (void)state;
    database_make("broken", url);
    assert_int_equal(migrate_run(&job, error), STATUS_FAILED_PRECONDITION);
    assert_non_null(strstr(error, "0002_broken"));
    assert_non_null(strstr(error, "nonsense"));
    assert_int_equal(number_of("broken", "SELECT count(*) FROM one"), 0);
    job.migrations = two; /* mended */
    assert_int_equal(migrate_run(&job, error), STATUS_OK);
    assert_int_equal(number_of("broken", "SELECT count(*) FROM one"), 1);
}

static void
a_changed_file_is_refused_by_name(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    const struct migration changed[] = {
        {1, "0001_one", "CREATE TABLE one (n bigint)"},
        two[1],
    };
    struct migrate_job job = {.url = url, .migrations = changed, .count = 2};

    (void)state;
    temp_postgres_url("broken", url);
    assert_int_equal(migrate_run(&job, error), STATUS_FAILED_PRECONDITION);
    assert_non_null(strstr(error, "0001_one"));
}

static void
a_newer_database_is_refused(void **state)
{
    char url[TEMP_POSTGRES_URL_MAX];
    struct migrate_job job = {.url = url, .migrations = two, .count = 1};

    (void)state;
    temp_postgres_url("broken", url);
    assert_int_equal(migrate_run(&job, error), STATUS_FAILED_PRECONDITION);
    assert_non_null(strstr(error, "newer"));
}

static void
no_server_is_unavailable_with_a_reason(void **state)
{
    struct migrate_job job = {.url = "host=/nonexistent dbname=x"};

    (void)state;
    assert_int_equal(migrate_run(&job, error), STATUS_UNAVAILABLE);
    assert_non_null(strstr(error, "/nonexistent"));
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
        cmocka_unit_test(the_shipped_migrations_apply_once),
        cmocka_unit_test(logs_have_partitions_for_this_month_and_the_next),
        cmocka_unit_test(the_schema_refuses_rows_that_the_program_never_writes),
        cmocka_unit_test(concurrent_migrators_apply_each_file_once),
        cmocka_unit_test(
            a_failing_migration_is_rolled_back_and_earlier_ones_stay),
        cmocka_unit_test(a_changed_file_is_refused_by_name),
        cmocka_unit_test(a_newer_database_is_refused),
        cmocka_unit_test(no_server_is_unavailable_with_a_reason),
    };

    return cmocka_run_group_tests(tests, cluster_start, NULL);
}
