/* Sending units and matching results to calls, in order.
 *
 * libpq answers each statement with a result and then NULL, each Sync with
 * PGRES_PIPELINE_SYNC alone; after an error the rest of the unit answers
 * PGRES_PIPELINE_ABORTED. Two NULLs in a row while something is on its way
 * would mean that libpq and this file disagree: the connection is given up
 * rather than guessed at. */
#include "services/store/store_pipe.h"

#include "core/base/check.h"
#include "services/store/sqlstate.h"

#include <stdlib.h>

struct store_unit {
    struct store_unit *next;
    struct store_queue ops;
    struct store_op *cursor; /* whose result comes next; NULL: the Sync */
    ms_time sent;
    bool write;
    bool failed;
};

void
store_pipe_init(struct store_pipe *pipe, struct pg_link *link,
                uint64_t *retried)
{
    *pipe = (struct store_pipe){.link = link, .last = &pipe->first};
    pipe->retried = retried;
}

static bool
store_pipe_send_op(PGconn *conn, const struct store_op *op)
{
    const struct store_statement *statement = op->statement;
    int params = (int)statement->params;

    switch (op->kind) {
    case STORE_OP_PREPARED:
        return PQsendQueryPrepared(conn, statement->name, params, op->params,
                                   NULL, NULL, 0) == 1;
    case STORE_OP_PREPARE:
        return PQsendPrepare(conn, statement->name, statement->sql, params,
                             NULL) == 1;
    case STORE_OP_PLAIN:
        return PQsendQueryParams(conn, statement->sql, params, NULL, op->params,
                                 NULL, NULL, 0) == 1;
    }
    return false;
}

static void
store_pipe_append(struct store_pipe *pipe, struct store_unit *unit)
{
    *pipe->last = unit;
    pipe->last = &unit->next;
    if (unit->write)
        pipe->batches++;
    else
        pipe->reads++;
}

bool
store_pipe_send(struct store_pipe *pipe, struct store_queue *queue, size_t most,
                ms_time now)
{
    PGconn *conn = pg_link_conn(pipe->link);
    struct store_unit *unit = calloc(1, sizeof(*unit));

    CHECK(queue->first != NULL);
    if (!unit)
        return false;
    store_op_queue_init(&unit->ops);
    while (unit->ops.count < most && queue->first)
        store_op_push(&unit->ops, store_op_pop(queue));
    unit->cursor = unit->ops.first;
    unit->write = unit->ops.first->write;
    unit->sent = now;
    store_pipe_append(pipe, unit);
    for (struct store_op *op = unit->ops.first; op; op = op->next) {
        if (!store_pipe_send_op(conn, op))
            return false;
    }
    return PQpipelineSync(conn) == 1;
}

static void
store_pipe_finish_failed(struct store_op *op)
{
    char line[PG_LINK_ERROR_MAX] = "the statement was not run";
    struct store_result result = {.status = STATUS_INTERNAL, .message = line};

    if (op->result) {
        result.status = sqlstate_status(
            slice_of(PQresultErrorField(op->result, PG_DIAG_SQLSTATE)));
        pg_link_first_line(PQresultErrorMessage(op->result), line,
                           sizeof(line));
    }
    store_op_finish(op, &result);
}

/* The Sync of the first unit came back: its calls end, or go again alone. */
static bool
store_pipe_end_unit(struct store_pipe *pipe, ms_time now)
{
    struct store_unit *unit = pipe->first;
    bool again = unit->failed && unit->ops.count > 1;
    bool fine = true;

    pipe->first = unit->next;
    unit->next = NULL;
    if (!pipe->first)
        pipe->last = &pipe->first;
    if (unit->write)
        pipe->batches--;
    else
        pipe->reads--;
    while (again && fine && unit->ops.first) {
        PQclear(unit->ops.first->result);
        unit->ops.first->result = NULL;
        (*pipe->retried)++;
        fine = store_pipe_send(pipe, &unit->ops, 1, now);
    }
    if (!fine && unit->ops.first) {
        /* Rolled back and not sent again: they wait in the pipe to be
         * abandoned with the connection. */
        store_pipe_append(pipe, unit);
        return false;
    }
    for (struct store_op *op; (op = store_op_pop(&unit->ops));) {
        if (unit->failed)
            store_pipe_finish_failed(op);
        else
            store_op_finish(
                op, &(struct store_result){.message = "", .rows = op->result});
    }
    free(unit);
    return fine;
}

static bool
store_pipe_result(struct store_pipe *pipe, PGresult *result, ms_time now)
{
    struct store_unit *unit = pipe->first;
    ExecStatusType kind = PQresultStatus(result);

    if (kind == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        return !unit->cursor && store_pipe_end_unit(pipe, now);
    }
    if (kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK)
        unit->failed = true;
    if (!unit->cursor) {
        /* An error with no statement left is the commit's own. */
        PQclear(result);
        return unit->failed;
    }
    if (kind == PGRES_PIPELINE_ABORTED) {
        PQclear(result);
    } else {
        PQclear(unit->cursor->result);
        unit->cursor->result = result;
    }
    unit->cursor = unit->cursor->next;
    return true;
}

bool
store_pipe_take(struct store_pipe *pipe, ms_time now)
{
    PGconn *conn = pg_link_conn(pipe->link);
    unsigned nulls = 0;

    while (pipe->first && !PQisBusy(conn)) {
        PGresult *result = PQgetResult(conn);

        if (PQstatus(conn) == CONNECTION_BAD) {
            PQclear(result);
            return false;
        }
        nulls = result ? 0 : nulls + 1;
        if (nulls > 1)
            return false;
        if (result && !store_pipe_result(pipe, result, now))
            return false;
    }
    return true;
}

bool
store_pipe_oldest(const struct store_pipe *pipe, ms_time *ret_sent)
{
    if (!pipe->first)
        return false;
    *ret_sent = pipe->first->sent;
    return true;
}

void
store_pipe_abandon(struct store_pipe *pipe, struct store_queue *queue)
{
    while (pipe->first) {
        struct store_unit *unit = pipe->first;

        pipe->first = unit->next;
        for (struct store_op *op; (op = store_op_pop(&unit->ops));)
            store_op_push(queue, op);
        free(unit);
    }
    pipe->last = &pipe->first;
    pipe->reads = 0;
    pipe->batches = 0;
}
