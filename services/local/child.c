/* posix_spawn with pipes; the end is waited for on a pidfd, so a timeout
 * needs neither signals nor polling. */
#include "services/local/child.h"

#include "core/base/check.h"
#include "services/local/pause.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define INPUT_MAX 4096 /* a pipe holds it: writing never blocks */
#define READY_FD 3
#define EXIT_SIGNALLED 128

static void
close_if_open(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* Signals as a fresh program expects them, whatever our own are. */
static void
reset_signals(posix_spawnattr_t *attributes, short more_flags)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    CHECK(posix_spawnattr_setsigmask(attributes, &none) == 0);
    CHECK(posix_spawnattr_setsigdefault(attributes, &all) == 0);
    CHECK(posix_spawnattr_setflags(attributes, (short)(POSIX_SPAWN_SETSIGMASK |
                                                       POSIX_SPAWN_SETSIGDEF |
                                                       more_flags)) == 0);
}

static enum status
spawn(const char *const *argv, const posix_spawn_file_actions_t *actions,
      short flags, pid_t *ret_pid)
{
    posix_spawnattr_t attributes;
    CHECK(posix_spawnattr_init(&attributes) == 0);
    reset_signals(&attributes, flags);
    CHECK(argv[0] != NULL);
    /* The prototype lacks a const; nothing is written. */
    char *arguments[CHILD_ARGUMENTS_MAX];
    size_t count = 0;
    do {
        CHECK(count < CHILD_ARGUMENTS_MAX);
        memcpy(&arguments[count], &argv[count], sizeof(arguments[0]));
    } while (argv[count++] != NULL);
    int why = posix_spawnp(ret_pid, argv[0], actions, &attributes, arguments,
                           environ);
    (void)posix_spawnattr_destroy(&attributes);
    if (why == 0)
        return STATUS_OK;
    return why == ENOENT || why == EACCES ? STATUS_NOT_FOUND
                                          : STATUS_RESOURCE_EXHAUSTED;
}

static int
exit_of(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
                                  : EXIT_SIGNALLED + WTERMSIG(wait_status);
}

/* Keep what fits; read on so that the child never blocks. False at the end. */
static bool
take_output(int fd, struct buf *output)
{
    char bytes[4096];
    ssize_t got = read(fd, bytes, sizeof(bytes));
    if (got < 0)
        return errno == EINTR;
    if (got > 0 && output != NULL)
        buf_put(output, bytes, (size_t)got);
    return got > 0;
}

/* Read its output until the process ends (its own children may hold the pipe
 * longer), or kill it when time is up. */
static enum status
await(pid_t pid, int out, struct buf *output, ms_time deadline, int *ret_exit)
{
    enum status status = STATUS_OK;
    int ended = pidfd_open(pid, 0);
    CHECK(ended >= 0);
    struct pollfd watched[2] = {{.fd = ended, .events = POLLIN},
                                {.fd = out, .events = POLLIN}};
    for (;;) {
        ms_dur left = deadline - pause_now();
        if (left <= 0) {
            status = STATUS_DEADLINE_EXCEEDED;
            (void)kill(pid, SIGKILL);
            break;
        }
        if (poll(watched, 2, left > 1000 ? 1000 : (int)left) <= 0)
            continue;
        if (watched[1].revents != 0 && !take_output(out, output))
            watched[1].fd = -1;
        else if (watched[1].revents == 0 && watched[0].revents != 0)
            break;
        if (watched[1].fd == -1 && watched[0].revents != 0)
            break;
    }
    (void)close(ended);
    int wait_status = 0;
    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
        continue;
    if (status == STATUS_OK)
        *ret_exit = exit_of(wait_status);
    return status;
}

enum status
child_run(const struct child_options *options, int *ret_exit)
{
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    pid_t pid;
    size_t input_len = options->input != NULL ? strlen(options->input) : 0;
    CHECK(input_len <= INPUT_MAX);
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        close_if_open(&in[0]);
        close_if_open(&in[1]);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, in[0], 0) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, out[1], 1) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, out[1], 2) == 0);
    CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
    enum status status =
        spawn(options->argv, &actions, POSIX_SPAWN_SETPGROUP, &pid);
    (void)posix_spawn_file_actions_destroy(&actions);
    close_if_open(&in[0]);
    close_if_open(&out[1]);
    if (status == STATUS_OK) {
        /* A child that never reads is told by its exit status. */
        if (input_len > 0) {
            ssize_t put = write(in[1], options->input, input_len);
            (void)put;
        }
        close_if_open(&in[1]);
        status = await(pid, out[0], options->output,
                       pause_now() + options->timeout, ret_exit);
    }
    close_if_open(&in[1]);
    close_if_open(&out[0]);
    return status;
}

/* A newline: ready. The end of the pipe: it ended, or gave up telling. */
static enum status
await_ready(int fd, ms_time deadline)
{
    for (;;) {
        ms_dur left = deadline - pause_now();
        struct pollfd watched = {.fd = fd, .events = POLLIN};
        if (left <= 0)
            return STATUS_DEADLINE_EXCEEDED;
        if (poll(&watched, 1, left > 1000 ? 1000 : (int)left) <= 0)
            continue;
        char byte;
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return STATUS_UNAVAILABLE;
        if (byte == '\n')
            return STATUS_OK;
    }
}

enum status
child_start(const struct child_service *service, ms_dur timeout, pid_t *ret_pid)
{
    int ready[2];
    pid_t pid;
    if (pipe2(ready, O_CLOEXEC) != 0)
        return STATUS_RESOURCE_EXHAUSTED;
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY,
                                           0) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, 1, service->log,
                                           O_WRONLY | O_CREAT | O_APPEND,
                                           0600) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, 1, 2) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, ready[1], READY_FD) == 0);
    CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, READY_FD + 1) ==
          0);
    enum status status =
        spawn(service->argv, &actions, POSIX_SPAWN_SETSID, &pid);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ready[1]);
    if (status == STATUS_OK)
        status = await_ready(ready[0], pause_now() + timeout);
    (void)close(ready[0]);
    if (status == STATUS_OK)
        *ret_pid = pid;
    return status;
}
