/* One source's runs, judged as they end. */
#include "services/ingestd/source_run.h"

#include "services/runtime/log.h"

#include <stdio.h>
#include <string.h>

void
source_run_begin(struct source_run *run, ms_time now)
{
    run->state = SOURCE_RUN_FETCHING;
    run->began = now;
}

/* Whether so few rows are not believed yet. */
static bool
is_shrunk(struct source_run *run, size_t rows, size_t before)
{
    if (run->rows > 0)
        before = run->rows;
    if (before < SOURCE_RUN_SHRUNK_FROM || rows * 2 >= before ||
        run->shrunk + 1 >= SOURCE_RUN_SHRUNK_SEEN) {
        run->shrunk = 0;
        run->rows = rows;
        return false;
    }
    run->shrunk++;
    return true;
}

static void
tell(struct source_run *run, enum source source, const char *reason)
{
    if (strcmp(run->reason, reason) == 0)
        return;
    if (reason[0] != '\0')
        log_event(LOG_WARN, "source-failed",
                  LOG_STR("source", source_name(source)),
                  LOG_STR("reason", reason),
                  LOG_STR("next", "its last figures stay"));
    else
        log_event(LOG_INFO, "source-back",
                  LOG_STR("source", source_name(source)));
    (void)snprintf(run->reason, sizeof(run->reason), "%s", reason);
}

bool
source_run_end(struct source_run *run, const struct source_run_end *how)
{
    char shrunk[SOURCE_FETCH_REASON_MAX];
    const char *reason = how->reason;

    if (reason[0] == '\0' && is_shrunk(run, how->rows, how->before)) {
        (void)snprintf(shrunk, sizeof(shrunk),
                       "%zu rows where %zu were: believed when it was seen %d "
                       "times in a row",
                       how->rows, run->rows > 0 ? run->rows : how->before,
                       SOURCE_RUN_SHRUNK_SEEN);
        reason = shrunk;
    }
    tell(run, how->source, reason);
    run->ended = how->now;
    run->state = reason[0] != '\0' ? SOURCE_RUN_FAILED : SOURCE_RUN_DONE;
    return run->state == SOURCE_RUN_DONE;
}
