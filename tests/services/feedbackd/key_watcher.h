/* One who follows the snapshot "tenants" of a node, as a gateway does, and the
 * calls of ss.Tenants. Included by one test program each. */
#ifndef TESTS_SERVICES_FEEDBACKD_KEY_WATCHER_H
#define TESTS_SERVICES_FEEDBACKD_KEY_WATCHER_H

#include "tests/services/feedbackd/feedback_node.h"

#include "proto/tenants_codec.h"
#include "services/runtime/secret.h"

#include "tenants.pb-c.h"

enum { ADD_KEY, LIST_KEYS, REVOKE_KEY };

struct watcher {
    struct rpc_stand *stand;
    struct snapshot_follower *follower;
    struct tenants *seen; /* NULL before the first snapshot */
    unsigned wholes;
};

static inline enum status
watcher_on_whole(void *context, struct slice bytes, uint64_t wanted,
                 uint64_t *ret_hash)
{
    struct watcher *watcher = context;
    struct tenants *tenants = NULL;
    enum status status = tenants_decode(bytes, &tenants);

    if (status != STATUS_OK)
        return status;
    *ret_hash = tenants_hash(tenants);
    assert_true(*ret_hash == wanted);
    tenants_free(&watcher->seen);
    watcher->seen = tenants;
    watcher->wholes++;
    loop_stop(watcher->stand->loop);
    return STATUS_OK;
}

static inline enum status
watcher_on_delta(void *context, struct slice bytes, uint64_t *ret_hash)
{
    (void)context;
    (void)bytes;
    *ret_hash = 0;
    fail_msg("the tenants are always published whole");
    return STATUS_INTERNAL;
}

static inline void
watcher_open(struct watcher *watcher, struct node *node)
{
    struct snapshot_follower_options options = {.name = "tenants",
                                                .whole = watcher_on_whole,
                                                .delta = watcher_on_delta,
                                                .context = watcher};

    *watcher = (struct watcher){.stand = node->stand};
    assert_int_equal(snapshot_follower_new(node->stand->loop, node->channel,
                                           &options, &watcher->follower),
                     STATUS_OK);
}

static inline void
watcher_close(struct watcher *watcher)
{
    snapshot_follower_free(&watcher->follower);
    tenants_free(&watcher->seen);
}

typedef bool (*watcher_fits)(const struct watcher *watcher);

static inline void
watcher_wait(struct watcher *watcher, watcher_fits fits)
{
    struct loop *loop = watcher->stand->loop;
    ms_time until = loop_now(loop) + STAND_PATIENCE_MS;

    while (!fits(watcher)) {
        if (loop_now(loop) > until)
            fail_msg("waited in vain for the tenants");
        rpc_stand_run_for(watcher->stand, 5);
    }
}

static inline size_t
live_keys(const struct watcher *watcher)
{
    size_t live = 0;

    for (size_t i = 0; watcher->seen && i < watcher->seen->key_count; i++)
        live += !watcher->seen->keys[i].revoked;
    return live;
}

static inline bool
has_none(const struct watcher *watcher)
{
    return watcher->seen && watcher->seen->key_count == 0;
}

static inline bool
has_one(const struct watcher *watcher)
{
    return live_keys(watcher) == 1;
}

static inline bool
has_two(const struct watcher *watcher)
{
    return live_keys(watcher) == 2;
}

static inline bool
has_one_revoked(const struct watcher *watcher)
{
    return watcher->seen && watcher->seen->key_count == 1 &&
           live_keys(watcher) == 0;
}

/* --- calls --- */

static inline void
keys_call_start(struct node *node, unsigned method, const void *request,
                struct ended *ended)
{
    struct rpc_options options = {.timeout = CALL_TIMEOUT_MS};

    *ended = (struct ended){.stand = node->stand};
    assert_int_equal(rpc_call_start(node->channel, &ss__tenants__descriptor,
                                    method, request, &options, on_ended, ended,
                                    NULL),
                     STATUS_OK);
}

static inline void
keys_call(struct node *node, unsigned method, const void *request,
          struct ended *ended)
{
    keys_call_start(node, method, request, ended);
    assert_true(rpc_stand_run(node->stand, &ended->done));
}

static inline Ss__AddKeyRequest
key_for(char *tenant, char *label)
{
    Ss__AddKeyRequest request = SS__ADD_KEY_REQUEST__INIT;

    request.tenant = tenant;
    request.label = label;
    return request;
}

/* Add a key; its text and id into 64 bytes each. */
static inline void
add(struct node *node, char *tenant, char *label, char *key, char *id)
{
    Ss__AddKeyRequest request = key_for(tenant, label);
    struct ended ended;
    const Ss__AddKeyReply *reply = NULL;

    keys_call(node, ADD_KEY, &request, &ended);
    if (ended.status != STATUS_OK)
        fail_msg("%s: %s", ended.reason, ended.message);
    reply = (const Ss__AddKeyReply *)ended.reply;
    assert_string_equal(reply->tenant, tenant);
    (void)snprintf(key, 64, "%s", reply->key);
    (void)snprintf(id, 64, "%s", reply->id);
    ended_forget(&ended);
}

static inline void
revoke_key(struct node *node, char *id, struct ended *ended)
{
    Ss__RevokeKeyRequest request = SS__REVOKE_KEY_REQUEST__INIT;

    request.id = id;
    keys_call(node, REVOKE_KEY, &request, ended);
}

static inline const struct tenant_key *
find(const struct watcher *watcher, const char *key)
{
    uint8_t hash[SECRET_HASH_LEN];

    secret_hash(slice_of(key), hash);
    return tenants_find(watcher->seen, hash);
}

#endif
