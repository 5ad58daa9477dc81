/* The stage: sockets are two lists of callbacks, timers a table. */
#include "tests/fuzz/stage_rpc.h"

#include "core/base/arena.h"
#include "core/base/check.h"
#include "services/runtime/loop.h"
#include "services/runtime/rpc_frame.h"
#include "services/runtime/rpc_socket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define SOCKETS_MAX 256
#define TIMERS_MAX 32
#define TURNS_MAX 1000  /* a socket that always wants another never ends */
#define FIRED_MAX 10000 /* timers that start themselves at 0 never end */
#define TIME_FIRST 1000000

struct rpc_socket {
    struct rpc_socket_options options;
    size_t number;
};

struct loop_timer {
    loop_fn fire;
    void *context;
    ms_time due;
    uint64_t order; /* of equal times the first started fires first */
    bool running;
};

struct loop {
    int unused;
};

struct stage {
    struct loop loop;
    struct rpc_socket *sockets[SOCKETS_MAX];
    size_t socket_count;
    struct loop_timer *timers[TIMERS_MAX];
    ms_time now;
    uint64_t starts, draws;
    bool writable;
    stage_sent_fn sent;
    void *context;
    struct arena *arena;
};

static struct stage *
the_stage(void)
{
    static struct stage stage;
    return &stage;
}

void
stage_open(stage_sent_fn sent, void *context)
{
    struct stage *stage = the_stage();
    struct arena *arena = stage->arena;
    if (arena == NULL)
        arena = arena_new(RPC_REQUEST_ARENA);
    CHECK(arena != NULL);
    *stage = (struct stage){.now = TIME_FIRST,
                            .writable = true,
                            .sent = sent,
                            .context = context,
                            .arena = arena};
}

void
stage_close(void)
{
    struct stage *stage = the_stage();
    for (size_t i = 0; i < stage->socket_count; i++)
        CHECK(stage->sockets[i] == NULL);
    for (size_t i = 0; i < TIMERS_MAX; i++)
        CHECK(stage->timers[i] == NULL);
}

struct loop *
stage_loop(void)
{
    return &the_stage()->loop;
}

/* --- what the target does ------------------------------------------------- */

size_t
stage_sockets(void)
{
    return the_stage()->socket_count;
}

bool
stage_is_open(size_t socket)
{
    const struct stage *stage = the_stage();
    return socket < stage->socket_count && stage->sockets[socket] != NULL;
}

static void
fill_frame(zmq_msg_t *frame, struct slice bytes)
{
    CHECK(zmq_msg_close(frame) == 0);
    CHECK(zmq_msg_init_size(frame, bytes.len) == 0);
    if (bytes.len > 0)
        memcpy(zmq_msg_data(frame), bytes.ptr, bytes.len);
}

void
stage_deliver(size_t socket, const struct stage_message *message)
{
    if (!stage_is_open(socket))
        return;
    const struct rpc_socket_options *options =
        &the_stage()->sockets[socket]->options;
    struct rpc_frames frames;
    rpc_frames_init(&frames);
    fill_frame(&frames.route, message->route);
    fill_frame(&frames.header, message->header);
    fill_frame(&frames.body, message->body);
    options->received(options->context, &frames);
    rpc_frames_fini(&frames);
}

void
stage_garble(size_t socket)
{
    if (!stage_is_open(socket))
        return;
    const struct rpc_socket_options *options =
        &the_stage()->sockets[socket]->options;
    options->garbled(options->context);
}

void
stage_turn(size_t socket, size_t received)
{
    if (!stage_is_open(socket))
        return;
    const struct rpc_socket_options *options =
        &the_stage()->sockets[socket]->options;
    unsigned turns = 0;
    while (options->turn(options->context, received))
        CHECK(turns++ < TURNS_MAX);
}

void
stage_set_writable(bool writable)
{
    the_stage()->writable = writable;
}

static struct loop_timer *
first_due(const struct stage *stage, ms_time until)
{
    struct loop_timer *first = NULL;
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        struct loop_timer *timer = stage->timers[i];
        if (timer == NULL || !timer->running || timer->due > until)
            continue;
        if (first == NULL || timer->due < first->due ||
            (timer->due == first->due && timer->order < first->order))
            first = timer;
    }
    return first;
}

void
stage_pass(ms_dur time)
{
    struct stage *stage = the_stage();
    ms_time until = stage->now + time;
    struct loop_timer *timer;
    unsigned fired = 0;
    while ((timer = first_due(stage, until)) != NULL) {
        CHECK(fired++ < FIRED_MAX);
        if (timer->due > stage->now)
            stage->now = timer->due;
        timer->running = false;
        timer->fire(timer->context);
    }
    stage->now = until;
}

void
stage_stand_still(ms_dur time)
{
    the_stage()->now += time;
}

/* --- what stands in for the socket ---------------------------------------- */

enum status __wrap_rpc_socket_new(struct loop *loop,
                                  const struct rpc_socket_options *options,
                                  struct rpc_socket **ret_socket);
enum status __wrap_rpc_socket_listen(struct rpc_socket *socket,
                                     const char *endpoint, int fd);
