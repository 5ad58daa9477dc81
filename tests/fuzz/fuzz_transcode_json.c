/* JSON bodies: any bytes give a message or an error, and the message prints.
 * links: services_api */
#include "core/base/check.h"
#include "core/base/json_in.h"
#include "services/api/transcode.h"

#include "feedback.pb-c.h"
#include "router.pb-c.h"
#include "tenants.pb-c.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the message. */
static const ProtobufCMessageDescriptor *const types[] = {
    &ss__decompose_request__descriptor,
    &ss__swarm_request__descriptor,
    &ss__compose_role_request__descriptor,
    &ss__record_outcome_request__descriptor,
    &ss__pick_reply__descriptor,
    &ss__model__descriptor,
    &ss__swarm_reply__descriptor,
    &ss__tenant_key__descriptor,
};

/* What was read must print as valid JSON. */
static void
check_printed(const ProtobufCMessage *message)
{
    struct json *document;
    struct buf out;

    buf_init(&out, 16 << 20);
    transcode_write(message, &out);
    CHECK(buf_ok(&out));
    CHECK(json_parse(buf_slice(&out), NULL, &document) == STATUS_OK);
    json_free(&document);
    buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct transcode_error error;
    ProtobufCMessage *message;
    struct arena *arena;
    struct slice text;

    if (size == 0)
        return 0;
    arena = arena_new(4 << 20);
    CHECK(arena);
    text = slice_make((const char *)data + 1, size - 1);
    if (transcode_json(types[data[0] % ARRAY_LEN(types)], text, arena, &message,
                       &error) == STATUS_OK)
        check_printed(message);
    arena_free(&arena);
    return 0;
}
