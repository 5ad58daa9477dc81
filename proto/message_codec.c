/* Unpacking with protobuf-c's allocator hook over an arena, then one walk by
 * the descriptors over every text of the message and its parts. */
#include "proto/message_codec.h"

#include "core/base/text.h"

static void *
take(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void
give_back(void *arena, void *memory)
{
    (void)arena; /* it frees all at once */
    (void)memory;
}

static bool
text_is_clean(const char *text)
{
    return text == NULL || text_is_utf8(slice_of(text));
}

static bool texts_are_clean(const ProtobufCMessage *message);

/* One value of a text or message field. */
static bool
value_is_clean(const ProtobufCFieldDescriptor *field, const void *value)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return text_is_clean(value);
    return value == NULL || texts_are_clean(value);
}

static bool
field_is_clean(const ProtobufCMessage *message,
               const ProtobufCFieldDescriptor *field)
{
    if (field->type != PROTOBUF_C_TYPE_STRING &&
        field->type != PROTOBUF_C_TYPE_MESSAGE)
        return true;
    const char *base = (const char *)message;
    const void *const *place = (const void *const *)(base + field->offset);
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return value_is_clean(field, *place);
    size_t count = *(const size_t *)(base + field->quantifier_offset);
    const void *const *values = *place;
    for (size_t i = 0; i < count; i++) {
        if (!value_is_clean(field, values[i]))
            return false;
    }
    return true;
}

static bool
texts_are_clean(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (!field_is_clean(message, &type->fields[i]))
            return false;
    }
    return true;
}

enum status
message_unpack(const ProtobufCMessageDescriptor *type, struct slice bytes,
               struct arena *arena, ProtobufCMessage **ret_message)
{
    ProtobufCAllocator allocator = {
        .alloc = take, .free = give_back, .allocator_data = arena};
    const uint8_t *data = (const uint8_t *)bytes.ptr;
    ProtobufCMessage *message = protobuf_c_message_unpack(
        type, &allocator, bytes.len, data ? data : (const uint8_t *)"");
    if (!arena_ok(arena))
        return STATUS_RESOURCE_EXHAUSTED;
    if (message == NULL || !texts_are_clean(message))
        return STATUS_INVALID_ARGUMENT;
    *ret_message = message;
    return STATUS_OK;
}

enum status
message_pack(const ProtobufCMessage *message, struct buf *out)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    char *end = buf_reserve(out, size);
    if (end == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    buf_advance(out, protobuf_c_message_pack(message, (uint8_t *)end));
    return STATUS_OK;
}
