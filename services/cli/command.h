/* What every subcommand gets and gives.
 *
 * A command is a function of struct command_line that returns the exit
 * status: 0 done, 1 nothing found, 2 usage, 3 unavailable. It prints its
 * result on stdout and what went wrong, with what to do next, on stderr. */
#ifndef SERVICES_CLI_COMMAND_H
#define SERVICES_CLI_COMMAND_H

#include "services/runtime/config.h"
#include "services/runtime/home.h"

#include <stdbool.h>
#include <stddef.h>

#define COMMAND_ARGUMENTS_MAX 256
#define COMMAND_OUT_MAX (64u << 20) /* bytes printed by one command */

enum command_exit {
    COMMAND_OK = 0,
    COMMAND_NOTHING = 1,
    COMMAND_USAGE = 2,
    COMMAND_UNAVAILABLE = 3,
};

struct command_line {
    const struct config *config;
    char home[HOME_PATH_MAX];     /* absolute */
    char programs[HOME_PATH_MAX]; /* the folder smart-spawn itself is in */
    const char *name;             /* of the command */
    const char *arguments[COMMAND_ARGUMENTS_MAX]; /* what follows it */
    size_t count;
};

struct command {
    const char *name;
    const char *usage;   /* what follows the name: "[--detach]" */
    const char *summary; /* one sentence */
    int (*run)(struct command_line *line);
    bool needs_no_file; /* works with the configuration file broken, too */
};

/* Take a switch ("--json") out of the arguments; true when it was there. */
bool command_switch(struct command_line *line, const char *name);
/* Take an option with a value ("--label TEXT" or "--label=TEXT") out of the
 * arguments; *ret_value stays when it is not there. False, and said, when the
 * value is missing. */
bool command_option(struct command_line *line, const char *name,
                    const char **ret_value);
/* A word after a command that chooses what it does: "keys add". */
struct command_word {
    const char *word;
    int (*run)(struct command_line *line); /* without the word */
};
/* Run what the first argument names; COMMAND_USAGE, said with the usage, when
 * it names none. */
int command_dispatch(struct command_line *line,
                     const struct command_word *words, size_t count,
                     const char *usage);
/* The one argument that is left, NULL (and said with the usage) when it is not
 * one; `--` makes a word of what follows it. what: "a tenant". */
const char *
command_only(struct command_line *line, const char *what, const char *usage);
/* For commands without arguments: complain about the first one that is left;
 * true when there is none. */
bool command_no_more(const struct command_line *line);
/* "smart-spawn: …" on stderr, with a newline. */
void command_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What to do when nothing runs. */
void command_say_no_stack(const struct command_line *line);
/* What to do when it is not known where the database is. */
void command_say_no_database(const struct command_line *line);
/* What to do when nobody listens for a service ("feedback"): that of a stack
 * that runs is ill, else there is none. */
void command_say_unheard(const struct command_line *line, const char *service);

#endif
