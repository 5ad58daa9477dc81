/* The life of a daemon as its supervisor and its callers see it: a child
 * process goes through daemon.h, the test asks it over RPC and by signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/daemon.h"
#include "services/runtime/home.h"
#include "services/runtime/zmq_context.h"

#include "rpc.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define OUTPUT_MAX 65536

static const struct config_key own_keys[] = {
    {"toy.size", CONFIG_INT, "3", 1, 9, "pieces", "How large.", NULL},
};

static const struct daemon_spec toyd = {
    .name = "toyd",
    .purpose = "Does nothing, in good order.",
    .keys = own_keys,
    .key_count = 1,
};

struct place {
    char home[64];
    pid_t pid;
    int ready; /* the supervisor's end of the descriptor */
    int said;  /* stdout and stderr of the child */
};

static int
open_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    (void)snprintf(place->home, sizeof(place->home), "/tmp/ss-daemon-XXXXXX");
    assert_non_null(mkdtemp(place->home));
    place->ready = place->said = -1;
    *state = place;
    return 0;
}

static int
remove_entry(const char *path, const struct stat *about, int type,
             struct FTW *walk)
{
    (void)about;
    (void)walk;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

static int
close_place(void **state)
{
    struct place *place = *state;
    if (place->pid > 0 && kill(place->pid, SIGKILL) == 0)
        (void)waitpid(place->pid, NULL, 0);
    (void)close(place->ready);
    (void)close(place->said);
    assert_int_equal(nftw(place->home, remove_entry, 16, FTW_DEPTH | FTW_PHYS),
                     0);
    free(place);
    return 0;
}

/* --- the child --- */

static void
never_finishes(void *context, loop_fn finished, void *finished_context)
{
    (void)context;
    (void)finished;
    (void)finished_context;
}

static int
live(int argc, char **argv, bool hangs)
{
    struct daemon daemon;
    int exit_status;
    if (!daemon_start(&daemon, &toyd, argc, argv, &exit_status))
        return exit_status;
    if (hangs)
        daemon_on_drain(&daemon, never_finishes, NULL);
    daemon_ready(&daemon);
    exit_status = daemon_run(&daemon);
    daemon_end(&daemon);
    return exit_status;
}

/* Fork a toyd with the given flags after --home. */
static void
start(struct place *place, bool hangs, char *flag)
{
    int ready[2];
    int said[2];
    char number[16];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(said), 0);
    (void)fflush(NULL);
    place->pid = fork();
    assert_true(place->pid >= 0);
    if (place->pid == 0) {
        char program[] = "toyd";
        char home_flag[] = "--home";
        char *argv[] = {program, home_flag, place->home, flag, NULL};
        (void)dup2(said[1], STDOUT_FILENO);
        (void)dup2(said[1], STDERR_FILENO);
        (void)close(ready[0]);
        (void)close(said[0]);
        (void)close(said[1]);
        (void)snprintf(number, sizeof(number), "%d", ready[1]);
        (void)setenv("SMART_SPAWN_NOTIFY_FD", number, 1);
        int exit_status = live(flag != NULL ? 4 : 3, argv, hangs);
        (void)fflush(NULL);
        _exit(exit_status);
    }
    (void)close(ready[1]);
    (void)close(said[1]);
    place->ready = ready[0];
    place->said = said[0];
}

static void
await_ready(const struct place *place)
{
    struct pollfd watched = {.fd = place->ready, .events = POLLIN};
    char bytes[8];
    assert_int_equal(poll(&watched, 1, PATIENCE_MS), 1);
    assert_int_equal(read(place->ready, bytes, sizeof(bytes)), 1);
    assert_int_equal(bytes[0], '\n');
}

