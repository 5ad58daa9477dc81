/* HTTP on the daemon's loop: requests in, exchanges to be answered out.
 *
 * Only http_server.c and http_exchange.c know evhttp. A request that reaches
 * the handler is well-formed and whole (http_front sees to that). The handler
 * answers each exchange exactly once, now or later; when the client goes away
 * first, the exchange ends by itself and says so. */
#ifndef SERVICES_GATEWAYD_HTTP_SERVER_H
#define SERVICES_GATEWAYD_HTTP_SERVER_H

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/base/utc.h"
#include "services/gatewayd/client_address.h"
#include "services/gatewayd/http_listen.h"
#include "services/runtime/loop.h"
#include "services/runtime/metrics.h"

#include <stdbool.h>
#include <stddef.h>

struct http_server;
struct http_exchange; /* a request and its answer */

typedef void (*http_request_fn)(void *context, struct http_exchange *exchange);

struct http_server_options {
    const char *addresses; /* "127.0.0.1,::1" */
    int port;              /* 0: a free one, the same for all addresses */
    size_t max_head, max_body, max_connections;
    uint32_t max_per_address; /* connections; 0: no limit */
    uint64_t max_buffered;    /* bytes of requests and answers */
    ms_dur idle_timeout, receive_timeout, send_timeout;
    const struct client_networks *trusted_proxies; /* borrowed */
    struct metrics *metrics;                       /* borrowed */
    http_request_fn on_request;
    void *context;
};

/* Listen; what http_listen_open says. */
enum status http_server_new(struct loop *loop,
                            const struct http_server_options *options,
                            struct http_server **ret_server) MUST_CHECK;
/* Connections are closed; unanswered exchanges end as gone first. */
void http_server_free(struct http_server **server);
/* Where it listens. */
const struct http_listen *http_server_listen(const struct http_server *server);
size_t http_server_connections(const struct http_server *server);
/* Whether an answer of so many bytes may be held as well. */
bool http_server_has_room(struct http_server *server, size_t len);
/* Accept no more, close connections after their answer, and call finished
 * (once) when no exchange is open. */
void
http_server_drain(struct http_server *server, loop_fn finished, void *context);

/* What was asked; lives as long as the exchange. */
struct slice http_exchange_method(const struct http_exchange *exchange);
struct slice http_exchange_path(const struct http_exchange *exchange);
struct slice http_exchange_query(const struct http_exchange *exchange);
struct slice http_exchange_body(const struct http_exchange *exchange);
/* The peer's address as text. */
const char *http_exchange_peer(const struct http_exchange *exchange);
/* The first header of a name (case ignored); NULL when there is none. */
const char *
http_exchange_header(const struct http_exchange *exchange, const char *name);

/* All headers of a name as one list, appended to out. */
void http_exchange_headers(const struct http_exchange *exchange,
                           const char *name, struct buf *out);

/* Called when the client went away before the answer. The exchange must not
 * be touched afterwards. */
void http_exchange_on_gone(struct http_exchange *exchange, loop_fn gone,
                           void *context);
/* A header of the answer; both are copied. */
void http_exchange_set_header(struct http_exchange *exchange, const char *name,
                              const char *value);
/* Answer; the exchange must not be touched afterwards. The body is copied; a
 * HEAD gets its length only. */
void http_exchange_reply(struct http_exchange *exchange, unsigned status,
                         struct slice body);

#endif
