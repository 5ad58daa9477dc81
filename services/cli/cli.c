/* smart-spawn: the command line.
 *
 *   1. read the configuration; flags that are no keys belong to the command
 *   2. find the home and the folder of the programs
 *   3. run the command: one of ours, else a row of the call table
 */
#include "core/base/buf.h"
#include "core/base/check.h"
#include "services/api/call_table.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_ingest.h"
#include "services/cli/cli_keys.h"
#include "services/cli/cli_status.h"
#include "services/cli/cli_up.h"
#include "services/cli/command.h"
#include "services/cli/daemon_config.h"
#include "services/runtime/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELP_MAX (64u << 10)

static int run_help(struct command_line *line);
static int run_version(struct command_line *line);

static const struct command commands[] = {
    {"up", "[--detach]", "Start everything on this machine.", cli_up_run,
     false},
    {"down", "[--delete-data]",
     "Stop it; --delete-data also removes its private database.", cli_up_down,
     true},
    {"status", "[--json]", "Health of every process of this stack.",
     cli_status_run, true},
    {"keys", CLI_KEYS_USAGE, "API keys: make, list and revoke them.",
     cli_keys_run, false},
    {"refresh", CLI_REFRESH_USAGE, "Fetch the sources now, and watch.",
     cli_ingest_refresh, false},
    {"ingest", CLI_INGEST_USAGE,
     "What became of the sources' rows; names; catalogs there were.",
     cli_ingest_run, false},
    {"migrate", "", "Bring the database's schema up to date.", cli_up_migrate,
     false},
    {"config", "[KEY]", "Every key of every process, with its value; or one.",
     daemon_config_run, false},
    {"help", "[COMMAND]", "This text, or what one command takes.", run_help,
     true},
    {"version", "", "Which version this is.", run_version, true},
};

/* Flags that stand where a command would. */
static const struct {
    const char *flag, *command;
} flag_commands[] = {
    {"-h", "help"},
    {"--help", "help"},
    {"--version", "version"},
};

