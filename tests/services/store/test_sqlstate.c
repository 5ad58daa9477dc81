/* The table of error codes, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/store/sqlstate.h"

#include <stdio.h>
#include <string.h>

static void
every_row_of_the_table_holds(void **state)
{
    FILE *file = fopen(SS_SOURCE_DIR "/tests/tables/sqlstate.tsv", "re");
    char line[256];
    unsigned rows = 0;

    (void)state;
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file)); /* the heading */
    while (fgets(line, sizeof(line), file)) {
        struct slice rest = slice_trim(slice_of(line));
        struct slice code = {0};
        struct slice wanted = {0};

        assert_true(slice_split(&rest, '\t', &code));
        assert_true(slice_split(&rest, '\t', &wanted));
        if (slice_eq(code, SLICE("-")))
            code.len = 0;
        if (!slice_eq(slice_of(status_text(sqlstate_status(code))), wanted))
            fail_msg("%.*s is %s, not %.*s", SLICE_ARG(code),
                     status_text(sqlstate_status(code)), SLICE_ARG(wanted));
        rows++;
    }
    (void)fclose(file);
    assert_true(rows >= 19);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
