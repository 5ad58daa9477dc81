/* ss.Ingest; see ingest_service.h. Answers from memory. */
#include "services/ingestd/ingest_service.h"

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

static Ss__SourcesEntry *
entry_of(struct arena *arena, enum source source,
         const struct source_status *status)
{
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
    report->attribution = text_of(arena, source_attribution(source));
    return entry;
}

static void
on_sources(Ss__Ingest_Service *base, const Ss__SourcesRequest *request,
           Ss__SourcesReply_Closure done, void *done_data)
{
    static const struct source_status never = {.reason = {.ptr = ""}};
    const struct ingest_service *service = service_of(base);
    const struct catalog *catalog = catalog_keeper_catalog(service->keeper);
    struct arena *arena = rpc_call_arena(done_data);
    Ss__SourcesReply reply = SS__SOURCES_REPLY__INIT;
    Ss__Timestamp made_at = SS__TIMESTAMP__INIT;

    (void)request;
    reply.sources = ARENA_ARRAY(arena, Ss__SourcesEntry *, SOURCE_COUNT);
    for (size_t s = 0; s < SOURCE_COUNT && arena_ok(arena); s++)
        reply.sources[s] =
            entry_of(arena, (enum source)s,
                     catalog != NULL ? &catalog->sources[s] : &never);
    if (!arena_ok(arena)) {
        rpc_fail(done_data, STATUS_RESOURCE_EXHAUSTED, "", "out of memory");
        return;
    }
    reply.n_sources = SOURCE_COUNT;
    reply.has_fetching = true;
    reply.fetching = refresher_is_running(service->refresher);
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

static void
on_refresh(Ss__Ingest_Service *base, const Ss__RefreshRequest *request,
           Ss__RefreshReply_Closure done, void *done_data)
{
    struct ingest_service *service = service_of(base);
    Ss__RefreshReply reply = SS__REFRESH_REPLY__INIT;
    uint32_t sources;
    enum status status;

    if (!read_sources(request, &sources)) {
        rpc_fail(done_data, STATUS_INVALID_ARGUMENT, "INVALID_PARAM",
                 "sources names an unknown source");
        return;
    }
    status = refresher_start(service->refresher, sources);
    if (status == STATUS_FAILED_PRECONDITION) {
        rpc_fail(done_data, status, "DISABLED",
                 "fetching is off (ingest.fetch and the sources' URLs)");
        return;
    }
    reply.started = status == STATUS_OK;
    reply.has_estimated_seconds = true;
    reply.estimated_seconds = REFRESH_ESTIMATE_SECONDS;
    done(&reply, done_data);
}

void
ingest_service_init(struct ingest_service *service,
                    const struct catalog_keeper *keeper,
                    struct refresher *refresher, struct rpc_server *server)
{
    *service = (struct ingest_service){
        .base = SS__INGEST__INIT(on_),
        .keeper = keeper,
        .refresher = refresher,
    };
    rpc_server_add(server, &service->base.base);
}
