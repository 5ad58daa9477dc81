/* The stack on this machine, for real: service folders, s6, a private
 * PostgreSQL in a temporary home. Skips with a reason when s6 or PostgreSQL
 * is not installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "services/local/stack.h"
#include "services/local/supervisor.h"
#include "services/store/pg_session.h"

#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 60000
#define STOP_MS 15000

static int
open_home(void **state)
{
    static char home[64];
    (void)snprintf(home, sizeof(home), "/tmp/ss-stack-XXXXXX");
    assert_non_null(mkdtemp(home));
    *state = home;
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
close_home(void **state)
{
    const char *home = *state;
    char error[CLUSTER_ERROR_MAX];
    assert_int_equal(stack_stop(home, 1000), STATUS_OK);
    (void)!stack_delete_data(home, error);
    assert_int_equal(nftw(home, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    return 0;
}

static void
need(const char *program)
{
    if (access(program, X_OK) == 0)
        return;
    print_message("skipped: %s is not installed\n", program);
    skip();
}

static void
need_cluster(const char *home, struct cluster *cluster)
{
    char error[CLUSTER_ERROR_MAX] = "";
    need("/usr/bin/s6-svscan");
    if (cluster_find(home, error, cluster) == STATUS_OK)
        return;
    print_message("skipped: %s\n", error);
    skip();
}

static char *
read_text(const char *home, const char *name)
{
    char path[HOME_PATH_MAX];
    char *bytes;
    size_t len;
    assert_int_equal(home_join(home, name, path), STATUS_OK);
    assert_int_equal(home_read_file(path, 1 << 16, &bytes, &len), STATUS_OK);
    return bytes;
}

static void
expect_text(const char *home, const char *name, const char *want)
{
    char *text = read_text(home, name);
    assert_string_equal(text, want);
    free(text);
}

static void
a_run_script_execs_the_daemon_of_the_same_folder(void **state)
{
    struct stack stack = {
        .home = "/h/it's", .programs = "/opt/s s", .database_url = ""};
    struct buf out;
    (void)state;
    buf_init(&out, 1 << 16);
    stack_run_script(&stack, "routerd-2", "routerd", &out);
    assert_non_null(strstr(buf_text(&out),
                           "exec '/opt/s s/smart-spawn-routerd' --home "
                           "'/h/it'\\''s' --instance 'routerd-2'\n"));
    assert_non_null(strstr(buf_text(&out), "export SMART_SPAWN_NOTIFY_FD=3\n"));
    assert_non_null(strstr(buf_text(&out), "unset SMART_SPAWN_LISTEN"));
    buf_fini(&out);
}

static void
a_service_folder_has_what_s6_reads(void **state)
{
    const char *home = *state;
    char path[HOME_PATH_MAX];
    char want[HOME_PATH_MAX + 64];
    struct stat about;
    struct supervisor_service service = {.name = "x-1",
                                         .run = "#!/bin/sh\n",
                                         .check = "#!/bin/true\n",
                                         .down_signal = "SIGINT\n",
                                         .kill_timeout_ms = 7000};
    assert_int_equal(supervisor_add(home, &service), STATUS_OK);
    expect_text(home, "service/x-1/run", "#!/bin/sh\n");
    expect_text(home, "service/x-1/notification-fd", "3\n");
    expect_text(home, "service/x-1/timeout-kill", "7000\n");
    expect_text(home, "service/x-1/down-signal", "SIGINT\n");
    expect_text(home, "service/x-1/data/check", "#!/bin/true\n");
    (void)snprintf(want, sizeof(want),
                   "#!/bin/sh\nexec s6-log -b n5 s1000000 '%s/log/x-1'\n",
                   home);
    expect_text(home, "service/x-1/log/run", want);
    assert_int_equal(home_join(home, "service/x-1/run", path), STATUS_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(home_join(home, "log/x-1", path), STATUS_OK);
    assert_int_equal(stat(path, &about), 0);
}

static void
a_prepared_stack_has_all_instances_and_no_cluster_of_its_own(void **state)
{
    struct stack stack = {.home = *state,
                          .programs = "/opt",
                          .database_url = "host=elsewhere",
                          .drain_timeout = 5000};
    char error[CLUSTER_ERROR_MAX] = "";
    char **names;
    size_t count;
    static const char *const want[] = {"feedbackd-1", "gatewayd-1",
                                       "ingestd-1",   "routerd-1",
                                       "routerd-2",   "scorerd-1"};
    assert_int_equal(stack_prepare(&stack, error), STATUS_OK);
    assert_int_equal(supervisor_names(*state, &names, &count), STATUS_OK);
    assert_int_equal(count, ARRAY_LEN(want));
    for (size_t i = 0; i < count; i++)
        assert_string_equal(names[i], want[i]);
    supervisor_names_free(&names, count);
}

static ms_time
now_ms(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (ms_time)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Stopped, and not by the kill that comes after the timeout. */
static void
stop_in_order(const char *home)
{
    ms_time began = now_ms();
    assert_int_equal(supervisor_stop(home, STOP_MS), STATUS_OK);
    assert_true(now_ms() - began < STOP_MS);
}

