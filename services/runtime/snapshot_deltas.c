/* The ring. What leaves it at one end moves base_hash on. */
#include "services/runtime/snapshot_deltas.h"

#include "core/base/check.h"

#include <stdlib.h>

static void
drop_oldest(struct snapshot_deltas *deltas)
{
    uint64_t oldest = deltas->newest - deltas->count + 1;
    struct snapshot_delta *delta = &deltas->ring[oldest % SNAPSHOT_DELTAS_KEPT];
    deltas->base_hash = delta->hash;
    deltas->bytes -= delta->len;
    deltas->count--;
    free(delta->bytes);
    *delta = (struct snapshot_delta){.bytes = NULL};
}

void
snapshot_deltas_restart(struct snapshot_deltas *deltas, uint64_t sequence,
                        uint64_t hash)
{
    while (deltas->count > 0)
        drop_oldest(deltas);
    deltas->newest = sequence;
    deltas->base_hash = hash;
}

void
snapshot_deltas_add(struct snapshot_deltas *deltas, struct slice bytes,
                    uint64_t hash)
{
    uint64_t next = deltas->newest + 1;
    char *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    if (copy == NULL || bytes.len > SNAPSHOT_DELTAS_BYTES) {
        free(copy);
        snapshot_deltas_restart(deltas, next, hash);
        return;
    }
    while (deltas->count == SNAPSHOT_DELTAS_KEPT ||
           deltas->bytes + bytes.len > SNAPSHOT_DELTAS_BYTES)
        drop_oldest(deltas);
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    deltas->ring[next % SNAPSHOT_DELTAS_KEPT] =
        (struct snapshot_delta){.bytes = copy, .len = bytes.len, .hash = hash};
    deltas->newest = next;
    deltas->bytes += bytes.len;
    deltas->count++;
}

bool
snapshot_deltas_reach(const struct snapshot_deltas *deltas, uint64_t sequence,
                      uint64_t *ret_hash)
{
    if (sequence > deltas->newest || deltas->newest - sequence > deltas->count)
        return false;
    *ret_hash = deltas->newest - sequence == deltas->count
                    ? deltas->base_hash
                    : snapshot_deltas_get(deltas, sequence)->hash;
    return true;
}

const struct snapshot_delta *
snapshot_deltas_get(const struct snapshot_deltas *deltas, uint64_t sequence)
{
    return &deltas->ring[sequence % SNAPSHOT_DELTAS_KEPT];
}
