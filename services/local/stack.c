/* What is started, in which folders, from which programs. */
#include "services/local/stack.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "services/local/child.h"
#include "services/local/pause.h"
#include "services/local/supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRIPT_MAX (64u << 10)
#define LOCK_FILE "stack.lock"
#define POLL_MS 20
#define KILL_MARGIN_MS 2000    /* a drain that hangs is ended so much later */
#define DATABASE_STOP_MS 10000 /* SIGINT is a fast shutdown */
#define ORPHAN_POLLS 500

enum status
stack_lock(const char *home, ms_dur timeout, int *ret_fd)
{
    char path[HOME_PATH_MAX];
    enum status status = home_make_folder(home);
    if (status == STATUS_OK)
        status = home_join(home, LOCK_FILE, path);
    if (status != STATUS_OK)
        return status;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return STATUS_PERMISSION_DENIED;
    for (ms_dur waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0;
         waited += POLL_MS) {
        if (waited > timeout) {
            (void)close(fd);
            return STATUS_ABORTED;
        }
        pause_for(POLL_MS);
    }
    *ret_fd = fd;
    return STATUS_OK;
}

void
stack_run_script(const struct stack *stack, const char *instance,
                 const char *process, struct buf *out)
{
    char program[HOME_PATH_MAX];
    char name[HOME_INSTANCE_MAX + 16];
    (void)snprintf(name, sizeof(name), "smart-spawn-%s", process);
    CHECK(home_join(stack->programs, name, program) == STATUS_OK);
    buf_put_text(out, "#!/bin/sh\n"
                      "# Made by smart-spawn up; changes are lost.\n"
                      "exec 2>&1\n"
                      /* One value cannot be right for all daemons. */
                      "unset SMART_SPAWN_LISTEN SMART_SPAWN_INSTANCE\n"
                      "export SMART_SPAWN_NOTIFY_FD=3\n"
                      "exec ");
    cluster_quote(out, program);
    buf_put_text(out, " --home ");
    cluster_quote(out, stack->home);
    buf_put_text(out, " --instance ");
    cluster_quote(out, instance);
    buf_put_char(out, '\n');
}

static enum status
add_daemon(const struct stack *stack, const char *instance, const char *process)
{
    struct buf run;
    buf_init(&run, SCRIPT_MAX);
    stack_run_script(stack, instance, process, &run);
    struct supervisor_service service = {
        .name = instance,
        .run = buf_text(&run),
        .kill_timeout_ms = (unsigned)(stack->drain_timeout + KILL_MARGIN_MS),
    };
    enum status status = buf_ok(&run) ? supervisor_add(stack->home, &service)
                                      : STATUS_OUT_OF_RANGE;
    buf_fini(&run);
    return status;
}

static enum status
add_database(const struct stack *stack, const struct cluster *cluster)
{
    struct buf run;
    struct buf check;
    buf_init(&run, SCRIPT_MAX);
    buf_init(&check, SCRIPT_MAX);
    cluster_run_script(cluster, &run);
    cluster_check_script(cluster, &check);
    struct supervisor_service service = {
        .name = STACK_DATABASE,
        .run = buf_text(&run),
        .check = buf_text(&check),
        .down_signal = "SIGINT\n",
        .kill_timeout_ms = DATABASE_STOP_MS,
    };
    enum status status = buf_ok(&run) && buf_ok(&check)
                             ? supervisor_add(stack->home, &service)
                             : STATUS_OUT_OF_RANGE;
    buf_fini(&check);
    buf_fini(&run);
    return status;
}

static enum status
write_url(const struct stack *stack, const struct cluster *cluster)
{
    char path[HOME_PATH_MAX];
    struct buf url;
    enum status status = home_join(stack->home, STACK_URL_FILE, path);
    if (status != STATUS_OK)
        return status;
    buf_init(&url, SCRIPT_MAX);
    cluster_url(cluster, &url);
    status = buf_ok(&url) ? home_write_file(path, url.data, url.len)
                          : STATUS_OUT_OF_RANGE;
    buf_fini(&url);
    return status;
}

