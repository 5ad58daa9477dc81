/* What `up` does so that this machine's user, and others, may write.
 *
 * The machine's token is a file of the home, 0600: whoever can read it is this
 * machine's user, and the gateway takes it for tenant default. A gateway that
 * listens beyond loopback lets others write with an API key only, so the first
 * one is made with the stack. */
#ifndef SERVICES_CLI_CLI_TRUST_H
#define SERVICES_CLI_CLI_TRUST_H

#include "services/cli/command.h"

/* Make <home>/token unless a good one is there, and see that only its owner
 * can read it; before the gateway starts. False, and said, when it cannot be
 * made. */
bool cli_trust_prepare(const struct command_line *line);
/* When everything is ready: print where the token lies, and, of a stack that
 * was started just now with a gateway open to others, make and print the first
 * API key. One that runs already has the settings it was started with. */
void cli_trust_report(const struct command_line *line, bool was_running);
/* Whether one of these addresses (comma-separated, as http.address has them)
 * can be reached from another machine. */
bool cli_trust_is_open(struct slice addresses);

#endif
