/* PersonalScores and SpawnStats from PostgreSQL, CommunityScores from the
 * layers in memory. */
#include "services/feedbackd/feedback_service.h"

#include "core/base/check.h"
#include "core/types/model.h"
#include "services/feedbackd/feedback_input.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/runtime/log.h"

#include <stdio.h>
#include <stdlib.h>

#define FEEDBACK_SAMPLES_DEFAULT 3 /* ratings before a score is shown */
#define FEEDBACK_SAMPLES_MAX 1000000
#define FEEDBACK_DAYS_DEFAULT 7
#define FEEDBACK_DAYS_MAX 365

static const char away[] = "the database is not reachable; try again";
static const char full[] = "the answer is too large";

/* A question under way; lives in the call's arena. */
struct feedback_read {
    void *call;
    ms_time since;
    union {
        Ss__PersonalScoresReply_Closure scores;
        Ss__SpawnStatsReply_Closure stats;
    } done;
};

static struct feedback_read *
feedback_read_begin(void *call)
{
    struct feedback_read *read =
        ARENA_NEW(rpc_call_arena(call), struct feedback_read);

    if (read)
        read->call = call;
    else
        rpc_fail(call, STATUS_RESOURCE_EXHAUSTED, "", full);
    return read;
}

static void
feedback_read_failed(const struct feedback_read *read, enum status status,
                     const char *why)
{
    log_event(LOG_WARN, "read-failed", LOG_STR("status", status_text(status)),
              LOG_STR("why", why), LOG_STR("next", "the client is told"));
    feedback_service_fail(read->call, status, away);
}

static void
feedback_read_ask(Ss__Feedback_Service *base, enum read_statement statement,
                  const char *const *params, store_done_fn done,
                  struct feedback_read *read)
{
    const struct feedback_service *service =
        (const struct feedback_service *)base;
    enum status status =
        store_read(service->read, (unsigned)statement, params, done, read);

    if (status != STATUS_OK)
        feedback_service_fail(read->call, status, away);
}

static protobuf_c_boolean
feedback_read_category(struct slice name, Ss__Category *ret_category)
{
    enum category category = CATEGORY_GENERAL;

    if (!category_find(name, &category))
        return false;
    *ret_category = (Ss__Category)category;
    return true;
}

/* --- personal scores --- */

static bool
feedback_read_score(struct arena *arena, const struct pg_result *rows,
                    size_t row, Ss__PersonalScore *score)
{
    ss__personal_score__init(score);
    score->model = arena_text(arena, rows_text(rows, row, 0));
    score->has_category =
        feedback_read_category(rows_text(rows, row, 1), &score->category);
    score->has_total = true;
    score->total = (uint32_t)rows_u64(rows, row, 2, 0);
    score->has_success_rate = true;
    score->success_rate = rows_double(rows, row, 3, 0);
    score->has_mean_rating = true;
    score->mean_rating = rows_double(rows, row, 4, 0);
    return score->model != NULL;
}

static void
feedback_read_on_scores(void *context, const struct store_result *result)
{
    struct feedback_read *read = context;
    struct arena *arena = rpc_call_arena(read->call);
    Ss__PersonalScoresReply reply = SS__PERSONAL_SCORES_REPLY__INIT;
    Ss__PersonalScore *scores = NULL;
    size_t count = 0;

    if (result->status != STATUS_OK) {
        feedback_read_failed(read, result->status, result->message);
        return;
    }
    count = rows_count(result->rows);
    scores = ARENA_ARRAY(arena, Ss__PersonalScore, count);
    reply.data = ARENA_ARRAY(arena, Ss__PersonalScore *, count);
    for (size_t i = 0; i < count && arena_ok(arena); i++) {
        if (feedback_read_score(arena, result->rows, i, &scores[i]))
            reply.data[reply.n_data++] = &scores[i];
    }
    if (arena_ok(arena))
        read->done.scores(&reply, read->call);
    else
        rpc_fail(read->call, STATUS_RESOURCE_EXHAUSTED, "", full);
}

/* Out of range is brought into it. */
static int64_t
feedback_read_clamp(int64_t value, int64_t lowest, int64_t highest)
{
    if (value < lowest)
        return lowest;
    return value > highest ? highest : value;
}

