/* `ingest`: what became of the sources' rows, what a name means, and which
 * catalogs there were. `refresh`: fetch the sources now, and watch.
 *
 * ingestd answers (ss.Ingest). */
#ifndef SERVICES_CLI_CLI_INGEST_H
#define SERVICES_CLI_CLI_INGEST_H

#include "services/cli/command.h"

#define CLI_INGEST_USAGE                                                       \
    "report [--source S] [--only matched|unmatched|ambiguous] [--json] | "     \
    "match NAME [--source S] [--json] | versions [--json] | "                  \
    "rollback NUMBER | newest"
#define CLI_REFRESH_USAGE "[SOURCE...] [--json]"

int cli_ingest_run(struct command_line *line);
/* Start a refresh and say of each source what came of it, as it comes. Exit
 * status 0 when one source was read, 3 when none was. */
int cli_ingest_refresh(struct command_line *line);

#endif
