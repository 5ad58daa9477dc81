/* Calls at the serving side: what a handler may ask, and how a call ends.
 *
 * A reply is packed straight into the frame that libzmq sends. A reply to a
 * peer that is gone or has stalled is dropped and counted: the caller's own
 * deadline tells it. */
#include "services/runtime/rpc_call.h"

#include "core/base/check.h"
#include "core/base/hash.h"
#include "services/runtime/log.h"

#include <stdlib.h>

#define RPC_CALL_MAGIC 0x43414c4cu
#define RPC_REASON_MAX 64 /* bytes of a reason */

/* --- the pool ------------------------------------------------------------- */

struct rpc_call *
rpc_call_take(struct rpc_server *server)
{
    struct rpc_call *call = TAILQ_FIRST(&server->idle);
    if (call != NULL) {
        TAILQ_REMOVE(&server->idle, call, queue);
        server->idle_count--;
        return call;
    }
    call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->arena = arena_new(RPC_REQUEST_ARENA);
    if (call->arena == NULL) {
        free(call);
        return NULL;
    }
    call->magic = RPC_CALL_MAGIC;
    call->server = server;
    rpc_frames_init(&call->frames);
    return call;
}

void
rpc_call_give_back(struct rpc_call *call)
{
    CHECK_OBJ(call, RPC_CALL_MAGIC);
    struct rpc_server *server = call->server;
    rpc_frames_fini(&call->frames);
    rpc_frames_init(&call->frames);
    arena_reset(call->arena);
    call->state = RPC_CALL_IDLE;
    call->cancelled = false;
    call->method = NULL;
    call->header = NULL;
    if (server->idle_count == RPC_CALLS_IDLE_MAX) {
        rpc_call_free(&call);
        return;
    }
    TAILQ_INSERT_HEAD(&server->idle, call, queue);
    server->idle_count++;
}

void
rpc_call_free(struct rpc_call **call)
{
    struct rpc_call *self = *call;
    if (self == NULL)
        return;
    CHECK_OBJ(self, RPC_CALL_MAGIC);
    rpc_frames_fini(&self->frames);
    arena_free(&self->arena);
    self->magic = 0;
    free(self);
    *call = NULL;
}

/* --- in flight ------------------------------------------------------------ */

static struct rpc_call_bucket *
find_bucket(struct rpc_server *server, uint64_t call_id)
{
    uint64_t hash = hash_mix(call_id, server->epoch);
    return &server->buckets[hash % RPC_CALL_BUCKETS];
}

void
rpc_call_enter(struct rpc_call *call)
{
    struct rpc_server *server = call->server;
    CHECK(call->state == RPC_CALL_IDLE);
    call->state = RPC_CALL_QUEUED;
    LIST_INSERT_HEAD(find_bucket(server, call->header->call_id), call, bucket);
    server->in_flight++;
    server->held += call->bytes;
    *server->counters.in_flight = server->in_flight;
    ++*call->method->calls;
}

static void
leave(struct rpc_call *call)
{
    struct rpc_server *server = call->server;
    LIST_REMOVE(call, bucket);
    server->in_flight--;
    server->held -= call->bytes;
    *server->counters.in_flight = server->in_flight;
    if (server->draining && server->in_flight == 0)
        loop_timer_start(server->drain_timer, RPC_LEAVE_MS);
}

struct rpc_call *
rpc_call_lookup(struct rpc_server *server, zmq_msg_t *route, uint64_t call_id)
{
    struct rpc_call *call;
    LIST_FOREACH(call, find_bucket(server, call_id), bucket)
    {
        if (call->header->call_id == call_id &&
            slice_eq(rpc_frames_slice(&call->frames.route),
                     rpc_frames_slice(route)))
            return call;
    }
    return NULL;
}

/* --- the end of a call ---------------------------------------------------- */

static void
log_call(const struct rpc_call *call, enum status status, const char *reason,
         int64_t us)
{
    bool quiet = call->method->quiet && status == STATUS_OK;
    enum log_level level = quiet ? LOG_DEBUG : LOG_INFO;
    char trace[TRACE_ID_TEXT_MAX];
    if (!log_enabled(level))
        return;
    trace_id_format(&call->trace, trace);
    log_event(level, "call", LOG_STR("method", call->method->name),
              LOG_STR("status", status_text(status)), LOG_STR("reason", reason),
              LOG_I64("us", us), LOG_STR("trace", trace),
              LOG_STR("caller", rpc_call_caller(call)),
              LOG_STR("tenant", rpc_call_tenant(call)));
}

static void
count_call(const struct rpc_call *call, enum status status, const char *reason)
{
    int64_t us = loop_now_us(call->server->loop) - call->received_us;
    if (status != STATUS_OK)
        ++*call->method->failed;
    *call->method->us += (uint64_t)us;
    log_call(call, status, reason, us);
}

void
rpc_call_drop(struct rpc_call *call, enum status why)
{
    count_call(call, why, "DROPPED");
    leave(call);
    rpc_call_give_back(call);
}

static void
fill_reply(struct rpc_server *server, Ss__FrameHeader *header)
{
    header->version = RPC_VERSION;
    header->served_by = server->instance;
    header->has_load = true;
    header->load = server->in_flight;
    header->has_boot_epoch = true;
    header->boot_epoch = server->epoch;
}

/* Send route, header and the body already in frames; they are spent. */
static void
send_reply(struct rpc_server *server, struct rpc_frames *frames,
           Ss__FrameHeader *header)
{
    fill_reply(server, header);
    if (rpc_frames_pack(&frames->header, &header->base, RPC_HEADER_MAX) !=
            STATUS_OK ||
        rpc_socket_send(server->socket, frames) != STATUS_OK)
        ++*server->counters.dropped;
}

