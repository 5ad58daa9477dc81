/* AddKey, ListKeys and RevokeKey.
 *
 * A key is made here and hashed at once; what travels to PostgreSQL is the
 * hash. Whether it may be the first, and whether there is room, PostgreSQL
 * decides (api_keys_add), so two feedbackd cannot both say yes. An id that
 * has not the shape of one is not sent there either: it may be a whole key
 * that somebody pasted, and statements can end up in the server's log. */
#include "services/feedbackd/tenant_service.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/types/tenants.h"
#include "services/feedbackd/feedback_service.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/runtime/log.h"
#include "services/runtime/secret.h"

#include <stdio.h>
#include <string.h>

#define TENANT_SERVICE_TRIES 3 /* ids, until one is free */
#define HASH_TEXT_MAX (2 * SECRET_HASH_LEN + 1)
#define MESSAGE_MAX 160

_Static_assert(SECRET_HASH_LEN == TENANT_KEY_HASH_LEN, "a key's hash");
_Static_assert(SECRET_API_KEY_ID_LEN <= TENANT_KEY_ID_MAX, "a key's id");

static const char away[] =
    "the database is not reachable; nothing was changed; try again";
static const char away_read[] = "the database is not reachable; try again";
static const char no_memory[] = "the request is too large";
static const char no_key[] = "there is no key of this id";

/* A call under way; lives in the call's arena. */
struct tenant_call {
    struct tenant_service *service;
    void *call;
    char key[SECRET_API_KEY_LEN + 1]; /* wiped when the call ends */
    char id[TENANT_KEY_ID_MAX + 1];
    char hash[HASH_TEXT_MAX];
    const char *tenant, *label; /* in the request */
    bool only_first;
    unsigned tries;
    union {
        Ss__AddKeyReply_Closure add;
        Ss__ListKeysReply_Closure list;
        Ss__RevokeKeyReply_Closure revoke;
    } done;
};

static struct tenant_call *
tenant_service_begin(Ss__Tenants_Service *base, void *call)
{
    struct tenant_call *mine =
        ARENA_NEW(rpc_call_arena(call), struct tenant_call);

    if (mine) {
        mine->service = (struct tenant_service *)base;
        mine->call = call;
    } else {
        rpc_fail(call, STATUS_RESOURCE_EXHAUSTED, "", no_memory);
    }
    return mine;
}

/* A change that the store did not finish. in_doubt says what to do when it may
 * have happened all the same. */
static void
tenant_service_failed(const struct tenant_call *mine, const char *what,
                      const struct store_result *result, const char *in_doubt)
{
    log_event(LOG_WARN, "write-failed", LOG_STR("statement", what),
              LOG_STR("status", status_text(result->status)),
              LOG_STR("why", result->message),
              LOG_STR("next", "the caller is told to try again"));
    /* Our own checks let it through, so a refusal is no caller's fault. */
    if (result->status == STATUS_INVALID_ARGUMENT ||
        result->status == STATUS_INTERNAL ||
        result->status == STATUS_FAILED_PRECONDITION)
        rpc_fail(mine->call, STATUS_INTERNAL, "INTERNAL",
                 "the database refused the change; nothing was changed");
    else
        feedback_service_fail(mine->call, result->status,
                              result->in_doubt ? in_doubt : away);
}

/* --- adding --- */

/* False when something is wrong, which ret_message (MESSAGE_MAX bytes) says. */
static bool
tenant_service_is_fine(const Ss__AddKeyRequest *request, char *ret_message)
{
    struct slice label = slice_of(request->label);

    ret_message[0] = '\0';
    if (!tenant_is_name(slice_of(request->tenant)))
        (void)snprintf(ret_message, MESSAGE_MAX,
                       "tenant must be 1 to %d bytes of A-Z a-z 0-9 . _ -",
                       TENANT_MAX);
    else if (label.len > TENANT_LABEL_MAX)
        (void)snprintf(ret_message, MESSAGE_MAX,
                       "label must be at most %d bytes", TENANT_LABEL_MAX);
    else if (text_has_control(label, ""))
        (void)snprintf(ret_message, MESSAGE_MAX,
                       "label must hold no control characters");
    return !ret_message[0];
}

static void tenant_service_send_key(struct tenant_call *adding);

static void
tenant_service_added(struct tenant_call *adding)
{
    Ss__AddKeyReply reply = SS__ADD_KEY_REPLY__INIT;
    char tenant[TENANT_MAX + 1];

    (void)snprintf(tenant, sizeof(tenant), "%s", adding->tenant);
    log_event(LOG_INFO, "key-added", LOG_STR("id", adding->id),
              LOG_STR("tenant", adding->tenant));
    tenant_keeper_nudge(adding->service->keeper);
    reply.key = adding->key;
    reply.id = adding->id;
    reply.tenant = tenant;
    adding->done.add(&reply, adding->call);
}

