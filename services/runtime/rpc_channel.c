/* The calling side: choose an endpoint, send, wait, try again, give up.
 *
 * Nothing here calls a caller back from inside its own rpc_call_start:
 * endpoints that were lost, failed calls and deadlines are worked off by
 * timers. A kill is handled as: socket not writable → endpoint lost → (next
 * round of the loop) its idempotent calls go to another endpoint, the others
 * end UNAVAILABLE, the socket is closed, and later a new one probes. */
#include "services/runtime/rpc_attempt.h"

#include "core/base/check.h"
#include "services/runtime/log.h"

#include <stdlib.h>
#include <sys/random.h>

#define RPC_CHANNEL_MAGIC 0x4348414eu
#define RPC_HIGH_WATER 64 /* PING and CANCEL, besides max_calls */
#define RPC_LATE_MS 500   /* a tick that late: we were held up */
/* Why a call that was sent has no answer; DOUBT follows unless asking again
 * is safe anyway. */
#define LOST "the endpoint went down before it answered"
#define LATE "no answer in time"
#define DOUBT                                                                  \
    ": whether it was done is not known; with an idempotency key it is safe "  \
    "to ask again"

/* --- replies -------------------------------------------------------------- */

static const char *
text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void
on_reply(void *context, struct rpc_endpoint *endpoint,
         const Ss__FrameHeader *header, struct slice body)
{
    struct rpc_channel *channel = context;
    struct rpc_pending *pending =
        rpc_pending_lookup(&channel->table, header->call_id);
    if (pending == NULL || pending->endpoint != endpoint) {
        ++*channel->counters.late;
        return;
    }
    struct rpc_result result = {
        .status = status_from_number(header->has_status ? header->status : 0),
        .message = text_or_empty(header->message),
        .reason = text_or_empty(header->reason),
        .retry_after = header->retry_after_ms,
        .served_by = text_or_empty(header->served_by)};
    if (result.status == STATUS_UNAVAILABLE &&
        rpc_attempt_again(channel, pending, endpoint))
        return;
    ProtobufCMessage *reply = NULL;
    if (result.status == STATUS_OK &&
        rpc_body_unpack(pending->reply_type, body, endpoint->arena, &reply) !=
            STATUS_OK) {
        result.status = STATUS_INTERNAL;
        result.message = "the reply is not a valid message";
    }
    result.reply = reply;
    rpc_attempt_unlink(channel, pending);
    rpc_attempt_finish(channel, pending, &result);
}

static void
on_garbled(void *context)
{
    struct rpc_channel *channel = context;
    ++*channel->counters.bad;
}

/* --- endpoints up and down ------------------------------------------------ */

/* The start is over, in one way or the other: the waiting calls go out, and
 * what finds no place fails. */
static void
end_startup(void *context)
{
    struct rpc_channel *channel = context;
    struct rpc_pending_list calls = TAILQ_HEAD_INITIALIZER(calls);
    struct rpc_pending *pending;
    channel->is_starting = false;
    loop_timer_stop(channel->startup);
    TAILQ_CONCAT(&calls, &channel->waiting, link);
    while ((pending = TAILQ_FIRST(&calls)) != NULL) {
        TAILQ_REMOVE(&calls, pending, link);
        rpc_attempt_dispatch(channel, pending, NULL);
    }
}

static void
on_lost(void *context)
{
    struct rpc_channel *channel = context;
    loop_timer_start(channel->work, 0);
}

static void
arm_raise(struct rpc_channel *channel)
{
    ms_time now = loop_now(channel->loop);
    ms_dur soonest = -1;
    for (size_t i = 0; i < channel->endpoint_count; i++) {
        ms_dur rest = rpc_endpoint_rest(&channel->endpoints[i], now);
        if (rest >= 0 && (soonest < 0 || rest < soonest))
            soonest = rest;
    }
    if (soonest >= 0)
        loop_timer_start(channel->raise, soonest);
}

