/* An exchange and its server from inside; shared by http_server.c and
 * http_exchange.c alone. What others may know is in http_server.h. */
#ifndef SERVICES_GATEWAYD_HTTP_EXCHANGE_H
#define SERVICES_GATEWAYD_HTTP_EXCHANGE_H

#include "services/gatewayd/http_front.h"
#include "services/gatewayd/http_listen.h"
#include "services/gatewayd/http_server.h"

#define HTTP_SERVER_MAGIC 0x48535256u
#define HTTP_EXCHANGE_MAGIC 0x48455843u

struct evhttp;
struct evhttp_bound_socket;
struct evhttp_connection;
struct evhttp_request;

struct http_server {
    unsigned magic;
    struct evhttp *http;
    struct http_front *front;
    struct http_listen listen; /* its sockets are evhttp's */
    struct evhttp_bound_socket *bound[HTTP_LISTEN_MAX];
    size_t bound_count;
    size_t max_connections;
    bool full, draining;
    http_request_fn on_request;
    void *context;
    size_t open; /* exchanges not yet ended */
    loop_fn drained;
    void *drained_context;
};

struct http_exchange {
    unsigned magic;
    struct http_server *server;
    struct evhttp_request *request;
    struct evhttp_connection *connection;
    bool replied;
    loop_fn gone;
    void *gone_context;
};

#endif
