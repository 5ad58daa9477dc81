/* A refresh as stages: idle, claiming, fetching, storing, idle. Each ends in a
 * callback; without a store claiming and storing are passed at once. */
#include "services/ingestd/refresher.h"

#include "core/base/check.h"
#include "proto/catalog_codec.h"
#include "services/ingestd/source_states.h"
#include "services/runtime/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A process that starts fetches anew unless another just did. */
#define FRESH_AT_START_MS 60000
/* Who asks while the database is away, as just after a start, waits so long
 * for it. */
#define PATIENCE_MS 2000

enum stage { STAGE_IDLE, STAGE_CLAIMING, STAGE_FETCHING, STAGE_STORING };

/* Why a refresh was begun. */
enum cause {
    CAUSE_TIMER,
    CAUSE_ASKED, /* by somebody, who waits for an answer */
    CAUSE_WATCH  /* another fetches: does it still live? */
};

struct refresher {
    struct refresher_options options;
    struct fetcher *fetcher;
    struct source_fetch *sources[SOURCE_COUNT];
    struct loop_timer *timer, *watch, *patience;
    ms_dur retry_after; /* pause for sources that failed */
    enum stage stage;
    enum cause cause;
    bool has_started; /* a refresh by the timer was had, or found needless */
    bool is_overdue;  /* the database was away when one was due */
    refresher_started_fn started; /* of whoever asked; NULL: nobody */
    void *started_context;
    uint32_t asked;     /* sources somebody waits for while we watch */
    uint32_t wanted;    /* sources of the refresh */
    uint32_t waiting;   /* those of them that are not at their end */
    uint32_t confirmed; /* those whose rows hold */
    uint32_t failed;    /* sources whose last run failed */
    uint32_t due;       /* sources of the next refresh by the timer */
    struct source_run runs[SOURCE_COUNT];
    struct catalog *made;                /* while it is being stored */
    char trouble[REFRESHER_TROUBLE_MAX]; /* of the last refresh */
    struct buf report;
};

static void
begin(struct refresher *refresher, enum cause cause, uint32_t sources);

/* --- when --- */

/* Up to a tenth more, so that many daemons spread out. */
static ms_dur
jittered(ms_dur pause)
{
    return pause + loop_jitter(pause / 10);
}

static void
schedule_in(struct refresher *refresher, ms_dur pause)
{
    loop_timer_start(refresher->timer, jittered(pause));
}

static void
schedule(struct refresher *refresher)
{
    ms_dur pause = refresher->options.interval;

    refresher->due = REFRESHER_EVERYTHING;
    if (refresher->failed == 0) {
        refresher->retry_after = refresher->options.retry;
    } else if (refresher->retry_after < pause) {
        refresher->due = refresher->failed;
        pause = refresher->retry_after;
        refresher->retry_after *= 2;
    }
    schedule_in(refresher, pause);
}

static void
answer(struct refresher *refresher, enum status status, const char *holder)
{
    refresher_started_fn started = refresher->started;

    refresher->started = NULL;
    if (started != NULL)
        started(refresher->started_context, status, holder);
}

static void
end(struct refresher *refresher)
{
    refresher->stage = STAGE_IDLE;
    if (refresher->options.store != NULL)
        catalog_store_release(refresher->options.store);
    if (refresher->options.refreshed != NULL &&
        catalog_keeper_catalog(refresher->options.keeper) != NULL)
        refresher->options.refreshed(refresher->options.context);
}

/* --- sources --- */

static bool
is_fetched(const struct refresher *refresher, uint32_t sources)
{
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        if ((sources & BIT(s)) && source_fetch_is_on(refresher->sources[s]))
            return true;
    return false;
}

static void make(struct refresher *refresher);

/* The rows it had before its first run here: those of the catalog when they
 * came from the same address. Another address may name fewer boards; but what
 * OpenRouter leaves out is retired, so for it they count in any case. */
static size_t
rows_before(const struct refresher *refresher, enum source source)
{
    const struct catalog *newest =
        catalog_keeper_newest(refresher->options.keeper);

    if (newest == NULL)
        return 0;
    return source == SOURCE_OPENROUTER ||
                   newest->sources[source].address ==
                       source_fetch_address(refresher->sources[source])
               ? newest->sources[source].rows
               : 0;
}

