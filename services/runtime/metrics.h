/* Counters and gauges of a process, by name; text in Prometheus's format.
 *
 * A metric is a number that its owner increments in place: no lock, one
 * thread. Names end in _total for counters. */
#ifndef SERVICES_RUNTIME_METRICS_H
#define SERVICES_RUNTIME_METRICS_H

#include "core/base/buf.h"

#include <stdint.h>

#define METRICS_MAX 256

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics **metrics);
/* The cell of a metric, made at its first mention; owned by metrics. name and
 * help must be static texts; labels is "" or 'method="ss.Router/Pick"' and is
 * copied. Past METRICS_MAX the shared overflow cell. */
uint64_t *metrics_counter(struct metrics *metrics, const char *name,
                          const char *labels, const char *help);
int64_t *metrics_gauge(struct metrics *metrics, const char *name,
                       const char *labels, const char *help);
/* Before every metrics_write call this: cells that go by the clock are set
 * then. Forget it (by its context) before the context ends. */
#define METRICS_HOOKS_MAX 32
typedef void (*metrics_fn)(void *context);
void metrics_on_write(struct metrics *metrics, metrics_fn fn, void *context);
void metrics_off_write(struct metrics *metrics, const void *context);
void metrics_write(const struct metrics *metrics, struct buf *out);

#endif
