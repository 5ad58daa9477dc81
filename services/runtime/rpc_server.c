/* The serving side: messages in, calls queued, handlers run, drain.
 *
 * A round of the socket reads what is there: PING is answered on the spot (so
 * its answer says that this very thread still serves), CANCEL marks a call, a
 * request is queued or refused. Then queued calls run for RPC_TURN_US at most,
 * before the next round reads again. What cannot be parsed is counted and
 * dropped, never answered: whoever sent it speaks another language. */
#include "services/runtime/rpc_service.h"

#include "core/base/check.h"
#include "core/base/hash.h"
#include "services/runtime/log.h"

#include <stdlib.h>
#include <sys/random.h>

#define RPC_SERVER_MAGIC 0x53525652u
#define RPC_TURN_US 5000    /* handlers run before the socket is read again */
#define RPC_HIGH_WATER 1024 /* messages for a peer, besides max_calls */
/* Messages that libzmq reads of a peer before we do: memory of a peer that
 * sends faster than we read, so few. */
#define RPC_READ_AHEAD 64

/* --- running -------------------------------------------------------------- */

static void
run_call(struct rpc_call *call)
{
    struct rpc_server *server = call->server;
    const struct rpc_method *method = call->method;
    ProtobufCMessage *input;
    if (call->cancelled) {
        ++*server->counters.cancelled;
        rpc_call_drop(call, STATUS_CANCELLED);
        return;
    }
    if (loop_now(server->loop) >= call->deadline) {
        ++*server->counters.expired;
        rpc_call_drop(call, STATUS_DEADLINE_EXCEEDED);
        return;
    }
    enum status status = rpc_body_unpack(method->descriptor->input,
                                         rpc_frames_slice(&call->frames.body),
                                         call->arena, &input);
    if (status != STATUS_OK) {
        rpc_call_refuse(call, status, "BODY",
                        status == STATUS_INVALID_ARGUMENT
                            ? "the request is not a valid message"
                            : "the request is too large",
                        0);
        return;
    }
    CHECK(zmq_msg_close(&call->frames.body) == 0);
    CHECK(zmq_msg_init(&call->frames.body) == 0);
    call->state = RPC_CALL_RUNNING;
    method->service->invoke(method->service, method->index, input,
                            rpc_call_answer, call);
}

/* Run the first of a queue and then more until the time (0: not begun) is
 * over; true when some are left. */
static bool
run_queue(struct rpc_server *server, struct rpc_call_queue *queue,
          int64_t *until)
{
    struct rpc_call *call;
    for (bool first = true; (call = TAILQ_FIRST(queue)) != NULL;
         first = false) {
        int64_t now = loop_now_us(server->loop);
        if (*until == 0)
            *until = now + RPC_TURN_US;
        else if (!first && now >= *until)
            return true;
        TAILQ_REMOVE(queue, call, queue);
        run_call(call);
    }
    return false;
}

/* Urgent calls first, but however many there are, one of the others too. */
static bool
on_turn(void *context, size_t received)
{
    (void)received;
    struct rpc_server *server = context;
    int64_t until = 0;
    bool urgent = run_queue(server, &server->urgent, &until);
    return run_queue(server, &server->queued, &until) || urgent;
}

/* --- messages in ---------------------------------------------------------- */

static bool
has_place(const struct rpc_server *server, const struct rpc_call *call)
{
    bool urgent = call->method->urgent;
    uint32_t places = server->max_calls + (urgent ? RPC_URGENT_PLACES : 0);
    size_t bytes = RPC_HELD_MAX + (urgent ? RPC_URGENT_BYTES : 0);
    return server->in_flight < places && server->held + call->bytes <= bytes;
}

/* Take the time from a request that it may have waited for us. False when
 * none is left: then it was refused, and not done. */
