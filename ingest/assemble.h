/* Assembly: the records of all sources, and the catalog before, into a new
 * catalog.
 *
 * Models come from OpenRouter's newest payload; ids that only the catalog
 * before knows stay as retired. Where no OpenRouter payload is given the
 * models stay as they were. Every row is matched (match.h), rows of one model
 * are combined (combine.h), and of each board only the newest day counts. A
 * figure of the catalog before stays when its source delivered no such board
 * this time, or an older one: so a source that failed loses nothing. Of two
 * ways by which one benchmark arrives (Artificial Analysis itself, or inside
 * OpenRouter's entries) the newer day wins, then the measurer: evidence counts
 * once. Variants such as ":free" get the figures of their base that they do
 * not have themselves, but not its speed. */
#ifndef INGEST_ASSEMBLE_H
#define INGEST_ASSEMBLE_H

#include "core/types/catalog.h"
#include "ingest/alias.h"
#include "ingest/match.h"
#include "ingest/record.h"

#define ASSEMBLE_PAYLOADS_MAX 64
#define ASSEMBLE_SCRATCH_MAX (128u << 20) /* bytes for the scratch arena */

/* What one adapter call (or the pages of one board) understood. */
struct assemble_payload {
    enum source source;
    const struct record_set *set;
    ms_time fetched_at; /* or recorded */
    uint64_t content;   /* hash of the bytes it was read from; 0 unknown */
    uint64_t address;   /* hash of where that was; 0 unknown */
};

struct assemble_input {
    const struct catalog *previous; /* may be NULL */
    const struct assemble_payload *payloads;
    size_t payload_count;
    const struct alias_table *aliases; /* may be NULL */
    /* Why a source failed this time; empty: it did not (or was not asked). */
    struct slice failures[SOURCE_COUNT];
    utc_day today;   /* for expiry dates */
    ms_time made_at; /* of the new catalog */
};

/* One row and what it was matched to: what a report prints. */
struct assemble_match {
    enum source source;
    const struct record *record;
    struct match match; /* .model indexes the new catalog */
};

struct assemble_report {
    const struct assemble_match *rows;
    size_t count;
};

/* Assemble. scratch holds what is needed on the way and the report (which
 * also points into the records); ret_report may be NULL. The caller owns the
 * catalog. FAILED_PRECONDITION when it would have no models,
 * RESOURCE_EXHAUSTED past a limit. */
enum status assemble_catalog(const struct assemble_input *input,
                             struct arena *scratch,
                             struct assemble_report *ret_report,
                             struct catalog **ret_catalog) MUST_CHECK;

/* A deep copy of models and figures into a new catalog with index and
 * version; sources and made_at are left zero. Ids must ascend.
 * RESOURCE_EXHAUSTED past a limit. */
enum status assemble_copy(const struct model *models, size_t count,
                          struct catalog **ret_catalog) MUST_CHECK;

#endif
