/* The home: where it is, paths that are too long, files whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/home.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_PATH_MAX 107

struct place {
    char folder[64];
    char before[HOME_PATH_MAX]; /* the working folder */
};

static int
open_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    (void)snprintf(place->folder, sizeof(place->folder), "/tmp/ss-home-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    assert_non_null(getcwd(place->before, sizeof(place->before)));
    assert_int_equal(chdir(place->folder), 0);
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
    assert_int_equal(chdir(place->before), 0);
    assert_int_equal(
        nftw(place->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(place);
    return 0;
}

static void
a_configured_home_is_made_absolute(void **state)
{
    const struct place *place = *state;
    char out[HOME_PATH_MAX];
    char want[HOME_PATH_MAX];
    assert_int_equal(home_find("/srv/ss", out), STATUS_OK);
    assert_string_equal(out, "/srv/ss");
    assert_int_equal(home_find("//srv/ss//", out), STATUS_OK);
    assert_string_equal(out, "/srv/ss");
    assert_int_equal(home_find("/srv/ss/.", out), STATUS_OK);
    assert_string_equal(out, "/srv/ss");
    assert_int_equal(home_find("/", out), STATUS_OK);
    assert_string_equal(out, "/");
    assert_int_equal(home_find("state", out), STATUS_OK);
    (void)snprintf(want, sizeof(want), "%s/state", place->folder);
    assert_string_equal(out, want);
}

static void
the_nearest_marked_folder_upward_is_the_home(void **state)
{
    const struct place *place = *state;
    char out[HOME_PATH_MAX];
    char want[HOME_PATH_MAX];
    assert_int_equal(mkdir(".smart-spawn", 0700), 0);
    assert_int_equal(home_make_folder("a/b"), STATUS_OK);
    assert_int_equal(chdir("a/b"), 0);
    assert_int_equal(home_find("", out), STATUS_OK);
    (void)snprintf(want, sizeof(want), "%s/.smart-spawn", place->folder);
    assert_string_equal(out, want);
    assert_int_equal(mkdir(".smart-spawn", 0700), 0);
    assert_int_equal(home_find("", out), STATUS_OK);
    (void)snprintf(want, sizeof(want), "%s/a/b/.smart-spawn", place->folder);
    assert_string_equal(out, want);
}

static void
without_a_marked_folder_it_is_the_users(void **state)
{
    char out[HOME_PATH_MAX];
    (void)state;
    assert_int_equal(setenv("HOME", "/home/ada", 1), 0);
    assert_int_equal(home_find("", out), STATUS_OK);
    assert_string_equal(out, "/home/ada/.local/state/smart-spawn");
}

static void
a_short_home_keeps_its_sockets(void **state)
{
    char out[HOME_PATH_MAX];
    (void)state;
    assert_int_equal(home_endpoint("/srv/ss", "routerd-1", out), STATUS_OK);
    assert_string_equal(out, "ipc:///srv/ss/run/routerd-1.sock");
}

/* A home of every length: the sockets' paths always fit, and every instance
 * of a home is in the same folder. */
static void
sockets_fit_whatever_the_homes_length(void **state)
{
    char home[1024] = "/";
    char names[2][HOME_INSTANCE_MAX] = {"a", ""};
    (void)state;
    memset(names[1], 'i', HOME_INSTANCE_MAX - 1);
    for (size_t len = 1; len < sizeof(home) - 1; len++) {
        char run[HOME_PATH_MAX];
        char short_one[HOME_PATH_MAX];
        char long_one[HOME_PATH_MAX];
        home[len] = 'h';
        assert_int_equal(home_run_folder(home, run), STATUS_OK);
        assert_int_equal(home_endpoint(home, names[0], short_one), STATUS_OK);
        assert_memory_equal(short_one + strlen("ipc://"), run, strlen(run));
        assert_true(strlen(short_one) <= strlen("ipc://") + SOCKET_PATH_MAX);
        enum status status = home_endpoint(home, names[1], long_one);
        assert_true(status == STATUS_OK || status == STATUS_OUT_OF_RANGE);
        if (status == STATUS_OK)
            assert_true(strlen(long_one) <= strlen("ipc://") + SOCKET_PATH_MAX);
    }
}

static void
long_homes_have_folders_of_their_own(void **state)
{
    char one[300] = "/";
    char two[300] = "/";
    char out_one[HOME_PATH_MAX];
    char out_two[HOME_PATH_MAX];
    (void)state;
    memset(one + 1, 'h', sizeof(one) - 2);
    memset(two + 1, 'h', sizeof(two) - 2);
    two[sizeof(two) - 2] = 'i';
    assert_int_equal(home_run_folder(one, out_one), STATUS_OK);
    assert_int_equal(home_run_folder(two, out_two), STATUS_OK);
    assert_memory_equal(out_one, "/tmp/smart-spawn-", 17);
    assert_string_not_equal(out_one, out_two);
}

static void
a_path_past_the_maximum_is_out_of_range(void **state)
{
    char *home = calloc(1, HOME_PATH_MAX + 10);
    char out[HOME_PATH_MAX];
    (void)state;
    assert_non_null(home);
    memset(home, '/', HOME_PATH_MAX + 8);
    memset(home + 1, 'h', HOME_PATH_MAX + 7);
    assert_int_equal(home_find(home, out), STATUS_OUT_OF_RANGE);
    assert_int_equal(home_make_folder(home), STATUS_OUT_OF_RANGE);
    home[HOME_PATH_MAX - 3] = '\0';
    assert_int_equal(home_run_folder(home, out), STATUS_OUT_OF_RANGE);
    free(home);
}

static void
the_router_has_two_default_endpoints(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 1 << 16);
    assert_int_equal(home_target("/s", "router", &out), STATUS_OK);
    assert_string_equal(
        buf_text(&out),
        "ipc:///s/run/routerd-1.sock,ipc:///s/run/routerd-2.sock");
    buf_reset(&out);
    assert_int_equal(home_target("/s", "feedback", &out), STATUS_OK);
    assert_string_equal(buf_text(&out), "ipc:///s/run/feedbackd-1.sock");
    assert_int_equal(home_target("/s", "nobody", &out), STATUS_NOT_FOUND);
    buf_fini(&out);
}

static void
instances_are_listed_in_order_and_end(void **state)
{
    static const char *const want[] = {"ingestd-1",   "scorerd-1",
                                       "routerd-1",   "routerd-2",
                                       "feedbackd-1", "gatewayd-1"};
    char instance[HOME_INSTANCE_MAX];
    const char *process;
    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_true(home_instance(i, instance, &process));
        assert_string_equal(instance, want[i]);
        assert_memory_equal(process, want[i], strlen(process));
    }
    assert_false(
        home_instance(sizeof(want) / sizeof(want[0]), instance, &process));
}

