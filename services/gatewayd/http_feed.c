/* A small state machine for the bytes of a connection.
 *
 * What it holds is bounded by max_head plus max_body; a head that is not
 * whole stays in the caller's buffer and is bounded by max_head. Bytes are
 * moved, not copied, but for a head that is written again. */
#include "services/gatewayd/http_feed.h"

#include "core/base/buf.h"
#include "core/base/check.h"

#include <event2/buffer.h>

#define COPIED_MAX 4096 /* bytes of a piece; larger ones are moved */

enum state {
    STATE_HEAD,
    STATE_BODY,       /* of known length */
    STATE_CHUNK_SIZE, /* a size line */
    STATE_CHUNK_DATA, /* and its data */
    STATE_CHUNK_END,  /* and the line end behind it */
    STATE_LAST_LINE,  /* the empty line behind the last chunk */
    STATE_SWALLOW,    /* a body that will be refused */
    STATE_DONE,       /* refused: nothing more is read */
};

/* What a step says besides the events: go on with the next one. */
enum { STEP_ON = -1 };

static int
refuse(struct http_feed *feed, enum http_refusal refusal)
{
    feed->state = STATE_DONE;
    feed->refusal = refusal;
    (void)evbuffer_drain(feed->head, evbuffer_get_length(feed->head));
    (void)evbuffer_drain(feed->body, evbuffer_get_length(feed->body));
    return HTTP_FEED_REFUSAL;
}

