/* A whole that comes in parts, put together. Inner to snapshot_follower.c. */
#ifndef SERVICES_RUNTIME_SNAPSHOT_PARTS_H
#define SERVICES_RUNTIME_SNAPSHOT_PARTS_H

#include "services/runtime/snapshot.h"

#include "rpc.pb-c.h"

struct snapshot_parts {
    struct buf bytes;
    struct snapshot_version of; /* of what came so far, if anything */
};

void snapshot_parts_init(struct snapshot_parts *parts);
/* Forget what came, and give its memory back. */
void snapshot_parts_drop(struct snapshot_parts *parts);
/* Name in a request what came so far; *of is lent to the request. */
void snapshot_parts_ask(const struct snapshot_parts *parts,
                        Ss__WatchRequest *request, Ss__SnapshotVersion *of);
/* Add the part that a reply brought; a first one replaces what came. True in
 * *ret_complete with the last. DATA_LOSS for a part that does not fit on,
 * RESOURCE_EXHAUSTED past SNAPSHOT_WHOLE_MAX; then what came is forgotten. */
enum status snapshot_parts_take(struct snapshot_parts *parts,
                                const Ss__WatchReply *reply,
                                bool *ret_complete) MUST_CHECK;

#endif
