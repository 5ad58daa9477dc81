/* libc's inet_pton reads the addresses; bits and comparison are ours. */
#include "services/runtime/ip.h"

#include "core/base/status.h"
#include "core/base/text.h"

#include <arpa/inet.h>
#include <string.h>

#define V4_OFFSET 12 /* bytes of a mapped address before the IPv4 ones */

static const uint8_t v4_prefix[V4_OFFSET] = {[10] = 0xff, [11] = 0xff};

struct ip_address
ip_of_v4(const void *four)
{
    struct ip_address address;
    memcpy(address.bytes, v4_prefix, V4_OFFSET);
    memcpy(address.bytes + V4_OFFSET, four, 4);
    return address;
}

bool
ip_parse(struct slice text, struct ip_address *ret_address)
{
    struct ip_address address = {{0}};
    struct in_addr v4;
    char name[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof(name) ||
        memchr(text.ptr, '\0', text.len) !=
            NULL) /* inet_pton would end there */
        return false;
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    if (inet_pton(AF_INET, name, &v4) == 1)
        address = ip_of_v4(&v4);
    else if (inet_pton(AF_INET6, name, address.bytes) != 1)
        return false;
    *ret_address = address;
    return true;
}

bool
ip_is_v4(const struct ip_address *address)
{
    return memcmp(address->bytes, v4_prefix, V4_OFFSET) == 0;
}

bool
ip_is_loopback(const struct ip_address *address)
{
    static const struct ip_address v6 = {{[15] = 1}};
    return ip_is_v4(address) ? address->bytes[V4_OFFSET] == 127
                             : memcmp(address, &v6, sizeof(v6)) == 0;
}

bool
ip_network_parse(struct slice text, struct ip_network *ret_network)
{
    struct ip_network network = {.bits = 128};
    ptrdiff_t slash = slice_find(text, SLICE("/"));
    uint64_t bits;
    struct slice base = slash < 0 ? text : slice_cut(text, 0, (size_t)slash);
    if (!ip_parse(base, &network.base))
        return false;
    if (slash >= 0) {
        bool v4 = ip_is_v4(&network.base);
        if (text_u64(slice_cut(text, (size_t)slash + 1, text.len), &bits) !=
                STATUS_OK ||
            bits > (v4 ? 32U : 128U))
            return false;
        network.bits = (unsigned)bits + (v4 ? 96U : 0U);
    }
    *ret_network = network;
    return true;
}

bool
ip_network_holds(const struct ip_network *network,
                 const struct ip_address *address)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    unsigned mask = 0xffU << (8 - rest) & 0xffU;
    const uint8_t *a = network->base.bytes, *b = address->bytes;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) & mask) == 0;
}