void
rpc_call_send_bare(struct rpc_server *server, zmq_msg_t *route,
                   Ss__FrameHeader *header)
{
    struct rpc_frames frames;
    rpc_frames_init(&frames);
    CHECK(zmq_msg_move(&frames.route, route) == 0);
    send_reply(server, &frames, header);
    rpc_frames_fini(&frames);
}

void
rpc_call_refuse(struct rpc_call *call, enum status status, const char *reason,
                const char *message, ms_dur retry_after)
{
    CHECK_OBJ(call, RPC_CALL_MAGIC);
    CHECK(status != STATUS_OK);
    Ss__FrameHeader header = SS__FRAME_HEADER__INIT;
    struct rpc_server *server = call->server;
    bool in_flight = call->state != RPC_CALL_IDLE;
    char clean_reason[RPC_REASON_MAX + 1];
    char clean_message[RPC_MESSAGE_MAX + 1];
    rpc_frame_clean_text(reason, clean_reason, sizeof clean_reason);
    rpc_frame_clean_text(message, clean_message, sizeof clean_message);
    if (in_flight) {
        count_call(call, status, clean_reason);
        leave(call);
    }
    header.kind = SS__FRAME_KIND__FRAME_REP;
    header.call_id = call->header->call_id;
    header.has_status = true;
    header.status = status;
    header.reason = clean_reason;
    header.message = clean_message;
    header.has_retry_after_ms = retry_after > 0;
    header.retry_after_ms =
        retry_after < UINT32_MAX ? (uint32_t)retry_after : UINT32_MAX;
    if (call->cancelled)
        ++*server->counters.cancelled;
    else
        rpc_call_send_bare(server, &call->frames.route, &header);
    rpc_call_give_back(call);
}

/* INTERNAL when a handler gave none, RESOURCE_EXHAUSTED when it is too large
 * for one frame, UNAVAILABLE when its peer does not read. */
static enum status
pack_reply(struct rpc_call *call, const ProtobufCMessage *reply)
{
    if (reply == NULL)
        return STATUS_INTERNAL;
    CHECK(reply->descriptor == call->method->descriptor->output);
    return rpc_unread_pack(call->server->unread,
                           rpc_frames_slice(&call->frames.route), reply,
                           RPC_BODY_MAX, &call->frames.body);
}

static void
refuse_unpacked(struct rpc_call *call, enum status status)
{
    if (status != STATUS_UNAVAILABLE) {
        rpc_call_refuse(call, status, "REPLY", "the reply cannot be sent", 0);
        return;
    }
    ++*call->server->counters.unread;
    rpc_call_refuse(call, STATUS_RESOURCE_EXHAUSTED, "UNREAD",
                    "earlier replies wait until you read them",
                    RPC_RETRY_HINT_MS);
}

void
rpc_call_answer(const ProtobufCMessage *reply, void *done_data)
{
    struct rpc_call *call = done_data;
    CHECK_OBJ(call, RPC_CALL_MAGIC);
    CHECK(call->state == RPC_CALL_RUNNING); /* else it was answered before */
    enum status status = pack_reply(call, reply);
    if (status != STATUS_OK) {
        refuse_unpacked(call, status);
        return;
    }
    Ss__FrameHeader header = SS__FRAME_HEADER__INIT;
    struct rpc_server *server = call->server;
    count_call(call, STATUS_OK, "");
    leave(call);
    header.kind = SS__FRAME_KIND__FRAME_REP;
    header.call_id = call->header->call_id;
    header.has_status = true;
    header.status = STATUS_OK;
    if (call->cancelled)
        ++*server->counters.cancelled;
    else
        send_reply(server, &call->frames, &header);
    rpc_call_give_back(call);
}

void
rpc_fail_retry(void *done_data, enum status status, const char *reason,
               const char *message, ms_dur retry_after)
{
    struct rpc_call *call = done_data;
    CHECK_OBJ(call, RPC_CALL_MAGIC);
    CHECK(call->state == RPC_CALL_RUNNING);
    rpc_call_refuse(call, status, reason, message, retry_after);
}

void
rpc_fail(void *done_data, enum status status, const char *reason,
         const char *message)
{
    rpc_fail_retry(done_data, status, reason, message, 0);
}

/* --- what a handler may ask ----------------------------------------------- */

static const char *
text_or(const char *text, const char *fallback)
{
    return text != NULL && text[0] != '\0' ? text : fallback;
}

struct arena *
rpc_call_arena(struct rpc_call *call)
{
    CHECK_OBJ(call, RPC_CALL_MAGIC);
    return call->arena;
}

const char *
rpc_call_tenant(const struct rpc_call *call)
{
    return text_or(call->header->tenant, "default");
}

const char *
rpc_call_caller(const struct rpc_call *call)
{
    return text_or(call->header->caller, "");
}

struct slice
rpc_call_peer(struct rpc_call *call)
{
    CHECK_OBJ(call, RPC_CALL_MAGIC);
    return rpc_frames_slice(&call->frames.route);
}

const char *
rpc_call_idempotency_key(const struct rpc_call *call)
{
    return text_or(call->header->idempotency_key, "");
}

const char *
rpc_call_metadata(const struct rpc_call *call, const char *key)
{
    for (size_t i = 0; i < call->header->n_metadata; i++)
        if (strcmp(call->header->metadata[i]->key, key) == 0)
            return call->header->metadata[i]->value;
    return "";
}

const struct trace *
rpc_call_trace(const struct rpc_call *call)
{
    return &call->trace;
}

ms_time
rpc_call_deadline(const struct rpc_call *call)
{
    return call->deadline;
}

bool
rpc_call_is_cancelled(const struct rpc_call *call)
{
    return call->cancelled;
}
