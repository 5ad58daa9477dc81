/* ss.Ingest: the sources and a refresh of them. */
#include "services/ingestd/ingest_service.h"

#include <stdio.h>

/* What a refresh takes where sources answer as they did when measured. */
#define REFRESH_ESTIMATE_SECONDS 30

static struct ingest_service *
service_of(Ss__Ingest_Service *base)
{
    return (struct ingest_service *)(void *)base;
}

static char *
text_of(struct arena *arena, const char *text)
{
    return arena_text(arena, slice_of(text));
}

/* NULL for a source that was not asked yet. */
static Ss__SourceRun *
run_of(struct arena *arena, const struct refresher_run *run)
{
    static const char *const names[] = {
        [SOURCE_RUN_NEVER] = "",
        [SOURCE_RUN_FETCHING] = "fetching",
        [SOURCE_RUN_DONE] = "done",
        [SOURCE_RUN_FAILED] = "failed",
    };
    Ss__SourceRun *out = ARENA_NEW(arena, Ss__SourceRun);

    if (out == NULL || run->state == SOURCE_RUN_NEVER)
        return NULL;
    ss__source_run__init(out);
    out->state = text_of(arena, names[run->state]);
    if (run->reason[0] != '\0' && run->state == SOURCE_RUN_FAILED)
        out->reason = text_of(arena, run->reason);
    out->has_pages_done = out->has_pages = out->has_rows = true;
    out->pages_done = (uint32_t)run->progress.pages_done;
    out->pages = (uint32_t)run->progress.pages;
    out->rows = (uint32_t)run->progress.rows;
    out->has_elapsed_ms = true;
    out->elapsed_ms = (uint32_t)run->elapsed;
    return out;
}

static Ss__SourcesEntry *
entry_of(struct arena *arena, enum source source,
         const struct source_status *status, const struct refresher_run *run)
{
    char content[24];

    Ss__SourcesEntry *entry = ARENA_NEW(arena, Ss__SourcesEntry);
    Ss__SourceReport *report = ARENA_NEW(arena, Ss__SourceReport);
    Ss__Timestamp *pull = ARENA_NEW(arena, Ss__Timestamp);

    if (!arena_ok(arena))
        return NULL;
    ss__sources_entry__init(entry);
    ss__source_report__init(report);
    ss__timestamp__init(pull);
    entry->key = text_of(arena, source_name(source));
    entry->value = report;
    report->status = text_of(arena, source_state_name(status->state));
    if (status->reason.len > 0)
        report->reason = arena_text(arena, status->reason);
    if (status->last_success != 0) {
        pull->ms = status->last_success;
        report->last_pull = pull;
    }
    report->has_count = report->has_matched = report->has_refused = true;
    report->count = status->rows;
    report->matched = status->matched_rows;
    report->refused = status->refused;
    report->has_refused_rows = true;
    report->refused_rows = status->rows_refused;
    if (status->content != 0) {
        (void)snprintf(content, sizeof(content), "%016llx",
                       (unsigned long long)status->content);
        report->content = text_of(arena, content);
    }
    report->run = run_of(arena, run);
    report->attribution = text_of(arena, source_attribution(source));
    return entry;
}

