/* evhttp behind a small face.
 *
 * An exchange is followed by evhttp's on_complete and by the connection's
 * close callback: whichever comes first ends it, so a client that resets
 * leaves nothing behind and a drain always comes to its end. What bites:
 * TCP_NODELAY has to be set on the listening socket (accepted ones inherit
 * it); a request whose connection failed before the answer belongs to us and
 * must be freed here. */
#include "services/gatewayd/http_server.h"

#include "core/base/check.h"
#include "services/gatewayd/http_front.h"
#include "services/runtime/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_MAGIC 0x48535256u
#define EXCHANGE_MAGIC 0x48455843u
#define BACKLOG 1024 /* connections the kernel holds for us */
#define PORT_TRIES 8 /* free ports of one address tried on the others */
#define METHODS                                                                \
    (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |     \
     EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH)

struct address {
    struct sockaddr_storage socket;
    socklen_t len;
};

struct http_server {
    unsigned magic;
    struct evhttp *http;
    struct http_front *front;
    struct evhttp_bound_socket *bound[HTTP_ADDRESSES_MAX];
    size_t bound_count;
    struct address first; /* of the bound ones */
    size_t max_connections;
    bool full, draining;
    int port;
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
    CHECK_OBJ(exchange, EXCHANGE_MAGIC);
    evhttp_connection_set_closecb(exchange->connection, NULL, NULL);
    exchange_end(exchange);
}

static void
on_close(struct evhttp_connection *connection, void *context)
{
    struct http_exchange *exchange = context;

    CHECK_OBJ(exchange, EXCHANGE_MAGIC);
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

    CHECK_OBJ(server, SERVER_MAGIC);
    if (!exchange) {
        evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    exchange->magic = EXCHANGE_MAGIC;
    exchange->server = server;
    exchange->request = request;
    exchange->connection = evhttp_request_get_connection(request);
    server->open++;
    evhttp_connection_set_closecb(exchange->connection, on_close, exchange);
    evhttp_request_set_on_complete_cb(request, on_complete, exchange);
    server->on_request(server->context, exchange);
}

struct slice
http_exchange_method(const struct http_exchange *exchange)
{
    static const struct {
        enum evhttp_cmd_type type;
        const char *name;
    } names[] = {
        {EVHTTP_REQ_GET, "GET"},         {EVHTTP_REQ_HEAD, "HEAD"},
        {EVHTTP_REQ_POST, "POST"},       {EVHTTP_REQ_PUT, "PUT"},
        {EVHTTP_REQ_DELETE, "DELETE"},   {EVHTTP_REQ_PATCH, "PATCH"},
        {EVHTTP_REQ_OPTIONS, "OPTIONS"},
    };
    enum evhttp_cmd_type type = evhttp_request_get_command(exchange->request);

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].type == type)
            return slice_of(names[i].name);
    return SLICE("-");
}

/* The target as it was sent: evhttp's own parse is not asked. */
static struct slice
target(const struct http_exchange *exchange)
{
    return slice_of(evhttp_request_get_uri(exchange->request));
}

struct slice
http_exchange_path(const struct http_exchange *exchange)
{
    struct slice whole = target(exchange);
    ptrdiff_t mark = slice_find(whole, SLICE("?"));

    return mark < 0 ? whole : slice_cut(whole, 0, (size_t)mark);
}

struct slice
http_exchange_query(const struct http_exchange *exchange)
{
    struct slice whole = target(exchange);
    ptrdiff_t mark = slice_find(whole, SLICE("?"));

    if (mark < 0)
        return slice_make(NULL, 0);
    return slice_cut(whole, (size_t)mark + 1, whole.len);
}

struct slice
http_exchange_body(const struct http_exchange *exchange)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(exchange->request);
    size_t len = evbuffer_get_length(body);

    return slice_make((const char *)evbuffer_pullup(body, -1), len);
}

const char *
http_exchange_peer(const struct http_exchange *exchange)
{
    char *address = NULL;
    ev_uint16_t port = 0;

    evhttp_connection_get_peer(exchange->connection, &address, &port);
    return address ? address : "";
}

const char *
http_exchange_header(const struct http_exchange *exchange, const char *name)
{
    return evhttp_find_header(
        evhttp_request_get_input_headers(exchange->request), name);
}

void
http_exchange_on_gone(struct http_exchange *exchange, loop_fn gone,
                      void *context)
{
    CHECK_OBJ(exchange, EXCHANGE_MAGIC);
    exchange->gone = gone;
    exchange->gone_context = context;
}

