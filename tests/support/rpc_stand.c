/* The stand of the RPC tests; see the header. Failing to set it up ends the
 * test program: nothing could be tested then. */
#include "tests/support/rpc_stand.h"

#include "core/base/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define TERM_PATIENCE_S 10

static void
copy(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text);
}

/* --- the stand ------------------------------------------------------------ */

void
rpc_stand_folder(struct rpc_stand *stand)
{
    memset(stand, 0, sizeof *stand);
    copy(stand->folder, sizeof stand->folder, "/tmp/ss-rpc-XXXXXX");
    CHECK(mkdtemp(stand->folder) != NULL);
}

static void
on_patience(void *context)
{
    struct rpc_stand *stand = context;
    stand->out_of_patience = true;
    loop_stop(stand->loop);
}

static void
on_nap(void *context)
{
    struct rpc_stand *stand = context;
    loop_stop(stand->loop);
}

void
rpc_stand_open(struct rpc_stand *stand)
{
    if (stand->folder[0] == '\0')
        rpc_stand_folder(stand);
    stand->loop = loop_new();
    stand->zmq = zmq_ctx_new();
    stand->metrics = metrics_new();
    CHECK(stand->loop != NULL && stand->zmq != NULL && stand->metrics != NULL);
    CHECK(loop_timer_new(stand->loop, on_patience, stand, &stand->patience) ==
          STATUS_OK);
    CHECK(loop_timer_new(stand->loop, on_nap, stand, &stand->nap) == STATUS_OK);
}

static void
remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    CHECK(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    (void)closedir(folder);
    CHECK(rmdir(path) == 0);
}

void
rpc_stand_close(struct rpc_stand *stand)
{
    loop_timer_free(&stand->patience);
    loop_timer_free(&stand->nap);
    /* A test that failed left sockets open, for which this would wait. */
    (void)alarm(TERM_PATIENCE_S);
    CHECK(zmq_ctx_term(stand->zmq) == 0);
    (void)alarm(0);
    loop_free(&stand->loop);
    metrics_free(&stand->metrics);
    remove_folder(stand->folder);
    stand->folder[0] = '\0';
}

const char *
rpc_stand_endpoint(const struct rpc_stand *stand, const char *name)
{
    static char endpoints[4][128];
    static unsigned next;
    char *endpoint = endpoints[next++ % 4];
    (void)snprintf(endpoint, sizeof endpoints[0], "ipc://%s/%s", stand->folder,
                   name);
    return endpoint;
}

bool
rpc_stand_run(struct rpc_stand *stand, const bool *flag)
{
    stand->out_of_patience = false;
    loop_timer_start(stand->patience, STAND_PATIENCE_MS);
    while (!*flag && !stand->out_of_patience)
        loop_run(stand->loop);
    loop_timer_stop(stand->patience);
    return *flag;
}

void
rpc_stand_run_for(struct rpc_stand *stand, ms_dur time)
{
    ms_time until = loop_now(stand->loop) + time;
    ms_dur left;
    while ((left = until - loop_now(stand->loop)) > 0) {
        loop_timer_start(stand->nap, left);
        loop_run(stand->loop);
    }
    loop_timer_stop(stand->nap);
}

uint64_t
rpc_stand_count(struct metrics *metrics, const char *name)
{
    return *metrics_counter(metrics, name, "", "");
}

/* --- servers -------------------------------------------------------------- */

static void
answer_large(Ss__HealthReply_Closure done, void *data)
{
    Ss__HealthReply reply = SS__HEALTH_REPLY__INIT;
    char *detail = malloc(STAND_LARGE_BYTES + 1);
    CHECK(detail != NULL);
    memset(detail, 'x', STAND_LARGE_BYTES);
    detail[STAND_LARGE_BYTES] = '\0';
    reply.serving = true;
    reply.detail = detail;
    done(&reply, data);
    free(detail);
}

