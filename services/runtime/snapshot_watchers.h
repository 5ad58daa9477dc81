/* Watches that are held open: until there is news, or their wait is over.
 *
 * Places are bounded for a publisher, for a connection and for a caller, so
 * that nobody can take them all. Inner to snapshot_publisher.c. */
#ifndef SERVICES_RUNTIME_SNAPSHOT_WATCHERS_H
#define SERVICES_RUNTIME_SNAPSHOT_WATCHERS_H

#include "services/runtime/snapshot.h"

#include "rpc.pb-c.h"

struct snapshot_watcher {
    const Ss__WatchRequest *request; /* in the call's arena */
    Ss__WatchReply_Closure done;
    void *call;
    ms_time until; /* monotonic */
};

struct snapshot_watchers {
    struct snapshot_watcher list[SNAPSHOT_WATCHERS_MAX];
    size_t count;
};

/* How many are held for the connection and the caller of a call. */
struct snapshot_watchers_like {
    size_t peer, caller;
};

/* End those whose callers gave up. */
void snapshot_watchers_sweep(struct snapshot_watchers *watchers);
/* Add to *like. */
void snapshot_watchers_count(const struct snapshot_watchers *watchers,
                             void *call, struct snapshot_watchers_like *like);
/* Hold one more; there must be a place. */
void snapshot_watchers_add(struct snapshot_watchers *watchers,
                           const struct snapshot_watcher *watcher);
/* The first whose wait is over, taken off; false when there is none. */
bool snapshot_watchers_take_due(struct snapshot_watchers *watchers, ms_time now,
                                struct snapshot_watcher *ret_watcher);
/* When the next wait is over; 0 when nobody waits. */
ms_time snapshot_watchers_next(const struct snapshot_watchers *watchers);

#endif
