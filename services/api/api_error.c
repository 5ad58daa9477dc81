/* A status as HTTP status, error code and exit status: two tables.
 *
 * A reason that HTTP has a status of its own for decides; else the canonical
 * status does. Never logs, never allocates. */
#include "services/api/api_error.h"

#include "core/base/check.h"
#include "core/base/json_out.h"

enum { EXIT_OK = 0, EXIT_NOTHING = 1, EXIT_USAGE = 2, EXIT_UNAVAILABLE = 3 };

static const struct status_row {
    enum status status;
    unsigned http;
    const char *code; /* when there is no reason */
    int exit;
} status_rows[] = {
    {STATUS_OK, 200, "OK", EXIT_OK},
    {STATUS_CANCELLED, 503, "UNAVAILABLE", EXIT_UNAVAILABLE},
    {STATUS_UNKNOWN, 500, "INTERNAL", EXIT_UNAVAILABLE},
    {STATUS_INVALID_ARGUMENT, 400, "INVALID_PARAM", EXIT_USAGE},
    {STATUS_DEADLINE_EXCEEDED, 504, "DEADLINE_EXCEEDED", EXIT_UNAVAILABLE},
    {STATUS_NOT_FOUND, 404, "NOT_FOUND", EXIT_NOTHING},
    {STATUS_ALREADY_EXISTS, 409, "CONFLICT", EXIT_USAGE},
    {STATUS_PERMISSION_DENIED, 403, "FORBIDDEN", EXIT_USAGE},
    /* A server that sheds load; a caller over its quota has the reason
     * RATE_LIMITED. Both may try again later, hence 5xx here, 429 there. */
    {STATUS_RESOURCE_EXHAUSTED, 503, "UNAVAILABLE", EXIT_UNAVAILABLE},
    {STATUS_FAILED_PRECONDITION, 409, "FAILED_PRECONDITION", EXIT_USAGE},
    {STATUS_ABORTED, 409, "CONFLICT", EXIT_USAGE},
    {STATUS_OUT_OF_RANGE, 400, "INVALID_PARAM", EXIT_USAGE},
    {STATUS_UNIMPLEMENTED, 501, "UNIMPLEMENTED", EXIT_UNAVAILABLE},
    {STATUS_INTERNAL, 500, "INTERNAL", EXIT_UNAVAILABLE},
    {STATUS_UNAVAILABLE, 503, "UNAVAILABLE", EXIT_UNAVAILABLE},
    {STATUS_DATA_LOSS, 500, "INTERNAL", EXIT_UNAVAILABLE},
    {STATUS_UNAUTHENTICATED, 401, "UNAUTHORIZED", EXIT_USAGE},
};

static const struct reason_row {
    const char *reason;
    unsigned http;
} reason_rows[] = {
    {"DISABLED", 403},
    {"FORBIDDEN", 403},
    {"METHOD_NOT_ALLOWED", 405},
    {"PAYLOAD_TOO_LARGE", 413},
    {"UNSUPPORTED_MEDIA_TYPE", 415},
    {"RATE_LIMITED", 429},
};

static const struct status_row *
row_of(enum status status)
{
    for (size_t i = 0; i < ARRAY_LEN(status_rows); i++)
        if (status_rows[i].status == status)
            return &status_rows[i];
    return row_of(STATUS_UNKNOWN);
}

unsigned
api_error_http(enum status status, const char *reason)
{
    for (size_t i = 0; reason && i < ARRAY_LEN(reason_rows); i++)
        if (slice_eq(slice_of(reason), slice_of(reason_rows[i].reason)))
            return reason_rows[i].http;
    return row_of(status)->http;
}

const char *
api_error_code(enum status status, const char *reason)
{
    /* What went wrong behind is told by the message; programs need to know
     * only whether to come back. */
    if (reason && *reason && api_error_http(status, reason) < 500)
        return reason;
    return row_of(status)->code;
}

int
api_error_exit(enum status status)
{
    return row_of(status)->exit;
}

void
api_error_write(struct buf *out, const char *code, const char *message)
{
    struct json_out json;

    json_out_init(&json, out);
    json_out_object(&json);
    json_out_key(&json, SLICE("error"));
    json_out_object(&json);
    json_out_key(&json, SLICE("code"));
    json_out_text(&json, slice_of(code));
    json_out_key(&json, SLICE("message"));
    json_out_text(&json, slice_of(message));
    json_out_object_end(&json);
    json_out_object_end(&json);
}
