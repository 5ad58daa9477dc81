/* A connection: the filter in front of evhttp.
 *
 * A connection is idle, receiving (a request has begun), called for (evhttp
 * has the request) or sending (its answer). evhttp would go on reading while
 * it writes, without a bound, so the socket's reading is turned off as long
 * as a request is with evhttp; what was read ahead waits in the socket's
 * buffer and is looked at when the answer is out.
 *
 * Answers pass unchanged, but libevent's filters (2.1.12) have two traps for
 * evhttp on this way: output added before EV_WRITE is enabled lies still, so
 * adding it kicks a flush; and "written" is said when bytes reached the next
 * buffer, whereupon evhttp would close a connection with its answer unsent,
 * so the filter says nothing until the socket took the last byte. All that it
 * writes of its own is "100 Continue". */
#include "services/gatewayd/http_conn.h"

#include "core/base/check.h"
#include "services/gatewayd/address_count.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CONN_MAGIC 0x48465243u

enum phase { PHASE_IDLE, PHASE_RECEIVING, PHASE_CALLED, PHASE_SENDING };

struct conn {
    unsigned magic;
    struct http_front *front;
    struct bufferevent *filter, *below; /* below is the socket's */
    struct event *timer;                /* of the phase */
    struct event *kick; /* active while there is something to look after */
    bool kicked;        /* and holds a reference on the filter */
    bool opened;        /* the client's address was looked at */
    bool counted;       /* in addresses, by this address */
    struct ip_address address;
    struct http_feed feed;
    enum phase phase;
    bool said_continue; /* for the request that is arriving */
    bool unsent;        /* an answer is on its way to the socket */
    size_t passed;      /* bytes of the request that evhttp has */
    size_t held;        /* what front->buffered has of this connection */
};

/* --- counting bytes --- */

static void
count_bytes(struct conn *conn)
{
    struct http_front *front = conn->front;
    size_t held = evbuffer_get_length(bufferevent_get_input(conn->below)) +
                  http_feed_held(&conn->feed) + conn->passed +
                  evbuffer_get_length(bufferevent_get_output(conn->filter)) +
                  evbuffer_get_length(bufferevent_get_output(conn->below));

    front->buffered = front->buffered - conn->held + held;
    conn->held = held;
    *front->buffered_gauge = (int64_t)front->buffered;
}

/* --- phases and their clocks --- */

static ms_dur
timeout_of(const struct conn *conn)
{
    const struct http_front_options *options = &conn->front->options;

    switch (conn->phase) {
    case PHASE_IDLE:
        return options->idle_timeout;
    case PHASE_RECEIVING:
        return options->receive_timeout;
    case PHASE_CALLED: /* the call has a deadline of its own */
        return 0;
    case PHASE_SENDING:
        return options->send_timeout;
    }
    return 0;
}

/* The clock runs from here, whatever else happens in the phase. */
static void
begin_phase(struct conn *conn, enum phase phase)
{
    struct timeval after;
    ms_dur timeout;

    conn->phase = phase;
    timeout = timeout_of(conn);
    after.tv_sec = timeout / 1000;
    after.tv_usec = timeout % 1000 * 1000;
    (void)evtimer_del(conn->timer);
    if (timeout > 0)
        (void)evtimer_add(conn->timer, &after);
}

static bool
is_answering(const struct conn *conn)
{
    return conn->phase == PHASE_CALLED || conn->phase == PHASE_SENDING;
}

/* Idle, or within a request. */
static void
look_at_phase(struct conn *conn)
{
    bool within =
        http_feed_is_within(&conn->feed, bufferevent_get_input(conn->below));
    enum phase phase = within ? PHASE_RECEIVING : PHASE_IDLE;

    if (conn->phase != phase)
        begin_phase(conn, phase);
}

/* The socket's end is all that is touched: the filter may be on its way out
 * already. evhttp finds the stream at its end, or cannot write, and closes. */
static void
close_socket(struct conn *conn, enum http_closed why)
{
    int fd = bufferevent_getfd(conn->below);

    ++*conn->front->closed[why];
    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
}

static void
on_too_slow(evutil_socket_t fd, short what, void *context)
{
    struct conn *conn = context;

    (void)fd;
    (void)what;
    CHECK_OBJ(conn, CONN_MAGIC);
    close_socket(conn, conn->phase == PHASE_IDLE        ? CLOSED_IDLE
                       : conn->phase == PHASE_RECEIVING ? CLOSED_RECEIVING
                                                        : CLOSED_SENDING);
}

/* --- input --- */

