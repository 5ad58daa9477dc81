/* A synchronous libpq session with statuses; see the header. */
#include "services/store/pg_session.h"

#include "core/base/check.h"
#include "services/store/pg_link.h"
#include "services/store/sqlstate.h"

#include <libpq-fe.h>
#include <stdlib.h>

#define PG_SESSION_MAGIC 0x50534553u

struct pg_session {
    unsigned magic;
    PGconn *conn;
    PGresult *last;
    char error[PG_SESSION_ERROR_MAX];
};

static void
pg_session_discard_notice(void *context, const PGresult *notice)
{
    (void)context;
    (void)notice;
}

static enum status
pg_session_refuse(struct pg_session *session, char *ret_error)
{
    enum status status = STATUS_UNAVAILABLE;

    if (PQstatus(session->conn) != CONNECTION_OK)
        pg_link_first_line(PQerrorMessage(session->conn), ret_error,
                           PG_SESSION_ERROR_MAX);
    else
        status = pg_link_check_server(session->conn, ret_error,
                                      PG_SESSION_ERROR_MAX);
    if (status != STATUS_OK)
        pg_session_close(&session);
    return status;
}

enum status
pg_session_open(const char *url, char *ret_error,
                struct pg_session **ret_session)
{
    static const char *const keywords[] = {"connect_timeout", "dbname",
                                           "fallback_application_name", NULL};
    const char *values[] = {"10", url, "smart-spawn", NULL};
    struct pg_session *session = calloc(1, sizeof(*session));
    enum status status = STATUS_OK;

    ret_error[0] = '\0';
    if (!session)
        return STATUS_RESOURCE_EXHAUSTED;
    session->magic = PG_SESSION_MAGIC;
    session->conn = PQconnectdbParams(keywords, values, 1);
    status = pg_session_refuse(session, ret_error);
    if (status != STATUS_OK)
        return status;
    (void)PQsetNoticeReceiver(session->conn, pg_session_discard_notice, NULL);
    *ret_session = session;
    return STATUS_OK;
}

void
pg_session_close(struct pg_session **session)
{
    if (!*session)
        return;
    CHECK_OBJ(*session, PG_SESSION_MAGIC);
    PQclear((*session)->last);
    PQfinish((*session)->conn);
    free(*session);
    *session = NULL;
}

/* Keep the answer and say how it ended. */
static enum status
pg_session_take(struct pg_session *session, PGresult *result)
{
    ExecStatusType kind = PQresultStatus(result);

    PQclear(session->last);
    session->last = result;
    session->error[0] = '\0';
    if (kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK ||
        kind == PGRES_EMPTY_QUERY)
        return STATUS_OK;
    pg_link_first_line(result ? PQresultErrorMessage(result)
                              : PQerrorMessage(session->conn),
                       session->error, sizeof(session->error));
    return sqlstate_status(
        slice_of(PQresultErrorField(result, PG_DIAG_SQLSTATE)));
}

enum status
pg_session_run(struct pg_session *session, const char *sql)
{
    CHECK_OBJ(session, PG_SESSION_MAGIC);
    return pg_session_take(session, PQexec(session->conn, sql));
}

enum status
pg_session_query(struct pg_session *session, const char *sql,
                 const char *const *params, int param_count,
                 const struct pg_result **ret_rows)
{
    enum status status = STATUS_OK;

    CHECK_OBJ(session, PG_SESSION_MAGIC);
    status =
        pg_session_take(session, PQexecParams(session->conn, sql, param_count,
                                              NULL, params, NULL, NULL, 0));
    if (status == STATUS_OK && ret_rows)
        *ret_rows = session->last;
    return status;
}

const char *
pg_session_error(const struct pg_session *session)
{
    CHECK_OBJ(session, PG_SESSION_MAGIC);
    return session->error;
}
