/* Bytes of one connection in, whole and well-formed requests out, one at a
 * time.
 *
 * A request is held back until its last byte is there: its head is judged by
 * http_guard, its body collected, in chunks or not, and what goes out is the
 * head with a plain Content-Length and the body. A body that is too large is
 * read to its end and thrown away (up to a limit), so that the client gets to
 * see the answer instead of a reset. Buffers in, buffers out: no socket, no
 * clock. */
#ifndef SERVICES_GATEWAYD_HTTP_FEED_H
#define SERVICES_GATEWAYD_HTTP_FEED_H

#include "services/gatewayd/http_guard.h"

#include <stddef.h>
#include <stdint.h>

struct evbuffer;

/* Of a body that is refused, how much is read first. */
#define HTTP_FEED_SWALLOW_MAX (16u << 20)

struct http_feed_limits {
    size_t max_head, max_body;
};

enum http_feed_event {
    HTTP_FEED_MORE,     /* wait for more bytes */
    HTTP_FEED_CONTINUE, /* the same, and the client waits for "100" */
    HTTP_FEED_REQUEST,  /* a request was put out; there may be more */
    HTTP_FEED_REFUSAL,  /* feed->refusal says why: the end of this feed */
};

/* Embedded in a connection; the fields are the feed's own but refusal. */
struct http_feed {
    const struct http_feed_limits *limits; /* borrowed */
    enum http_refusal refusal;
    int state;
    uint64_t left; /* of a body, a chunk, or what is swallowed */
    struct http_framing framing;
    struct evbuffer *head, *body; /* of the request that is arriving */
};

/* False when out of memory; http_feed_fini is due all the same. */
bool
http_feed_init(struct http_feed *feed, const struct http_feed_limits *limits);
void http_feed_fini(struct http_feed *feed);
/* Take bytes of `in` until something happened or all are gone. What is left in
 * `in` was not looked at, or is the beginning of a head. */
enum http_feed_event http_feed_take(struct http_feed *feed, struct evbuffer *in,
                                    struct evbuffer *out);
/* Refuse the request that is arriving for a reason of the caller's own. What
 * is held of it goes; REFUSAL, or MORE while the rest is swallowed first. */
enum http_feed_event
http_feed_refuse(struct http_feed *feed, enum http_refusal refusal);
/* Bytes held of the request that is arriving. */
size_t http_feed_held(const struct http_feed *feed);
/* A request has begun and is not whole (nor refused); `in` is what
 * http_feed_take left. */
bool
http_feed_is_within(const struct http_feed *feed, const struct evbuffer *in);

#endif