static const struct command *
find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void
print_help(void)
{
    struct buf keys;
    size_t count;
    const struct api_call *calls = call_table(&count);
    printf("smart-spawn: which model should do this task?\n\n"
           "usage: smart-spawn COMMAND [ARGUMENTS]\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    printf("\n");
    for (size_t i = 0; i < count; i++) {
        if (calls[i].command != NULL && find_command(calls[i].command) == NULL)
            printf("  %-10s %s\n", calls[i].command, calls[i].summary);
    }
    printf("\nsmart-spawn help COMMAND says more. Exit status: 0 done, 1 "
           "nothing found,\n2 usage, 3 unavailable. Every command takes:\n\n");
    size_t key_count;
    const struct config_key *const tables[] = {config_runtime_keys(&key_count)};
    buf_init(&keys, HELP_MAX);
    config_help(tables, &key_count, 1, &keys);
    (void)fputs(buf_text(&keys), stdout);
    buf_fini(&keys);
}

/* What was set by a flag of ours goes to the daemons that `up` starts, except
 * what only one process can have. */
static void
export_flags(const struct config *config)
{
    size_t count;
    const struct config_key *keys = config_runtime_keys(&count);
    for (size_t i = 0; i < count; i++) {
        char variable[CONFIG_VARIABLE_MAX];
        if (strcmp(config_origin(config, keys[i].name), "flag") != 0 ||
            strchr(keys[i].name, '.') == NULL)
            continue;
        config_variable(&keys[i], variable);
        struct buf text;
        buf_init(&text, CONFIG_FILE_MAX);
        config_value_text(config, keys[i].name, &text);
        CHECK(setenv(variable, buf_text(&text), 1) == 0);
        buf_fini(&text);
    }
    if (config_file(config) == NULL)
        return;
    char *whole = realpath(config_file(config), NULL);
    CHECK(whole != NULL); /* it was read just now */
    CHECK(setenv("SMART_SPAWN_CONFIG", whole, 1) == 0);
    free(whole);
}

static bool
find_programs(char *out)
{
    ssize_t len = readlink("/proc/self/exe", out, HOME_PATH_MAX - 1);
    if (len <= 0)
        return false;
    out[len] = '\0';
    *strrchr(out, '/') = '\0';
    return true;
}

/* Whether the command of this line works whatever its file says: who broke
 * the file must still be able to stop the stack and to look at it. */
static bool
needs_no_file(const struct config *config)
{
    for (size_t i = 0; i < config_rest_count(config); i++) {
        const char *name = config_rest(config, i);
        const struct command *command = find_command(name);
        if (name[0] != '-')
            return command != NULL && command->needs_no_file;
    }
    return false;
}

/* The three places; without the file where it is broken and not needed. */
static bool
load(struct config_input *input, struct config **ret_config)
{
    char error[CONFIG_ERROR_MAX];
    char other[CONFIG_ERROR_MAX];
    struct config *config = NULL;
    if (config_load(input, error, ret_config) == STATUS_OK)
        return true;
    input->file = SLICE("");
    if (config_load(input, other, &config) == STATUS_OK &&
        needs_no_file(config)) {
        command_say("%s; going on without that file", error);
        *ret_config = config;
        return true;
    }
    config_free(&config);
    command_say("%s", error);
    return false;
}

static bool
read_line(int argc, char **argv, struct config **ret_config,
          struct command_line *line)
{
    size_t count;
    const struct config_key *const tables[] = {config_runtime_keys(&count)};
    struct config_input input = {.tables = tables,
                                 .table_counts = &count,
                                 .table_count = 1,
                                 .environment = environ,
                                 .argc = argc,
                                 .argv = argv,
                                 .leave_unknown_flags = true};
    if (!load(&input, ret_config))
        return false;
    line->config = *ret_config;
    enum log_level level;
    if (!log_level_find(slice_of(config_text(line->config, "log.level")),
                        &level)) {
        command_say("log.level must be debug, info, warn or error");
        return false;
    }
    if (home_find(config_text(line->config, "home"), line->home) != STATUS_OK) {
        command_say("there is no home: set SMART_SPAWN_HOME to a folder");
        return false;
    }
    if (config_rest_count(line->config) > COMMAND_ARGUMENTS_MAX) {
        command_say("more than %d arguments; a long task can come on standard "
                    "input",
                    COMMAND_ARGUMENTS_MAX);
        return false;
    }
    for (size_t i = 0; i < config_rest_count(line->config); i++)
        line->arguments[line->count++] = config_rest(line->config, i);
    return true;
}

/* The first argument that is no flag names the command. */
static const char *
take_name(struct command_line *line)
{
    for (size_t i = 0; i < line->count; i++) {
        if (line->arguments[i][0] == '-')
            continue;
        const char *name = line->arguments[i];
        memmove(&line->arguments[i], &line->arguments[i + 1],
                (line->count - i - 1) * sizeof(line->arguments[0]));
        line->count--;
        return name;
    }
    return NULL;
}

/* What one command takes; false when there is no such command. */
static bool
print_command_help(const char *name)
{
    const struct command *command = find_command(name);
    if (command != NULL) {
        printf("smart-spawn %s %s\n\n%s\n", command->name, command->usage,
               command->summary);
        return true;
    }
    const struct api_call *call = call_table_command(slice_of(name));
    if (call != NULL)
        cli_call_help(call);
    return call != NULL;
}

static int
say_unknown(const char *name)
{
    command_say("there is no command \"%.60s\"; smart-spawn help lists them",
                name);
    return COMMAND_USAGE;
}

static int
run_help(struct command_line *line)
{
    if (line->count == 0) {
        print_help();
        return COMMAND_OK;
    }
    return print_command_help(line->arguments[0])
               ? COMMAND_OK
               : say_unknown(line->arguments[0]);
}

static int
run_version(struct command_line *line)
{
    if (!command_no_more(line))
        return COMMAND_USAGE;
    printf("smart-spawn %s\n", SS_VERSION);
    return COMMAND_OK;
}

/* Without a command there is only a flag that stands for one. */
static int
run_flag(struct command_line *line)
{
    if (line->count == 0) {
        print_help();
        return COMMAND_USAGE;
    }
    for (size_t i = 0; i < ARRAY_LEN(flag_commands); i++) {
        if (!command_switch(line, flag_commands[i].flag))
            continue;
        line->name = flag_commands[i].command;
        return find_command(line->name)->run(line);
    }
    command_say("\"%.60s\" is no command; smart-spawn help lists them",
                line->arguments[0]);
    return COMMAND_USAGE;
}

static int
run(struct command_line *line)
{
    line->name = take_name(line);
    if (line->name == NULL)
        return run_flag(line);
    bool asks = command_switch(line, "--help");
    asks = command_switch(line, "-h") || asks;
    if (asks)
        return print_command_help(line->name) ? COMMAND_OK
                                              : say_unknown(line->name);
    const struct command *command = find_command(line->name);
    if (command != NULL)
        return command->run(line);
    const struct api_call *call = call_table_command(slice_of(line->name));
    return call != NULL ? cli_call_run(line, call) : say_unknown(line->name);
}

/* What was printed has to arrive. A reader that wants no more (head) knows
 * why it went away. */
static int
finish_output(int result)
{
    bool failed = ferror(stdout) != 0;
    failed = fflush(stdout) != 0 || failed;
    if (!failed)
        return result;
    if (errno != EPIPE)
        command_say("cannot write to standard output: %s",
                    strerrordesc_np(errno));
    return result != COMMAND_OK ? result : COMMAND_UNAVAILABLE;
}

int
main(int argc, char **argv)
{
    struct command_line line = {.count = 0};
    struct config *config = NULL;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    CHECK(sigaction(SIGPIPE, &ignore, NULL) == 0);
    log_start("smart-spawn", LOG_ERROR, STDERR_FILENO);
    if (!read_line(argc, argv, &config, &line) ||
        !find_programs(line.programs)) {
        config_free(&config);
        return COMMAND_USAGE;
    }
    export_flags(config);
    int result = finish_output(run(&line));
    config_free(&config);
    return result;
}
