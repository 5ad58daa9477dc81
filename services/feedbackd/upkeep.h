/* What feedbackd does for the tables by itself: next month's partition,
 * idempotency keys and report windows that are over. At start and every
 * hour; doing it twice, or from several feedbackd, does no harm. */
#ifndef SERVICES_FEEDBACKD_UPKEEP_H
#define SERVICES_FEEDBACKD_UPKEEP_H

#include "services/store/store.h"

#define UPKEEP_INTERVAL_MS 3600000

struct upkeep;

/* store has read_statements and is borrowed. RESOURCE_EXHAUSTED. */
enum status upkeep_new(struct loop *loop, struct store *store,
                       struct upkeep **ret_upkeep) MUST_CHECK;
/* After the store was freed. */
void upkeep_free(struct upkeep **upkeep);
/* The store became usable: do it now. */
void upkeep_up(struct upkeep *upkeep);

#endif
