/* The gateway's life, and the way of a request to its call.
 *
 * Each check either answers the request and says so, or lets it pass; the
 * order is the one in gateway.h. */
#include "services/gatewayd/gateway.h"

#include "core/base/check.h"
#include "services/gatewayd/gateway_request.h"
#include "services/gatewayd/http_front.h"
#include "services/gatewayd/http_policy.h"
#include "services/runtime/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MINUTE_MS 60000
#define HOUR_MS 3600000
#define CLIENTS_MAX 65536 /* remembered a minute: 2 MiB */
#define REFRESH_CLIENTS_MAX 1024

/* --- checks: true when the request was answered --- */

static bool
is_refused(struct gateway_request *request)
{
    enum http_refusal refusal =
        http_front_refusal(http_exchange_path(request->exchange));
    const struct http_refusal_row *row;

    if (refusal == HTTP_REFUSAL_NONE)
        return false;
    row = http_guard_row(refusal);
    request->loggable = false;
    if (row->status == 405)
        gateway_reply_header(request, "Allow", "GET, HEAD, POST, OPTIONS");
    if (row->status == 503)
        gateway_reply_retry(request, row->status, row->code, row->message,
                            GATEWAY_ROOM_RETRY_MS);
    else
        gateway_reply_error(request, row->status, row->code, row->message);
    return true;
}

static bool
is_wrong_host(struct gateway_request *request)
{
    if (http_policy_host(http_exchange_header(request->exchange, "Host"),
                         request->gateway->options.hosts))
        return false;
    gateway_reply_error(request, 403, "FORBIDDEN",
                        "this Host is not served here; the operator can add "
                        "it to http.hosts");
    return true;
}

static bool
is_over_limit(struct gateway_request *request, struct rate_limit *rate,
              const char *message)
{
    ms_dur wait;

    if (rate_limit_take(rate, &request->limited,
                        loop_now(request->gateway->loop), &wait))
        return false;
    gateway_reply_retry(request, 429, "RATE_LIMITED", message, wait);
    return true;
}

/* Pages of other origins have a count of their own: what a page somewhere asks
 * in a visitor's browser does not use up what the visitor's programs may. */
static struct rate_limit *
requests_of(const struct gateway_request *request)
{
    return request->is_foreign ? request->gateway->page_requests
                               : request->gateway->requests;
}

/* What a preflight asks for; a write is never allowed to another origin, so
 * it gets no CORS headers and the browser stops there. */
static void
reply_options(struct gateway_request *request, const char *verbs)
{
    gateway_reply_header(request, "Allow", verbs);
    if (request->cors) {
        gateway_reply_header(request, "Access-Control-Allow-Methods", verbs);
        gateway_reply_header(request, "Access-Control-Allow-Headers",
                             "Content-Type, If-None-Match, traceparent");
        gateway_reply_header(request, "Access-Control-Max-Age", "600");
    }
    gateway_reply_plain(request, 204, NULL, slice_make(NULL, 0));
}

static bool
is_wrong_type(struct gateway_request *request)
{
    struct http_exchange *exchange = request->exchange;
    bool is_page = http_exchange_header(exchange, "Origin") ||
                   http_exchange_header(exchange, "Sec-Fetch-Site");

    if (http_exchange_body(exchange).len == 0 ||
        http_policy_is_json(http_exchange_header(exchange, "Content-Type"),
                            is_page))
        return false;
    gateway_reply_error(request, 415, "UNSUPPORTED_MEDIA_TYPE",
                        "the body must be application/json");
    return true;
}

/* Refreshing asks other people's servers: seldom. */
static bool
is_refreshed_too_often(struct gateway_request *request)
{
    return slice_eq(slice_of(request->call->route), SLICE("/refresh")) &&
           is_over_limit(request, request->gateway->refreshes,
                         "too many refreshes from this address this hour");
}

/* --- the way --- */

static void
serve_call(struct gateway_request *request)
{
    if (gateway_trust_refuses(request) || is_wrong_type(request) ||
        is_refreshed_too_often(request))
        return;
    gateway_call_start(request);
}

/* "/api/pick" and "/pick" are one route. */
static struct slice
without_prefix(struct slice path)
{
    if (slice_starts(path, SLICE("/api/")))
        return slice_cut(path, 4, path.len);
    return path;
}

static void
serve_unrouted(struct gateway_request *request, const char *verbs)
{
    char message[96];

    if (!verbs) {
        gateway_reply_error(request, 404, "NOT_FOUND",
                            "there is no such path; GET /api lists them");
        return;
    }
    gateway_reply_header(request, "Allow", verbs);
    (void)snprintf(message, sizeof(message), "this path takes %s", verbs);
    gateway_reply_error(request, 405, "METHOD_NOT_ALLOWED", message);
}

static void
route(struct gateway_request *request)
{
    struct slice method = http_exchange_method(request->exchange);
    struct slice path = http_exchange_path(request->exchange);
    const char *verbs = NULL;

    request->cors = true;
    if (gateway_page_serve(request, path, &verbs))
        return;
    if (!verbs) {
        const struct api_call *any;

        path = without_prefix(path);
        request->call = call_table_route(method, path, &verbs);
        any = call_table_any(path);
        request->cors = !any || any->class == CALL_READ;
    }
    if (verbs && slice_eq(method, SLICE("OPTIONS")))
        reply_options(request, verbs);
    else if (request->call)
        serve_call(request);
    else
        serve_unrouted(request, verbs);
}

static void
on_gone(void *context)
{
    gateway_reply_gone(context);
}