static void
on_raise(void *context)
{
    struct rpc_channel *channel = context;
    ms_time now = loop_now(channel->loop);
    for (size_t i = 0; i < channel->endpoint_count; i++)
        if (rpc_endpoint_rest(&channel->endpoints[i], now) == 0)
            rpc_endpoint_raise(&channel->endpoints[i]);
    arm_raise(channel);
}

static void
lower(struct rpc_channel *channel, struct rpc_endpoint *endpoint)
{
    struct rpc_pending *pending, *next;
    if (endpoint->state != RPC_ENDPOINT_CONNECTING)
        ++*channel->counters.down;
    for (pending = TAILQ_FIRST(&endpoint->calls); pending != NULL;
         pending = next) {
        next = TAILQ_NEXT(pending, link);
        if (rpc_attempt_again(channel, pending, endpoint))
            continue;
        rpc_attempt_unlink(channel, pending);
        rpc_attempt_fail_later(channel, pending, STATUS_UNAVAILABLE,
                               pending->idempotent ? LOST : LOST DOUBT);
    }
    rpc_endpoint_lower(endpoint);
}

/* What must not happen inside a callback of a socket or of rpc_call_start. */
static void
on_work(void *context)
{
    struct rpc_channel *channel = context;
    struct rpc_pending *pending;
    size_t due = 0;
    for (size_t i = 0; i < channel->endpoint_count; i++)
        if (channel->endpoints[i].lost != NULL)
            lower(channel, &channel->endpoints[i]);
    arm_raise(channel);
    /* done may add to the list: what it adds is told in the next round. */
    TAILQ_FOREACH(pending, &channel->failed, link)
    due++;
    while (due-- > 0 && (pending = TAILQ_FIRST(&channel->failed)) != NULL)
        rpc_attempt_finish_failed(channel, pending);
}

static void
on_tick(void *context)
{
    struct rpc_channel *channel = context;
    ms_time now = loop_now(channel->loop);
    bool late =
        now - channel->ticked_at > channel->timing.ping_every + RPC_LATE_MS;
    channel->ticked_at = now;
    for (size_t i = 0; i < channel->endpoint_count; i++)
        rpc_endpoint_tick(&channel->endpoints[i], now, late);
    loop_timer_start(channel->tick, channel->timing.ping_every);
}

/* --- deadlines ------------------------------------------------------------ */

/* Moved only to an earlier time: a call that ends leaves the timer alone. */
static void
arm_deadline(struct rpc_channel *channel)
{
    const struct rpc_pending *first = rpc_pending_first(&channel->table);
    if (first == NULL ||
        (channel->armed_for != 0 && channel->armed_for <= first->deadline))
        return;
    channel->armed_for = first->deadline;
    loop_timer_start(channel->deadline,
                     first->deadline - loop_now(channel->loop));
}

static void
expire(struct rpc_channel *channel, struct rpc_pending *pending)
{
    bool sent = pending->state == RPC_PENDING_SENT;
    ++*channel->counters.expired;
    if (sent)
        rpc_endpoint_send_bare(pending->endpoint, SS__FRAME_KIND__FRAME_CANCEL,
                               pending->id);
    pending->status = sent ? STATUS_DEADLINE_EXCEEDED : STATUS_UNAVAILABLE;
    pending->message = !sent                 ? "no endpoint is up"
                       : pending->idempotent ? LATE
                                             : LATE DOUBT;
    pending->retry_after = sent ? 0 : RPC_UP_HINT_MS;
    rpc_attempt_finish_failed(channel, pending);
}

static void
on_deadline(void *context)
{
    struct rpc_channel *channel = context;
    struct rpc_pending *first;
    channel->armed_for = 0;
    ms_time now = loop_now(channel->loop);
    while ((first = rpc_pending_first(&channel->table)) != NULL &&
           first->deadline <= now)
        expire(channel, first);
    arm_deadline(channel);
}

/* --- starting a call ------------------------------------------------------ */

