/* Setting up a session, and noticing that it is another one; see the
 * header. Failures are noted in store->failure: store.c drops the connection
 * when the callbacks have returned. */
#include "services/store/store_session.h"

#include <stdio.h>

/* From inside a call's callback: the connection goes when it returned. */
static void
store_session_fail(struct store *store, const char *why)
{
    if (!store->failure[0])
        (void)snprintf(store->failure, sizeof(store->failure), "%s", why);
}

static bool
store_session_queue(struct store *store, enum store_op_kind kind,
                    const struct store_statement *statement,
                    const char *const *params, store_done_fn done)
{
    struct store_op *op = store_op_new(statement, params, STORE_PARAM_BYTES);

    if (!op)
        return false;
    op->kind = kind;
    op->done = done;
    op->context = store;
    store_op_push(&store->reads, op);
    return true;
}

static void
store_session_step_failed(struct store *store,
                          const struct store_result *result)
{
    if (result->status != STATUS_OK && store->state != STORE_DOWN)
        store_session_fail(store, result->message);
}

static void
store_session_on_settings(void *context, const struct store_result *result)
{
    struct store *store = context;

    store_session_step_failed(store, result);
    if (result->rows)
        store->backend = (int)rows_i64(result->rows, 0, 0, 0);
}

static void
store_session_on_schema(void *context, const struct store_result *result)
{
    struct store *store = context;
    char why[STORE_DETAIL_MAX];
    int64_t version = 0;
    int64_t wanted = store->options.schema;

    /* No table: a database that was never migrated. */
    if (result->status != STATUS_OK &&
        result->status != STATUS_FAILED_PRECONDITION) {
        store_session_step_failed(store, result);
        return;
    }
    if (result->rows)
        version = rows_i64(result->rows, 0, 0, 0);
    if (version == wanted)
        return;
    if (version < wanted)
        (void)snprintf(why, sizeof(why),
                       "the database's schema is version %lld, this program "
                       "needs %lld: run smart-spawn migrate",
                       (long long)version, (long long)wanted);
    else
        (void)snprintf(why, sizeof(why),
                       "the database's schema is version %lld, newer than "
                       "this program's %lld: run a newer smart-spawn",
                       (long long)version, (long long)wanted);
    store_session_fail(store, why);
}

static void
store_session_on_prepared(void *context, const struct store_result *result)
{
    store_session_step_failed(context, result);
}

static void
store_session_on_set_up(void *context, const struct store_result *result)
{
    struct store *store = context;

    store_session_step_failed(store, result);
    if (result->status != STATUS_OK || store->failure[0])
        return;
    store->state = STORE_UP;
    store->detail[0] = '\0';
    store->backoff = STORE_BACKOFF_FIRST_MS;
    store->heard = loop_now(store->loop);
    (*store->connects)++;
    *store->is_up = 1;
    if (store->options.up)
        store->options.up(store->options.context);
}

/* Also the last step of setting up. A session that changes under us belongs
 * to a pooler that lends one per transaction: prepared statements and LISTEN
 * are lost there without a word. */
static void
store_session_on_ping(void *context, const struct store_result *result)
{
    struct store *store = context;

    if (result->rows && rows_i64(result->rows, 0, 0, 0) != store->backend) {
        store_session_fail(store,
                           "a pooler changes sessions between transactions: "
                           "connect directly or with session pooling");
        return;
    }
    if (store->state == STORE_SETTING_UP)
        store_session_on_set_up(store, result);
}

bool
store_session_begin(struct store *store)
{
    const struct store_options *options = &store->options;
    char timeout[32];
    const char *params[] = {timeout};
    bool fine = true;

    (void)snprintf(timeout, sizeof(timeout), "%lld",
                   (long long)options->statement_timeout);
    fine =
        store_session_queue(store, STORE_OP_PLAIN, &store->steps[STORE_SESSION],
                            params, store_session_on_settings);
    if (options->schema)
        fine = fine && store_session_queue(store, STORE_OP_PLAIN,
                                           &store->steps[STORE_SCHEMA], params,
                                           store_session_on_schema);
    for (unsigned i = 0; i < options->statement_count && fine; i++) {
        struct store_op *op = NULL;
        static const char *const none[STORE_PARAMS_MAX];

        fine = (op = store_op_new(&options->statements[i], none,
                                  STORE_PARAM_BYTES)) != NULL;
        if (!fine)
            break;
        op->kind = STORE_OP_PREPARE;
        op->done = store_session_on_prepared;
        op->context = store;
        store_op_push(&store->reads, op);
    }
    if (options->channel)
        fine = fine && store_session_queue(store, STORE_OP_PLAIN,
                                           &store->steps[STORE_LISTEN], params,
                                           store_session_on_prepared);
    return fine &&
           store_session_queue(store, STORE_OP_PLAIN, &store->steps[STORE_PING],
                               params, store_session_on_ping);
}

void
store_session_prepare(struct store *store)
{
    store->steps[STORE_SESSION] = (struct store_statement){
        .name = "session",
        .sql = "SELECT pg_backend_pid(),"
               " set_config('statement_timeout', $1, false),"
               " set_config('timezone', 'UTC', false),"
               /* An acknowledgement means durable, whatever the server's
                * default; stronger settings stay. */
               " set_config('synchronous_commit',"
               "  CASE current_setting('synchronous_commit')"
               "  WHEN 'off' THEN 'on'"
               "  ELSE current_setting('synchronous_commit') END, false)",
        .params = 1};
    store->steps[STORE_SCHEMA] = (struct store_statement){
        .name = "schema",
        .sql = "SELECT coalesce(max(version), 0) FROM schema_migrations"};
    store->steps[STORE_PING] = (struct store_statement){
        .name = "ping", .sql = "SELECT pg_backend_pid()"};
    store->steps[STORE_LISTEN] =
        (struct store_statement){.name = "listen", .sql = store->listen};
}

bool
store_session_ping(struct store *store)
{
    static const char *const none[STORE_PARAMS_MAX];

    return store_session_queue(store, STORE_OP_PLAIN, &store->steps[STORE_PING],
                               none, store_session_on_ping);
}
