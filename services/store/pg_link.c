/* libpq's non-blocking connection as a small machine in the loop.
 *
 * While connecting, PQconnectPoll says what to wait for (and may change the
 * socket between two calls: then the watch is made anew). Afterwards the
 * socket is always watched for reading, for writing only while libpq holds
 * bytes it could not send. */
#include "services/store/pg_link.h"

#include "core/base/check.h"
#include "core/base/slice.h"

#include <stdio.h>
#include <stdlib.h>

#define PG_LINK_MAGIC 0x504c4e4bu
#define PG_LINK_CONNECT_MS 10000

struct pg_link {
    unsigned magic;
    struct loop *loop;
    PGconn *conn;
    struct loop_watch *watch;
    struct loop_timer *deadline;
    struct pg_link_events events;
    int watched_fd;
    bool connected;
};

void
pg_link_first_line(const char *message, char *out, size_t max)
{
    struct slice text = slice_of(message);
    static const struct slice heads[] = {
        {.ptr = "ERROR:", .len = 6},
        {.ptr = "FATAL:", .len = 6},
    };
    size_t end = 0;

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        if (slice_starts(text, heads[i]))
            text = slice_cut(text, heads[i].len, text.len);
    }
    text = slice_trim(text);
    while (end < text.len && end + 1 < max && text.ptr[end] != '\n')
        end++;
    if (end)
        memcpy(out, text.ptr, end);
    out[end] = '\0';
}

enum status
pg_link_check_server(const PGconn *conn, char *out, size_t max)
{
    int version = PQserverVersion(conn);

    if (version >= PG_LINK_SERVER_MIN)
        return STATUS_OK;
    (void)snprintf(out, max, "PostgreSQL 15 or newer is needed, this is %d.%d",
                   version / 10000, version % 10000);
    return STATUS_FAILED_PRECONDITION;
}

static void
pg_link_discard_notice(void *context, const PGresult *notice)
{
    (void)context;
    (void)notice;
}

static void
pg_link_break(struct pg_link *link, const char *why)
{
    char line[PG_LINK_ERROR_MAX];

    loop_watch_free(&link->watch);
    loop_timer_stop(link->deadline);
    pg_link_first_line(why, line, sizeof(line));
    link->events.broken(link->events.context,
                        line[0] ? line : "the connection was closed");
}

static void
pg_link_connected(struct pg_link *link)
{
    char why[PG_LINK_ERROR_MAX];

    loop_timer_stop(link->deadline);
    link->connected = true;
    if (pg_link_check_server(link->conn, why, sizeof(why)) != STATUS_OK) {
        pg_link_break(link, why);
        return;
    }
    if (PQsetnonblocking(link->conn, 1) != 0 ||
        PQenterPipelineMode(link->conn) != 1) {
        pg_link_break(link, "libpq refused pipeline mode");
        return;
    }
    loop_watch_set(link->watch, true, false);
    link->events.up(link->events.context);
}

static void pg_link_ready(void *context, bool readable, bool writable);

/* Watch the socket libpq uses now. */
static bool
pg_link_watch(struct pg_link *link, bool read, bool write)
{
    int fd = PQsocket(link->conn);

    if (link->watch && fd == link->watched_fd) {
        loop_watch_set(link->watch, read, write);
        return true;
    }
    loop_watch_free(&link->watch);
    link->watched_fd = fd;
    return fd >= 0 && loop_watch_new(link->loop, fd, read, write, pg_link_ready,
                                     link, &link->watch) == STATUS_OK;
}

static void
pg_link_poll(struct pg_link *link)
{
    /* The descriptor may be closed and its number reused inside: no watch
     * may outlive that. */
    PostgresPollingStatusType next = PGRES_POLLING_FAILED;

    loop_watch_free(&link->watch);
    next = PQconnectPoll(link->conn);
    if (next == PGRES_POLLING_FAILED) {
        pg_link_break(link, PQerrorMessage(link->conn));
        return;
    }
    if (!pg_link_watch(link, next != PGRES_POLLING_WRITING,
                       next == PGRES_POLLING_WRITING)) {
        pg_link_break(link, "the socket cannot be watched");
        return;
    }
    if (next == PGRES_POLLING_OK)
        pg_link_connected(link);
}

