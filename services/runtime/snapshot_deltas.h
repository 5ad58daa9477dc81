/* The deltas of the last publications: a ring, bounded in number and bytes,
 * each with the content hash that it led to. Inner to snapshot_publisher.c. */
#ifndef SERVICES_RUNTIME_SNAPSHOT_DELTAS_H
#define SERVICES_RUNTIME_SNAPSHOT_DELTAS_H

#include "services/runtime/snapshot.h"

struct snapshot_delta {
    char *bytes;
    size_t len;
    uint64_t hash; /* of the content after it */
};

struct snapshot_deltas {
    /* The delta that led to sequence s lies at s % SNAPSHOT_DELTAS_KEPT, for
     * the `count` newest; base_hash is the content before them. */
    struct snapshot_delta ring[SNAPSHOT_DELTAS_KEPT];
    uint64_t newest; /* sequence */
    size_t count, bytes;
    uint64_t base_hash;
};

/* Forget all; this version is where the next delta starts from. */
void snapshot_deltas_restart(struct snapshot_deltas *deltas, uint64_t sequence,
                             uint64_t hash);
/* The way to the next sequence (copied). One that is too large, or for which
 * there is no memory, is as a restart there: followers get the whole. */
void snapshot_deltas_add(struct snapshot_deltas *deltas, struct slice bytes,
                         uint64_t hash);
/* The content hash of an earlier version, if the deltas reach back to it. */
bool snapshot_deltas_reach(const struct snapshot_deltas *deltas,
                           uint64_t sequence, uint64_t *ret_hash);
/* The delta that led to a sequence within reach. */
const struct snapshot_delta *
snapshot_deltas_get(const struct snapshot_deltas *deltas, uint64_t sequence);

#endif
