/* What a daemon's log says of the deployment's key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/daemon_private.h"
#include "services/runtime/home.h"
#include "services/runtime/log.h"
#include "services/runtime/secret.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAID_MAX 4096
#define CHECK_MS 10
#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

struct place {
    char home[64];
    char snapshots[96];
    struct daemon daemon;
    int said[2]; /* the log, as a pipe */
    struct secret_key key;
};

static int
open_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    (void)snprintf(place->home, sizeof(place->home), "/tmp/ss-key-XXXXXX");
    assert_non_null(mkdtemp(place->home));
    (void)snprintf(place->snapshots, sizeof(place->snapshots), "%s/snapshots",
                   place->home);
    assert_int_equal(pipe2(place->said, O_NONBLOCK | O_CLOEXEC), 0);
    log_start("toyd-1", LOG_INFO, place->said[1]);
    place->daemon.home = place->home;
    place->daemon.loop = loop_new();
    assert_non_null(place->daemon.loop);
    place->daemon.private = calloc(1, sizeof(*place->daemon.private));
    assert_non_null(place->daemon.private);
    place->daemon.private->timing.socket_check = CHECK_MS;
    *state = place;
    return 0;
}

static int
remove_entry(const char *path, const struct stat *about, int type,
             struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

static int
close_place(void **state)
{
    struct place *place = *state;
    loop_timer_free(&place->daemon.private->key_timer);
    free(place->daemon.private);
    loop_free(&place->daemon.loop);
    (void)close(place->said[0]);
    (void)close(place->said[1]);
    assert_int_equal(nftw(place->home, remove_entry, 8, FTW_DEPTH | FTW_PHYS),
                     0);
    free(place);
    return 0;
}

/* What was logged since the last time. */
static void
hear(const struct place *place, char said[SAID_MAX])
{
    ssize_t len = read(place->said[0], said, SAID_MAX - 1);
    said[len > 0 ? len : 0] = '\0';
}

/* Load as a daemon with this deployment.key ("" is none); what it logged. */
static enum status
load(struct place *place, const char *configured, char said[SAID_MAX])
{
    size_t count;
    const struct config_key *const tables[] = {config_runtime_keys(&count)};
    char program[] = "toyd", variable[128], error[CONFIG_ERROR_MAX] = "";
    char *argv[] = {program}, *environment[] = {variable, NULL};
    struct config_input input = {.tables = tables,
                                 .table_counts = &count,
                                 .table_count = 1,
                                 .environment = environment,
                                 .argc = 1,
                                 .argv = argv,
                                 .file = SLICE("")};
    loop_timer_free(&place->daemon.private->key_timer); /* of a load before */
    (void)snprintf(variable, sizeof(variable), "SMART_SPAWN_DEPLOYMENT_KEY=%s",
                   configured);
    assert_int_equal(config_load(&input, error, &place->daemon.config),
                     STATUS_OK);
    enum status status = daemon_key_load(&place->daemon, &place->key);
    config_free(&place->daemon.config);
    hear(place, said);
    return status;
}

static void
on_stop(void *context)
{
    loop_stop(context);
}

/* Let it look at the file a few times; what it logged. */
static void
live_on(struct place *place, char said[SAID_MAX])
{
    struct loop_timer *stop = NULL;
    assert_int_equal(
        loop_timer_new(place->daemon.loop, on_stop, place->daemon.loop, &stop),
        STATUS_OK);
    loop_timer_start(stop, (ms_dur)10 * CHECK_MS);
    loop_run(place->daemon.loop);
    loop_timer_free(&stop);
    hear(place, said);
}

static void
write_file(const struct place *place, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/deployment.key", place->home);
    assert_int_equal(home_write_file(path, text, strlen(text)), STATUS_OK);
}

/* A copy of a snapshot that was written `age` seconds ago. */
static void
add_copy(const struct place *place, time_t age)
{
    char path[128];
    struct stat about;
    (void)snprintf(path, sizeof(path), "%s/table-routerd-1.snap",
                   place->snapshots);
    assert_int_equal(home_make_folder(place->snapshots), STATUS_OK);
    assert_int_equal(home_write_file(path, "x", 1), STATUS_OK);
    assert_int_equal(stat(path, &about), 0);
    about.st_mtim.tv_sec -= age;
    const struct timespec times[] = {about.st_mtim, about.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
a_key_that_is_made_is_told_once_with_its_path(void **state)
{
    struct place *place = *state;
    char said[SAID_MAX], want[128];
    assert_int_equal(load(place, "", said), STATUS_OK);
    (void)snprintf(want, sizeof(want),
                   " info toyd-1 deployment-key-made path=%s/deployment.key ",
                   place->home);
    assert_non_null(strstr(said, want));
    assert_non_null(strstr(said, "seals decision ids"));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    assert_int_equal(load(place, "", said), STATUS_OK);
    assert_string_equal(said, "");
}

static void
a_key_that_is_configured_is_no_news(void **state)
{
    struct place *place = *state;
    char said[SAID_MAX];
    assert_int_equal(load(place, HEX, said), STATUS_OK);
    assert_string_equal(said, "");
}

static void
what_another_daemon_of_a_first_start_wrote_is_no_earlier_life(void **state)
{
    struct place *place = *state;
    char said[SAID_MAX];
    add_copy(place, 0);
    assert_int_equal(load(place, "", said), STATUS_OK);
    assert_non_null(strstr(said, " info toyd-1 deployment-key-made "));
}

static void
a_new_key_in_a_home_that_lived_before_is_a_warning(void **state)
{
    struct place *place = *state;
    char said[SAID_MAX];
    add_copy(place, 60);
    assert_int_equal(load(place, "", said), STATUS_OK);
    assert_non_null(strstr(said, " warn toyd-1 deployment-key-made path="));
    assert_non_null(strstr(said, "do not open any more"));
}

static void
a_file_without_a_key_is_an_error_that_says_so(void **state)
{
    struct place *place = *state;
    char said[SAID_MAX];
    write_file(place, "abc\n");
    assert_int_equal(load(place, "", said), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(said, " error toyd-1 no-deployment-key why="));
    assert_non_null(strstr(said, "is not 64 hexadecimal digits"));
}

/* As when the file was lost and another process started first. */
static void
a_key_that_another_process_made_is_taken(void **state)
{
    struct place *place = *state;
    struct secret_key wanted;
    char said[SAID_MAX], error[SECRET_ERROR_MAX];
    assert_int_equal(load(place, "", said), STATUS_OK);
    write_file(place, HEX "\n");
    assert_int_equal(secret_key_read(place->home, &wanted, error), STATUS_OK);
    assert_memory_not_equal(&place->key, &wanted, sizeof(wanted));
    live_on(place, said);
    assert_memory_equal(&place->key, &wanted, sizeof(wanted));
    assert_non_null(strstr(said, " warn toyd-1 deployment-key-changed "));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    live_on(place, said);
    assert_string_equal(said, "");
}

static void
a_file_that_is_gone_or_holds_none_leaves_the_key_as_it_is(void **state)
{
    struct place *place = *state;
    struct secret_key wanted;
    char said[SAID_MAX], path[128];
    assert_int_equal(load(place, "", said), STATUS_OK);
    wanted = place->key;
    (void)snprintf(path, sizeof(path), "%s/deployment.key", place->home);
    assert_int_equal(unlink(path), 0);
    live_on(place, said);
    assert_string_equal(said, "");
    assert_int_equal(access(path, F_OK), -1);
    write_file(place, "half a k");
    live_on(place, said);
    assert_non_null(strstr(said, " warn toyd-1 deployment-key-unread "));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    assert_memory_equal(&place->key, &wanted, sizeof(wanted));
}

static void
a_key_that_is_configured_follows_no_file(void **state)
{
    struct place *place = *state;
    char said[SAID_MAX];
    assert_int_equal(load(place, HEX, said), STATUS_OK);
    struct secret_key wanted = place->key;
    char other[] = HEX;
    other[0] = 'f';
    write_file(place, other);
    live_on(place, said);
    assert_string_equal(said, "");
    assert_memory_equal(&place->key, &wanted, sizeof(wanted));
}

#define PLACED(test)                                                           \
    cmocka_unit_test_setup_teardown(test, open_place, close_place)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(a_key_that_is_made_is_told_once_with_its_path),
        PLACED(a_key_that_is_configured_is_no_news),
        PLACED(what_another_daemon_of_a_first_start_wrote_is_no_earlier_life),
        PLACED(a_new_key_in_a_home_that_lived_before_is_a_warning),
        PLACED(a_file_without_a_key_is_an_error_that_says_so),
        PLACED(a_key_that_another_process_made_is_taken),
        PLACED(a_file_that_is_gone_or_holds_none_leaves_the_key_as_it_is),
        PLACED(a_key_that_is_configured_follows_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
