/* s6 over the services of one home: folders, start, state, stop.
 *
 * <home>/service/<instance>/ holds what s6-supervise reads; one s6-svscan per
 * home watches them all. Nothing here knows what a service does. Every wait
 * is bounded. */
#ifndef SERVICES_LOCAL_SUPERVISOR_H
#define SERVICES_LOCAL_SUPERVISOR_H

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/base/utc.h"

#include <stdbool.h>
#include <stddef.h>

#define SUPERVISOR_SERVICES_MAX 64

struct supervisor_service {
    const char *name;        /* "routerd-1" */
    const char *run;         /* text of the run script */
    const char *check;       /* text of data/check for s6-notifyoncheck, NULL */
    const char *down_signal; /* "SIGINT"; NULL: SIGTERM */
    unsigned kill_timeout_ms; /* SIGKILL so long after the down signal */
};

/* Forget the services of a former start. FAILED_PRECONDITION while any of
 * them is supervised, else as home_make_folder. */
enum status supervisor_clear(const char *home) MUST_CHECK;
/* Write the folder of a service, with a logger to <home>/log/<name>. */
enum status supervisor_add(const char *home,
                           const struct supervisor_service *service) MUST_CHECK;
/* Start s6-svscan in a session of its own; it inherits our environment.
 * NOT_FOUND when s6 is not installed. */
enum status supervisor_start(const char *home) MUST_CHECK;
bool supervisor_is_running(const char *home);
/* The pid of its s6-svscan, 0 when it does not run. */
int supervisor_scanner_pid(const char *home);
/* Wait until a service said it is ready. ABORTED when it ended three times or
 * more, DEADLINE_EXCEEDED. */
enum status supervisor_await_ready(const char *home, const char *name,
                                   ms_dur timeout) MUST_CHECK;
/* Names of the services that have a folder, sorted; the caller frees each
 * and the array with supervisor_names_free. */
enum status supervisor_names(const char *home, char ***ret_names,
                             size_t *ret_count) MUST_CHECK;
void supervisor_names_free(char ***names, size_t count);
/* The pid of the process of a service, 0 when it does not run. */
int supervisor_pid(const char *home, const char *name);
/* Whether a supervisor goes on though its folder was removed: nothing here
 * reaches it but supervisor_stop. */
bool supervisor_is_lost(const char *home);
/* Append the names of services that are still watched, ", " between them: with
 * the scanner gone these are what a killed one left behind. A lost one is
 * named too. */
void supervisor_list_watched(const char *home, struct buf *out);
/* Append what runs of the supervisors, the services and the loggers,
 * "s6-supervise routerd-1 (pid 4711)", ", " between them; not PostgreSQL,
 * which stands in its data. */
void supervisor_list_processes(const char *home, struct buf *out);
/* Make the log folders again that somebody removed while the services run, and
 * start their loggers anew; returns when there are logs. DEADLINE_EXCEEDED,
 * else as home_make_folder. */
enum status supervisor_mend_logs(const char *home) MUST_CHECK;
/* Stop everything and wait until all is gone: the services, their loggers,
 * the supervisors. What was stopped by a signal is woken; past the timeout the
 * rest is killed. OK when nothing ran; DEADLINE_EXCEEDED when something is
 * still there. */
enum status supervisor_stop(const char *home, ms_dur timeout) MUST_CHECK;

#endif
