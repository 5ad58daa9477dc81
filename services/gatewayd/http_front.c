/* The filter in front of evhttp.
 *
 * A small state machine per connection. evhttp stops reading while a request
 * is answered and does not come back for what a filter left in the socket's
 * buffer, so the filter always takes everything it can: whole requests go
 * on, only an unfinished one waits here. What waits is bounded by max_head
 * plus max_body.
 *
 * Answers pass unchanged, but libevent's filters (2.1.12) have two traps for
 * evhttp on this way: output added before EV_WRITE is enabled lies still, so
 * adding it kicks a flush; and "written" is said when bytes reached the next
 * buffer, whereupon evhttp would close a connection with its answer unsent,
 * so the filter says nothing until the socket took the last byte. It writes
 * nothing of its own. */
#include "services/gatewayd/http_front.h"

#include "core/base/check.h"
#include "core/base/text.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CONN_MAGIC 0x48465243u

enum state {
    STATE_HEAD,
    STATE_BODY,       /* of known length: passes through */
    STATE_CHUNK_SIZE, /* a size line */
    STATE_CHUNK_DATA, /* and its data, collected */
    STATE_CHUNK_END,  /* and the line end behind it */
    STATE_LAST_LINE,  /* the empty line behind the last chunk */
    STATE_SWALLOW,    /* a body that will be refused */
    STATE_DONE,       /* refused: nothing more is read */
};

struct http_front {
    struct http_front_options options;
    size_t connections;
    bool is_closed;
};

struct conn {
    unsigned magic;
    struct http_front *front;
    struct bufferevent *filter, *below; /* below is the socket's */
    struct event *timer;                /* runs while a request is arriving */
    struct event *kick; /* active while output waits for a flush */
    bool kicked;        /* and holds a reference on the filter */
    bool unsent;        /* output is on its way to the socket */
    enum state state;
    uint64_t left;         /* of a body, a chunk, or what is swallowed */
    struct evbuffer *head; /* of a chunked request */
    struct evbuffer *body; /* collected */
};

/* --- answers --- */

static void
refuse(struct conn *conn, enum http_refusal refusal, struct evbuffer *in,
       struct evbuffer *out)
{
    (void)evbuffer_drain(in, evbuffer_get_length(in));
    (void)evbuffer_add_printf(out,
                              "GET " HTTP_FRONT_REFUSED "%d HTTP/1.1\r\n"
                              "Host: refused\r\nConnection: close\r\n\r\n",
                              (int)refusal);
    conn->state = STATE_DONE;
}

enum http_refusal
http_front_refusal(struct slice path)
{
    struct slice prefix = SLICE(HTTP_FRONT_REFUSED);
    uint64_t number;

    if (!slice_starts(path, prefix) ||
        text_u64(slice_cut(path, prefix.len, path.len), &number) != STATUS_OK)
        return HTTP_REFUSAL_NONE;
    return number < HTTP_REFUSAL_COUNT ? (enum http_refusal)number
                                       : HTTP_REFUSAL_NONE;
}

/* --- heads --- */

/* Bytes up to and with the empty line, or 0. A head that ends its lines with
 * a bare line feed ends too: the guard refuses it. */
static size_t
head_length(struct evbuffer *in)
{
    struct evbuffer_ptr crlf = evbuffer_search(in, "\n\r\n", 3, NULL);
    struct evbuffer_ptr bare = evbuffer_search(in, "\n\n", 2, NULL);
    size_t len = crlf.pos < 0 ? 0 : (size_t)crlf.pos + 3;

    if (bare.pos >= 0 && (len == 0 || (size_t)bare.pos + 2 < len))
        len = (size_t)bare.pos + 2;
    return len;
}

/* Line ends between requests are allowed and mean nothing. */
static void
drop_blank_lines(struct evbuffer *in)
{
    char c;

    while (evbuffer_copyout(in, &c, 1) == 1 && (c == '\r' || c == '\n'))
        (void)evbuffer_drain(in, 1);
}

/* The request is whole: what comes next has a time of its own. */
static void
end_request(struct conn *conn)
{
    conn->state = STATE_HEAD;
    (void)evtimer_del(conn->timer);
}

static void
start_body(struct conn *conn, size_t head_len,
           const struct http_framing *framing, struct evbuffer *in,
           struct evbuffer *out)
{
    conn->left = framing->length;
    if (framing->chunked) {
        (void)evbuffer_remove_buffer(in, conn->head, head_len);
        conn->state = STATE_CHUNK_SIZE;
        return;
    }
    if (framing->length > conn->front->options.max_body) {
        if (framing->expects_continue ||
            framing->length > HTTP_FRONT_SWALLOW_MAX) {
            refuse(conn, HTTP_REFUSAL_BODY_TOO_LARGE, in, out);
            return;
        }
        (void)evbuffer_drain(in, head_len);
        conn->state = STATE_SWALLOW;
        return;
    }
    (void)evbuffer_remove_buffer(in, out, head_len);
    conn->state = STATE_BODY;
    if (framing->length == 0)
        end_request(conn);
}

