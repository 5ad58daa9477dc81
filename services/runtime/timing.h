/* How often what repeats by the clock repeats: every interval of this folder.
 *
 * A daemon reads them from its configuration (runtime.def: rpc.*, snapshot.*)
 * and hands them to its server and channels, and through a channel to the
 * followers on it; who gives none gets the defaults below. Back-offs start
 * where their files say, at their longest at most. */
#ifndef SERVICES_RUNTIME_TIMING_H
#define SERVICES_RUNTIME_TIMING_H

#include "core/base/status.h"
#include "core/base/utc.h"
#include "services/runtime/config.h"

#define RPC_PING_EVERY_MS 250
#define RPC_SILENCE_MS 1000         /* without a frame: down */
#define RPC_CONNECTING_MS 5000      /* then the socket is made anew */
#define RPC_BACKOFF_LONGEST_MS 2000 /* between probes of one that is down */
#define RPC_SOCKET_CHECK_MS 1000    /* is the socket's file still there? */
#define SNAPSHOT_WAIT_MS 10000      /* how long a Watch is held open */
#define SNAPSHOT_DISK_EVERY_MS 5000 /* disk copies after deltas */
#define SNAPSHOT_BACKOFF_LONGEST_MS 1000 /* before a Watch is asked again */

/* All in ms. */
struct timing {
    ms_dur ping_every, silence, connecting, backoff_longest, socket_check;
    ms_dur watch_wait, disk_every, watch_backoff_longest;
};

struct timing timing_default(void);
/* From the keys of runtime.def. INVALID_ARGUMENT, and why for a person, when
 * the silence that ejects is shorter than two pings. */
enum status timing_read(const struct config *config, struct timing *ret_timing,
                        const char **ret_why) MUST_CHECK;

#endif
