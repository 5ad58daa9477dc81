/* One source fetched: every page of every board, retried, understood.
 *
 * A run ends with its record sets or with a reason; it never gives half a
 * board. The first page says how many there are; the others are asked for
 * SOURCE_FETCH_PARALLEL at a time. Each answer has the timeout, the whole run
 * SOURCE_FETCH_RUN_TIMEOUTS times as much. A failure that may pass
 * (UNAVAILABLE, DEADLINE_EXCEEDED, DATA_LOSS, 429) is tried again twice with
 * growing, jittered pauses, or after the Retry-After when that is short.
 * Validators (ETag, Last-Modified) are kept between runs, so an unchanged
 * source of one page costs one small answer. */
#ifndef SERVICES_INGESTD_SOURCE_FETCH_H
#define SERVICES_INGESTD_SOURCE_FETCH_H

#include "core/types/vocabulary.h"
#include "ingest/record.h"
#include "services/fetch/fetcher.h"

#define SOURCE_FETCH_BOARDS_MAX 2 /* LMArena: text and vision */
#define SOURCE_FETCH_PAGES_MAX 200
#define SOURCE_FETCH_PARALLEL 4     /* pages asked for side by side */
#define SOURCE_FETCH_RUN_TIMEOUTS 8 /* of one answer make the run's */
#define SOURCE_FETCH_PAGE_ROWS 100  /* rows asked for at a time */
#define SOURCE_FETCH_RETRIES 2
#define SOURCE_FETCH_REASON_MAX 320

/* Called once per started run, never from inside start. reason is "" when the
 * run was good (also when nothing had changed). */
typedef void (*source_fetch_ended_fn)(void *context, enum source source,
                                      const char *reason);

struct source_fetch_options {
    enum source source;
    const char *url;     /* "" or "none": never fetched */
    const char *api_key; /* "" for none */
    size_t max_bytes;
    ms_dur timeout;
    source_fetch_ended_fn ended;
    void *context;
};

/* What is held of a source: the records of its last good run. */
struct source_fetch_good {
    struct arena *arena; /* NULL before the first good run */
    struct record_set *sets[SOURCE_FETCH_BOARDS_MAX];
    size_t set_count;
    ms_time fetched_at;
    uint64_t content; /* hash of the bytes, whatever the order of pages */
};

struct source_fetch;

enum status source_fetch_new(struct loop *loop, struct fetcher *fetcher,
                             const struct source_fetch_options *options,
                             struct source_fetch **ret_source) MUST_CHECK;
void source_fetch_free(struct source_fetch **source);
/* Whether the source is fetched at all. */
bool source_fetch_is_on(const struct source_fetch *source);
/* Start a run. FAILED_PRECONDITION while one is under way or when off. */
enum status source_fetch_start(struct source_fetch *source) MUST_CHECK;
/* How far a run is. */
struct source_fetch_progress {
    size_t pages_done; /* of all boards */
    size_t pages;      /* known of so far */
    size_t rows;       /* understood so far */
};
struct source_fetch_progress
source_fetch_progress(const struct source_fetch *source);
/* A hash of the address it is asked at. */
uint64_t source_fetch_address(const struct source_fetch *source);
/* What the last good run understood; ->arena is NULL when there was none.
 * Stays until the next good run has ended. */
const struct source_fetch_good *
source_fetch_good(const struct source_fetch *source);

#endif
