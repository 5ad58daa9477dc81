/* Protobuf messages in an arena: unpack with limits and checked text, pack
 * into a buffer.
 *
 * protobuf-c trusts its input in two ways that we do not: it takes memory
 * without a limit and any bytes for text. Messages must not be recursive in
 * type (none of ours is): their depth is what bounds the stack. */
#ifndef PROTO_MESSAGE_CODEC_H
#define PROTO_MESSAGE_CODEC_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"

#include <protobuf-c/protobuf-c.h>

/* The bytes as a message that lives in the arena and is freed with it.
 * INVALID_ARGUMENT: malformed, a required field is missing, or text is not
 * UTF-8. RESOURCE_EXHAUSTED: the arena is full. */
enum status message_unpack(const ProtobufCMessageDescriptor *type,
                           struct slice bytes, struct arena *arena,
                           ProtobufCMessage **ret_message) MUST_CHECK;
/* Append the message. RESOURCE_EXHAUSTED when out is full. */
enum status
message_pack(const ProtobufCMessage *message, struct buf *out) MUST_CHECK;

#endif
