/* One endpoint of a channel: a DEALER, its health and its calls' count.
 *
 *   DOWN ──back-off──► CONNECTING ──writable──► PROBING ──PONG──► UP
 *     ▲                                            │              │ GOAWAY
 *     └──── silent, or not writable ────── ───────┴──────────────┴► DRAINING
 *
 * Every way down makes the socket anew, so that nothing queued in the old one
 * runs later. Inner to the channel. */
#ifndef SERVICES_RUNTIME_RPC_ENDPOINT_H
#define SERVICES_RUNTIME_RPC_ENDPOINT_H

#include "services/runtime/rpc_frame.h"
#include "services/runtime/rpc_socket.h"
#include "services/runtime/rpc_target.h"
#include "services/runtime/timing.h"

#include <sys/queue.h>

#define RPC_BACKOFF_FIRST_MS 50 /* doubles up to timing.backoff_longest */

enum rpc_endpoint_state {
    RPC_ENDPOINT_DOWN,
    RPC_ENDPOINT_CONNECTING,
    RPC_ENDPOINT_PROBING,
    RPC_ENDPOINT_UP,
    RPC_ENDPOINT_DRAINING,
};

struct rpc_pending;
struct rpc_endpoint;
TAILQ_HEAD(rpc_pending_list, rpc_pending);

/* What an endpoint tells its channel. None may free the endpoint. */
struct rpc_endpoint_events {
    /* A reply came; its frames are borrowed. */
    void (*reply)(void *channel, struct rpc_endpoint *endpoint,
                  const Ss__FrameHeader *header, struct slice body);
    void (*garbled)(void *channel);
    /* UP now; or lost: rpc_endpoint_lower is due, from outside any event. */
    void (*up)(void *channel);
    void (*lost)(void *channel);
};

struct rpc_endpoint {
    struct rpc_target target;
    struct loop *loop;
    void *zmq;
    const struct timing *timing; /* the channel's */
    int high_water;
    const struct rpc_endpoint_events *events;
    void *channel;
    struct rpc_socket *socket;
    struct arena *arena; /* of the frame that is being read */
    enum rpc_endpoint_state state;
    const char *lost;              /* why it is to go down, or NULL */
    bool heard;                    /* a frame came since the last tick */
    ms_time heard_at;              /* of the last tick with one */
    ms_time since;                 /* in this state */
    ms_dur backoff;                /* of the next stay in DOWN */
    uint64_t epoch;                /* of the server's start */
    uint32_t load;                 /* calls in flight there, as it said last */
    uint32_t outstanding;          /* our calls there */
    struct rpc_pending_list calls; /* those calls; the channel's to keep */
    uint64_t pings;
};

/* Opens the socket; target, loop, zmq, timing, high_water, events and channel
 * are set by the caller before. */
enum status rpc_endpoint_open(struct rpc_endpoint *endpoint) MUST_CHECK;
void rpc_endpoint_close(struct rpc_endpoint *endpoint);
/* May take new calls. */
bool rpc_endpoint_is_up(const struct rpc_endpoint *endpoint);
/* Send; the frames are spent. UNAVAILABLE also marks the endpoint lost. */
enum status rpc_endpoint_send(struct rpc_endpoint *endpoint,
                              struct rpc_frames *frames) MUST_CHECK;
/* Send a header alone (PING, CANCEL); a failure marks it lost. */
void rpc_endpoint_send_bare(struct rpc_endpoint *endpoint, int kind,
                            uint64_t call_id);
/* Every timing.ping_every; late says that we ourselves were held up, so
 * silence proves nothing. */
void rpc_endpoint_tick(struct rpc_endpoint *endpoint, ms_time now, bool late);
/* Take a lost endpoint down: close its socket, start the back-off. */
void rpc_endpoint_lower(struct rpc_endpoint *endpoint);
/* Ms until it wants to be raised; negative when it is not down. */
ms_dur rpc_endpoint_rest(const struct rpc_endpoint *endpoint, ms_time now);
/* The back-off is over: a new socket. */
void rpc_endpoint_raise(struct rpc_endpoint *endpoint);

#endif