static void
ingest_service_on_sources(Ss__Ingest_Service *base,
                          const Ss__SourcesRequest *request,
                          Ss__SourcesReply_Closure done, void *done_data)
{
    static const struct source_status never = {.reason = {.ptr = ""}};
    const struct ingest_parts *parts = &service_of(base)->parts;
    /* States are of the newest, whatever is served. */
    const struct catalog *catalog = catalog_keeper_newest(parts->keeper);
    struct arena *arena = rpc_call_arena(done_data);
    Ss__SourcesReply reply = SS__SOURCES_REPLY__INIT;
    Ss__Timestamp made_at = SS__TIMESTAMP__INIT;

    (void)request;
    reply.sources = ARENA_ARRAY(arena, Ss__SourcesEntry *, SOURCE_COUNT);
    for (size_t s = 0; s < SOURCE_COUNT && arena_ok(arena); s++) {
        struct refresher_run run =
            refresher_run(parts->refresher, (enum source)s);

        reply.sources[s] =
            entry_of(arena, (enum source)s,
                     catalog != NULL ? &catalog->sources[s] : &never, &run);
    }
    if (!arena_ok(arena)) {
        rpc_fail(done_data, STATUS_RESOURCE_EXHAUSTED, "", "out of memory");
        return;
    }
    reply.n_sources = SOURCE_COUNT;
    reply.has_fetching = true;
    reply.fetching = refresher_is_running(parts->refresher);
    if (refresher_trouble(parts->refresher)[0] != '\0')
        reply.trouble = text_of(arena, refresher_trouble(parts->refresher));
    reply.has_pinned = catalog_keeper_pinned(parts->keeper) != 0;
    reply.pinned = (uint64_t)catalog_keeper_pinned(parts->keeper);
    if (catalog != NULL) {
        made_at.ms = catalog->made_at;
        reply.catalog_time = &made_at;
        reply.has_model_count = true;
        reply.model_count = (uint32_t)catalog->count;
    }
    done(&reply, done_data);
}

/* The sources a request names, all when it names none; false for a name that
 * is none. */
static bool
read_sources(const Ss__RefreshRequest *request, uint32_t *ret_sources)
{
    uint32_t sources = 0;
    enum source source;

    for (size_t i = 0; i < request->n_sources; i++) {
        if (!source_find(slice_of(request->sources[i]), &source))
            return false;
        sources |= BIT(source);
    }
    *ret_sources = request->n_sources > 0 ? sources : REFRESHER_EVERYTHING;
    return true;
}

/* A call that waits whether its refresh starts; in the call's arena. */
struct refresh_call {
    Ss__RefreshReply_Closure done;
    void *done_data;
};

static void
on_started(void *context, enum status status, const char *holder)
{
    const struct refresh_call *call = context;
    Ss__RefreshReply reply = SS__REFRESH_REPLY__INIT;
    char who[CATALOG_STORE_HOLDER_MAX + 1];

    if (status == STATUS_UNAVAILABLE) {
        rpc_fail(call->done_data, status, "",
                 "the database is not reachable, and whether another ingestd "
                 "fetches is asked there; nothing was fetched; try again");
        return;
    }
    reply.started = status == STATUS_OK;
    reply.has_estimated_seconds = true;
    reply.estimated_seconds = REFRESH_ESTIMATE_SECONDS;
    (void)snprintf(who, sizeof(who), "%s", holder);
    if (who[0] != '\0')
        reply.fetching_by = who;
    call->done(&reply, call->done_data);
}

static void
ingest_service_on_refresh(Ss__Ingest_Service *base,
                          const Ss__RefreshRequest *request,
                          Ss__RefreshReply_Closure done, void *done_data)
{
    struct refresher *refresher = service_of(base)->parts.refresher;
    struct refresh_call *call =
        ARENA_NEW(rpc_call_arena(done_data), struct refresh_call);
    uint32_t sources;
    enum status status;

    if (call == NULL) {
        rpc_fail(done_data, STATUS_RESOURCE_EXHAUSTED, "", "out of memory");
        return;
    }
    if (!read_sources(request, &sources)) {
        rpc_fail(done_data, STATUS_INVALID_ARGUMENT, "INVALID_PARAM",
                 "sources must be of " INGEST_SOURCE_NAMES);
        return;
    }
    *call = (struct refresh_call){done, done_data};
    status = refresher_start(refresher, sources, on_started, call);
    if (status == STATUS_FAILED_PRECONDITION)
        rpc_fail(done_data, status, "DISABLED",
                 "fetching is off (ingest.fetch and the sources' URLs)");
    else if (status != STATUS_OK)
        on_started(call, status, "");
}

void
ingest_service_init(struct ingest_service *service,
                    const struct ingest_parts *parts, struct rpc_server *server)
{
    *service = (struct ingest_service){
        .base = SS__INGEST__INIT(ingest_service_on_), .parts = *parts};
    rpc_server_add(server, &service->base.base);
}
