/* Addresses of clients; how they are read and compared is
 * services/runtime/ip.h. */
#include "services/gatewayd/client_address.h"

#include <netinet/in.h>
#include <string.h>

#define HOPS_MAX 32 /* entries of X-Forwarded-For that are looked at */

bool
client_address_of_socket(const struct sockaddr_storage *peer,
                         struct ip_address *ret_address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;

    if (peer->ss_family == AF_INET) {
        *ret_address = ip_of_v4(&v4->sin_addr);
        return true;
    }
    if (peer->ss_family != AF_INET6)
        return false;
    memcpy(ret_address->bytes, &v6->sin6_addr, sizeof(ret_address->bytes));
    return true;
}

enum status
client_networks_parse(struct slice text, struct client_networks *ret_networks)
{
    struct client_networks networks = {0};
    struct slice part;

    while (slice_split(&text, ',', &part)) {
        part = slice_trim(part);
        if (part.len == 0)
            continue;
        if (networks.count == CLIENT_NETWORKS_MAX)
            return STATUS_RESOURCE_EXHAUSTED;
        if (!ip_network_parse(part, &networks.list[networks.count]))
            return STATUS_INVALID_ARGUMENT;
        networks.count++;
    }
    *ret_networks = networks;
    return STATUS_OK;
}

bool
client_networks_hold(const struct client_networks *networks,
                     const struct ip_address *address)
{
    for (size_t i = 0; i < networks->count; i++)
        if (ip_network_holds(&networks->list[i], address))
            return true;
    return false;
}

/* Take the part behind the last comma off *rest. */
static bool
last_hop(struct slice *rest, struct slice *ret_hop)
{
    size_t start = rest->len;

    if (rest->len == 0)
        return false;
    while (start > 0 && rest->ptr[start - 1] != ',')
        start--;
    *ret_hop = slice_trim(slice_cut(*rest, start, rest->len));
    *rest = slice_cut(*rest, 0, start > 0 ? start - 1 : 0);
    return true;
}

struct ip_address
client_address_of(struct slice peer, const char *forwarded,
                  const struct client_networks *trusted)
{
    struct ip_address client = {{0}}, next;
    struct slice rest = slice_of(forwarded), hop;

    /* A peer that cannot be read shares the bucket of all such. */
    if (!ip_parse(peer, &client))
        return client;
    for (unsigned i = 0; i < HOPS_MAX; i++) {
        if (!client_networks_hold(trusted, &client))
            return client;
        if (!last_hop(&rest, &hop) || !ip_parse(hop, &next))
            return client;
        client = next;
    }
    return client;
}

struct ip_address
client_address_key(struct ip_address address)
{
    if (!ip_is_v4(&address))
        memset(address.bytes + 8, 0, 8);
    return address;
}
