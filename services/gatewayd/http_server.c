/* evhttp behind a small face.
 *
 * An exchange is followed by evhttp's on_complete and by the connection's
 * close callback: whichever comes first ends it, so a client that resets
 * leaves nothing behind. A request whose connection failed before the answer
 * belongs to us and must be freed here. evhttp's own timeouts are about
 * silence; they are off, the front has clocks that cannot be dripped past. */
#include "services/gatewayd/http_server.h"

#include "core/base/check.h"
#include "services/gatewayd/http_exchange.h"
#include "services/runtime/log.h"

#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define METHODS                                                                \
    (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |     \
     EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH)
/* Descriptors that are not connections: logs, sockets of libzmq, the loop. */
#define DESCRIPTORS_OWN 256u

/* --- exchanges --- */

static void
exchange_end(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;

    exchange->magic = 0;
    free(exchange);
    server->open--;
    if (server->open == 0 && server->drained) {
        loop_fn drained = server->drained;

        server->drained = NULL;
        drained(server->drained_context);
    }
}

static void
on_complete(struct evhttp_request *request, void *context)
{
    struct http_exchange *exchange = context;

    (void)request;
    CHECK_OBJ(exchange, HTTP_EXCHANGE_MAGIC);
    evhttp_connection_set_closecb(exchange->connection, NULL, NULL);
    exchange_end(exchange);
}

static void
on_close(struct evhttp_connection *connection, void *context)
{
    struct http_exchange *exchange = context;

    CHECK_OBJ(exchange, HTTP_EXCHANGE_MAGIC);
    evhttp_connection_set_closecb(connection, NULL, NULL);
    if (!exchange->replied && exchange->gone)
        exchange->gone(exchange->gone_context);
    /* evhttp takes the request off a connection that failed before the
     * answer, and leaves it to us; else it goes with the connection. */
    if (!evhttp_request_get_connection(exchange->request))
        evhttp_request_free(exchange->request);
    exchange_end(exchange);
}

static void
on_http(struct evhttp_request *request, void *context)
{
    struct http_server *server = context;
    struct http_exchange *exchange = calloc(1, sizeof(*exchange));

    CHECK_OBJ(server, HTTP_SERVER_MAGIC);
    if (!exchange) {
        evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    exchange->magic = HTTP_EXCHANGE_MAGIC;
    exchange->server = server;
    exchange->request = request;
    exchange->connection = evhttp_request_get_connection(request);
    server->open++;
    evhttp_connection_set_closecb(exchange->connection, on_close, exchange);
    evhttp_request_set_on_complete_cb(request, on_complete, exchange);
    server->on_request(server->context, exchange);
}

/* --- connections --- */

/* Stop accepting while all connections are taken. */
static void
on_connections(void *context)
{
    struct http_server *server = context;
    bool full =
        http_front_connections(server->front) >= server->max_connections;

    if (full == server->full || server->draining)
        return;
    server->full = full;
    for (size_t i = 0; i < server->bound_count; i++) {
        struct evconnlistener *listener =
            evhttp_bound_socket_get_listener(server->bound[i]);

        (void)(full ? evconnlistener_disable(listener)
                    : evconnlistener_enable(listener));
    }
    if (full)
        log_event(
            LOG_WARN, "connections-full-accepting-paused",
            LOG_U64("connections", http_front_connections(server->front)));
}

static struct bufferevent *
on_connection(struct event_base *base, void *context)
{
    struct http_server *server = context;

    struct bufferevent *guarded;

    CHECK_OBJ(server, HTTP_SERVER_MAGIC);
    guarded = http_front_connection(base, server->front);
    /* Without memory for it evhttp would serve the connection unguarded. */
    CHECK(guarded != NULL);
    return guarded;
}

static void
set_up_evhttp(struct http_server *server,
              const struct http_server_options *options)
{
    evhttp_set_bevcb(server->http, on_connection, server);
    evhttp_set_gencb(server->http, on_http, server);
    evhttp_set_allowed_methods(server->http, METHODS);
    /* The front is the guard; these are nets behind it, a little wider. */
    evhttp_set_max_headers_size(server->http,
                                (ev_ssize_t)options->max_head + 1024);
    evhttp_set_max_body_size(server->http, (ev_ssize_t)options->max_body + 1);
    evhttp_set_default_content_type(server->http, NULL);
}

/* A listener that cannot accept is ready for ever: stop before descriptors run
 * out. */
static size_t
fit_connections(size_t wanted)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return wanted;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max == RLIM_INFINITY ||
        files.rlim_max >= wanted + DESCRIPTORS_OWN)
        return wanted;
    wanted = files.rlim_max / 2 > DESCRIPTORS_OWN
                 ? (size_t)files.rlim_max - DESCRIPTORS_OWN
                 : (size_t)files.rlim_max / 2;
    log_event(LOG_WARN, "fewer-connections", LOG_U64("connections", wanted),
              LOG_STR("why", "the limit of open files (ulimit -n) is lower "
                             "than http.max_connections"));
    return wanted;
}

