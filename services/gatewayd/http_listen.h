/* Addresses as text in, listening sockets out. */
#ifndef SERVICES_GATEWAYD_HTTP_LISTEN_H
#define SERVICES_GATEWAYD_HTTP_LISTEN_H

#include "core/base/buf.h"
#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define HTTP_LISTEN_MAX 16 /* addresses */

struct http_listen {
    size_t count;
    int sockets[HTTP_LISTEN_MAX]; /* non-blocking; the caller's */
    struct sockaddr_storage first;
    int port;       /* the same for all */
    bool is_beyond; /* one of them is no loopback address */
};

/* Listen at "127.0.0.1,::1"; port 0 takes one that is free at all of them.
 * INVALID_ARGUMENT for a malformed address. An address that this machine does
 * not have is left out; UNAVAILABLE when that leaves none, or when an address
 * cannot be had for another reason: one that somebody else uses would answer
 * for us (each reason is logged). */
enum status http_listen_open(const char *addresses, int port,
                             struct http_listen *ret_listen) MUST_CHECK;
/* "http://localhost:3000/", for the first address; localhost stands for
 * loopback and for every address. */
void http_listen_url(const struct http_listen *listen, struct buf *out);

#endif
