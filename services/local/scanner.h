/* The supervisor's first process, found by what it was started with.
 *
 * While its folder is there s6 itself is asked (supervisor.c). When somebody
 * removed the folder, and its fifo with it, the process goes on with all that
 * it supervises and nobody can reach it by a path any more. Inner to
 * supervisor.c. */
#ifndef SERVICES_LOCAL_SCANNER_H
#define SERVICES_LOCAL_SCANNER_H

#include <sys/types.h>

/* This user's s6-svscan of a folder (as it was named when it was started); 0
 * when there is none. Cost: a look at every process. */
pid_t scanner_find(const char *folder);

#endif
