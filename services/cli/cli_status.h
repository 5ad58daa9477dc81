/* Health of every process of a home, for people and as JSON. */
#ifndef SERVICES_CLI_CLI_STATUS_H
#define SERVICES_CLI_CLI_STATUS_H

#include "services/cli/command.h"

/* `smart-spawn status [--json]`: COMMAND_UNAVAILABLE unless all serve. */
int cli_status_run(struct command_line *line);
/* Its table alone, for who knows what goes on and what to do. */
void cli_status_table(const struct command_line *line);

#endif