static struct http_front *
front_new(struct http_server *server, const struct http_server_options *options)
{
    return http_front_new(&(struct http_front_options){
        .limits = {.max_head = options->max_head,
                   .max_body = options->max_body},
        .max_buffered = options->max_buffered,
        .max_per_address = options->max_per_address,
        .exempt = options->trusted_proxies,
        .idle_timeout = options->idle_timeout,
        .receive_timeout = options->receive_timeout,
        .send_timeout = options->send_timeout,
        .metrics = options->metrics,
        .changed = on_connections,
        .context = server});
}

static enum status
start(struct http_server *server, const struct http_server_options *options)
{
    enum status status =
        http_listen_open(options->addresses, options->port, &server->listen);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < server->listen.count; i++) {
        server->bound[i] = evhttp_accept_socket_with_handle(
            server->http, server->listen.sockets[i]);
        CHECK(server->bound[i] != NULL); /* only without memory */
    }
    server->bound_count = server->listen.count;
    return STATUS_OK;
}

enum status
http_server_new(struct loop *loop, const struct http_server_options *options,
                struct http_server **ret_server)
{
    struct http_server *server = calloc(1, sizeof(*server));
    enum status status;

    if (!server)
        return STATUS_RESOURCE_EXHAUSTED;
    server->magic = HTTP_SERVER_MAGIC;
    server->http = evhttp_new(loop_base(loop));
    server->max_connections = fit_connections(options->max_connections);
    server->on_request = options->on_request;
    server->context = options->context;
    server->front = front_new(server, options);
    CHECK(server->http && server->front);
    set_up_evhttp(server, options);
    status = start(server, options);
    if (status != STATUS_OK) {
        http_server_free(&server);
        return status;
    }
    *ret_server = server;
    return STATUS_OK;
}

void
http_server_free(struct http_server **server_at)
{
    struct http_server *server = *server_at;

    if (!server)
        return;
    CHECK_OBJ(server, HTTP_SERVER_MAGIC);
    server->draining = true;
    server->drained = NULL;
    evhttp_free(server->http);
    http_front_free(&server->front);
    server->magic = 0;
    free(server);
    *server_at = NULL;
}

const struct http_listen *
http_server_listen(const struct http_server *server)
{
    CHECK_OBJ(server, HTTP_SERVER_MAGIC);
    return &server->listen;
}

bool
http_server_has_room(struct http_server *server, size_t len)
{
    CHECK_OBJ(server, HTTP_SERVER_MAGIC);
    return http_front_has_room(server->front, len);
}

size_t
http_server_connections(const struct http_server *server)
{
    return http_front_connections(server->front);
}

void
http_server_drain(struct http_server *server, loop_fn finished, void *context)
{
    CHECK_OBJ(server, HTTP_SERVER_MAGIC);
    server->draining = true;
    for (size_t i = 0; i < server->bound_count; i++)
        evhttp_del_accept_socket(server->http, server->bound[i]);
    server->bound_count = 0;
    if (server->open == 0) {
        finished(context);
        return;
    }
    server->drained = finished;
    server->drained_context = context;
}
