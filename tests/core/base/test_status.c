/* Status codes: text and number both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/status.h"

static void
every_code_has_its_grpc_number_and_text(void **state)
{
    (void)state;
    assert_int_equal(STATUS_OK, 0);
    assert_int_equal(STATUS_UNAUTHENTICATED, 16);
    assert_string_equal(status_text(STATUS_OK), "OK");
    assert_string_equal(status_text(STATUS_RESOURCE_EXHAUSTED),
                        "RESOURCE_EXHAUSTED");
    for (unsigned number = 0; number <= 16; number++)
        assert_int_equal(status_from_number(number), number);
}

static void
a_number_that_is_no_code_becomes_unknown(void **state)
{
    (void)state;
    assert_int_equal(status_from_number(17), STATUS_UNKNOWN);
    assert_int_equal(status_from_number(UINT32_MAX), STATUS_UNKNOWN);
    assert_string_equal(status_text((enum status)99), "UNKNOWN");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_grpc_number_and_text),
        cmocka_unit_test(a_number_that_is_no_code_becomes_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
