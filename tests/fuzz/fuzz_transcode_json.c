/* JSON bodies: any bytes give a message or an error that can be shown; the
 * message prints as JSON that gives the same message again.
 * links: services_api
 * options: -max_len=1024
 * The first byte chooses the message. */
#include "tests/fuzz/transcode_check.h"

#include "feedback.pb-c.h"
#include "router.pb-c.h"
#include "tenants.pb-c.h"

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *kept;
    struct arena *arena = fuzz_arena(&kept, 4 << 20);
    struct slice text = fuzz_slice(data, size);
    struct transcode_error error = {"", ""};
    ProtobufCMessage *message = NULL, *again = NULL;
    struct buf once, twice;
    const ProtobufCMessageDescriptor *type =
        transcode_type((size_t)fuzz_number(&text, 1), types, ARRAY_LEN(types));
    enum status status = transcode_json(type, text, arena, &message, &error);
    if (status != STATUS_OK) {
        CHECK(message == NULL);
        transcode_check_error(status, &error);
        return 0;
    }
    buf_init(&once, TRANSCODE_PRINTED_MAX);
    buf_init(&twice, TRANSCODE_PRINTED_MAX);
    transcode_check_message(message, &once);
    CHECK(transcode_json(type, buf_slice(&once), arena, &again, &error) ==
          STATUS_OK);
    transcode_write(again, &twice);
    /* "-0" reads as the whole number 0. */
    CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)) ||
          slice_find(buf_slice(&once), SLICE(":-0")) >= 0);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
