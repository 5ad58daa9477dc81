/* The machine that loads and follows; see the header.
 *
 *   IDLE -> SNAPSHOT -> BASELINES -> RATINGS (pages) -> VOTES (pages) -> IDLE
 *   IDLE -> CHANGES (ratings and votes, asked together) -> IDLE
 *
 * The snapshot is taken before the first page, so what commits while pages
 * are read is looked at again by the first look afterwards. One query (or
 * the pair of changes) is under way at a time; wishes that come meanwhile
 * are remembered. */
#include "services/feedbackd/layer_follow.h"

#include "core/base/check.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/feedbackd/layer_rows.h"
#include "services/runtime/log.h"

#include <stdio.h>
#include <stdlib.h>

#define LAYER_FOLLOW_MAGIC 0x4c46464cu
/* pg_snapshot as text: xmin, xmax and the transactions between. With 1000
 * connections and 20 digits each it stays below. */
#define LAYER_FOLLOW_SNAPSHOT_MAX 32768
#define LAYER_FOLLOW_KEY_MAX 160 /* a model id, a tenant, an instance */

enum layer_follow_state {
    FOLLOW_IDLE,
    FOLLOW_SNAPSHOT,
    FOLLOW_BASELINES,
    FOLLOW_RATINGS,
    FOLLOW_VOTES,
    FOLLOW_CHANGES,
};

struct layer_follow {
    unsigned magic;
    struct layer_follow_options options;
    struct loop *loop;
    struct loop_timer *timer;
    enum layer_follow_state state;
    bool load_wanted, look_wanted, notify_wanted;
    bool notifying;
    /* Of the layers that are published. */
    utc_day day;
    char *ratings_seen, *votes_seen; /* snapshots, LAYER_FOLLOW_SNAPSHOT_MAX */
    struct baselines *baselines;
    /* Of the load or look under way. */
    utc_day new_day;
    char *new_seen, *new_votes_seen;
    struct baselines *new_baselines;
    struct layer_build *build;
    unsigned pending; /* answers of the pair */
    bool failed;      /* one of the pair did, or asks for a load */
    char last[5][LAYER_FOLLOW_KEY_MAX]; /* of the last page */
    uint64_t *loads, *looks;
};

static void layer_follow_go(struct layer_follow *follow);

static void
layer_follow_forget(struct layer_follow *follow)
{
    layer_build_free(&follow->build);
    baselines_free(&follow->new_baselines);
    follow->state = FOLLOW_IDLE;
}

/* Something did not work: let the timer, or the store's return, try again. */
static void
layer_follow_fail(struct layer_follow *follow, const char *what,
                  const char *why)
{
    if (store_is_up(follow->options.store))
        log_event(LOG_WARN, "layers-not-read", LOG_STR("step", what),
                  LOG_STR("why", why), LOG_STR("next", "tried again soon"));
    if (follow->state != FOLLOW_CHANGES)
        follow->load_wanted = true;
    follow->look_wanted = true;
    layer_follow_forget(follow);
}

/* Ask; a refusal by the store is a failure of the step. */
static void
layer_follow_ask(struct layer_follow *follow, enum layer_statement statement,
                 const char *const *params, store_done_fn done)
{
    enum status status = store_read(follow->options.store, (unsigned)statement,
                                    params, done, follow);

    if (status != STATUS_OK)
        layer_follow_fail(follow, layer_statements[statement].name,
                          status_text(status));
}

/* --- the whole --- */

static void
layer_follow_keep_key(struct layer_follow *follow, const struct pg_result *rows,
                      const int *columns, size_t count)
{
    size_t last = rows_count(rows) - 1;

    for (size_t i = 0; i < count; i++)
        (void)snprintf(follow->last[i], LAYER_FOLLOW_KEY_MAX, "%.*s",
                       SLICE_ARG(rows_text(rows, last, columns[i])));
}

/* The load is complete: it becomes what is published. */
static void
layer_follow_install(struct layer_follow *follow)
{
    struct layers *whole = NULL;
    enum status status = layer_build_finish(&follow->build, &whole);

    if (status != STATUS_OK) {
        layer_follow_fail(follow, "fold", status_text(status));
        return;
    }
    follow->day = follow->new_day;
    (void)snprintf(follow->ratings_seen, LAYER_FOLLOW_SNAPSHOT_MAX, "%s",
                   follow->new_seen);
    (void)snprintf(follow->votes_seen, LAYER_FOLLOW_SNAPSHOT_MAX, "%s",
                   follow->new_seen);
    baselines_free(&follow->baselines);
    follow->baselines = follow->new_baselines;
    follow->new_baselines = NULL;
    (*follow->loads)++;
    log_event(LOG_INFO, "layers-loaded",
              LOG_U64("personal", whole->personal_count),
              LOG_U64("community", whole->community_count),
              LOG_I64("day", whole->day));
    layer_state_replace(follow->options.state, whole);
    follow->state = FOLLOW_IDLE;
    follow->look_wanted = true;
    follow->options.loaded(follow->options.context);
    layer_follow_go(follow);
}

