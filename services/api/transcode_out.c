/* Messages to JSON, straight into the buffer, by descriptor.
 *
 * One function per shape. A message's C structure is read at the offsets its
 * descriptor gives; unset scalars (Decimal and Timestamp are scalars here)
 * print as null, other unset messages not at all.
 * Never builds a tree and never allocates but in the buffer. */
#include "services/api/transcode.h"

#include "core/base/json_out.h"
#include "core/base/utc.h"
#include "services/api/fields.h"
#include "services/api/names.h"

#include "common.pb-c.h"

static void
write_message(struct json_out *json, const ProtobufCMessage *message);

static void
write_bytes(struct json_out *json, const ProtobufCBinaryData *bytes)
{
    static const char digits[] = "0123456789abcdef";
    struct buf *out = json->out;

    /* As a raw value, because a text of any length would need a copy. */
    json_out_raw(json, SLICE("\""));
    for (size_t i = 0; i < bytes->len; i++) {
        buf_put_char(out, digits[bytes->data[i] >> 4]);
        buf_put_char(out, digits[bytes->data[i] & 15]);
    }
    buf_put_char(out, '"');
}

static void
write_enum(struct json_out *json, const ProtobufCEnumDescriptor *type,
           int value)
{
    char name[NAMES_MAX];
    struct slice text = names_enum(type, value, name);

    /* A newer peer may know values that this program does not. */
    if (text.len == 0)
        json_out_null(json);
    else
        json_out_text(json, text);
}

static void
write_decimal(struct json_out *json, const ProtobufCMessage *message)
{
    const Ss__Decimal *decimal = (const Ss__Decimal *)message;

    json_out_decimal(json, decimal->nanos, 9);
}

static void
write_timestamp(struct json_out *json, const ProtobufCMessage *message)
{
    const Ss__Timestamp *time = (const Ss__Timestamp *)message;
    char text[UTC_TEXT_MAX];

    if (time->ms < 0 || time->ms > UTC_MS_MAX) {
        json_out_null(json);
        return;
    }
    utc_format(time->ms, text);
    json_out_text(json, slice_of(text));
}

/* One value of a field, wherever it lies: at the field's own offset or as an
 * item of a repeated one. */
static void
write_value(struct json_out *json, const ProtobufCFieldDescriptor *field,
            const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        json_out_i64(json, *(const int32_t *)at);
        return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        json_out_i64(json, *(const int64_t *)at);
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        json_out_u64(json, *(const uint32_t *)at);
        return;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        json_out_u64(json, *(const uint64_t *)at);
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        json_out_double(json, (double)*(const float *)at);
        return;
    case PROTOBUF_C_TYPE_DOUBLE:
        json_out_double(json, *(const double *)at);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        json_out_bool(json, *(const protobuf_c_boolean *)at != 0);
        return;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(json, field->descriptor, *(const int *)at);
        return;
    case PROTOBUF_C_TYPE_STRING:
        json_out_text(json, slice_of(*(const char *const *)at));
        return;
    case PROTOBUF_C_TYPE_BYTES:
        write_bytes(json, at);
        return;
    case PROTOBUF_C_TYPE_MESSAGE:
        write_message(json, *(const ProtobufCMessage *const *)at);
        return;
    }
}

/* A repeated …Entry as an object. */
static void
write_map(struct json_out *json, const ProtobufCMessageDescriptor *entry,
          const ProtobufCMessage *const *items, size_t count)
{
    const ProtobufCFieldDescriptor *key = &entry->fields[0];
    const ProtobufCFieldDescriptor *value = &entry->fields[1];

    json_out_object(json);
    for (size_t i = 0; i < count; i++) {
        json_out_key(json, slice_of(*(char *const *)fields_at(items[i], key)));
        write_value(json, value, fields_at(items[i], value));
    }
    json_out_object_end(json);
}

static void
write_repeated(struct json_out *json, const ProtobufCMessage *message,
               const ProtobufCFieldDescriptor *field)
{
    size_t count = fields_count(message, field);
    const char *items = *(const char *const *)fields_at(message, field);
    size_t size = fields_item_size(field);

    if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
        fields_is_entry(field->descriptor)) {
        write_map(json, field->descriptor,
                  (const ProtobufCMessage *const *)(const void *)items, count);
        return;
    }
    json_out_list(json);
    for (size_t i = 0; i < count; i++)
        write_value(json, field, items + i * size);
    json_out_list_end(json);
}

/* A message that prints as an object: not a Decimal or Timestamp. */
static bool
is_object(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE &&
           field->descriptor != &ss__decimal__descriptor &&
           field->descriptor != &ss__timestamp__descriptor;
}

static void
write_field(struct json_out *json, const ProtobufCMessage *message,
            const ProtobufCFieldDescriptor *field)
{
    char name[NAMES_MAX];
    bool set = fields_is_set(message, field);

    if (!set && is_object(field))
        return;
    json_out_key(json, names_field(field->name, name));
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        write_repeated(json, message, field);
    else if (set)
        write_value(json, field, fields_at(message, field));
    else
        json_out_null(json);
}

static void
write_message(struct json_out *json, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type;

    /* A map's value that its maker left out. */
    if (!message) {
        json_out_null(json);
        return;
    }
    type = message->descriptor;
    if (type == &ss__decimal__descriptor) {
        write_decimal(json, message);
        return;
    }
    if (type == &ss__timestamp__descriptor) {
        write_timestamp(json, message);
        return;
    }
    json_out_object(json);
    for (unsigned i = 0; i < type->n_fields; i++)
        write_field(json, message, &type->fields[i]);
    json_out_object_end(json);
}

void
transcode_write(const ProtobufCMessage *message, struct buf *out)
{
    struct json_out json;

    json_out_init(&json, out);
    write_message(&json, message);
}
