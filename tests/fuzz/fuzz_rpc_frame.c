/* links: services_runtime
 * options: -max_len=1024
 * Any bytes as a header frame, and as the body of any method's request or
 * reply.
 *
 * What is accepted is checked once more in the way that others rely on it:
 * texts are UTF-8 without NUL, limits hold, and sent on it is the same. The
 * first bytes say what to try, and with how much memory. */
#include "core/base/text.h"
#include "core/types/tenants.h"
#include "proto/message_codec.h"
#include "services/runtime/rpc_frame.h"
#include "tests/fuzz/fuzz.h"

#include "feedback.pb-c.h"
#include "ingest.pb-c.h"
#include "router.pb-c.h"
#include "scorer.pb-c.h"
#include "snapshot.pb-c.h"
#include "spawn.pb-c.h"
#include "tenants.pb-c.h"

#define PACKED_MAX (1 << 20)
#define CLEAN_MAX 64

static const ProtobufCServiceDescriptor *const services[] = {
    &ss__router__descriptor,  &ss__feedback__descriptor,
    &ss__ingest__descriptor,  &ss__scorer__descriptor,
    &ss__health__descriptor,  &ss__snapshots__descriptor,
    &ss__tenants__descriptor, &ss__spawn__descriptor,
    &ss__agent__descriptor,
};

/* --- what must hold of any accepted message ------------------------------- */

static void check_texts(ProtobufCMessage *message, unsigned depth);

static void
check_value(const ProtobufCFieldDescriptor *field, void *value, unsigned depth)
{
    if (value == NULL)
        return;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        CHECK(text_is_utf8(slice_of(value)));
    else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        check_texts(value, depth + 1);
}

/* Also drops fields that are not known: nobody sends them on, and protobuf-c
 * takes some (of number 0) that it would refuse again. */
static void
check_texts(ProtobufCMessage *message, unsigned depth)
{
    const char *base = (const char *)message;
    CHECK(depth <= RPC_DEPTH_MAX);
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        void *member;
        size_t count;
        if (field->type != PROTOBUF_C_TYPE_STRING &&
            field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        memcpy(&member, base + field->offset, sizeof member);
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            check_value(field, member, depth);
            continue;
        }
        memcpy(&count, base + field->quantifier_offset, sizeof count);
        for (size_t k = 0; k < count; k++)
            check_value(field, ((void *const *)member)[k], depth);
    }
}

/* Packed and read again, it packs to the same bytes; and the reader of the
 * snapshots, which is less strict, takes it too. */
static void
check_message(ProtobufCMessage *message, struct slice bytes)
{
    static struct arena *kept;
    struct arena *arena = fuzz_arena(&kept, RPC_REQUEST_ARENA);
    ProtobufCMessage *again, *other;
    struct buf once, twice;
    CHECK(protobuf_c_message_check(message));
    check_texts(message, 1);
    buf_init(&once, PACKED_MAX);
    buf_init(&twice, PACKED_MAX);
    CHECK(message_pack(message, &once) == STATUS_OK);
    /* A negative number that came in 5 bytes goes out in 10. */
    CHECK(once.len <= 2 * bytes.len);
    CHECK(rpc_body_unpack(message->descriptor, buf_slice(&once), arena,
                          &again) == STATUS_OK);
    CHECK(message_pack(again, &twice) == STATUS_OK);
    CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)));
    CHECK(message_unpack(message->descriptor, bytes, arena, &other) ==
          STATUS_OK);
    check_texts(other, 1);
    buf_reset(&twice);
    CHECK(message_pack(other, &twice) == STATUS_OK);
    CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)));
    buf_fini(&once);
    buf_fini(&twice);
}

/* --- what is tried -------------------------------------------------------- */

static void
try_header(struct arena *arena, struct slice bytes)
{
    Ss__FrameHeader *header = NULL;
    enum status status = rpc_frame_parse(bytes, arena, &header);
    CHECK((status == STATUS_OK) == (header != NULL));
    if (header == NULL) {
        CHECK(status == STATUS_INVALID_ARGUMENT);
        return;
    }
    CHECK(bytes.len > 0 && bytes.len <= RPC_HEADER_MAX);
    CHECK(header->version == RPC_VERSION);
    CHECK(header->kind >= SS__FRAME_KIND__FRAME_REQ &&
          header->kind <= SS__FRAME_KIND__FRAME_GOAWAY);
    CHECK(header->n_metadata <= RPC_METADATA_MAX);
    CHECK(slice_of(header->method).len <= RPC_METHOD_MAX);
    CHECK(slice_of(header->message).len <= RPC_MESSAGE_MAX);
    if (header->kind == SS__FRAME_KIND__FRAME_REQ) {
        const char *slash = strchr(header->method, '/');
        CHECK(slash != NULL && slash != header->method && slash[1] != '\0');
        CHECK(strchr(slash + 1, '/') == NULL);
    }
    CHECK(!text_has_control(slice_of(header->tenant), ""));
    CHECK(!text_has_control(slice_of(header->caller), ""));
    CHECK(rpc_frame_check(header) == STATUS_OK);
    check_message(&header->base, bytes);
}

static void
try_body(struct arena *arena, const ProtobufCMessageDescriptor *type,
         struct slice bytes)
{
    ProtobufCMessage *message = NULL;
    enum status status = rpc_body_unpack(type, bytes, arena, &message);
    unsigned depth = rpc_body_depth(type);
    CHECK(depth > 0 && depth <= RPC_DEPTH_MAX);
    CHECK((status == STATUS_OK) == (message != NULL));
    if (message != NULL)
        check_message(message, bytes);
}

/* Texts that go into headers: cut to any size they are fit for one. */
static void
try_texts(struct slice bytes)
{
    size_t size = 1 + fuzz_choice(&bytes, CLEAN_MAX);
    char *text = fuzz_copy(bytes, true);
    char *clean = malloc(size);
    CHECK(clean != NULL);
    rpc_frame_clean_text(text, clean, size);
    CHECK(memchr(clean, '\0', size) != NULL);
    CHECK(text_is_utf8(slice_of(clean)));
    CHECK(!text_has_control(slice_of(clean), ""));
    if (text_is_utf8(slice_of(text)) && !text_has_control(slice_of(text), ""))
        CHECK(slice_starts(slice_of(text), slice_of(clean)));
    CHECK(rpc_tenant_is_valid(text) == tenant_is_name(slice_of(text)));
    free(clean);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {RPC_REQUEST_ARENA, 64, 256, 1024};
    static struct arena *kept[ARRAY_LEN(limits)];
    struct slice bytes = fuzz_slice(data, size);
    size_t what = fuzz_choice(&bytes, 4);
    size_t limit = fuzz_choice(&bytes, ARRAY_LEN(limits));
    struct arena *arena = fuzz_arena(&kept[limit], limits[limit]);
    if (what == 0) {
        try_header(arena, bytes);
        return 0;
    }
    if (what == 1) {
        try_texts(bytes);
        return 0;
    }
    const ProtobufCServiceDescriptor *service =
        services[fuzz_choice(&bytes, ARRAY_LEN(services))];
    const ProtobufCMethodDescriptor *method =
        &service->methods[fuzz_choice(&bytes, service->n_methods)];
    try_body(arena, what == 2 ? method->input : method->output, bytes);
    return 0;
}
