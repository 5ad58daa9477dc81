/* Fetching: GET over http, https and file, on the loop (libcurl underneath).
 *
 * The only includer of curl.h. TLS is verified, always. Bodies are decoded
 * (gzip, deflate, br) and counted after decoding, so a small body cannot grow
 * past max_bytes. Redirects are followed (at most FETCH_REDIRECTS_MAX, https
 * never to http), except for a request that carries a secret header: a key
 * goes to the host it was meant for and nowhere else. Cookies, netrc and
 * proxies of the environment: only the last are honoured. Nothing blocks. */
#ifndef SERVICES_FETCH_FETCHER_H
#define SERVICES_FETCH_FETCHER_H

#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/base/utc.h"
#include "services/runtime/loop.h"

#include <stdbool.h>
#include <stddef.h>

#define FETCH_CONCURRENT_MAX 32 /* fetches under way; more are refused */
#define FETCH_REDIRECTS_MAX 5
#define FETCH_URL_MAX 4096
#define FETCH_HEADERS_MAX 16
#define FETCH_VALIDATOR_MAX 256 /* bytes of an ETag or Last-Modified */
#define FETCH_MESSAGE_MAX 256

struct fetcher;
struct fetch; /* one under way */

struct fetch_request {
    const char *url;
    const char *const *headers; /* "name: value", without line ends */
    size_t header_count;
    bool has_secret;           /* a header is a secret: no redirects */
    size_t max_bytes;          /* of the decoded body, > 0 */
    ms_dur timeout;            /* for the whole exchange, > 0 */
    const char *etag;          /* of the copy held; NULL or "" for none */
    const char *last_modified; /* likewise */
};

/* How a fetch ended; borrowed for the time of the callback.
 *   OK                  2xx with a body, or not_modified (304)
 *   INVALID_ARGUMENT    no URL, or another scheme
 *   NOT_FOUND           404, 410, no such file
 *   PERMISSION_DENIED   401, 403, a file that may not be read
 *   RESOURCE_EXHAUSTED  429, or a body larger than max_bytes
 *   DEADLINE_EXCEEDED   the timeout
 *   DATA_LOSS           the body ended early or could not be decoded
 *   FAILED_PRECONDITION another 4xx, a redirect that is not followed, a
 *                       certificate that does not verify
 *   UNAVAILABLE         5xx, no such host, no connection */
struct fetch_result {
    enum status status;
    const char *message; /* for people, without secrets; "" when OK */
    int http_status;     /* 0 without an HTTP answer */
    bool not_modified;
    struct slice body;
    const char *etag;          /* "" for none */
    const char *last_modified; /* "" for none */
    ms_time modified_at;       /* Last-Modified as a time, 0 unknown */
    ms_dur retry_after;        /* what the server asked for, 0 for nothing */
};

typedef void (*fetch_done_fn)(void *context, const struct fetch_result *result);

enum status
fetcher_new(struct loop *loop, struct fetcher **ret_fetcher) MUST_CHECK;
/* Fetches under way end without their callbacks. Not from within one. */
void fetcher_free(struct fetcher **fetcher);

/* Start a GET; everything in the request is copied. done is called exactly
 * once, never from inside fetcher_get; it may start further fetches. ret_fetch
 * may be NULL. The status is about starting only (then done is not called):
 * RESOURCE_EXHAUSTED past FETCH_CONCURRENT_MAX, FAILED_PRECONDITION for a file
 * that is no regular one (opening it may block), INVALID_ARGUMENT for a request
 * out of its bounds. */
enum status fetcher_get(struct fetcher *fetcher,
                        const struct fetch_request *request, fetch_done_fn done,
                        void *context, struct fetch **ret_fetch) MUST_CHECK;
/* Give up: done is not called. */
void fetcher_cancel(struct fetch **fetch);

#endif
