/* The whole stack of one machine: PostgreSQL and the daemons of one home.
 *
 * up and down are these functions in order; the command prints what happens
 * between them. One at a time per home: stack_lock. */
#ifndef SERVICES_LOCAL_STACK_H
#define SERVICES_LOCAL_STACK_H

#include "core/base/status.h"
#include "core/base/utc.h"
#include "services/local/cluster.h"

#include <stdbool.h>

#define STACK_DATABASE "postgres"     /* the service's name */
#define STACK_URL_FILE "database.url" /* in the home, of a private one */

struct stack {
    const char *home;         /* absolute */
    const char *programs;     /* the folder of smart-spawn-*d */
    const char *database_url; /* "" is a private cluster */
    ms_dur drain_timeout;     /* rpc.drain_timeout */
};

/* Hold the home for starting or stopping; released by close(). ABORTED when
 * another up or down did not finish within the timeout. */
enum status
stack_lock(const char *home, ms_dur timeout, int *ret_fd) MUST_CHECK;
/* Make what a start needs: folders, cluster (the first time), service
 * folders, <home>/database.url. ret_error (CLUSTER_ERROR_MAX) says what to
 * do. Nothing runs afterwards. */
enum status
stack_prepare(const struct stack *stack, char *ret_error) MUST_CHECK;
/* Make again what somebody removed from a stack that runs: log folders, and
 * <home>/database.url of a private cluster. ret_error as stack_prepare. */
enum status stack_mend(const struct stack *stack, char *ret_error) MUST_CHECK;
bool stack_is_running(const char *home);
/* Append the names of what runs though its supervisor was killed, ", " between
 * them; nothing while the stack runs as it should. */
void stack_list_orphans(const char *home, struct buf *out);
/* Append every process that runs, with its pid, ", " between them: for what
 * does not end. */
void stack_list_processes(const char *home, struct buf *out);
/* Where the private cluster of a home lies (HOME_PATH_MAX bytes); false when
 * there is none. */
bool stack_find_data(const char *home, char *ret_path);
/* Stop everything, also what a killed supervisor left behind; bounded.
 * OK when nothing ran. */
enum status stack_stop(const char *home, ms_dur drain_timeout) MUST_CHECK;
/* Remove the private cluster and its database for good; the stack must be
 * down. FAILED_PRECONDITION while it runs, OK when there is none. */
enum status stack_delete_data(const char *home, char *ret_error) MUST_CHECK;
/* The run script of a daemon, for tests and for stack_prepare. */
void stack_run_script(const struct stack *stack, const char *instance,
                      const char *process, struct buf *out);

#endif
