/* One message on the wire: [header, body], both protobuf (proto/rpc.proto).
 *
 * Parsing is bounded and total: any bytes give a header or a status. The
 * limits of the protocol are all here. */
#ifndef SERVICES_RUNTIME_RPC_FRAME_H
#define SERVICES_RUNTIME_RPC_FRAME_H

#include "core/base/arena.h"
#include "core/base/slice.h"
#include "core/base/status.h"

#include "rpc.pb-c.h"

#include <stdbool.h>

#define RPC_VERSION 1
#define RPC_HEADER_MAX 4096          /* bytes of a header frame */
#define RPC_BODY_MAX (64u << 20)     /* bytes of a reply's body frame */
#define RPC_REQUEST_MAX (1u << 20)   /* bytes of a request's body frame */
#define RPC_METHOD_MAX 128           /* bytes of "ss.Router/Pick" */
#define RPC_TIMEOUT_MAX_MS 600000    /* 10 min; longer is cut to it */
#define RPC_TIMEOUT_DEFAULT_MS 5000  /* a request that names none */
#define RPC_TENANT_MAX 64            /* bytes of [A-Za-z0-9._-] */
#define RPC_METADATA_MAX 16          /* entries */
#define RPC_MESSAGE_MAX 512          /* bytes of an error's text */
#define RPC_REQUEST_ARENA (8u << 20) /* bytes for one request, unpacked */
#define RPC_DEPTH_MAX 16             /* messages within messages */

/* The texts of a header: UTF-8, no control characters, within the limits
 * above; a request's method reads "package.Service/Method". Also what a caller
 * asks before it sends. INVALID_ARGUMENT. */
enum status rpc_frame_check(const Ss__FrameHeader *header) MUST_CHECK;
/* Unpack and check a header frame: version, kind, lengths, UTF-8 and no
 * control characters in every text, the method of a request. The header lives
 * in the arena. INVALID_ARGUMENT when anything is off. */
enum status rpc_frame_parse(struct slice bytes, struct arena *arena,
                            Ss__FrameHeader **ret_header) MUST_CHECK;
/* Text fit for a header into out (size bytes with NUL): cut between
 * characters; control characters become blanks, broken bytes '?'. */
void rpc_frame_clean_text(const char *text, char *out, size_t size);
/* A protobuf-c allocator over an arena: unpacked messages are freed with it.
 * The allocator lives in the arena too; NULL after overflow. */
ProtobufCAllocator *rpc_arena_allocator(struct arena *arena);
/* Unpack a body. Texts are checked to be UTF-8 without NUL (what protobuf-c
 * does not do: it cuts them), through every nested message. INVALID_ARGUMENT,
 * RESOURCE_EXHAUSTED when the arena is full. */
enum status rpc_body_unpack(const ProtobufCMessageDescriptor *type,
                            struct slice bytes, struct arena *arena,
                            ProtobufCMessage **ret_message) MUST_CHECK;
/* The levels of messages within a type, 1 for one without nested messages; 0
 * when it is recursive or deeper than RPC_DEPTH_MAX. A stranger's bytes could
 * then nest without end, which protobuf-c does not survive: such a type is
 * never served. */
unsigned rpc_body_depth(const ProtobufCMessageDescriptor *type);

/* 1 to RPC_TENANT_MAX letters, digits, '.', '_' or '-'. */
bool rpc_tenant_is_valid(const char *tenant);

#endif
