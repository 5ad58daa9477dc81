/* Parts of a whole put together: what fits on, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/snapshot_parts.h"

static void
parts_that_do_not_fit_on_each_other_are_refused(void **state)
{
    static const struct {
        uint64_t from, whole, hash;
        size_t len;
        enum status expected;
    } rows[] = {
        {4, 10, 7, 6, STATUS_OK},
        {3, 10, 7, 6, STATUS_DATA_LOSS}, /* again */
        {5, 10, 7, 5, STATUS_DATA_LOSS}, /* a gap */
        {4, 10, 8, 6, STATUS_DATA_LOSS}, /* of another version */
        {4, 10, 7, 0, STATUS_DATA_LOSS}, /* nothing */
        {4, 10, 7, 7, STATUS_DATA_LOSS}, /* more than the whole */
        {4, 3, 7, 1, STATUS_DATA_LOSS},  /* past its end */
        {0, SNAPSHOT_WHOLE_MAX + 1ull, 7, 6, STATUS_RESOURCE_EXHAUSTED},
    };
    uint8_t bytes[] = "0123456789";
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct snapshot_parts parts;
        Ss__SnapshotVersion at = SS__SNAPSHOT_VERSION__INIT;
        Ss__WatchReply reply = SS__WATCH_REPLY__INIT;
        bool complete = false;
        snapshot_parts_init(&parts);
        at.sequence = 1;
        at.hash = 7;
        reply.at = &at;
        reply.has_whole = true;
        reply.whole_bytes = 10;
        reply.whole.data = bytes;
        reply.whole.len = 4;
        assert_int_equal(snapshot_parts_take(&parts, &reply, &complete),
                         STATUS_OK);
        at.hash = rows[i].hash;
        reply.part_from = rows[i].from;
        reply.whole_bytes = rows[i].whole;
        reply.whole.data = bytes + 4;
        reply.whole.len = rows[i].len;
        enum status got = snapshot_parts_take(&parts, &reply, &complete);
        if (got != rows[i].expected)
            fail_msg("row %zu: %s", i, status_text(got));
        assert_int_equal(complete, got == STATUS_OK);
        assert_int_equal(parts.bytes.len, got == STATUS_OK ? 10 : 0);
        snapshot_parts_drop(&parts);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_that_do_not_fit_on_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
