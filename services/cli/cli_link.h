/* Calls from a command: a loop of its own, channels, answers awaited.
 *
 * Everything is bounded by the calls' timeouts. */
#ifndef SERVICES_CLI_CLI_LINK_H
#define SERVICES_CLI_CLI_LINK_H

#include "core/base/status.h"
#include "services/cli/command.h"
#include "services/runtime/rpc_channel.h"

#define CLI_LINK_CHANNELS_MAX 32

struct cli_link;

/* RESOURCE_EXHAUSTED. The caller owns it. */
enum status cli_link_new(struct cli_link **ret_link) MUST_CHECK;
void cli_link_free(struct cli_link **link);
/* A channel to "ipc://…,tcp://…"; lives as long as the link. As
 * rpc_channel_new. */
enum status cli_link_channel(struct cli_link *link, const char *target,
                             struct rpc_channel **ret_channel) MUST_CHECK;
/* False when nobody listens at an ipc:// endpoint, so that no call has to
 * wait to find out; true for any other. */
bool cli_link_is_heard(struct slice endpoint);
/* The channel of a service by its config key, else this home's. UNAVAILABLE
 * at once when nobody listens at this home's sockets. */
enum status cli_link_service(struct cli_link *link,
                             const struct command_line *line,
                             const char *service,
                             struct rpc_channel **ret_channel) MUST_CHECK;
struct cli_link_call {
    struct rpc_channel *channel;
    const ProtobufCServiceDescriptor *service;
    unsigned method;
    const ProtobufCMessage *request;
    struct rpc_options options;
    rpc_done_fn done;
    void *context;
};

/* Start a call; done is called from cli_link_wait. A call that cannot start
 * is told through done as well. */
void cli_link_call(struct cli_link *link, const struct cli_link_call *call);
/* Run until every call that was started is done. */
void cli_link_wait(struct cli_link *link);

#endif
