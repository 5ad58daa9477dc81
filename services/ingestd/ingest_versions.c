/* ss.Ingest/Versions and Rollback: what the store keeps. */
#include "services/ingestd/ingest_service.h"

#include "core/base/check.h"
#include "core/base/json_in.h"
#include "services/ingestd/catalog_sql.h"
#include "services/runtime/log.h"
#include "services/store/rows.h"

static const char away[] =
    "the database is not reachable; nothing was changed; try again";

/* A call that waits for the database; in the call's arena. */
struct versions_call {
    const struct catalog_keeper *keeper;
    void *done_data;
    Ss__VersionsReply_Closure list;
    Ss__RollbackReply_Closure rollback;
    uint64_t number;
};

/* NULL, and answered, when there is no store or no memory. */
static struct versions_call *
call_new(Ss__Ingest_Service *base, void *done_data)
{
    const struct ingest_service *service = (void *)base;
    struct versions_call *call =
        ARENA_NEW(rpc_call_arena(done_data), struct versions_call);

    if (call != NULL && service->parts.store != NULL) {
        *call = (struct versions_call){.keeper = service->parts.keeper,
                                       .done_data = done_data};
        return call;
    }
    rpc_fail(done_data, STATUS_FAILED_PRECONDITION, "",
             "versions are kept in a database, and there is none here");
    return NULL;
}

static struct catalog_store *
store_of(Ss__Ingest_Service *base)
{
    return ((struct ingest_service *)(void *)base)->parts.store;
}

/* --- the list --- */

static char *
text_of(const struct json *object, const char *key, struct arena *arena)
{
    struct slice text;

    return json_text(json_get(object, key), &text) ? arena_text(arena, text)
                                                   : NULL;
}

static uint32_t
count_of(const struct json *object, const char *key)
{
    int64_t value;

    return json_i64(json_get(object, key), &value) && value > 0 &&
                   value <= UINT32_MAX
               ? (uint32_t)value
               : 0;
}

/* As source_states_write wrote them; what is not so is left out. */
static void
put_sources(struct slice text, struct arena *arena, Ss__CatalogVersion *out)
{
    Ss__VersionSource *all =
        ARENA_ARRAY(arena, Ss__VersionSource, SOURCE_COUNT);
    struct json *document = NULL;

    out->sources = ARENA_ARRAY(arena, Ss__VersionSource *, SOURCE_COUNT);
    if (!arena_ok(arena) || json_parse(text, NULL, &document) != STATUS_OK)
        return;
    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        const char *name = source_name((enum source)s);
        const struct json *source = json_get(document, name);
        Ss__VersionSource *one = &all[out->n_sources];

        ss__version_source__init(one);
        one->source = arena_text(arena, slice_of(name));
        one->state = text_of(source, "state", arena);
        one->last_success = text_of(source, "lastSuccess", arena);
        one->content = text_of(source, "content", arena);
        one->rows = count_of(source, "rows");
        one->matched = count_of(source, "matched");
        if (one->state != NULL)
            out->sources[out->n_sources++] = one;
    }
    json_free(&document);
}

static void
put_version(const struct pg_result *rows, size_t row, struct arena *arena,
            Ss__CatalogVersion *out)
{
    Ss__Timestamp *made_at = ARENA_NEW(arena, Ss__Timestamp);

    if (made_at == NULL)
        return;
    ss__catalog_version__init(out);
    ss__timestamp__init(made_at);
    made_at->ms = rows_i64(rows, row, VERSIONS_MADE_AT, 0);
    out->number = rows_u64(rows, row, VERSIONS_NUMBER, 0);
    out->version = arena_text(arena, rows_text(rows, row, VERSIONS_VERSION));
    out->made_at = made_at;
    out->made_by = arena_text(arena, rows_text(rows, row, VERSIONS_MADE_BY));
    out->models = (uint32_t)rows_u64(rows, row, VERSIONS_MODELS, 0);
    out->pinned = rows_i64(rows, row, VERSIONS_PINNED, 0) != 0;
    put_sources(rows_text(rows, row, VERSIONS_SOURCES), arena, out);
}

static void
on_rows(void *context, const struct pg_result *rows, const char *message)
{
    const struct versions_call *call = context;
    struct arena *arena = rpc_call_arena(call->done_data);
    Ss__VersionsReply reply = SS__VERSIONS_REPLY__INIT;
    Ss__CatalogVersion *versions;

    if (rows == NULL) {
        log_event(LOG_WARN, "versions-not-read", LOG_STR("why", message));
        rpc_fail(call->done_data, STATUS_UNAVAILABLE, "", away);
        return;
    }
    reply.n_versions = rows_count(rows);
    versions = ARENA_ARRAY(arena, Ss__CatalogVersion, reply.n_versions);
    reply.versions = ARENA_ARRAY(arena, Ss__CatalogVersion *, reply.n_versions);
    for (size_t i = 0; i < reply.n_versions && arena_ok(arena); i++) {
        put_version(rows, i, arena, &versions[i]);
        reply.versions[i] = &versions[i];
    }
    if (arena_ok(arena))
        call->list(&reply, call->done_data);
    else
        rpc_fail(call->done_data, STATUS_RESOURCE_EXHAUSTED, "",
                 "out of memory");
}

void
ingest_service_on_versions(Ss__Ingest_Service *base,
                           const Ss__VersionsRequest *request,
                           Ss__VersionsReply_Closure done, void *done_data)
{
    struct versions_call *call = call_new(base, done_data);
    uint32_t limit = request->has_limit ? request->limit : CATALOG_VERSIONS_MAX;

    if (call == NULL)
        return;
    call->list = done;
    catalog_store_versions(store_of(base),
                           limit < CATALOG_VERSIONS_MAX ? limit
                                                        : CATALOG_VERSIONS_MAX,
                           on_rows, call);
}

/* --- going back --- */

static void
on_pinned(void *context, enum status status, const char *message)
{
    struct versions_call *call = context;
    Ss__RollbackReply reply = SS__ROLLBACK_REPLY__INIT;

    if (status == STATUS_NOT_FOUND) {
        rpc_fail(call->done_data, status, "NOT_FOUND", message);
        return;
    }
    if (status != STATUS_OK) {
        log_event(LOG_WARN, "rollback-failed", LOG_STR("why", message));
        rpc_fail(call->done_data, STATUS_UNAVAILABLE, "", away);
        return;
    }
    if ((uint64_t)catalog_keeper_pinned(call->keeper) != call->number) {
        rpc_fail(call->done_data, STATUS_DATA_LOSS, "",
                 "this version cannot be read, and the newest is served; pin "
                 "another, or smart-spawn ingest newest");
        return;
    }
    log_event(LOG_WARN, "catalog-pinned", LOG_U64("number", call->number));
    reply.has_number = call->number != 0;
    reply.number = call->number;
    call->rollback(&reply, call->done_data);
}

void
ingest_service_on_rollback(Ss__Ingest_Service *base,
                           const Ss__RollbackRequest *request,
                           Ss__RollbackReply_Closure done, void *done_data)
{
    struct versions_call *call;

    if (request->has_number &&
        (request->number == 0 || request->number > INT64_MAX)) {
        rpc_fail(done_data, STATUS_INVALID_ARGUMENT, "INVALID_PARAM",
                 "number must be one that smart-spawn ingest versions lists");
        return;
    }
    call = call_new(base, done_data);
    if (call == NULL)
        return;
    call->rollback = done;
    call->number = request->has_number ? request->number : 0;
    catalog_store_pin(store_of(base), (int64_t)call->number, on_pinned, call);
}
