/* Replies that libzmq holds because their peers do not read: how many bytes,
 * for each peer and in all.
 *
 * libzmq bounds what it keeps for a peer in messages, not in bytes. So the
 * frame of a reply that is not small carries memory of ours, which libzmq
 * gives back, on a thread of its own, when the kernel has taken it; until then
 * it is what the peer owes. A peer that owes too much gets no more replies of
 * that kind until it has read; one that owes nothing always gets its next one,
 * whatever the others do. Inner to the server.
 *
 * Peers are told apart by a keyed hash of their routing ids; two that share a
 * place share an allowance. */
#ifndef SERVICES_RUNTIME_RPC_UNREAD_H
#define SERVICES_RUNTIME_RPC_UNREAD_H

#include "core/base/slice.h"
#include "core/base/status.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <zmq.h>

#define RPC_UNREAD_LEAST 1024           /* bytes; smaller ones are small */
#define RPC_UNREAD_PEER_MAX (16u << 20) /* bytes that one peer may owe … */
#define RPC_UNREAD_ALL_MAX (128u << 20) /* … and all that owe something */

struct rpc_unread;

/* RESOURCE_EXHAUSTED. */
enum status rpc_unread_new(struct rpc_unread **ret_unread) MUST_CHECK;
/* Frames that are still with libzmq keep what they need. */
void rpc_unread_free(struct rpc_unread **unread);
/* Pack a reply for a peer into an initialised, empty frame. UNAVAILABLE when
 * the peer owes too much, RESOURCE_EXHAUSTED when the message is larger than
 * max bytes or there is no memory. */
enum status rpc_unread_pack(struct rpc_unread *unread, struct slice peer,
                            const ProtobufCMessage *message, size_t max,
                            zmq_msg_t *frame) MUST_CHECK;
/* Bytes that all peers owe together. */
size_t rpc_unread_bytes(const struct rpc_unread *unread);

#endif
