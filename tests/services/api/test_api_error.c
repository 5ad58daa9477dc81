/* Statuses as HTTP statuses, codes and exit statuses, and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/api/api_error.h"

static void
statuses_map_to_http(void **state)
{
    static const struct {
        const char *reason, *code;
        enum status status;
        unsigned http;
        int exit;
    } rows[] = {

        {"", "OK", STATUS_OK, 200, 0},
        {"MISSING_PARAM", "MISSING_PARAM", STATUS_INVALID_ARGUMENT, 400, 2},
        {"", "INVALID_PARAM", STATUS_INVALID_ARGUMENT, 400, 2},
        {"PAYLOAD_TOO_LARGE", "PAYLOAD_TOO_LARGE", STATUS_INVALID_ARGUMENT, 413,
         2},
        {"UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_MEDIA_TYPE",
         STATUS_INVALID_ARGUMENT, 415, 2},
        {"NO_MODEL", "NO_MODEL", STATUS_NOT_FOUND, 404, 1},
        {NULL, "NOT_FOUND", STATUS_NOT_FOUND, 404, 1},
        {"METHOD_NOT_ALLOWED", "METHOD_NOT_ALLOWED", STATUS_UNIMPLEMENTED, 405,
         3},
        {"", "UNAUTHORIZED", STATUS_UNAUTHENTICATED, 401, 2},
        {"", "FORBIDDEN", STATUS_PERMISSION_DENIED, 403, 2},
        {"DISABLED", "DISABLED", STATUS_FAILED_PRECONDITION, 403, 2},
        {"", "CONFLICT", STATUS_ALREADY_EXISTS, 409, 2},
        {"RATE_LIMITED", "RATE_LIMITED", STATUS_RESOURCE_EXHAUSTED, 429, 3},
        {"", "UNAVAILABLE", STATUS_RESOURCE_EXHAUSTED, 503, 3},
        {"OVERLOADED", "UNAVAILABLE", STATUS_RESOURCE_EXHAUSTED, 503, 3},
        {"", "UNAVAILABLE", STATUS_UNAVAILABLE, 503, 3},
        {"DRAINING", "UNAVAILABLE", STATUS_UNAVAILABLE, 503, 3},
        {"", "UNAVAILABLE", STATUS_CANCELLED, 503, 3},
        {"", "DEADLINE_EXCEEDED", STATUS_DEADLINE_EXCEEDED, 504, 3},
        {"", "INTERNAL", STATUS_INTERNAL, 500, 3},
        {"", "INTERNAL", STATUS_UNKNOWN, 500, 3},
        {"", "INTERNAL", STATUS_DATA_LOSS, 500, 3},
        {"", "CONFLICT", STATUS_ABORTED, 409, 2},
        {"", "FAILED_PRECONDITION", STATUS_FAILED_PRECONDITION, 409, 2},
        {"", "INVALID_PARAM", STATUS_OUT_OF_RANGE, 400, 2},
        {"", "UNIMPLEMENTED", STATUS_UNIMPLEMENTED, 501, 3},
        {"", "INTERNAL", (enum status)77, 500, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(api_error_http(rows[i].status, rows[i].reason),
                         rows[i].http);
        assert_string_equal(api_error_code(rows[i].status, rows[i].reason),
                            rows[i].code);
        assert_int_equal(api_error_exit(rows[i].status), rows[i].exit);
    }
}

static void
an_error_is_written_as_json(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    api_error_write(&out, "INVALID_PARAM", "a \"b\"\n");
    assert_string_equal(buf_text(&out),
                        "{\"error\":{\"code\":\"INVALID_PARAM\","
                        "\"message\":\"a \\\"b\\\"\\n\"}}");
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_map_to_http),
        cmocka_unit_test(an_error_is_written_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
