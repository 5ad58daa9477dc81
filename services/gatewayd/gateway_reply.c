/* The end of a request: headers, body, one log line, one count.
 *
 * Every answer carries the security headers; what is no successful read is
 * never cached. The query is not logged: it holds the task. */
#include "services/gatewayd/gateway_request.h"

#include "core/base/check.h"
#include "core/base/hash.h"
#include "services/api/api_error.h"
#include "services/gatewayd/http_guard.h"
#include "services/gatewayd/http_policy.h"
#include "services/runtime/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STATUS_GONE 499 /* nginx's number for a client that did not wait */
#define STATUS_NOT_MODIFIED 304
/* Which headers decide whose ratings count. */
#define WHOSE_HEADERS "Authorization, Origin, Referer, Sec-Fetch-Site"

static int64_t
now_us(void)
{
    struct timespec now;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What names the key that was carried, never the key. */
static const char *
key_of(const struct keyring_bearer *bearer)
{
    static const char *const names[ADMISSION_CARRIES_COUNT] = {
        [ADMISSION_NOTHING] = "-",
        [ADMISSION_UNKNOWN_KEY] = "unknown",
        [ADMISSION_UNCHECKED_KEY] = "unchecked",
        [ADMISSION_MACHINE_TOKEN] = "machine",
        [ADMISSION_OWN_KEY] = "own",
        [ADMISSION_NOT_OWN_KEY] = "unknown",
    };

    return *bearer->key_id ? bearer->key_id : names[bearer->carries];
}

static void
log_end(const struct gateway_request *request, unsigned status)
{
    char trace[TRACE_ID_TEXT_MAX];

    trace_id_format(&request->trace, trace);
    log_event(LOG_INFO, "http", LOG_STR("trace", trace),
              LOG_SLICE("method", http_exchange_method(request->exchange)),
              LOG_SLICE("path", request->loggable
                                    ? http_exchange_path(request->exchange)
                                    : SLICE("-")),
              LOG_STR("tenant", request->bearer.tenant),
              LOG_STR("key", key_of(&request->bearer)),
              LOG_U64("status", status),
              LOG_I64("us", now_us() - request->started_us));
}

static void
request_free(struct gateway_request *request)
{
    request->magic = 0;
    free(request);
}

void
gateway_reply_header(struct gateway_request *request, const char *name,
                     const char *value)
{
    http_exchange_set_header(request->exchange, name, value);
}

/* Pages of other origins may read an answer of the kind that they get. One
 * that holds ratings was given to the user: a page of the same site could take
 * it out of the browser's cache, where no Origin is sent any more, if it were
 * marked as everybody's. */
static bool
is_for_every_page(const struct gateway_request *request)
{
    bool has_ratings =
        request->call && request->call->personal && !request->is_foreign;

    return request->cors && !has_ratings;
}

static void
common_headers(struct gateway_request *request)
{
    char trace[TRACE_TEXT_MAX];

    trace_format(&request->trace, trace);
    gateway_reply_header(request, "traceparent", trace);
    gateway_reply_header(request, "X-Content-Type-Options", "nosniff");
    gateway_reply_header(request, "X-Frame-Options", "DENY");
    if (is_for_every_page(request))
        gateway_reply_header(request, "Access-Control-Allow-Origin", "*");
}

static void
finish(struct gateway_request *request, unsigned status,
       const char *content_type, struct slice body)
{
    struct gateway *gateway = request->gateway;
    struct http_exchange *exchange = request->exchange;

    CHECK_OBJ(request, GATEWAY_REQUEST_MAGIC);
    common_headers(request);
    if (content_type)
        gateway_reply_header(request, "Content-Type", content_type);
    log_end(request, status);
    ++*gateway->answers[status / 100 % GATEWAY_CLASSES];
    *gateway->connections = (int64_t)http_server_connections(gateway->server);
    /* The body may be the request's own. */
    http_exchange_reply(exchange, status, body);
    request_free(request);
}

/* Of the very bytes: a cached answer is never older than the scores. And of
 * whose they are: one tenant's tag never proves another's answer fresh. */
static uint64_t
tag_of(const struct gateway_request *request, struct slice body)
{
    uint64_t tag = hash_slice(body);

    return request->call->personal
               ? hash_mix(hash_slice(slice_of(request->bearer.tenant)), tag)
               : tag;
}

void
gateway_reply_call(struct gateway_request *request, struct slice body)
{
    const struct api_call *call = request->call;
    char etag[24];

    /* A write is done: its answer, which is short, goes out in any case. */
    if (call->class != CALL_READ && call->class != CALL_PRIVATE) {
        gateway_reply_plain(request, 200, "application/json", body);
        return;
    }
    if (!http_server_has_room(request->gateway->server, body.len)) {
        const struct http_refusal_row *row =
            http_guard_row(HTTP_REFUSAL_NO_ROOM);

        gateway_reply_header(request, "Connection", "close");
        gateway_reply_retry(request, row->status, row->code, row->message,
                            GATEWAY_ROOM_RETRY_MS);
        return;
    }
    gateway_reply_header(request, "Cache-Control",
                         call->personal ? "private, no-cache" : "no-cache");
    if (call->personal)
        gateway_reply_header(request, "Vary", WHOSE_HEADERS);
    if (slice_eq(slice_of(call->verb), SLICE("GET"))) {
        (void)snprintf(etag, sizeof(etag), "\"%016llx\"",
                       (unsigned long long)tag_of(request, body));
        gateway_reply_header(request, "ETag", etag);
        if (http_policy_etag_matches(
                http_exchange_header(request->exchange, "If-None-Match"),
                etag)) {
            finish(request, STATUS_NOT_MODIFIED, NULL, slice_make(NULL, 0));
            return;
        }
    }
    finish(request, 200, "application/json", body);
}

void
gateway_reply_plain(struct gateway_request *request, unsigned status,
                    const char *content_type, struct slice body)
{
    gateway_reply_header(request, "Cache-Control", "no-store");
    finish(request, status, content_type, body);
}

void
gateway_reply_error(struct gateway_request *request, unsigned status,
                    const char *code, const char *message)
{
    struct buf *out = &request->gateway->out;

    buf_reset(out);
    api_error_write(out, code, message);
    gateway_reply_plain(request, status, "application/json", buf_slice(out));
}

void
gateway_reply_retry(struct gateway_request *request, unsigned status,
                    const char *code, const char *message, ms_dur after)
{
    char seconds[24];

    (void)snprintf(seconds, sizeof(seconds), "%lld",
                   (long long)(after <= 1000 ? 1 : (after + 999) / 1000));
    gateway_reply_header(request, "Retry-After", seconds);
    gateway_reply_error(request, status, code, message);
}

void
gateway_reply_gone(struct gateway_request *request)
{
    CHECK_OBJ(request, GATEWAY_REQUEST_MAGIC);
    if (request->pending)
        rpc_call_cancel(&request->pending);
    log_end(request, STATUS_GONE);
    ++*request->gateway->gone;
    request_free(request);
}
