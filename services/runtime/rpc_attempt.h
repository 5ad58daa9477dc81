/* The tries of a call: choose an endpoint, send, try again, end. Also the
 * channel itself, as its files see it. Inner to the channel. */
#ifndef SERVICES_RUNTIME_RPC_ATTEMPT_H
#define SERVICES_RUNTIME_RPC_ATTEMPT_H

#include "services/runtime/rpc_pending.h"

#define RPC_CALLER_MAX 64   /* bytes, with NUL */
#define RPC_RETRY_TOKENS 10 /* a retry costs; a success earns 1 */
#define RPC_UP_HINT_MS 500  /* when to try again with nothing up */

struct rpc_channel {
    unsigned magic;
    struct loop *loop;
    struct timing timing;
    struct metrics *metrics;
    struct rpc_endpoint *endpoints;
    size_t endpoint_count;
    size_t turn; /* where the next search starts: ties in turn */
    const struct rpc_endpoint *last; /* of the last call, for sticky */
    char caller[RPC_CALLER_MAX];
    struct rpc_pending_table table;
    struct rpc_pending_list waiting, failed;
    struct loop_timer *tick, *deadline, *work, *raise, *startup;
    ms_time armed_for; /* the deadline timer's time, or 0 */
    ms_time ticked_at;
    bool is_starting; /* young, and nothing was up yet */
    uint32_t retry_tokens;
    struct {
        uint64_t *calls, *failed, *expired, *retries, *bad, *late, *down;
    } counters;
};

/* Take a call off the list its state says. */
void
rpc_attempt_unlink(struct rpc_channel *channel, struct rpc_pending *pending);
/* Tell an unlinked call's end. Its memory is free before done runs, so that
 * done may start the next. */
void rpc_attempt_finish(struct rpc_channel *channel,
                        struct rpc_pending *pending,
                        const struct rpc_result *result);
/* Unlink a call and tell the end that its status and message say. */
void rpc_attempt_finish_failed(struct rpc_channel *channel,
                               struct rpc_pending *pending);
/* An unlinked call is going to fail: told by the work timer. */
void rpc_attempt_fail_later(struct rpc_channel *channel,
                            struct rpc_pending *pending, enum status status,
                            const char *message);
/* Send an unlinked call to an endpoint (but not to `not`), let it wait, or
 * fail it later. */
void rpc_attempt_dispatch(struct rpc_channel *channel,
                          struct rpc_pending *pending,
                          const struct rpc_endpoint * not );
/* Whether a call that was sent to `failed` and came back UNAVAILABLE goes to
 * another endpoint; then it was sent. */
bool rpc_attempt_again(struct rpc_channel *channel, struct rpc_pending *pending,
                       struct rpc_endpoint *failed);

#endif
