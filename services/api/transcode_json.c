/* JSON to a message: a strict parse, then field by field as the descriptor
 * says.
 *
 * The document is asked for each field of the message, so unknown members
 * cost nothing and are ignored. Depth is that of the message types, which do
 * not recurse. */
#include "services/api/transcode_in.h"

#include "core/base/json_in.h"
#include "core/base/text.h"
#include "services/api/fields.h"
#include "services/api/names.h"

#include <math.h>

static enum status read_object(const struct transcode_in *in,
                               const struct json *object,
                               ProtobufCMessage *message);

/* 5, 5.0 and 5e0 are whole; a whole number past 64 bits is the nearest that
 * fits, for the service to clamp. */
static bool
whole_number(const struct json *value, int64_t *ret_whole)
{
    double number;

    if (json_i64(value, ret_whole))
        return true;
    if (!json_double(value, &number) || number != floor(number))
        return false;
    if (number >= 9223372036854775807.0)
        *ret_whole = INT64_MAX;
    else if (number <= -9223372036854775808.0)
        *ret_whole = INT64_MIN;
    else
        *ret_whole = (int64_t)number;
    return true;
}

static enum status
read_number(const struct transcode_in *in,
            const ProtobufCFieldDescriptor *field, const struct json *value,
            void *at)
{
    double number;
    int64_t whole;
    bool flag;

    switch (transcode_in_kind(field)) {
    case TRANSCODE_WHOLE:
        if (whole_number(value, &whole))
            return transcode_in_whole(in, field, whole, at);
        break;
    case TRANSCODE_NUMBER:
        if (json_double(value, &number)) {
            transcode_in_double(field, number, at);
            return STATUS_OK;
        }
        break;
    case TRANSCODE_DECIMAL:
        /* JSON's reader gives a double: exact to 15 digits. */
        if (json_double(value, &number) && fabs(number) < 9e9)
            return transcode_in_decimal(in, llround(number * 1e9), at);
        break;
    case TRANSCODE_BOOL:
        if (json_bool(value, &flag)) {
            *(protobuf_c_boolean *)at = flag;
            return STATUS_OK;
        }
        break;
    case TRANSCODE_TEXT:
    case TRANSCODE_ENUM:
    case TRANSCODE_BYTES:
    case TRANSCODE_TIME:
    case TRANSCODE_MESSAGE:
        break;
    }
    return transcode_in_wrong_type(in, field);
}

static enum status
read_text(const struct transcode_in *in, const ProtobufCFieldDescriptor *field,
          const struct json *value, void *at)
{
    struct slice text;

    if (!json_text(value, &text))
        return transcode_in_wrong_type(in, field);
    switch (transcode_in_kind(field)) {
    case TRANSCODE_TEXT:
        return transcode_in_text(in, field, text, at);
    case TRANSCODE_ENUM:
        return transcode_in_enum(in, field, text, at);
    case TRANSCODE_BYTES:
        return transcode_in_bytes(in, field, text, at);
    case TRANSCODE_TIME:
        return transcode_in_time(in, field, text, at);
    case TRANSCODE_WHOLE:
    case TRANSCODE_NUMBER:
    case TRANSCODE_BOOL:
    case TRANSCODE_DECIMAL:
    case TRANSCODE_MESSAGE:
        break;
    }
    return transcode_in_wrong_type(in, field);
}

static enum status
read_message(const struct transcode_in *in,
             const ProtobufCFieldDescriptor *field, const struct json *value,
             void *at)
{
    ProtobufCMessage *message;

    if (json_kind(value) != JSON_KIND_OBJECT)
        return transcode_in_wrong_type(in, field);
    message = transcode_in_message(in, field->descriptor);
    if (!message)
        return STATUS_RESOURCE_EXHAUSTED;
    *(ProtobufCMessage **)at = message;
    return read_object(in, value, message);
}

/* One value of a field into its place or an item's. */
static enum status
read_value(const struct transcode_in *in, const ProtobufCFieldDescriptor *field,
           const struct json *value, void *at)
{
    switch (transcode_in_kind(field)) {
    case TRANSCODE_TEXT:
    case TRANSCODE_ENUM:
    case TRANSCODE_BYTES:
    case TRANSCODE_TIME:
        return read_text(in, field, value, at);
    case TRANSCODE_WHOLE:
    case TRANSCODE_NUMBER:
    case TRANSCODE_BOOL:
    case TRANSCODE_DECIMAL:
        return read_number(in, field, value, at);
    case TRANSCODE_MESSAGE:
        return read_message(in, field, value, at);
    }
    return transcode_in_wrong_type(in, field);
}

