/* A status as people and programs see it: HTTP status, error code, exit code.
 *
 * One table maps (status, reason) to all three. */
#ifndef SERVICES_API_API_ERROR_H
#define SERVICES_API_API_ERROR_H

#include "core/base/buf.h"
#include "core/base/status.h"

/* 400 for INVALID_ARGUMENT, 401, 403, 404, 409, 429, 500, 501, 503, 504. A
 * reason may be more exact: 403 DISABLED, 405 METHOD_NOT_ALLOWED,
 * 413 PAYLOAD_TOO_LARGE, 415 UNSUPPORTED_MEDIA_TYPE, 429 RATE_LIMITED. */
unsigned api_error_http(enum status status, const char *reason);
/* The code in the body: the reason when there is one ("MISSING_PARAM"), else
 * the status's default; for 5xx always the default ("UNAVAILABLE"). */
const char *api_error_code(enum status status, const char *reason);
/* Exit status of the command: 0 OK, 1 nothing found, 2 usage, 3 unavailable. */
int api_error_exit(enum status status);
/* {"error":{"code":…,"message":…}} */
void api_error_write(struct buf *out, const char *code, const char *message);

#endif