static void
tenant_service_say_full(const struct tenant_call *adding)
{
    char message[MESSAGE_MAX];

    (void)snprintf(message, sizeof(message),
                   "there are %d keys, revoked ones included, and may be no "
                   "more: delete revoked ones from the table api_keys",
                   TENANTS_KEYS_MAX);
    rpc_fail(adding->call, STATUS_RESOURCE_EXHAUSTED, "TOO_MANY_KEYS", message);
}

/* What api_keys_add said, when it did not add. */
static void
tenant_service_not_added(const struct tenant_call *adding, struct slice word)
{
    if (slice_eq(word, SLICE(ADDED_NOT_FIRST)))
        rpc_fail(adding->call, STATUS_FAILED_PRECONDITION, "KEYS_EXIST",
                 "there are keys already");
    else if (slice_eq(word, SLICE(ADDED_FULL)))
        tenant_service_say_full(adding);
    else
        feedback_service_fail(adding->call, STATUS_UNAVAILABLE,
                              "no free id was found; try again");
}

static void
tenant_service_on_added(void *context, const struct store_result *result)
{
    struct tenant_call *adding = context;
    struct slice word = {NULL, 0};

    if (result->status == STATUS_OK)
        word = rows_text(result->rows, 0, 0);
    if (slice_eq(word, SLICE(ADDED_TAKEN)) &&
        adding->tries < TENANT_SERVICE_TRIES) {
        tenant_service_send_key(adding);
        return;
    }
    if (result->status != STATUS_OK)
        tenant_service_failed(
            adding, "write_add_key", result,
            "the database went away; whether a key was added is not known: "
            "list the keys, and revoke the one that nobody has");
    else if (slice_eq(word, SLICE(ADDED_KEY)))
        tenant_service_added(adding);
    else
        tenant_service_not_added(adding, word);
    explicit_bzero(adding->key, sizeof(adding->key));
}

