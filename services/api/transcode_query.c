/* Query strings and arguments to a message.
 *
 * Pairs are decoded first, so that broken percent-encoding is refused
 * wherever it stands; then the message's fields look for their pair, so the
 * first of repeated parameters wins and unknown ones are ignored. */
#include "services/api/transcode_in.h"

#include "core/base/text.h"
#include "services/api/fields.h"
#include "services/api/names.h"

#define PAIRS_MAX 256 /* parameters of one query */

static enum status
parse_number(const struct transcode_in *in,
             const ProtobufCFieldDescriptor *field, struct slice text, void *at)
{
    int64_t whole;
    enum status status = text_i64(text, &whole);

    /* Past 64 bits: the nearest that fits, for the service to clamp. */
    if (status == STATUS_OUT_OF_RANGE)
        whole = text.ptr[0] == '-' ? INT64_MIN : INT64_MAX;
    else if (status != STATUS_OK)
        return transcode_in_wrong_type(in, field);
    return transcode_in_whole(in, field, whole, at);
}

/* One value of a field into its place or an item's. */
static enum status
parse_value(const struct transcode_in *in,
            const ProtobufCFieldDescriptor *field, struct slice text, void *at)
{
    double number;
    int64_t nanos;
    bool flag;

    switch (transcode_in_kind(field)) {
    case TRANSCODE_TEXT:
        return transcode_in_text(in, field, text, at);
    case TRANSCODE_ENUM:
        return transcode_in_enum(in, field, slice_trim(text), at);
    case TRANSCODE_WHOLE:
        return parse_number(in, field, slice_trim(text), at);
    case TRANSCODE_BYTES:
        return transcode_in_bytes(in, field, text, at);
    case TRANSCODE_TIME:
        return transcode_in_time(in, field, text, at);
    case TRANSCODE_NUMBER:
        if (text_double(slice_trim(text), &number) != STATUS_OK)
            break;
        transcode_in_double(field, number, at);
        return STATUS_OK;
    case TRANSCODE_BOOL:
        if (text_bool(slice_trim(text), &flag) != STATUS_OK)
            break;
        *(protobuf_c_boolean *)at = flag;
        return STATUS_OK;
    case TRANSCODE_DECIMAL:
        if (text_decimal(slice_trim(text), 9, &nanos) != STATUS_OK)
            break;
        return transcode_in_decimal(in, nanos, at);
    case TRANSCODE_MESSAGE:
        return transcode_in_refuse(in, field, "cannot be given as text");
    }
    return transcode_in_wrong_type(in, field);
}

/* Items between commas, trimmed; empty ones do not count. */
static size_t
count_items(struct slice text)
{
    struct slice part;
    size_t count = 0;

    while (slice_split(&text, ',', &part))
        count += slice_trim(part).len > 0;
    return count;
}

static enum status
parse_list(const struct transcode_in *in, const ProtobufCFieldDescriptor *field,
           struct slice text, ProtobufCMessage *message)
{
    size_t count = count_items(text), size = fields_item_size(field), i = 0;
    struct slice part;
    char *items;

    if (count > TRANSCODE_ITEMS_MAX)
        return transcode_in_refuse(in, field, "has too many items");
    items = arena_array(in->arena, count, size);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    while (slice_split(&text, ',', &part)) {
        enum status status;

        part = slice_trim(part);
        if (part.len == 0)
            continue;
        status = parse_value(in, field, part, items + i++ * size);
        if (status != STATUS_OK)
            return status;
    }
    *(void **)fields_edit(message, field) = items;
    fields_mark(message, field, count);
    return STATUS_OK;
}

static enum status
parse_field(const struct transcode_in *in,
            const ProtobufCFieldDescriptor *field, struct slice text,
            ProtobufCMessage *message)
{
    enum status status;

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return parse_list(in, field, text, message);
    status = parse_value(in, field, text, fields_edit(message, field));
    if (status == STATUS_OK)
        fields_mark(message, field, 1);
    return status;
}

/* The value of a field's first pair; empty when there is none. */
static struct slice
find_pair(struct transcode_pairs pairs, const ProtobufCFieldDescriptor *field)
{
    for (size_t i = 0; i < pairs.count; i++)
        if (names_field_is(field->name, pairs.items[i].name))
            return pairs.items[i].value;
    return slice_make(NULL, 0);
}

enum status
transcode_pairs(const ProtobufCMessageDescriptor *type,
                struct transcode_pairs pairs, struct arena *arena,
                ProtobufCMessage **ret_message,
                struct transcode_error *ret_error)
{
    struct transcode_in in = {.arena = arena, .error = ret_error};
    ProtobufCMessage *message = transcode_in_message(&in, type);

    if (!message)
        return STATUS_RESOURCE_EXHAUSTED;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        struct slice text = find_pair(pairs, field);
        enum status status = STATUS_OK;

        if (text.len > 0)
            status = parse_field(&in, field, text, message);
        else if (field->label == PROTOBUF_C_LABEL_REQUIRED)
            status = transcode_in_missing(&in, field);
        if (status != STATUS_OK)
            return status;
    }
    *ret_message = message;
    return STATUS_OK;
}

/* "name=value" or "name" into a pair. */
static enum status
decode_pair(struct slice text, struct arena *arena, struct transcode_pair *pair)
{
    ptrdiff_t equals = slice_find(text, SLICE("="));
    size_t name_len = equals < 0 ? text.len : (size_t)equals;
    struct slice name = slice_cut(text, 0, name_len);
    struct slice value = slice_cut(text, name_len + 1, text.len);
    enum status status = text_percent_decode(arena, name, true, &pair->name);

    if (status != STATUS_OK)
        return status;
    return text_percent_decode(arena, value, true, &pair->value);
}

enum status
transcode_query(const ProtobufCMessageDescriptor *type, struct slice query,
                struct arena *arena, ProtobufCMessage **ret_message,
                struct transcode_error *ret_error)
{
    struct transcode_pair pairs[PAIRS_MAX];
    size_t count = 0;
    struct slice part;

    while (query.len > 0 && slice_split(&query, '&', &part)) {
        enum status status;

        if (part.len == 0)
            continue;
        if (count == PAIRS_MAX)
            return transcode_in_say(ret_error, "INVALID_PARAM",
                                    "the query has ", "too many parameters");
        status = decode_pair(part, arena, &pairs[count]);
        if (status == STATUS_INVALID_ARGUMENT)
            return transcode_in_say(ret_error, "INVALID_PARAM",
                                    "the query has ",
                                    "broken percent-encoding");
        if (status != STATUS_OK)
            return status;
        count++;
    }
    return transcode_pairs(type, (struct transcode_pairs){pairs, count}, arena,
                           ret_message, ret_error);
}
