/* Refreshes: claim the catalog, fetch the sources beside each other, assemble,
 * store, serve.
 *
 * A refresh runs at start, every interval (jittered by a tenth), on demand,
 * and sooner (from `retry` on, doubling) for sources that failed. One at a
 * time over all ingestd of a database: who finds another at it waits, and
 * takes over when that one dies. While the database is away nothing is
 * fetched; it is made up for when it is back. A catalog is served once it is
 * stored, so a version is made once.
 *
 * A source that fails is warned of once; it is told again when the reason
 * changes or when it is back (source_run.h). */
#ifndef SERVICES_INGESTD_REFRESHER_H
#define SERVICES_INGESTD_REFRESHER_H

#include "core/types/vocabulary.h"
#include "services/ingestd/catalog_keeper.h"
#include "services/ingestd/catalog_store.h"
#include "services/ingestd/source_run.h"

#define REFRESHER_EVERYTHING ((UINT32_C(1) << SOURCE_COUNT) - 1)
#define REFRESHER_SHRUNK_SEEN 3
#define REFRESHER_SHRUNK_FROM                                                  \
    20 /* rows; smaller boards may do what they like */

struct refresher;

struct refresher_options {
    struct loop *loop;
    struct catalog_keeper *keeper; /* borrowed */
    struct catalog_store *store;   /* borrowed; NULL: alone, nothing is kept */
    /* By source; ended and context are the refresher's own. */
    struct source_fetch_options sources[SOURCE_COUNT];
    ms_dur interval;
    ms_dur retry;    /* the first pause for sources that failed */
    ms_dur takeover; /* how often one who waits looks whether the other lives */
    bool is_on;      /* false: never fetches; only expiry dates are looked at */
    /* Called after each refresh that left a catalog; may be NULL. */
    loop_fn refreshed;
    void *context;
};

/* The first refresh begins with the loop, or when the store is up.
 * RESOURCE_EXHAUSTED. */
enum status refresher_new(const struct refresher_options *options,
                          struct refresher **ret_refresher) MUST_CHECK;
void refresher_free(struct refresher **refresher);

/* Start a refresh of a set of sources, BIT(enum source). OK: done is called
 * once, now or later, with OK when it runs, ALREADY_EXISTS when another ingestd
 * is at it (holder names it), UNAVAILABLE when the database is away. Else at
 * once: FAILED_PRECONDITION when fetching is off or none of them is fetched,
 * ALREADY_EXISTS while one is under way here. */
typedef void (*refresher_started_fn)(void *context, enum status status,
                                     const char *holder);
enum status refresher_start(struct refresher *refresher, uint32_t sources,
                            refresher_started_fn done,
                            void *context) MUST_CHECK;
bool refresher_is_running(const struct refresher *refresher);
/* The store's connection came or went, or another ingestd claimed the catalog
 * or let go of it. */
void refresher_moved(struct refresher *refresher);

/* Why the last refresh that read its sources came to nothing; "": it did not.
 */
#define REFRESHER_TROUBLE_MAX 256
const char *refresher_trouble(const struct refresher *refresher);

/* How a source fares in the refresh under way, or fared in the last one. */
struct refresher_run {
    enum source_run_state state;
    const char *reason; /* of a failure; "" else */
    struct source_fetch_progress progress;
    ms_dur elapsed;
};
struct refresher_run
refresher_run(const struct refresher *refresher, enum source source);

#endif
