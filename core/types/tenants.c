/* What is well-formed, order, search and content hash of the tenants' keys. */
#include "core/types/tenants.h"

#include "core/base/hash.h"
#include "core/base/text.h"

#include <stdlib.h>

bool
tenant_is_name(struct slice name)
{
    static const char more[] = {'.', '_', '-'};
    if (name.len == 0 || name.len > TENANT_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9');
        if (!is_alnum && memchr(more, c, sizeof more) == NULL)
            return false;
    }
    return true;
}

bool
tenant_is_key_id(struct slice id)
{
    if (id.len == 0 || id.len > TENANT_KEY_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z'))
            return false;
    }
    return true;
}

const char *
tenant_key_fault(const struct tenant_key *key)
{
    if (!tenant_is_key_id(key->id))
        return "malformed id";
    if (!tenant_is_name(key->tenant))
        return "malformed tenant";
    if (key->label.len > TENANT_LABEL_MAX || !text_is_utf8(key->label) ||
        text_has_control(key->label, ""))
        return "malformed label";
    return NULL;
}

int
tenant_key_cmp(const struct tenant_key *a, const struct tenant_key *b)
{
    return memcmp(a->hash, b->hash, TENANT_KEY_HASH_LEN);
}

static int
key_cmp(const void *a, const void *b)
{
    return tenant_key_cmp(a, b);
}

const struct tenant_key *
tenants_find(const struct tenants *tenants,
             const uint8_t hash[static TENANT_KEY_HASH_LEN])
{
    struct tenant_key wanted = {0};
    if (tenants->key_count == 0) /* bsearch wants an array */
        return NULL;
    memcpy(wanted.hash, hash, TENANT_KEY_HASH_LEN);
    return bsearch(&wanted, tenants->keys, tenants->key_count,
                   sizeof *tenants->keys, key_cmp);
}

static uint64_t
tenant_key_hash(const struct tenant_key *key)
{
    uint64_t hash = hash_bytes(key->hash, TENANT_KEY_HASH_LEN);
    hash = hash_mix(hash, hash_slice(key->id));
    hash = hash_mix(hash, hash_slice(key->tenant));
    hash = hash_mix(hash, hash_slice(key->label));
    return hash_mix(hash, key->revoked);
}

uint64_t
tenants_hash(const struct tenants *tenants)
{
    uint64_t hash = hash_mix(0, tenants->key_count);
    for (size_t i = 0; i < tenants->key_count; i++)
        hash = hash_mix(hash, tenant_key_hash(&tenants->keys[i]));
    return hash;
}

void
tenants_free(struct tenants **tenants)
{
    if (*tenants == NULL)
        return;
    struct arena *arena = (*tenants)->arena; /* which holds the tenants */
    arena_free(&arena);
    *tenants = NULL;
}