static bool
has_time(struct rpc_call *call, uint32_t timeout)
{
    struct rpc_server *server = call->server;
    call->received_us = loop_now_us(server->loop);
    ms_time now = call->received_us / 1000;
    ms_dur lost = stall_lost(&server->stall, now);
    call->deadline = now + timeout - lost;
    if (lost < timeout || call->method->urgent)
        return true;
    ++*server->counters.expired;
    rpc_call_refuse(call, STATUS_UNAVAILABLE, "STALLED",
                    "this process stood still for longer than the call had",
                    RPC_RETRY_HINT_MS);
    return false;
}

static void
take_request(struct rpc_server *server, struct rpc_call *call,
             struct rpc_frames *frames)
{
    const Ss__FrameHeader *header = call->header;
    CHECK(zmq_msg_move(&call->frames.route, &frames->route) == 0);
    call->method = rpc_service_method(server, header->method);
    if (call->method == NULL) {
        ++*server->counters.unknown;
        rpc_call_refuse(call, STATUS_UNIMPLEMENTED, "METHOD",
                        "this process does not serve that method", 0);
        return;
    }
    if (header->tenant != NULL && !rpc_tenant_is_valid(header->tenant)) {
        rpc_call_refuse(call, STATUS_INVALID_ARGUMENT, "TENANT",
                        "a tenant is 1 to 64 letters, digits, '.', '_' or '-'",
                        0);
        return;
    }
    call->bytes = zmq_msg_size(&frames->body);
    if (server->draining || !has_place(server, call)) {
        ++*server->counters.refused;
        rpc_call_refuse(call,
                        server->draining ? STATUS_UNAVAILABLE
                                         : STATUS_RESOURCE_EXHAUSTED,
                        server->draining ? "DRAINING" : "OVERLOADED",
                        server->draining ? "the server is stopping"
                                         : "too many calls in flight",
                        RPC_RETRY_HINT_MS);
        return;
    }
    uint32_t timeout =
        header->has_timeout_ms ? header->timeout_ms : RPC_TIMEOUT_DEFAULT_MS;
    if (timeout > RPC_TIMEOUT_MAX_MS)
        timeout = RPC_TIMEOUT_MAX_MS;
    if (!has_time(call, timeout))
        return;
    call->trace = trace_continue(slice_of(header->traceparent));
    CHECK(zmq_msg_move(&call->frames.body, &frames->body) == 0);
    rpc_call_enter(call);
    TAILQ_INSERT_TAIL(call->method->urgent ? &server->urgent : &server->queued,
                      call, queue);
}

static void
remember_peer(struct rpc_server *server, zmq_msg_t *route, uint64_t call_id)
{
    /* Two peers may share a place; the one forgotten hears GOAWAY at its next
     * PING. */
    struct slice id = rpc_frames_slice(route);
    struct rpc_peer *peer = &server->peers[hash_slice(id) % RPC_PEERS_MAX];
    if (id.len > sizeof peer->route)
        return;
    memcpy(peer->route, id.ptr, id.len);
    peer->len = (uint8_t)id.len;
    peer->call_id = call_id;
}

static void
say_alive(struct rpc_server *server, zmq_msg_t *route, uint64_t call_id)
{
    Ss__FrameHeader header = SS__FRAME_HEADER__INIT;
    header.kind = server->draining ? SS__FRAME_KIND__FRAME_GOAWAY
                                   : SS__FRAME_KIND__FRAME_PONG;
    header.call_id = call_id;
    rpc_call_send_bare(server, route, &header);
}

static void
take_cancel(struct rpc_server *server, zmq_msg_t *route, uint64_t call_id)
{
    struct rpc_call *call = rpc_call_lookup(server, route, call_id);
    if (call != NULL)
        call->cancelled = true; /* it may have been answered: then no harm */
}

static void
on_garbled(void *context)
{
    struct rpc_server *server = context;
    ++*server->counters.bad;
}

