/* ss.Ingest/Report and Match: answers from the last refresh's report, and from
 * the rules against the newest catalog. */
#include "services/ingestd/ingest_service.h"

#include "core/base/check.h"
#include "core/base/text.h"

#include <string.h>

#define MATCH_ARENA_MAX (16u << 20) /* an index over the catalog */
#define REPORT_ROWS_DEFAULT 100

static const struct ingest_parts *
parts_of(Ss__Ingest_Service *base)
{
    return &((struct ingest_service *)(void *)base)->parts;
}

static void
refuse(void *done_data, const char *message)
{
    rpc_fail(done_data, STATUS_INVALID_ARGUMENT, "INVALID_PARAM", message);
}

/* --- the report --- */

static const char *const kinds[] = {"matched", "unmatched", "ambiguous"};

static bool
is_kind(const char *which)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(which, kinds[i]) == 0)
            return true;
    return false;
}

static bool
fits(const Ss__IngestRow *row, const Ss__ReportRequest *request)
{
    return (request->source == NULL ||
            strcmp(row->source, request->source) == 0) &&
           (request->which == NULL || ingest_report_is(row, request->which));
}

/* Models on offer with evidence of each source. */
static void
count_models(const struct catalog *catalog, Ss__ReportCount *counts)
{
    for (size_t i = 0; catalog != NULL && i < catalog->count; i++)
        for (size_t s = 0; s < SOURCE_COUNT; s++)
            counts[s].models += catalog->models[i].standing != MODEL_RETIRED &&
                                (catalog->models[i].sources & BIT(s)) != 0;
}

static void
count_row(const Ss__IngestRow *row, Ss__ReportCount *counts)
{
    enum source source;

    if (!source_find(slice_of(row->source), &source))
        return;
    counts[source].rows++;
    counts[source].matched += ingest_report_is(row, "matched");
    counts[source].unmatched += ingest_report_is(row, "unmatched");
    counts[source].ambiguous += ingest_report_is(row, "ambiguous");
}

static bool
put_counts(const struct ingest_parts *parts, const Ss__IngestReport *report,
           struct arena *arena, Ss__ReportReply *reply)
{
    Ss__ReportCount *counts = ARENA_ARRAY(arena, Ss__ReportCount, SOURCE_COUNT);

    reply->counts = ARENA_ARRAY(arena, Ss__ReportCount *, SOURCE_COUNT);
    for (size_t s = 0; s < SOURCE_COUNT && arena_ok(arena); s++) {
        ss__report_count__init(&counts[s]);
        counts[s].source =
            arena_text(arena, slice_of(source_name((enum source)s)));
        reply->counts[s] = &counts[s];
    }
    if (!arena_ok(arena))
        return false;
    reply->n_counts = SOURCE_COUNT;
    for (size_t i = 0; i < report->n_rows; i++)
        count_row(report->rows[i], counts);
    count_models(catalog_keeper_newest(parts->keeper), counts);
    return true;
}

/* Rows that fit, from the offset on; they stay the report's. */
static bool
put_rows(const Ss__ReportRequest *request, const Ss__IngestReport *report,
         struct arena *arena, Ss__ReportReply *reply)
{
    uint32_t limit = request->has_limit ? request->limit : REPORT_ROWS_DEFAULT;

    if (limit > INGEST_REPORT_ROWS_MAX)
        limit = INGEST_REPORT_ROWS_MAX;
    reply->rows = ARENA_ARRAY(arena, Ss__IngestRow *, limit);
    if (!arena_ok(arena))
        return false;
    reply->has_total = true;
    for (size_t i = 0; i < report->n_rows; i++) {
        if (!fits(report->rows[i], request))
            continue;
        if (reply->total++ >= request->offset && reply->n_rows < limit)
            reply->rows[reply->n_rows++] = report->rows[i];
    }
    return true;
}

