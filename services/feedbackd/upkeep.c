/* Statements on a timer; a failure is logged and tried at the next hour or
 * when the connection comes back. */
#include "services/feedbackd/upkeep.h"

#include "core/base/check.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/runtime/log.h"

#include <stdlib.h>

struct upkeep {
    struct store *store;
    struct loop_timer *timer;
};

static void
upkeep_done(void *context, const struct store_result *result)
{
    (void)context;
    if (result->status != STATUS_OK && result->status != STATUS_CANCELLED)
        log_event(LOG_WARN, "upkeep-failed", LOG_STR("why", result->message),
                  LOG_STR("next", "tried again within the hour"));
}

static void
upkeep_run(void *context)
{
    static const enum read_statement steps[] = {
        READ_MAKE_MONTHS, READ_DROP_KEYS, READ_DROP_WINDOWS};
    struct upkeep *upkeep = context;

    loop_timer_start(upkeep->timer, UPKEEP_INTERVAL_MS);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        /* Down: upkeep_up comes. */
        if (store_read(upkeep->store, (unsigned)steps[i], NULL, upkeep_done,
                       upkeep) != STATUS_OK)
            return;
    }
}

enum status
upkeep_new(struct loop *loop, struct store *store, struct upkeep **ret_upkeep)
{
    struct upkeep *upkeep = calloc(1, sizeof(*upkeep));

    if (!upkeep)
        return STATUS_RESOURCE_EXHAUSTED;
    upkeep->store = store;
    if (loop_timer_new(loop, upkeep_run, upkeep, &upkeep->timer)) {
        free(upkeep);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    *ret_upkeep = upkeep;
    return STATUS_OK;
}

void
upkeep_free(struct upkeep **upkeep)
{
    if (!*upkeep)
        return;
    loop_timer_free(&(*upkeep)->timer);
    free(*upkeep);
    *upkeep = NULL;
}

void
upkeep_up(struct upkeep *upkeep)
{
    upkeep_run(upkeep);
}
