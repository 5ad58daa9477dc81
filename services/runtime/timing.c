/* The intervals: defaults, and one table that says which key sets which. */
#include "services/runtime/timing.h"

#include "core/base/check.h"

#include <stddef.h>

static const struct {
    const char *key;
    size_t place; /* in struct timing */
    ms_dur fallback;
} rows[] = {
    {"rpc.ping_every", offsetof(struct timing, ping_every), RPC_PING_EVERY_MS},
    {"rpc.silence", offsetof(struct timing, silence), RPC_SILENCE_MS},
    {"rpc.connect_timeout", offsetof(struct timing, connecting),
     RPC_CONNECTING_MS},
    {"rpc.backoff_max", offsetof(struct timing, backoff_longest),
     RPC_BACKOFF_LONGEST_MS},
    {"rpc.socket_check", offsetof(struct timing, socket_check),
     RPC_SOCKET_CHECK_MS},
    {"snapshot.wait", offsetof(struct timing, watch_wait), SNAPSHOT_WAIT_MS},
    {"snapshot.disk_every", offsetof(struct timing, disk_every),
     SNAPSHOT_DISK_EVERY_MS},
    {"snapshot.backoff_max", offsetof(struct timing, watch_backoff_longest),
     SNAPSHOT_BACKOFF_LONGEST_MS},
};

_Static_assert(sizeof rows / sizeof rows[0] ==
                   sizeof(struct timing) / sizeof(ms_dur),
               "a row for every interval");

static void
set(struct timing *timing, size_t place, ms_dur value)
{
    memcpy((char *)timing + place, &value, sizeof value);
}

struct timing
timing_default(void)
{
    struct timing timing;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        set(&timing, rows[i].place, rows[i].fallback);
    return timing;
}

enum status
timing_read(const struct config *config, struct timing *ret_timing,
            const char **ret_why)
{
    struct timing timing;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        set(&timing, rows[i].place, config_duration_ms(config, rows[i].key));
    if (timing.silence < 2 * timing.ping_every) {
        *ret_why = "rpc.silence must be at least twice rpc.ping_every: a "
                   "server is given up when no answer came for so long";
        return STATUS_INVALID_ARGUMENT;
    }
    *ret_timing = timing;
    return STATUS_OK;
}