static void
folders_are_made_for_their_owner_only(void **state)
{
    struct stat about;
    (void)state;
    assert_int_equal(home_make_folder("x/y/z"), STATUS_OK);
    assert_int_equal(home_make_folder("x/y/z"), STATUS_OK);
    assert_int_equal(stat("x/y", &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(home_write_file("x/file", "1", 1), STATUS_OK);
    assert_int_not_equal(home_make_folder("x/file/z"), STATUS_OK);
    assert_int_not_equal(home_make_folder("x/file"), STATUS_OK);
}

static void
a_folder_for_sockets_must_be_ours_alone(void **state)
{
    (void)state;
    assert_int_equal(home_make_private_folder("run"), STATUS_OK);
    assert_int_equal(chmod("run", 0770), 0);
    assert_int_equal(home_make_private_folder("run"), STATUS_PERMISSION_DENIED);
    assert_int_equal(chmod("run", 0700), 0);
    assert_int_equal(symlink("run", "elsewhere"), 0);
    assert_int_equal(home_make_private_folder("elsewhere"),
                     STATUS_PERMISSION_DENIED);
}

static void
a_file_is_read_as_it_was_written(void **state)
{
    char *bytes;
    size_t len;
    char big[10000];
    (void)state;
    memset(big, 'b', sizeof(big));
    assert_int_equal(home_write_file("f", "old", 3), STATUS_OK);
    assert_int_equal(home_write_file("f", big, sizeof(big)), STATUS_OK);
    assert_int_equal(home_read_file("f", sizeof(big), &bytes, &len), STATUS_OK);
    assert_int_equal(len, sizeof(big));
    assert_memory_equal(bytes, big, len);
    assert_int_equal(bytes[len], '\0');
    free(bytes);
    assert_int_equal(home_read_file("f", sizeof(big) - 1, &bytes, &len),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_int_equal(home_write_file("f", "", 0), STATUS_OK);
    assert_int_equal(home_read_file("f", 0, &bytes, &len), STATUS_OK);
    assert_int_equal(len, 0);
    free(bytes);
}

static void
a_failed_write_leaves_nothing(void **state)
{
    size_t entries = 0;
    (void)state;
    char *bytes;
    size_t len;
    assert_int_equal(home_read_file("none", 10, &bytes, &len),
                     STATUS_NOT_FOUND);
    assert_int_equal(home_write_file("none/f", "x", 1), STATUS_NOT_FOUND);
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_not_equal(home_write_file("folder", "x", 1), STATUS_OK);
    DIR *here = opendir(".");
    assert_non_null(here);
    while (readdir(here) != NULL)
        entries++;
    (void)closedir(here);
    assert_int_equal(entries, 3); /* ".", "..", "folder" */
}

#define PLACED(test)                                                           \
    cmocka_unit_test_setup_teardown(test, open_place, close_place)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(a_configured_home_is_made_absolute),
        PLACED(the_nearest_marked_folder_upward_is_the_home),
        PLACED(without_a_marked_folder_it_is_the_users),
        cmocka_unit_test(a_short_home_keeps_its_sockets),
        cmocka_unit_test(the_router_has_two_default_endpoints),
        cmocka_unit_test(instances_are_listed_in_order_and_end),
        PLACED(folders_are_made_for_their_owner_only),
        PLACED(a_file_is_read_as_it_was_written),
        cmocka_unit_test(sockets_fit_whatever_the_homes_length),
        cmocka_unit_test(long_homes_have_folders_of_their_own),
        cmocka_unit_test(a_path_past_the_maximum_is_out_of_range),
        PLACED(a_folder_for_sockets_must_be_ours_alone),
        PLACED(a_failed_write_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
