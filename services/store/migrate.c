/* Numbered SQL files, applied once, in order, by one migrator at a time. */
#include "services/store/migrate.h"

#include "core/base/check.h"
#include "core/base/hash.h"
#include "services/store/pg_session.h"

#include <stdio.h>

/* Any constant that no one else locks: "smartsp" as a number. */
#define MIGRATE_LOCK "32481125762494320"

unsigned
migrate_newest(void)
{
    size_t count = 0;
    const struct migration *all = migrate_list(&count);

    return count ? all[count - 1].version : 0;
}

static void
migrate_hash(const struct migration *migration, char out[17])
{
    (void)snprintf(out, 17, "%016llx",
                   (unsigned long long)hash_slice(slice_of(migration->sql)));
}

static enum status
migrate_failed(struct pg_session *session, enum status status,
               const char *doing, char *ret_error)
{
    (void)snprintf(ret_error, MIGRATE_ERROR_MAX, "%s: %s", doing,
                   pg_session_error(session));
    return status;
}

/* The lock belongs to the session. A pooler that lends sessions by the
 * transaction would leave it with somebody else: then it is not ours here. */
static enum status
migrate_lock(struct pg_session *session, char *ret_error)
{
    const struct pg_result *rows = NULL;
    char wait[64];
    enum status status = STATUS_OK;

    (void)snprintf(wait, sizeof(wait), "SET lock_timeout = '%ds'",
                   MIGRATE_WAIT_S);
    status = pg_session_run(session, wait);
    if (status == STATUS_OK)
        status = pg_session_run(session,
                                "SELECT pg_advisory_lock(" MIGRATE_LOCK ")");
    if (status != STATUS_OK)
        return migrate_failed(session, status, "waiting for another migration",
                              ret_error);
    status = pg_session_query(
        session,
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND pid = pg_backend_pid()"
        " AND (classid::bigint << 32) + objid::bigint = " MIGRATE_LOCK,
        NULL, 0, &rows);
    if (status != STATUS_OK)
        return migrate_failed(session, status, "looking for the lock",
                              ret_error);
    if (rows_count(rows) == 1)
        return STATUS_OK;
    (void)snprintf(ret_error, MIGRATE_ERROR_MAX,
                   "a pooler changes sessions between transactions: connect "
                   "directly or with session pooling");
    return STATUS_FAILED_PRECONDITION;
}

static enum status
migrate_make_table(struct pg_session *session, char *ret_error)
{
    enum status status = pg_session_run(
        session, "CREATE TABLE IF NOT EXISTS schema_migrations ("
                 " version integer PRIMARY KEY,"
                 " name text NOT NULL,"
                 " hash text NOT NULL,"
                 " applied_at timestamptz NOT NULL DEFAULT now())");

    if (status != STATUS_OK)
        return migrate_failed(session, status, "making schema_migrations",
                              ret_error);
    return STATUS_OK;
}

/* One applied row against the program's list. */
static enum status
migrate_check_row(const struct migrate_job *job, const struct pg_result *rows,
                  size_t row, char *ret_error)
{
    int64_t version = rows_i64(rows, row, 0, -1);
    char hash[17];

    if (row >= job->count) {
        (void)snprintf(ret_error, MIGRATE_ERROR_MAX,
                       "the database is at version %lld, newer than this "
                       "program's %zu: use a newer smart-spawn",
                       (long long)version, job->count);
        return STATUS_FAILED_PRECONDITION;
    }
    if (version != (int64_t)job->migrations[row].version) {
        (void)snprintf(ret_error, MIGRATE_ERROR_MAX,
                       "version %u was never applied but %lld was: "
                       "schema_migrations is damaged",
                       job->migrations[row].version, (long long)version);
        return STATUS_FAILED_PRECONDITION;
    }
    migrate_hash(&job->migrations[row], hash);
    if (slice_eq(rows_text(rows, row, 1), slice_of(hash)))
        return STATUS_OK;
    (void)snprintf(ret_error, MIGRATE_ERROR_MAX,
                   "%s was applied with another text: put the file back and "
                   "write a new migration for the change",
                   job->migrations[row].name);
    return STATUS_FAILED_PRECONDITION;
}

/* How many of the list are applied already. */
static enum status
migrate_check(struct pg_session *session, const struct migrate_job *job,
              char *ret_error, size_t *ret_applied)
{
    const struct pg_result *rows = NULL;
    enum status status = pg_session_query(
        session, "SELECT version, hash FROM schema_migrations ORDER BY version",
        NULL, 0, &rows);

    if (status != STATUS_OK)
        return migrate_failed(session, status, "reading schema_migrations",
                              ret_error);
    for (size_t i = 0; i < rows_count(rows); i++) {
        status = migrate_check_row(job, rows, i, ret_error);
        if (status != STATUS_OK)
            return status;
    }
    *ret_applied = rows_count(rows);
    return STATUS_OK;
}

static enum status
migrate_record(struct pg_session *session, const struct migration *migration)
{
    char version[16];
    char hash[17];
    const char *params[] = {version, migration->name, hash};

    (void)snprintf(version, sizeof(version), "%u", migration->version);
    migrate_hash(migration, hash);
    return pg_session_query(session,
                            "INSERT INTO schema_migrations"
                            " (version, name, hash) VALUES ($1, $2, $3)",
                            params, 3, NULL);
}

static enum status
migrate_apply(struct pg_session *session, const struct migration *migration,
              char *ret_error)
{
    enum status status = pg_session_run(session, "BEGIN");

    if (status == STATUS_OK)
        status = pg_session_run(session, migration->sql);
    if (status == STATUS_OK)
        status = migrate_record(session, migration);
    if (status == STATUS_OK)
        status = pg_session_run(session, "COMMIT");
    if (status != STATUS_OK) {
        status = migrate_failed(session, status, migration->name, ret_error);
        /* Closing the session would do the same. */
        if (pg_session_run(session, "ROLLBACK") != STATUS_OK)
            return status;
    }
    return status;
}

static enum status
migrate_all(struct pg_session *session, const struct migrate_job *job,
            char *ret_error)
{
    size_t applied = 0;
    enum status status = migrate_lock(session, ret_error);

    if (status == STATUS_OK)
        status = migrate_make_table(session, ret_error);
    if (status == STATUS_OK)
        status = migrate_check(session, job, ret_error, &applied);
    for (size_t i = applied; i < job->count && status == STATUS_OK; i++) {
        CHECK(job->migrations[i].version == i + 1);
        status = migrate_apply(session, &job->migrations[i], ret_error);
        if (status == STATUS_OK && job->applied)
            job->applied(job->context, &job->migrations[i]);
    }
    return status;
}

enum status
migrate_run(const struct migrate_job *job, char *ret_error)
{
    struct migrate_job whole = *job;
    struct pg_session *session = NULL;
    enum status status = STATUS_OK;

    if (!whole.migrations)
        whole.migrations = migrate_list(&whole.count);
    ret_error[0] = '\0';
    status = pg_session_open(job->url, ret_error, &session);
    if (status != STATUS_OK)
        return status;
    status = migrate_all(session, &whole, ret_error);
    pg_session_close(&session); /* lets the lock go */
    return status;
}
