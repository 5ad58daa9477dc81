/* What feedbackd does for the tables by itself: next month's partition,
 * idempotency keys and report windows that are over. At start and every
 * interval; doing it twice, or from several feedbackd, does no harm. */
#ifndef SERVICES_FEEDBACKD_UPKEEP_H
#define SERVICES_FEEDBACKD_UPKEEP_H

#include "services/store/store.h"

struct upkeep;

struct upkeep_options {
    struct store *store; /* borrowed; has read_statements */
    ms_dur interval;
    ms_dur retention;     /* of idempotency keys */
    ms_dur report_window; /* of the reports' quota */
};

/* RESOURCE_EXHAUSTED. */
enum status upkeep_new(struct loop *loop, const struct upkeep_options *options,
                       struct upkeep **ret_upkeep) MUST_CHECK;
/* After the store was freed. */
void upkeep_free(struct upkeep **upkeep);
/* The store became usable: do it now. */
void upkeep_up(struct upkeep *upkeep);

#endif
