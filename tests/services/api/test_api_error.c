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
        enum status status;
        const char *reason;
        unsigned http;
        const char *code;
        int exit;
    } rows[] = {
        /* NOLINT: in reading order */
        {STATUS_OK, "", 200, "OK", 0},
        {STATUS_INVALID_ARGUMENT, "MISSING_PARAM", 400, "MISSING_PARAM", 2},
        {STATUS_INVALID_ARGUMENT, "", 400, "INVALID_PARAM", 2},
        {STATUS_INVALID_ARGUMENT, "PAYLOAD_TOO_LARGE", 413, "PAYLOAD_TOO_LARGE",
         2},
        {STATUS_INVALID_ARGUMENT, "UNSUPPORTED_MEDIA_TYPE", 415,
         "UNSUPPORTED_MEDIA_TYPE", 2},
        {STATUS_NOT_FOUND, "NO_MODEL", 404, "NO_MODEL", 1},
        {STATUS_NOT_FOUND, NULL, 404, "NOT_FOUND", 1},
        {STATUS_UNIMPLEMENTED, "METHOD_NOT_ALLOWED", 405, "METHOD_NOT_ALLOWED",
         3},
        {STATUS_UNAUTHENTICATED, "", 401, "UNAUTHORIZED", 2},
        {STATUS_PERMISSION_DENIED, "", 403, "FORBIDDEN", 2},
        {STATUS_FAILED_PRECONDITION, "DISABLED", 403, "DISABLED", 2},
        {STATUS_ALREADY_EXISTS, "", 409, "CONFLICT", 2},
        {STATUS_RESOURCE_EXHAUSTED, "RATE_LIMITED", 429, "RATE_LIMITED", 3},
        {STATUS_RESOURCE_EXHAUSTED, "", 503, "UNAVAILABLE", 3},
        {STATUS_RESOURCE_EXHAUSTED, "OVERLOADED", 503, "UNAVAILABLE", 3},
        {STATUS_UNAVAILABLE, "", 503, "UNAVAILABLE", 3},
        {STATUS_UNAVAILABLE, "DRAINING", 503, "UNAVAILABLE", 3},
        {STATUS_CANCELLED, "", 503, "UNAVAILABLE", 3},
        {STATUS_DEADLINE_EXCEEDED, "", 504, "DEADLINE_EXCEEDED", 3},
        {STATUS_INTERNAL, "", 500, "INTERNAL", 3},
        {STATUS_UNKNOWN, "", 500, "INTERNAL", 3},
        {STATUS_DATA_LOSS, "", 500, "INTERNAL", 3},
        {STATUS_ABORTED, "", 409, "CONFLICT", 2},
        {STATUS_FAILED_PRECONDITION, "", 409, "FAILED_PRECONDITION", 2},
        {STATUS_OUT_OF_RANGE, "", 400, "INVALID_PARAM", 2},
        {STATUS_UNIMPLEMENTED, "", 501, "UNIMPLEMENTED", 3},
        {(enum status)77, "", 500, "INTERNAL", 3},
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
