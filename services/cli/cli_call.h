/* Every row of the call table as a command: arguments in, the call over RPC,
 * the answer as JSON (the HTTP body) or as a table for people. */
#ifndef SERVICES_CLI_CLI_CALL_H
#define SERVICES_CLI_CLI_CALL_H

#include "services/api/call_table.h"
#include "services/cli/command.h"

/* The command of a row; line->name is the row's. COMMAND_USAGE for arguments
 * that the request does not have. */
int cli_call_run(struct command_line *line, const struct api_call *call);
/* What a row takes, for --help. */
void cli_call_help(const struct api_call *call);
/* One real pick, for the end of `up`; what fails is said, nothing more. */
void cli_call_first_pick(const struct command_line *line);

#endif
