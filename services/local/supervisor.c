/* Files that s6 reads, and s6's own programs for everything else.
 *
 * Whether something is supervised is asked of its control fifo: opening it
 * for writing fails with ENXIO when nobody reads. Fifos and states are s6's
 * documented interface (s6-svok does the same). */
#include "services/local/supervisor.h"

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "services/local/child.h"
#include "services/local/pause.h"
#include "services/local/scanner.h"
#include "services/local/service_folder.h"
#include "services/runtime/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define S6_TIMEOUT_MS 10000 /* one control program */
#define START_TIMEOUT_MS 10000
#define POLL_MS 10
#define READY_SLICE_MS 250 /* between looks at the death tally */
#define DEATHS_MAX 3
#define KILL_GRACE_MS 3000
#define FILE_MAX 8192
#define TREE_DEPTH 16
#define PID_FILE ".scanner-pid" /* a dot: s6 looks past it */
#define CONTROL "supervise/control"
#define LOGGER_CONTROL "log/supervise/control"

struct name_list {
    char **names;
    size_t count;
};

/* Run an s6 program on a path; its first line of output may be wanted. */
static enum status
s6(const char *const *argv, char *out, size_t out_size, int *ret_exit)
{
    struct buf output;
    buf_init(&output, FILE_MAX);
    struct child_options options = {
        .argv = argv, .output = &output, .timeout = S6_TIMEOUT_MS};
    enum status status = child_run(&options, ret_exit);
    if (status == STATUS_OK && out != NULL) {
        struct slice text = slice_trim(buf_slice(&output));
        (void)snprintf(out, out_size, "%.*s", SLICE_ARG(text));
    }
    buf_fini(&output);
    return status;
}

/* --- folders --- */

