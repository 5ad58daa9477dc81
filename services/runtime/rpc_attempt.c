/* Choosing among the endpoints that are up, sending, and trying once more.
 *
 * The fewest outstanding calls win, ties in turn. What fails here is told by
 * the work timer, never from inside the call that found it out. A retry costs
 * tokens of the channel's bucket, so a service that is down altogether is not
 * asked twice as much. */
#include "services/runtime/rpc_attempt.h"

#include "core/base/check.h"

#define RPC_ATTEMPTS_MAX 2

/* --- ending a call -------------------------------------------------------- */

void
rpc_attempt_unlink(struct rpc_channel *channel, struct rpc_pending *pending)
{
    switch (pending->state) {
    case RPC_PENDING_WAITING:
        TAILQ_REMOVE(&channel->waiting, pending, link);
        break;
    case RPC_PENDING_SENT:
        TAILQ_REMOVE(&pending->endpoint->calls, pending, link);
        pending->endpoint->outstanding--;
        break;
    case RPC_PENDING_FAILED:
        TAILQ_REMOVE(&channel->failed, pending, link);
        break;
    }
}

/* The call must be unlinked. Its memory is free before done runs, so that
 * done may start the next. */
void
rpc_attempt_finish(struct rpc_channel *channel, struct rpc_pending *pending,
                   const struct rpc_result *result)
{
    rpc_done_fn done = pending->done;
    void *context = pending->context;
    if (result->status != STATUS_OK)
        ++*channel->counters.failed;
    else if (channel->retry_tokens < RPC_RETRY_BURST * RPC_RETRY_TOKENS)
        channel->retry_tokens++;
    rpc_pending_release(&channel->table, pending);
    done(context, result);
}

void
rpc_attempt_finish_failed(struct rpc_channel *channel,
                          struct rpc_pending *pending)
{
    const struct rpc_result result = {.status = pending->status,
                                      .message = pending->message,
                                      .reason = "",
                                      .retry_after = pending->retry_after,
                                      .served_by = ""};
    rpc_attempt_unlink(channel, pending);
    rpc_attempt_finish(channel, pending, &result);
}

/* An unlinked call is going to fail: told by the work timer. */
void
rpc_attempt_fail_later(struct rpc_channel *channel, struct rpc_pending *pending,
                       enum status status, const char *message)
{
    pending->state = RPC_PENDING_FAILED;
    pending->status = status;
    pending->message = message;
    pending->retry_after = status == STATUS_UNAVAILABLE ? RPC_UP_HINT_MS : 0;
    TAILQ_INSERT_TAIL(&channel->failed, pending, link);
    loop_timer_start(channel->work, 0);
}

/* --- choosing and sending ------------------------------------------------- */

static struct rpc_endpoint *
choose(struct rpc_channel *channel, const struct rpc_endpoint * not,
       bool sticky)
{
    struct rpc_endpoint *best = NULL;
    size_t best_at = 0;
    for (size_t i = 0; i < channel->endpoint_count; i++) {
        size_t at = (channel->turn + i) % channel->endpoint_count;
        struct rpc_endpoint *endpoint = &channel->endpoints[at];
        if (endpoint == not || !rpc_endpoint_is_up(endpoint))
            continue;
        if (sticky && endpoint == channel->last)
            return endpoint;
        if (best == NULL || endpoint->outstanding < best->outstanding) {
            best = endpoint;
            best_at = at;
        }
    }
    if (best != NULL)
        channel->turn = best_at + 1;
    return best;
}

/* The frames of this try. The body is copied (by reference, if it is large)
 * while another try is possible. */
static enum status
make_frames(struct rpc_channel *channel, struct rpc_pending *pending,
            struct rpc_frames *frames)
{
    Ss__FrameHeader *header = pending->header;
    ms_dur left = pending->deadline - loop_now(channel->loop);
    rpc_pending_renew(&channel->table, pending);
    header->caller = channel->caller;
    header->call_id = pending->id;
    header->has_timeout_ms = true;
    header->timeout_ms = left > 1 ? (uint32_t)left : 1;
    if (zmq_msg_copy(&frames->body, &pending->body) != 0)
        return STATUS_RESOURCE_EXHAUSTED;
    return rpc_frames_pack(&frames->header, &header->base, RPC_HEADER_MAX);
}

/* Send an unlinked call to an endpoint that is up. */
static enum status
send_to(struct rpc_channel *channel, struct rpc_pending *pending,
        struct rpc_endpoint *endpoint)
{
    struct rpc_frames frames;
    rpc_frames_init(&frames);
    enum status status = make_frames(channel, pending, &frames);
    if (status == STATUS_OK)
        status = rpc_endpoint_send(endpoint, &frames);
    rpc_frames_fini(&frames);
    if (status != STATUS_OK)
        return status;
    pending->state = RPC_PENDING_SENT;
    pending->endpoint = endpoint;
    pending->attempts++;
    TAILQ_INSERT_TAIL(&endpoint->calls, pending, link);
    endpoint->outstanding++;
    channel->last = endpoint;
    return STATUS_OK;
}

/* Send an unlinked call, let it wait, or fail it (later). An endpoint that
 * refuses is lost and not chosen again, so this ends. */
void
rpc_attempt_dispatch(struct rpc_channel *channel, struct rpc_pending *pending,
                     const struct rpc_endpoint * not )
{
    struct rpc_endpoint *endpoint;
    while ((endpoint = choose(channel, not, pending->sticky)) != NULL) {
        enum status status = send_to(channel, pending, endpoint);
        if (status == STATUS_OK)
            return;
        if (status != STATUS_UNAVAILABLE) {
            rpc_attempt_fail_later(channel, pending, status,
                                   "no memory to send");
            return;
        }
    }
    if (!channel->is_starting) {
        rpc_attempt_fail_later(channel, pending, STATUS_UNAVAILABLE,
                               "no endpoint is up");
        return;
    }
    pending->state = RPC_PENDING_WAITING;
    TAILQ_INSERT_TAIL(&channel->waiting, pending, link);
}

/* Whether a call that failed UNAVAILABLE at an endpoint goes to another one;
 * then it was sent. The call is SENT at `failed` before. */
bool
rpc_attempt_again(struct rpc_channel *channel, struct rpc_pending *pending,
                  struct rpc_endpoint *failed)
{
    if (!pending->idempotent || pending->attempts >= RPC_ATTEMPTS_MAX ||
        channel->retry_tokens < RPC_RETRY_TOKENS ||
        loop_now(channel->loop) >= pending->deadline)
        return false;
    struct rpc_endpoint *other = choose(channel, failed, false);
    if (other == NULL)
        return false;
    channel->retry_tokens -= RPC_RETRY_TOKENS;
    ++*channel->counters.retries;
    rpc_attempt_unlink(channel, pending);
    rpc_attempt_dispatch(channel, pending, failed);
    return true;
}
