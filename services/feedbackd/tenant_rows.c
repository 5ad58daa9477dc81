/* Row by row; see the header. */
#include "services/feedbackd/tenant_rows.h"

#include "core/base/hash.h"
#include "core/base/text.h"
#include "proto/tenants_codec.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/runtime/snapshot.h"

#include <stdio.h>

static bool
tenant_rows_hash(struct slice hex, uint8_t hash[TENANT_KEY_HASH_LEN])
{
    if (hex.len != (size_t)2 * TENANT_KEY_HASH_LEN)
        return false;
    for (size_t i = 0; i < TENANT_KEY_HASH_LEN; i++) {
        int high = text_hex_digit(hex.ptr[2 * i]);
        int low = text_hex_digit(hex.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        hash[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* A row as a key whose texts are still the row's; what is wrong with it, or
 * NULL. `last` is the key that was taken before (NULL: none). */
static const char *
tenant_rows_borrow(const struct pg_result *rows, size_t i,
                   const struct tenant_key *last, struct tenant_key *key)
{
    const char *fault = NULL;

    *key = (struct tenant_key){.id = rows_text(rows, i, TENANTS_ID),
                               .tenant = rows_text(rows, i, TENANTS_TENANT),
                               .label = rows_text(rows, i, TENANTS_LABEL),
                               .revoked =
                                   rows_i64(rows, i, TENANTS_REVOKED, 1) != 0};
    fault = tenant_key_fault(key);
    if (fault)
        return fault;
    if (!tenant_rows_hash(rows_text(rows, i, TENANTS_HASH), key->hash))
        return "malformed hash";
    return last && tenant_key_cmp(last, key) >= 0 ? "hash of another row"
                                                  : NULL;
}

static void
tenant_rows_leave(struct tenant_rows_left *left, const struct pg_result *rows,
                  size_t i, const char *fault)
{
    struct tenant_rows_named named = {.fault = fault};
    struct slice id = rows_text(rows, i, TENANTS_ID);
    bool is_id = tenant_is_key_id(id);
    struct slice name = is_id ? id : rows_text(rows, i, TENANTS_PLACE);

    (void)snprintf(named.row, sizeof(named.row), "%s %.*s",
                   is_id ? "id" : "ctid", SLICE_ARG(name));
    left->malformed++;
    left->hash = hash_mix(left->hash, hash_slice(slice_of(named.row)));
    left->hash = hash_mix(left->hash, hash_slice(slice_of(fault)));
    if (left->named_count < TENANT_ROWS_NAMED_MAX)
        left->named[left->named_count++] = named;
}

static enum status
tenant_rows_fill(const struct pg_result *rows, struct tenants *tenants,
                 struct tenant_rows_left *left)
{
    struct arena *arena = tenants->arena;
    size_t count = rows_null(rows, 0, TENANTS_REVOKED) ? 0 : rows_count(rows);
    struct tenant_key *keys = ARENA_ARRAY(arena, struct tenant_key, count);
    size_t taken = 0;

    if (!keys)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < count; i++) {
        const struct tenant_key *last = taken > 0 ? &keys[taken - 1] : NULL;
        struct tenant_key key = {0};
        const char *fault = tenant_rows_borrow(rows, i, last, &key);

        if (fault) {
            tenant_rows_leave(left, rows, i, fault);
            continue;
        }
        key.id = arena_slice(arena, key.id);
        key.tenant = arena_slice(arena, key.tenant);
        key.label = arena_slice(arena, key.label);
        keys[taken++] = key;
    }
    left->beyond = (size_t)rows_u64(rows, 0, TENANTS_TOTAL, count) - count;
    left->hash = hash_mix(left->hash, left->beyond > 0);
    if (left->malformed + left->beyond == 0)
        left->hash = 0;
    tenants->keys = keys;
    tenants->key_count = taken;
    if (!arena_ok(arena))
        return STATUS_RESOURCE_EXHAUSTED;
    return count > 0 && taken == 0 ? STATUS_INVALID_ARGUMENT : STATUS_OK;
}

/* Whether followers will be able to read them: what cannot be encoded must not
 * take the place of what can. */
static enum status
tenant_rows_try(const struct tenants *tenants)
{
    struct buf bytes;
    enum status status = STATUS_OK;

    buf_init(&bytes, SNAPSHOT_WHOLE_MAX);
    status = tenants_encode(tenants, &bytes);
    buf_fini(&bytes);
    return status;
}

enum status
tenant_rows_read(const struct pg_result *rows, struct tenants **ret_tenants,
                 struct tenant_rows_left *ret_left)
{
    struct arena *arena = arena_new(TENANTS_BYTES_MAX);
    struct tenants *tenants = arena ? ARENA_NEW(arena, struct tenants) : NULL;
    enum status status = STATUS_RESOURCE_EXHAUSTED;

    *ret_left = (struct tenant_rows_left){0};
    if (tenants) {
        tenants->arena = arena;
        status = tenant_rows_fill(rows, tenants, ret_left);
    }
    if (status == STATUS_OK)
        status = tenant_rows_try(tenants);
    if (status == STATUS_OK)
        *ret_tenants = tenants;
    else
        arena_free(&arena);
    return status;
}

void
tenant_rows_words(enum status status, const struct tenant_rows_left *left,
                  char out[TENANT_ROWS_WORDS_MAX])
{
    const struct tenant_rows_named *first = &left->named[0];
    size_t len = 0;

    out[0] = '\0';
    if (status == STATUS_RESOURCE_EXHAUSTED)
        (void)snprintf(out, TENANT_ROWS_WORDS_MAX,
                       "no memory for the API keys; what was published before "
                       "stays");
    else if (status != STATUS_OK)
        (void)snprintf(out, TENANT_ROWS_WORDS_MAX,
                       "no API key can be published (the first of %zu is %s: "
                       "%s); what was before stays; correct or delete the "
                       "rows in the table api_keys",
                       left->malformed, first->row, first->fault);
    else if (left->malformed == 1)
        (void)snprintf(out, TENANT_ROWS_WORDS_MAX,
                       "an API key is left out (%s: %s): correct or delete "
                       "its row in the table api_keys",
                       first->row, first->fault);
    else if (left->malformed > 1)
        (void)snprintf(out, TENANT_ROWS_WORDS_MAX,
                       "%zu API keys are left out (the first is %s: %s): "
                       "correct or delete their rows in the table api_keys",
                       left->malformed, first->row, first->fault);
    len = strlen(out);
    if (status == STATUS_OK && left->beyond > 0)
        (void)snprintf(out + len, TENANT_ROWS_WORDS_MAX - len,
                       "%s%zu more API keys than the %d there may be: the "
                       "newest are left out; delete revoked ones from the "
                       "table api_keys",
                       len > 0 ? "; " : "", left->beyond, TENANTS_KEYS_MAX);
}
