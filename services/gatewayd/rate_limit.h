/* So many requests of one client in a fixed window.
 *
 * A client's window starts with its first request. The table has a fixed
 * size whatever comes: where it is crowded, the client that asked least is
 * forgotten and starts a new window, so nobody is refused for another's
 * sake. */
#ifndef SERVICES_GATEWAYD_RATE_LIMIT_H
#define SERVICES_GATEWAYD_RATE_LIMIT_H

#include "core/base/utc.h"
#include "services/gatewayd/client_address.h"

#include <stdbool.h>
#include <stdint.h>

struct rate_limit;

/* capacity: clients remembered, a power of two of at least 8; 32 bytes each.
 * limit 0 lets everything pass. NULL when out of memory. */
struct rate_limit *
rate_limit_new(uint32_t limit, ms_dur window, size_t capacity);
void rate_limit_free(struct rate_limit **rate);
/* Count a request of this client at this monotonic time. False when it is
 * one too many; then ret_wait is how long until its window ends. */
bool rate_limit_take(struct rate_limit *rate, const struct ip_address *client,
                     ms_time now, ms_dur *ret_wait);

#endif