static enum status
prepare_database(const struct stack *stack, char *ret_error)
{
    struct cluster cluster;
    enum status status = cluster_find(stack->home, ret_error, &cluster);
    if (status == STATUS_OK)
        status = cluster_create(&cluster, ret_error);
    if (status != STATUS_OK)
        return status;
    status = cluster_make_socket_folder(&cluster);
    if (status == STATUS_OK)
        status = add_database(stack, &cluster);
    if (status == STATUS_OK)
        status = write_url(stack, &cluster);
    if (status != STATUS_OK)
        (void)snprintf(ret_error, CLUSTER_ERROR_MAX,
                       "cannot set up PostgreSQL under %.500s: %s", stack->home,
                       status_text(status));
    return status;
}

static enum status
prepare_daemons(const struct stack *stack)
{
    char instance[HOME_INSTANCE_MAX];
    const char *process;
    enum status status = STATUS_OK;
    for (size_t i = 0;
         status == STATUS_OK && home_instance(i, instance, &process); i++)
        status = add_daemon(stack, instance, process);
    return status;
}

enum status
stack_prepare(const struct stack *stack, char *ret_error)
{
    char run[HOME_PATH_MAX];
    enum status status = home_make_folder(stack->home);
    if (status == STATUS_OK)
        status = home_run_folder(stack->home, run);
    if (status == STATUS_OK)
        status = home_make_private_folder(run);
    if (status == STATUS_OK)
        status = supervisor_clear(stack->home);
    if (status == STATUS_OK)
        status = prepare_daemons(stack);
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, CLUSTER_ERROR_MAX,
                       "cannot prepare %.500s: %s", stack->home,
                       home_trouble(stack->home, status));
        return status;
    }
    return stack->database_url[0] != '\0' ? STATUS_OK
                                          : prepare_database(stack, ret_error);
}

enum status
stack_mend(const struct stack *stack, char *ret_error)
{
    struct cluster cluster;
    enum status status = supervisor_mend_logs(stack->home);
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, CLUSTER_ERROR_MAX,
                       "cannot make the logs in %.500s/log again: %s",
                       stack->home, status_text(status));
        return status;
    }
    if (stack->database_url[0] != '\0')
        return STATUS_OK;
    status = cluster_find(stack->home, ret_error, &cluster);
    if (status != STATUS_OK || !cluster_exists(&cluster))
        return status;
    status = write_url(stack, &cluster);
    if (status != STATUS_OK)
        (void)snprintf(ret_error, CLUSTER_ERROR_MAX,
                       "cannot write %.500s/" STACK_URL_FILE ": %s",
                       stack->home, status_text(status));
    return status;
}

bool
stack_is_running(const char *home)
{
    return supervisor_is_running(home);
}

/* The server of a cluster (whose supervisor may have been killed), 0 when there
 * is none. Its process stands in the data folder, so no other one is taken for
 * it. */
static pid_t
orphaned_server(const struct cluster *cluster)
{
    char path[HOME_PATH_MAX];
    char *bytes;
    size_t len;
    uint64_t pid = 0;
    if (home_join(cluster->data, "postmaster.pid", path) != STATUS_OK ||
        home_read_file(path, 4096, &bytes, &len) != STATUS_OK)
        return 0;
    struct slice rest = slice_make(bytes, len);
    struct slice line = {NULL, 0};
    bool is_number = slice_split(&rest, '\n', &line) &&
                     text_u64(slice_trim(line), &pid) == STATUS_OK && pid > 1 &&
                     pid <= INT32_MAX;
    free(bytes);
    struct stat works;
    struct stat data;
    (void)snprintf(path, sizeof(path), "/proc/%llu/cwd",
                   (unsigned long long)pid);
    bool is_ours = is_number && stat(path, &works) == 0 &&
                   stat(cluster->data, &data) == 0 &&
                   works.st_ino == data.st_ino && works.st_dev == data.st_dev;
    return is_ours ? (pid_t)pid : 0;
}