static void
put_refusal(enum http_refusal refusal, struct evbuffer *in,
            struct evbuffer *out)
{
    (void)evbuffer_drain(in, evbuffer_get_length(in));
    (void)evbuffer_add_printf(out,
                              "GET " HTTP_FRONT_REFUSED "%d HTTP/1.1\r\n"
                              "Host: refused\r\nConnection: close\r\n\r\n",
                              (int)refusal);
}

/* More of a request came than there is room for; the rest is not kept. */
static enum http_feed_event
check_room(struct conn *conn, enum http_feed_event event)
{
    count_bytes(conn);
    if (event == HTTP_FEED_REQUEST || event == HTTP_FEED_REFUSAL ||
        http_feed_held(&conn->feed) == 0 || http_front_has_room(conn->front, 0))
        return event;
    return http_feed_refuse(&conn->feed, HTTP_REFUSAL_NO_ROOM);
}

static void
say_continue(struct conn *conn)
{
    if (conn->said_continue)
        return;
    conn->said_continue = true;
    (void)evbuffer_add_printf(bufferevent_get_output(conn->below),
                              "HTTP/1.1 100 Continue\r\n\r\n");
}

/* A request goes to evhttp: no more reading until it is answered. */
static void
pass(struct conn *conn, struct evbuffer *out, size_t before)
{
    conn->passed = evbuffer_get_length(out) - before;
    conn->said_continue = false;
    begin_phase(conn, PHASE_CALLED);
    if (conn->feed.refusal == HTTP_REFUSAL_NONE)
        (void)bufferevent_disable(conn->below, EV_READ);
}

static enum bufferevent_filter_result
on_input(struct evbuffer *in, struct evbuffer *out, ev_ssize_t limit,
         enum bufferevent_flush_mode mode, void *context)
{
    struct conn *conn = context;
    size_t before = evbuffer_get_length(out);
    enum http_feed_event event;

    (void)limit;
    (void)mode;
    CHECK_OBJ(conn, CONN_MAGIC);
    if (is_answering(conn) && conn->feed.refusal == HTTP_REFUSAL_NONE) {
        count_bytes(conn);
        return BEV_NEED_MORE;
    }
    event = check_room(conn, http_feed_take(&conn->feed, in, out));
    if (event == HTTP_FEED_CONTINUE)
        say_continue(conn);
    if (event == HTTP_FEED_REFUSAL)
        put_refusal(conn->feed.refusal, in, out);
    if (event == HTTP_FEED_REQUEST || event == HTTP_FEED_REFUSAL)
        pass(conn, out, before);
    else if (!is_answering(conn))
        look_at_phase(conn);
    count_bytes(conn);
    return evbuffer_get_length(out) > before ? BEV_OK : BEV_NEED_MORE;
}

/* --- output --- */

/* Moves everything on, but never says OK: that would tell evhttp that it is
 * written. on_below_changed does that in time. */
static enum bufferevent_filter_result
on_output(struct evbuffer *in, struct evbuffer *out, ev_ssize_t limit,
          enum bufferevent_flush_mode mode, void *context)
{
    struct conn *conn = context;

    (void)limit;
    (void)mode;
    CHECK_OBJ(conn, CONN_MAGIC);
    conn->unsent = true;
    return evbuffer_remove_buffer(in, out, evbuffer_get_length(in)) < 0
               ? BEV_ERROR
               : BEV_NEED_MORE;
}

/* Look after the connection in the loop's next step. */
static void
kick(struct conn *conn)
{
    if (conn->kicked)
        return;
    conn->kicked = true;
    bufferevent_incref(conn->filter);
    event_active(conn->kick, EV_WRITE, 0);
}

/* evhttp wrote something. */
static void
on_output_added(struct evbuffer *output, const struct evbuffer_cb_info *info,
                void *context)
{
    struct conn *conn = context;

    (void)output;
    CHECK_OBJ(conn, CONN_MAGIC);
    if (info->n_added == 0)
        return;
    if (conn->phase != PHASE_SENDING)
        begin_phase(conn, PHASE_SENDING);
    count_bytes(conn);
    kick(conn);
}

