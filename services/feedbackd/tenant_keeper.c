/* One look at a time: the answer holds the keys only when the table's mark is
 * another than the one that was sent along. Wishes that come meanwhile are
 * remembered. */
#include "services/feedbackd/tenant_keeper.h"

#include "core/base/check.h"
#include "proto/tenants_codec.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/feedbackd/tenant_rows.h"
#include "services/runtime/log.h"
#include "services/runtime/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    char trouble[TENANT_ROWS_WORDS_MAX]; /* with the rows; "": none */
    uint64_t left; /* tenant_rows_left's hash, of what was said last */
    int64_t *keys, *left_out;
    uint64_t *loads;
};

static enum status
tenant_keeper_encode(void *context, struct buf *out)
{
    const struct tenant_keeper *keeper = context;

    CHECK(keeper->now != NULL);
    return tenants_encode(keeper->now, out);
}

/* --- a look --- */

static void tenant_keeper_go(struct tenant_keeper *keeper);

/* What the rows are like, to the log, Health and the metrics. The log hears
 * each state once: another change of the table does not repeat it. */
static void
tenant_keeper_say(struct tenant_keeper *keeper, enum status status,
                  const struct tenant_rows_left *left)
{
    char trouble[TENANT_ROWS_WORDS_MAX];
    bool is_news = left->hash != keeper->left;

    tenant_rows_words(status, left, trouble);
    is_news = is_news ||
              (status != STATUS_OK && strcmp(trouble, keeper->trouble) != 0);
    keeper->left = left->hash;
    *keeper->left_out = (int64_t)(left->malformed + left->beyond);
    (void)snprintf(keeper->trouble, sizeof(keeper->trouble), "%s", trouble);
    snapshot_publisher_trouble(keeper->publisher, trouble);
    if (!is_news)
        return;
    for (size_t i = 0; i < left->named_count; i++)
        log_event(LOG_WARN, "key-left-out", LOG_STR("row", left->named[i].row),
                  LOG_STR("why", left->named[i].fault),
                  LOG_STR("next", "not published until the row is corrected or"
                                  " deleted in the table api_keys"));
    if (left->malformed > left->named_count || left->beyond > 0)
        log_event(
            LOG_WARN, "keys-left-out", LOG_U64("malformed", left->malformed),
            LOG_U64("beyond", left->beyond), LOG_U64("most", TENANTS_KEYS_MAX),
            LOG_STR("why", trouble), LOG_STR("next", "they are not published"));
    if (status != STATUS_OK)
        log_event(LOG_WARN, "tenants-not-published",
                  LOG_STR("status", status_text(status)),
                  LOG_STR("why", trouble),
                  LOG_STR("next", "what was published before stays"));
}

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
              LOG_U64("revoked", revoked),
              LOG_I64("left_out", *keeper->left_out));
    snapshot_publish_whole(keeper->publisher, tenants_hash(tenants));
}

/* The table changed since the last look (or this is the first). */
static void
tenant_keeper_take(struct tenant_keeper *keeper, const struct pg_result *rows)
{
    struct tenants *tenants = NULL;
    struct tenant_rows_left left;
    enum status status = tenant_rows_read(rows, &tenants, &left);

    tenant_keeper_say(keeper, status, &left);
    if (status == STATUS_OK)
        tenant_keeper_publish(keeper, tenants);
    /* The same rows would not be better next time, but memory may. */
    if (status != STATUS_RESOURCE_EXHAUSTED)
        (void)snprintf(keeper->mark, sizeof(keeper->mark), "%.*s",
                       SLICE_ARG(rows_text(rows, 0, TENANTS_MARK)));
    keeper->options.changed(keeper->options.context);
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

bool
tenant_keeper_has(const struct tenant_keeper *keeper)
{
    CHECK_OBJ(keeper, TENANT_KEEPER_MAGIC);
    return keeper->now != NULL;
}

const char *
tenant_keeper_trouble(const struct tenant_keeper *keeper)
{
    CHECK_OBJ(keeper, TENANT_KEEPER_MAGIC);
    return keeper->trouble;
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
    keeper->left_out =
        metrics_gauge(options->metrics, "api_keys_left_out", "",
                      "Rows of api_keys that cannot be published.");
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
