/* W3C trace context: one id follows a request through every process.
 *
 * "00-<32 hex trace id>-<16 hex span id>-<2 hex flags>". A process that gets
 * one keeps the trace id and makes a span id of its own; one that gets none
 * (or a broken one) starts a trace. */
#ifndef SERVICES_RUNTIME_TRACE_H
#define SERVICES_RUNTIME_TRACE_H

#include "core/base/slice.h"

#include <stdint.h>

#define TRACE_TEXT_MAX 56 /* 55 bytes and NUL */
#define TRACE_ID_TEXT_MAX 33

struct trace {
    uint64_t id_high, id_low; /* never both 0 */
    uint64_t span;            /* never 0 */
    uint8_t flags;
};

/* A new trace with random ids. */
struct trace trace_start(void);
/* The trace a text names with a new span id, or a new trace. */
struct trace trace_continue(struct slice traceparent);
void trace_format(const struct trace *trace, char out[TRACE_TEXT_MAX]);
void trace_id_format(const struct trace *trace, char out[TRACE_ID_TEXT_MAX]);

#endif
