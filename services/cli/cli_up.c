/* Start in this order: check every daemon's configuration; make what is
 * missing; start the supervisor (all services at once); when PostgreSQL
 * answers, bring its schema up to date; wait for each daemon to say it is
 * ready. What fails on the way stops everything again.
 *
 * Progress goes to stderr, the result to stdout. */
#include "services/cli/cli_up.h"

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/utc.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_status.h"
#include "services/cli/cli_trust.h"
#include "services/cli/daemon_config.h"
#include "services/local/pause.h"
#include "services/local/stack.h"
#include "services/local/supervisor.h"
#include "services/runtime/secret.h"
#include "services/store/database_url.h"
#include "services/store/migrate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TIMEOUT_MS 60000  /* another up or down may be at work */
#define READY_TIMEOUT_MS 30000 /* of one service */
#define SHOWN_MAX (256u << 10)
#define LOG_READ_MAX (2u << 20)
#define LOG_SHOWN 600 /* bytes of a log's end that are printed */
#define ADDRESS_MAX 1024
#define NAMES_TEXT_MAX 8192
#define GATEWAY "gatewayd-1"

static struct stack
stack_of(const struct command_line *line)
{
    return (struct stack){
        .home = line->home,
        .programs = line->programs,
        .database_url = config_text(line->config, "database.url"),
        .drain_timeout = config_duration_ms(line->config, "rpc.drain_timeout"),
    };
}

static void
progress(ms_time began, const char *what, const char *name)
{
    (void)fprintf(stderr, "  %5.1f s  %s%s\n",
                  (double)(pause_now() - began) / 1000, what, name);
}

/* The end of a log from the start of a line. */
static void
print_log_end(const struct command_line *line, const char *name)
{
    char path[HOME_PATH_MAX];
    char *bytes;
    size_t len;
    if (home_join(line->home, "log", path) != STATUS_OK ||
        home_join(path, name, path) != STATUS_OK ||
        home_join(path, "current", path) != STATUS_OK ||
        home_read_file(path, LOG_READ_MAX, &bytes, &len) != STATUS_OK)
        return;
    const char *end = len > LOG_SHOWN ? bytes + len - LOG_SHOWN : bytes;
    const char *start = end == bytes ? end : strchr(end, '\n');
    (void)fprintf(stderr, "%s\n(whole log: %s)\n", start != NULL ? start : end,
                  path);
    free(bytes);
}

/* Ctrl-C or a request to end, which is kept (cli_up_run) until it fits. */
static bool
is_interrupted(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t waiting;
    bool found = false;
    (void)sigpending(&waiting);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        found = found || sigismember(&waiting, ends[i]) == 1;
    return found;
}

static bool
await(const struct command_line *line, ms_time began, const char *name)
{
    if (is_interrupted())
        return false;
    enum status status =
        supervisor_await_ready(line->home, name, READY_TIMEOUT_MS);
    if (status == STATUS_OK) {
        progress(began, "ready: ", name);
        return true;
    }
    command_say("%s %s; the end of its log:", name,
                status == STATUS_ABORTED ? "ended again and again"
                                         : "does not get ready");
    print_log_end(line, name);
    /* Health says why a daemon waits, which its log may have scrolled past. */
    cli_status_table(line);
    return false;
}

static void
on_applied(void *context, const struct migration *migration)
{
    (void)context;
    (void)fprintf(stderr, "           schema: %s\n", migration->name);
}

static bool
migrate(const struct command_line *line)
{
    char url[DATABASE_URL_MAX];
    char error[MIGRATE_ERROR_MAX] = "";
    enum status status = database_url_find(
        config_text(line->config, "database.url"), line->home, url);
    if (status != STATUS_OK) {
        if (stack_is_running(line->home))
            command_say_no_database(line);
        else
            command_say("no database: start the stack, or set "
                        "SMART_SPAWN_DATABASE_URL");
        return false;
    }
    struct migrate_job job = {.url = url, .applied = on_applied};
    status = migrate_run(&job, error);
    if (status != STATUS_OK)
        command_say("the schema could not be brought up to date (%s): %s",
                    status_text(status), error);
    return status == STATUS_OK;
}

int
cli_up_migrate(struct command_line *line)
{
    if (!command_no_more(line))
        return COMMAND_USAGE;
    if (!migrate(line))
        return COMMAND_UNAVAILABLE;
    printf("schema version %u\n", migrate_newest());
    return COMMAND_OK;
}

/* What the running gateway says it got; the empty slice when it says nothing.
 * The caller frees ret_bytes. */
static struct slice
read_address(const struct command_line *line, char **ret_bytes)
{
    char path[HOME_PATH_MAX];
    size_t len;
    *ret_bytes = NULL;
    if (home_address_file(line->home, GATEWAY, path) != STATUS_OK ||
        home_read_file(path, ADDRESS_MAX, ret_bytes, &len) != STATUS_OK)
        return (struct slice){NULL, 0};
    return slice_trim(slice_make(*ret_bytes, len));
}