static int
remove_entry(const char *path, const struct stat *about, int type,
             struct FTW *walk)
{
    (void)about;
    (void)walk;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

static bool
any_supervised(const char *home)
{
    char **names;
    size_t count;
    bool any = supervisor_is_running(home);
    if (supervisor_names(home, &names, &count) != STATUS_OK)
        return any;
    for (size_t i = 0; i < count && !any; i++)
        any = supervisor_pid(home, names[i]) != 0;
    supervisor_names_free(&names, count);
    return any;
}

enum status
supervisor_clear(const char *home)
{
    char path[HOME_PATH_MAX];
    if (any_supervised(home))
        return STATUS_FAILED_PRECONDITION;
    enum status status = service_folder_path(home, NULL, NULL, path);
    if (status != STATUS_OK)
        return status;
    (void)nftw(path, remove_entry, TREE_DEPTH, FTW_DEPTH | FTW_PHYS);
    return home_make_folder(path);
}

enum status
supervisor_add(const char *home, const struct supervisor_service *service)
{
    return service_folder_write(home, service);
}

/* --- state --- */

/* Whether somebody reads a control fifo. */
static bool
is_listened(const char *fifo)
{
    int fd = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

bool
supervisor_is_running(const char *home)
{
    char path[HOME_PATH_MAX];
    return service_folder_path(home, ".s6-svscan", "control", path) ==
               STATUS_OK &&
           is_listened(path);
}

/* The supervisor of a service or of its logger ("routerd-1/log"). */
static bool
is_supervised(const char *home, const char *name, const char *control)
{
    char path[HOME_PATH_MAX];
    return service_folder_path(home, name, control, path) == STATUS_OK &&
           is_listened(path);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum status
supervisor_names(const char *home, char ***ret_names, size_t *ret_count)
{
    char path[HOME_PATH_MAX];
    size_t count = 0;
    enum status status = service_folder_path(home, NULL, NULL, path);
    DIR *folder = status == STATUS_OK ? opendir(path) : NULL;
    if (folder == NULL)
        return STATUS_NOT_FOUND;
    char **names = calloc(SUPERVISOR_SERVICES_MAX, sizeof(*names));
    CHECK(names != NULL);
    for (const struct dirent *entry = readdir(folder);
         entry != NULL && count < SUPERVISOR_SERVICES_MAX;
         entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        names[count] = strdup(entry->d_name);
        CHECK(names[count] != NULL);
        count++;
    }
    (void)closedir(folder);
    qsort(names, count, sizeof(*names), compare_names);
    *ret_names = names;
    *ret_count = count;
    return STATUS_OK;
}

void
supervisor_names_free(char ***names, size_t count)
{
    for (size_t i = 0; *names != NULL && i < count; i++)
        free((*names)[i]);
    free(*names);
    *names = NULL;
}

int
supervisor_pid(const char *home, const char *name)
{
    char path[HOME_PATH_MAX];
    char said[64] = "";
    int exit_status = 1;
    uint64_t pid;
    if (!is_supervised(home, name, CONTROL) ||
        service_folder_path(home, name, NULL, path) != STATUS_OK)
        return 0;
    const char *const argv[] = {"s6-svstat", "-o", "pid", path, NULL};
    if (s6(argv, said, sizeof(said), &exit_status) != STATUS_OK ||
        exit_status != 0 || text_u64(slice_of(said), &pid) != STATUS_OK ||
        pid > INT32_MAX)
        return 0;
    return (int)pid;
}

/* How often it ended without being told to. */
static uint64_t
deaths(const char *path)
{
    char said[FILE_MAX] = "";
    int exit_status = 1;
    uint64_t lines = 0;
    const char *const argv[] = {"s6-svdt", path, NULL};
    if (s6(argv, said, sizeof(said), &exit_status) != STATUS_OK ||
        exit_status != 0 || said[0] == '\0')
        return 0;
    for (const char *c = said; c != NULL; c = strchr(c + 1, '\n'))
        lines++;
    return lines;
}

static bool
is_ready(const char *path)
{
    char said[16] = "";
    int exit_status = 1;
    const char *const argv[] = {"s6-svstat", "-o", "ready", path, NULL};
    return s6(argv, said, sizeof(said), &exit_status) == STATUS_OK &&
           exit_status == 0 && strcmp(said, "true") == 0;
}

enum status
supervisor_await_ready(const char *home, const char *name, ms_dur timeout)
{
    char path[HOME_PATH_MAX];
    ms_time deadline = pause_now() + timeout;
    enum status status = service_folder_path(home, name, NULL, path);
    if (status != STATUS_OK)
        return status;
    while (!is_supervised(home, name, CONTROL)) {
        if (pause_now() > deadline)
            return STATUS_DEADLINE_EXCEEDED;
        pause_for(POLL_MS);
    }
    char slice_text[16];
    (void)snprintf(slice_text, sizeof(slice_text), "%d", READY_SLICE_MS);
    const char *const argv[] = {"s6-svwait", "-U", "-t",
                                slice_text,  path, NULL};
    for (;;) {
        int exit_status = 1;
        status = s6(argv, NULL, 0, &exit_status);
        if (status != STATUS_OK || exit_status == 0)
            return status;
        /* On a machine that is busy enough s6-svwait spends its slice on
         * beginning to wait. */
        if (is_ready(path))
            return STATUS_OK;
        if (deaths(path) >= DEATHS_MAX)
            return STATUS_ABORTED;
        if (pause_now() > deadline)
            return STATUS_DEADLINE_EXCEEDED;
        pause_for(POLL_MS); /* s6-svwait may refuse at once */
    }
}

/* --- start and stop --- */

enum status
supervisor_start(const char *home)
{
    char path[HOME_PATH_MAX];
    char logs[HOME_PATH_MAX];
    pid_t pid;
    enum status status = service_folder_path(home, NULL, NULL, path);
    if (status == STATUS_OK)
        status = home_join(home, "log", logs);
    if (status == STATUS_OK)
        status = home_make_folder(logs);
    if (status == STATUS_OK)
        status = home_join(logs, "supervisor", logs);
    if (status != STATUS_OK)
        return status;
    const char *const argv[] = {"s6-svscan", "-d", "3", path, NULL};
    struct child_service service = {.argv = argv, .log = logs};
    status = child_start(&service, START_TIMEOUT_MS, &pid);
    if (status == STATUS_OK) {
        char number[32];
        (void)snprintf(number, sizeof(number), "%d\n", (int)pid);
        status = service_folder_put(path, PID_FILE, number, 0600);
    }
    return status;
}

int
supervisor_scanner_pid(const char *home)
{
    char path[HOME_PATH_MAX];
    char *bytes;
    size_t len;
    uint64_t pid = 0;
    if (!supervisor_is_running(home) ||
        service_folder_path(home, NULL, PID_FILE, path) != STATUS_OK ||
        home_read_file(path, 32, &bytes, &len) != STATUS_OK)
        return 0;
    enum status status = text_u64(slice_trim(slice_make(bytes, len)), &pid);
    free(bytes);
    return status == STATUS_OK && pid <= INT32_MAX ? (int)pid : 0;
}

/* The wait that follows sees whether it helped. */
static void
tell(const char *const *argv)
{
    int exit_status;
    enum status status = s6(argv, NULL, 0, &exit_status);
    (void)status;
}

/* Send the supervisor of a service (part is NULL) or of its logger ("log") an
 * order: "-dx" down and leave, "-kx" kill, "-t" end and start anew. */
static void
order(const char *home, const char *name, const char *part, const char *flags)
{
    char path[HOME_PATH_MAX];
    if (service_folder_path(home, name, part, path) == STATUS_OK)
        tell((const char *const[]){"s6-svc", flags, path, NULL});
}

static bool
any_supervised_by(const char *home, const struct name_list *list,
                  const char *control)
{
    for (size_t i = 0; i < list->count; i++) {
        if (is_supervised(home, list->names[i], control))
            return true;
    }
    return false;
}

/* The scanner that goes on though its folder was removed; 0: none. */
static pid_t
lost_scanner(const char *home)
{
    char path[HOME_PATH_MAX];
    if (supervisor_is_running(home) ||
        service_folder_path(home, NULL, NULL, path) != STATUS_OK)
        return 0;
    return scanner_find(path);
}

bool
supervisor_is_lost(const char *home)
{
    return lost_scanner(home) != 0;
}

void
supervisor_list_watched(const char *home, struct buf *out)
{
    struct name_list list;
    if (supervisor_is_lost(home))
        buf_put_text(out, "a supervisor whose folder is gone, and its daemons");
    if (supervisor_names(home, &list.names, &list.count) != STATUS_OK)
        return;
    for (size_t i = 0; i < list.count; i++) {
        if (is_supervised(home, list.names[i], CONTROL))
            buf_putf(out, "%s%s", buf_slice(out).len > 0 ? ", " : "",
                     list.names[i]);
    }
    supervisor_names_free(&list.names, list.count);
}

void
supervisor_list_processes(const char *home, struct buf *out)
{
    char path[HOME_PATH_MAX];
    if (service_folder_path(home, NULL, NULL, path) == STATUS_OK)
        scanner_list(path, out);
}

/* Wait until nobody listens to the services, and with_rest to their loggers
 * and the scanner. */
static bool
await_gone(const char *home, const struct name_list *list, bool with_rest,
           ms_time deadline)
{
    for (;;) {
        bool gone = !any_supervised_by(home, list, CONTROL);
        if (gone && with_rest)
            gone = !any_supervised_by(home, list, LOGGER_CONTROL) &&
                   !supervisor_is_running(home);
        if (gone || pause_now() > deadline)
            return gone;
        pause_for(POLL_MS);
    }
}

static void
order_all(const char *home, const struct name_list *list, const char *part,
          const char *flags)
{
    const char *control = part == NULL ? CONTROL : LOGGER_CONTROL;
    for (size_t i = 0; i < list->count; i++) {
        if (is_supervised(home, list->names[i], control))
            order(home, list->names[i], part, flags);
    }
}

/* A logger whose files somebody removed writes on into what nobody finds. */
static bool
has_lost_log(const char *home, const char *name)
{
    char path[HOME_PATH_MAX];
    return is_supervised(home, name, LOGGER_CONTROL) &&
           home_join(home, "log", path) == STATUS_OK &&
           home_join(path, name, path) == STATUS_OK &&
           home_join(path, "current", path) == STATUS_OK &&
           access(path, F_OK) != 0;
}

enum status
supervisor_mend_logs(const char *home)
{
    char path[HOME_PATH_MAX];
    struct name_list list;
    ms_time deadline = pause_now() + START_TIMEOUT_MS;
    enum status status = supervisor_names(home, &list.names, &list.count);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < list.count && status == STATUS_OK; i++) {
        if (!has_lost_log(home, list.names[i]))
            continue;
        status = service_folder_make_log(home, list.names[i], path);
        order(home, list.names[i], "log", "-t"); /* a second later it is back */
    }
    for (size_t i = 0; i < list.count && status == STATUS_OK;) {
        if (!has_lost_log(home, list.names[i]))
            i++;
        else if (pause_now() > deadline)
            status = STATUS_DEADLINE_EXCEEDED;
        else
            pause_for(POLL_MS);
    }
    supervisor_names_free(&list.names, list.count);
    return status;
}

/* It takes its tree down when it is told by a signal, too. */
static void
stop_lost(const char *home, ms_time deadline)
{
    pid_t pid = lost_scanner(home);
    if (pid == 0)
        return;
    (void)kill(pid, SIGTERM);
    while (lost_scanner(home) == pid && pause_now() < deadline)
        pause_for(POLL_MS);
}

/* A scanner takes its whole tree down, loggers last, and leaves when all are
 * gone. What is left after it (it was killed) is told by itself, in the same
 * order. */
static void
stop_listed(const char *home, const struct name_list *list, ms_time deadline)
{
    char path[HOME_PATH_MAX];
    if (supervisor_is_running(home) &&
        service_folder_path(home, NULL, NULL, path) == STATUS_OK) {
        tell((const char *const[]){"s6-svscanctl", "-t", path, NULL});
        while (supervisor_is_running(home) && pause_now() < deadline)
            pause_for(POLL_MS);
    }
    order_all(home, list, NULL, "-dx");
    (void)await_gone(home, list, false, deadline);
    order_all(home, list, "log", "-dx");
    if (!await_gone(home, list, true, deadline)) {
        order_all(home, list, NULL, "-kdx");
        order_all(home, list, "log", "-kdx");
    }
}

static size_t
signal_all(const char *home, int number)
{
    char path[HOME_PATH_MAX];
    return service_folder_path(home, NULL, NULL, path) == STATUS_OK
               ? scanner_signal(path, number)
               : 0;
}

/* What takes no order (it was stopped again, a debugger holds it) is killed,
 * and with a service's supervisor the service that nobody would end. */
static bool
end_rest(const char *home, const struct name_list *list)
{
    ms_time kill_at = pause_now() + KILL_GRACE_MS;
    for (;;) {
        bool is_late = pause_now() > kill_at;
        if (signal_all(home, is_late ? SIGKILL : SIGCONT) == 0 &&
            await_gone(home, list, true, 0))
            return true;
        if (pause_now() > kill_at + KILL_GRACE_MS)
            return false;
        pause_for(POLL_MS);
    }
}

enum status
supervisor_stop(const char *home, ms_dur timeout)
{
    struct name_list list = {NULL, 0};
    ms_time deadline = pause_now() + timeout;
    /* One that was stopped (SIGSTOP) would hear nothing. */
    (void)signal_all(home, SIGCONT);
    stop_lost(home, deadline);
    if (supervisor_names(home, &list.names, &list.count) == STATUS_OK)
        stop_listed(home, &list, deadline);
    bool gone = end_rest(home, &list);
    supervisor_names_free(&list.names, list.count);
    return gone ? STATUS_OK : STATUS_DEADLINE_EXCEEDED;
}
