/* Storing checked input in messages, and saying why input was refused.
 *
 * The messages name the field as the client writes it and the rule, never the
 * value: it may be a secret, or hostile. */
#include "services/api/transcode_in.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/base/utc.h"
#include "services/api/names.h"

#include "common.pb-c.h"

#include <stdio.h>

#define RULE_MAX 512 /* bytes of "is invalid: use one of …" */

ProtobufCMessage *
transcode_in_message(const struct transcode_in *in,
                     const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = arena_alloc(in->arena, type->sizeof_message);

    if (message)
        protobuf_c_message_init(type, message);
    return message;
}

enum status
transcode_in_say(struct transcode_error *error, const char *code,
                 const char *what, const char *why)
{
    /* Longer texts are cut: a rule that lists a hundred names is no help. */
    (void)snprintf(error->code, sizeof(error->code), "%s", code);
    (void)snprintf(error->message, sizeof(error->message), "%s%s", what, why);
    return STATUS_INVALID_ARGUMENT;
}

static enum status
refuse_as(const struct transcode_in *in, const char *code,
          const ProtobufCFieldDescriptor *field, const char *rule)
{
    char name[NAMES_MAX + 1];
    struct slice text = names_field(field->name, name);

    name[text.len] = ' ';
    name[text.len + 1] = '\0';
    return transcode_in_say(in->error, code, name, rule);
}

enum status
transcode_in_refuse(const struct transcode_in *in,
                    const ProtobufCFieldDescriptor *field, const char *rule)
{
    return refuse_as(in, "INVALID_PARAM", field, rule);
}

enum status
transcode_in_missing(const struct transcode_in *in,
                     const ProtobufCFieldDescriptor *field)
{
    return refuse_as(in, "MISSING_PARAM", field, "is required");
}

static enum status
refuse_enum(const struct transcode_in *in,
            const ProtobufCFieldDescriptor *field)
{
    enum status status;
    struct buf rule;

    buf_init(&rule, RULE_MAX);
    buf_put_text(&rule, "is invalid: use one of ");
    names_enum_list(field->descriptor, &rule);
    status = transcode_in_refuse(in, field, buf_text(&rule));
    buf_fini(&rule);
    return status;
}

enum transcode_kind
transcode_in_kind(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return TRANSCODE_WHOLE;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return TRANSCODE_NUMBER;
    case PROTOBUF_C_TYPE_BOOL:
        return TRANSCODE_BOOL;
    case PROTOBUF_C_TYPE_ENUM:
        return TRANSCODE_ENUM;
    case PROTOBUF_C_TYPE_STRING:
        return TRANSCODE_TEXT;
    case PROTOBUF_C_TYPE_BYTES:
        return TRANSCODE_BYTES;
    case PROTOBUF_C_TYPE_MESSAGE:
        if (field->descriptor == &ss__decimal__descriptor)
            return TRANSCODE_DECIMAL;
        if (field->descriptor == &ss__timestamp__descriptor)
            return TRANSCODE_TIME;
        return TRANSCODE_MESSAGE;
    }
    CHECK(false && "a field type that protobuf-c does not have");
    return TRANSCODE_MESSAGE;
}

enum status
transcode_in_wrong_type(const struct transcode_in *in,
                        const ProtobufCFieldDescriptor *field)
{
    static const char *const rules[] = {
        [TRANSCODE_TEXT] = "must be text",
        [TRANSCODE_WHOLE] = "must be a whole number",
        [TRANSCODE_NUMBER] = "must be a number",
        [TRANSCODE_BOOL] = "must be true or false",
        [TRANSCODE_BYTES] = "must be hexadecimal text",
        [TRANSCODE_DECIMAL] = "must be a number",
        [TRANSCODE_TIME] = "must be a time such as 2026-07-22T10:11:12Z",
        [TRANSCODE_MESSAGE] = "must be an object",
    };
    enum transcode_kind kind = transcode_in_kind(field);

    if (kind == TRANSCODE_ENUM)
        return refuse_enum(in, field);
    return transcode_in_refuse(in, field, rules[kind]);
}

