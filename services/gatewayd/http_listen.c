/* Listening sockets.
 *
 * TCP_NODELAY is set on them because accepted ones inherit it; a v6 socket is
 * for v6 only. */
#include "services/gatewayd/http_listen.h"

#include "core/base/check.h"
#include "services/gatewayd/client_address.h"
#include "services/runtime/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 1024 /* connections the kernel holds for us */
#define PORT_TRIES 8 /* free ports of one address tried on the others */

struct address {
    struct sockaddr_storage socket;
    socklen_t len;
};

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

static bool
is_loopback(const struct address *address)
{
    struct ip_address client;

    return client_address_of_socket(&address->socket, &client) &&
           ip_is_loopback(&client);
}

/* Listen, or leave an absent address out. UNAVAILABLE when it is there and
 * cannot be had. */
static enum status
add_address(struct http_listen *listen, struct slice text,
            const struct address *address)
{
    int fd = listen_at(address);
    int error = errno;

    if (fd < 0) {
        bool absent = is_absent(error);

        log_event(absent ? LOG_WARN : LOG_ERROR,
                  absent ? "address-left-out" : "address-taken",
                  LOG_SLICE("address", text), LOG_I64("port", listen->port),
                  LOG_STR("why", strerrordesc_np(error)));
        return absent ? STATUS_OK : STATUS_UNAVAILABLE;
    }
    if (listen->count == 0)
        listen->first = address->socket;
    listen->port = bound_port(fd);
    listen->sockets[listen->count++] = fd;
    if (!is_loopback(address))
        listen->is_beyond = true;
    log_event(LOG_INFO, "listening", LOG_SLICE("address", text),
              LOG_I64("port", listen->port));
    return STATUS_OK;
}

static void
close_all(struct http_listen *listen)
{
    while (listen->count > 0)
        (void)close(listen->sockets[--listen->count]);
}

static enum status
open_each(struct http_listen *listen, const char *addresses)
{
    struct slice rest = slice_of(addresses), part;

    while (slice_split(&rest, ',', &part)) {
        struct address address;
        enum status status;

        part = slice_trim(part);
        if (part.len == 0)
            continue;
        if (listen->count == HTTP_LISTEN_MAX ||
            parse_address(part, listen->port, &address) != STATUS_OK) {
            log_event(LOG_ERROR, "bad-address", LOG_SLICE("address", part));
            return STATUS_INVALID_ARGUMENT;
        }
        status = add_address(listen, part, &address);
        if (status != STATUS_OK)
            return status;
    }
    return listen->count > 0 ? STATUS_OK : STATUS_UNAVAILABLE;
}

enum status
http_listen_open(const char *addresses, int port,
                 struct http_listen *ret_listen)
{
    /* A free port of the first address may be taken on the next one. */
    int tries = port == 0 ? PORT_TRIES : 1;
    enum status status = STATUS_UNAVAILABLE;

    for (int i = 0; i < tries && status == STATUS_UNAVAILABLE; i++) {
        struct http_listen listen = {.port = port};

        status = open_each(&listen, addresses);
        if (status == STATUS_OK)
            *ret_listen = listen;
        else
            close_all(&listen);
    }
    return status;
}

void
http_listen_url(const struct http_listen *listen, struct buf *out)
{
    const struct sockaddr_storage *first = &listen->first;
    const struct in_addr *v4 = &((const struct sockaddr_in *)first)->sin_addr;
    const struct in6_addr *v6 =
        &((const struct sockaddr_in6 *)first)->sin6_addr;
    bool is_v6 = first->ss_family == AF_INET6;
    bool is_local =
        is_v6 ? IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_UNSPECIFIED(v6)
              : v4->s_addr == htonl(INADDR_LOOPBACK) ||
                    v4->s_addr == htonl(INADDR_ANY);
    char text[INET6_ADDRSTRLEN];

    CHECK(inet_ntop(first->ss_family, is_v6 ? (const void *)v6 : v4, text,
                    sizeof(text)) != NULL);
    if (is_local)
        buf_putf(out, "http://localhost:%d/", listen->port);
    else
        buf_putf(out, is_v6 ? "http://[%s]:%d/" : "http://%s:%d/", text,
                 listen->port);
}
