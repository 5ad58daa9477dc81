/* Run a program and wait for it: argument lists, never a shell line.
 *
 * For commands only (a daemon's loop would stand still). The child gets
 * /dev/null as input, no descriptor above 2, and is killed after its
 * timeout. It has a process group of its own: Ctrl-C is for us, and we decide
 * what becomes of it. */
#ifndef SERVICES_LOCAL_CHILD_H
#define SERVICES_LOCAL_CHILD_H

#include "core/base/buf.h"
#include "core/base/status.h"
#include "core/base/utc.h"

#include <stdbool.h>
#include <sys/types.h>

#define CHILD_ARGUMENTS_MAX 32

struct child_options {
    const char *const *argv; /* NULL-terminated; argv[0] is found in PATH */
    const char *input;       /* text on stdin, at most 4 KiB, or NULL */
    struct buf *output;      /* stdout and stderr appended, or NULL: dropped */
    ms_dur timeout;
};

/* ret_exit is the exit status, or 128 + the signal that ended it. NOT_FOUND
 * when there is no such program, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED (the
 * output passes its buffer: the rest is read and dropped, and this is no
 * error). */
enum status
child_run(const struct child_options *options, int *ret_exit) MUST_CHECK;

struct child_service {
    const char *const *argv;
    const char *log; /* file that stdout and stderr are appended to */
};

/* Start a program in a session of its own and leave it running. It may say it
 * is ready with a newline on descriptor 3; this returns then. NOT_FOUND,
 * UNAVAILABLE when it ended before, DEADLINE_EXCEEDED. */
enum status child_start(const struct child_service *service, ms_dur timeout,
                        pid_t *ret_pid) MUST_CHECK;

#endif
