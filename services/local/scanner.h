/* The supervisor's processes, found in /proc by what they were started with
 * and where they stand.
 *
 * While its folder is there s6 itself is asked (supervisor.c). When somebody
 * removed the folder, and its fifo with it, the process goes on with all that
 * it supervises and nobody can reach it by a path any more; one that was
 * stopped (SIGSTOP) has its fifo and does not listen. Only processes of this
 * user are looked at. Inner to supervisor.c. */
#ifndef SERVICES_LOCAL_SCANNER_H
#define SERVICES_LOCAL_SCANNER_H

#include "core/base/buf.h"

#include <stddef.h>
#include <sys/types.h>

#define SCANNER_PROCESSES_MAX 512

/* This user's s6-svscan of a folder (as it was named when it was started); 0
 * when there is none. Cost: a look at every process. */
pid_t scanner_find(const char *folder);
/* Send a signal to all that belongs to a folder: its s6-svscan, each
 * s6-supervise that stands below it, and the child of one when it stands there
 * too (a server that went elsewhere is not touched). Signal 0 only looks.
 * Returns how many there were, at most SCANNER_PROCESSES_MAX. */
size_t scanner_signal(const char *folder, int number);
/* Append the same processes, "s6-supervise routerd-1 (pid 4711)", ", " between
 * them. */
void scanner_list(const char *folder, struct buf *out);

#endif
