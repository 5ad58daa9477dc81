/* What stands between a socket and evhttp: bytes of connections in, only
 * whole and well-formed requests out, one at a time.
 *
 * A bufferevent filter around a http_feed, with the limits of a connection:
 *
 *   - as many connections of one client address as may be, the rest closed
 *     at once;
 *   - an absolute deadline for being idle, for sending a request (from its
 *     first byte to its last) and for taking an answer; however busily a
 *     client drips in between moves none of them;
 *   - so many bytes of requests and answers in all: who goes beyond while
 *     sending is refused;
 *   - while a request is answered nothing more is read, so a client that
 *     sends ahead fills the kernel's buffers and not ours.
 *
 * A refusal reaches evhttp as a request for HTTP_FRONT_REFUSED<number> that
 * closes the connection, so that it is answered like any other. */
#ifndef SERVICES_GATEWAYD_HTTP_FRONT_H
#define SERVICES_GATEWAYD_HTTP_FRONT_H

#include "core/base/utc.h"
#include "services/gatewayd/client_address.h"
#include "services/gatewayd/http_feed.h"
#include "services/runtime/metrics.h"

#include <stddef.h>

struct event_base;
struct bufferevent;

#define HTTP_FRONT_REFUSED "/!refused/"

struct http_front;

struct http_front_options {
    struct http_feed_limits limits;
    uint64_t max_buffered;                /* bytes, of all connections */
    uint32_t max_per_address;             /* connections; 0: no limit */
    const struct client_networks *exempt; /* from it; borrowed */
    ms_dur idle_timeout, receive_timeout, send_timeout;
    struct metrics *metrics; /* borrowed */
    /* Told whenever the number of connections changed. */
    void (*changed)(void *context);
    void *context;
};

/* NULL when out of memory. */
struct http_front *http_front_new(const struct http_front_options *options);
/* Nobody is told from now on; the memory goes with the last connection, which
 * libevent frees when the loop next runs or ends. */
void http_front_free(struct http_front **front);
size_t http_front_connections(const struct http_front *front);
/* Whether an answer of so many bytes may be held as well; one that may not is
 * counted. */
bool http_front_has_room(struct http_front *front, size_t len);

/* A filtered bufferevent without a socket yet, as evhttp wants it; NULL when
 * out of memory. */
struct bufferevent *
http_front_connection(struct event_base *base, struct http_front *front);

/* The refusal that a path stands for, or NONE. */
enum http_refusal http_front_refusal(struct slice path);

#endif
