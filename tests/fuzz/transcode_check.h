/* What must hold of a message that the transcoder made, and of a refusal. */
#ifndef TESTS_FUZZ_TRANSCODE_CHECK_H
#define TESTS_FUZZ_TRANSCODE_CHECK_H

#include "core/base/json_in.h"
#include "core/base/text.h"
#include "proto/message_codec.h"
#include "services/api/call_table.h"
#include "services/api/transcode.h"
#include "services/runtime/rpc_frame.h"
#include "tests/fuzz/fuzz.h"

#define TRANSCODE_PRINTED_MAX (16 << 20)

/* A message type by number: one of `types`, else the request or the reply of
 * a call. */
static inline const ProtobufCMessageDescriptor *
transcode_type(size_t number, const ProtobufCMessageDescriptor *const *types,
               size_t count)
{
    size_t calls;
    const struct api_call *table = call_table(&calls);
    number %= count + 2 * calls;
    if (number < count)
        return types[number];
    number -= count;
    return number < calls ? call_input(&table[number])
                          : call_output(&table[number - calls]);
}

/* The refusal tells a client what to mend. */
static inline void
transcode_check_error(enum status status, const struct transcode_error *error)
{
    CHECK(status == STATUS_INVALID_ARGUMENT ||
          status == STATUS_RESOURCE_EXHAUSTED);
    if (status != STATUS_INVALID_ARGUMENT)
        return;
    CHECK(memchr(error->code, '\0', sizeof error->code) != NULL);
    CHECK(memchr(error->message, '\0', sizeof error->message) != NULL);
    CHECK(error->code[0] != '\0' && error->message[0] != '\0');
    CHECK(text_is_utf8(slice_of(error->message)));
    CHECK(!text_has_control(slice_of(error->message), ""));
}

/* It prints as JSON; sent through RPC, it prints the same. */
static inline void
transcode_check_message(const ProtobufCMessage *message, struct buf *ret_json)
{
    static struct arena *kept;
    struct arena *arena = fuzz_arena(&kept, RPC_REQUEST_ARENA);
    struct json *document = NULL;
    ProtobufCMessage *arrived;
    struct buf packed, json;
    buf_init(&packed, RPC_REQUEST_MAX);
    buf_init(&json, TRANSCODE_PRINTED_MAX);
    transcode_write(message, ret_json);
    CHECK(buf_ok(ret_json));
    CHECK(json_parse(buf_slice(ret_json), NULL, &document) == STATUS_OK);
    CHECK(json_kind(document) == JSON_KIND_OBJECT);
    CHECK(message_pack(message, &packed) == STATUS_OK);
    CHECK(rpc_body_unpack(message->descriptor, buf_slice(&packed), arena,
                          &arrived) == STATUS_OK);
    transcode_write(arrived, &json);
    CHECK(slice_eq(buf_slice(&json), buf_slice(ret_json)));
    json_free(&document);
    buf_fini(&packed);
    buf_fini(&json);
}

#endif