static void
on_received(void *context, struct rpc_frames *frames)
{
    struct rpc_server *server = context;
    if (server->spare == NULL)
        server->spare = rpc_call_take(server);
    struct rpc_call *call = server->spare;
    if (call == NULL || /* no memory: as if it never came */
        rpc_frame_parse(rpc_frames_slice(&frames->header), call->arena,
                        &call->header) != STATUS_OK) {
        on_garbled(server);
        if (call != NULL)
            arena_reset(call->arena);
        return;
    }
    uint64_t call_id = call->header->call_id;
    switch (call->header->kind) {
    case SS__FRAME_KIND__FRAME_REQ:
        server->spare = NULL;
        take_request(server, call, frames);
        return;
    case SS__FRAME_KIND__FRAME_PING:
        remember_peer(server, &frames->route, call_id);
        say_alive(server, &frames->route, call_id);
        break;
    case SS__FRAME_KIND__FRAME_CANCEL:
        take_cancel(server, &frames->route, call_id);
        break;
    case SS__FRAME_KIND__FRAME_REP:
    case SS__FRAME_KIND__FRAME_PONG:
    case SS__FRAME_KIND__FRAME_GOAWAY:
    case _SS__FRAME_KIND_IS_INT_SIZE:
    default:
        on_garbled(server); /* not for a server */
        break;
    }
    arena_reset(call->arena);
}

void
rpc_server_add(struct rpc_server *server, ProtobufCService *table)
{
    CHECK_OBJ(server, RPC_SERVER_MAGIC);
    rpc_service_add(server, table);
}

ProtobufCService *
rpc_server_find(struct rpc_server *server, const char *name)
{
    CHECK_OBJ(server, RPC_SERVER_MAGIC);
    const struct rpc_service *service =
        rpc_service_find(server, slice_of(name));
    return service ? service->table : NULL;
}

/* --- drain ---------------------------------------------------------------- */

static void
on_drain_timer(void *context)
{
    struct rpc_server *server = context;
    if (server->in_flight == 0 && server->drained != NULL) {
        loop_fn drained = server->drained;
        server->drained = NULL; /* once */
        drained(server->drained_context);
    }
}

static void
say_goaway(struct rpc_server *server)
{
    for (size_t i = 0; i < RPC_PEERS_MAX; i++) {
        const struct rpc_peer *peer = &server->peers[i];
        zmq_msg_t route;
        if (peer->len == 0 || zmq_msg_init_size(&route, peer->len) != 0)
            continue;
        memcpy(zmq_msg_data(&route), peer->route, peer->len);
        say_alive(server, &route, peer->call_id);
        CHECK(zmq_msg_close(&route) == 0);
    }
}