static void
on_source_ended(void *context, enum source source, const char *reason)
{
    struct refresher *refresher = context;
    const struct source_run_end how = {
        .source = source,
        .reason = reason,
        .rows = source_fetch_progress(refresher->sources[source]).rows,
        .before = rows_before(refresher, source),
        .now = loop_now(refresher->options.loop),
    };

    if (source_run_end(&refresher->runs[source], &how)) {
        refresher->failed &= ~BIT(source);
        refresher->confirmed |= BIT(source);
    } else {
        refresher->failed |= BIT(source);
    }
    refresher->waiting &= ~BIT(source);
    if (refresher->waiting == 0)
        make(refresher);
}

static void
fetch(struct refresher *refresher)
{
    refresher->stage = STAGE_FETCHING;
    refresher->confirmed = 0;
    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        if (!(refresher->wanted & BIT(s)) ||
            source_fetch_start(refresher->sources[s]) != STATUS_OK)
            continue;
        refresher->waiting |= BIT(s);
        source_run_begin(&refresher->runs[s],
                         loop_now(refresher->options.loop));
    }
    answer(refresher, STATUS_OK, "");
    if (refresher->waiting == 0) /* none is on: only expiry dates move */
        make(refresher);
}

/* --- the new catalog --- */

static enum status
assemble(struct refresher *refresher)
{
    struct assemble_payload payloads[SOURCE_COUNT * SOURCE_FETCH_BOARDS_MAX];
    struct catalog_material material = {.payloads = payloads};

    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        const struct source_fetch_good *good =
            source_fetch_good(refresher->sources[s]);

        /* What failed here at another time another may have mended since. */
        material.failures[s] = refresher->wanted & BIT(s)
                                   ? slice_of(refresher->runs[s].reason)
                                   : SLICE("");
        if (!(refresher->confirmed & BIT(s)))
            continue;
        for (size_t i = 0; i < good->set_count; i++)
            payloads[material.count++] = (struct assemble_payload){
                .source = (enum source)s,
                .set = good->sets[i],
                .fetched_at = good->fetched_at,
                .content = good->content,
                .address = source_fetch_address(refresher->sources[s])};
    }
    buf_reset(&refresher->report);
    return catalog_keeper_make(refresher->options.keeper, &material,
                               &refresher->made, &refresher->report);
}

static void
install(struct refresher *refresher)
{
    struct catalog *made = refresher->made;

    refresher->made = NULL;
    catalog_keeper_install(refresher->options.keeper, made,
                           buf_slice(&refresher->report));
}

static void
on_stored(void *context, enum status status, const char *message)
{
    struct refresher *refresher = context;

    if (status == STATUS_OK) {
        catalog_keeper_stored(refresher->options.keeper);
        install(refresher);
    } else {
        (void)snprintf(refresher->trouble, sizeof(refresher->trouble),
                       "it was not stored: %.200s", message);
        log_event(LOG_WARN, "catalog-not-stored",
                  LOG_STR("status", status_text(status)),
                  LOG_STR("why", message),
                  LOG_STR("next", "the one before serves; tried again soon"));
        catalog_free(&refresher->made);
        refresher->failed |= refresher->confirmed;
    }
    schedule(refresher);
    end(refresher);
}

/* Store a catalog; done is called later, or here when it has no bytes. */
static void
store(struct refresher *refresher, const struct catalog *catalog,
      catalog_done_fn done)
{
    struct buf bytes, sources;
    struct catalog_publication publication = {
        .version = catalog->version,
        .models = catalog->count,
        .report = buf_slice(&refresher->report),
    };

    buf_init(&bytes, CATALOG_STORE_BYTES_MAX);
    buf_init(&sources, SOURCE_STATES_MAX);
    source_states_write(catalog, &sources);
    if (catalog_encode(catalog, &bytes) == STATUS_OK && buf_ok(&sources)) {
        publication.bytes = buf_slice(&bytes);
        publication.sources = buf_text(&sources);
        catalog_store_publish(refresher->options.store, &publication, done,
                              refresher);
    } else {
        done(refresher, STATUS_RESOURCE_EXHAUSTED, "it is too large");
    }
    buf_fini(&bytes);
    buf_fini(&sources);
}

/* All sources are at their end. */
static void
make(struct refresher *refresher)
{
    enum status status = assemble(refresher);

    if (status != STATUS_OK) {
        (void)snprintf(refresher->trouble, sizeof(refresher->trouble),
                       "no catalog could be made of it (%s)",
                       status_text(status));
        schedule(refresher);
        end(refresher);
        return;
    }
    if (refresher->options.store != NULL) {
        refresher->stage = STAGE_STORING;
        store(refresher, refresher->made, on_stored);
        return;
    }
    install(refresher);
    schedule(refresher);
    end(refresher);
}

