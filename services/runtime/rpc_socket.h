/* A libzmq socket on the loop: whole messages in and out, never blocking.
 *
 * One that serves is a ROUTER and binds: its messages are [route, header,
 * body]. One that calls is a DEALER and connects to one endpoint: [header,
 * body]. Inner to the RPC files of this folder. */
#ifndef SERVICES_RUNTIME_RPC_SOCKET_H
#define SERVICES_RUNTIME_RPC_SOCKET_H

#include "core/base/slice.h"
#include "core/base/status.h"
#include "services/runtime/loop.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <zmq.h>

#define RPC_BATCH 256 /* messages read before other events have their turn */
/* Descriptors that one socket listens at; see rpc_socket_listen. */
#define RPC_LISTENERS_MAX 16

struct rpc_socket;

/* One message. route is unused (empty) at the calling side. */
struct rpc_frames {
    zmq_msg_t route, header, body;
};

struct rpc_socket_options {
    void *zmq;
    bool serves; /* ROUTER, for rpc_socket_listen; else DEALER, connects */
    const char *endpoint; /* of a DEALER */
    ms_dur reconnect;     /* of a DEALER: libzmq's longest wait between tries */
    size_t max_message;   /* bytes of a frame; a peer that sends more is cut */
    /* Messages that libzmq holds for each peer. */
    int send_high_water, receive_high_water;
    /* A message came. The frames are borrowed; moving one out is fine. */
    void (*received)(void *context, struct rpc_frames *frames);
    /* A message of the wrong number of frames came and was dropped. */
    void (*garbled)(void *context);
    /* After the messages of a round (there may have been none). True asks for
     * another round soon. */
    bool (*turn)(void *context, size_t received);
    void *context; /* of the three; none of them may free the socket */
};

/* INVALID_ARGUMENT when the endpoint is none, RESOURCE_EXHAUSTED. */
enum status rpc_socket_new(struct loop *loop,
                           const struct rpc_socket_options *options,
                           struct rpc_socket **ret_socket) MUST_CHECK;
/* Take connections at an endpoint, by a descriptor that listens there (ipc),
 * which is the socket's then whatever the status; -1 (tcp): libzmq makes one.
 * May be called again with another descriptor of the same endpoint: what is
 * connected stays, until there are more than RPC_LISTENERS_MAX descriptors.
 * UNAVAILABLE when the endpoint is taken, INVALID_ARGUMENT,
 * PERMISSION_DENIED, RESOURCE_EXHAUSTED. */
enum status rpc_socket_listen(struct rpc_socket *socket, const char *endpoint,
                              int fd) MUST_CHECK;
/* What an errno of opening a socket means. */
enum status rpc_socket_status(int error);
/* What a ROUTER still has to send goes out for at most a second. */
void rpc_socket_free(struct rpc_socket **socket);
/* Send; the frames are spent whatever happens. UNAVAILABLE when the peer is
 * gone, stalled or not yet connected. */
enum status rpc_socket_send(struct rpc_socket *socket,
                            struct rpc_frames *frames) MUST_CHECK;
/* Whether a send would be taken now. */
bool rpc_socket_is_writable(struct rpc_socket *socket);
/* Ask for a round soon, even if nothing comes. */
void rpc_socket_wake(struct rpc_socket *socket);

void rpc_frames_init(struct rpc_frames *frames);
void rpc_frames_fini(struct rpc_frames *frames);
struct slice rpc_frames_slice(zmq_msg_t *frame);
/* Pack a message into an initialised, empty frame. RESOURCE_EXHAUSTED when it
 * is larger than max bytes or there is no memory. */
enum status rpc_frames_pack(zmq_msg_t *frame, const ProtobufCMessage *message,
                            size_t max) MUST_CHECK;

#endif