/* The configuration of this call may want what the running stack has not. */
static void
say_other_port(const struct command_line *line, struct slice address)
{
    struct buf shown;
    char end[32];
    buf_init(&shown, SHOWN_MAX);
    if (daemon_config_ask(line, "gatewayd", &shown) == STATUS_OK) {
        struct slice port = daemon_config_value(buf_slice(&shown), "http.port");
        int len = snprintf(end, sizeof(end), ":%.*s/", SLICE_ARG(port));
        bool is_other = len > 0 && (size_t)len < sizeof(end) &&
                        !slice_ends(address, slice_of(end));
        if (is_other && !slice_eq(port, SLICE("0")))
            printf("(http.port is %.*s for this call: it takes effect after "
                   "smart-spawn down)\n",
                   SLICE_ARG(port));
    }
    buf_fini(&shown);
}

static void
print_address(const struct command_line *line, bool was_running)
{
    char *bytes;
    struct slice address = read_address(line, &bytes);
    if (address.len > 0)
        printf("%.*s\n", SLICE_ARG(address));
    else
        printf("HTTP's address is in %s/log/" GATEWAY "/current\n", line->home);
    if (address.len > 0 && was_running)
        say_other_port(line, address);
    free(bytes);
}

static bool
await_daemons(const struct command_line *line, ms_time began)
{
    char instance[HOME_INSTANCE_MAX];
    const char *process;
    for (size_t i = 0; home_instance(i, instance, &process); i++) {
        if (!await(line, began, instance))
            return false;
    }
    return true;
}

/* From running services to a stack that answers; also for one whose `up` was
 * interrupted here. */
static bool
settle(const struct command_line *line, const struct stack *stack,
       ms_time began)
{
    bool private = stack->database_url[0] == '\0';
    if (private && !await(line, began, STACK_DATABASE))
        return false;
    return migrate(line) && await_daemons(line, began);
}

/* A cluster of root outlives its home: who removed that may have wanted to
 * begin anew. */
static void
say_found_data(const struct command_line *line)
{
    char data[HOME_PATH_MAX];
    char url[HOME_PATH_MAX];
    if (stack_find_data(line->home, data) &&
        home_join(line->home, STACK_URL_FILE, url) == STATUS_OK &&
        access(url, F_OK) != 0)
        command_say("goes on with the database of an earlier home at this "
                    "place: %s; to begin anew: smart-spawn down --delete-data, "
                    "then up",
                    data);
}

/* Decision ids cannot be sealed with a file that is no key. */
static bool
has_sound_key(const struct command_line *line)
{
    struct secret_key key;
    char error[SECRET_ERROR_MAX];
    if (config_text(line->config, "deployment.key")[0] != '\0')
        return true;
    enum status status = secret_key_read(line->home, &key, error);
    secret_key_forget(&key);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        return true;
    command_say("%s", error);
    return false;
}

/* After a stop that did not succeed. */
static void
say_what_stays(const struct command_line *line)
{
    struct buf left;
    buf_init(&left, NAMES_TEXT_MAX);
    stack_list_processes(line->home, &left);
    bool is_known = buf_slice(&left).len > 0;
    command_say("something of %s does not end%s%s; see %s/log", line->home,
                is_known ? ": " : " (see ps)", is_known ? buf_text(&left) : "",
                line->home);
    buf_fini(&left);
}

static bool
start(const struct command_line *line, const struct stack *stack)
{
    char error[CLUSTER_ERROR_MAX] = "";
    ms_time began = pause_now();
    /* What a killed supervisor left would hold sockets and locks. */
    if (stack_stop(line->home, stack->drain_timeout) != STATUS_OK) {
        say_what_stays(line);
        return false;
    }
    progress(began, "preparing ", line->home);
    if (stack->database_url[0] == '\0')
        say_found_data(line);
    enum status status = stack_prepare(stack, error);
    if (status == STATUS_OK && is_interrupted())
        return false;
    if (status != STATUS_OK) {
        command_say("%s", error);
        return false;
    }
    if (!has_sound_key(line) || !cli_trust_prepare(line))
        return false;
    status = supervisor_start(line->home);
    if (status != STATUS_OK) {
        command_say(status == STATUS_NOT_FOUND
                        ? "s6 is not installed: apt-get install s6"
                        : "the supervisor does not start; see %s/log/"
                          "supervisor",
                    line->home);
        return false;
    }
    return settle(line, stack, began);
}

