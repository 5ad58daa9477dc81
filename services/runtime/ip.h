/* IP addresses and networks as values, read from text. Never asks DNS.
 *
 * Everything is 16 bytes: an IPv4 address is its mapped form (::ffff:a.b.c.d),
 * so one comparison serves both, and an IPv4 network of b bits is one of
 * 96 + b. */
#ifndef SERVICES_RUNTIME_IP_H
#define SERVICES_RUNTIME_IP_H

#include "core/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct ip_address {
    uint8_t bytes[16];
};

struct ip_network {
    struct ip_address base;
    unsigned bits; /* of the 128 that must agree */
};

/* "10.0.0.1", "::1", "::ffff:10.0.0.1"; no blanks, brackets or zones. */
bool ip_parse(struct slice text, struct ip_address *ret_address);
/* Of four bytes in network order. */
struct ip_address ip_of_v4(const void *four);
bool ip_is_v4(const struct ip_address *address);
/* 127.0.0.0/8 and ::1. */
bool ip_is_loopback(const struct ip_address *address);
/* An address, or "10.0.0.0/8": bits of what the address is, 32 or 128. */
bool ip_network_parse(struct slice text, struct ip_network *ret_network);
bool ip_network_holds(const struct ip_network *network,
                      const struct ip_address *address);

#endif