static void
pg_link_ready(void *context, bool readable, bool writable)
{
    struct pg_link *link = context;

    CHECK_OBJ(link, PG_LINK_MAGIC);
    if (!link->connected) {
        pg_link_poll(link);
        return;
    }
    if (readable && !PQconsumeInput(link->conn)) {
        pg_link_break(link, PQerrorMessage(link->conn));
        return;
    }
    if (writable && !pg_link_flush(link)) {
        pg_link_break(link, PQerrorMessage(link->conn));
        return;
    }
    if (readable)
        link->events.input(link->events.context);
}

/* The deadline of connecting; at once when libpq refused to begin, so that
 * no owner is called back from inside pg_link_open. */
static void
pg_link_expired(void *context)
{
    struct pg_link *link = context;

    CHECK_OBJ(link, PG_LINK_MAGIC);
    if (PQstatus(link->conn) == CONNECTION_BAD)
        pg_link_break(link, PQerrorMessage(link->conn));
    else
        pg_link_break(link, "connecting took longer than 10 s");
}

static enum status
pg_link_begin(struct loop *loop, const char *const *keywords,
              const char *const *values, const struct pg_link_events *events,
              struct pg_link **ret_link)
{
    struct pg_link *link = calloc(1, sizeof(*link));
    bool begun = false;

    if (!link)
        return STATUS_RESOURCE_EXHAUSTED;
    link->magic = PG_LINK_MAGIC;
    link->loop = loop;
    link->events = *events;
    link->watched_fd = -1;
    link->conn = PQconnectStartParams(keywords, values, 1);
    if (!link->conn || loop_timer_new(loop, pg_link_expired, link,
                                      &link->deadline) != STATUS_OK) {
        pg_link_free(&link);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    (void)PQsetNoticeReceiver(link->conn, pg_link_discard_notice, NULL);
    begun = PQstatus(link->conn) != CONNECTION_BAD &&
            pg_link_watch(link, false, true);
    loop_timer_start(link->deadline, begun ? PG_LINK_CONNECT_MS : 0);
    *ret_link = link;
    return STATUS_OK;
}

enum status
pg_link_open(struct loop *loop, const char *url, const char *name,
             const struct pg_link_events *events, struct pg_link **ret_link)
{
    static const char *const keywords[] = {"dbname", "application_name",
                                           "client_encoding", NULL};
    const char *const values[] = {url, name, "UTF8", NULL};

    return pg_link_begin(loop, keywords, values, events, ret_link);
}

enum status
pg_link_open_like(struct loop *loop, const char *url, struct pg_link *like,
                  const struct pg_link_events *events,
                  struct pg_link **ret_link)
{
    /* What follows dbname goes over it; an empty value (the hostaddr of a
     * unix socket) does not count. */
    static const char *const keywords[] = {
        "dbname", "host", "hostaddr", "port", "application_name", NULL};
    const PGconn *conn = pg_link_conn(like);
    const char *const values[] = {url,
                                  PQhost(conn),
                                  PQhostaddr(conn),
                                  PQport(conn),
                                  PQparameterStatus(conn, "application_name"),
                                  NULL};
    enum status status =
        pg_link_begin(loop, keywords, values, events, ret_link);

    if (status == STATUS_OK)
        (void)PQsetErrorVerbosity((*ret_link)->conn, PQERRORS_SQLSTATE);
    return status;
}

void
pg_link_free(struct pg_link **link)
{
    if (!*link)
        return;
    CHECK_OBJ(*link, PG_LINK_MAGIC);
    loop_watch_free(&(*link)->watch);
    loop_timer_free(&(*link)->deadline);
    PQfinish((*link)->conn);
    (*link)->magic = 0;
    free(*link);
    *link = NULL;
}

PGconn *
pg_link_conn(struct pg_link *link)
{
    CHECK_OBJ(link, PG_LINK_MAGIC);
    return link->conn;
}

bool
pg_link_flush(struct pg_link *link)
{
    int left = 0;

    CHECK_OBJ(link, PG_LINK_MAGIC);
    left = PQflush(link->conn);
    if (left < 0)
        return false;
    loop_watch_set(link->watch, true, left > 0);
    return true;
}