/* Until a signal, or until the supervisor is gone. */
static int
stay(const struct command_line *line, const sigset_t *signals)
{
    struct timespec second = {1, 0};
    (void)fprintf(stderr, "Ctrl-C stops everything.\n");
    for (;;) {
        if (sigtimedwait(signals, NULL, &second) > 0)
            break;
        if (errno == EAGAIN && !stack_is_running(line->home)) {
            command_say("the stack was stopped");
            return COMMAND_OK;
        }
    }
    (void)fprintf(stderr, "stopping\n");
    struct stack stack = stack_of(line);
    if (stack_stop(line->home, stack.drain_timeout) == STATUS_OK)
        return COMMAND_OK;
    say_what_stays(line);
    return COMMAND_UNAVAILABLE;
}

/* A stack that runs, and what somebody may have removed of it. */
static bool
mend(const struct command_line *line, const struct stack *stack)
{
    char error[CLUSTER_ERROR_MAX] = "";
    if (stack_mend(stack, error) == STATUS_OK)
        return cli_trust_prepare(line) && settle(line, stack, pause_now());
    command_say("%s", error);
    return false;
}

/* With the lock held. */
static int
bring_up(struct command_line *line, bool *ret_was_running)
{
    struct stack stack = stack_of(line);
    *ret_was_running = stack_is_running(line->home);
    if (*ret_was_running) {
        printf("already running at %s\n", line->home);
        if (mend(line, &stack))
            return COMMAND_OK;
        if (is_interrupted())
            command_say("interrupted; the stack goes on");
        return COMMAND_UNAVAILABLE;
    }
    enum status status = daemon_config_check(line);
    if (status != STATUS_OK)
        return status == STATUS_INVALID_ARGUMENT ? COMMAND_USAGE
                                                 : COMMAND_UNAVAILABLE;
    if (start(line, &stack))
        return COMMAND_OK;
    if (stack_stop(line->home, stack.drain_timeout) != STATUS_OK)
        say_what_stays(line);
    else if (is_interrupted())
        command_say("interrupted; nothing of %s runs", line->home);
    return COMMAND_UNAVAILABLE;
}

static bool
lock(const struct command_line *line, int *ret_fd)
{
    enum status status = stack_lock(line->home, LOCK_TIMEOUT_MS, ret_fd);
    if (status == STATUS_ABORTED)
        command_say("another up or down of %s is at work", line->home);
    else if (status != STATUS_OK)
        command_say("cannot use %s: %s", line->home,
                    home_trouble(line->home, status));
    return status == STATUS_OK;
}

int
cli_up_run(struct command_line *line)
{
    int held;
    bool was_running;
    sigset_t signals;
    bool detach = command_switch(line, "--detach");
    if (!command_no_more(line))
        return COMMAND_USAGE;
    if (!lock(line, &held))
        return COMMAND_UNAVAILABLE;
    /* A signal during the start waits for the end of a step. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    int result = bring_up(line, &was_running);
    (void)close(held);
    if (result != COMMAND_OK)
        return result;
    cli_call_first_pick(line);
    cli_trust_report(line, was_running);
    print_address(line, was_running);
    (void)fflush(stdout);
    return detach || was_running ? COMMAND_OK : stay(line, &signals);
}

/* Also when the home is gone: a cluster of root is found by its path. */
static int
delete_data(const struct command_line *line)
{
    char error[CLUSTER_ERROR_MAX] = "";
    char path[HOME_PATH_MAX];
    bool was_there = stack_find_data(line->home, path);
    if (stack_delete_data(line->home, error) != STATUS_OK) {
        command_say("%s", error);
        return COMMAND_UNAVAILABLE;
    }
    if (was_there)
        printf("removed the database %s\n", path);
    else
        printf("no private database was there\n");
    return COMMAND_OK;
}

/* With the lock held. */
static int
take_down(const struct command_line *line)
{
    struct stack stack = stack_of(line);
    struct buf orphans;
    bool ran = stack_is_running(line->home);
    buf_init(&orphans, NAMES_TEXT_MAX);
    stack_list_orphans(line->home, &orphans);
    int result = COMMAND_OK;
    if (stack_stop(line->home, stack.drain_timeout) != STATUS_OK) {
        say_what_stays(line);
        result = COMMAND_UNAVAILABLE;
    } else if (ran) {
        printf("stopped %s\n", line->home);
    } else if (buf_slice(&orphans).len > 0) {
        printf("stopped what had been left at %s: %s\n", line->home,
               buf_text(&orphans));
    } else {
        printf("nothing ran at %s\n", line->home);
    }
    buf_fini(&orphans);
    return result;
}

int
cli_up_down(struct command_line *line)
{
    int held;
    int result = COMMAND_OK;
    bool forget = command_switch(line, "--delete-data");
    if (!command_no_more(line))
        return COMMAND_USAGE;
    if (access(line->home, F_OK) != 0 && !supervisor_is_lost(line->home)) {
        printf("nothing ran at %s\n", line->home);
        return forget ? delete_data(line) : COMMAND_OK;
    }
    if (!lock(line, &held))
        return COMMAND_UNAVAILABLE;
    result = take_down(line);
    if (forget && result == COMMAND_OK)
        result = delete_data(line);
    (void)close(held);
    return result;
}
