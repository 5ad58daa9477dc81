/* What the daemons beside this program say about the configuration.
 *
 * A daemon's keys are its own, so they are asked of the daemon: every one
 * answers --config-show with its keys, or with exit status 2 and a sentence
 * when something is wrong. */
#ifndef SERVICES_CLI_DAEMON_CONFIG_H
#define SERVICES_CLI_DAEMON_CONFIG_H

#include "core/base/buf.h"
#include "services/cli/command.h"

/* Append one daemon's --config-show. INVALID_ARGUMENT when it refuses its
 * configuration (out has the reason), NOT_FOUND when the program is missing,
 * UNAVAILABLE otherwise. */
enum status daemon_config_ask(const struct command_line *line,
                              const char *process, struct buf *out) MUST_CHECK;
/* Ask each daemon that `up` starts; print what is wrong. */
enum status daemon_config_check(const struct command_line *line) MUST_CHECK;
/* The value of a key in a --config-show text, the empty slice when it is not
 * there. */
struct slice daemon_config_value(struct slice shown, const char *key);

/* `smart-spawn config`: every key of every process, once. */
int daemon_config_run(struct command_line *line);

#endif
