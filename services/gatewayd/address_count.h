/* How many of something each client address has, up to a limit.
 *
 * Remembers only addresses that have one now, so its size is bounded by how
 * many there are in all. */
#ifndef SERVICES_GATEWAYD_ADDRESS_COUNT_H
#define SERVICES_GATEWAYD_ADDRESS_COUNT_H

#include "services/gatewayd/client_address.h"

#include <stdbool.h>
#include <stdint.h>

struct address_count;

/* limit 0 lets everything pass. NULL when out of memory. */
struct address_count *address_count_new(uint32_t limit);
void address_count_free(struct address_count **counts);
/* One more for this address (a client_address_key). False when it has as many
 * as it may, or there is no memory; then nothing is to be given back. */
bool address_count_take(struct address_count *counts,
                        const struct ip_address *address);
/* One that was taken is gone. */
void address_count_give(struct address_count *counts,
                        const struct ip_address *address);

#endif