void
http_exchange_set_header(struct http_exchange *exchange, const char *name,
                         const char *value)
{
    CHECK_OBJ(exchange, EXCHANGE_MAGIC);
    (void)evhttp_add_header(
        evhttp_request_get_output_headers(exchange->request), name, value);
}

/* evhttp would send a HEAD's body, and a 304's length, if it were given. */
static bool
has_body(const struct http_exchange *exchange, unsigned status)
{
    return evhttp_request_get_command(exchange->request) != EVHTTP_REQ_HEAD &&
           status != HTTP_NOCONTENT && status != HTTP_NOTMODIFIED;
}

/* RFC 9110 and 6585; evhttp has only a few of them. */
static const char *
phrase_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Status";
}

void
http_exchange_reply(struct http_exchange *exchange, unsigned status,
                    struct slice body)
{
    struct evbuffer *out;
    char length[24];

    CHECK_OBJ(exchange, EXCHANGE_MAGIC);
    CHECK(!exchange->replied);
    exchange->replied = true;
    out = evhttp_request_get_output_buffer(exchange->request);
    if (has_body(exchange, status)) {
        (void)evbuffer_add(out, body.ptr, body.len);
    } else if (status != HTTP_NOCONTENT && status != HTTP_NOTMODIFIED) {
        (void)snprintf(length, sizeof(length), "%zu", body.len);
        http_exchange_set_header(exchange, "Content-Length", length);
    }
    if (exchange->server->draining)
        http_exchange_set_header(exchange, "Connection", "close");
    /* The exchange may end in here. */
    evhttp_send_reply(exchange->request, (int)status, phrase_of(status), NULL);
}

/* --- listening --- */

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

    CHECK_OBJ(server, SERVER_MAGIC);
    return http_front_connection(base, server->front);
}

static enum status
parse_address(struct slice text, int port, struct address *ret_address)
{
    struct address address = {.len = sizeof(struct sockaddr_in)};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address.socket;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address.socket;
    char name[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof(name))
        return STATUS_INVALID_ARGUMENT;
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    if (inet_pton(AF_INET, name, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
    } else if (inet_pton(AF_INET6, name, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        address.len = sizeof(*v6);
    } else {
        return STATUS_INVALID_ARGUMENT;
    }
    *ret_address = address;
    return STATUS_OK;
}

static int
bound_port(int fd)
{
    struct address address = {.len = sizeof(address.socket)};

    if (getsockname(fd, (struct sockaddr *)&address.socket, &address.len) != 0)
        return 0;
    if (address.socket.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address.socket)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address.socket)->sin_port);
}

