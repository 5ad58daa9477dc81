/* The loop: the one way a process waits for anything (libevent underneath).
 *
 * One loop, one thread. Sockets of libzmq, libpq, libcurl and evhttp, timers
 * and signals all live in it. Callbacks never block. The header hides
 * libevent except for loop_base, which gatewayd needs for evhttp. */
#ifndef SERVICES_RUNTIME_LOOP_H
#define SERVICES_RUNTIME_LOOP_H

#include "core/base/status.h"
#include "core/base/utc.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_watch; /* a file descriptor being watched */
struct loop_timer;
struct event_base;

typedef void (*loop_fn)(void *context);
/* readable and writable say what the descriptor is ready for. */
typedef void (*loop_fd_fn)(void *context, bool readable, bool writable);

/* NULL when the system has no more resources. The caller owns it. */
struct loop *loop_new(void);
void loop_free(struct loop **loop);
/* Run until loop_stop; then the callbacks that are due are finished. May be
 * run again. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
struct event_base *loop_base(struct loop *loop);

/* Monotonic ms, for deadlines; wall-clock ms, for records. Read afresh. */
ms_time loop_now(const struct loop *loop);
ms_time loop_wall(const struct loop *loop);
/* Monotonic microseconds, for durations. */
int64_t loop_now_us(const struct loop *loop);

/* A random duration from 0 to `most` ms, so that many processes do not do the
 * same at once. */
ms_dur loop_jitter(ms_dur most);

/* Watch a descriptor, level-triggered. It is not closed by the loop; free the
 * watch before closing it. RESOURCE_EXHAUSTED. */
enum status loop_watch_new(struct loop *loop, int fd, bool read, bool write,
                           loop_fd_fn ready, void *context,
                           struct loop_watch **ret_watch) MUST_CHECK;
/* Change what is watched for. */
void loop_watch_set(struct loop_watch *watch, bool read, bool write);
void loop_watch_free(struct loop_watch **watch);

/* A timer that is not running yet. Start again to move it; a running timer
 * fires once, never early; after 0 (or less) it fires in the loop's next
 * round, when other events had their turn. */
enum status loop_timer_new(struct loop *loop, loop_fn fire, void *context,
                           struct loop_timer **ret_timer) MUST_CHECK;
void loop_timer_start(struct loop_timer *timer, ms_dur after);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop_timer **timer);

/* Call back on a signal, in the loop, for the life of the loop.
 * RESOURCE_EXHAUSTED after 16 handlers. */
enum status loop_on_signal(struct loop *loop, int number, loop_fn fire,
                           void *context) MUST_CHECK;

#endif