static void layer_follow_ask_votes(struct layer_follow *follow);

static void
layer_follow_on_votes(void *context, const struct store_result *result)
{
    static const int key[] = {VOTE_MODEL, VOTE_CATEGORY, VOTE_WEEK,
                              VOTE_INSTANCE};
    struct layer_follow *follow = context;
    enum status status = result->status;

    CHECK_OBJ(follow, LAYER_FOLLOW_MAGIC);
    if (status == STATUS_OK)
        status = layer_rows_votes(follow->build, result->rows, 0);
    if (status != STATUS_OK) {
        layer_follow_fail(follow, "votes",
                          result->rows ? status_text(status) : result->message);
        return;
    }
    if (rows_count(result->rows) < LAYER_PAGE_ROWS) {
        layer_follow_install(follow);
        return;
    }
    layer_follow_keep_key(follow, result->rows, key, ARRAY_LEN(key));
    layer_follow_ask_votes(follow);
}

static void
layer_follow_ask_votes(struct layer_follow *follow)
{
    const char *params[] = {follow->last[0], follow->last[1], follow->last[2],
                            follow->last[3]};

    layer_follow_ask(follow, LAYER_VOTES, params, layer_follow_on_votes);
}

static void layer_follow_ask_ratings(struct layer_follow *follow);

/* Before the first key of any page. */
static void
layer_follow_first_key(struct layer_follow *follow, size_t day)
{
    for (size_t i = 0; i < ARRAY_LEN(follow->last); i++)
        follow->last[i][0] = '\0';
    (void)snprintf(follow->last[day], LAYER_FOLLOW_KEY_MAX, "-1");
    (void)snprintf(follow->last[4], LAYER_FOLLOW_KEY_MAX, "0");
}

static void
layer_follow_on_ratings(void *context, const struct store_result *result)
{
    static const int key[] = {RATING_TENANT, RATING_MODEL, RATING_CATEGORY,
                              RATING_DAY, RATING_STARS};
    struct layer_follow *follow = context;
    enum status status = result->status;

    CHECK_OBJ(follow, LAYER_FOLLOW_MAGIC);
    if (status == STATUS_OK)
        status = layer_rows_ratings(follow->build, result->rows, 0);
    if (status != STATUS_OK) {
        layer_follow_fail(follow, "ratings",
                          result->rows ? status_text(status) : result->message);
        return;
    }
    if (rows_count(result->rows) == LAYER_PAGE_ROWS) {
        layer_follow_keep_key(follow, result->rows, key, ARRAY_LEN(key));
        layer_follow_ask_ratings(follow);
        return;
    }
    follow->state = FOLLOW_VOTES;
    layer_follow_first_key(follow, VOTE_WEEK);
    layer_follow_ask_votes(follow);
}

static void
layer_follow_ask_ratings(struct layer_follow *follow)
{
    const char *params[] = {follow->last[0], follow->last[1], follow->last[2],
                            follow->last[3], follow->last[4]};

    layer_follow_ask(follow, LAYER_RATINGS, params, layer_follow_on_ratings);
}

static void
layer_follow_on_baselines(void *context, const struct store_result *result)
{
    struct layer_follow *follow = context;
    enum status status = result->status;

    CHECK_OBJ(follow, LAYER_FOLLOW_MAGIC);
    follow->new_baselines = baselines_new();
    if (status == STATUS_OK && !follow->new_baselines)
        status = STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK)
        status = layer_rows_baselines(follow->new_baselines, result->rows);
    if (status == STATUS_OK)
        follow->build =
            layer_build_new(follow->new_day, false, follow->new_baselines);
    if (status != STATUS_OK || !follow->build) {
        layer_follow_fail(follow, "baselines",
                          result->rows ? status_text(status) : result->message);
        return;
    }
    follow->state = FOLLOW_RATINGS;
    layer_follow_first_key(follow, RATING_DAY);
    layer_follow_ask_ratings(follow);
}

static bool
layer_follow_copy_snapshot(struct slice snapshot, char *out)
{
    if (snapshot.len == 0 || snapshot.len >= LAYER_FOLLOW_SNAPSHOT_MAX)
        return false;
    memcpy(out, snapshot.ptr, snapshot.len);
    out[snapshot.len] = '\0';
    return true;
}