static int64_t
now_us(void)
{
    struct timespec now;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Who asks: each proxy may have added an X-Forwarded-For of its own. */
static struct ip_address
client_of(const struct gateway *gateway, const struct http_exchange *exchange)
{
    struct ip_address client;
    struct buf forwarded;

    buf_init(&forwarded, gateway->options.http.max_head);
    http_exchange_headers(exchange, "X-Forwarded-For", &forwarded);
    client = client_address_of(slice_of(http_exchange_peer(exchange)),
                               buf_text(&forwarded), &gateway->trusted);
    buf_fini(&forwarded);
    return client;
}

static struct gateway_request *
request_new(struct gateway *gateway, struct http_exchange *exchange)
{
    struct gateway_request *request = calloc(1, sizeof(*request));

    if (!request)
        return NULL;
    request->magic = GATEWAY_REQUEST_MAGIC;
    request->gateway = gateway;
    request->exchange = exchange;
    request->loggable = true;
    request->bearer = (struct keyring_bearer){.tenant = TENANT_DEFAULT};
    request->started_us = now_us();
    request->trace =
        trace_continue(slice_of(http_exchange_header(exchange, "traceparent")));
    request->is_foreign = gateway_trust_is_foreign(exchange);
    request->client = client_of(gateway, exchange);
    request->limited = client_address_key(request->client);
    http_exchange_on_gone(exchange, on_gone, request);
    return request;
}

static void
on_request(void *context, struct http_exchange *exchange)
{
    struct gateway *gateway = context;
    struct gateway_request *request = request_new(gateway, exchange);

    if (!request) {
        http_exchange_reply(exchange, 503, slice_make(NULL, 0));
        return;
    }
    if (is_refused(request) || gateway_page_health(request) ||
        is_wrong_host(request) ||
        is_over_limit(request, requests_of(request),
                      "too many requests from this address this minute"))
        return;
    route(request);
}

/* --- life --- */

static void
set_up_metrics(struct gateway *gateway)
{
    static const char *const classes[GATEWAY_CLASSES] = {
        "class=\"none\"", "class=\"1xx\"", "class=\"2xx\"",
        "class=\"3xx\"",  "class=\"4xx\"", "class=\"5xx\""};
    struct metrics *metrics = gateway->options.metrics;

    for (size_t i = 0; i < GATEWAY_CLASSES; i++)
        gateway->answers[i] =
            metrics_counter(metrics, "smart_spawn_http_answers_total",
                            classes[i], "HTTP answers by class of status.");
    gateway->gone = metrics_counter(
        metrics, "smart_spawn_http_gone_total", "",
        "HTTP requests whose client went away before the answer.");
    gateway->connections =
        metrics_gauge(metrics, "smart_spawn_http_connections", "",
                      "HTTP connections open at the last answer.");
}

static enum status
start(struct gateway *gateway)
{
    struct gateway_options *options = &gateway->options;
    enum status status = client_networks_parse(
        slice_of(options->trusted_proxies), &gateway->trusted);

    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "bad-trusted-proxies",
                  LOG_STR("value", options->trusted_proxies));
        return STATUS_INVALID_ARGUMENT;
    }
    gateway->requests =
        rate_limit_new(options->per_minute, MINUTE_MS, CLIENTS_MAX);
    gateway->page_requests =
        rate_limit_new(options->per_minute, MINUTE_MS, CLIENTS_MAX);
    gateway->refreshes = rate_limit_new(options->refreshes_per_hour, HOUR_MS,
                                        REFRESH_CLIENTS_MAX);
    if (!gateway->requests || !gateway->page_requests || !gateway->refreshes)
        return STATUS_RESOURCE_EXHAUSTED;
    options->http.trusted_proxies = &gateway->trusted;
    options->http.metrics = options->metrics;
    options->http.on_request = on_request;
    options->http.context = gateway;
    return http_server_new(gateway->loop, &options->http, &gateway->server);
}

enum status
gateway_new(struct loop *loop, const struct gateway_options *options,
            struct gateway **ret_gateway)
{
    struct gateway *gateway = calloc(1, sizeof(*gateway));
    enum status status;

    if (!gateway)
        return STATUS_RESOURCE_EXHAUSTED;
    gateway->magic = GATEWAY_MAGIC;
    gateway->options = *options;
    gateway->loop = loop;
    buf_init(&gateway->out, GATEWAY_REPLY_MAX);
    set_up_metrics(gateway);
    status = start(gateway);
    if (status != STATUS_OK) {
        gateway_free(&gateway);
        return status;
    }
    *ret_gateway = gateway;
    return STATUS_OK;
}

void
gateway_free(struct gateway **gateway_at)
{
    struct gateway *gateway = *gateway_at;

    if (!gateway)
        return;
    CHECK_OBJ(gateway, GATEWAY_MAGIC);
    http_server_free(&gateway->server);
    rate_limit_free(&gateway->requests);
    rate_limit_free(&gateway->page_requests);
    rate_limit_free(&gateway->refreshes);
    buf_fini(&gateway->out);
    gateway->magic = 0;
    free(gateway);
    *gateway_at = NULL;
}

int
gateway_port(const struct gateway *gateway)
{
    return http_server_listen(gateway->server)->port;
}

void
gateway_url(const struct gateway *gateway, struct buf *out)
{
    http_listen_url(http_server_listen(gateway->server), out);
}

void
gateway_drain(void *context, loop_fn finished, void *finished_context)
{
    struct gateway *gateway = context;

    CHECK_OBJ(gateway, GATEWAY_MAGIC);
    gateway->draining = true;
    http_server_drain(gateway->server, finished, finished_context);
}
