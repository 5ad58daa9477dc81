/* What is remembered of a source from refresh to refresh: how the last one
 * went, since when it fails, and how many rows it is believed to have. */
#ifndef SERVICES_INGESTD_SOURCE_RUN_H
#define SERVICES_INGESTD_SOURCE_RUN_H

#include "core/types/vocabulary.h"
#include "services/ingestd/source_fetch.h"

#define SOURCE_RUN_SHRUNK_SEEN 3
#define SOURCE_RUN_SHRUNK_FROM 20 /* rows; smaller boards do what they like */

enum source_run_state {
    SOURCE_RUN_NEVER,
    SOURCE_RUN_FETCHING,
    SOURCE_RUN_DONE,
    SOURCE_RUN_FAILED
};

struct source_run {
    enum source_run_state state;
    ms_time began, ended; /* monotonic */
    size_t rows;          /* of the last run that was believed; 0: none here */
    unsigned shrunk;      /* how often in a row it had suddenly few */
    char reason[SOURCE_FETCH_REASON_MAX]; /* it failed for; "": it did not */
};

void source_run_begin(struct source_run *run, ms_time now);
/* How a run ended. */
struct source_run_end {
    enum source source;
    const char *reason; /* "": well */
    size_t rows;        /* understood */
    size_t before;      /* that it had before its first run here; 0 unknown */
    ms_time now;
};
/* It ended; told in the log when that is news. A source that suddenly has
 * less than half of the rows it had is not believed before it was seen so
 * SOURCE_RUN_SHRUNK_SEEN times in a row. Whether its rows hold. */
bool source_run_end(struct source_run *run, const struct source_run_end *how);

#endif