enum http_feed_event
http_feed_refuse(struct http_feed *feed, enum http_refusal refusal)
{
    if (feed->state != STATE_BODY || feed->framing.expects_continue ||
        feed->left > HTTP_FEED_SWALLOW_MAX)
        return (enum http_feed_event)refuse(feed, refusal);
    (void)refuse(feed, refusal);
    feed->state = STATE_SWALLOW;
    return HTTP_FEED_MORE;
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

/* The request is all there. A head that evhttp could read in another way than
 * the guard did is written again. */
static int
finish(struct http_feed *feed, struct evbuffer *out)
{
    size_t len = evbuffer_get_length(feed->head);
    struct buf plain;

    feed->state = STATE_HEAD;
    if (!feed->framing.chunked && !feed->framing.expects_continue) {
        (void)evbuffer_add_buffer(out, feed->head);
        (void)evbuffer_add_buffer(out, feed->body);
        return HTTP_FEED_REQUEST;
    }
    buf_init(&plain, feed->limits->max_head + 64);
    http_guard_set_length(
        slice_make((const char *)evbuffer_pullup(feed->head, -1), len),
        evbuffer_get_length(feed->body), &plain);
    CHECK(buf_ok(&plain));
    (void)evbuffer_drain(feed->head, len);
    (void)evbuffer_add(out, plain.data, plain.len);
    (void)evbuffer_add_buffer(out, feed->body);
    buf_fini(&plain);
    return HTTP_FEED_REQUEST;
}

static int
start_body(struct http_feed *feed, struct evbuffer *out)
{
    feed->left = feed->framing.length;
    if (feed->framing.chunked) {
        feed->state = STATE_CHUNK_SIZE;
        return STEP_ON;
    }
    feed->state = STATE_BODY;
    if (feed->left > feed->limits->max_body) {
        enum http_feed_event event =
            http_feed_refuse(feed, HTTP_REFUSAL_BODY_TOO_LARGE);

        return event == HTTP_FEED_MORE ? STEP_ON : (int)event;
    }
    return feed->left > 0 ? STEP_ON : finish(feed, out);
}

static int
step_head(struct http_feed *feed, struct evbuffer *in, struct evbuffer *out)
{
    enum http_refusal refusal;
    size_t len;

    drop_blank_lines(in);
    len = head_length(in);
    if (len > feed->limits->max_head ||
        (len == 0 && evbuffer_get_length(in) > feed->limits->max_head))
        return refuse(feed, HTTP_REFUSAL_HEAD_TOO_LARGE);
    if (len == 0)
        return HTTP_FEED_MORE;
    (void)evbuffer_remove_buffer(in, feed->head, len);
    feed->framing = (struct http_framing){0};
    refusal = http_guard_head(
        slice_make((const char *)evbuffer_pullup(feed->head, -1), len),
        &feed->framing);
    if (refusal != HTTP_REFUSAL_NONE)
        return refuse(feed, refusal);
    return start_body(feed, out);
}

/* --- bodies --- */

static size_t
available(const struct http_feed *feed, const struct evbuffer *in)
{
    size_t len = evbuffer_get_length(in);

    return feed->left < len ? (size_t)feed->left : len;
}

/* Who said "Expect: 100-continue" and sent nothing yet waits for a word. */
static int
more_of_body(const struct http_feed *feed)
{
    return feed->framing.expects_continue &&
                   evbuffer_get_length(feed->body) == 0
               ? HTTP_FEED_CONTINUE
               : HTTP_FEED_MORE;
}

/* Bytes of the body. Each read made a piece of memory of a kilobyte or more,
 * however little came: what is small is copied behind what is there, so that a
 * body costs what it is long and no client can make it cost more. */
static void
take(struct http_feed *feed, struct evbuffer *in, size_t len)
{
    if (len > COPIED_MAX) {
        (void)evbuffer_remove_buffer(in, feed->body, len);
    } else if (len > 0) {
        (void)evbuffer_add(feed->body, evbuffer_pullup(in, (ev_ssize_t)len),
                           len);
        (void)evbuffer_drain(in, len);
    }
}

static int
step_body(struct http_feed *feed, struct evbuffer *in, struct evbuffer *out)
{
    size_t len = available(feed, in);

    take(feed, in, len);
    feed->left -= len;
    return feed->left > 0 ? more_of_body(feed) : finish(feed, out);
}

static int
step_swallow(struct http_feed *feed, struct evbuffer *in)
{
    size_t len = available(feed, in);

    (void)evbuffer_drain(in, len);
    feed->left -= len;
    return feed->left > 0 ? HTTP_FEED_MORE : refuse(feed, feed->refusal);
}

static int
step_chunk_size(struct http_feed *feed, struct evbuffer *in)
{
    char line[HTTP_GUARD_CHUNK_LINE_MAX];
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n", 2, NULL);
    size_t len = end.pos < 0 ? evbuffer_get_length(in) : (size_t)end.pos;

    if (len > sizeof(line))
        return refuse(feed, HTTP_REFUSAL_CHUNK);
    if (end.pos < 0)
        return len == 0 ? more_of_body(feed) : HTTP_FEED_MORE;
    (void)evbuffer_remove(in, line, len);
    (void)evbuffer_drain(in, 2);
    if (http_guard_chunk(slice_make(line, len), &feed->left) !=
        HTTP_REFUSAL_NONE)
        return refuse(feed, HTTP_REFUSAL_CHUNK);
    if (feed->left > feed->limits->max_body - evbuffer_get_length(feed->body))
        return refuse(feed, HTTP_REFUSAL_BODY_TOO_LARGE);
    feed->state = feed->left > 0 ? STATE_CHUNK_DATA : STATE_LAST_LINE;
    return STEP_ON;
}

static int
step_chunk_data(struct http_feed *feed, struct evbuffer *in)
{
    size_t len = available(feed, in);

    take(feed, in, len);
    feed->left -= len;
    if (feed->left > 0)
        return HTTP_FEED_MORE;
    feed->state = STATE_CHUNK_END;
    return STEP_ON;
}

/* CR LF behind a chunk; behind the last one it ends the request, as trailers
 * are refused. */
static int
step_line_end(struct http_feed *feed, struct evbuffer *in, struct evbuffer *out)
{
    char end[2];

    if (evbuffer_get_length(in) < 2)
        return HTTP_FEED_MORE;
    (void)evbuffer_remove(in, end, 2);
    if (end[0] != '\r' || end[1] != '\n')
        return refuse(feed, HTTP_REFUSAL_CHUNK);
    if (feed->state == STATE_LAST_LINE)
        return finish(feed, out);
    feed->state = STATE_CHUNK_SIZE;
    return STEP_ON;
}

static int
step(struct http_feed *feed, struct evbuffer *in, struct evbuffer *out)
{
    switch ((enum state)feed->state) {
    case STATE_HEAD:
        return step_head(feed, in, out);
    case STATE_BODY:
        return step_body(feed, in, out);
    case STATE_CHUNK_SIZE:
        return step_chunk_size(feed, in);
    case STATE_CHUNK_DATA:
        return step_chunk_data(feed, in);
    case STATE_CHUNK_END:
    case STATE_LAST_LINE:
        return step_line_end(feed, in, out);
    case STATE_SWALLOW:
        return step_swallow(feed, in);
    case STATE_DONE:
        (void)evbuffer_drain(in, evbuffer_get_length(in));
        break;
    }
    return HTTP_FEED_MORE;
}

enum http_feed_event
http_feed_take(struct http_feed *feed, struct evbuffer *in,
               struct evbuffer *out)
{
    int event;

    do
        event = step(feed, in, out);
    while (event == STEP_ON);
    return (enum http_feed_event)event;
}

/* --- life --- */

bool
http_feed_init(struct http_feed *feed, const struct http_feed_limits *limits)
{
    *feed = (struct http_feed){.limits = limits,
                               .state = STATE_HEAD,
                               .head = evbuffer_new(),
                               .body = evbuffer_new()};
    return feed->head && feed->body;
}

void
http_feed_fini(struct http_feed *feed)
{
    if (feed->head)
        evbuffer_free(feed->head);
    if (feed->body)
        evbuffer_free(feed->body);
    feed->head = feed->body = NULL;
}

size_t
http_feed_held(const struct http_feed *feed)
{
    return evbuffer_get_length(feed->head) + evbuffer_get_length(feed->body);
}

bool
http_feed_is_within(const struct http_feed *feed, const struct evbuffer *in)
{
    if (feed->state == STATE_HEAD)
        return evbuffer_get_length(in) > 0;
    return feed->state != STATE_DONE;
}
