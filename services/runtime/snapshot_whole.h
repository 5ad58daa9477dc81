/* The whole of a snapshot as bytes: encoded when asked for, once for each
 * version, given in parts. Inner to snapshot_publisher.c.
 *
 * While parts of it are being fetched the bytes stay, though the value moves
 * on: who has them all follows by deltas. Who stops half-way is waited for
 * SNAPSHOT_FETCHED_MS at most. A whole that cannot be encoded (it
 * is past SNAPSHOT_WHOLE_MAX, or its codec says so) is not tried again at
 * every question: refused for SNAPSHOT_REFUSED_MS, said once in the log, and
 * for as long as it lasts in metrics and Health. */
#ifndef SERVICES_RUNTIME_SNAPSHOT_WHOLE_H
#define SERVICES_RUNTIME_SNAPSHOT_WHOLE_H

#include "services/runtime/snapshot.h"

#define SNAPSHOT_REFUSED_MS 10000 /* before another try to encode */
#define SNAPSHOT_FETCHED_MS 2000  /* the next part is asked for by then */

struct snapshot_whole {
    struct loop *loop;
    const char *name;
    snapshot_encode_fn encode;
    void *context;
    struct buf bytes;
    struct snapshot_version of; /* sequence 0: nothing is encoded */
    unsigned fetchers;          /* have the first part, not yet the last … */
    ms_time fetched_until;      /* … and are believed to be there; 0: none */
    ms_time refused_until;
    enum status refused_as;
    const char *trouble; /* static; NULL: none */
    int64_t *size_gauge, *refused_gauge;
};

/* name lives as long. */
void snapshot_whole_init(struct snapshot_whole *whole, struct loop *loop,
                         struct metrics *metrics, const char *name);
void snapshot_whole_fini(struct snapshot_whole *whole);
/* The value was replaced: it may be encoded again. */
void snapshot_whole_retry(struct snapshot_whole *whole);
/* Have the bytes of this version. UNAVAILABLE while parts of another one are
 * being fetched, RESOURCE_EXHAUSTED when it is too large, INTERNAL when it
 * cannot be encoded; whole->trouble then says why (not for UNAVAILABLE). */
enum status snapshot_whole_get(struct snapshot_whole *whole,
                               const struct snapshot_version *at) MUST_CHECK;
/* Whether the bytes are of that version, as a follower names it. */
bool snapshot_whole_is(const struct snapshot_whole *whole,
                       const struct snapshot_version *at);
/* At most so many bytes from a place on. */
struct slice
snapshot_whole_part(struct snapshot_whole *whole, uint64_t from, size_t most);

#endif
