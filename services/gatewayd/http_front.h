/* What stands between a socket and evhttp: bytes of connections in, only
 * well-formed requests out.
 *
 * A bufferevent filter that reads ahead of evhttp: it holds a head back until
 * it is whole and http_guard found it fit, collects chunked bodies into
 * plain ones, swallows (up to a limit) and refuses bodies that are too
 * large, and cuts off clients that take too long to send a request. A
 * refusal reaches evhttp as a request for HTTP_FRONT_REFUSED<number> that
 * closes the connection, so that it is answered like any other. */
#ifndef SERVICES_GATEWAYD_HTTP_FRONT_H
#define SERVICES_GATEWAYD_HTTP_FRONT_H

#include "core/base/utc.h"
#include "services/gatewayd/http_guard.h"

#include <stddef.h>

struct event_base;
struct bufferevent;

#define HTTP_FRONT_REFUSED "/!refused/"
/* Of a body that is refused, how much is read first so that the client gets
 * to see the answer instead of a reset. */
#define HTTP_FRONT_SWALLOW_MAX (16u << 20)

struct http_front;

struct http_front_options {
    size_t max_head, max_body;
    ms_dur receive_timeout;
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

/* A filtered bufferevent without a socket yet, as evhttp wants it; NULL when
 * out of memory. */
struct bufferevent *
http_front_connection(struct event_base *base, struct http_front *front);

/* The refusal that a path stands for, or NONE. */
enum http_refusal http_front_refusal(struct slice path);

#endif