static void
layer_follow_on_snapshot(void *context, const struct store_result *result)
{
    struct layer_follow *follow = context;
    char day[16];
    const char *params[] = {day};

    CHECK_OBJ(follow, LAYER_FOLLOW_MAGIC);
    if (result->status != STATUS_OK || rows_count(result->rows) != 1 ||
        !layer_follow_copy_snapshot(rows_text(result->rows, 0, 0),
                                    follow->new_seen)) {
        layer_follow_fail(follow, "snapshot", result->message);
        return;
    }
    follow->new_day = (utc_day)rows_i64(result->rows, 0, 1, 0);
    (void)snprintf(day, sizeof(day), "%d", follow->new_day);
    follow->state = FOLLOW_BASELINES;
    layer_follow_ask(follow, LAYER_BASELINES, params,
                     layer_follow_on_baselines);
}

static void
layer_follow_swap(char **a, char **b)
{
    char *kept = *a;

    *a = *b;
    *b = kept;
}

/* --- the changes --- */

/* Both answers are there: lay them over, or load when that is due. The
 * snapshots move on only with the layers. */
static void
layer_follow_end_look(struct layer_follow *follow)
{
    struct layers *changes = NULL;
    size_t changed = 0;
    enum status status = STATUS_OK;

    if (--follow->pending)
        return;
    if (follow->failed) {
        layer_follow_forget(follow);
        if (follow->load_wanted)
            layer_follow_go(follow); /* else the timer looks again */
        return;
    }
    status = layer_build_finish(&follow->build, &changes);
    if (status == STATUS_OK) {
        status = layer_state_change(follow->options.state, changes, &changed);
        layers_free(&changes);
    }
    if (status != STATUS_OK) {
        layer_follow_fail(follow, "changes", status_text(status));
        return;
    }
    layer_follow_swap(&follow->ratings_seen, &follow->new_seen);
    layer_follow_swap(&follow->votes_seen, &follow->new_votes_seen);
    (*follow->looks)++;
    follow->state = FOLLOW_IDLE;
    if (changed)
        log_event(LOG_DEBUG, "layers-changed", LOG_U64("cells", changed));
    layer_follow_go(follow);
}

/* Whether an answer can be laid over; else a load is wanted. */
static bool
layer_follow_fits(struct layer_follow *follow, const struct pg_result *rows)
{
    return rows_count(rows) > 0 && rows_count(rows) < LAYER_CHANGES_ROWS &&
           rows_i64(rows, 0, CHANGES_DAY, 0) == follow->day &&
           rows_i64(rows, 0, CHANGES_LATE, 1) == 0;
}

typedef enum status (*layer_follow_take_fn)(struct layer_build *,
                                            const struct pg_result *, int);

static void
layer_follow_take_changes(struct layer_follow *follow,
                          const struct store_result *result,
                          layer_follow_take_fn take, char *seen)
{
    CHECK_OBJ(follow, LAYER_FOLLOW_MAGIC);
    if (result->status != STATUS_OK) {
        follow->failed = true;
        follow->look_wanted = true;
        if (store_is_up(follow->options.store))
            log_event(LOG_WARN, "layers-not-read", LOG_STR("step", "changes"),
                      LOG_STR("why", result->message),
                      LOG_STR("next", "tried again soon"));
    } else if (!layer_follow_fits(follow, result->rows) ||
               take(follow->build, result->rows, CHANGES_COLUMNS) !=
                   STATUS_OK ||
               !layer_follow_copy_snapshot(
                   rows_text(result->rows, 0, CHANGES_SNAPSHOT), seen)) {
        follow->failed = true;
        follow->load_wanted = true;
    }
    layer_follow_end_look(follow);
}

static void
layer_follow_on_rating_changes(void *context, const struct store_result *result)
{
    struct layer_follow *follow = context;

    layer_follow_take_changes(follow, result, layer_rows_ratings,
                              follow->new_seen);
}

static void
layer_follow_on_vote_changes(void *context, const struct store_result *result)
{
    struct layer_follow *follow = context;

    layer_follow_take_changes(follow, result, layer_rows_votes,
                              follow->new_votes_seen);
}

static void
layer_follow_look(struct layer_follow *follow)
{
    struct store *store = follow->options.store;
    char day[16];
    const char *ratings[] = {follow->ratings_seen, day};
    const char *votes[] = {follow->votes_seen};

    (void)snprintf(day, sizeof(day), "%d", follow->day);
    follow->state = FOLLOW_CHANGES;
    follow->look_wanted = false;
    follow->failed = false;
    follow->build = layer_build_new(follow->day, true, follow->baselines);
    if (!follow->build ||
        store_read(store, LAYER_RATING_CHANGES, ratings,
                   layer_follow_on_rating_changes, follow) != STATUS_OK) {
        layer_follow_fail(follow, "look", "no connection or memory");
        return;
    }
    follow->pending = 1;
    if (store_read(store, LAYER_VOTE_CHANGES, votes,
                   layer_follow_on_vote_changes, follow) == STATUS_OK)
        follow->pending = 2;
    else
        follow->failed = true;
}