/* Each step returns false when it needs more bytes. */
static bool
step_head(struct conn *conn, struct evbuffer *in, struct evbuffer *out)
{
    struct http_framing framing;
    enum http_refusal refusal;
    size_t len;

    drop_blank_lines(in);
    len = head_length(in);
    if (len > conn->front->options.max_head ||
        (len == 0 && evbuffer_get_length(in) > conn->front->options.max_head)) {
        refuse(conn, HTTP_REFUSAL_HEAD_TOO_LARGE, in, out);
        return true;
    }
    if (len == 0)
        return false;
    refusal = http_guard_head(
        slice_make((const char *)evbuffer_pullup(in, (ev_ssize_t)len), len),
        &framing);
    if (refusal != HTTP_REFUSAL_NONE)
        refuse(conn, refusal, in, out);
    else
        start_body(conn, len, &framing, in, out);
    return true;
}

/* --- bodies --- */

static size_t
available(const struct conn *conn, const struct evbuffer *in)
{
    size_t len = evbuffer_get_length(in);

    return conn->left < len ? (size_t)conn->left : len;
}

static bool
step_body(struct conn *conn, struct evbuffer *in, struct evbuffer *out)
{
    size_t len = available(conn, in);

    if (len == 0)
        return false;
    (void)evbuffer_remove_buffer(in, out, len);
    conn->left -= len;
    if (conn->left == 0)
        end_request(conn);
    return true;
}

static bool
step_swallow(struct conn *conn, struct evbuffer *in, struct evbuffer *out)
{
    size_t len = available(conn, in);

    (void)evbuffer_drain(in, len);
    conn->left -= len;
    if (conn->left > 0)
        return false;
    refuse(conn, HTTP_REFUSAL_BODY_TOO_LARGE, in, out);
    return true;
}

/* The chunks are all there: a plain request. */
static void
finish_chunked(struct conn *conn, struct evbuffer *in, struct evbuffer *out)
{
    size_t head_len = evbuffer_get_length(conn->head);
    struct slice head = slice_make(
        (const char *)evbuffer_pullup(conn->head, (ev_ssize_t)head_len),
        head_len);
    struct buf plain;

    buf_init(&plain, conn->front->options.max_head + 64);
    http_guard_set_length(head, evbuffer_get_length(conn->body), &plain);
    end_request(conn);
    if (buf_ok(&plain)) {
        (void)evbuffer_add(out, plain.data, plain.len);
        (void)evbuffer_add_buffer(out, conn->body);
    } else {
        refuse(conn, HTTP_REFUSAL_HEAD_TOO_LARGE, in, out);
    }
    buf_fini(&plain);
    (void)evbuffer_drain(conn->head, head_len);
    (void)evbuffer_drain(conn->body, evbuffer_get_length(conn->body));
}

static bool
step_chunk_size(struct conn *conn, struct evbuffer *in, struct evbuffer *out)
{
    char line[HTTP_GUARD_CHUNK_LINE_MAX];
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n", 2, NULL);
    size_t len = end.pos < 0 ? evbuffer_get_length(in) : (size_t)end.pos;

    if (len > sizeof(line)) {
        refuse(conn, HTTP_REFUSAL_CHUNK, in, out);
        return true;
    }
    if (end.pos < 0)
        return false;
    (void)evbuffer_remove(in, line, len);
    (void)evbuffer_drain(in, 2);
    if (http_guard_chunk(slice_make(line, len), &conn->left) !=
        HTTP_REFUSAL_NONE)
        refuse(conn, HTTP_REFUSAL_CHUNK, in, out);
    else if (conn->left >
             conn->front->options.max_body - evbuffer_get_length(conn->body))
        refuse(conn, HTTP_REFUSAL_BODY_TOO_LARGE, in, out);
    else
        conn->state = conn->left > 0 ? STATE_CHUNK_DATA : STATE_LAST_LINE;
    return true;
}

static bool
step_chunk_data(struct conn *conn, struct evbuffer *in)
{
    size_t len = available(conn, in);

    if (len == 0)
        return false;
    (void)evbuffer_remove_buffer(in, conn->body, len);
    conn->left -= len;
    if (conn->left == 0)
        conn->state = STATE_CHUNK_END;
    return true;
}

/* CR LF behind a chunk; behind the last one it ends the request, as trailers
 * are refused. */
static bool
step_line_end(struct conn *conn, struct evbuffer *in, struct evbuffer *out)
{
    char end[2];

    if (evbuffer_get_length(in) < 2)
        return false;
    (void)evbuffer_remove(in, end, 2);
    if (end[0] != '\r' || end[1] != '\n')
        refuse(conn, HTTP_REFUSAL_CHUNK, in, out);
    else if (conn->state == STATE_LAST_LINE)
        finish_chunked(conn, in, out);
    else
        conn->state = STATE_CHUNK_SIZE;
    return true;
}

/* --- the filter --- */

