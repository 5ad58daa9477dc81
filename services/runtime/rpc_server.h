/* The serving side of RPC: a ROUTER socket, protobuf-c services, typed
 * handlers.
 *
 * A handler is a function of a generated service table, so a call without one
 * does not compile:
 *
 *   static void on_pick(Ss__Router_Service *service,
 *                       const Ss__PickRequest *input,
 *                       Ss__PickReply_Closure done, void *done_data);
 *
 * done_data is the struct rpc_call. A handler answers exactly once: done(reply,
 * done_data), or rpc_fail(done_data, …). It may answer later, from any
 * callback of the loop; input, arena and call live until then. A call whose
 * deadline has passed (or that was cancelled) before its handler ran is
 * dropped and counted.
 *
 * Requests are read ahead of being run, so PING is answered, a CANCEL counts
 * and an overload is refused with RESOURCE_EXHAUSTED even while many wait.
 * Calls of ss.Health are run ahead of the others, and a few of them are taken
 * when no others are: a process that is busy can still be asked how it is.
 *
 * A socket file (ipc) that somebody removed is made again within a second;
 * callers that are connected do not notice. A path at which another process
 * serves by then is left to it, also at the end.
 *
 * Every call leaves one log line "call" with its trace id: at level info, and
 * at debug for the calls machines make all day (Health, Snapshots). */
#ifndef SERVICES_RUNTIME_RPC_SERVER_H
#define SERVICES_RUNTIME_RPC_SERVER_H

#include "core/base/arena.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/base/utc.h"
#include "services/runtime/loop.h"
#include "services/runtime/metrics.h"
#include "services/runtime/timing.h"
#include "services/runtime/trace.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#define RPC_SERVICES_MAX 16
#define RPC_RETRY_HINT_MS 100 /* told to a caller that was refused */

struct rpc_server;
struct rpc_call;

struct rpc_server_options {
    const char *endpoint; /* "ipc://…" or "tcp://127.0.0.1:7001" */
    const char *instance; /* "routerd-1", in every reply */
    uint32_t max_calls;   /* in flight; more are RESOURCE_EXHAUSTED */
    struct metrics *metrics;
    void *zmq;                   /* the process's context */
    const struct timing *timing; /* NULL: the defaults */
};

/* Bind. INVALID_ARGUMENT for a bad endpoint, PERMISSION_DENIED for a TCP
 * endpoint beyond loopback (or a folder that may not be written),
 * UNAVAILABLE when it is taken. The texts of options are copied. */
enum status rpc_server_new(struct loop *loop,
                           const struct rpc_server_options *options,
                           struct rpc_server **ret_server) MUST_CHECK;
/* What a person can do about an endpoint that was refused so; static. */
const char *rpc_server_advice(enum status status);
/* Serve a generated service table; it must outlive the server, which calls its
 * destroy, when it has one, in rpc_server_free. */
void rpc_server_add(struct rpc_server *server, ProtobufCService *service);
/* The table that serves a package and name ("ss.Snapshots"), or NULL. */
ProtobufCService *rpc_server_find(struct rpc_server *server, const char *name);
/* Call begin when a drain begins: what holds calls open answers them. */
enum status rpc_server_on_drain(struct rpc_server *server, loop_fn begin,
                                void *context) MUST_CHECK;
/* Take no new calls (they are answered UNAVAILABLE), say GOAWAY to peers, and
 * call drained a moment after the last one in flight was answered, when its
 * caller has read the answer; never from inside this function. */
void
rpc_server_drain(struct rpc_server *server, loop_fn drained, void *context);
/* Calls that are still held are dropped without a word: nobody may answer
 * them any more. */
void rpc_server_free(struct rpc_server **server);
struct loop *rpc_server_loop(const struct rpc_server *server);
struct metrics *rpc_server_metrics(const struct rpc_server *server);
/* Calls that wait, run or are held. */
uint32_t rpc_server_in_flight(const struct rpc_server *server);
/* A random number drawn at start. */
uint64_t rpc_server_epoch(const struct rpc_server *server);

/* What a handler may ask of its call. */
struct arena *rpc_call_arena(struct rpc_call *call);
const char *rpc_call_tenant(const struct rpc_call *call);
const char *rpc_call_caller(const struct rpc_call *call);
/* The connection it came by, as bytes that are the same for its other calls. */
struct slice rpc_call_peer(struct rpc_call *call);
/* "" when the caller sent none. */
const char *rpc_call_idempotency_key(const struct rpc_call *call);
/* The value of a metadata key, or "". */
const char *rpc_call_metadata(const struct rpc_call *call, const char *key);
/* The call's trace, with a span of this server. */
const struct trace *rpc_call_trace(const struct rpc_call *call);
/* Monotonic (loop_now) ms when it must be answered. */
ms_time rpc_call_deadline(const struct rpc_call *call);
/* The caller gave up; long work may stop. It is answered all the same, which
 * sends nothing. */
bool rpc_call_is_cancelled(const struct rpc_call *call);

/* Answer with an error instead of a reply. reason is for programs
 * ("MISSING_PARAM", or "" for none), message for people; both are copied. */
void rpc_fail(void *done_data, enum status status, const char *reason,
              const char *message);
/* The same, with a hint when to try again. */
void rpc_fail_retry(void *done_data, enum status status, const char *reason,
                    const char *message, ms_dur retry_after);

#endif
