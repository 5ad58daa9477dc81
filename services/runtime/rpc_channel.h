/* The calling side of RPC: one channel to a service, however many endpoints.
 *
 * A target is one or more endpoints, comma-separated: "ipc:///run/a.sock",
 * "tcp://10.0.0.7:7001,tcp://10.0.0.8:7001". One DEALER per endpoint; a call
 * goes to the endpoint that is up with the fewest calls outstanding, ties in
 * turn. Endpoints are asked with PING; a silent one is ejected, probed with
 * back-off, and its socket made anew. A call of an idempotent method that
 * failed UNAVAILABLE is tried once more on another endpoint within its
 * deadline, as long as a budget of such retries lasts (a tenth of the calls
 * that went well, RPC_RETRY_BURST saved up). Everything runs on the loop;
 * nothing blocks.
 *
 * What the end of a connection loses: a reply that arrived but was not yet
 * read goes with it. The price of IMMEDIATE=1, by which a send fails at once
 * when there is no connection (ZMQ_IMMEDIATE=0 would queue it and let it run
 * when the server is back), is that libzmq then drops both directions of the
 * pipe. So a call whose server ended may have been done although it ends
 * UNAVAILABLE; a server that stops in good order waits RPC_LEAVE_MS after its
 * last answer, which makes this rare, not impossible.
 *
 * While a channel is young (options.startup) and nothing was up yet, calls
 * wait for the first endpoint, so that processes may start in any order.
 * Those that still wait when this time is over, and later ones with none up,
 * fail UNAVAILABLE at once with a hint when to try again. */
#ifndef SERVICES_RUNTIME_RPC_CHANNEL_H
#define SERVICES_RUNTIME_RPC_CHANNEL_H

#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/base/utc.h"
#include "services/runtime/loop.h"
#include "services/runtime/metrics.h"
#include "services/runtime/timing.h"
#include "services/runtime/trace.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#define RPC_ENDPOINTS_MAX 64
#define RPC_STARTUP_MS 10000 /* as long as a command waits for an answer */
#define RPC_RETRY_BURST 256

struct rpc_channel;
struct rpc_pending; /* a call under way */

struct rpc_channel_options {
    const char *target;
    const char *caller; /* who we are: "gatewayd-1" */
    uint32_t max_calls; /* outstanding; more are RESOURCE_EXHAUSTED at once */
    struct metrics *metrics;
    void *zmq;
    const struct timing *timing; /* NULL: the defaults; copied */
    ms_dur startup;              /* how long it is young; 0: RPC_STARTUP_MS */
};

/* How a call ended. Borrowed for the time of the callback. */
struct rpc_result {
    enum status status;
    const char *message; /* "" when OK */
    const char *reason;  /* "" when there is none */
    ms_dur retry_after;  /* 0: no hint */
    const char *served_by;
    const ProtobufCMessage *reply; /* NULL unless OK */
};

typedef void (*rpc_done_fn)(void *context, const struct rpc_result *result);

struct rpc_options {
    ms_dur timeout;              /* > 0 */
    bool idempotent;             /* may be tried again */
    bool sticky;                 /* prefer the endpoint of the last call */
    const char *tenant;          /* NULL: "default" */
    const char *idempotency_key; /* NULL: none */
    const struct trace *trace;   /* NULL: a new one */
    const char *metadata_key, *metadata_value; /* NULL: none */
};

/* INVALID_ARGUMENT for a bad target. Connecting happens in the background. The
 * texts of options are copied. */
enum status rpc_channel_new(struct loop *loop,
                            const struct rpc_channel_options *options,
                            struct rpc_channel **ret_channel) MUST_CHECK;
/* Calls under way end as CANCELLED first. Not from inside a done callback. */
void rpc_channel_free(struct rpc_channel **channel);
/* Any endpoint that is up. */
bool rpc_channel_is_up(const struct rpc_channel *channel);
/* Of what follows over it; lives as long as the channel. */
const struct timing *rpc_channel_timing(const struct rpc_channel *channel);
struct metrics *rpc_channel_metrics(const struct rpc_channel *channel);

/* Call method number `method` of a service ("ss.Router/Pick" is descriptor
 * ss__router__descriptor and its index). done is called exactly once, never
 * from inside rpc_call_start. ret_pending may be NULL; what it gives is valid
 * until done is called. The status is only about starting:
 * RESOURCE_EXHAUSTED (too many outstanding), INVALID_ARGUMENT (the request is
 * larger than RPC_REQUEST_MAX, or a text of options is not fit for a header);
 * then done is not called. */
enum status rpc_call_start(struct rpc_channel *channel,
                           const ProtobufCServiceDescriptor *service,
                           unsigned method, const ProtobufCMessage *request,
                           const struct rpc_options *options, rpc_done_fn done,
                           void *context,
                           struct rpc_pending **ret_pending) MUST_CHECK;
/* Give up: CANCEL is sent, done is not called. */
void rpc_call_cancel(struct rpc_pending **pending);

#endif