/* A listening socket, or -1 with errno. */
static int
listen_at(const struct address *address)
{
    int fd = socket(address->socket.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, error;

    if (fd < 0)
        return -1;
    /* A v6 socket for v6 only, so that "0.0.0.0,::" is no clash. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
        (address->socket.ss_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
        bind(fd, (const struct sockaddr *)&address->socket, address->len) ==
            0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

/* What one machine has and another has not. */
static bool
is_absent(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

/* Listen, or leave an absent address out. UNAVAILABLE when it is there and
 * cannot be had. */
static enum status
add_address(struct http_server *server, struct slice text,
            const struct address *address)
{
    struct evhttp_bound_socket *bound;
    int fd = listen_at(address);
    int error = errno;

    if (fd < 0) {
        bool absent = is_absent(error);

        log_event(absent ? LOG_WARN : LOG_ERROR,
                  absent ? "address-left-out" : "address-taken",
                  LOG_SLICE("address", text), LOG_I64("port", server->port),
                  LOG_STR("why", strerrordesc_np(error)));
        return absent ? STATUS_OK : STATUS_UNAVAILABLE;
    }
    bound = evhttp_accept_socket_with_handle(server->http, fd);
    CHECK(bound != NULL); /* only without memory */
    if (server->bound_count == 0)
        server->first = *address;
    server->port = bound_port(fd);
    server->bound[server->bound_count++] = bound;
    log_event(LOG_INFO, "listening", LOG_SLICE("address", text),
              LOG_I64("port", server->port));
    return STATUS_OK;
}

static enum status
listen_all(struct http_server *server, const char *addresses)
{
    struct slice rest = slice_of(addresses), part;

    while (slice_split(&rest, ',', &part)) {
        struct address address;
        enum status status;

        part = slice_trim(part);
        if (part.len == 0)
            continue;
        if (server->bound_count == HTTP_ADDRESSES_MAX ||
            parse_address(part, server->port, &address) != STATUS_OK) {
            log_event(LOG_ERROR, "bad-address", LOG_SLICE("address", part));
            return STATUS_INVALID_ARGUMENT;
        }
        status = add_address(server, part, &address);
        if (status != STATUS_OK)
            return status;
    }
    return server->bound_count > 0 ? STATUS_OK : STATUS_UNAVAILABLE;
}

static void
listen_none(struct http_server *server)
{
    for (size_t i = 0; i < server->bound_count; i++)
        evhttp_del_accept_socket(server->http, server->bound[i]);
    server->bound_count = 0;
}

/* A free port of the first address may be taken on the next one. */
static enum status
listen_anywhere(struct http_server *server, const char *addresses)
{
    enum status status = STATUS_UNAVAILABLE;

    for (int i = 0; i < PORT_TRIES && status == STATUS_UNAVAILABLE; i++) {
        listen_none(server);
        server->port = 0;
        status = listen_all(server, addresses);
    }
    return status;
}

static struct timeval
timeval_of(ms_dur duration)
{
    return (struct timeval){.tv_sec = duration / 1000,
                            .tv_usec = duration % 1000 * 1000};
}

static void
set_up_evhttp(struct http_server *server,
              const struct http_server_options *options)
{
    struct timeval idle = timeval_of(options->idle_timeout);

    evhttp_set_bevcb(server->http, on_connection, server);
    evhttp_set_gencb(server->http, on_http, server);
    evhttp_set_allowed_methods(server->http, METHODS);
    /* The front is the guard; these are nets behind it, a little wider. */
    evhttp_set_max_headers_size(server->http,
                                (ev_ssize_t)options->max_head + 1024);
    evhttp_set_max_body_size(server->http, (ev_ssize_t)options->max_body + 1);
    evhttp_set_timeout_tv(server->http, &idle);
    evhttp_set_default_content_type(server->http, NULL);
}

enum status
http_server_new(struct loop *loop, const struct http_server_options *options,
                struct http_server **ret_server)
{
    struct http_server *server = calloc(1, sizeof(*server));
    enum status status;

    if (!server)
        return STATUS_RESOURCE_EXHAUSTED;
    server->magic = SERVER_MAGIC;
    server->http = evhttp_new(loop_base(loop));
    server->port = options->port;
    server->max_connections = options->max_connections;
    server->on_request = options->on_request;
    server->context = options->context;
    server->front = http_front_new(&(struct http_front_options){
        .max_head = options->max_head,
        .max_body = options->max_body,
        .receive_timeout = options->receive_timeout,
        .changed = on_connections,
        .context = server});
    CHECK(server->http && server->front);
    set_up_evhttp(server, options);
    status = options->port == 0 ? listen_anywhere(server, options->addresses)
                                : listen_all(server, options->addresses);
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
    CHECK_OBJ(server, SERVER_MAGIC);
    server->draining = true;
    server->drained = NULL;
    evhttp_free(server->http);
    http_front_free(&server->front);
    server->magic = 0;
    free(server);
    *server_at = NULL;
}

int
http_server_port(const struct http_server *server)
{
    return server->port;
}

void
http_server_url(const struct http_server *server, struct buf *out)
{
    const struct sockaddr_storage *first = &server->first.socket;
    const struct in_addr *v4 = &((const struct sockaddr_in *)first)->sin_addr;
    const struct in6_addr *v6 =
        &((const struct sockaddr_in6 *)first)->sin6_addr;
    bool is_v6 = first->ss_family == AF_INET6;
    bool is_local =
        is_v6 ? IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_UNSPECIFIED(v6)
              : v4->s_addr == htonl(INADDR_LOOPBACK) ||
                    v4->s_addr == htonl(INADDR_ANY);
    char text[INET6_ADDRSTRLEN];

    CHECK_OBJ(server, SERVER_MAGIC);
    CHECK(inet_ntop(first->ss_family, is_v6 ? (const void *)v6 : v4, text,
                    sizeof(text)) != NULL);
    if (is_local)
        buf_putf(out, "http://localhost:%d/", server->port);
    else
        buf_putf(out, is_v6 ? "http://[%s]:%d/" : "http://%s:%d/", text,
                 server->port);
}

size_t
http_server_connections(const struct http_server *server)
{
    return http_front_connections(server->front);
}

void
http_server_drain(struct http_server *server, loop_fn finished, void *context)
{
    CHECK_OBJ(server, SERVER_MAGIC);
    server->draining = true;
    listen_none(server);
    if (server->open == 0) {
        finished(context);
        return;
    }
    server->drained = finished;
    server->drained_context = context;
}