/* The answer is out: what the client sent ahead is next. */
static void
end_answer(struct conn *conn)
{
    conn->unsent = false;
    conn->passed = 0;
    bufferevent_trigger(conn->filter, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
    if (conn->feed.refusal != HTTP_REFUSAL_NONE)
        return;
    (void)bufferevent_enable(conn->below, EV_READ);
    look_at_phase(conn);
    if (conn->phase == PHASE_RECEIVING)
        kick(conn);
}

/* The socket's output buffer shrank. */
static void
on_below_changed(struct evbuffer *output, const struct evbuffer_cb_info *info,
                 void *context)
{
    struct conn *conn = context;

    CHECK_OBJ(conn, CONN_MAGIC);
    if (info->n_deleted == 0)
        return;
    if (conn->unsent && evbuffer_get_length(output) == 0)
        end_answer(conn);
    count_bytes(conn);
}

/* --- looking after a connection --- */

static bool
find_address(const struct conn *conn, struct ip_address *ret_address)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof(peer);
    int fd = bufferevent_getfd(conn->below);

    return fd >= 0 && getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
           client_address_of_socket(&peer, ret_address);
}

/* The address is known only now, when evhttp set the socket. */
static void
open_conn(struct conn *conn)
{
    struct http_front *front = conn->front;
    struct ip_address address;

    conn->opened = true;
    if (!find_address(conn, &address) ||
        client_networks_hold(front->options.exempt, &address))
        return;
    conn->address = client_address_key(address);
    conn->counted = address_count_take(front->addresses, &conn->address);
    if (!conn->counted)
        close_socket(conn, CLOSED_ADDRESS);
}

static void
on_kick(evutil_socket_t fd, short what, void *context)
{
    struct conn *conn = context;

    (void)fd;
    (void)what;
    CHECK_OBJ(conn, CONN_MAGIC);
    conn->kicked = false;
    if (!conn->opened && !conn->front->is_closed)
        open_conn(conn);
    (void)bufferevent_flush(conn->filter, EV_WRITE, BEV_NORMAL);
    /* Nobody comes back for what a filter left in the buffer below. */
    if (!is_answering(conn) &&
        bufferevent_flush(conn->filter, EV_READ, BEV_NORMAL) > 0)
        bufferevent_trigger(conn->filter, EV_READ, 0);
    /* May be the last reference, and so the end of conn. */
    (void)bufferevent_decref(conn->filter);
}

/* --- life --- */

static void
conn_free(struct conn *conn)
{
    if (conn->timer)
        event_free(conn->timer);
    if (conn->kick)
        event_free(conn->kick);
    http_feed_fini(&conn->feed);
    conn->magic = 0;
    free(conn);
}

/* bufferevent frees the context when it frees the filter. */
static void
on_freed(void *context)
{
    struct conn *conn = context;
    struct http_front *front;

    CHECK_OBJ(conn, CONN_MAGIC);
    front = conn->front;
    /* The socket's side outlives the filter by a moment. */
    (void)evbuffer_remove_cb(bufferevent_get_output(conn->below),
                             on_below_changed, conn);
    front->buffered -= conn->held;
    *front->buffered_gauge = (int64_t)front->buffered;
    if (conn->counted)
        address_count_give(front->addresses, &conn->address);
    conn_free(conn);
    front->connections--;
    if (!front->is_closed)
        front->options.changed(front->options.context);
    else if (front->connections == 0)
        http_front_end(front);
}

static struct conn *
conn_new(struct event_base *base, struct http_front *front)
{
    struct conn *conn = calloc(1, sizeof(*conn));

    if (!conn)
        return NULL;
    conn->magic = CONN_MAGIC;
    conn->front = front;
    conn->timer = evtimer_new(base, on_too_slow, conn);
    conn->kick = event_new(base, -1, 0, on_kick, conn);
    if (http_feed_init(&conn->feed, &front->options.limits) && conn->timer &&
        conn->kick)
        return conn;
    conn_free(conn);
    return NULL;
}

/* Follow what is written above and below; false when out of memory. */
static bool
watch_output(struct conn *conn)
{
    return evbuffer_add_cb(bufferevent_get_output(conn->filter),
                           on_output_added, conn) &&
           evbuffer_add_cb(bufferevent_get_output(conn->below),
                           on_below_changed, conn);
}

struct bufferevent *
http_conn_new(struct event_base *base, struct http_front *front)
{
    struct conn *conn = conn_new(base, front);

    if (!conn)
        return NULL;
    conn->below = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (conn->below)
        conn->filter =
            bufferevent_filter_new(conn->below, on_input, on_output,
                                   BEV_OPT_CLOSE_ON_FREE, on_freed, conn);
    if (!conn->filter) {
        if (conn->below)
            bufferevent_free(conn->below);
        conn_free(conn);
        return NULL;
    }
    front->connections++;
    front->options.changed(front->options.context);
    if (!watch_output(conn)) {
        bufferevent_free(conn->filter); /* and conn with it */
        return NULL;
    }
    begin_phase(conn, PHASE_IDLE);
    kick(conn);
    return conn->filter;
}