static bool
step(struct conn *conn, struct evbuffer *in, struct evbuffer *out)
{
    switch (conn->state) {
    case STATE_HEAD:
        return step_head(conn, in, out);
    case STATE_BODY:
        return step_body(conn, in, out);
    case STATE_CHUNK_SIZE:
        return step_chunk_size(conn, in, out);
    case STATE_CHUNK_DATA:
        return step_chunk_data(conn, in);
    case STATE_CHUNK_END:
    case STATE_LAST_LINE:
        return step_line_end(conn, in, out);
    case STATE_SWALLOW:
        return step_swallow(conn, in, out);
    case STATE_DONE:
        (void)evbuffer_drain(in, evbuffer_get_length(in));
        return false;
    }
    return false;
}

/* The clock runs from a request's first byte to its last, however busily the
 * client drips in between. */
static void
set_clock(struct conn *conn, struct evbuffer *in)
{
    bool is_waiting = conn->state == STATE_HEAD ? evbuffer_get_length(in) > 0
                                                : conn->state != STATE_DONE;
    ms_dur timeout = conn->front->options.receive_timeout;
    struct timeval after = {.tv_sec = timeout / 1000,
                            .tv_usec = timeout % 1000 * 1000};

    if (!is_waiting)
        (void)evtimer_del(conn->timer);
    else if (!evtimer_pending(conn->timer, NULL))
        (void)evtimer_add(conn->timer, &after);
}

static enum bufferevent_filter_result
on_input(struct evbuffer *in, struct evbuffer *out, ev_ssize_t limit,
         enum bufferevent_flush_mode mode, void *context)
{
    struct conn *conn = context;
    size_t before = evbuffer_get_length(out);

    (void)limit;
    (void)mode;
    CHECK_OBJ(conn, CONN_MAGIC);
    while (evbuffer_get_length(in) > 0 && step(conn, in, out))
        continue;
    set_clock(conn, in);
    return evbuffer_get_length(out) > before ? BEV_OK : BEV_NEED_MORE;
}

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

/* The socket's output buffer shrank. */
static void
on_below_changed(struct evbuffer *output, const struct evbuffer_cb_info *info,
                 void *context)
{
    struct conn *conn = context;

    CHECK_OBJ(conn, CONN_MAGIC);
    if (info->n_deleted == 0 || !conn->unsent ||
        evbuffer_get_length(output) > 0)
        return;
    conn->unsent = false;
    bufferevent_trigger(conn->filter, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
}

/* evhttp wrote something. */
static void
on_output_added(struct evbuffer *output, const struct evbuffer_cb_info *info,
                void *context)
{
    struct conn *conn = context;

    (void)output;
    CHECK_OBJ(conn, CONN_MAGIC);
    if (info->n_added == 0 || conn->kicked)
        return;
    conn->kicked = true;
    bufferevent_incref(conn->filter);
    event_active(conn->kick, EV_WRITE, 0);
}

static void
on_kick(evutil_socket_t fd, short what, void *context)
{
    struct conn *conn = context;

    (void)fd;
    (void)what;
    CHECK_OBJ(conn, CONN_MAGIC);
    conn->kicked = false;
    (void)bufferevent_flush(conn->filter, EV_WRITE, BEV_NORMAL);
    /* May be the last reference, and so the end of conn. */
    (void)bufferevent_decref(conn->filter);
}

/* The socket's end is all that is touched: the filter may be on its way out
 * already. evhttp reads the end of the stream and closes. */
static void
on_too_slow(evutil_socket_t fd, short what, void *context)
{
    struct conn *conn = context;

    (void)what;
    CHECK_OBJ(conn, CONN_MAGIC);
    conn->state = STATE_DONE;
    fd = bufferevent_getfd(conn->filter);
    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
}

/* --- life --- */

static void
conn_free(struct conn *conn)
{
    if (conn->timer)
        event_free(conn->timer);
    if (conn->kick)
        event_free(conn->kick);
    if (conn->head)
        evbuffer_free(conn->head);
    if (conn->body)
        evbuffer_free(conn->body);
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
    conn_free(conn);
    front->connections--;
    if (!front->is_closed)
        front->options.changed(front->options.context);
    else if (front->connections == 0)
        free(front);
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
    conn->head = evbuffer_new();
    conn->body = evbuffer_new();
    if (conn->timer && conn->kick && conn->head && conn->body)
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
http_front_connection(struct event_base *base, struct http_front *front)
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
    if (watch_output(conn))
        return conn->filter;
    bufferevent_free(conn->filter); /* and conn with it */
    return NULL;
}

struct http_front *
http_front_new(const struct http_front_options *options)
{
    struct http_front *front = calloc(1, sizeof(*front));

    if (front)
        front->options = *options;
    return front;
}

void
http_front_free(struct http_front **front_at)
{
    struct http_front *front = *front_at;

    *front_at = NULL;
    if (!front)
        return;
    front->is_closed = true;
    if (front->connections == 0)
        free(front);
}

size_t
http_front_connections(const struct http_front *front)
{
    return front->connections;
}