void
stack_list_orphans(const char *home, struct buf *out)
{
    char error[CLUSTER_ERROR_MAX];
    struct cluster cluster;
    if (supervisor_is_running(home))
        return;
    supervisor_list_watched(home, out);
    if (buf_slice(out).len == 0 &&
        cluster_find(home, error, &cluster) == STATUS_OK &&
        orphaned_server(&cluster) != 0)
        buf_put_text(out, STACK_DATABASE);
}

void
stack_list_processes(const char *home, struct buf *out)
{
    char error[CLUSTER_ERROR_MAX];
    struct cluster cluster;
    supervisor_list_processes(home, out);
    pid_t server = cluster_find(home, error, &cluster) == STATUS_OK
                       ? orphaned_server(&cluster)
                       : 0;
    if (server != 0)
        buf_putf(out, "%s" STACK_DATABASE " (pid %d)",
                 buf_slice(out).len > 0 ? ", " : "", (int)server);
}

bool
stack_find_data(const char *home, char *ret_path)
{
    char error[CLUSTER_ERROR_MAX];
    struct cluster cluster;
    if (cluster_find(home, error, &cluster) != STATUS_OK ||
        !cluster_exists(&cluster))
        return false;
    memcpy(ret_path, cluster.data, sizeof(cluster.data));
    return true;
}

/* A server that nobody supervises any more: fast shutdown, then immediate. */
static enum status
stop_orphan(const char *home)
{
    char error[CLUSTER_ERROR_MAX];
    struct cluster cluster;
    if (cluster_find(home, error, &cluster) != STATUS_OK)
        return STATUS_OK;
    for (unsigned polls = 0; polls < ORPHAN_POLLS * 2; polls++) {
        pid_t pid = orphaned_server(&cluster);
        if (pid == 0)
            return STATUS_OK;
        if (polls == 0)
            (void)kill(pid, SIGINT);
        else if (polls == ORPHAN_POLLS)
            (void)kill(pid, SIGQUIT);
        pause_for(POLL_MS);
    }
    return STATUS_DEADLINE_EXCEEDED;
}

enum status
stack_stop(const char *home, ms_dur drain_timeout)
{
    ms_dur longest = drain_timeout + KILL_MARGIN_MS > DATABASE_STOP_MS
                         ? drain_timeout + KILL_MARGIN_MS
                         : DATABASE_STOP_MS;
    enum status status = supervisor_stop(home, longest + KILL_MARGIN_MS);
    return status == STATUS_OK ? stop_orphan(home) : status;
}

/* The daemons' copies hold ratings and key hashes of that database; what else
 * is in them is made again. */
static enum status
delete_copies(const char *home)
{
    char folder[HOME_PATH_MAX];
    enum status status = home_join(home, "snapshots", folder);
    DIR *copies = status == STATUS_OK ? opendir(folder) : NULL;
    if (!copies)
        return status;
    for (struct dirent *entry; (entry = readdir(copies)) != NULL;) {
        if (entry->d_name[0] != '.' &&
            unlinkat(dirfd(copies), entry->d_name, 0) != 0)
            status = STATUS_PERMISSION_DENIED;
    }
    (void)closedir(copies);
    return status;
}

enum status
stack_delete_data(const char *home, char *ret_error)
{
    struct cluster cluster;
    char url[HOME_PATH_MAX];
    if (supervisor_is_running(home)) {
        (void)snprintf(ret_error, CLUSTER_ERROR_MAX, "the stack still runs");
        return STATUS_FAILED_PRECONDITION;
    }
    enum status status = cluster_find(home, ret_error, &cluster);
    if (status == STATUS_OK)
        status = cluster_delete(&cluster, ret_error);
    if (status == STATUS_OK)
        status = home_join(home, STACK_URL_FILE, url);
    if (status == STATUS_OK && unlink(url) != 0 && errno != ENOENT)
        status = STATUS_PERMISSION_DENIED;
    if (status == STATUS_OK)
        status = delete_copies(home);
    return status;
}
