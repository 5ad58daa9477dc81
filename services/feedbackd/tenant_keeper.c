/* One look at a time: the answer holds the keys only when the table's mark is
 * another than the one that was sent along. Wishes that come meanwhile are
 * remembered. */
#include "services/feedbackd/tenant_keeper.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/types/tenants.h"
#include "proto/tenants_codec.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/runtime/log.h"
#include "services/runtime/snapshot.h"

#include <stdio.h>
#include <stdlib.h>

#define TENANT_KEEPER_MAGIC 0x544b4550u
#define TENANT_KEEPER_MARK_MAX 64 /* two numbers */

struct tenant_keeper {
    unsigned magic;
    struct tenant_keeper_options options;
    struct loop_timer *timer;
    struct snapshot_publisher *publisher;
    struct tenants *now; /* published; NULL before the first look */
    char mark[TENANT_KEEPER_MARK_MAX]; /* of the last look that ended well */
    bool looking, look_wanted;
    bool notifying, notify_wanted;
    int64_t *keys;
    uint64_t *loads;
};

static enum status
tenant_keeper_encode(void *context, struct buf *out)
{
    const struct tenant_keeper *keeper = context;

    CHECK(keeper->now != NULL);
    return tenants_encode(keeper->now, out);
}

/* --- rows to tenants --- */

static bool
tenant_keeper_hash(struct slice hex, uint8_t hash[TENANT_KEY_HASH_LEN])
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

static enum status
tenant_keeper_read(const struct pg_result *rows, struct tenants *tenants)
{
    size_t count = rows_null(rows, 0, TENANTS_HASH) ? 0 : rows_count(rows);
    struct tenant_key *keys =
        ARENA_ARRAY(tenants->arena, struct tenant_key, count);

    if (!keys)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < count; i++) {
        struct arena *arena = tenants->arena;

        if (!tenant_keeper_hash(rows_text(rows, i, TENANTS_HASH), keys[i].hash))
            return STATUS_INVALID_ARGUMENT;
        keys[i].id = arena_slice(arena, rows_text(rows, i, TENANTS_ID));
        keys[i].tenant = arena_slice(arena, rows_text(rows, i, TENANTS_TENANT));
        keys[i].label = arena_slice(arena, rows_text(rows, i, TENANTS_LABEL));
        keys[i].revoked = rows_i64(rows, i, TENANTS_REVOKED, 1) != 0;
    }
    tenants->keys = keys;
    tenants->key_count = count;
    return arena_ok(tenants->arena) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

/* Whether followers will be able to read them: what cannot be encoded must not
 * take the place of what can. */
static enum status
tenant_keeper_try(const struct tenants *tenants)
{
    struct buf bytes;
    enum status status = STATUS_OK;

    buf_init(&bytes, SNAPSHOT_WHOLE_MAX);
    status = tenants_encode(tenants, &bytes);
    buf_fini(&bytes);
    return status;
}

/* New tenants of the rows. INVALID_ARGUMENT: they cannot be published. */
static enum status
tenant_keeper_build(const struct pg_result *rows, struct tenants **ret_tenants)
{
    struct arena *arena = arena_new(TENANTS_BYTES_MAX);
    struct tenants *tenants = arena ? ARENA_NEW(arena, struct tenants) : NULL;
    enum status status = STATUS_RESOURCE_EXHAUSTED;

    if (tenants) {
        tenants->arena = arena;
        status = tenant_keeper_read(rows, tenants);
    }
    if (status == STATUS_OK)
        status = tenant_keeper_try(tenants);
    if (status == STATUS_OK)
        *ret_tenants = tenants;
    else
        arena_free(&arena);
    return status;
}

/* --- a look --- */

static void tenant_keeper_go(struct tenant_keeper *keeper);

static void
tenant_keeper_publish(struct tenant_keeper *keeper, struct tenants *tenants)
{
    size_t revoked = 0;

    for (size_t i = 0; i < tenants->key_count; i++)
        revoked += tenants->keys[i].revoked;
    tenants_free(&keeper->now);
    keeper->now = tenants;
    *keeper->keys = (int64_t)(tenants->key_count - revoked);
    (*keeper->loads)++;
    log_event(LOG_INFO, "tenants-loaded", LOG_U64("keys", tenants->key_count),
              LOG_U64("revoked", revoked));
    snapshot_publish_whole(keeper->publisher, tenants_hash(tenants));
    keeper->options.loaded(keeper->options.context);
}

