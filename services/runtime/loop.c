/* The loop over libevent: what the rest of the program waits with.
 *
 * libevent counts time with a coarse clock, so its timers may fire a little
 * early. A loop_timer remembers the exact time it is due and goes to sleep
 * again when woken before: a timer never fires early. Nothing here blocks
 * outside loop_run. */
#include "services/runtime/loop.h"

#include "core/base/check.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define LOOP_MAGIC 0x4c4f4f50u
#define LOOP_WATCH_MAGIC 0x57415443u
#define LOOP_TIMER_MAGIC 0x54494d45u
#define LOOP_SIGNALS_MAX 16

struct loop_signal {
    struct event *event;
    loop_fn fire;
    void *context;
};

struct loop {
    unsigned magic;
    struct event_base *base;
    struct loop_signal signals[LOOP_SIGNALS_MAX];
    size_t signal_count;
};

struct loop_watch {
    unsigned magic;
    struct loop *loop;
    struct event *event;
    int fd;
    loop_fd_fn ready;
    void *context;
};

struct loop_timer {
    unsigned magic;
    struct loop *loop;
    struct event *event;
    int64_t due_us;
    loop_fn fire;
    void *context;
};

struct loop *
loop_new(void)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return NULL;
    loop->base = event_base_new();
    if (loop->base == NULL) {
        free(loop);
        return NULL;
    }
    loop->magic = LOOP_MAGIC;
    return loop;
}

void
loop_free(struct loop **loop)
{
    struct loop *self = *loop;
    if (self == NULL)
        return;
    CHECK_OBJ(self, LOOP_MAGIC);
    for (size_t i = 0; i < self->signal_count; i++)
        event_free(self->signals[i].event);
    event_base_free(self->base);
    self->magic = 0;
    free(self);
    *loop = NULL;
}