static enum status
read_list(const struct transcode_in *in, const ProtobufCFieldDescriptor *field,
          const struct json *value, ProtobufCMessage *message)
{
    size_t count = json_count(value);
    size_t size = fields_item_size(field);
    char *items;

    if (json_kind(value) != JSON_KIND_ARRAY)
        return transcode_in_refuse(in, field, "must be a list");
    if (count > TRANSCODE_ITEMS_MAX)
        return transcode_in_refuse(in, field, "has too many items");
    items = arena_array(in->arena, count, size);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < count; i++) {
        enum status status =
            read_value(in, field, json_at(value, i), items + i * size);

        if (status != STATUS_OK)
            return status;
    }
    *(void **)fields_edit(message, field) = items;
    fields_mark(message, field, count);
    return STATUS_OK;
}

/* An object as a repeated …Entry {key, value}. */
static enum status
read_map(const struct transcode_in *in, const ProtobufCFieldDescriptor *field,
         const struct json *value, ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    size_t count = json_count(value), i = 0;
    const struct json *member;
    ProtobufCMessage **items;
    void *iterator = NULL;
    struct slice key;

    if (json_kind(value) != JSON_KIND_OBJECT)
        return transcode_in_wrong_type(in, field);
    if (count > TRANSCODE_ITEMS_MAX)
        return transcode_in_refuse(in, field, "has too many items");
    items = ARENA_ARRAY(in->arena, ProtobufCMessage *, count);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (; json_next(value, &iterator, &key, &member); i++) {
        ProtobufCMessage *entry = transcode_in_message(in, type);
        enum status status;

        if (!entry)
            return STATUS_RESOURCE_EXHAUSTED;
        items[i] = entry;
        status = transcode_in_text(in, field, key,
                                   fields_edit(entry, &type->fields[0]));
        if (status != STATUS_OK)
            return status;
        status = read_value(in, &type->fields[1], member,
                            fields_edit(entry, &type->fields[1]));
        if (status != STATUS_OK)
            return status;
        fields_mark(entry, &type->fields[1], 1);
    }
    *(void **)fields_edit(message, field) = items;
    fields_mark(message, field, i);
    return STATUS_OK;
}

/* Null and the empty text are unset. */
static bool
is_unset(const struct json *value)
{
    struct slice text;

    if (!value || json_kind(value) == JSON_KIND_NULL)
        return true;
    return json_text(value, &text) && text.len == 0;
}

static enum status
read_field(const struct transcode_in *in, const ProtobufCFieldDescriptor *field,
           const struct json *value, ProtobufCMessage *message)
{
    enum status status;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
            fields_is_entry(field->descriptor))
            return read_map(in, field, value, message);
        return read_list(in, field, value, message);
    }
    status = read_value(in, field, value, fields_edit(message, field));
    if (status == STATUS_OK)
        fields_mark(message, field, 1);
    return status;
}

static enum status
read_object(const struct transcode_in *in, const struct json *object,
            ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        char name[NAMES_MAX];
        const struct json *value;
        enum status status = STATUS_OK;

        (void)names_field(field->name, name);
        value = json_get(object, name);
        if (!is_unset(value))
            status = read_field(in, field, value, message);
        else if (field->label == PROTOBUF_C_LABEL_REQUIRED)
            status = transcode_in_missing(in, field);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status
transcode_json(const ProtobufCMessageDescriptor *type, struct slice body,
               struct arena *arena, ProtobufCMessage **ret_message,
               struct transcode_error *ret_error)
{
    struct transcode_in in = {.arena = arena, .error = ret_error};
    ProtobufCMessage *message;
    char why[JSON_ERROR_MAX];
    struct json *document;
    enum status status;

    if (slice_trim(body).len == 0)
        body = SLICE("{}");
    message = transcode_in_message(&in, type);
    if (!message)
        return STATUS_RESOURCE_EXHAUSTED;
    status = json_parse(body, why, &document);
    if (status != STATUS_OK)
        return transcode_in_say(ret_error, "INVALID_BODY",
                                "the body is not valid JSON: ", why);
    if (json_kind(document) == JSON_KIND_OBJECT)
        status = read_object(&in, document, message);
    else
        status = transcode_in_say(ret_error, "INVALID_BODY",
                                  "the body must be a JSON object, not ",
                                  json_kind_text(json_kind(document)));
    json_free(&document);
    if (status == STATUS_OK)
        *ret_message = message;
    return status;
}