/* --- claiming --- */

static void
on_adopted(void *context, enum status status, const char *message)
{
    struct refresher *refresher = context;

    if (status == STATUS_OK)
        catalog_keeper_stored(refresher->options.keeper);
    else
        log_event(LOG_WARN, "catalog-not-stored", LOG_STR("why", message),
                  LOG_STR("next", "the sources are fetched all the same"));
    fetch(refresher);
}

/* The catalog is ours to make. What is held and was never stored is stored
 * first, so that it can be gone back to. */
static void
go(struct refresher *refresher)
{
    const struct catalog *newest =
        catalog_keeper_newest(refresher->options.keeper);

    refresher->has_started = true;
    refresher->is_overdue = false;
    refresher->trouble[0] = '\0';
    buf_reset(&refresher->report);
    if (refresher->options.store != NULL && newest != NULL &&
        !catalog_keeper_is_stored(refresher->options.keeper))
        store(refresher, newest, on_adopted);
    else
        fetch(refresher);
}

/* Another ingestd refreshed a while ago: what the timer wanted is done. */
static bool
is_needless(const struct refresher *refresher,
            const struct catalog_claim *claim)
{
    ms_dur interval = refresher->options.interval;
    ms_dur fresh = interval - interval / 10;

    if (!refresher->has_started && claim->was_own)
        return false;
    if (!refresher->has_started)
        fresh = interval / 10 < FRESH_AT_START_MS ? interval / 10
                                                  : FRESH_AT_START_MS;
    return refresher->cause == CAUSE_TIMER &&
           claim->outcome == CATALOG_CLAIM_OURS &&
           refresher->wanted == REFRESHER_EVERYTHING && claim->age >= 0 &&
           claim->age < fresh;
}

static void
leave_it(struct refresher *refresher, const struct catalog_claim *claim)
{
    refresher->has_started = true;
    schedule_in(refresher, refresher->options.interval - claim->age);
    end(refresher);
}

static void
watch_on(struct refresher *refresher)
{
    loop_timer_start(refresher->watch, jittered(refresher->options.takeover));
}

static void
on_claimed(void *context, const struct catalog_claim *claim)
{
    struct refresher *refresher = context;

    switch (claim->outcome) {
    case CATALOG_CLAIM_INHERITED:
        log_event(LOG_WARN, "refresh-taken-over",
                  LOG_STR("from", claim->holder));
        refresher->wanted = REFRESHER_EVERYTHING;
        go(refresher);
        return;
    case CATALOG_CLAIM_OURS:
        if (is_needless(refresher, claim))
            leave_it(refresher, claim);
        else
            go(refresher);
        return;
    case CATALOG_CLAIM_BUSY:
        refresher->stage = STAGE_IDLE;
        refresher->is_overdue = false;
        watch_on(refresher);
        if (refresher->cause == CAUSE_TIMER) /* the other's counts for ours */
            schedule_in(refresher, refresher->options.retry);
        answer(refresher, STATUS_ALREADY_EXISTS, claim->holder);
        return;
    case CATALOG_CLAIM_IDLE:
        refresher->stage = STAGE_IDLE;
        if (refresher->started != NULL)
            begin(refresher, CAUSE_ASKED, refresher->asked);
        return;
    case CATALOG_CLAIM_AWAY:
        refresher->stage = STAGE_IDLE;
        refresher->is_overdue |= refresher->cause == CAUSE_TIMER;
        return; /* who asked goes on waiting for it */
    }
}

static void
begin(struct refresher *refresher, enum cause cause, uint32_t sources)
{
    refresher->stage = STAGE_CLAIMING;
    refresher->cause = cause;
    refresher->wanted = sources;
    if (refresher->options.store == NULL)
        go(refresher);
    else
        catalog_store_claim(refresher->options.store, cause == CAUSE_WATCH,
                            on_claimed, refresher);
}

/* A short look whether another still lives; who asks meanwhile waits. */
static bool
is_watching(const struct refresher *refresher)
{
    return refresher->stage == STAGE_CLAIMING &&
           refresher->cause == CAUSE_WATCH;
}

enum status
refresher_start(struct refresher *refresher, uint32_t sources,
                refresher_started_fn done, void *context)
{
    if (!refresher->options.is_on || !is_fetched(refresher, sources))
        return STATUS_FAILED_PRECONDITION;
    if (refresher->started != NULL ||
        (refresher->stage != STAGE_IDLE && !is_watching(refresher)))
        return STATUS_ALREADY_EXISTS;
    refresher->started = done;
    refresher->started_context = context;
    refresher->asked = sources;
    loop_timer_start(refresher->patience, PATIENCE_MS);
    if (!is_watching(refresher))
        begin(refresher, CAUSE_ASKED, sources);
    return STATUS_OK;
}