void __wrap_rpc_socket_free(struct rpc_socket **socket);
enum status
__wrap_rpc_socket_send(struct rpc_socket *socket, struct rpc_frames *frames);
bool __wrap_rpc_socket_is_writable(struct rpc_socket *socket);
void __wrap_rpc_socket_wake(struct rpc_socket *socket);

enum status
__wrap_rpc_socket_new(struct loop *loop,
                      const struct rpc_socket_options *options,
                      struct rpc_socket **ret_socket)
{
    struct stage *stage = the_stage();
    CHECK(loop == &stage->loop);
    if (stage->socket_count == SOCKETS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    struct rpc_socket *socket = calloc(1, sizeof *socket);
    CHECK(socket != NULL);
    socket->options = *options;
    socket->number = stage->socket_count++;
    stage->sockets[socket->number] = socket;
    *ret_socket = socket;
    return STATUS_OK;
}

enum status
__wrap_rpc_socket_listen(struct rpc_socket *socket, const char *endpoint,
                         int fd)
{
    CHECK(socket->options.serves && endpoint[0] != '\0' && fd < 0);
    return STATUS_OK;
}

void
__wrap_rpc_socket_free(struct rpc_socket **socket)
{
    if (*socket == NULL)
        return;
    the_stage()->sockets[(*socket)->number] = NULL;
    free(*socket);
    *socket = NULL;
}

/* What goes out must be what the other end takes. */
enum status
__wrap_rpc_socket_send(struct rpc_socket *socket, struct rpc_frames *frames)
{
    struct stage *stage = the_stage();
    struct stage_message message = {.route = rpc_frames_slice(&frames->route),
                                    .header = rpc_frames_slice(&frames->header),
                                    .body = rpc_frames_slice(&frames->body)};
    Ss__FrameHeader *header;
    arena_reset(stage->arena);
    CHECK(rpc_frame_parse(message.header, stage->arena, &header) == STATUS_OK);
    CHECK((message.route.len > 0) == socket->options.serves);
    bool taken = stage->writable;
    if (taken)
        stage->sent(stage->context, socket->number, &message, header);
    rpc_frames_fini(frames);
    rpc_frames_init(frames);
    return taken ? STATUS_OK : STATUS_UNAVAILABLE;
}

bool
__wrap_rpc_socket_is_writable(struct rpc_socket *socket)
{
    (void)socket;
    return the_stage()->writable;
}

void
__wrap_rpc_socket_wake(struct rpc_socket *socket)
{
    (void)socket; /* rounds are the target's to make */
}

/* --- what stands in for the clock ----------------------------------------- */

ms_time __wrap_loop_now(const struct loop *loop);
ms_time __wrap_loop_wall(const struct loop *loop);
int64_t __wrap_loop_now_us(const struct loop *loop);
enum status __wrap_loop_timer_new(struct loop *loop, loop_fn fire,
                                  void *context, struct loop_timer **ret_timer);
void __wrap_loop_timer_start(struct loop_timer *timer, ms_dur after);
void __wrap_loop_timer_stop(struct loop_timer *timer);
void __wrap_loop_timer_free(struct loop_timer **timer);
ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags);

ms_time
__wrap_loop_now(const struct loop *loop)
{
    (void)loop;
    return the_stage()->now;
}

ms_time
__wrap_loop_wall(const struct loop *loop)
{
    (void)loop;
    return the_stage()->now;
}

int64_t
__wrap_loop_now_us(const struct loop *loop)
{
    (void)loop;
    return the_stage()->now * 1000;
}

enum status
__wrap_loop_timer_new(struct loop *loop, loop_fn fire, void *context,
                      struct loop_timer **ret_timer)
{
    struct stage *stage = the_stage();
    size_t i = 0;
    CHECK(loop == &stage->loop);
    while (i < TIMERS_MAX && stage->timers[i] != NULL)
        i++;
    CHECK(i < TIMERS_MAX);
    struct loop_timer *timer = calloc(1, sizeof *timer);
    CHECK(timer != NULL);
    timer->fire = fire;
    timer->context = context;
    stage->timers[i] = timer;
    *ret_timer = timer;
    return STATUS_OK;
}

void
__wrap_loop_timer_start(struct loop_timer *timer, ms_dur after)
{
    struct stage *stage = the_stage();
    timer->due = stage->now + (after > 0 ? after : 0);
    timer->order = stage->starts++;
    timer->running = true;
}

void
__wrap_loop_timer_stop(struct loop_timer *timer)
{
    timer->running = false;
}

void
__wrap_loop_timer_free(struct loop_timer **timer)
{
    struct stage *stage = the_stage();
    for (size_t i = 0; i < TIMERS_MAX; i++)
        if (stage->timers[i] == *timer)
            stage->timers[i] = NULL;
    free(*timer);
    *timer = NULL;
}

ssize_t
__wrap_getrandom(void *bytes, size_t len, unsigned flags)
{
    struct stage *stage = the_stage();
    (void)flags;
    memset(bytes, (int)(0x5a + stage->draws++), len);
    return (ssize_t)len;
}
