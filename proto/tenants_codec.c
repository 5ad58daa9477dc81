/* The tenants and their message. One rule, key_is_valid, guards both ways, so
 * whatever leaves can be read. */
#include "proto/tenants_codec.h"

#include "core/base/check.h"
#include "proto/message_codec.h"

#include "tenants.pb-c.h"

/* Of the message while it is built or read. */
#define MESSAGE_BYTES_MAX (2 * (size_t)TENANTS_BYTES_MAX)

/* Valid by itself, and after the key before it (NULL for the first). */
static bool
key_is_valid(const struct tenant_key *previous, const struct tenant_key *key)
{
    return tenant_key_fault(key) == NULL &&
           (previous == NULL || tenant_key_cmp(previous, key) < 0);
}

static bool
all_valid(const struct tenant_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!key_is_valid(i > 0 ? &keys[i - 1] : NULL, &keys[i]))
            return false;
    }
    return true;
}

/* --- out ----------------------------------------------------------------- */

static void
key_to_message(const struct tenant_key *key, struct arena *arena,
               Ss__TenantKey *message)
{
    ss__tenant_key__init(message);
    message->key_hash.data = arena_alloc(arena, TENANT_KEY_HASH_LEN);
    if (message->key_hash.data == NULL)
        return;
    memcpy(message->key_hash.data, key->hash, TENANT_KEY_HASH_LEN);
    message->key_hash.len = TENANT_KEY_HASH_LEN;
    message->id = arena_text(arena, key->id);
    message->tenant = arena_text(arena, key->tenant);
    if (key->label.len > 0)
        message->label = arena_text(arena, key->label);
    message->has_revoked = key->revoked;
    message->revoked = key->revoked;
}

static void
to_message(const struct tenants *tenants, struct arena *arena,
           Ss__TenantsSnapshot *message)
{
    size_t count = tenants->key_count;
    CHECK(count == 0 || tenants->keys != NULL);
    Ss__TenantKey *keys = ARENA_ARRAY(arena, Ss__TenantKey, count);
    message->keys = ARENA_ARRAY(arena, Ss__TenantKey *, count);
    if (keys == NULL || message->keys == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        key_to_message(&tenants->keys[i], arena, &keys[i]);
        message->keys[i] = &keys[i];
    }
    message->n_keys = count;
}

enum status
tenants_encode(const struct tenants *tenants, struct buf *out)
{
    if (tenants->key_count > TENANTS_KEYS_MAX ||
        !all_valid(tenants->keys, tenants->key_count))
        return STATUS_INVALID_ARGUMENT;
    struct arena *arena = arena_new(MESSAGE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    Ss__TenantsSnapshot message;
    ss__tenants_snapshot__init(&message);
    to_message(tenants, arena, &message);
    enum status status = arena_ok(arena) ? message_pack(&message.base, out)
                                         : STATUS_RESOURCE_EXHAUSTED;
    arena_free(&arena);
    return status;
}

/* --- in ------------------------------------------------------------------ */

static struct tenants *
tenants_new(void)
{
    struct arena *arena = arena_new(TENANTS_BYTES_MAX);
    if (arena == NULL)
        return NULL;
    struct tenants *tenants = ARENA_NEW(arena, struct tenants);
    if (tenants == NULL)
        arena_free(&arena);
    else
        tenants->arena = arena;
    return tenants;
}

/* A key whose texts are still the message's. */
static enum status
borrow_key(const Ss__TenantKey *message, struct tenant_key *ret_key)
{
    if (message->key_hash.len != TENANT_KEY_HASH_LEN)
        return STATUS_INVALID_ARGUMENT;
    memcpy(ret_key->hash, message->key_hash.data, TENANT_KEY_HASH_LEN);
    ret_key->id = slice_of(message->id);
    ret_key->tenant = slice_of(message->tenant);
    ret_key->label = slice_of(message->label);
    ret_key->revoked = message->has_revoked && message->revoked;
    return STATUS_OK;
}

static void
own_texts(struct arena *arena, struct tenant_key *key)
{
    key->id = arena_slice(arena, key->id);
    key->tenant = arena_slice(arena, key->tenant);
    key->label = arena_slice(arena, key->label);
}

static enum status
fill(const Ss__TenantsSnapshot *message, struct tenants *tenants)
{
    size_t count = message->n_keys;
    if (count > TENANTS_KEYS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    struct tenant_key *keys =
        ARENA_ARRAY(tenants->arena, struct tenant_key, count);
    if (keys == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < count; i++) {
        enum status status = borrow_key(message->keys[i], &keys[i]);
        if (status != STATUS_OK)
            return status;
    }
    if (!all_valid(keys, count))
        return STATUS_INVALID_ARGUMENT;
    for (size_t i = 0; i < count; i++)
        own_texts(tenants->arena, &keys[i]);
    tenants->keys = keys;
    tenants->key_count = count;
    return arena_ok(tenants->arena) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

static enum status
from_message(const Ss__TenantsSnapshot *message, struct tenants **ret_tenants)
{
    struct tenants *tenants = tenants_new();
    if (tenants == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = fill(message, tenants);
    if (status == STATUS_OK)
        *ret_tenants = tenants;
    else
        tenants_free(&tenants);
    return status;
}

enum status
tenants_decode(struct slice bytes, struct tenants **ret_tenants)
{
    struct arena *arena = arena_new(MESSAGE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    ProtobufCMessage *message = NULL;
    enum status status = message_unpack(&ss__tenants_snapshot__descriptor,
                                        bytes, arena, &message);
    if (status == STATUS_OK)
        status =
            from_message((const Ss__TenantsSnapshot *)message, ret_tenants);
    arena_free(&arena);
    return status;
}
