/* Snapshots that stay current: one process publishes a value, others follow.
 *
 * Published under a name ("catalog", "layers", "table"), versioned by
 * (publisher's epoch, sequence, content hash), served by the RPC service
 * ss.Snapshots on the process's ordinary endpoint. A follower holds one Watch
 * call open; it gets deltas in order, or the whole after a gap or when the
 * hash it computes differs from the hash it was told. A large whole comes in
 * parts. How long a Watch is held, and how often a copy is written, is in
 * timing.h. */
#ifndef SERVICES_RUNTIME_SNAPSHOT_H
#define SERVICES_RUNTIME_SNAPSHOT_H

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "services/runtime/loop.h"
#include "services/runtime/rpc_channel.h"
#include "services/runtime/rpc_server.h"

#include <stdbool.h>

#define SNAPSHOT_DELTAS_KEPT 1024
#define SNAPSHOT_DELTAS_BYTES (16u << 20) /* of all deltas kept */
/* Bytes of a whole, encoded: LAYERS_CELLS_MAX (4 M) cells of usual length (75
 * bytes in the layers, 180 in the table). A value that outgrows it goes on by
 * deltas; that nobody can get the whole any more is said in the log, the
 * metrics (snapshot_whole_refused) and Health. */
#define SNAPSHOT_WHOLE_MAX (1u << 30)
#define SNAPSHOT_PART_MAX (8u << 20)   /* of a whole, in one answer */
#define SNAPSHOT_ALONE_MAX (56u << 20) /* to one that takes no parts */
#define SNAPSHOT_WATCHERS_MAX 1024     /* held open by one publisher */
#define SNAPSHOT_WATCHES_PER_PEER 16   /* of them for one connection … */
#define SNAPSHOT_WATCHES_PER_CALLER 64 /* … and one caller's name */
#define SNAPSHOT_NAME_MAX 32           /* bytes, with NUL */
#define SNAPSHOT_TROUBLE_MAX 256       /* bytes, with NUL; longer is cut */

struct snapshot_publisher;
struct snapshot_follower;

struct snapshot_version {
    uint64_t epoch;    /* of the publishing process; 0: nothing yet */
    uint64_t sequence; /* counts its publications, from 1 */
    uint64_t hash;     /* of the content */
    ms_time since;     /* wall clock, when it became current here; 0: never */
};

/* Encode the whole value as it is now into out. */
typedef enum status (*snapshot_encode_fn)(void *context, struct buf *out);

/* Publish under a (static) name on this server. Nothing is served until the
 * first snapshot_publish: a Watch waits. Free publishers before the server.
 * ALREADY_EXISTS for a name that is taken, RESOURCE_EXHAUSTED. */
enum status
snapshot_publisher_new(struct rpc_server *server, const char *name,
                       snapshot_encode_fn encode, void *context,
                       struct snapshot_publisher **ret_publisher) MUST_CHECK;
/* Its open Watches end as UNAVAILABLE. */
void snapshot_publisher_free(struct snapshot_publisher **publisher);
/* The value was replaced: followers get the whole. hash is the content's; a
 * hash equal to the last one publishes nothing. */
void
snapshot_publish_whole(struct snapshot_publisher *publisher, uint64_t hash);
/* The value moved by a delta (copied); hash is the content's afterwards. */
void snapshot_publish_delta(struct snapshot_publisher *publisher,
                            struct slice delta, uint64_t hash);
/* What is wrong with the value though it is published, in words for people
 * (copied); Health says it until it is said again. NULL: nothing (more). */
void snapshot_publisher_trouble(struct snapshot_publisher *publisher,
                                const char *trouble);

/* What is published now. */
struct snapshot_version
snapshot_publisher_version(const struct snapshot_publisher *publisher);

/* What a server publishes, in no order; for Health. */
struct snapshot_published {
    const char *name;
    struct snapshot_version at;
    /* Why nobody can get the whole, else what its maker says is wrong with it;
     * NULL: all is well. Borrowed until either changes. */
    const char *trouble;
};
/* Number i; false past the end. */
bool snapshot_published_at(struct rpc_server *server, size_t i,
                           struct snapshot_published *ret_published);

struct snapshot_follower_options {
    const char *name;
    const char *disk_path; /* last copy, read at start; NULL: none kept */
    /* Both say the content hash that was reached. A status other than OK, or
     * another hash than the publisher's, makes the follower ask for the whole
     * (and log it).
     * Decode a whole, and install it if its hash is the one wanted; else what
     * is held stays. */
    enum status (*whole)(void *context, struct slice bytes, uint64_t wanted,
                         uint64_t *ret_hash);
    /* Apply a delta. */
    enum status (*delta)(void *context, struct slice bytes, uint64_t *ret_hash);
    /* Called after a version became current; may be NULL. */
    void (*changed)(void *context);
    /* Encode what is held, for the disk copy after deltas; NULL: the disk
     * copy is only renewed by wholes. */
    snapshot_encode_fn encode;
    void *context;
};

/* Follow; a copy on disk is installed before this returns (changed is called).
 * A copy that is broken, or that this program cannot read (a newer one wrote
 * it), is logged in one line and ignored: the whole is asked for. The channel
 * is borrowed; free the follower first. RESOURCE_EXHAUSTED. */
enum status
snapshot_follower_new(struct loop *loop, struct rpc_channel *channel,
                      const struct snapshot_follower_options *options,
                      struct snapshot_follower **ret_follower) MUST_CHECK;
/* Writes a disk copy that was still due. */
void snapshot_follower_free(struct snapshot_follower **follower);
/* True once anything was installed (from disk or publisher). */
bool snapshot_follower_has(const struct snapshot_follower *follower);
/* True while the publisher was heard within two waits and a little, and what
 * it said could be installed. */
bool snapshot_follower_is_current(const struct snapshot_follower *follower);
/* When the publisher last answered, wall clock; 0 never. */
ms_time snapshot_follower_heard(const struct snapshot_follower *follower);
/* What is held now; all 0 before anything was installed. */
struct snapshot_version
snapshot_follower_version(const struct snapshot_follower *follower);

#endif
