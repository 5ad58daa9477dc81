/* libzmq in an event loop.
 *
 * ZMQ_FD says only that something happened, once: it is silent while messages
 * wait. So every wake-up reads until libzmq has nothing more (which also takes
 * in its commands), and a send outside such a round asks for one, because
 * sending may swallow the sign of something that came. A round ends after
 * RPC_BATCH messages or RPC_ROUND_US and goes on in the loop's next turn, so
 * that a flood at one socket, or answers that take long to make something of,
 * starve no other event. */
#include "services/runtime/rpc_socket.h"

#include "core/base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define RPC_SOCKET_MAGIC 0x534f434bu
#define LINGER_MS 1000        /* last replies of a server that ends */
#define HANDSHAKE_MS 2000     /* a peer that connects and says nothing */
#define RECONNECT_FIRST_MS 20 /* libzmq doubles it */
#define RPC_ROUND_US 5000     /* messages are read before other events */

struct rpc_socket {
    unsigned magic;
    struct rpc_socket_options options;
    struct loop *loop;
    void *zmq;
    struct loop_watch *watch;
    struct loop_timer *again;
    bool armed;   /* again is running */
    bool in_turn; /* a round is under way */
    bool sent;    /* something was sent since the last read */
    unsigned listeners;
    struct rpc_frames frames;
};

void
rpc_frames_init(struct rpc_frames *frames)
{
    CHECK(zmq_msg_init(&frames->route) == 0);
    CHECK(zmq_msg_init(&frames->header) == 0);
    CHECK(zmq_msg_init(&frames->body) == 0);
}

void
rpc_frames_fini(struct rpc_frames *frames)
{
    CHECK(zmq_msg_close(&frames->route) == 0);
    CHECK(zmq_msg_close(&frames->header) == 0);
    CHECK(zmq_msg_close(&frames->body) == 0);
}

struct slice
rpc_frames_slice(zmq_msg_t *frame)
{
    return slice_make(zmq_msg_data(frame), zmq_msg_size(frame));
}

enum status
rpc_frames_pack(zmq_msg_t *frame, const ProtobufCMessage *message, size_t max)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    zmq_msg_t packed;
    if (size > max || zmq_msg_init_size(&packed, size) != 0)
        return STATUS_RESOURCE_EXHAUSTED;
    (void)protobuf_c_message_pack(message, zmq_msg_data(&packed));
    CHECK(zmq_msg_move(frame, &packed) == 0);
    return STATUS_OK;
}

/* --- receiving ------------------------------------------------------------ */

enum received { RECEIVED_NONE, RECEIVED_GOOD, RECEIVED_GARBLED };