/* Start one service that is the given script. */
static void
start_script(const char *home, const char *run)
{
    struct supervisor_service service = {
        .name = "x-1", .run = run, .kill_timeout_ms = 300};
    assert_int_equal(supervisor_add(home, &service), STATUS_OK);
    assert_int_equal(supervisor_start(home), STATUS_OK);
}

static void
a_service_is_ready_when_it_says_so_and_comes_back_when_killed(void **state)
{
    const char *home = *state;
    need("/usr/bin/s6-svscan");
    start_script(home, "#!/bin/sh\necho >&3\nexec 3>&-\nexec tail -f "
                       "/dev/null\n");
    assert_int_equal(supervisor_await_ready(home, "x-1", READY_MS), STATUS_OK);
    assert_true(stack_is_running(home));
    int pid = supervisor_pid(home, "x-1");
    assert_true(pid > 1);
    assert_int_equal(supervisor_clear(home), STATUS_FAILED_PRECONDITION);
    assert_int_equal(kill(pid, SIGKILL), 0);
    int again;
    do {
        assert_int_equal(supervisor_await_ready(home, "x-1", READY_MS),
                         STATUS_OK);
        again = supervisor_pid(home, "x-1");
    } while (again == pid || again == 0);
    stop_in_order(home);
    assert_false(stack_is_running(home));
    assert_int_equal(kill(again, 0), -1);
    stop_in_order(home);
}

static void
a_service_that_ignores_its_signal_is_killed(void **state)
{
    const char *home = *state;
    need("/usr/bin/s6-svscan");
    start_script(home, "#!/bin/sh\ntrap '' TERM\necho >&3\n"
                       "while :; do read -r x </dev/zero; done\n");
    assert_int_equal(supervisor_await_ready(home, "x-1", READY_MS), STATUS_OK);
    int pid = supervisor_pid(home, "x-1");
    stop_in_order(home);
    assert_int_equal(kill(pid, 0), -1);
}

static void
a_service_that_ends_again_and_again_is_given_up(void **state)
{
    const char *home = *state;
    need("/usr/bin/s6-svscan");
    start_script(home, "#!/bin/sh\nexit 2\n");
    assert_int_equal(supervisor_await_ready(home, "x-1", READY_MS),
                     STATUS_ABORTED);
    stop_in_order(home);
}

static void
what_a_killed_scanner_left_is_stopped_too(void **state)
{
    const char *home = *state;
    need("/usr/bin/s6-svscan");
    start_script(home, "#!/bin/sh\necho >&3\nexec tail -f /dev/null\n");
    assert_int_equal(supervisor_await_ready(home, "x-1", READY_MS), STATUS_OK);
    int pid = supervisor_pid(home, "x-1");
    int scanner = supervisor_scanner_pid(home);
    assert_true(scanner > 1);
    assert_int_equal(kill(scanner, SIGKILL), 0);
    stop_in_order(home);
    assert_int_equal(kill(pid, 0), -1);
}

/* --- PostgreSQL --- */