enum status
transcode_in_whole(const struct transcode_in *in,
                   const ProtobufCFieldDescriptor *field, int64_t value,
                   void *at)
{
    /* Unsigned and 32-bit fields take what fits; the int64 fields of requests
     * take everything, and the service clamps. */
    bool is_unsigned = field->type == PROTOBUF_C_TYPE_UINT32 ||
                       field->type == PROTOBUF_C_TYPE_FIXED32 ||
                       field->type == PROTOBUF_C_TYPE_UINT64 ||
                       field->type == PROTOBUF_C_TYPE_FIXED64;
    bool is_wide = field->type == PROTOBUF_C_TYPE_INT64 ||
                   field->type == PROTOBUF_C_TYPE_SINT64 ||
                   field->type == PROTOBUF_C_TYPE_SFIXED64 ||
                   field->type == PROTOBUF_C_TYPE_UINT64 ||
                   field->type == PROTOBUF_C_TYPE_FIXED64;
    int64_t lowest = is_unsigned ? 0 : (is_wide ? INT64_MIN : INT32_MIN);
    int64_t highest =
        is_wide ? INT64_MAX : (is_unsigned ? (int64_t)UINT32_MAX : INT32_MAX);

    if (value < lowest || value > highest)
        return transcode_in_refuse(in, field, "is out of range");
    /* Two's complement: signed and unsigned of a width store alike. */
    if (is_wide)
        *(int64_t *)at = value;
    else
        *(uint32_t *)at = (uint32_t)value;
    return STATUS_OK;
}

enum status
transcode_in_text(const struct transcode_in *in,
                  const ProtobufCFieldDescriptor *field, struct slice text,
                  void *at)
{
    char *copy;

    if (!text_is_utf8(text))
        return transcode_in_refuse(in, field, "must be UTF-8 text without NUL");
    copy = arena_text(in->arena, text);
    if (!copy)
        return STATUS_RESOURCE_EXHAUSTED;
    *(char **)at = copy;
    return STATUS_OK;
}

enum status
transcode_in_enum(const struct transcode_in *in,
                  const ProtobufCFieldDescriptor *field, struct slice name,
                  void *at)
{
    int value;

    if (!names_enum_find(field->descriptor, name, &value))
        return refuse_enum(in, field);
    *(int *)at = value;
    return STATUS_OK;
}

enum status
transcode_in_bytes(const struct transcode_in *in,
                   const ProtobufCFieldDescriptor *field, struct slice hex,
                   void *at)
{
    ProtobufCBinaryData *bytes = at;
    uint8_t *data;

    if (hex.len % 2 != 0)
        return transcode_in_wrong_type(in, field);
    data = arena_alloc(in->arena, hex.len / 2);
    if (!data)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < hex.len / 2; i++) {
        int high = text_hex_digit(hex.ptr[2 * i]);
        int low = text_hex_digit(hex.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return transcode_in_wrong_type(in, field);
        data[i] = (uint8_t)(high << 4 | low);
    }
    bytes->data = data;
    bytes->len = hex.len / 2;
    return STATUS_OK;
}

void
transcode_in_double(const ProtobufCFieldDescriptor *field, double value,
                    void *at)
{
    if (field->type == PROTOBUF_C_TYPE_FLOAT)
        *(float *)at = (float)value;
    else
        *(double *)at = value;
}

enum status
transcode_in_decimal(const struct transcode_in *in, int64_t nanos, void *at)
{
    Ss__Decimal *decimal = ARENA_NEW(in->arena, Ss__Decimal);

    if (!decimal)
        return STATUS_RESOURCE_EXHAUSTED;
    ss__decimal__init(decimal);
    decimal->nanos = nanos;
    *(Ss__Decimal **)at = decimal;
    return STATUS_OK;
}

enum status
transcode_in_time(const struct transcode_in *in,
                  const ProtobufCFieldDescriptor *field, struct slice text,
                  void *at)
{
    Ss__Timestamp *time;
    ms_time ms;

    if (utc_parse(text, &ms) != STATUS_OK)
        return transcode_in_wrong_type(in, field);
    time = ARENA_NEW(in->arena, Ss__Timestamp);
    if (!time)
        return STATUS_RESOURCE_EXHAUSTED;
    ss__timestamp__init(time);
    time->ms = ms;
    *(Ss__Timestamp **)at = time;
    return STATUS_OK;
}
