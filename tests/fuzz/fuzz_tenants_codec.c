/* links: proto
 * Any bytes as tenants: what is read is in order, is found by its hashes, and
 * comes back the same when it is written and read again. */
#include "core/base/check.h"
#include "proto/tenants_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_same_again(const struct tenants *tenants)
{
    struct tenants *again = NULL;
    struct buf bytes;
    buf_init(&bytes, 1 << 26);
    CHECK(tenants_encode(tenants, &bytes) == STATUS_OK);
    CHECK(tenants_decode(buf_slice(&bytes), &again) == STATUS_OK);
    CHECK(tenants_hash(again) == tenants_hash(tenants));
    buf_fini(&bytes);
    tenants_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tenants *tenants = NULL;
    if (tenants_decode(slice_make((const char *)data, size), &tenants) !=
        STATUS_OK)
        return 0;
    for (size_t i = 0; i < tenants->key_count; i++) {
        const struct tenant_key *key = &tenants->keys[i];
        CHECK(tenant_is_name(key->tenant));
        CHECK(tenants_find(tenants, key->hash) == key);
    }
    check_same_again(tenants);
    tenants_free(&tenants);
    return 0;
}
