/* The arguments of a command as the request of its row.
 *
 * Flags are fields by name, arguments without a flag fill the fields that a
 * table gives them, and a task may come on standard input. What is wrong is
 * said on stderr. */
#ifndef SERVICES_CLI_CLI_REQUEST_H
#define SERVICES_CLI_CLI_REQUEST_H

#include "core/base/arena.h"
#include "services/api/call_table.h"
#include "services/cli/command.h"

#include <stdio.h>

struct cli_request {
    const ProtobufCMessage *message; /* in the arena and the arguments */
    bool few; /* fewer arguments than the command can take */
};

/* COMMAND_OK, or COMMAND_USAGE for arguments that the request does not have. */
int cli_request_read(struct command_line *line, const struct api_call *call,
                     struct arena *arena, struct cli_request *ret_request);
/* "smart-spawn rate [model] [category] [rating] [FLAGS]" */
void cli_request_put_usage(FILE *out, const struct api_call *call);
/* The same on stderr, after "usage: ". */
void cli_request_say_usage(const struct api_call *call);

#endif
