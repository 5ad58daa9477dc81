/* Who a request is from: peer and X-Forwarded-For in, one address out.
 *
 * Forwarded headers count only when they come from a proxy that the operator
 * named. */
#ifndef SERVICES_GATEWAYD_CLIENT_ADDRESS_H
#define SERVICES_GATEWAYD_CLIENT_ADDRESS_H

#include "core/base/slice.h"
#include "core/base/status.h"
#include "services/runtime/ip.h"

#include <stdbool.h>
#include <stddef.h>

#define CLIENT_NETWORKS_MAX 64

struct client_networks {
    size_t count;
    struct ip_network list[CLIENT_NETWORKS_MAX];
};

struct sockaddr_storage;

/* Of a socket's peer; false for one that is no IP address. */
bool client_address_of_socket(const struct sockaddr_storage *peer,
                              struct ip_address *ret_address);
/* "10.0.0.1, 10.1.0.0/16, fd00::/8"; empty is none. INVALID_ARGUMENT,
 * RESOURCE_EXHAUSTED past CLIENT_NETWORKS_MAX. */
enum status
client_networks_parse(struct slice text,
                      struct client_networks *ret_networks) MUST_CHECK;
bool client_networks_hold(const struct client_networks *networks,
                          const struct ip_address *address);

/* The client: the peer, or when the peer is a trusted proxy the last address
 * in forwarded (X-Forwarded-For, may be NULL) that is none. What cannot be
 * read stops the search at the proxy that sent it. */
struct ip_address client_address_of(struct slice peer, const char *forwarded,
                                    const struct client_networks *trusted);
/* What limits count by: an IPv4 address, or the /64 of an IPv6 one, which is
 * what one customer has. */
struct ip_address client_address_key(struct ip_address address);

#endif
