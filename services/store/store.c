/* The life of a store: down, connecting, setting up, up; and leaving, when the
 * server shuts down and waits for those who are connected.
 *
 * Calls are never sent from inside store_read and store_write but in the next
 * pass of the loop, so what comes in one pass travels together. */
#include "services/store/store.h"

#include "core/base/check.h"
#include "services/store/database_url.h"
#include "services/store/store_session.h"

#include <stdio.h>
#include <stdlib.h>

#define STORE_TICK_MS 1000
#define STORE_KNOCK_MS 1000 /* between looks at the door, at least */
/* How much longer than statement_timeout an answer may take before the
 * connection counts as dead: the server would have ended the statement. */
#define STORE_SILENCE_MS 3000

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

/* --- down --- */

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
    bool was_up = store->state == STORE_UP || store->state == STORE_LEAVING;
    bool news = was_up || strcmp(why, store->detail) != 0;
    char kept[STORE_DETAIL_MAX];

    (void)snprintf(kept, sizeof(kept), "%s", why);
    memcpy(store->detail, kept, sizeof(kept));
    store->failure[0] = '\0';
    store->state = STORE_DOWN;
    *store->is_up = 0;
    loop_timer_stop(store->tick);
    loop_timer_stop(store->pump);
    store_door_leave(&store->door);
    pg_link_free(&store->link);
    loop_timer_start(store->retry, store->backoff);
    store->backoff *= 2;
    if (store->backoff > store->options.backoff_max)
        store->backoff = store->options.backoff_max;
    if (news && store->options.down)
        store->options.down(store->options.context, store->detail);
    store_end_all(store, STATUS_UNAVAILABLE, kept);
}

/* --- sending --- */

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

static void
store_arm_tick(struct store *store)
{
    ms_dur every = store->options.ping_every;

    loop_timer_start(store->tick,
                     every < STORE_TICK_MS ? every : STORE_TICK_MS);
}

static void
store_on_link_up(void *context)
{
    struct store *store = context;

    CHECK_OBJ(store, STORE_MAGIC);
    store->state = STORE_SETTING_UP;
    store->heard = loop_now(store->loop);
    store_arm_tick(store);
    if (!store_session_begin(store) || !store_send_waiting(store))
        store_drop(store, "out of memory or connection while setting up");
}

/* --- leaving --- */

static void
store_leave_when_idle(struct store *store)
{
    ms_time sent = 0;

    if (store->state == STORE_LEAVING && !store->reads.first &&
        !store->writes.first && !store_pipe_oldest(&store->pipe, &sent))
        store_drop(store, store->detail);
}

/* What was accepted is finished, which statement_timeout bounds; no call is
 * taken any more. */
static void
store_on_shut(void *context)
{
    struct store *store = context;

    CHECK_OBJ(store, STORE_MAGIC);
    if (store->state != STORE_UP)
        return;
    store->state = STORE_LEAVING;
    *store->is_up = 0;
    (void)snprintf(store->detail, sizeof(store->detail),
                   "the server is shutting down");
    store_leave_when_idle(store);
}

/* --- hearing --- */

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
    if (fine)
        store_leave_when_idle(store);
    else
        store_drop_broken(store);
}

static void
store_on_broken(void *context, const char *why)
{
    struct store *store = context;

    CHECK_OBJ(store, STORE_MAGIC);
    store_drop(store, why);
}

/* A ping, and a look whether others are let in: a fork of the server each, so
 * not as often as a test may ping. */
static void
store_check(struct store *store, ms_time now)
{
    char url[DATABASE_URL_MAX];

    store->pinged = now;
    if (now - store->knocked >= STORE_KNOCK_MS &&
        database_url_find(store->url, store->home, url) == STATUS_OK) {
        store->knocked = now;
        store_door_knock(&store->door, url, store->link);
    }
    if (!store_session_ping(store) || !store_send_waiting(store))
        store_drop_broken(store);
}

/* Once a second, or as often as there are pings: give up a connection that
 * stays silent; now and then a ping. */
static void
store_tick(void *context)
{
    struct store *store = context;
    ms_time now = 0;
    ms_time sent = 0;

    CHECK_OBJ(store, STORE_MAGIC);
    now = loop_now(store->loop);
    store_arm_tick(store);
    if (store_pipe_oldest(&store->pipe, &sent)) {
        ms_time since = sent > store->heard ? sent : store->heard;

        if (now - since > store->options.statement_timeout + STORE_SILENCE_MS) {
            store_drop(store, "the server does not answer");
            return;
        }
    }
    if (store->state == STORE_UP &&
        now - store->pinged >= store->options.ping_every)
        store_check(store, now);
}

/* --- connecting --- */

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

/* --- the public side --- */

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
    if (store->options.ping_every == 0)
        store->options.ping_every = STORE_PING_MS;
    if (store->options.backoff_max == 0)
        store->options.backoff_max = STORE_BACKOFF_MAX_MS;
    store->loop = loop;
    store->backoff = STORE_BACKOFF_FIRST_MS;
    store->door = (struct store_door){
        .loop = loop, .shut = store_on_shut, .context = store};
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
    store_session_prepare(store);
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
    store_door_leave(&old->door);
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
    op =
        store_op_new(&store->options.statements[statement], params,
                     store->options.param_bytes > 0 ? store->options.param_bytes
                                                    : STORE_PARAM_BYTES);
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
