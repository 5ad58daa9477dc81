/* Two tables from foreign codes to ours. What is in none is UNAVAILABLE: it may
 * be better next time. */
#include "services/fetch/fetch_status.h"

#include "core/base/check.h"

static const struct {
    CURLcode code;
    enum status status;
} curl_errors[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, STATUS_INVALID_ARGUMENT},
    {CURLE_URL_MALFORMAT, STATUS_INVALID_ARGUMENT},
    {CURLE_FILE_COULDNT_READ_FILE, STATUS_NOT_FOUND},
    {CURLE_REMOTE_FILE_NOT_FOUND, STATUS_NOT_FOUND},
    {CURLE_FILESIZE_EXCEEDED, STATUS_RESOURCE_EXHAUSTED},
    {CURLE_OUT_OF_MEMORY, STATUS_RESOURCE_EXHAUSTED},
    {CURLE_OPERATION_TIMEDOUT, STATUS_DEADLINE_EXCEEDED},
    {CURLE_PARTIAL_FILE, STATUS_DATA_LOSS},
    {CURLE_RECV_ERROR, STATUS_DATA_LOSS},
    {CURLE_BAD_CONTENT_ENCODING, STATUS_DATA_LOSS},
    {CURLE_TOO_MANY_REDIRECTS, STATUS_FAILED_PRECONDITION},
    {CURLE_PEER_FAILED_VERIFICATION, STATUS_FAILED_PRECONDITION},
    {CURLE_SSL_CACERT_BADFILE, STATUS_FAILED_PRECONDITION},
};

/* First row that fits; from the narrow to the wide. */
static const struct {
    long lowest, highest;
    enum status status;
} http_errors[] = {
    {401, 401, STATUS_PERMISSION_DENIED},
    {403, 403, STATUS_PERMISSION_DENIED},
    {404, 404, STATUS_NOT_FOUND},
    {408, 408, STATUS_DEADLINE_EXCEEDED},
    {410, 410, STATUS_NOT_FOUND},
    {429, 429, STATUS_RESOURCE_EXHAUSTED},
    {200, 299, STATUS_OK},
    {304, 304, STATUS_OK},
    {300, 499, STATUS_FAILED_PRECONDITION},
};

enum status
fetch_status_of_curl(CURLcode code)
{
    for (size_t i = 0; i < ARRAY_LEN(curl_errors); i++)
        if (curl_errors[i].code == code)
            return curl_errors[i].status;
    return STATUS_UNAVAILABLE;
}

enum status
fetch_status_of_http(long http)
{
    for (size_t i = 0; i < ARRAY_LEN(http_errors); i++)
        if (http >= http_errors[i].lowest && http <= http_errors[i].highest)
            return http_errors[i].status;
    return STATUS_UNAVAILABLE;
}
