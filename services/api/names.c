/* Names of the JSON face, derived from the descriptors' own.
 *
 * Pure byte work; nothing is allocated and nothing is remembered. */
#include "services/api/names.h"

static char
upper(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    return c;
}

static char
lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        c = (char)(c - 'A' + 'a');
    return c;
}

struct slice
names_field(const char *proto_name, char *out)
{
    size_t len = 0;
    bool raise = false;

    for (const char *p = proto_name; *p && len < NAMES_MAX - 1; p++) {
        if (*p == '_') {
            raise = true;
            continue;
        }
        out[len] = *p;
        if (raise)
            out[len] = upper(*p);
        len++;
        raise = false;
    }
    out[len] = '\0';
    return slice_make(out, len);
}

bool
names_field_is(const char *proto_name, struct slice text)
{
    char name[NAMES_MAX];

    return slice_eq(names_field(proto_name, name), text);
}

/* Bytes of the enum's own prefix in a value's name: "CATEGORY_" of
 * CATEGORY_CODING in enum Category, 0 when the value does not carry it. */
static size_t
prefix_len(const char *enum_name, const char *value_name)
{
    size_t len = 0;

    for (const char *p = enum_name; *p; p++) {
        bool starts_word = p > enum_name && *p >= 'A' && *p <= 'Z';

        if (starts_word && value_name[len++] != '_')
            return 0;
        if (value_name[len++] != upper(*p))
            return 0;
    }
    return value_name[len] == '_' ? len + 1 : 0;
}

static struct slice
value_name(const ProtobufCEnumDescriptor *type, const char *name, char *out)
{
    size_t len = 0;

    name += prefix_len(type->short_name, name);
    for (; *name && len < NAMES_MAX - 1; name++, len++) {
        out[len] = lower(*name);
        if (*name == '_')
            out[len] = '-';
    }
    out[len] = '\0';
    return slice_make(out, len);
}

struct slice
names_enum(const ProtobufCEnumDescriptor *type, int value, char *out)
{
    const ProtobufCEnumValue *found =
        protobuf_c_enum_descriptor_get_value(type, value);

    if (!found)
        return slice_make(out, 0);
    return value_name(type, found->name, out);
}

bool
names_enum_find(const ProtobufCEnumDescriptor *type, struct slice text,
                int *ret_value)
{
    char name[NAMES_MAX];

    for (unsigned i = 0; i < type->n_values; i++) {
        if (!slice_eq_fold(value_name(type, type->values[i].name, name), text))
            continue;
        *ret_value = type->values[i].value;
        return true;
    }
    return false;
}

void
names_enum_list(const ProtobufCEnumDescriptor *type, struct buf *out)
{
    char name[NAMES_MAX];

    for (unsigned i = 0; i < type->n_values; i++) {
        if (i > 0)
            buf_put_text(out, ", ");
        buf_put_slice(out, value_name(type, type->values[i].name, name));
    }
}
