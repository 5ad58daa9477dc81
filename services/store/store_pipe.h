/* Units of work on one connection in pipeline mode. Internal to
 * services/store.
 *
 * A unit is one call, or a batch of writes, followed by a Sync: PostgreSQL
 * runs it in one implicit transaction. Calls are finished when the Sync came
 * back, so OK means committed. A batch with a failure was rolled back whole;
 * its calls are sent again, each as its own unit. */
#ifndef SERVICES_STORE_STORE_PIPE_H
#define SERVICES_STORE_STORE_PIPE_H

#include "services/store/pg_link.h"
#include "services/store/store_op.h"

struct store_unit;

struct store_pipe {
    struct pg_link *link; /* borrowed */
    struct store_unit *first;
    struct store_unit **last;
    unsigned reads;    /* units on their way */
    unsigned batches;  /* write units on their way */
    uint64_t *retried; /* counter: writes sent again alone */
};

void store_pipe_init(struct store_pipe *pipe, struct pg_link *link,
                     uint64_t *retried);
/* Send up to `most` calls of the queue as one unit; all reads or all writes.
 * False when the connection is broken (the calls are in the pipe). */
bool store_pipe_send(struct store_pipe *pipe, struct store_queue *queue,
                     size_t most, ms_time now) MUST_CHECK;
/* Take the results that are there and finish calls. False when the connection
 * is broken or out of step. */
bool store_pipe_take(struct store_pipe *pipe, ms_time now) MUST_CHECK;
/* When the oldest unit was sent; false when nothing is on its way. */
bool store_pipe_oldest(const struct store_pipe *pipe, ms_time *ret_sent);
/* Move every call on its way to the queue, in order, and forget the units. */
void store_pipe_abandon(struct store_pipe *pipe, struct store_queue *queue);

#endif