enum status
rpc_server_on_drain(struct rpc_server *server, loop_fn begin, void *context)
{
    CHECK_OBJ(server, RPC_SERVER_MAGIC);
    if (server->hook_count == RPC_DRAIN_HOOKS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    server->hooks[server->hook_count++] =
        (struct rpc_drain_hook){.begin = begin, .context = context};
    return STATUS_OK;
}

void
rpc_server_drain(struct rpc_server *server, loop_fn drained, void *context)
{
    CHECK_OBJ(server, RPC_SERVER_MAGIC);
    if (server->draining)
        return;
    server->draining = true;
    server->drained = drained;
    server->drained_context = context;
    say_goaway(server);
    for (size_t i = 0; i < server->hook_count; i++)
        server->hooks[i].begin(server->hooks[i].context);
    loop_timer_start(server->drain_timer, RPC_LEAVE_MS);
}

/* --- life ----------------------------------------------------------------- */

static void
on_metrics(void *context)
{
    const struct rpc_server *server = context;
    *server->counters.unread_bytes = (int64_t)rpc_unread_bytes(server->unread);
}

static void
make_counters(struct rpc_server *server)
{
    struct metrics *metrics = server->metrics;
    server->counters.bad =
        metrics_counter(metrics, "rpc_frames_bad_total", "",
                        "Messages that were no valid frames; dropped.");
    server->counters.expired =
        metrics_counter(metrics, "rpc_calls_expired_total", "",
                        "Calls dropped because their deadline had passed.");
    server->counters.refused =
        metrics_counter(metrics, "rpc_calls_refused_total", "",
                        "Calls refused: overload or drain.");
    server->counters.cancelled =
        metrics_counter(metrics, "rpc_calls_cancelled_total", "",
                        "Calls their callers gave up.");
    server->counters.dropped =
        metrics_counter(metrics, "rpc_replies_dropped_total", "",
                        "Replies to peers that were gone or stalled.");
    server->counters.unknown =
        metrics_counter(metrics, "rpc_calls_unknown_total", "",
                        "Calls of methods nobody serves here.");
    server->counters.unread =
        metrics_counter(metrics, "rpc_replies_unread_total", "",
                        "Replies refused to peers that do not read.");
    server->counters.in_flight =
        metrics_gauge(metrics, "rpc_calls_in_flight", "",
                      "Calls that wait, run or are held.");
    server->counters.unread_bytes =
        metrics_gauge(metrics, "rpc_unread_bytes", "",
                      "Bytes of replies that libzmq holds for their peers.");
    metrics_on_write(metrics, on_metrics, server);
}

/* --- the endpoint --- */

static enum status
listen_at(struct rpc_server *server, enum status status, int fd)
{
    if (status != STATUS_OK)
        return status;
    return rpc_socket_listen(server->socket, server->endpoint, fd);
}

/* Somebody cleaned up the folder of the sockets: who is connected stays so,
 * but nobody new would find us. */
static void
on_path_timer(void *context)
{
    struct rpc_server *server = context;
    loop_timer_start(server->path_timer, server->path_every);
    if (rpc_path_is_ours(&server->path))
        return;
    int fd = -1;
    enum status status = rpc_path_restore(&server->path, &fd);
    status = listen_at(server, status, fd);
    if (status == STATUS_OK)
        log_event(LOG_WARN, "endpoint-restored",
                  LOG_STR("endpoint", server->endpoint),
                  LOG_STR("reason", "its socket file was gone"));
    else if (!server->path_lost)
        log_event(LOG_ERROR, "endpoint-lost",
                  LOG_STR("endpoint", server->endpoint),
                  LOG_STR("reason", rpc_server_advice(status)),
                  LOG_STR("next", "who is connected is served; trying again"));
    server->path_lost = status != STATUS_OK;
}

static void
on_stall_timer(void *context)
{
    struct rpc_server *server = context;
    stall_see(&server->stall, loop_now(server->loop));
    loop_timer_start(server->stall_timer, STALL_EVERY_MS);
}

static enum status
listen_first(struct rpc_server *server, const struct rpc_target *target)
{
    memcpy(server->endpoint, target->text, sizeof server->endpoint);
    if (!target->ipc)
        return listen_at(server, STATUS_OK, -1);
    const char *path = target->text + strlen("ipc://");
    CHECK(strlen(path) < sizeof server->path.text);
    memcpy(server->path.text, path, strlen(path));
    int fd = -1;
    enum status status = rpc_path_listen(&server->path, &fd);
    status = listen_at(server, status, fd);
    if (status == STATUS_OK)
        loop_timer_start(server->path_timer, server->path_every);
    return status;
}

static enum status
open_server(struct rpc_server *server, const struct rpc_server_options *options)
{
    struct rpc_target target;
    enum status status = rpc_target_parse(slice_of(options->endpoint), &target);
    if (status != STATUS_OK)
        return status;
    if (!target.loopback)
        return STATUS_PERMISSION_DENIED;
    status = loop_timer_new(server->loop, on_drain_timer, server,
                            &server->drain_timer);
    if (status == STATUS_OK)
        status = loop_timer_new(server->loop, on_path_timer, server,
                                &server->path_timer);
    if (status == STATUS_OK)
        status = loop_timer_new(server->loop, on_stall_timer, server,
                                &server->stall_timer);
    if (status != STATUS_OK)
        return status;
    stall_init(&server->stall, loop_now(server->loop));
    loop_timer_start(server->stall_timer, STALL_EVERY_MS);
    const struct rpc_socket_options socket = {
        .zmq = options->zmq,
        .serves = true,
        .max_message = RPC_REQUEST_MAX,
        .send_high_water = (int)options->max_calls + RPC_HIGH_WATER,
        .receive_high_water = RPC_READ_AHEAD,
        .received = on_received,
        .garbled = on_garbled,
        .turn = on_turn,
        .context = server,
    };
    status = rpc_socket_new(server->loop, &socket, &server->socket);
    return status == STATUS_OK ? listen_first(server, &target) : status;
}

enum status
rpc_server_new(struct loop *loop, const struct rpc_server_options *options,
               struct rpc_server **ret_server)
{
    size_t len = strlen(options->instance);
    if (len >= RPC_INSTANCE_MAX || options->max_calls == 0 ||
        options->max_calls > INT32_MAX - RPC_HIGH_WATER)
        return STATUS_INVALID_ARGUMENT;
    struct rpc_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    server->magic = RPC_SERVER_MAGIC;
    server->loop = loop;
    memcpy(server->instance, options->instance, len);
    server->max_calls = options->max_calls;
    server->path_every =
        options->timing ? options->timing->socket_check : RPC_SOCKET_CHECK_MS;
    server->metrics = options->metrics;
    TAILQ_INIT(&server->urgent);
    TAILQ_INIT(&server->queued);
    TAILQ_INIT(&server->idle);
    for (size_t i = 0; i < RPC_CALL_BUCKETS; i++)
        LIST_INIT(&server->buckets[i]);
    CHECK(getrandom(&server->epoch, sizeof server->epoch, 0) ==
          sizeof server->epoch);
    make_counters(server);
    enum status status = rpc_unread_new(&server->unread);
    if (status == STATUS_OK)
        status = open_server(server, options);
    if (status != STATUS_OK) {
        rpc_server_free(&server);
        return status;
    }
    *ret_server = server;
    return STATUS_OK;
}

const char *
rpc_server_advice(enum status status)
{
    static const struct {
        enum status status;
        const char *advice;
    } table[] = {
        {STATUS_INVALID_ARGUMENT, "write ipc://path or tcp://host:port"},
        {STATUS_UNAVAILABLE, "somebody answers there, or it is not of this "
                             "machine"},
        {STATUS_PERMISSION_DENIED,
         "beyond loopback calls are not protected, so a TCP endpoint must be "
         "127.0.0.1 or ::1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].status == status)
            return table[i].advice;
    return status_text(status);
}

static void
free_calls(struct rpc_server *server)
{
    struct rpc_call *call;
    for (size_t i = 0; i < RPC_CALL_BUCKETS; i++) {
        while ((call = LIST_FIRST(&server->buckets[i])) != NULL) {
            LIST_REMOVE(call, bucket);
            rpc_call_free(&call);
        }
    }
    while ((call = TAILQ_FIRST(&server->idle)) != NULL) {
        TAILQ_REMOVE(&server->idle, call, queue);
        rpc_call_free(&call);
    }
    rpc_call_free(&server->spare);
}

void
rpc_server_free(struct rpc_server **server)
{
    struct rpc_server *self = *server;
    if (self == NULL)
        return;
    CHECK_OBJ(self, RPC_SERVER_MAGIC);
    rpc_path_leave(&self->path);
    rpc_socket_free(&self->socket);
    loop_timer_free(&self->drain_timer);
    loop_timer_free(&self->path_timer);
    loop_timer_free(&self->stall_timer);
    free_calls(self);
    rpc_service_free_all(self);
    metrics_off_write(self->metrics, self);
    rpc_unread_free(&self->unread);
    self->magic = 0;
    free(self);
    *server = NULL;
}

uint64_t
rpc_server_epoch(const struct rpc_server *server)
{
    CHECK_OBJ(server, RPC_SERVER_MAGIC);
    return server->epoch;
}

struct loop *
rpc_server_loop(const struct rpc_server *server)
{
    CHECK_OBJ(server, RPC_SERVER_MAGIC);
    return server->loop;
}

struct metrics *
rpc_server_metrics(const struct rpc_server *server)
{
    CHECK_OBJ(server, RPC_SERVER_MAGIC);
    return server->metrics;
}

uint32_t
rpc_server_in_flight(const struct rpc_server *server)
{
    CHECK_OBJ(server, RPC_SERVER_MAGIC);
    return server->in_flight;
}