bool
refresher_is_running(const struct refresher *refresher)
{
    return refresher->stage != STAGE_IDLE && !is_watching(refresher);
}

void
refresher_moved(struct refresher *refresher)
{
    if (refresher->stage != STAGE_IDLE ||
        !catalog_store_is_up(refresher->options.store))
        return;
    if (refresher->started != NULL)
        begin(refresher, CAUSE_ASKED, refresher->asked);
    else if (refresher->is_overdue)
        loop_timer_start(refresher->timer, 0);
    else if (refresher->options.is_on)
        watch_on(refresher);
}

/* --- timers --- */

/* Fetching is off: what expired today is no candidate any more. */
static void
look_at_dates(struct refresher *refresher)
{
    refresher->confirmed = 0;
    if (catalog_keeper_newest(refresher->options.keeper) != NULL &&
        assemble(refresher) == STATUS_OK)
        install(refresher);
    schedule(refresher);
}

static void
on_timer(void *context)
{
    struct refresher *refresher = context;

    if (!refresher->options.is_on)
        look_at_dates(refresher);
    else if (refresher->stage == STAGE_IDLE)
        begin(refresher, CAUSE_TIMER, refresher->due);
    else if (is_watching(refresher))
        loop_timer_start(refresher->timer, refresher->options.takeover);
    else
        schedule(refresher); /* one that was asked for is under way */
}

static void
on_watch(void *context)
{
    struct refresher *refresher = context;

    if (refresher->stage == STAGE_IDLE && !refresher->is_overdue)
        begin(refresher, CAUSE_WATCH, REFRESHER_EVERYTHING);
}

static void
on_patience(void *context)
{
    struct refresher *refresher = context;

    if (refresher->stage == STAGE_IDLE)
        answer(refresher, STATUS_UNAVAILABLE, "");
    else if (refresher->started != NULL) /* the claim may still fail */
        loop_timer_start(refresher->patience, PATIENCE_MS);
}

/* --- what is told --- */

struct refresher_run
refresher_run(const struct refresher *refresher, enum source source)
{
    const struct source_run *run = &refresher->runs[source];
    ms_time now = loop_now(refresher->options.loop);
    struct refresher_run told = {.state = run->state, .reason = run->reason};

    if (run->state == SOURCE_RUN_NEVER)
        return told;
    told.progress = source_fetch_progress(refresher->sources[source]);
    told.elapsed =
        (run->state == SOURCE_RUN_FETCHING ? now : run->ended) - run->began;
    return told;
}

const char *
refresher_trouble(const struct refresher *refresher)
{
    return refresher->trouble;
}

/* --- life --- */

static enum status
make_sources(struct refresher *refresher)
{
    enum status status =
        fetcher_new(refresher->options.loop, &refresher->fetcher);

    for (size_t s = 0; status == STATUS_OK && s < SOURCE_COUNT; s++) {
        struct source_fetch_options source = refresher->options.sources[s];

        source.ended = on_source_ended;
        source.context = refresher;
        status = source_fetch_new(refresher->options.loop, refresher->fetcher,
                                  &source, &refresher->sources[s]);
    }
    return status;
}

enum status
refresher_new(const struct refresher_options *options,
              struct refresher **ret_refresher)
{
    struct refresher *refresher = calloc(1, sizeof(*refresher));
    enum status status;

    if (refresher == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    refresher->options = *options;
    refresher->retry_after = options->retry;
    refresher->due = REFRESHER_EVERYTHING;
    buf_init(&refresher->report, CATALOG_STORE_BYTES_MAX);
    status = make_sources(refresher);
    if (status == STATUS_OK)
        status = loop_timer_new(options->loop, on_timer, refresher,
                                &refresher->timer);
    if (status == STATUS_OK)
        status = loop_timer_new(options->loop, on_watch, refresher,
                                &refresher->watch);
    if (status == STATUS_OK)
        status = loop_timer_new(options->loop, on_patience, refresher,
                                &refresher->patience);
    if (status != STATUS_OK) {
        refresher_free(&refresher);
        return status;
    }
    if (options->is_on)
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
    loop_timer_free(&self->watch);
    loop_timer_free(&self->patience);
    fetcher_free(&self->fetcher);
    catalog_free(&self->made);
    buf_fini(&self->report);
    free(self);
    *refresher = NULL;
}
