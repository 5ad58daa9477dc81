/* Who may call: API keys by their hash, and the tenant each one speaks for.
 *
 * The fourth value that processes exchange: made by feedbackd from the rows in
 * PostgreSQL, followed by every gatewayd. It never holds a key, only what a
 * key hashes to (services/runtime/secret.h). Revoked keys stay in it: they
 * tell that keys are in use here, and why one does not work any more. The
 * arena holds everything, the struct itself included. */
#ifndef CORE_TYPES_TENANTS_H
#define CORE_TYPES_TENANTS_H

#include "core/base/arena.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/types/layers.h"

#include <stdbool.h>
#include <stdint.h>

#define TENANT_KEY_HASH_LEN 32 /* bytes */
#define TENANT_KEY_ID_MAX 16   /* bytes of [0-9a-z]; names a key in public */
#define TENANT_LABEL_MAX 64    /* bytes of UTF-8 without control characters */
#define TENANTS_KEYS_MAX 65536
#define TENANTS_BYTES_MAX (64u << 20) /* of its arena */

struct tenant_key {
    uint8_t hash[TENANT_KEY_HASH_LEN];
    struct slice id;
    struct slice tenant; /* 1 to TENANT_MAX of [A-Za-z0-9._-] */
    struct slice label;  /* may be empty */
    bool revoked;
};

/* Keys ascending by hash, each hash once. */
struct tenants {
    struct arena *arena; /* owned */
    const struct tenant_key *keys;
    size_t key_count;
};

/* 1 to TENANT_MAX bytes of [A-Za-z0-9._-]. */
bool tenant_is_name(struct slice name);
/* 1 to TENANT_KEY_ID_MAX bytes of [0-9a-z]. */
bool tenant_is_key_id(struct slice id);
/* What makes a key one that nobody takes, as words for people ("malformed
 * tenant"); NULL: it is well-formed. */
const char *tenant_key_fault(const struct tenant_key *key);
/* By hash, for sorting. */
int tenant_key_cmp(const struct tenant_key *a, const struct tenant_key *b);
/* The key of a hash, revoked or not; NULL when there is none. */
const struct tenant_key *
tenants_find(const struct tenants *tenants,
             const uint8_t hash[static TENANT_KEY_HASH_LEN]);
/* The content hash: equal keys in equal order give equal hashes. */
uint64_t tenants_hash(const struct tenants *tenants);
/* Free the tenants with their arena and set them to NULL. */
void tenants_free(struct tenants **tenants);

#endif