static int
await_end(struct place *place)
{
    int status;
    assert_int_equal(waitpid(place->pid, &status, 0), place->pid);
    place->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
read_said(const struct place *place, char *out)
{
    size_t len = 0;
    ssize_t got;
    while (len < OUTPUT_MAX - 1 &&
           (got = read(place->said, out + len, OUTPUT_MAX - 1 - len)) > 0)
        len += (size_t)got;
    out[len] = '\0';
}

/* --- asking it --- */

struct asked {
    struct loop *loop;
    enum status status;
    bool serving;
    char instance[HOME_INSTANCE_MAX];
    pid_t pid;
    bool metrics; /* came, and know of this very call */
};

static void
on_health(void *context, const struct rpc_result *result)
{
    struct asked *asked = context;
    asked->status = result->status;
    if (result->status == STATUS_OK) {
        const Ss__HealthReply *reply = (const Ss__HealthReply *)result->reply;
        asked->serving = reply->serving;
        asked->pid = (pid_t)reply->pid;
        (void)snprintf(asked->instance, sizeof(asked->instance), "%s",
                       reply->instance);
        asked->metrics =
            reply->metrics != NULL &&
            strstr(reply->metrics,
                   "\nrpc_calls_total{method=\"ss.Health/Check\"} ") != NULL;
    }
    loop_stop(asked->loop);
}

static struct asked
ask(const char *endpoint, bool metrics_too)
{
    void *zmq = zmq_context_new();
    struct metrics *metrics = metrics_new();
    struct asked asked = {.loop = loop_new(), .status = STATUS_UNKNOWN};
    struct rpc_channel *channel;
    Ss__HealthRequest request = SS__HEALTH_REQUEST__INIT;
    request.has_metrics = request.metrics = metrics_too;
    struct rpc_channel_options where = {.target = endpoint,
                                        .caller = "test",
                                        .max_calls = 4,
                                        .metrics = metrics,
                                        .zmq = zmq};
    struct rpc_options how = {.timeout = PATIENCE_MS, .idempotent = true};
    assert_int_equal(rpc_channel_new(asked.loop, &where, &channel), STATUS_OK);
    assert_int_equal(rpc_call_start(channel, &ss__health__descriptor, 0,
                                    &request.base, &how, on_health, &asked,
                                    NULL),
                     STATUS_OK);
    loop_run(asked.loop);
    rpc_channel_free(&channel);
    loop_free(&asked.loop);
    metrics_free(&metrics);
    zmq_context_free(&zmq);
    return asked;
}

/* --- tests --- */

static void
it_tells_its_supervisor_answers_health_and_drains(void **state)
{
    struct place *place = *state;
    char endpoint[HOME_PATH_MAX];
    char said[OUTPUT_MAX];
    start(place, false, NULL);
    await_ready(place);
    assert_int_equal(home_endpoint(place->home, "toyd-1", endpoint), STATUS_OK);
    struct asked asked = ask(endpoint, false);
    assert_int_equal(asked.status, STATUS_OK);
    assert_true(asked.serving);
    assert_string_equal(asked.instance, "toyd-1");
    assert_int_equal(asked.pid, place->pid);
    assert_false(asked.metrics);
    assert_true(ask(endpoint, true).metrics);
    assert_int_equal(kill(place->pid, SIGTERM), 0);
    assert_int_equal(await_end(place), 0);
    read_said(place, said);
    assert_non_null(strstr(said, " info toyd-1 started listen=ipc://"));
    assert_non_null(strstr(said, " info toyd-1 ready "));
    assert_non_null(strstr(said, " info toyd-1 draining timeout_ms=5000\n"));
    assert_non_null(strstr(said, " info toyd-1 stopped exit=0\n"));
}

static void
a_drain_that_hangs_is_cut_short(void **state)
{
    struct place *place = *state;
    char said[OUTPUT_MAX];
    char flag[] = "--rpc-drain-timeout=50ms";
    start(place, true, flag);
    await_ready(place);
    assert_int_equal(kill(place->pid, SIGTERM), 0);
    assert_int_equal(await_end(place), 0);
    read_said(place, said);
    assert_non_null(strstr(said, "drain-cut-short after_ms=50\n"));
}

static void
a_second_signal_ends_it_at_once(void **state)
{
    struct place *place = *state;
    char said[OUTPUT_MAX];
    char flag[] = "--rpc-drain-timeout=10m";
    size_t len = 0;
    start(place, true, flag);
    await_ready(place);
    assert_int_equal(kill(place->pid, SIGINT), 0);
    /* Two signals before the first is handled are one: wait for its line. */
    said[0] = '\0';
    while (strstr(said, "draining") == NULL) {
        ssize_t got = read(place->said, said + len, OUTPUT_MAX - 1 - len);
        assert_true(got > 0);
        len += (size_t)got;
        said[len] = '\0';
    }
    assert_int_equal(kill(place->pid, SIGINT), 0);
    assert_int_equal(await_end(place), 0);
    read_said(place, said);
    assert_non_null(strstr(said, "stopped-at-once"));
}

static void
help_version_and_configuration_are_printed_without_a_start(void **state)
{
    static const struct {
        const char *flag, *want;
    } rows[] = {
        {"--help", "smart-spawn-toyd: Does nothing, in good order.\n"},
        {"--help", "--toy-size  number, 1 to 9 pieces; default 3\n"},
        {"--version", "smart-spawn-toyd " SS_VERSION "\n"},
        {"--config-show", "toy.size = 3\n"},
    };
    struct place *place = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char said[OUTPUT_MAX];
        char flag[32];
        struct stat about;
        char run[HOME_PATH_MAX];
        (void)snprintf(flag, sizeof(flag), "%s", rows[i].flag);
        start(place, false, flag);
        assert_int_equal(await_end(place), 0);
        read_said(place, said);
        assert_non_null(strstr(said, rows[i].want));
        assert_int_equal(home_run_folder(place->home, run), STATUS_OK);
        assert_int_equal(stat(run, &about), -1);
        (void)close(place->ready);
        (void)close(place->said);
    }
    place->ready = place->said = -1;
}