enum status
rpc_call_start(struct rpc_channel *channel,
               const ProtobufCServiceDescriptor *service, unsigned method,
               const ProtobufCMessage *request,
               const struct rpc_options *options, rpc_done_fn done,
               void *context, struct rpc_pending **ret_pending)
{
    CHECK_OBJ(channel, RPC_CHANNEL_MAGIC);
    CHECK(method < service->n_methods && options->timeout > 0);
    const ProtobufCMethodDescriptor *type = &service->methods[method];
    CHECK(request->descriptor == type->input);
    ms_dur timeout = options->timeout < RPC_TIMEOUT_MAX_MS ? options->timeout
                                                           : RPC_TIMEOUT_MAX_MS;
    struct rpc_pending *pending =
        rpc_pending_take(&channel->table, loop_now(channel->loop) + timeout);
    if (pending == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    pending->channel = channel;
    pending->done = done;
    pending->context = context;
    enum status status =
        rpc_pending_fill(pending, service->name, type, request, options);
    if (status != STATUS_OK) {
        rpc_pending_release(&channel->table, pending);
        return status;
    }
    ++*channel->counters.calls;
    rpc_attempt_dispatch(channel, pending, NULL);
    arm_deadline(channel);
    if (ret_pending != NULL)
        *ret_pending = pending;
    return STATUS_OK;
}

void
rpc_call_cancel(struct rpc_pending **pending)
{
    struct rpc_pending *self = *pending;
    if (self == NULL)
        return;
    rpc_pending_check(self);
    if (self->state == RPC_PENDING_SENT)
        rpc_endpoint_send_bare(self->endpoint, SS__FRAME_KIND__FRAME_CANCEL,
                               self->id);
    rpc_attempt_unlink(self->channel, self);
    rpc_pending_release(&self->channel->table, self);
    *pending = NULL;
}

bool
rpc_channel_is_up(const struct rpc_channel *channel)
{
    CHECK_OBJ(channel, RPC_CHANNEL_MAGIC);
    for (size_t i = 0; i < channel->endpoint_count; i++)
        if (rpc_endpoint_is_up(&channel->endpoints[i]))
            return true;
    return false;
}

const struct timing *
rpc_channel_timing(const struct rpc_channel *channel)
{
    CHECK_OBJ(channel, RPC_CHANNEL_MAGIC);
    return &channel->timing;
}

struct metrics *
rpc_channel_metrics(const struct rpc_channel *channel)
{
    CHECK_OBJ(channel, RPC_CHANNEL_MAGIC);
    return channel->metrics;
}

/* --- life ----------------------------------------------------------------- */

static const struct rpc_endpoint_events channel_events = {
    .reply = on_reply,
    .garbled = on_garbled,
    .up = end_startup,
    .lost = on_lost,
};

static enum status
add_endpoint(struct rpc_channel *channel, struct slice text,
             const struct rpc_channel_options *options)
{
    if (channel->endpoint_count == RPC_ENDPOINTS_MAX)
        return STATUS_INVALID_ARGUMENT;
    struct rpc_endpoint *endpoint =
        &channel->endpoints[channel->endpoint_count];
    enum status status = rpc_target_parse(slice_trim(text), &endpoint->target);
    if (status != STATUS_OK)
        return status;
    endpoint->loop = channel->loop;
    endpoint->zmq = options->zmq;
    endpoint->timing = &channel->timing;
    endpoint->high_water = (int)options->max_calls + RPC_HIGH_WATER;
    endpoint->events = &channel_events;
    endpoint->channel = channel;
    channel->endpoint_count++;
    return rpc_endpoint_open(endpoint);
}

static enum status
open_channel(struct rpc_channel *channel,
             const struct rpc_channel_options *options)
{
    const struct {
        loop_fn fire;
        struct loop_timer **timer;
    } timers[] = {{on_tick, &channel->tick},
                  {on_deadline, &channel->deadline},
                  {on_work, &channel->work},
                  {on_raise, &channel->raise},
                  {end_startup, &channel->startup}};
    for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
        enum status status = loop_timer_new(channel->loop, timers[i].fire,
                                            channel, timers[i].timer);
        if (status != STATUS_OK)
            return status;
    }
    channel->endpoints = calloc(RPC_ENDPOINTS_MAX, sizeof *channel->endpoints);
    if (channel->endpoints == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    struct slice rest = slice_of(options->target), part;
    while (slice_split(&rest, ',', &part)) {
        enum status status = add_endpoint(channel, part, options);
        if (status != STATUS_OK)
            return status;
    }
    return channel->endpoint_count > 0 ? STATUS_OK : STATUS_INVALID_ARGUMENT;
}

static void
make_counters(struct rpc_channel *channel, struct metrics *metrics)
{
    channel->counters.calls =
        metrics_counter(metrics, "rpc_client_calls_total", "", "Calls made.");
    channel->counters.failed =
        metrics_counter(metrics, "rpc_client_failed_total", "",
                        "Calls made that ended with an error.");
    channel->counters.expired =
        metrics_counter(metrics, "rpc_client_expired_total", "",
                        "Calls made that had no answer in time.");
    channel->counters.retries =
        metrics_counter(metrics, "rpc_client_retries_total", "",
                        "Calls tried again on another endpoint.");
    channel->counters.late =
        metrics_counter(metrics, "rpc_client_late_total", "",
                        "Replies to calls that had ended before.");
    channel->counters.down =
        metrics_counter(metrics, "rpc_client_endpoint_downs_total", "",
                        "Times an endpoint was found gone or silent.");
    channel->counters.bad =
        metrics_counter(metrics, "rpc_frames_bad_total", "",
                        "Messages that were no valid frames; dropped.");
}

enum status
rpc_channel_new(struct loop *loop, const struct rpc_channel_options *options,
                struct rpc_channel **ret_channel)
{
    size_t len = strlen(options->caller);
    uint32_t first_use;
    if (len >= RPC_CALLER_MAX || options->max_calls == 0 ||
        options->max_calls > INT32_MAX - RPC_HIGH_WATER)
        return STATUS_INVALID_ARGUMENT;
    struct rpc_channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    channel->magic = RPC_CHANNEL_MAGIC;
    channel->loop = loop;
    channel->timing = options->timing ? *options->timing : timing_default();
    channel->metrics = options->metrics;
    memcpy(channel->caller, options->caller, len);
    TAILQ_INIT(&channel->waiting);
    TAILQ_INIT(&channel->failed);
    CHECK(getrandom(&first_use, sizeof first_use, 0) == sizeof first_use);
    rpc_pending_table_init(&channel->table, options->max_calls, first_use);
    channel->retry_tokens = RPC_RETRY_BURST * RPC_RETRY_TOKENS;
    channel->ticked_at = loop_now(loop);
    channel->is_starting = true;
    make_counters(channel, options->metrics);
    enum status status = open_channel(channel, options);
    if (status != STATUS_OK) {
        rpc_channel_free(&channel);
        return status;
    }
    loop_timer_start(channel->tick, channel->timing.ping_every);
    loop_timer_start(channel->startup,
                     options->startup > 0 ? options->startup : RPC_STARTUP_MS);
    *ret_channel = channel;
    return STATUS_OK;
}

void
rpc_channel_free(struct rpc_channel **channel)
{
    struct rpc_channel *self = *channel;
    struct rpc_pending *pending;
    if (self == NULL)
        return;
    CHECK_OBJ(self, RPC_CHANNEL_MAGIC);
    while ((pending = rpc_pending_first(&self->table)) != NULL) {
        pending->status = STATUS_CANCELLED;
        pending->message = "the channel was closed";
        pending->retry_after = 0;
        rpc_attempt_finish_failed(self, pending);
    }
    for (size_t i = 0; i < self->endpoint_count; i++)
        rpc_endpoint_close(&self->endpoints[i]);
    rpc_pending_table_fini(&self->table);
    loop_timer_free(&self->tick);
    loop_timer_free(&self->deadline);
    loop_timer_free(&self->work);
    loop_timer_free(&self->raise);
    loop_timer_free(&self->startup);
    free(self->endpoints);
    self->magic = 0;
    free(self);
    *channel = NULL;
}
