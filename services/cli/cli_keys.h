/* `keys`: the API keys of this stack, made, listed and revoked.
 *
 * feedbackd keeps them (ss.Tenants). A key is printed once, when it is made;
 * it stands alone on standard output, so that a script can take it, and what
 * to do with it stands on standard error. */
#ifndef SERVICES_CLI_CLI_KEYS_H
#define SERVICES_CLI_CLI_KEYS_H

#include "services/cli/command.h"

#define CLI_KEYS_USAGE "add TENANT [--label TEXT] | list [--json] | revoke ID"

/* keys add TENANT [--label TEXT], keys list [--json], keys revoke ID. */
int cli_keys_run(struct command_line *line);
/* Make the first key of all, for tenant default, and print it in one sentence;
 * quietly nothing when there are keys, or were. */
void cli_keys_first(const struct command_line *line);

#endif