static void
a_second_process_of_an_instance_is_refused(void **state)
{
    struct place *place = *state;
    struct place second = {.ready = -1};
    char said[OUTPUT_MAX];
    start(place, false, NULL);
    await_ready(place);
    (void)snprintf(second.home, sizeof(second.home), "%s", place->home);
    start(&second, false, NULL);
    assert_int_equal(await_end(&second), 3);
    read_said(&second, said);
    assert_non_null(strstr(said, "toyd-1 of this home runs already"));
    (void)close(second.ready);
    (void)close(second.said);
}

static void
wrong_configuration_is_told_and_ends_it(void **state)
{
    static const struct {
        const char *flag, *want;
        int exit_status;
    } rows[] = {
        {"--toy-size=10", "toy.size must be from 1 to 9 pieces", 2},
        {"--toy-sise=1", "did you mean --toy-size?", 2},
        {"--log-level=loud", "log.level must be debug, info, warn or error", 2},
        {"--rpc-silence=400ms", "at least twice rpc.ping_every", 2},
        {"--instance=../x", "instance must be letters", 2},
        {"surplus", "takes no argument \"surplus\"", 2},
        {"--listen=smoke://signal", "write ipc://path or tcp://host:port", 3},
        {"--listen=tcp://0.0.0.0:7999", "must be 127.0.0.1 or ::1", 3},
        {"--home=/proc/nowhere", "cannot use the home /proc/nowhere", 3},
    };
    struct place *place = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char said[OUTPUT_MAX];
        char flag[32];
        (void)snprintf(flag, sizeof(flag), "%s", rows[i].flag);
        start(place, false, flag);
        assert_int_equal(await_end(place), rows[i].exit_status);
        read_said(place, said);
        if (strstr(said, rows[i].want) == NULL)
            fail_msg("%s said: %s", rows[i].flag, said);
        (void)close(place->ready);
        (void)close(place->said);
    }
    place->ready = place->said = -1;
}

#define PLACED(test)                                                           \
    cmocka_unit_test_setup_teardown(test, open_place, close_place)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(it_tells_its_supervisor_answers_health_and_drains),
        PLACED(help_version_and_configuration_are_printed_without_a_start),
        PLACED(a_drain_that_hangs_is_cut_short),
        PLACED(a_second_signal_ends_it_at_once),
        PLACED(a_second_process_of_an_instance_is_refused),
        PLACED(wrong_configuration_is_told_and_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
