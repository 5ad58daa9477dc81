/* Where a field lies in a generated message's C structure.
 *
 * Offsets come from protobuf-c's descriptors and so are those of the compiler
 * that built the message. */
#include "services/api/fields.h"

#include "core/base/check.h"
#include "core/base/slice.h"

const void *
fields_at(const ProtobufCMessage *message,
          const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->offset;
}

void *
fields_edit(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (char *)message + field->offset;
}

static const void *
quantifier(const ProtobufCMessage *message,
           const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->quantifier_offset;
}

size_t
fields_count(const ProtobufCMessage *message,
             const ProtobufCFieldDescriptor *field)
{
    return *(const size_t *)quantifier(message, field);
}

size_t
fields_item_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(uint32_t);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    }
    CHECK(false && "a field type that protobuf-c does not have");
    return 0;
}

bool
fields_is_set(const ProtobufCMessage *message,
              const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return true;
    if (field->type == PROTOBUF_C_TYPE_STRING ||
        field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void *const *)fields_at(message, field) != NULL;
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    return *(const protobuf_c_boolean *)quantifier(message, field) != 0;
}

void
fields_mark(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
            size_t count)
{
    void *at = (char *)message + field->quantifier_offset;

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        *(size_t *)at = count;
    else if (field->label == PROTOBUF_C_LABEL_OPTIONAL &&
             field->type != PROTOBUF_C_TYPE_STRING &&
             field->type != PROTOBUF_C_TYPE_MESSAGE)
        *(protobuf_c_boolean *)at = 1;
}

bool
fields_is_entry(const ProtobufCMessageDescriptor *type)
{
    return slice_ends(slice_of(type->short_name), SLICE("Entry")) &&
           type->n_fields == 2 &&
           type->fields[0].type == PROTOBUF_C_TYPE_STRING &&
           type->fields[0].label == PROTOBUF_C_LABEL_REQUIRED &&
           slice_eq(slice_of(type->fields[0].name), SLICE("key")) &&
           slice_eq(slice_of(type->fields[1].name), SLICE("value")) &&
           type->fields[1].label != PROTOBUF_C_LABEL_REPEATED;
}
