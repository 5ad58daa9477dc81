/* A refresh: start the sources asked for, wait for the last, assemble. */
#include "services/ingestd/refresher.h"

#include "core/base/check.h"
#include "services/runtime/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct refresher {
    struct loop *loop;
    struct catalog_keeper *keeper;
    struct fetcher *fetcher;
    struct source_fetch *sources[SOURCE_COUNT];
    struct loop_timer *timer;
    ms_dur interval;
    ms_dur retry_first, retry_after; /* pauses for sources that failed */
    bool is_on;
    loop_fn refreshed;
    void *context;
    uint32_t waiting; /* sources of the refresh under way */
    uint32_t failed;  /* sources whose last run failed */
    uint32_t due;     /* sources of the next refresh */
    char reasons[SOURCE_COUNT][SOURCE_FETCH_REASON_MAX];
};

/* Up to a tenth more, so that many daemons spread out. */
static ms_dur
jittered(ms_dur pause)
{
    return pause + loop_jitter(pause / 10);
}

static void
schedule(struct refresher *refresher)
{
    ms_dur pause = refresher->interval;

    refresher->due = REFRESHER_EVERYTHING;
    if (refresher->failed == 0) {
        refresher->retry_after = refresher->retry_first;
    } else if (refresher->retry_after < pause) {
        refresher->due = refresher->failed;
        pause = refresher->retry_after;
        refresher->retry_after *= 2;
    }
    loop_timer_start(refresher->timer, jittered(pause));
}

/* All that is held, with why the others failed, into a new catalog. */
static void
assemble(struct refresher *refresher)
{
    struct assemble_payload payloads[SOURCE_COUNT * SOURCE_FETCH_BOARDS_MAX];
    struct slice failures[SOURCE_COUNT];
    size_t count = 0;

    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        const struct source_fetch_good *good =
            source_fetch_good(refresher->sources[s]);

        failures[s] = slice_of(refresher->reasons[s]);
        for (size_t i = 0; good->arena != NULL && i < good->set_count; i++)
            payloads[count++] =
                (struct assemble_payload){.source = (enum source)s,
                                          .set = good->sets[i],
                                          .fetched_at = good->fetched_at};
    }
    /* What went wrong was logged; the last good catalog serves. */
    (void)!catalog_keeper_assemble(refresher->keeper, payloads, count,
                                   failures);
    schedule(refresher);
    if (refresher->refreshed != NULL &&
        catalog_keeper_catalog(refresher->keeper) != NULL)
        refresher->refreshed(refresher->context);
}

static void
tell(struct refresher *refresher, enum source source, const char *reason)
{
    char *known = refresher->reasons[source];

    if (strcmp(known, reason) == 0)
        return;
    if (reason[0] != '\0')
        log_event(LOG_WARN, "source-failed",
                  LOG_STR("source", source_name(source)),
                  LOG_STR("reason", reason),
                  LOG_STR("next", "its last figures stay"));
    else
        log_event(LOG_INFO, "source-back",
                  LOG_STR("source", source_name(source)));
    (void)snprintf(known, SOURCE_FETCH_REASON_MAX, "%s", reason);
}

static void
on_ended(void *context, enum source source, const char *reason)
{
    struct refresher *refresher = context;

    tell(refresher, source, reason);
    if (reason[0] != '\0')
        refresher->failed |= BIT(source);
    else
        refresher->failed &= ~BIT(source);
    refresher->waiting &= ~BIT(source);
    if (refresher->waiting == 0)
        assemble(refresher);
}

enum status
refresher_start(struct refresher *refresher, uint32_t sources)
{
    if (refresher->waiting != 0)
        return STATUS_ALREADY_EXISTS;
    if (!refresher->is_on)
        return STATUS_FAILED_PRECONDITION;
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        if ((sources & BIT(s)) &&
            source_fetch_start(refresher->sources[s]) == STATUS_OK)
            refresher->waiting |= BIT(s);
    return refresher->waiting != 0 ? STATUS_OK : STATUS_FAILED_PRECONDITION;
}

bool
refresher_is_running(const struct refresher *refresher)
{
    return refresher->waiting != 0;
}

static void
on_timer(void *context)
{
    struct refresher *refresher = context;

    if (refresher->waiting == 0 &&
        refresher_start(refresher, refresher->due) != STATUS_OK)
        assemble(refresher);
}

enum status
refresher_new(const struct refresher_options *options,
              struct refresher **ret_refresher)
{
    struct refresher *refresher = calloc(1, sizeof(*refresher));
    enum status status;

    if (refresher == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    refresher->loop = options->loop;
    refresher->keeper = options->keeper;
    refresher->interval = options->interval;
    refresher->retry_first = refresher->retry_after = options->retry;
    refresher->due = REFRESHER_EVERYTHING;
    refresher->is_on = options->is_on;
    refresher->refreshed = options->refreshed;
    refresher->context = options->context;
    status = fetcher_new(options->loop, &refresher->fetcher);
    for (size_t s = 0; status == STATUS_OK && s < SOURCE_COUNT; s++) {
        struct source_fetch_options source = options->sources[s];

        source.ended = on_ended;
        source.context = refresher;
        status = source_fetch_new(options->loop, refresher->fetcher, &source,
                                  &refresher->sources[s]);
    }
    if (status == STATUS_OK)
        status = loop_timer_new(options->loop, on_timer, refresher,
                                &refresher->timer);
    if (status != STATUS_OK) {
        refresher_free(&refresher);
        return status;
    }
    if (refresher->is_on)
        loop_timer_start(refresher->timer, 0);
    else
        schedule(refresher);
    *ret_refresher = refresher;
    return STATUS_OK;
}

void
refresher_free(struct refresher **refresher)
{
    struct refresher *self = *refresher;

    if (self == NULL)
        return;
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        source_fetch_free(&self->sources[s]);
    loop_timer_free(&self->timer);
    fetcher_free(&self->fetcher);
    free(self);
    *refresher = NULL;
}
