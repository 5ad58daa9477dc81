/* The life of a store: down, connecting, setting up, up.
 *
 * Setting up goes through the same pipe as calls do: session settings, the
 * schema's version, every statement prepared, LISTEN. The first of them that
 * fails is the reason why the store is down. Calls are never sent from inside
 * store_read and store_write but in the next pass of the loop, so what comes
 * in one pass travels together. */
#include "services/store/store.h"

#include "core/base/check.h"
#include "services/store/database_url.h"
#include "services/store/store_pipe.h"

#include <stdio.h>
#include <stdlib.h>

#define STORE_MAGIC 0x53544f52u
#define STORE_NAME_MAX 64
#define STORE_DETAIL_MAX 320
#define STORE_TICK_MS 1000
/* How much longer than statement_timeout an answer may take before the
 * connection counts as dead: the server would have ended the statement. */
#define STORE_SILENCE_MS 3000

enum store_state { STORE_DOWN, STORE_CONNECTING, STORE_SETTING_UP, STORE_UP };

enum store_step { STORE_SESSION, STORE_SCHEMA, STORE_PING, STORE_LISTEN };

struct store {
    unsigned magic;
    struct store_options options;
    char name[STORE_NAME_MAX];
    char *url, *home; /* owned */
    struct loop *loop;
    struct loop_timer *retry; /* back-off */
    struct loop_timer *pump;  /* send what waits, in the next pass */
    struct loop_timer *tick;  /* silence and pings */
    struct pg_link *link;     /* NULL when down */
    struct store_pipe pipe;
    struct store_queue reads, writes; /* waiting */
    enum store_state state;
    ms_dur backoff;
    int backend;    /* pid at the other end, to notice a pooler */
    ms_time heard;  /* when the last bytes came */
    ms_time pinged; /* when a ping was sent */
    char detail[STORE_DETAIL_MAX];
    char failure[STORE_DETAIL_MAX]; /* set inside callbacks: drop soon */
    char listen[STORE_NAME_MAX + 16];
    struct store_statement steps[STORE_LISTEN + 1];
    uint64_t *connects, *retried;
    int64_t *is_up;
};

static void store_connect(void *context);

bool
store_is_up(const struct store *store)
{
    CHECK_OBJ(store, STORE_MAGIC);
    return store->state == STORE_UP;
}

const char *
store_detail(const struct store *store)
{
    CHECK_OBJ(store, STORE_MAGIC);
    return store->state == STORE_UP ? "" : store->detail;
}

/* --- down
 * -------------------------------------------------------------------*/

/* End calls with one result; those on their way may have happened. */
static void
store_end_calls(struct store_queue *queue, enum status status, bool sent,
                const char *why)
{
    for (struct store_op *op; (op = store_op_pop(queue));)
        store_op_finish(op,
                        &(struct store_result){.status = status,
                                               .message = why,
                                               .in_doubt = sent && op->write});
}

static void
store_end_all(struct store *store, enum status status, const char *why)
{
    struct store_queue sent, reads = store->reads, writes = store->writes;

    store_op_queue_init(&sent);
    store_pipe_abandon(&store->pipe, &sent);
    store_op_queue_init(&store->reads);
    store_op_queue_init(&store->writes);
    store_end_calls(&sent, status, true, why);
    store_end_calls(&reads, status, false, why);
    store_end_calls(&writes, status, false, why);
}

/* The connection is no more: tell everyone, try again after a while. */
static void
store_drop(struct store *store, const char *why)
{
    bool was_up = store->state == STORE_UP;
    bool news = was_up || strcmp(why, store->detail) != 0;
    char kept[STORE_DETAIL_MAX];

    (void)snprintf(kept, sizeof(kept), "%s", why);
    memcpy(store->detail, kept, sizeof(kept));
    store->failure[0] = '\0';
    store->state = STORE_DOWN;
    *store->is_up = 0;
    loop_timer_stop(store->tick);
    loop_timer_stop(store->pump);
    pg_link_free(&store->link);
    loop_timer_start(store->retry, store->backoff);
    store->backoff *= 2;
    if (store->backoff > STORE_BACKOFF_MAX_MS)
        store->backoff = STORE_BACKOFF_MAX_MS;
    if (news && store->options.down)
        store->options.down(store->options.context, store->detail);
    store_end_all(store, STATUS_UNAVAILABLE, kept);
}

