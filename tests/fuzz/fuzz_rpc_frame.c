/* Any bytes as a header frame, and as bodies of a few types.
 * links: services_runtime
 *
 * What parses is checked once more in the way a handler relies on it: texts
 * are UTF-8, the header packs again within its maximum. */
#include "core/base/check.h"
#include "core/base/text.h"
#include "services/runtime/rpc_frame.h"

#include "router.pb-c.h"
#include "snapshot.pb-c.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_header(struct arena *arena, struct slice bytes)
{
    Ss__FrameHeader *header;
    if (rpc_frame_parse(bytes, arena, &header) != STATUS_OK)
        return;
    CHECK(header->version == RPC_VERSION);
    if (header->kind == SS__FRAME_KIND__FRAME_REQ)
        CHECK(header->method != NULL && strchr(header->method, '/') != NULL);
    CHECK(header->n_metadata <= RPC_METADATA_MAX);
    CHECK(rpc_frame_check(header) == STATUS_OK);
}

static void
try_body(struct arena *arena, const ProtobufCMessageDescriptor *type,
         struct slice bytes)
{
    ProtobufCMessage *message;
    arena_reset(arena);
    if (rpc_body_unpack(type, bytes, arena, &message) != STATUS_OK)
        return;
    CHECK(protobuf_c_message_check(message));
    (void)protobuf_c_message_get_packed_size(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_make((const char *)data, size);
    struct arena *arena = arena_new(RPC_REQUEST_ARENA);
    char clean[64];
    char text[64];
    CHECK(arena != NULL);
    try_header(arena, bytes);
    try_body(arena, &ss__pick_request__descriptor, bytes);
    try_body(arena, &ss__watch_reply__descriptor, bytes);
    try_body(arena, &ss__table_snapshot__descriptor, bytes);
    size_t len = size < sizeof text - 1 ? size : sizeof text - 1;
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    rpc_frame_clean_text(text, clean, sizeof clean);
    CHECK(text_is_utf8(slice_of(clean)));
    CHECK(!text_has_control(slice_of(clean), ""));
    arena_free(&arena);
    return 0;
}
