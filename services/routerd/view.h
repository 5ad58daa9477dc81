/* What a call looks at: the newest table and who asks. Borrowed for the time
 * of one call. */
#ifndef SERVICES_ROUTERD_VIEW_H
#define SERVICES_ROUTERD_VIEW_H

#include "core/types/score_table.h"
#include "router/classify.h"
#include "services/runtime/secret.h"

#include <stdbool.h>

#define REFUSAL_MESSAGE_MAX 512 /* bytes: what a header frame carries */

struct view {
    const struct score_table *table;
    const struct classifier *classifier;
    const struct secret_key *seal; /* of decision ids */
    struct slice tenant;
    ms_time now;          /* wall clock */
    utc_day today;        /* of now */
    bool is_current;      /* a scorer was heard from lately */
    ms_time scorer_heard; /* wall clock; 0: not yet */
    struct arena *arena;  /* of the call: replies are made in it */
};

/* Why a call is not answered. */
struct refusal {
    enum status status;
    const char *reason; /* static: MISSING_PARAM, INVALID_PARAM, NO_MODEL */
    char message[REFUSAL_MESSAGE_MAX];
};

#endif
