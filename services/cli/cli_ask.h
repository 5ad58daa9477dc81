/* A command that is one call of a service: connect, ask, print what is
 * answered, say what went wrong. */
#ifndef SERVICES_CLI_CLI_ASK_H
#define SERVICES_CLI_CLI_ASK_H

#include "services/cli/cli_link.h"
#include "services/cli/command.h"

struct cli_ask {
    const char *target; /* "ingest": whose channel */
    const ProtobufCServiceDescriptor *service;
    unsigned method;
    const ProtobufCMessage *request;
    bool json;
    bool only_once; /* asking again would do it again */
    /* Print the answer; says the exit status. */
    int (*print)(const struct cli_ask *ask, const ProtobufCMessage *reply);
    /* More words for a failure, after its own; may be NULL. */
    void (*failed)(const struct cli_ask *ask, const struct rpc_result *result);
    /* A failure of this status is none: nothing is said. OK: there is none. */
    enum status expected;
    void *context;
    /* Inner. */
    struct cli_link *link;
    struct rpc_channel *channel;
    int exit_status;
};

/* Connect, make the one call, and let go; the exit status. */
int cli_ask_run(const struct command_line *line, struct cli_ask *ask);
/* The same in parts, for several calls. False, and said, when nobody is
 * there. */
bool cli_ask_open(const struct command_line *line, struct cli_ask *ask);
int cli_ask_call(struct cli_ask *ask);
void cli_ask_close(struct cli_ask *ask);

/* The answer as JSON or as people read it; 1 when it is an empty list. */
int cli_ask_print(const struct cli_ask *ask, const ProtobufCMessage *reply);
/* protobuf-c's fields are not const; what it is given it does not write to. */
char *cli_ask_text(const char *text, char *out, size_t size);

#endif
