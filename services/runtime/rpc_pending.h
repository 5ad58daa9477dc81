/* Calls under way at the calling side: found by id, ordered by deadline.
 *
 * A call's id names its slot (low 32 bits) and how often the slot was used
 * (high 32 bits), so a reply is found without a search and a late one is
 * known to be late. Deadlines lie in a binary heap. Inner to the channel. */
#ifndef SERVICES_RUNTIME_RPC_PENDING_H
#define SERVICES_RUNTIME_RPC_PENDING_H

#include "services/runtime/rpc_channel.h"
#include "services/runtime/rpc_endpoint.h"

/* WAITING for an endpoint that is up; SENT; FAILED and about to be told. */
enum rpc_pending_state {
    RPC_PENDING_WAITING,
    RPC_PENDING_SENT,
    RPC_PENDING_FAILED,
};

struct rpc_pending {
    unsigned magic;
    struct rpc_channel *channel;
    enum rpc_pending_state state;
    uint64_t id;
    uint32_t slot;
    size_t heap_at;
    ms_time deadline;
    struct rpc_endpoint *endpoint; /* when SENT */
    const ProtobufCMessageDescriptor *reply_type;
    struct arena *arena;     /* of the header and its texts */
    Ss__FrameHeader *header; /* of the request; id and timeout set per try */
    zmq_msg_t body;          /* kept while the call may be tried (again) */
    bool idempotent, sticky;
    unsigned attempts; /* sent so often */
    rpc_done_fn done;
    void *context;
    enum status status;  /* when FAILED */
    const char *message; /* static */
    ms_dur retry_after;
    TAILQ_ENTRY(rpc_pending) link; /* of the list its state says; idle ones */
};

struct rpc_pending_table {
    struct rpc_pending **slots;
    uint32_t *uses;       /* of each slot */
    uint32_t *free_slots; /* a stack */
    struct rpc_pending **heap;
    uint32_t count; /* taken */
    uint32_t capacity, max;
    uint32_t first_use;
    struct rpc_pending_list idle; /* kept for reuse */
    uint32_t idle_count;
};

/* The generation of ids starts at first_use, a random number. */
void rpc_pending_table_init(struct rpc_pending_table *table, uint32_t max,
                            uint32_t first_use);
/* All must have been released. */
void rpc_pending_table_fini(struct rpc_pending_table *table);
/* A new call with an id, due at deadline; NULL when max are taken or there is
 * no memory. */
struct rpc_pending *
rpc_pending_take(struct rpc_pending_table *table, ms_time deadline);
/* A new id for another try; the old one finds nothing any more. */
void
rpc_pending_renew(struct rpc_pending_table *table, struct rpc_pending *pending);
/* Make the request: header texts of its own, packed body, what the options
 * say. INVALID_ARGUMENT for texts unfit for a header or a body larger than
 * RPC_REQUEST_MAX. */
enum status rpc_pending_fill(struct rpc_pending *pending, const char *service,
                             const ProtobufCMethodDescriptor *method,
                             const ProtobufCMessage *request,
                             const struct rpc_options *options) MUST_CHECK;
void rpc_pending_release(struct rpc_pending_table *table,
                         struct rpc_pending *pending);
/* NULL when the id is not (or no longer) one of ours. */
struct rpc_pending *
rpc_pending_lookup(const struct rpc_pending_table *table, uint64_t id);
/* The one due first, or NULL. */
struct rpc_pending *rpc_pending_first(const struct rpc_pending_table *table);
void rpc_pending_check(const struct rpc_pending *pending);

#endif
