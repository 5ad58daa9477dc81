/* Refreshes: all sources fetched beside each other, then one assembly.
 *
 * A refresh runs at start, every interval (jittered by a tenth), on demand,
 * and sooner (from `retry` on, doubling) for sources that failed. One at a
 * time. A source that fails is warned of once; it is told again when the
 * reason changes or when it is back. */
#ifndef SERVICES_INGESTD_REFRESHER_H
#define SERVICES_INGESTD_REFRESHER_H

#include "core/types/vocabulary.h"
#include "services/ingestd/catalog_keeper.h"
#include "services/ingestd/source_fetch.h"

#define REFRESHER_EVERYTHING ((UINT32_C(1) << SOURCE_COUNT) - 1)

struct refresher;

struct refresher_options {
    struct loop *loop;
    struct catalog_keeper *keeper; /* borrowed */
    /* By source; ended and context are the refresher's own. */
    struct source_fetch_options sources[SOURCE_COUNT];
    ms_dur interval;
    ms_dur retry; /* the first pause for sources that failed */
    bool is_on;   /* false: never fetches; only expiry dates are looked at */
    /* Called after each refresh that left a catalog; may be NULL. */
    loop_fn refreshed;
    void *context;
};

/* The first refresh begins with the loop. RESOURCE_EXHAUSTED. */
enum status refresher_new(const struct refresher_options *options,
                          struct refresher **ret_refresher) MUST_CHECK;
void refresher_free(struct refresher **refresher);

/* Start a refresh of a set of sources, BIT(enum source). FAILED_PRECONDITION
 * when fetching is off or none of them is fetched, ALREADY_EXISTS while one is
 * under way. */
enum status
refresher_start(struct refresher *refresher, uint32_t sources) MUST_CHECK;
bool refresher_is_running(const struct refresher *refresher);

#endif
