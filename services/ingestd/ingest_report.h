/* What became of every row: ss.IngestReport from an assembly, as bytes that
 * are kept beside the catalog, and read again for answers. */
#ifndef SERVICES_INGESTD_INGEST_REPORT_H
#define SERVICES_INGESTD_INGEST_REPORT_H

#include "core/base/buf.h"
#include "core/types/catalog.h"
#include "ingest/assemble.h"

#include "ingest.pb-c.h"

#define INGEST_REPORT_BYTES_MAX (32u << 20)

struct ingest_report;

/* The report of an assembly into bytes; the rows' models index the catalog.
 * Of sources without a row in it those of the report before stay (which may be
 * NULL). RESOURCE_EXHAUSTED. */
enum status ingest_report_encode(const struct assemble_report *report,
                                 const struct catalog *catalog,
                                 const struct ingest_report *before,
                                 struct buf *out) MUST_CHECK;
/* Read it again. INVALID_ARGUMENT, RESOURCE_EXHAUSTED. */
enum status ingest_report_read(struct slice bytes,
                               struct ingest_report **ret_report) MUST_CHECK;
void ingest_report_free(struct ingest_report **report);
const Ss__IngestReport *
ingest_report_message(const struct ingest_report *report);

/* Whether a row is of a kind: "matched", "unmatched" or "ambiguous". */
bool ingest_report_is(const Ss__IngestRow *row, const char *which);

#endif
