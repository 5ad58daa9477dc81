/* Statements on a timer; a failure is logged and tried after the next interval
 * or when the connection comes back. */
#include "services/feedbackd/upkeep.h"

#include "core/base/check.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/runtime/log.h"

#include <stdio.h>
#include <stdlib.h>

#define UPKEEP_MS_MAX 24 /* of a duration as text */

struct upkeep {
    struct upkeep_options options;
    char retention[UPKEEP_MS_MAX], window[UPKEEP_MS_MAX];
    struct loop_timer *timer;
};

static void
upkeep_done(void *context, const struct store_result *result)
{
    (void)context;
    if (result->status != STATUS_OK && result->status != STATUS_CANCELLED)
        log_event(LOG_WARN, "upkeep-failed", LOG_STR("why", result->message),
                  LOG_STR("next", "tried again after upkeep.interval"));
}

static void
upkeep_run(void *context)
{
    struct upkeep *upkeep = context;
    const struct {
        enum read_statement statement;
        const char *param;
    } steps[] = {{READ_MAKE_MONTHS, NULL},
                 {READ_DROP_KEYS, upkeep->retention},
                 {READ_DROP_WINDOWS, upkeep->window}};

    loop_timer_start(upkeep->timer, upkeep->options.interval);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        /* Down: upkeep_up comes. */
        if (store_read(upkeep->options.store, (unsigned)steps[i].statement,
                       &steps[i].param, upkeep_done, upkeep) != STATUS_OK)
            return;
    }
}

enum status
upkeep_new(struct loop *loop, const struct upkeep_options *options,
           struct upkeep **ret_upkeep)
{
    struct upkeep *upkeep = calloc(1, sizeof(*upkeep));

    if (!upkeep)
        return STATUS_RESOURCE_EXHAUSTED;
    upkeep->options = *options;
    (void)snprintf(upkeep->retention, sizeof(upkeep->retention), "%lld",
                   (long long)options->retention);
    (void)snprintf(upkeep->window, sizeof(upkeep->window), "%lld",
                   (long long)options->report_window);
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
