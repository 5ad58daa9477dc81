/* One loop, as many channels as needed, a count of calls under way. */
#include "services/cli/cli_link.h"

#include "core/base/check.h"
#include "services/runtime/zmq_context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CALLS_MAX 64
#define IPC "ipc://"

struct cli_call_slot {
    struct cli_link *link;
    rpc_done_fn done;
    void *context;
    enum status refused; /* could not start: told by the timer */
};

struct cli_link {
    struct loop *loop;
    struct metrics *metrics;
    void *zmq;
    struct rpc_channel *channels[CLI_LINK_CHANNELS_MAX];
    size_t channel_count;
    struct cli_call_slot slots[CALLS_MAX];
    size_t slot_count, under_way;
};

enum status
cli_link_new(struct cli_link **ret_link)
{
    struct cli_link *link = calloc(1, sizeof(*link));
    CHECK(link != NULL);
    link->loop = loop_new();
    link->metrics = metrics_new();
    link->zmq = zmq_context_new();
    if (link->loop == NULL || link->zmq == NULL) {
        cli_link_free(&link);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    *ret_link = link;
    return STATUS_OK;
}

void
cli_link_free(struct cli_link **link)
{
    if (*link == NULL)
        return;
    for (size_t i = 0; i < (*link)->channel_count; i++)
        rpc_channel_free(&(*link)->channels[i]);
    if ((*link)->loop != NULL)
        loop_free(&(*link)->loop);
    zmq_context_free(&(*link)->zmq);
    metrics_free(&(*link)->metrics);
    free(*link);
    *link = NULL;
}

enum status
cli_link_channel(struct cli_link *link, const char *target,
                 struct rpc_channel **ret_channel)
{
    struct rpc_channel_options options = {.target = target,
                                          .caller = "smart-spawn",
                                          .max_calls = CALLS_MAX,
                                          .metrics = link->metrics,
                                          .zmq = link->zmq};
    CHECK(link->channel_count < CLI_LINK_CHANNELS_MAX);
    enum status status = rpc_channel_new(link->loop, &options,
                                         &link->channels[link->channel_count]);
    if (status == STATUS_OK)
        *ret_channel = link->channels[link->channel_count++];
    return status;
}

bool
cli_link_is_heard(struct slice endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct slice path = slice_cut(endpoint, strlen(IPC), endpoint.len);
    if (!slice_starts(endpoint, SLICE(IPC)) ||
        path.len >= sizeof(address.sun_path))
        return true; /* not ours to know: the call will tell */
    memcpy(address.sun_path, path.ptr, path.len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    bool refused =
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 &&
        (errno == ECONNREFUSED || errno == ENOENT || errno == ENOTDIR);
    (void)close(fd);
    return !refused;
}

static bool
any_heard(struct slice target)
{
    struct slice endpoint;
    while (slice_split(&target, ',', &endpoint)) {
        if (cli_link_is_heard(endpoint))
            return true;
    }
    return false;
}

enum status
cli_link_service(struct cli_link *link, const struct command_line *line,
                 const char *service, struct rpc_channel **ret_channel)
{
    char key[64];
    struct buf target;
    (void)snprintf(key, sizeof(key), "%s.target", service);
    const char *configured = config_text(line->config, key);
    if (configured[0] != '\0')
        return cli_link_channel(link, configured, ret_channel);
    buf_init(&target, (size_t)RPC_ENDPOINTS_MAX * HOME_PATH_MAX);
    enum status status = home_target(line->home, service, &target);
    if (status == STATUS_OK && !any_heard(buf_slice(&target)))
        status = STATUS_UNAVAILABLE;
    if (status == STATUS_OK)
        status = cli_link_channel(link, buf_text(&target), ret_channel);
    buf_fini(&target);
    return status;
}

static void
finish(struct cli_call_slot *slot, const struct rpc_result *result)
{
    struct cli_link *link = slot->link;
    slot->done(slot->context, result);
    link->under_way--;
    if (link->under_way == 0)
        loop_stop(link->loop);
}

static void
on_done(void *context, const struct rpc_result *result)
{
    finish(context, result);
}

void
cli_link_call(struct cli_link *link, const struct cli_link_call *call)
{
    CHECK(link->slot_count < CALLS_MAX);
    struct cli_call_slot *slot = &link->slots[link->slot_count++];
    *slot = (struct cli_call_slot){
        .link = link, .done = call->done, .context = call->context};
    slot->refused =
        rpc_call_start(call->channel, call->service, call->method,
                       call->request, &call->options, on_done, slot, NULL);
    if (slot->refused == STATUS_OK)
        link->under_way++;
}

void
cli_link_wait(struct cli_link *link)
{
    for (size_t i = 0; i < link->slot_count; i++) {
        struct cli_call_slot *slot = &link->slots[i];
        struct rpc_result result = {.status = slot->refused,
                                    .message = "the call could not start",
                                    .reason = "",
                                    .served_by = ""};
        if (slot->refused != STATUS_OK)
            slot->done(slot->context, &result);
    }
    if (link->under_way > 0)
        loop_run(link->loop);
    link->slot_count = 0;
}
