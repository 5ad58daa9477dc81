/* `up`, `down` and `migrate`: the stack of this machine. */
#ifndef SERVICES_CLI_CLI_UP_H
#define SERVICES_CLI_CLI_UP_H

#include "services/cli/command.h"

/* up [--detach]: idempotent. In the foreground it stays until Ctrl-C or
 * SIGTERM and then stops everything. */
int cli_up_run(struct command_line *line);
/* down [--delete-data]: idempotent; leaves no process. */
int cli_up_down(struct command_line *line);
/* migrate: the schema of the configured database, or of this home's. */
int cli_up_migrate(struct command_line *line);

#endif
