/* One endpoint: connect, probe, listen for signs of life.
 *
 * IMMEDIATE makes a send fail at once when there is no connection, so the
 * first refusal, and a wake-up that leaves the socket not writable, both mean
 * that the peer is gone; a kill is seen within a millisecond. A process that
 * hangs or is stopped keeps its connection: only PING without PONG tells.
 * Being lost is only noted here; the channel takes the endpoint down later,
 * outside of any callback of its socket. */
#include "services/runtime/rpc_endpoint.h"

#include "core/base/check.h"
#include "services/runtime/log.h"

/* Unpacked, a reply is at most this (a whole snapshot is one `bytes`). */
#define REPLY_ARENA_MAX ((size_t)4 * RPC_BODY_MAX)

static void
set_state(struct rpc_endpoint *endpoint, enum rpc_endpoint_state state)
{
    endpoint->state = state;
    endpoint->since = loop_now(endpoint->loop);
}

static void
mark_lost(struct rpc_endpoint *endpoint, const char *why)
{
    if (endpoint->lost != NULL || endpoint->state == RPC_ENDPOINT_DOWN)
        return;
    endpoint->lost = why;
    endpoint->events->lost(endpoint->channel);
}

bool
rpc_endpoint_is_up(const struct rpc_endpoint *endpoint)
{
    return endpoint->state == RPC_ENDPOINT_UP && endpoint->lost == NULL;
}

/* --- sending -------------------------------------------------------------- */

enum status
rpc_endpoint_send(struct rpc_endpoint *endpoint, struct rpc_frames *frames)
{
    CHECK(endpoint->socket != NULL);
    enum status status = rpc_socket_send(endpoint->socket, frames);
    if (status != STATUS_OK)
        mark_lost(endpoint, "a send was refused");
    return status;
}

void
rpc_endpoint_send_bare(struct rpc_endpoint *endpoint, int kind,
                       uint64_t call_id)
{
    Ss__FrameHeader header = SS__FRAME_HEADER__INIT;
    struct rpc_frames frames;
    if (endpoint->socket == NULL || endpoint->lost != NULL)
        return;
    header.kind = (Ss__FrameKind)kind;
    header.version = RPC_VERSION;
    header.call_id = call_id;
    rpc_frames_init(&frames);
    if (rpc_frames_pack(&frames.header, &header.base, RPC_HEADER_MAX) !=
            STATUS_OK ||
        rpc_endpoint_send(endpoint, &frames) != STATUS_OK)
        mark_lost(endpoint, "a send was refused");
    rpc_frames_fini(&frames);
}

static void
ping(struct rpc_endpoint *endpoint)
{
    rpc_endpoint_send_bare(endpoint, SS__FRAME_KIND__FRAME_PING,
                           ++endpoint->pings);
}

/* --- what comes in -------------------------------------------------------- */

static ms_dur
bounded_backoff(const struct rpc_endpoint *endpoint, ms_dur backoff)
{
    ms_dur longest = endpoint->timing->backoff_longest;
    return backoff < longest ? backoff : longest;
}

static void
go_up(struct rpc_endpoint *endpoint)
{
    log_event(LOG_INFO, "endpoint-up",
              LOG_STR("endpoint", endpoint->target.text),
              LOG_HEX("epoch", endpoint->epoch));
    set_state(endpoint, RPC_ENDPOINT_UP);
    endpoint->backoff = bounded_backoff(endpoint, RPC_BACKOFF_FIRST_MS);
    endpoint->events->up(endpoint->channel);
}

static void
start_draining(struct rpc_endpoint *endpoint)
{
    if (endpoint->state == RPC_ENDPOINT_DRAINING)
        return;
    log_event(LOG_INFO, "endpoint-draining",
              LOG_STR("endpoint", endpoint->target.text),
              LOG_U64("outstanding", endpoint->outstanding),
              LOG_STR("next", "new calls go elsewhere"));
    set_state(endpoint, RPC_ENDPOINT_DRAINING);
}

static void
on_garbled(void *context)
{
    struct rpc_endpoint *endpoint = context;
    endpoint->events->garbled(endpoint->channel);
}

static void
on_received(void *context, struct rpc_frames *frames)
{
    struct rpc_endpoint *endpoint = context;
    Ss__FrameHeader *header;
    arena_reset(endpoint->arena);
    if (rpc_frame_parse(rpc_frames_slice(&frames->header), endpoint->arena,
                        &header) != STATUS_OK) {
        on_garbled(endpoint);
        return;
    }
    endpoint->heard = true;
    if (header->has_boot_epoch)
        endpoint->epoch = header->boot_epoch;
    if (header->has_load)
        endpoint->load = header->load;
    switch (header->kind) {
    case SS__FRAME_KIND__FRAME_REP:
        endpoint->events->reply(endpoint->channel, endpoint, header,
                                rpc_frames_slice(&frames->body));
        return;
    case SS__FRAME_KIND__FRAME_PONG:
        if (endpoint->state == RPC_ENDPOINT_PROBING)
            go_up(endpoint);
        return;
    case SS__FRAME_KIND__FRAME_GOAWAY:
        start_draining(endpoint);
        return;
    case SS__FRAME_KIND__FRAME_REQ:
    case SS__FRAME_KIND__FRAME_CANCEL:
    case SS__FRAME_KIND__FRAME_PING:
    case _SS__FRAME_KIND_IS_INT_SIZE:
    default:
        on_garbled(endpoint); /* not for a caller */
        return;
    }
}

