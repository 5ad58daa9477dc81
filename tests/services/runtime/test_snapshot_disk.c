/* The copy on disk by itself; followers with one are in test_snapshot.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/home.h"
#include "services/runtime/snapshot_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
a_folder_that_was_removed_is_made_again(void **state)
{
    const struct snapshot_version version = {
        .epoch = 1, .sequence = 2, .hash = 3};
    struct snapshot_version read;
    struct slice content;
    char home[] = "/tmp/ss-disk-XXXXXX", folder[64], path[96];
    char *file;
    (void)state;
    assert_non_null(mkdtemp(home));
    (void)snprintf(folder, sizeof folder, "%s/copies", home);
    (void)snprintf(path, sizeof path, "%s/text.snap", folder);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            snapshot_disk_write(path, "text", &version, SLICE("content")),
            STATUS_OK);
        assert_int_equal(
            snapshot_disk_read(path, "text", &file, &read, &content),
            STATUS_OK);
        assert_true(slice_eq(content, SLICE("content")));
        assert_int_equal(read.hash, 3);
        free(file);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0);
    }
    assert_int_equal(rmdir(home), 0);
}

static void
a_folder_that_cannot_be_made_is_told(void **state)
{
    const struct snapshot_version version = {.sequence = 1};
    (void)state;
    assert_int_not_equal(snapshot_disk_write("/dev/null/x/text.snap", "text",
                                             &version, SLICE("content")),
                         STATUS_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_that_was_removed_is_made_again),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
