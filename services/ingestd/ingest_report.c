/* Between an assembly's rows and their message. */
#include "services/ingestd/ingest_report.h"

#include "core/base/check.h"
#include "proto/message_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ingest_report {
    struct arena *arena;
    const Ss__IngestReport *message; /* in the arena */
};

/* "id (date)", … */
static void
put_candidates(const struct match *match, const struct catalog *catalog,
               struct arena *arena, Ss__IngestRow *out)
{
    char text[MODEL_ID_MAX + 32];

    out->candidates = ARENA_ARRAY(arena, char *, match->candidate_count);
    for (size_t i = 0; i < match->candidate_count && arena_ok(arena); i++) {
        const struct match_candidate *candidate = &match->candidates[i];

        (void)snprintf(text, sizeof(text), "%.*s (%s)",
                       SLICE_ARG(catalog->models[candidate->model].id),
                       match_miss_name(candidate->why));
        out->candidates[out->n_candidates++] =
            arena_text(arena, slice_of(text));
    }
}

/* A row's match: the model, or those that it is not. */
static void
put_match(const struct match *match, const struct catalog *catalog,
          struct arena *arena, Ss__IngestRow *out)
{
    char variant[MATCH_VARIANT_MAX];

    out->rule = arena_text(arena, slice_of(match_rule_name(match->rule)));
    match_variant(match, variant);
    if (variant[0] != '\0')
        out->variant = arena_text(arena, slice_of(variant));
    if (match_found(match))
        out->id = arena_text(arena, catalog->models[match->model].id);
    else
        put_candidates(match, catalog, arena, out);
}

static void
put_row(const struct assemble_match *row, const struct catalog *catalog,
        struct arena *arena, Ss__IngestRow *out)
{
    const struct record *record = row->record;

    ss__ingest_row__init(out);
    out->source = arena_text(arena, slice_of(source_name(row->source)));
    out->row = arena_text(arena, record->name);
    if (record->slug.len > 0)
        out->slug = arena_text(arena, record->slug);
    out->has_figures = true;
    out->figures = (uint32_t)record->reading_count;
    if (record->day != UTC_DAY_NONE) {
        char day[UTC_TEXT_MAX];

        utc_day_format(record->day, day);
        out->day = arena_text(arena, slice_of(day));
    }
    put_match(&row->match, catalog, arena, out);
}

/* The rows of the report before whose sources have none in this one. */
static size_t
keep_rows(const struct assemble_report *report,
          const struct ingest_report *before, Ss__IngestRow **out)
{
    size_t kept = 0, all = before != NULL ? before->message->n_rows : 0;
    uint32_t fresh = 0;
    enum source source;

    for (size_t i = 0; i < report->count; i++)
        fresh |= BIT(report->rows[i].source);
    for (size_t i = 0; i < all; i++) {
        Ss__IngestRow *row = before->message->rows[i];

        if (source_find(slice_of(row->source), &source) &&
            !(fresh & BIT(source)))
            out[kept++] = row;
    }
    return kept;
}

enum status
ingest_report_encode(const struct assemble_report *report,
                     const struct catalog *catalog,
                     const struct ingest_report *before, struct buf *out)
{
    size_t room = report->count;
    struct arena *arena = arena_new(INGEST_REPORT_BYTES_MAX);
    Ss__IngestReport message = SS__INGEST_REPORT__INIT;
    Ss__Timestamp made_at = SS__TIMESTAMP__INIT;
    enum status status = STATUS_RESOURCE_EXHAUSTED;
    Ss__IngestRow *rows, **list;

    if (arena == NULL)
        return status;
    rows = ARENA_ARRAY(arena, Ss__IngestRow, report->count);
    room += before != NULL ? before->message->n_rows : 0;
    list = ARENA_ARRAY(arena, Ss__IngestRow *, room);
    for (size_t i = 0; i < report->count && arena_ok(arena); i++) {
        put_row(&report->rows[i], catalog, arena, &rows[i]);
        list[i] = &rows[i];
    }
    made_at.ms = catalog->made_at;
    message.made_at = &made_at;
    message.rows = list;
    message.n_rows = report->count;
    if (arena_ok(arena)) {
        message.n_rows += keep_rows(report, before, list + report->count);
        status = message_pack(&message.base, out);
    }
    arena_free(&arena);
    return status;
}

enum status
ingest_report_read(struct slice bytes, struct ingest_report **ret_report)
{
    struct ingest_report *report = calloc(1, sizeof(*report));
    ProtobufCMessage *message = NULL;
    enum status status = STATUS_RESOURCE_EXHAUSTED;

    if (report == NULL)
        return status;
    report->arena = arena_new(INGEST_REPORT_BYTES_MAX);
    if (report->arena != NULL)
        status = message_unpack(&ss__ingest_report__descriptor, bytes,
                                report->arena, &message);
    if (status != STATUS_OK) {
        ingest_report_free(&report);
        return status;
    }
    report->message = (const Ss__IngestReport *)message;
    *ret_report = report;
    return STATUS_OK;
}

void
ingest_report_free(struct ingest_report **report)
{
    if (*report == NULL)
        return;
    arena_free(&(*report)->arena);
    free(*report);
    *report = NULL;
}

const Ss__IngestReport *
ingest_report_message(const struct ingest_report *report)
{
    return report->message;
}

bool
ingest_report_is(const Ss__IngestRow *row, const char *which)
{
    if (strcmp(which, "matched") == 0)
        return row->id != NULL;
    if (strcmp(which, "ambiguous") == 0)
        return strcmp(row->rule, match_rule_name(MATCH_AMBIGUOUS)) == 0;
    return strcmp(row->rule, match_rule_name(MATCH_NONE)) == 0;
}