static void
answer(const struct stand_server *server, Ss__HealthReply_Closure done,
       void *data)
{
    Ss__HealthReply reply = SS__HEALTH_REPLY__INIT;
    char instance[64], detail[64];
    copy(instance, sizeof instance, server->name);
    copy(detail, sizeof detail, rpc_call_tenant(data));
    reply.serving = true;
    reply.has_pid = true;
    reply.pid = server->served; /* what else is a number here */
    reply.instance = instance;
    reply.detail = detail;
    done(&reply, data);
}

static void
note_call(struct stand_server *server, struct rpc_call *call)
{
    server->served++;
    copy(server->last_tenant, 64, rpc_call_tenant(call));
    copy(server->last_key, 64, rpc_call_idempotency_key(call));
    copy(server->last_caller, 64, rpc_call_caller(call));
    copy(server->last_metadata, 64, rpc_call_metadata(call, "colour"));
    server->last_trace = *rpc_call_trace(call);
    server->last_deadline = rpc_call_deadline(call);
}

static void
on_check(Ss__Health_Service *service, const Ss__HealthRequest *request,
         Ss__HealthReply_Closure done, void *data)
{
    (void)request;
    struct stand_server *server = (struct stand_server *)(void *)service;
    note_call(server, data);
    switch (server->mode) {
    case STAND_ECHO:
        answer(server, done, data);
        break;
    case STAND_FAIL:
        rpc_fail_retry(data, STATUS_NOT_FOUND, "NOBODY", "nobody\nis here", 70);
        break;
    case STAND_UNAVAILABLE:
        rpc_fail(data, STATUS_UNAVAILABLE, "", "not now");
        break;
    case STAND_HOLD:
        CHECK(server->held_count < STAND_HELD_MAX);
        server->held[server->held_count].done = done;
        server->held[server->held_count++].data = data;
        break;
    case STAND_SPIN: {
        ms_time until = loop_now(server->stand->loop) + STAND_SPIN_MS;
        while (loop_now(server->stand->loop) < until)
            continue;
        answer(server, done, data);
        break;
    }
    case STAND_LARGE:
        answer_large(done, data);
        break;
    case STAND_HANG:
        for (;;)
            (void)pause();
    }
}

void
stand_server_open(struct stand_server *server, struct rpc_stand *stand,
                  const char *name, enum stand_mode mode, uint32_t max_calls)
{
    memset(server, 0, sizeof *server);
    server->service = (Ss__Health_Service)SS__HEALTH__INIT(on_);
    server->stand = stand;
    server->metrics = metrics_new();
    server->name = name;
    server->mode = mode;
    const struct rpc_server_options options = {
        .endpoint = rpc_stand_endpoint(stand, name),
        .instance = name,
        .max_calls = max_calls,
        .metrics = server->metrics,
        .zmq = stand->zmq};
    /* libzmq closes the listener of a server before us in its own time. */
    enum status status;
    for (int i = 0; i < 100; i++) {
        status = rpc_server_new(stand->loop, &options, &server->server);
        if (status != STATUS_UNAVAILABLE)
            break;
        rpc_stand_run_for(stand, 10);
    }
    CHECK(status == STATUS_OK);
    rpc_server_add(server->server, &server->service.base);
}

void
stand_server_await(struct stand_server *server, size_t held)
{
    ms_time until = loop_now(server->stand->loop) + STAND_PATIENCE_MS;
    while (server->held_count != held) {
        CHECK(loop_now(server->stand->loop) < until);
        rpc_stand_run_for(server->stand, 1);
    }
}

void
stand_server_release(struct stand_server *server)
{
    size_t count = server->held_count;
    server->held_count = 0;
    for (size_t i = 0; i < count; i++)
        answer(server, server->held[i].done, server->held[i].data);
}

void
stand_server_close(struct stand_server *server)
{
    rpc_server_free(&server->server);
    metrics_free(&server->metrics);
}

