/* Whether this process stood still (stopped, swapped out), and for how long.
 *
 * The time left that a request names counts from when it was sent. What is
 * read after a standstill may have lain in the kernel for as long as that
 * lasted, so it may be older by so much, and its caller gone. Pure: told the
 * time, never reads it. Inner to the server. */
#ifndef SERVICES_RUNTIME_STALL_H
#define SERVICES_RUNTIME_STALL_H

#include "core/base/utc.h"

#define STALL_EVERY_MS 250  /* between two calls of stall_see */
#define STALL_LEAST_MS 1000 /* shorter is a busy machine: callers wait */
/* So long after it the kernel and libzmq's threads may still hand over what
 * came meanwhile. */
#define STALL_AFTER_MS 500

struct stall {
    ms_time seen_at; /* of the last stall_see */
    ms_time until;   /* what is read before it may be old … */
    ms_dur lost;     /* … by so much */
};

void stall_init(struct stall *stall, ms_time now);
/* To be called every STALL_EVERY_MS. */
void stall_see(struct stall *stall, ms_time now);
/* How old what is read now may be; 0 when nothing stood still. */
ms_dur stall_lost(const struct stall *stall, ms_time now);

#endif