static void
expect_one(const char *home, const char *sql, const char *want)
{
    char error[PG_SESSION_ERROR_MAX] = "";
    struct pg_session *session;
    const struct pg_result *rows;
    char *url = read_text(home, "database.url");
    if (pg_session_open(url, error, &session) != STATUS_OK)
        fail_msg("%s", error);
    free(url);
    assert_int_equal(pg_session_query(session, sql, NULL, 0, &rows), STATUS_OK);
    assert_int_equal(rows_count(rows), 1);
    struct slice got = rows_text(rows, 0, 0);
    assert_true(slice_eq(got, slice_of(want)));
    pg_session_close(&session);
}

/* The stack's PostgreSQL alone: the daemons' programs are not there. */
static void
start_database(const char *home)
{
    struct stack stack = {.home = home,
                          .programs = "/nowhere",
                          .database_url = "",
                          .drain_timeout = 1000};
    char error[CLUSTER_ERROR_MAX] = "";
    if (stack_prepare(&stack, error) != STATUS_OK)
        fail_msg("%s", error);
    assert_int_equal(supervisor_start(home), STATUS_OK);
    assert_int_equal(supervisor_await_ready(home, STACK_DATABASE, READY_MS),
                     STATUS_OK);
}

static void
a_private_cluster_is_made_runs_and_stops(void **state)
{
    const char *home = *state;
    struct cluster cluster;
    struct stat about;
    need_cluster(home, &cluster);
    assert_false(cluster_exists(&cluster));
    start_database(home);
    assert_true(cluster_exists(&cluster));
    expect_one(home, "select current_user || '@' || current_database()",
               "smart_spawn@smart_spawn");
    expect_one(home, "show listen_addresses", "");
    expect_one(home, "show fsync", "on");
    expect_one(home, "show server_encoding", "UTF8");
    assert_int_equal(stat(cluster.socket, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    char process[64];
    int pid = supervisor_pid(home, STACK_DATABASE);
    (void)snprintf(process, sizeof(process), "/proc/%d", pid);
    assert_int_equal(stat(process, &about), 0);
    assert_int_not_equal(about.st_uid, 0);
    assert_int_equal(stack_stop(home, 1000), STATUS_OK);
    assert_int_equal(kill(pid, 0), -1);
}

static void
a_killed_server_and_a_stale_pid_file_do_not_block_the_next(void **state)
{
    const char *home = *state;
    char path[HOME_PATH_MAX];
    char stale[64];
    struct cluster cluster;
    need_cluster(home, &cluster);
    start_database(home);
    int pid = supervisor_pid(home, STACK_DATABASE);
    assert_int_equal(kill(pid, SIGKILL), 0);
    int again;
    do {
        assert_int_equal(supervisor_await_ready(home, STACK_DATABASE, READY_MS),
                         STATUS_OK);
        again = supervisor_pid(home, STACK_DATABASE);
    } while (again == pid || again == 0);
    expect_one(home, "select 1", "1");
    assert_int_equal(stack_stop(home, 1000), STATUS_OK);
    /* The pid of a living process that is no server: ours. */
    assert_int_equal(home_join(cluster.data, "postmaster.pid", path),
                     STATUS_OK);
    int len =
        snprintf(stale, sizeof(stale), "%d\n%s\n", (int)getpid(), cluster.data);
    assert_int_equal(home_write_file(path, stale, (size_t)len), STATUS_OK);
    if (cluster.drops) {
        const struct passwd *account = getpwnam(CLUSTER_ACCOUNT);
        assert_int_equal(chown(path, account->pw_uid, account->pw_gid), 0);
    }
    start_database(home);
    expect_one(home, "select 2", "2");
    assert_int_equal(stack_stop(home, 1000), STATUS_OK);
}

#define HOMED(test) cmocka_unit_test_setup_teardown(test, open_home, close_home)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_script_execs_the_daemon_of_the_same_folder),
        HOMED(a_service_folder_has_what_s6_reads),
        HOMED(a_prepared_stack_has_all_instances_and_no_cluster_of_its_own),
        HOMED(a_service_is_ready_when_it_says_so_and_comes_back_when_killed),
        HOMED(a_private_cluster_is_made_runs_and_stops),
        HOMED(a_service_that_ignores_its_signal_is_killed),
        HOMED(a_service_that_ends_again_and_again_is_given_up),
        HOMED(what_a_killed_scanner_left_is_stopped_too),
        HOMED(a_killed_server_and_a_stale_pid_file_do_not_block_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