void
feedback_read_scores(Ss__Feedback_Service *base,
                     const Ss__PersonalScoresRequest *request,
                     Ss__PersonalScoresReply_Closure done, void *call)
{
    char message[INPUT_MESSAGE_MAX];
    char samples[24];
    const char *params[] = {rpc_call_tenant(call), NULL, samples};
    struct feedback_read *read = feedback_read_begin(call);

    if (!read)
        return;
    read->done.scores = done;
    if (feedback_input_category(request->has_category, request->category,
                                &params[1], message) != STATUS_OK) {
        rpc_fail(call, STATUS_INVALID_ARGUMENT, "INVALID_PARAM", message);
        return;
    }
    (void)snprintf(
        samples, sizeof(samples), "%lld",
        (long long)(request->has_min_samples
                        ? feedback_read_clamp(request->min_samples, 1,
                                              FEEDBACK_SAMPLES_MAX)
                        : FEEDBACK_SAMPLES_DEFAULT));
    feedback_read_ask(base, READ_SCORES, params, feedback_read_on_scores, read);
}

/* --- community scores --- */

static void
feedback_read_cell(const struct community_cell *cell, struct arena *arena,
                   Ss__CommunityScore *score)
{
    ss__community_score__init(score);
    score->model = arena_text(arena, cell->model);
    score->has_category = true;
    score->category = (Ss__Category)cell->category;
    score->has_total_ratings = true;
    score->total_ratings = cell->ratings;
    score->has_avg_rating = true;
    score->avg_rating = 1 + 4 * cell->mean;
    score->has_contributors = true;
    score->contributors = cell->contributors;
}

static int
feedback_read_order(const void *a, const void *b)
{
    const Ss__CommunityScore *left = *(Ss__CommunityScore *const *)a;
    const Ss__CommunityScore *right = *(Ss__CommunityScore *const *)b;

    if (left->total_ratings != right->total_ratings)
        return left->total_ratings < right->total_ratings ? 1 : -1;
    if (strcmp(left->model, right->model) != 0)
        return strcmp(left->model, right->model);
    return (int)left->category - (int)right->category;
}

static void
feedback_read_fill(const struct layers *layers, const char *category,
                   struct arena *arena, Ss__CommunityScoresReply *reply)
{
    size_t count = layers->community_count;
    Ss__CommunityScore *scores = ARENA_ARRAY(arena, Ss__CommunityScore, count);

    reply->data = ARENA_ARRAY(arena, Ss__CommunityScore *, count);
    for (size_t i = 0; i < count && arena_ok(arena); i++) {
        const struct community_cell *cell = &layers->community[i];

        if (category && strcmp(category, category_name(cell->category)) != 0)
            continue;
        feedback_read_cell(cell, arena, &scores[reply->n_data]);
        reply->data[reply->n_data] = &scores[reply->n_data];
        reply->n_data++;
    }
    if (!arena_ok(arena))
        return;
    if (reply->n_data)
        qsort(reply->data, reply->n_data, sizeof(void *), feedback_read_order);
    if (reply->n_data > SCORES_ROWS_MAX)
        reply->n_data = SCORES_ROWS_MAX;
}

void
feedback_read_community(Ss__Feedback_Service *base,
                        const Ss__CommunityScoresRequest *request,
                        Ss__CommunityScoresReply_Closure done, void *call)
{
    const struct feedback_service *service =
        (const struct feedback_service *)base;
    const struct layers *layers = layer_state_now(service->state);
    struct arena *arena = rpc_call_arena(call);
    Ss__CommunityScoresReply reply = SS__COMMUNITY_SCORES_REPLY__INIT;
    char message[INPUT_MESSAGE_MAX];
    const char *category = NULL;

    if (feedback_input_category(request->has_category, request->category,
                                &category, message) != STATUS_OK) {
        rpc_fail(call, STATUS_INVALID_ARGUMENT, "INVALID_PARAM", message);
        return;
    }
    if (!layers) {
        feedback_service_fail(call, STATUS_UNAVAILABLE, away);
        return;
    }
    feedback_read_fill(layers, category, arena, &reply);
    if (arena_ok(arena))
        done(&reply, call);
    else
        rpc_fail(call, STATUS_RESOURCE_EXHAUSTED, "", full);
}

/* --- statistics --- */