pid_t
stand_child_start(const struct rpc_stand *stand, const char *name,
                  enum stand_mode mode)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child > 0)
        return child;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct rpc_stand own = *stand;
    struct stand_server server;
    rpc_stand_open(&own);
    stand_server_open(&server, &own, name, mode, 4096);
    loop_run(own.loop);
    _exit(1);
}

void
stand_child_kill(pid_t child)
{
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
}

/* --- calls ---------------------------------------------------------------- */

struct rpc_channel *
stand_channel(struct rpc_stand *stand, const char *target, uint32_t max_calls)
{
    struct rpc_channel *channel;
    const struct rpc_channel_options options = {.target = target,
                                                .caller = "test-1",
                                                .max_calls = max_calls,
                                                .metrics = stand->metrics,
                                                .zmq = stand->zmq};
    CHECK(rpc_channel_new(stand->loop, &options, &channel) == STATUS_OK);
    return channel;
}

static void
on_done(void *context, const struct rpc_result *result)
{
    struct stand_call *call = context;
    call->done = true;
    call->times++;
    call->status = result->status;
    call->retry_after = result->retry_after;
    copy(call->message, sizeof call->message, result->message);
    copy(call->reason, sizeof call->reason, result->reason);
    copy(call->served_by, sizeof call->served_by, result->served_by);
    const Ss__HealthReply *reply = (const Ss__HealthReply *)result->reply;
    call->served = reply != NULL ? reply->pid : 0;
    if (reply != NULL && reply->detail != NULL)
        copy(call->detail, sizeof call->detail, reply->detail);
    loop_stop(call->stand->loop);
}

enum status
stand_call_start(struct stand_call *call, struct rpc_stand *stand,
                 struct rpc_channel *channel,
                 const struct stand_call_options *options)
{
    Ss__HealthRequest request = SS__HEALTH_REQUEST__INIT;
    const struct rpc_options rpc = {.timeout = options->timeout,
                                    .idempotent = options->idempotent,
                                    .sticky = options->sticky,
                                    .tenant = options->tenant,
                                    .idempotency_key = options->key,
                                    .trace = options->trace,
                                    .metadata_key = "colour",
                                    .metadata_value = "blue"};
    memset(call, 0, sizeof *call);
    call->stand = stand;
    return rpc_call_start(channel, &ss__health__descriptor, 0, &request.base,
                          &rpc, on_done, call, options->pending);
}

void
stand_call_join(struct stand_call *call)
{
    CHECK(rpc_stand_run(call->stand, &call->done));
}

void
stand_call_wait(struct stand_call *call, struct rpc_stand *stand,
                struct rpc_channel *channel,
                const struct stand_call_options *options)
{
    CHECK(stand_call_start(call, stand, channel, options) == STATUS_OK);
    stand_call_join(call);
}

const char *
stand_two_endpoints(const struct rpc_stand *stand, const char *a, const char *b)
{
    static char target[256];
    (void)snprintf(target, sizeof target, "%s, %s",
                   rpc_stand_endpoint(stand, a), rpc_stand_endpoint(stand, b));
    return target;
}

struct rpc_channel *
stand_channel_to(struct rpc_stand *stand, const char *name)
{
    return stand_channel(stand, rpc_stand_endpoint(stand, name), 100);
}

void
stand_warm_up(struct rpc_stand *stand, struct rpc_channel *channel)
{
    const struct stand_call_options safe = {.timeout = 5000,
                                            .idempotent = true};
    bool a = false, b = false;
    struct stand_call call;
    for (int i = 0; i < 200 && !(a && b); i++) {
        stand_call_wait(&call, stand, channel, &safe);
        CHECK(call.status == STATUS_OK);
        a = a || strcmp(call.served_by, "a") == 0;
        b = b || strcmp(call.served_by, "b") == 0;
        if (!(a && b))
            rpc_stand_run_for(stand, 10);
    }
    CHECK(a && b);
}