/* --- when --- */

static void
layer_follow_on_notified(void *context, const struct store_result *result)
{
    struct layer_follow *follow = context;

    CHECK_OBJ(follow, LAYER_FOLLOW_MAGIC);
    follow->notifying = false;
    if (result->status == STATUS_OK)
        layer_follow_go(follow);
}

/* Tell the other feedbackd; many commits are one notice. Lost notices do no
 * harm: the others look every interval. */
static void
layer_follow_tell(struct layer_follow *follow)
{
    if (!follow->notify_wanted || follow->notifying)
        return;
    follow->notify_wanted = false;
    follow->notifying =
        store_read(follow->options.store, LAYER_NOTIFY, NULL,
                   layer_follow_on_notified, follow) == STATUS_OK;
}

/* Begin what is wanted, when nothing is under way. */
static void
layer_follow_go(struct layer_follow *follow)
{
    if (!store_is_up(follow->options.store))
        return;
    layer_follow_tell(follow);
    if (follow->state != FOLLOW_IDLE)
        return;
    if (follow->load_wanted) {
        follow->load_wanted = false;
        follow->state = FOLLOW_SNAPSHOT;
        layer_follow_ask(follow, LAYER_SNAPSHOT, NULL,
                         layer_follow_on_snapshot);
    } else if (follow->look_wanted) {
        layer_follow_look(follow);
    }
}

static void
layer_follow_timer(void *context)
{
    struct layer_follow *follow = context;

    CHECK_OBJ(follow, LAYER_FOLLOW_MAGIC);
    loop_timer_start(follow->timer, follow->options.interval);
    follow->look_wanted = true;
    layer_follow_go(follow);
}

void
layer_follow_up(struct layer_follow *follow)
{
    CHECK_OBJ(follow, LAYER_FOLLOW_MAGIC);
    follow->look_wanted = true;
    layer_follow_go(follow);
}

void
layer_follow_nudge(struct layer_follow *follow)
{
    CHECK_OBJ(follow, LAYER_FOLLOW_MAGIC);
    follow->look_wanted = true;
    follow->notify_wanted = true;
    layer_follow_go(follow);
}

void
layer_follow_notice(struct layer_follow *follow, struct slice payload)
{
    CHECK_OBJ(follow, LAYER_FOLLOW_MAGIC);
    if (slice_eq(payload, SLICE("reload")))
        follow->load_wanted = true;
    follow->look_wanted = true;
    layer_follow_go(follow);
}

enum status
layer_follow_new(struct loop *loop, const struct layer_follow_options *options,
                 struct layer_follow **ret_follow)
{
    struct layer_follow *follow = calloc(1, sizeof(*follow));

    if (!follow)
        return STATUS_RESOURCE_EXHAUSTED;
    follow->magic = LAYER_FOLLOW_MAGIC;
    follow->options = *options;
    follow->loop = loop;
    follow->load_wanted = true;
    follow->ratings_seen = calloc(1, LAYER_FOLLOW_SNAPSHOT_MAX);
    follow->votes_seen = calloc(1, LAYER_FOLLOW_SNAPSHOT_MAX);
    follow->new_seen = calloc(1, LAYER_FOLLOW_SNAPSHOT_MAX);
    follow->new_votes_seen = calloc(1, LAYER_FOLLOW_SNAPSHOT_MAX);
    follow->loads = metrics_counter(options->metrics, "layer_loads_total", "",
                                    "Times all layers were folded anew.");
    follow->looks = metrics_counter(options->metrics, "layer_looks_total", "",
                                    "Looks for events that became visible.");
    if (!follow->ratings_seen || !follow->votes_seen || !follow->new_seen ||
        !follow->new_votes_seen ||
        loop_timer_new(loop, layer_follow_timer, follow, &follow->timer)) {
        layer_follow_free(&follow);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    loop_timer_start(follow->timer, options->interval);
    *ret_follow = follow;
    return STATUS_OK;
}

void
layer_follow_free(struct layer_follow **follow)
{
    struct layer_follow *old = *follow;

    if (!old)
        return;
    CHECK_OBJ(old, LAYER_FOLLOW_MAGIC);
    loop_timer_free(&old->timer);
    layer_build_free(&old->build);
    baselines_free(&old->baselines);
    baselines_free(&old->new_baselines);
    free(old->ratings_seen);
    free(old->votes_seen);
    free(old->new_seen);
    free(old->new_votes_seen);
    old->magic = 0;
    free(old);
    *follow = NULL;
}