/* From inside a call's callback: the connection goes when it returned. */
static void
store_fail(struct store *store, const char *why)
{
    if (!store->failure[0])
        (void)snprintf(store->failure, sizeof(store->failure), "%s", why);
}

/* --- sending
 * ----------------------------------------------------------------*/

static bool
store_send_waiting(struct store *store)
{
    ms_time now = loop_now(store->loop);

    while (store->reads.first && store->pipe.reads < STORE_READS_MAX) {
        if (!store_pipe_send(&store->pipe, &store->reads, 1, now))
            return false;
    }
    while (store->writes.first && store->pipe.batches < STORE_BATCHES_MAX) {
        if (!store_pipe_send(&store->pipe, &store->writes, STORE_BATCH_MAX,
                             now))
            return false;
    }
    return pg_link_flush(store->link);
}

/* libpq or the pipe gave up. */
static void
store_drop_broken(struct store *store)
{
    char why[PG_LINK_ERROR_MAX];

    pg_link_first_line(PQerrorMessage(pg_link_conn(store->link)), why,
                       sizeof(why));
    store_drop(store, why[0] ? why : "the connection is out of step");
}

static void
store_pump(void *context)
{
    struct store *store = context;

    CHECK_OBJ(store, STORE_MAGIC);
    if (store->link && !store_send_waiting(store))
        store_drop_broken(store);
}

static bool
store_queue_own(struct store *store, enum store_op_kind kind,
                const struct store_statement *statement,
                const char *const *params, store_done_fn done)
{
    struct store_op *op = store_op_new(statement, params);

    if (!op)
        return false;
    op->kind = kind;
    op->done = done;
    op->context = store;
    store_op_push(&store->reads, op);
    return true;
}

/* --- setting up
 * -------------------------------------------------------------*/

static void
store_step_failed(struct store *store, const struct store_result *result)
{
    if (result->status != STATUS_OK && store->state != STORE_DOWN)
        store_fail(store, result->message);
}

static void
store_on_session(void *context, const struct store_result *result)
{
    struct store *store = context;

    store_step_failed(store, result);
    if (result->rows)
        store->backend = (int)rows_i64(result->rows, 0, 0, 0);
}

