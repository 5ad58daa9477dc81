/* Header and body frames: bytes from outside become checked messages.
 *
 * protobuf-c 1.4.1 checks structure, not texts: it takes invalid UTF-8 and
 * ends a text at its first NUL. So the arena allocator notes the size of each
 * piece in front of it; a text whose piece is longer than its strlen held a
 * NUL. Nothing here does I/O, and no bytes can make it crash or allocate past
 * the arena. */
#include "services/runtime/rpc_frame.h"

#include "core/base/check.h"
#include "core/base/text.h"

#include <stdalign.h>

/* A piece of memory given to protobuf-c. */
struct piece {
    size_t size;
    alignas(max_align_t) char bytes[];
};

static void *
piece_alloc(void *data, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct piece))
        return NULL;
    struct piece *piece = arena_alloc(data, sizeof *piece + size);
    if (piece == NULL)
        return NULL;
    piece->size = size;
    return piece->bytes;
}

static void
piece_free(void *data, void *pointer)
{
    (void)data;
    (void)pointer; /* lives as long as the arena */
}

ProtobufCAllocator *
rpc_arena_allocator(struct arena *arena)
{
    ProtobufCAllocator *allocator = ARENA_NEW(arena, ProtobufCAllocator);
    if (allocator == NULL)
        return NULL;
    allocator->alloc = piece_alloc;
    allocator->free = piece_free;
    allocator->allocator_data = arena;
    return allocator;
}

/* A text that protobuf-c unpacked through rpc_arena_allocator. */
static bool
text_is_sound(const ProtobufCFieldDescriptor *field, const char *text)
{
    if (text == NULL || text == field->default_value ||
        text == protobuf_c_empty_string)
        return true;
    size_t size;
    memcpy(&size, text - sizeof(struct piece) + offsetof(struct piece, size),
           sizeof size);
    size_t len = strlen(text);
    return len + 1 == size && text_is_utf8(slice_make(text, len));
}

static bool texts_are_sound(const ProtobufCMessage *message, unsigned depth);

static bool
value_is_sound(const ProtobufCFieldDescriptor *field, const void *value,
               unsigned depth)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return text_is_sound(field, value);
    return value == NULL || texts_are_sound(value, depth + 1);
}

/* Whether a member of a oneof is the one that is set; true for the others. */
static bool
field_is_set(const ProtobufCFieldDescriptor *field, const char *base)
{
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return true;
    uint32_t set;
    memcpy(&set, base + field->quantifier_offset, sizeof set);
    return set == field->id;
}

static bool
field_is_sound(const ProtobufCFieldDescriptor *field,
               const ProtobufCMessage *message, unsigned depth)
{
    const char *base = (const char *)message;
    if (field->type != PROTOBUF_C_TYPE_STRING &&
        field->type != PROTOBUF_C_TYPE_MESSAGE)
        return true;
    if (!field_is_set(field, base))
        return true;
    const void *member;
    memcpy(&member, base + field->offset, sizeof member);
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return value_is_sound(field, member, depth);
    size_t count;
    memcpy(&count, base + field->quantifier_offset, sizeof count);
    const void *const *items = member;
    for (size_t i = 0; i < count; i++)
        if (!value_is_sound(field, items[i], depth))
            return false;
    return true;
}

static bool
texts_are_sound(const ProtobufCMessage *message, unsigned depth)
{
    if (depth > RPC_DEPTH_MAX)
        return false;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        if (!field_is_sound(&message->descriptor->fields[i], message, depth))
            return false;
    return true;
}