static bool
on_turn(void *context, size_t received)
{
    struct rpc_endpoint *endpoint = context;
    if (received > 0 || endpoint->lost != NULL)
        return false;
    bool writable = rpc_socket_is_writable(endpoint->socket);
    if (endpoint->state == RPC_ENDPOINT_CONNECTING) {
        if (!writable)
            return false;
        set_state(endpoint, RPC_ENDPOINT_PROBING);
        endpoint->heard_at = endpoint->since;
        ping(endpoint);
        return false;
    }
    if (!writable)
        mark_lost(endpoint, "the connection ended");
    return false;
}

/* --- up and down ---------------------------------------------------------- */

static enum status
connect_socket(struct rpc_endpoint *endpoint)
{
    const struct rpc_socket_options options = {
        .zmq = endpoint->zmq,
        .endpoint = endpoint->target.text,
        .serves = false,
        /* A new socket after each back-off tries at once: libzmq's own tries
         * are for the time in between. */
        .reconnect = endpoint->timing->backoff_longest / 4,
        .max_message = RPC_BODY_MAX,
        .send_high_water = endpoint->high_water,
        .receive_high_water = endpoint->high_water,
        .received = on_received,
        .garbled = on_garbled,
        .turn = on_turn,
        .context = endpoint,
    };
    set_state(endpoint, RPC_ENDPOINT_CONNECTING);
    return rpc_socket_new(endpoint->loop, &options, &endpoint->socket);
}

enum status
rpc_endpoint_open(struct rpc_endpoint *endpoint)
{
    TAILQ_INIT(&endpoint->calls);
    endpoint->backoff = bounded_backoff(endpoint, RPC_BACKOFF_FIRST_MS);
    endpoint->arena = arena_new(REPLY_ARENA_MAX);
    if (endpoint->arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    return connect_socket(endpoint);
}

void
rpc_endpoint_close(struct rpc_endpoint *endpoint)
{
    rpc_socket_free(&endpoint->socket);
    arena_free(&endpoint->arena);
}

void
rpc_endpoint_tick(struct rpc_endpoint *endpoint, ms_time now, bool late)
{
    if (endpoint->state == RPC_ENDPOINT_DOWN || endpoint->lost != NULL)
        return;
    if (endpoint->state == RPC_ENDPOINT_CONNECTING) {
        /* libzmq tries again by itself; but a socket whose peer refused it
         * by security may be silent for good. */
        if (now - endpoint->since >= endpoint->timing->connecting)
            mark_lost(endpoint, "no connection");
        return;
    }
    if (endpoint->heard || late)
        endpoint->heard_at = now;
    endpoint->heard = false;
    if (now - endpoint->heard_at >= endpoint->timing->silence)
        mark_lost(endpoint, "silent");
    else
        ping(endpoint);
}

void
rpc_endpoint_lower(struct rpc_endpoint *endpoint)
{
    /* One that never connected is no news. */
    if (endpoint->state != RPC_ENDPOINT_CONNECTING)
        log_event(LOG_WARN, "endpoint-down",
                  LOG_STR("endpoint", endpoint->target.text),
                  LOG_STR("reason", endpoint->lost),
                  LOG_U64("outstanding", endpoint->outstanding),
                  LOG_I64("next_probe_ms", endpoint->backoff));
    rpc_socket_free(&endpoint->socket);
    set_state(endpoint, RPC_ENDPOINT_DOWN);
    endpoint->lost = NULL;
    endpoint->heard = false;
}

ms_dur
rpc_endpoint_rest(const struct rpc_endpoint *endpoint, ms_time now)
{
    if (endpoint->state != RPC_ENDPOINT_DOWN)
        return -1;
    ms_dur rest = endpoint->since + endpoint->backoff - now;
    return rest > 0 ? rest : 0;
}

void
rpc_endpoint_raise(struct rpc_endpoint *endpoint)
{
    CHECK(endpoint->state == RPC_ENDPOINT_DOWN);
    endpoint->backoff = bounded_backoff(endpoint, 2 * endpoint->backoff);
    if (connect_socket(endpoint) != STATUS_OK)
        set_state(endpoint, RPC_ENDPOINT_DOWN); /* no descriptors: later */
}