/* One row of READ_STATS into a list of counts. */
static void
feedback_read_count(struct arena *arena, const struct pg_result *rows,
                    size_t row, Ss__CountEntry **list, size_t *count)
{
    Ss__CountEntry *entry = ARENA_NEW(arena, Ss__CountEntry);

    if (!entry || rows_null(rows, row, 1)) /* NULL: rows without a mode */
        return;
    ss__count_entry__init(entry);
    entry->key = arena_text(arena, rows_text(rows, row, 1));
    entry->value = rows_u64(rows, row, 2, 0);
    list[(*count)++] = entry;
}

static void
feedback_read_daily(struct arena *arena, const struct pg_result *rows,
                    size_t row, Ss__SpawnStats *stats)
{
    Ss__DailySpawns *day = ARENA_NEW(arena, Ss__DailySpawns);

    if (!day)
        return;
    ss__daily_spawns__init(day);
    day->date = arena_text(arena, rows_text(rows, row, 1));
    day->has_spawns = true;
    day->spawns = rows_u64(rows, row, 2, 0);
    stats->daily[stats->n_daily++] = day;
}

static void
feedback_read_stats_row(struct arena *arena, const struct pg_result *rows,
                        size_t row, Ss__SpawnStats *stats)
{
    switch (rows_i64(rows, row, 0, 0)) {
    case STATS_OF_ALL:
        stats->total_spawns = rows_u64(rows, row, 2, 0);
        return;
    case STATS_OF_MODEL:
        feedback_read_count(arena, rows, row, stats->by_model,
                            &stats->n_by_model);
        return;
    case STATS_OF_CATEGORY:
        feedback_read_count(arena, rows, row, stats->by_category,
                            &stats->n_by_category);
        return;
    case STATS_OF_MODE:
        feedback_read_count(arena, rows, row, stats->by_mode,
                            &stats->n_by_mode);
        return;
    case STATS_OF_DAY:
        feedback_read_daily(arena, rows, row, stats);
        return;
    default:
        return;
    }
}

static void
feedback_read_on_stats(void *context, const struct store_result *result)
{
    struct feedback_read *read = context;
    struct arena *arena = rpc_call_arena(read->call);
    Ss__SpawnStatsReply reply = SS__SPAWN_STATS_REPLY__INIT;
    Ss__SpawnStats stats = SS__SPAWN_STATS__INIT;
    Ss__Timestamp since = SS__TIMESTAMP__INIT;
    size_t count = 0;

    if (result->status != STATUS_OK) {
        feedback_read_failed(read, result->status, result->message);
        return;
    }
    count = rows_count(result->rows);
    since.ms = read->since;
    stats.since = &since;
    stats.has_total_spawns = true;
    stats.by_model = ARENA_ARRAY(arena, Ss__CountEntry *, count);
    stats.by_category = ARENA_ARRAY(arena, Ss__CountEntry *, count);
    stats.by_mode = ARENA_ARRAY(arena, Ss__CountEntry *, count);
    stats.daily = ARENA_ARRAY(arena, Ss__DailySpawns *, count);
    for (size_t i = 0; i < count && arena_ok(arena); i++)
        feedback_read_stats_row(arena, result->rows, i, &stats);
    reply.data = &stats;
    if (arena_ok(arena))
        read->done.stats(&reply, read->call);
    else
        rpc_fail(read->call, STATUS_RESOURCE_EXHAUSTED, "", full);
}

void
feedback_read_stats(Ss__Feedback_Service *base,
                    const Ss__SpawnStatsRequest *request,
                    Ss__SpawnStatsReply_Closure done, void *call)
{
    const struct feedback_service *service =
        (const struct feedback_service *)base;
    int64_t days =
        request->has_days && request->days > 0
            ? feedback_read_clamp(request->days, 1, FEEDBACK_DAYS_MAX)
            : FEEDBACK_DAYS_DEFAULT;
    char since[24];
    const char *params[] = {rpc_call_tenant(call), since};
    struct feedback_read *read = feedback_read_begin(call);

    if (!read)
        return;
    read->done.stats = done;
    read->since = loop_wall(service->loop) - days * UTC_MS_PER_DAY;
    (void)snprintf(since, sizeof(since), "%lld", (long long)read->since);
    feedback_read_ask(base, READ_STATS, params, feedback_read_on_stats, read);
}