enum status
rpc_body_unpack(const ProtobufCMessageDescriptor *type, struct slice bytes,
                struct arena *arena, ProtobufCMessage **ret_message)
{
    if (bytes.len > RPC_BODY_MAX)
        return STATUS_INVALID_ARGUMENT;
    ProtobufCAllocator *allocator = rpc_arena_allocator(arena);
    if (allocator == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    ProtobufCMessage *message = protobuf_c_message_unpack(
        type, allocator, bytes.len, (const uint8_t *)bytes.ptr);
    if (!arena_ok(arena))
        return STATUS_RESOURCE_EXHAUSTED;
    if (message == NULL || !texts_are_sound(message, 1))
        return STATUS_INVALID_ARGUMENT;
    *ret_message = message;
    return STATUS_OK;
}

static unsigned
depth_below(const ProtobufCMessageDescriptor *type, unsigned level)
{
    if (level > RPC_DEPTH_MAX)
        return 0;
    unsigned deepest = level;
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (type->fields[i].type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        unsigned depth = depth_below(type->fields[i].descriptor, level + 1);
        if (depth == 0)
            return 0;
        if (depth > deepest)
            deepest = depth;
    }
    return deepest;
}

unsigned
rpc_body_depth(const ProtobufCMessageDescriptor *type)
{
    return depth_below(type, 1);
}

/* --- headers -------------------------------------------------------------- */

static bool
header_text_is_sound(const char *text, size_t max)
{
    struct slice slice = slice_of(text);
    if (slice.len > max)
        return false;
    return text_is_plain(slice) ||
           (text_is_utf8(slice) && !text_has_control(slice, ""));
}

static bool
method_is_sound(const char *method)
{
    struct slice text = slice_of(method);
    ptrdiff_t slash = slice_find(text, SLICE("/"));
    return slash > 0 && (size_t)slash + 1 < text.len &&
           strchr(text.ptr + slash + 1, '/') == NULL;
}

static bool
metadata_is_sound(const Ss__FrameHeader *header)
{
    if (header->n_metadata > RPC_METADATA_MAX)
        return false;
    for (size_t i = 0; i < header->n_metadata; i++) {
        const Ss__MetadataEntry *entry = header->metadata[i];
        if (!header_text_is_sound(entry->key, RPC_HEADER_MAX) ||
            !header_text_is_sound(entry->value, RPC_HEADER_MAX))
            return false;
    }
    return true;
}

enum status
rpc_frame_check(const Ss__FrameHeader *header)
{
    if (header->version != RPC_VERSION ||
        header->kind < SS__FRAME_KIND__FRAME_REQ ||
        header->kind > SS__FRAME_KIND__FRAME_GOAWAY)
        return STATUS_INVALID_ARGUMENT;
    if (header->kind == SS__FRAME_KIND__FRAME_REQ &&
        !method_is_sound(header->method))
        return STATUS_INVALID_ARGUMENT;
    const struct {
        const char *text;
        size_t max;
    } texts[] = {
        {header->method, RPC_METHOD_MAX},
        {header->idempotency_key, RPC_HEADER_MAX},
        {header->traceparent, RPC_HEADER_MAX},
        {header->caller, RPC_HEADER_MAX},
        {header->tenant, RPC_HEADER_MAX},
        {header->message, RPC_MESSAGE_MAX},
        {header->reason, RPC_HEADER_MAX},
        {header->served_by, RPC_HEADER_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!header_text_is_sound(texts[i].text, texts[i].max))
            return STATUS_INVALID_ARGUMENT;
    return metadata_is_sound(header) ? STATUS_OK : STATUS_INVALID_ARGUMENT;
}

enum status
rpc_frame_parse(struct slice bytes, struct arena *arena,
                Ss__FrameHeader **ret_header)
{
    if (bytes.len == 0 || bytes.len > RPC_HEADER_MAX)
        return STATUS_INVALID_ARGUMENT;
    ProtobufCMessage *message;
    if (rpc_body_unpack(&ss__frame_header__descriptor, bytes, arena,
                        &message) != STATUS_OK)
        return STATUS_INVALID_ARGUMENT;
    Ss__FrameHeader *header = (Ss__FrameHeader *)message;
    if (rpc_frame_check(header) != STATUS_OK)
        return STATUS_INVALID_ARGUMENT;
    *ret_header = header;
    return STATUS_OK;
}

static bool
is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

void
rpc_frame_clean_text(const char *text, char *out, size_t size)
{
    struct slice in = slice_of(text);
    size_t len = 0;
    for (size_t at = 0; at < in.len;) {
        size_t start = at;
        uint32_t c = text_next(in, &at);
        /* U+FFFD itself is three bytes; one byte means it stands for junk. */
        bool junk = c == 0xfffd && at - start == 1;
        bool odd = junk || is_control(c);
        size_t width = odd ? 1 : at - start;
        if (len + width >= size)
            break;
        if (odd)
            out[len] = junk ? '?' : ' ';
        else
            memcpy(out + len, in.ptr + start, width);
        len += width;
    }
    out[len] = '\0';
}

bool
rpc_tenant_is_valid(const char *tenant)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strspn(tenant, allowed);
    return len > 0 && len <= RPC_TENANT_MAX && tenant[len] == '\0';
}