static int
receive_frame(struct rpc_socket *socket, zmq_msg_t *frame)
{
    int got;
    do {
        got = zmq_msg_recv(frame, socket->zmq, ZMQ_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    return got;
}

static enum received
receive(struct rpc_socket *socket)
{
    struct rpc_frames *frames = &socket->frames;
    zmq_msg_t *parts[] = {&frames->route, &frames->header, &frames->body};
    size_t first = socket->options.serves ? 0 : 1;
    for (size_t i = first; i < ARRAY_LEN(parts); i++) {
        if (receive_frame(socket, parts[i]) < 0)
            return i == first ? RECEIVED_NONE : RECEIVED_GARBLED;
        bool last = i + 1 == ARRAY_LEN(parts);
        bool more = zmq_msg_more(parts[i]) != 0;
        if (!last && !more)
            return RECEIVED_GARBLED;
        if (!last || !more)
            continue;
        /* Too many frames: libzmq holds the message whole, so this ends. */
        while (zmq_msg_more(&frames->body) != 0)
            if (receive_frame(socket, &frames->body) < 0)
                break;
        return RECEIVED_GARBLED;
    }
    return RECEIVED_GOOD;
}

/* Read what is there, RPC_BATCH at most and not for longer than until;
 * *ret_more when that cut it short. */
static size_t
drain(struct rpc_socket *socket, int64_t until, bool *ret_more)
{
    const struct rpc_socket_options *options = &socket->options;
    for (size_t count = 0; count < RPC_BATCH; count++) {
        enum received received = receive(socket);
        if (received == RECEIVED_NONE) {
            *ret_more = false;
            return count;
        }
        if (received == RECEIVED_GOOD)
            options->received(options->context, &socket->frames);
        else
            options->garbled(options->context);
        *ret_more = true;
        if (loop_now_us(socket->loop) >= until)
            return count + 1;
    }
    return RPC_BATCH;
}

static void
take_turn(struct rpc_socket *socket)
{
    const struct rpc_socket_options *options = &socket->options;
    size_t total = 0;
    bool more, again;
    int64_t until = loop_now_us(socket->loop) + RPC_ROUND_US;
    socket->in_turn = true;
    do {
        total += drain(socket, until, &more);
        socket->sent = false;
        again = options->turn(options->context, total);
        /* Work that is left waits for the loop's next round, so that other
         * events have their turn; a send alone asks for one more read. */
    } while (socket->sent && !more && !again && total < RPC_BATCH);
    socket->in_turn = false;
    if (more || again || socket->sent)
        rpc_socket_wake(socket);
}

static void
on_readable(void *context, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    take_turn(context);
}

static void
on_again(void *context)
{
    struct rpc_socket *socket = context;
    socket->armed = false;
    take_turn(socket);
}

void
rpc_socket_wake(struct rpc_socket *socket)
{
    CHECK_OBJ(socket, RPC_SOCKET_MAGIC);
    if (socket->armed)
        return;
    socket->armed = true;
    loop_timer_start(socket->again, 0);
}

/* --- sending -------------------------------------------------------------- */

static bool
send_frame(struct rpc_socket *socket, zmq_msg_t *frame, int flags)
{
    int sent;
    do {
        sent = zmq_msg_send(frame, socket->zmq, flags | ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

enum status
rpc_socket_send(struct rpc_socket *socket, struct rpc_frames *frames)
{
    CHECK_OBJ(socket, RPC_SOCKET_MAGIC);
    /* Once libzmq took the first frame it takes the rest or drops the whole
     * message with its peer. */
    bool sent = (!socket->options.serves ||
                 send_frame(socket, &frames->route, ZMQ_SNDMORE)) &&
                send_frame(socket, &frames->header, ZMQ_SNDMORE) &&
                send_frame(socket, &frames->body, 0);
    rpc_frames_fini(frames);
    rpc_frames_init(frames);
    socket->sent = true;
    if (!socket->in_turn)
        rpc_socket_wake(socket);
    return sent ? STATUS_OK : STATUS_UNAVAILABLE;
}

bool
rpc_socket_is_writable(struct rpc_socket *socket)
{
    CHECK_OBJ(socket, RPC_SOCKET_MAGIC);
    int events = 0;
    size_t size = sizeof events;
    if (zmq_getsockopt(socket->zmq, ZMQ_EVENTS, &events, &size) != 0)
        return false;
    /* The question took in libzmq's commands, so the descriptor may be
     * silent about what came. */
    if ((events & ZMQ_POLLIN) != 0)
        rpc_socket_wake(socket);
    return (events & ZMQ_POLLOUT) != 0;
}

/* --- life ----------------------------------------------------------------- */

static bool
set_option(void *zmq, int option, int value)
{
    return zmq_setsockopt(zmq, option, &value, sizeof value) == 0;
}

static bool
set_options(void *zmq, const struct rpc_socket_options *options)
{
    int64_t max = (int64_t)options->max_message;
    if (zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &max, sizeof max) != 0 ||
        !set_option(zmq, ZMQ_SNDHWM, options->send_high_water) ||
        !set_option(zmq, ZMQ_RCVHWM, options->receive_high_water) ||
        !set_option(zmq, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) ||
        !set_option(zmq, ZMQ_IPV6, 1))
        return false;
    if (options->serves)
        return set_option(zmq, ZMQ_ROUTER_MANDATORY, 1) &&
               set_option(zmq, ZMQ_LINGER, LINGER_MS);
    return set_option(zmq, ZMQ_IMMEDIATE, 1) &&
           set_option(zmq, ZMQ_LINGER, 0) &&
           set_option(zmq, ZMQ_RECONNECT_IVL, RECONNECT_FIRST_MS) &&
           set_option(zmq, ZMQ_RECONNECT_IVL_MAX, (int)options->reconnect);
}

enum status
rpc_socket_status(int error)
{
    switch (error) {
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case ENODEV:
    case ENOENT:
        return STATUS_UNAVAILABLE;
    case EACCES:
    case EPERM:
    case EROFS:
        return STATUS_PERMISSION_DENIED;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return STATUS_RESOURCE_EXHAUSTED;
    default:
        return STATUS_INVALID_ARGUMENT;
    }
}

enum status
rpc_socket_listen(struct rpc_socket *socket, const char *endpoint, int fd)
{
    CHECK_OBJ(socket, RPC_SOCKET_MAGIC);
    if (socket->listeners == RPC_LISTENERS_MAX) {
        CHECK(zmq_unbind(socket->zmq, endpoint) == 0);
        socket->listeners = 0;
    }
    if (set_option(socket->zmq, ZMQ_USE_FD, fd) &&
        zmq_bind(socket->zmq, endpoint) == 0) {
        socket->listeners++;
        return STATUS_OK;
    }
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    return rpc_socket_status(error);
}

static enum status
open_zmq(struct rpc_socket *socket, struct loop *loop)
{
    const struct rpc_socket_options *options = &socket->options;
    socket->zmq =
        zmq_socket(options->zmq, options->serves ? ZMQ_ROUTER : ZMQ_DEALER);
    if (socket->zmq == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    if (!set_options(socket->zmq, options))
        return STATUS_INVALID_ARGUMENT;
    if (!options->serves && zmq_connect(socket->zmq, options->endpoint) != 0)
        return rpc_socket_status(errno);
    int fd;
    size_t size = sizeof fd;
    CHECK(zmq_getsockopt(socket->zmq, ZMQ_FD, &fd, &size) == 0);
    enum status status = loop_timer_new(loop, on_again, socket, &socket->again);
    if (status != STATUS_OK)
        return status;
    return loop_watch_new(loop, fd, true, false, on_readable, socket,
                          &socket->watch);
}

enum status
rpc_socket_new(struct loop *loop, const struct rpc_socket_options *options,
               struct rpc_socket **ret_socket)
{
    struct rpc_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    socket->magic = RPC_SOCKET_MAGIC;
    socket->options = *options;
    socket->loop = loop;
    rpc_frames_init(&socket->frames);
    enum status status = open_zmq(socket, loop);
    if (status != STATUS_OK) {
        rpc_socket_free(&socket);
        return status;
    }
    socket->options.endpoint = NULL; /* borrowed only to open */
    rpc_socket_wake(socket);
    *ret_socket = socket;
    return STATUS_OK;
}

void
rpc_socket_free(struct rpc_socket **socket)
{
    struct rpc_socket *self = *socket;
    if (self == NULL)
        return;
    CHECK_OBJ(self, RPC_SOCKET_MAGIC);
    CHECK(!self->in_turn);
    loop_watch_free(&self->watch);
    loop_timer_free(&self->again);
    rpc_frames_fini(&self->frames);
    if (self->zmq != NULL)
        CHECK(zmq_close(self->zmq) == 0);
    self->magic = 0;
    free(self);
    *socket = NULL;
}
