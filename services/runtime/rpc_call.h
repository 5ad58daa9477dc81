/* A call at the serving side, and the server it belongs to. Inner to
 * rpc_server.c and rpc_call.c; what handlers may ask is in rpc_server.h.
 *
 * A call is queued when it was read, running when its handler has it, and idle
 * in the pool (with its arena) when it was answered. */
#ifndef SERVICES_RUNTIME_RPC_CALL_H
#define SERVICES_RUNTIME_RPC_CALL_H

#include "services/runtime/rpc_frame.h"
#include "services/runtime/rpc_path.h"
#include "services/runtime/rpc_server.h"
#include "services/runtime/rpc_socket.h"
#include "services/runtime/rpc_unread.h"
#include "services/runtime/stall.h"

#include <sys/queue.h>

#define RPC_CALLS_IDLE_MAX 256 /* kept for reuse */
#define RPC_CALL_BUCKETS 1024  /* of the index by call id; a power of 2 */
#define RPC_PEERS_MAX 1024     /* told GOAWAY at once; a power of 2 */
#define RPC_DRAIN_HOOKS_MAX 8
#define RPC_HELD_MAX (64u << 20) /* bytes of the requests in flight */
/* For urgent calls when max_calls, or those bytes, are taken. */
#define RPC_URGENT_PLACES 64
#define RPC_URGENT_BYTES (64u << 10)
/* A drained server stays so long after its last answer: the end of a
 * connection makes libzmq drop what the caller has not read yet. */
#define RPC_LEAVE_MS 50
#define RPC_INSTANCE_MAX 64 /* bytes, with NUL */

struct rpc_method {
    ProtobufCService *service;
    unsigned index;
    const ProtobufCMethodDescriptor *descriptor;
    char name[RPC_METHOD_MAX + 1]; /* "ss.Router/Pick" */
    bool quiet;                    /* logged at debug when all is well */
    bool urgent;                   /* run ahead of what is not */
    uint64_t *calls, *failed, *us;
};

struct rpc_service {
    ProtobufCService *table;
    struct rpc_method *methods; /* as many as its descriptor has */
};

enum rpc_call_state { RPC_CALL_IDLE, RPC_CALL_QUEUED, RPC_CALL_RUNNING };

struct rpc_call {
    unsigned magic;
    enum rpc_call_state state;
    bool cancelled;
    struct rpc_server *server;
    const struct rpc_method *method;
    struct arena *arena;      /* header, input, what the handler makes */
    Ss__FrameHeader *header;  /* in the arena */
    struct rpc_frames frames; /* route, and the body until it ran */
    struct trace trace;
    size_t bytes; /* of the request's body */
    int64_t received_us;
    ms_time deadline;
    TAILQ_ENTRY(rpc_call) queue; /* queued calls; idle ones */
    LIST_ENTRY(rpc_call) bucket; /* all others, by call id */
};

TAILQ_HEAD(rpc_call_queue, rpc_call);
LIST_HEAD(rpc_call_bucket, rpc_call);

/* A peer that asked with PING: its routing id, kept to say GOAWAY. */
struct rpc_peer {
    uint8_t route[16];
    uint8_t len;
    uint64_t call_id; /* of its last PING */
};

struct rpc_drain_hook {
    loop_fn begin;
    void *context;
};

struct rpc_server {
    unsigned magic;
    struct loop *loop;
    struct rpc_socket *socket;
    char endpoint[RPC_ENDPOINT_TEXT_MAX];
    struct rpc_path path;
    bool path_lost; /* and it was said */
    ms_dur path_every;
    char instance[RPC_INSTANCE_MAX];
    uint64_t epoch;
    uint32_t max_calls;
    struct metrics *metrics;
    struct rpc_service services[RPC_SERVICES_MAX];
    size_t service_count;
    struct rpc_call *spare; /* the next message is read into it */
    struct rpc_call_queue urgent, queued, idle;
    size_t idle_count;
    struct rpc_call_bucket buckets[RPC_CALL_BUCKETS];
    uint32_t in_flight; /* queued and running … */
    size_t held;        /* … and the bytes of their requests */
    struct rpc_unread *unread;
    struct rpc_peer peers[RPC_PEERS_MAX];
    bool draining;
    struct rpc_drain_hook hooks[RPC_DRAIN_HOOKS_MAX];
    size_t hook_count;
    loop_fn drained;
    void *drained_context;
    struct loop_timer *drain_timer, *path_timer, *stall_timer;
    struct stall stall;
    struct {
        uint64_t *bad, *expired, *refused, *cancelled, *dropped, *unknown;
        uint64_t *unread;
        int64_t *in_flight, *unread_bytes;
    } counters;
};

/* From the pool, or new; NULL when there is no memory. */
struct rpc_call *rpc_call_take(struct rpc_server *server);
/* Back to the pool; its arena is reset. */
void rpc_call_give_back(struct rpc_call *call);
void rpc_call_free(struct rpc_call **call);
/* In flight from now on: counted, found by CANCEL. */
void rpc_call_enter(struct rpc_call *call);
/* The call in flight of this route and id, or NULL. */
struct rpc_call *
rpc_call_lookup(struct rpc_server *server, zmq_msg_t *route, uint64_t call_id);
/* End a call that is in flight or was just read: send the header (and body)
 * unless it was cancelled, log, count, give back. */
void rpc_call_refuse(struct rpc_call *call, enum status status,
                     const char *reason, const char *message,
                     ms_dur retry_after);
/* End it without a word to the caller, who does not wait for it any more. */
void rpc_call_drop(struct rpc_call *call, enum status why);
/* The closure that a handler's done ends in. */
void rpc_call_answer(const ProtobufCMessage *reply, void *done_data);
/* Send a frame without body; it is dropped and counted when the peer is
 * gone. */
void rpc_call_send_bare(struct rpc_server *server, zmq_msg_t *route,
                        Ss__FrameHeader *header);

#endif
