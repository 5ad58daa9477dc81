/* Structured logs on stderr: one event a line, key=value.
 *
 *   2026-07-22T10:11:12.123Z info routerd-1 call method=ss.Router/Pick
 *
 * A value with a blank, '=', '"' or a control character is quoted and
 * escaped. Ids always, secrets and task text never (task text at debug
 * level only). A warning says what happens next. The process's logger is the
 * one mutable variable of the program: set once at start. */
#ifndef SERVICES_RUNTIME_LOG_H
#define SERVICES_RUNTIME_LOG_H

#include "core/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

#define LOG_LINE_MAX 2048 /* bytes; longer lines are cut */

/* One key=value pair; make them with the LOG_ macros below. */
struct log_pair {
    const char *key;
    enum {
        LOG_PAIR_TEXT,
        LOG_PAIR_I64,
        LOG_PAIR_U64,
        LOG_PAIR_HEX,
        LOG_PAIR_DOUBLE
    } kind;
    struct slice text;
    int64_t i64;
    uint64_t u64;
    double number;
};

#define LOG_STR(k, v)                                                          \
    ((struct log_pair){.key = (k), .kind = LOG_PAIR_TEXT, .text = slice_of(v)})
#define LOG_SLICE(k, v)                                                        \
    ((struct log_pair){.key = (k), .kind = LOG_PAIR_TEXT, .text = (v)})
#define LOG_I64(k, v)                                                          \
    ((struct log_pair){.key = (k), .kind = LOG_PAIR_I64, .i64 = (v)})
#define LOG_U64(k, v)                                                          \
    ((struct log_pair){.key = (k), .kind = LOG_PAIR_U64, .u64 = (v)})
#define LOG_HEX(k, v)                                                          \
    ((struct log_pair){.key = (k), .kind = LOG_PAIR_HEX, .u64 = (v)})
#define LOG_DOUBLE(k, v)                                                       \
    ((struct log_pair){.key = (k), .kind = LOG_PAIR_DOUBLE, .number = (v)})

/* Logging never blocks: while nobody reads fd, lines are dropped, and the next
 * one that is written says how many. */

/* instance must outlive the process's logging; fd is usually 2. */
void log_start(const char *instance, enum log_level lowest, int fd);
bool log_level_find(struct slice name, enum log_level *ret_level);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *event,
               const struct log_pair *pairs, size_t count);

/* log_event(LOG_INFO, "ready", LOG_STR("listen", endpoint)); at least one
 * pair. */
#define log_event(level, event, ...)                                           \
    do {                                                                       \
        if (log_enabled(level))                                                \
            log_write((level), (event),                                        \
                      (const struct log_pair[]){__VA_ARGS__},                  \
                      sizeof((const struct log_pair[]){__VA_ARGS__}) /         \
                          sizeof(struct log_pair));                            \
    } while (0)

#endif