void
loop_run(struct loop *loop)
{
    CHECK_OBJ(loop, LOOP_MAGIC);
    (void)event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void
loop_stop(struct loop *loop)
{
    CHECK_OBJ(loop, LOOP_MAGIC);
    CHECK(event_base_loopexit(loop->base, NULL) == 0);
}

struct event_base *
loop_base(struct loop *loop)
{
    CHECK_OBJ(loop, LOOP_MAGIC);
    return loop->base;
}

static int64_t
read_clock_us(clockid_t clock)
{
    struct timespec now;
    CHECK(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
loop_now_us(const struct loop *loop)
{
    CHECK_OBJ(loop, LOOP_MAGIC);
    return read_clock_us(CLOCK_MONOTONIC);
}

ms_time
loop_now(const struct loop *loop)
{
    return loop_now_us(loop) / 1000;
}

ms_time
loop_wall(const struct loop *loop)
{
    CHECK_OBJ(loop, LOOP_MAGIC);
    return read_clock_us(CLOCK_REALTIME) / 1000;
}

/* --- descriptors ---------------------------------------------------------- */

static void
on_ready(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    struct loop_watch *watch = context;
    watch->ready(watch->context, (what & EV_READ) != 0, (what & EV_WRITE) != 0);
}

static short
watch_flags(bool read, bool write)
{
    return (short)(EV_PERSIST | (read ? EV_READ : 0) | (write ? EV_WRITE : 0));
}

ms_dur
loop_jitter(ms_dur most)
{
    uint64_t random;
    CHECK(getrandom(&random, sizeof random, 0) == sizeof random);
    return most > 0 ? (ms_dur)(random % ((uint64_t)most + 1)) : 0;
}

enum status
loop_watch_new(struct loop *loop, int fd, bool read, bool write,
               loop_fd_fn ready, void *context, struct loop_watch **ret_watch)
{
    CHECK_OBJ(loop, LOOP_MAGIC);
    struct loop_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    *watch = (struct loop_watch){.magic = LOOP_WATCH_MAGIC,
                                 .loop = loop,
                                 .fd = fd,
                                 .ready = ready,
                                 .context = context};
    watch->event =
        event_new(loop->base, fd, watch_flags(read, write), on_ready, watch);
    if (watch->event == NULL)
        goto fail;
    if ((read || write) && event_add(watch->event, NULL) != 0)
        goto fail;
    *ret_watch = watch;
    return STATUS_OK;
fail:
    if (watch->event != NULL)
        event_free(watch->event);
    free(watch);
    return STATUS_RESOURCE_EXHAUSTED;
}

void
loop_watch_set(struct loop_watch *watch, bool read, bool write)
{
    CHECK_OBJ(watch, LOOP_WATCH_MAGIC);
    CHECK(event_del(watch->event) == 0);
    CHECK(event_assign(watch->event, watch->loop->base, watch->fd,
                       watch_flags(read, write), on_ready, watch) == 0);
    /* The descriptor was watched before, so only a closed one can fail. */
    if (read || write)
        CHECK(event_add(watch->event, NULL) == 0);
}

void
loop_watch_free(struct loop_watch **watch)
{
    struct loop_watch *self = *watch;
    if (self == NULL)
        return;
    CHECK_OBJ(self, LOOP_WATCH_MAGIC);
    event_free(self->event);
    self->magic = 0;
    free(self);
    *watch = NULL;
}

/* --- timers --------------------------------------------------------------- */

static void
arm(struct loop_timer *timer, int64_t after_us)
{
    struct timeval after = {.tv_sec = after_us / 1000000,
                            .tv_usec = after_us % 1000000};
    CHECK(event_add(timer->event, &after) == 0);
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct loop_timer *timer = context;
    int64_t early_us = timer->due_us - loop_now_us(timer->loop);
    if (early_us > 0) {
        arm(timer, early_us);
        return;
    }
    timer->fire(timer->context);
}

enum status
loop_timer_new(struct loop *loop, loop_fn fire, void *context,
               struct loop_timer **ret_timer)
{
    CHECK_OBJ(loop, LOOP_MAGIC);
    struct loop_timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    *timer = (struct loop_timer){.magic = LOOP_TIMER_MAGIC,
                                 .loop = loop,
                                 .fire = fire,
                                 .context = context};
    timer->event = event_new(loop->base, -1, 0, on_timer, timer);
    if (timer->event == NULL) {
        free(timer);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    *ret_timer = timer;
    return STATUS_OK;
}

void
loop_timer_start(struct loop_timer *timer, ms_dur after)
{
    CHECK_OBJ(timer, LOOP_TIMER_MAGIC);
    int64_t after_us = after > 0 ? after * 1000 : 0;
    timer->due_us = loop_now_us(timer->loop) + after_us;
    arm(timer, after_us);
}

void
loop_timer_stop(struct loop_timer *timer)
{
    CHECK_OBJ(timer, LOOP_TIMER_MAGIC);
    CHECK(event_del(timer->event) == 0);
}

void
loop_timer_free(struct loop_timer **timer)
{
    struct loop_timer *self = *timer;
    if (self == NULL)
        return;
    CHECK_OBJ(self, LOOP_TIMER_MAGIC);
    event_free(self->event);
    self->magic = 0;
    free(self);
    *timer = NULL;
}

/* --- signals -------------------------------------------------------------- */

static void
on_signal(evutil_socket_t number, short what, void *context)
{
    (void)number;
    (void)what;
    struct loop_signal *handler = context;
    handler->fire(handler->context);
}

enum status
loop_on_signal(struct loop *loop, int number, loop_fn fire, void *context)
{
    CHECK_OBJ(loop, LOOP_MAGIC);
    if (loop->signal_count == LOOP_SIGNALS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    struct loop_signal *handler = &loop->signals[loop->signal_count];
    *handler = (struct loop_signal){.fire = fire, .context = context};
    handler->event = evsignal_new(loop->base, number, on_signal, handler);
    if (handler->event == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    if (event_add(handler->event, NULL) != 0) {
        event_free(handler->event);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    loop->signal_count++;
    return STATUS_OK;
}