static void
store_on_schema(void *context, const struct store_result *result)
{
    struct store *store = context;
    char why[STORE_DETAIL_MAX];
    int64_t version = 0;
    int64_t wanted = store->options.schema;

    /* No table: a database that was never migrated. */
    if (result->status != STATUS_OK &&
        result->status != STATUS_FAILED_PRECONDITION) {
        store_step_failed(store, result);
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
    store_fail(store, why);
}

static void
store_on_prepared(void *context, const struct store_result *result)
{
    store_step_failed(context, result);
}

static void
store_on_set_up(void *context, const struct store_result *result)
{
    struct store *store = context;

    store_step_failed(store, result);
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
store_on_ping(void *context, const struct store_result *result)
{
    struct store *store = context;

    if (result->rows && rows_i64(result->rows, 0, 0, 0) != store->backend) {
        store_fail(store, "a pooler changes sessions between transactions: "
                          "connect directly or with session pooling");
        return;
    }
    if (store->state == STORE_SETTING_UP)
        store_on_set_up(store, result);
}

static bool
store_queue_steps(struct store *store)
{
    const struct store_options *options = &store->options;
    char timeout[32];
    const char *params[] = {timeout};
    bool fine = true;

    (void)snprintf(timeout, sizeof(timeout), "%lld",
                   (long long)options->statement_timeout);
    fine = store_queue_own(store, STORE_OP_PLAIN, &store->steps[STORE_SESSION],
                           params, store_on_session);
    if (options->schema)
        fine = fine && store_queue_own(store, STORE_OP_PLAIN,
                                       &store->steps[STORE_SCHEMA], params,
                                       store_on_schema);
    for (unsigned i = 0; i < options->statement_count && fine; i++) {
        struct store_op *op = NULL;
        static const char *const none[STORE_PARAMS_MAX];

        fine = (op = store_op_new(&options->statements[i], none)) != NULL;
        if (!fine)
            break;
        op->kind = STORE_OP_PREPARE;
        op->done = store_on_prepared;
        op->context = store;
        store_op_push(&store->reads, op);
    }
    if (options->channel)
        fine = fine && store_queue_own(store, STORE_OP_PLAIN,
                                       &store->steps[STORE_LISTEN], params,
                                       store_on_prepared);
    return fine &&
           store_queue_own(store, STORE_OP_PLAIN, &store->steps[STORE_PING],
                           params, store_on_ping);
}

static void
store_on_link_up(void *context)
{
    struct store *store = context;

    CHECK_OBJ(store, STORE_MAGIC);
    store->state = STORE_SETTING_UP;
    store->heard = loop_now(store->loop);
    loop_timer_start(store->tick, STORE_TICK_MS);
    if (!store_queue_steps(store) || !store_send_waiting(store))
        store_drop(store, "out of memory or connection while setting up");
}

/* --- hearing
 * ----------------------------------------------------------------*/

static void
store_take_notices(struct store *store)
{
    PGconn *conn = pg_link_conn(store->link);

    for (PGnotify *notice; (notice = PQnotifies(conn));) {
        if (notice->be_pid != PQbackendPID(conn) && store->options.notified)
            store->options.notified(store->options.context,
                                    slice_of(notice->extra));
        PQfreemem(notice);
    }
}

static void
store_on_input(void *context)
{
    struct store *store = context;
    bool fine = false;

    CHECK_OBJ(store, STORE_MAGIC);
    store->heard = loop_now(store->loop);
    fine = store_pipe_take(&store->pipe, store->heard);
    if (store->failure[0]) {
        char why[STORE_DETAIL_MAX];

        memcpy(why, store->failure, sizeof(why));
        store_drop(store, why);
        return;
    }
    if (fine) {
        store_take_notices(store);
        fine = store_send_waiting(store);
    }
    if (!fine)
        store_drop_broken(store);
}

static void
store_on_broken(void *context, const char *why)
{
    struct store *store = context;

    CHECK_OBJ(store, STORE_MAGIC);
    store_drop(store, why);
}

/* Once a second: give up a connection that stays silent; now and then a
 * ping. */
static void
store_tick(void *context)
{
    struct store *store = context;
    static const char *const none[STORE_PARAMS_MAX];
    ms_time now = 0;
    ms_time sent = 0;

    CHECK_OBJ(store, STORE_MAGIC);
    now = loop_now(store->loop);
    loop_timer_start(store->tick, STORE_TICK_MS);
    if (store_pipe_oldest(&store->pipe, &sent)) {
        ms_time since = sent > store->heard ? sent : store->heard;

        if (now - since > store->options.statement_timeout + STORE_SILENCE_MS) {
            store_drop(store, "the server does not answer");
            return;
        }
    }
    if (store->state != STORE_UP || now - store->pinged < STORE_PING_MS)
        return;
    store->pinged = now;
    if (!store_queue_own(store, STORE_OP_PLAIN, &store->steps[STORE_PING], none,
                         store_on_ping) ||
        !store_send_waiting(store))
        store_drop_broken(store);
}

/* --- connecting
 * -------------------------------------------------------------*/

static void
store_connect(void *context)
{
    struct store *store = context;
    char url[DATABASE_URL_MAX];
    struct pg_link_events events = {store_on_link_up, store_on_input,
                                    store_on_broken, store};
    enum status status = STATUS_OK;

    CHECK_OBJ(store, STORE_MAGIC);
    status = database_url_find(store->url, store->home, url);
    if (status != STATUS_OK) {
        store_drop(store, "no database is named: run smart-spawn up, or set "
                          "database.url");
        return;
    }
    store->state = STORE_CONNECTING;
    status = pg_link_open(store->loop, url, store->name, &events, &store->link);
    if (status != STATUS_OK) {
        store_drop(store, "out of memory while connecting");
        return;
    }
    store_pipe_init(&store->pipe, store->link, store->retried);
}

/* --- the public side
 * --------------------------------------------------------*/

static bool
store_copy_texts(struct store *store)
{
    const struct store_options *options = &store->options;

    (void)snprintf(store->name, sizeof(store->name), "%s", options->name);
    store->url = strdup(options->url ? options->url : "");
    store->home = strdup(options->home ? options->home : "");
    /* The channel is ours, not a user's: it needs no quoting. */
    if (options->channel)
        (void)snprintf(store->listen, sizeof(store->listen), "LISTEN %s",
                       options->channel);
    return store->url && store->home;
}

static void
store_name_steps(struct store *store)
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

static void
store_open_metrics(struct store *store)
{
    struct metrics *metrics = store->options.metrics;
    char labels[STORE_NAME_MAX + 16];

    (void)snprintf(labels, sizeof(labels), "store=\"%s\"", store->name);
    store->connects =
        metrics_counter(metrics, "store_connects_total", labels,
                        "Connections to PostgreSQL that became usable.");
    store->retried = metrics_counter(
        metrics, "store_writes_alone_total", labels,
        "Writes done again alone because another of their batch failed.");
    store->is_up = metrics_gauge(metrics, "store_up", labels,
                                 "1 while the connection is usable.");
}

static bool
store_options_fit(const struct store_options *options)
{
    if (options->statement_count > STORE_STATEMENTS_MAX)
        return false;
    for (unsigned i = 0; i < options->statement_count; i++) {
        if (options->statements[i].params > STORE_PARAMS_MAX)
            return false;
    }
    return !options->channel || strlen(options->channel) < STORE_NAME_MAX;
}

enum status
store_new(struct loop *loop, const struct store_options *options,
          struct store **ret_store)
{
    struct store *store = NULL;

    if (!store_options_fit(options))
        return STATUS_INVALID_ARGUMENT;
    store = calloc(1, sizeof(*store));
    if (!store)
        return STATUS_RESOURCE_EXHAUSTED;
    store->magic = STORE_MAGIC;
    store->options = *options;
    store->loop = loop;
    store->backoff = STORE_BACKOFF_FIRST_MS;
    store_op_queue_init(&store->reads);
    store_op_queue_init(&store->writes);
    store_pipe_init(&store->pipe, NULL, NULL);
    (void)snprintf(store->detail, sizeof(store->detail), "connecting");
    if (!store_copy_texts(store) ||
        loop_timer_new(loop, store_connect, store, &store->retry) ||
        loop_timer_new(loop, store_pump, store, &store->pump) ||
        loop_timer_new(loop, store_tick, store, &store->tick)) {
        store_free(&store);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    store_name_steps(store);
    store_open_metrics(store);
    loop_timer_start(store->retry, 0);
    *ret_store = store;
    return STATUS_OK;
}

void
store_free(struct store **store)
{
    struct store *old = *store;

    if (!old)
        return;
    CHECK_OBJ(old, STORE_MAGIC);
    old->state = STORE_DOWN;
    store_end_all(old, STATUS_CANCELLED, "the store is closed");
    pg_link_free(&old->link);
    loop_timer_free(&old->retry);
    loop_timer_free(&old->pump);
    loop_timer_free(&old->tick);
    free(old->url);
    free(old->home);
    old->magic = 0;
    free(old);
    *store = NULL;
}

static enum status
store_call(struct store *store, unsigned statement, const char *const *params,
           struct store_op **ret_op)
{
    struct store_op *op = NULL;

    CHECK_OBJ(store, STORE_MAGIC);
    CHECK(statement < store->options.statement_count);
    if (store->state != STORE_UP)
        return STATUS_UNAVAILABLE;
    if (store->reads.count + store->writes.count >= store->options.queue_max)
        return STATUS_RESOURCE_EXHAUSTED;
    op = store_op_new(&store->options.statements[statement], params);
    if (!op)
        return STATUS_RESOURCE_EXHAUSTED;
    loop_timer_start(store->pump, 0);
    *ret_op = op;
    return STATUS_OK;
}

enum status
store_read(struct store *store, unsigned statement, const char *const *params,
           store_done_fn done, void *context)
{
    struct store_op *op = NULL;
    enum status status = store_call(store, statement, params, &op);

    if (status != STATUS_OK)
        return status;
    op->done = done;
    op->context = context;
    store_op_push(&store->reads, op);
    return STATUS_OK;
}

enum status
store_write(struct store *store, unsigned statement, const char *const *params,
            store_done_fn done, void *context)
{
    struct store_op *op = NULL;
    enum status status = store_call(store, statement, params, &op);

    if (status != STATUS_OK)
        return status;
    op->write = true;
    op->done = done;
    op->context = context;
    store_op_push(&store->writes, op);
    return STATUS_OK;
}