/* Make a key and have its hash stored. */
static void
tenant_service_send_key(struct tenant_call *adding)
{
    uint8_t hash[SECRET_HASH_LEN];
    const char *params[] = {adding->id, adding->tenant, adding->label,
                            adding->hash, adding->only_first ? "yes" : "no"};
    enum status status = STATUS_OK;

    adding->tries++;
    secret_new_api_key(adding->key, adding->id);
    secret_hash(slice_of(adding->key), hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        (void)snprintf(adding->hash + 2 * i, 3, "%02x", hash[i]);
    status = store_write(adding->service->write, WRITE_ADD_KEY, params,
                         tenant_service_on_added, adding);
    if (status == STATUS_OK)
        return;
    explicit_bzero(adding->key, sizeof(adding->key));
    feedback_service_fail(adding->call, status, away);
}

static void
tenant_service_add(Ss__Tenants_Service *base, const Ss__AddKeyRequest *request,
                   Ss__AddKeyReply_Closure done, void *call)
{
    char message[MESSAGE_MAX];
    struct tenant_call *adding = NULL;

    if (!tenant_service_is_fine(request, message)) {
        rpc_fail(call, STATUS_INVALID_ARGUMENT, "INVALID_PARAM", message);
        return;
    }
    adding = tenant_service_begin(base, call);
    if (!adding)
        return;
    adding->done.add = done;
    adding->tenant = request->tenant;
    adding->label = request->label ? request->label : "";
    adding->only_first = request->has_only_first && request->only_first;
    tenant_service_send_key(adding);
}

/* --- listing --- */

static void
tenant_service_fill_row(struct arena *arena, const struct pg_result *rows,
                        size_t i, Ss__KeyRow *row)
{
    ss__key_row__init(row);
    row->id = arena_text(arena, rows_text(rows, i, KEY_ID));
    row->tenant = arena_text(arena, rows_text(rows, i, KEY_TENANT));
    if (rows_text(rows, i, KEY_LABEL).len > 0)
        row->label = arena_text(arena, rows_text(rows, i, KEY_LABEL));
    row->created_at = ARENA_NEW(arena, Ss__Timestamp);
    if (!row->created_at)
        return;
    ss__timestamp__init(row->created_at);
    row->created_at->ms = rows_i64(rows, i, KEY_CREATED, 0);
    if (rows_null(rows, i, KEY_REVOKED))
        return;
    row->revoked_at = ARENA_NEW(arena, Ss__Timestamp);
    if (!row->revoked_at)
        return;
    ss__timestamp__init(row->revoked_at);
    row->revoked_at->ms = rows_i64(rows, i, KEY_REVOKED, 0);
}

/* In an arena of its own: a call's has no room for all keys there may be. */
static void
tenant_service_answer_list(const struct tenant_call *listing,
                           const struct pg_result *rows)
{
    Ss__ListKeysReply reply = SS__LIST_KEYS_REPLY__INIT;
    size_t count = rows_count(rows);
    struct arena *arena = arena_new(TENANTS_BYTES_MAX);
    Ss__KeyRow *list = NULL;

    if (arena) {
        list = ARENA_ARRAY(arena, Ss__KeyRow, count);
        reply.keys = ARENA_ARRAY(arena, Ss__KeyRow *, count);
    }
    for (size_t i = 0; arena && arena_ok(arena) && i < count; i++) {
        tenant_service_fill_row(arena, rows, i, &list[i]);
        reply.keys[i] = &list[i];
        reply.n_keys++;
    }
    if (arena && arena_ok(arena))
        listing->done.list(&reply, listing->call);
    else
        rpc_fail(listing->call, STATUS_RESOURCE_EXHAUSTED, "",
                 "the answer is too large");
    arena_free(&arena);
}

static void
tenant_service_on_list(void *context, const struct store_result *result)
{
    const struct tenant_call *listing = context;

    if (result->status == STATUS_OK) {
        tenant_service_answer_list(listing, result->rows);
        return;
    }
    log_event(
        LOG_WARN, "read-failed", LOG_STR("status", status_text(result->status)),
        LOG_STR("why", result->message), LOG_STR("next", "the caller is told"));
    feedback_service_fail(listing->call, result->status, away_read);
}

static void
tenant_service_list(Ss__Tenants_Service *base,
                    const Ss__ListKeysRequest *request,
                    Ss__ListKeysReply_Closure done, void *call)
{
    struct tenant_call *listing = tenant_service_begin(base, call);
    enum status status = STATUS_OK;

    (void)request;
    if (!listing)
        return;
    listing->done.list = done;
    status = store_read(listing->service->read, READ_LIST_KEYS, NULL,
                        tenant_service_on_list, listing);
    if (status != STATUS_OK)
        feedback_service_fail(call, status, away_read);
}

/* --- revoking --- */

static void
tenant_service_on_revoked(void *context, const struct store_result *result)
{
    const struct tenant_call *revoking = context;
    Ss__RevokeKeyReply reply = SS__REVOKE_KEY_REPLY__INIT;
    Ss__Timestamp at = SS__TIMESTAMP__INIT;
    char tenant[TENANT_MAX + 1];

    if (result->status != STATUS_OK) {
        tenant_service_failed(
            revoking, "write_revoke_key", result,
            "the database went away; whether the key was revoked is not "
            "known; try again");
        return;
    }
    if (rows_count(result->rows) == 0) {
        rpc_fail(revoking->call, STATUS_NOT_FOUND, "NOT_FOUND", no_key);
        return;
    }
    (void)snprintf(tenant, sizeof(tenant), "%.*s",
                   SLICE_ARG(rows_text(result->rows, 0, REVOKED_TENANT)));
    log_event(LOG_INFO, "key-revoked", LOG_STR("id", revoking->id),
              LOG_STR("tenant", tenant));
    tenant_keeper_nudge(revoking->service->keeper);
    at.ms = rows_i64(result->rows, 0, REVOKED_AT, 0);
    reply.tenant = tenant;
    reply.revoked_at = &at;
    revoking->done.revoke(&reply, revoking->call);
}

static void
tenant_service_revoke(Ss__Tenants_Service *base,
                      const Ss__RevokeKeyRequest *request,
                      Ss__RevokeKeyReply_Closure done, void *call)
{
    const char *params[] = {request->id};
    struct tenant_call *revoking = NULL;
    enum status status = STATUS_OK;

    if (!tenant_is_key_id(slice_of(request->id))) {
        rpc_fail(call, STATUS_NOT_FOUND, "NOT_FOUND", no_key);
        return;
    }
    revoking = tenant_service_begin(base, call);
    if (!revoking)
        return;
    revoking->done.revoke = done;
    (void)snprintf(revoking->id, sizeof(revoking->id), "%s", request->id);
    status = store_write(revoking->service->write, WRITE_REVOKE_KEY, params,
                         tenant_service_on_revoked, revoking);
    if (status != STATUS_OK)
        feedback_service_fail(call, status, away);
}

void
tenant_service_init(struct tenant_service *service)
{
    service->base = (Ss__Tenants_Service){
        .base = SS__TENANTS__BASE_INIT,
        .add_key = tenant_service_add,
        .list_keys = tenant_service_list,
        .revoke_key = tenant_service_revoke,
    };
}