void
ingest_service_on_report(Ss__Ingest_Service *base,
                         const Ss__ReportRequest *request,
                         Ss__ReportReply_Closure done, void *done_data)
{
    const struct ingest_parts *parts = parts_of(base);
    const struct ingest_report *report = catalog_keeper_report(parts->keeper);
    struct arena *arena = rpc_call_arena(done_data);
    Ss__ReportReply reply = SS__REPORT_REPLY__INIT;
    enum source source;

    if (request->source != NULL &&
        !source_find(slice_of(request->source), &source)) {
        refuse(done_data, "source must be " INGEST_SOURCE_NAMES);
        return;
    }
    if (request->which != NULL && !is_kind(request->which)) {
        refuse(done_data, "which (--only) must be matched, unmatched or "
                          "ambiguous");
        return;
    }
    if (report == NULL) {
        rpc_fail(done_data, STATUS_FAILED_PRECONDITION, "NO_REPORT",
                 "no refresh has ended yet: the bundled catalog serves, and "
                 "its rows are not kept; smart-spawn refresh makes a report");
        return;
    }
    reply.made_at = ingest_report_message(report)->made_at;
    if (put_counts(parts, ingest_report_message(report), arena, &reply) &&
        put_rows(request, ingest_report_message(report), arena, &reply))
        done(&reply, done_data);
    else
        rpc_fail(done_data, STATUS_RESOURCE_EXHAUSTED, "", "out of memory");
}

/* --- one name --- */

static bool
put_candidates(const struct catalog *catalog, const struct match *match,
               struct arena *arena, Ss__MatchReply *reply)
{
    size_t count = match->candidate_count;
    Ss__MatchCandidate *all = ARENA_ARRAY(arena, Ss__MatchCandidate, count);

    reply->candidates = ARENA_ARRAY(arena, Ss__MatchCandidate *, count);
    for (size_t i = 0; i < count && arena_ok(arena); i++) {
        const struct match_candidate *candidate = &match->candidates[i];

        ss__match_candidate__init(&all[i]);
        all[i].id = arena_text(arena, catalog->models[candidate->model].id);
        all[i].why =
            arena_text(arena, slice_of(match_miss_name(candidate->why)));
        reply->candidates[reply->n_candidates++] = &all[i];
    }
    return arena_ok(arena);
}

static bool
put_match(const struct catalog *catalog, const struct match *match,
          struct arena *arena, Ss__MatchReply *reply)
{
    char variant[MATCH_VARIANT_MAX];

    match_variant(match, variant);
    if (variant[0] != '\0')
        reply->variant = arena_text(arena, slice_of(variant));
    reply->rule = arena_text(arena, slice_of(match_rule_name(match->rule)));
    if (!match_found(match))
        return put_candidates(catalog, match, arena, reply);
    reply->id = arena_text(arena, catalog->models[match->model].id);
    reply->standing = arena_text(
        arena,
        slice_of(model_standing_name(catalog->models[match->model].standing)));
    return arena_ok(arena);
}

/* Names are seldom asked for: an index for each costs a millisecond. */
static bool
find(const struct ingest_parts *parts, const struct catalog *catalog,
     const Ss__MatchRequest *request, struct match *ret_match)
{
    struct arena *arena = arena_new(MATCH_ARENA_MAX);
    const struct match_index *index = NULL;
    enum source source;

    if (arena != NULL)
        index = match_index_new(arena, catalog->models, catalog->count,
                                catalog_keeper_aliases(parts->keeper));
    if (index != NULL && request->source != NULL &&
        source_find(slice_of(request->source), &source))
        match_find(index, source, slice_of(request->name), ret_match);
    else if (index != NULL)
        match_find_anywhere(index, slice_of(request->name), ret_match);
    /* An effort's text may be the aliases', which stay; else it is static. */
    arena_free(&arena);
    return index != NULL;
}

void
ingest_service_on_match(Ss__Ingest_Service *base,
                        const Ss__MatchRequest *request,
                        Ss__MatchReply_Closure done, void *done_data)
{
    const struct ingest_parts *parts = parts_of(base);
    const struct catalog *catalog = catalog_keeper_newest(parts->keeper);
    Ss__MatchReply reply = SS__MATCH_REPLY__INIT;
    struct match match;
    enum source source;

    if (request->source != NULL &&
        !source_find(slice_of(request->source), &source)) {
        refuse(done_data, "source must be " INGEST_SOURCE_NAMES);
        return;
    }
    if (!record_name_is_valid(slice_of(request->name))) {
        refuse(done_data, "name must be 1 to 256 bytes of UTF-8 without "
                          "control characters");
        return;
    }
    if (catalog == NULL) {
        rpc_fail(done_data, STATUS_UNAVAILABLE, "", "there is no catalog yet");
        return;
    }
    if (find(parts, catalog, request, &match) &&
        put_match(catalog, &match, rpc_call_arena(done_data), &reply))
        done(&reply, done_data);
    else
        rpc_fail(done_data, STATUS_RESOURCE_EXHAUSTED, "", "out of memory");
}