/* The table changed since the last look (or this is the first). */
static void
tenant_keeper_take(struct tenant_keeper *keeper, const struct pg_result *rows)
{
    struct tenants *tenants = NULL;
    enum status status = tenant_keeper_build(rows, &tenants);

    if (status == STATUS_OK)
        tenant_keeper_publish(keeper, tenants);
    else
        log_event(LOG_WARN, "tenants-not-published",
                  LOG_STR("status", status_text(status)),
                  LOG_U64("keys", rows_count(rows)),
                  LOG_U64("most", TENANTS_KEYS_MAX),
                  LOG_STR("next", "what was published before stays"));
    /* The same rows would not be better next time, but memory may. */
    if (status != STATUS_RESOURCE_EXHAUSTED)
        (void)snprintf(keeper->mark, sizeof(keeper->mark), "%.*s",
                       SLICE_ARG(rows_text(rows, 0, TENANTS_MARK)));
}

static void
tenant_keeper_on_rows(void *context, const struct store_result *result)
{
    struct tenant_keeper *keeper = context;

    CHECK_OBJ(keeper, TENANT_KEEPER_MAGIC);
    keeper->looking = false;
    if (result->status != STATUS_OK) {
        /* The timer or the store's return tries again. */
        if (store_is_up(keeper->options.store))
            log_event(LOG_WARN, "tenants-not-read",
                      LOG_STR("why", result->message),
                      LOG_STR("next", "tried again soon"));
        return;
    }
    if (!slice_eq(rows_text(result->rows, 0, TENANTS_MARK),
                  slice_of(keeper->mark)))
        tenant_keeper_take(keeper, result->rows);
    tenant_keeper_go(keeper);
}

static void
tenant_keeper_on_notified(void *context, const struct store_result *result)
{
    struct tenant_keeper *keeper = context;

    CHECK_OBJ(keeper, TENANT_KEEPER_MAGIC);
    keeper->notifying = false;
    if (result->status == STATUS_OK)
        tenant_keeper_go(keeper);
}

/* Begin what is wanted and not under way. A lost notice does no harm: the
 * others look every interval. */
static void
tenant_keeper_go(struct tenant_keeper *keeper)
{
    struct store *store = keeper->options.store;
    const char *params[] = {keeper->mark};

    if (!store_is_up(store))
        return;
    if (keeper->notify_wanted && !keeper->notifying) {
        keeper->notify_wanted = false;
        keeper->notifying =
            store_read(store, LAYER_NOTIFY_TENANTS, NULL,
                       tenant_keeper_on_notified, keeper) == STATUS_OK;
    }
    if (keeper->look_wanted && !keeper->looking) {
        keeper->look_wanted = false;
        keeper->looking =
            store_read(store, LAYER_TENANTS, params, tenant_keeper_on_rows,
                       keeper) == STATUS_OK;
    }
}

/* --- when --- */

static void
tenant_keeper_look(struct tenant_keeper *keeper)
{
    CHECK_OBJ(keeper, TENANT_KEEPER_MAGIC);
    keeper->look_wanted = true;
    tenant_keeper_go(keeper);
}

static void
tenant_keeper_timer(void *context)
{
    struct tenant_keeper *keeper = context;

    loop_timer_start(keeper->timer, keeper->options.interval);
    tenant_keeper_look(keeper);
}

void
tenant_keeper_up(struct tenant_keeper *keeper)
{
    tenant_keeper_look(keeper);
}

void
tenant_keeper_nudge(struct tenant_keeper *keeper)
{
    keeper->notify_wanted = true;
    tenant_keeper_look(keeper);
}

void
tenant_keeper_notice(struct tenant_keeper *keeper)
{
    tenant_keeper_look(keeper);
}

enum status
tenant_keeper_new(struct loop *loop,
                  const struct tenant_keeper_options *options,
                  struct tenant_keeper **ret_keeper)
{
    struct tenant_keeper *keeper = calloc(1, sizeof(*keeper));

    if (!keeper)
        return STATUS_RESOURCE_EXHAUSTED;
    keeper->magic = TENANT_KEEPER_MAGIC;
    keeper->options = *options;
    keeper->keys = metrics_gauge(options->metrics, "api_keys", "",
                                 "API keys that are not revoked.");
    keeper->loads = metrics_counter(options->metrics, "tenant_loads_total", "",
                                    "Times the API keys were read anew.");
    if (loop_timer_new(loop, tenant_keeper_timer, keeper, &keeper->timer) ||
        snapshot_publisher_new(options->server, "tenants", tenant_keeper_encode,
                               keeper, &keeper->publisher)) {
        tenant_keeper_free(&keeper);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    loop_timer_start(keeper->timer, options->interval);
    *ret_keeper = keeper;
    return STATUS_OK;
}

void
tenant_keeper_free(struct tenant_keeper **keeper)
{
    struct tenant_keeper *old = *keeper;

    if (!old)
        return;
    CHECK_OBJ(old, TENANT_KEEPER_MAGIC);
    loop_timer_free(&old->timer);
    snapshot_publisher_free(&old->publisher);
    tenants_free(&old->now);
    old->magic = 0;
    free(old);
    *keeper = NULL;
}
