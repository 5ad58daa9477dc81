/* So that libzmq.h is included in this folder only. */
#include "services/runtime/zmq_context.h"

#include <errno.h>
#include <stddef.h>
#include <zmq.h>

void *
zmq_context_new(void)
{
    return zmq_ctx_new();
}

void
zmq_context_free(void **context)
{
    if (*context == NULL)
        return;
    /* A signal may interrupt the wait for the I/O thread. */
    while (zmq_ctx_term(*context) != 0 && errno == EINTR)
        continue;
    *context = NULL;
}
