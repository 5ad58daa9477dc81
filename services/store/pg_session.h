/* A synchronous session with PostgreSQL: for commands that may wait.
 *
 * `smart-spawn migrate` and tests use it; a daemon never does (its loop
 * would stand still). One statement after another, answers in memory. */
#ifndef SERVICES_STORE_PG_SESSION_H
#define SERVICES_STORE_PG_SESSION_H

#include "core/base/status.h"
#include "services/store/rows.h"

#include <stddef.h>

#define PG_SESSION_ERROR_MAX 512

struct pg_session;

/* Connect (at most 10 s an address). UNAVAILABLE, or FAILED_PRECONDITION
 * for a server older than 15; ret_error (PG_SESSION_ERROR_MAX bytes) says
 * why, without a password. The caller owns the session. */
enum status pg_session_open(const char *url, char *ret_error,
                            struct pg_session **ret_session) MUST_CHECK;
void pg_session_close(struct pg_session **session);
/* One or more statements without parameters, no answer kept. The status is
 * the SQLSTATE's; pg_session_error says more. */
enum status
pg_session_run(struct pg_session *session, const char *sql) MUST_CHECK;
/* One statement with text parameters (NULL is SQL's NULL); the rows live
 * until the next call on the session. */
enum status pg_session_query(struct pg_session *session, const char *sql,
                             const char *const *params, int param_count,
                             const struct pg_result **ret_rows) MUST_CHECK;
/* What went wrong last, one line; "" when nothing did. */
const char *pg_session_error(const struct pg_session *session);

#endif
