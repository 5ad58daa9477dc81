/* Addresses of clients, as 16 bytes.
 *
 * Everything is compared as IPv6, so an IPv4 network of b bits is one of
 * 96 + b. Never asks DNS. */
#include "services/gatewayd/client_address.h"

#include "core/base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define V4_OFFSET 12 /* bytes of a mapped address before the IPv4 ones */
#define HOPS_MAX 32  /* entries of X-Forwarded-For that are looked at */

static const uint8_t v4_prefix[V4_OFFSET] = {0, 0, 0, 0, 0,    0,
                                             0, 0, 0, 0, 0xff, 0xff};

static bool
is_v4(const struct client_address *address)
{
    return memcmp(address->bytes, v4_prefix, V4_OFFSET) == 0;
}

bool
client_address_parse(struct slice text, struct client_address *ret_address)
{
    struct client_address address = {{0}};
    char name[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof(name))
        return false;
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    if (inet_pton(AF_INET, name, address.bytes + V4_OFFSET) == 1)
        memcpy(address.bytes, v4_prefix, V4_OFFSET);
    else if (inet_pton(AF_INET6, name, address.bytes) != 1)
        return false;
    *ret_address = address;
    return true;
}

bool
client_address_of_socket(const struct sockaddr_storage *peer,
                         struct client_address *ret_address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;

    if (peer->ss_family == AF_INET) {
        memcpy(ret_address->bytes, v4_prefix, V4_OFFSET);
        memcpy(ret_address->bytes + V4_OFFSET, &v4->sin_addr,
               sizeof(v4->sin_addr));
        return true;
    }
    if (peer->ss_family != AF_INET6)
        return false;
    memcpy(ret_address->bytes, &v6->sin6_addr, sizeof(ret_address->bytes));
    return true;
}

bool
client_address_is_loopback(const struct client_address *address)
{
    static const struct client_address v6 = {{[15] = 1}};

    return is_v4(address) ? address->bytes[V4_OFFSET] == 127
                          : memcmp(address, &v6, sizeof(v6)) == 0;
}

static bool
parse_network(struct slice text, struct client_address *ret_base,
              unsigned *ret_bits)
{
    ptrdiff_t slash = slice_find(text, SLICE("/"));
    struct slice base = text;
    uint64_t bits;

    if (slash >= 0)
        base = slice_cut(text, 0, (size_t)slash);
    if (!client_address_parse(base, ret_base))
        return false;
    if (slash < 0) {
        *ret_bits = 128;
        return true;
    }
    if (text_u64(slice_cut(text, (size_t)slash + 1, text.len), &bits) !=
            STATUS_OK ||
        bits > (is_v4(ret_base) ? 32U : 128U))
        return false;
    *ret_bits = (unsigned)bits + (is_v4(ret_base) ? 96U : 0U);
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
        if (!parse_network(part, &networks.base[networks.count],
                           &networks.bits[networks.count]))
            return STATUS_INVALID_ARGUMENT;
        networks.count++;
    }
    *ret_networks = networks;
    return STATUS_OK;
}

static bool
agrees(const struct client_address *a, const struct client_address *b,
       unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    unsigned mask = 0xffU << (8 - rest) & 0xffU;

    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0;
}

bool
client_networks_hold(const struct client_networks *networks,
                     const struct client_address *address)
{
    for (size_t i = 0; i < networks->count; i++)
        if (agrees(&networks->base[i], address, networks->bits[i]))
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

struct client_address
client_address_of(struct slice peer, const char *forwarded,
                  const struct client_networks *trusted)
{
    struct client_address client = {{0}}, next;
    struct slice rest = slice_of(forwarded), hop;

    /* A peer that cannot be read shares the bucket of all such. */
    if (!client_address_parse(peer, &client))
        return client;
    for (unsigned i = 0; i < HOPS_MAX; i++) {
        if (!client_networks_hold(trusted, &client))
            return client;
        if (!last_hop(&rest, &hop) || !client_address_parse(hop, &next))
            return client;
        client = next;
    }
    return client;
}

struct client_address
client_address_key(struct client_address address)
{
    if (!is_v4(&address))
        memset(address.bytes + 8, 0, 8);
    return address;
}
