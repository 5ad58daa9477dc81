/* The paths that are no calls: what this is, whether it works, its counters.
 *
 * Fixed text, written when asked for; the interactive page is served from
 * files elsewhere. */
#include "services/gatewayd/gateway_request.h"

#include "core/base/check.h"
#include "core/base/json_out.h"

#include <string.h>

static const char page[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>Smart Spawn</title></head>\n<body>\n<h1>Smart Spawn</h1>\n"
    "<p>Which model should do this task, at this budget?</p>\n<ul>\n"
    "<li><a href=\"/api/pick?task=build+a+react+app&amp;budget=medium\">"
    "A pick</a> for \"build a react app\" at a medium budget</li>\n"
    "<li><a href=\"/api/recommend?task=coding&amp;count=3\">"
    "Three recommendations</a> for coding</li>\n"
    "<li><a href=\"/api/models?category=coding&amp;limit=20\">Models</a> "
    "with their scores</li>\n"
    "<li><a href=\"/api/status\">Status</a> of the sources and scores</li>\n"
    "<li><a href=\"/api\">All calls</a>, <a href=\"/metrics\">metrics</a>, "
    "<a href=\"/healthz\">health</a>, <a href=\"/readyz\">readiness</a></li>\n"
    "</ul>\n</body></html>\n";

static void
serve_home(struct gateway_request *request)
{
    gateway_reply_header(request, "Content-Security-Policy",
                         "default-src 'none'; frame-ancestors 'none'; "
                         "base-uri 'none'; form-action 'none'");
    gateway_reply_header(request, "Referrer-Policy", "no-referrer");
    gateway_reply_plain(request, 200, "text/html; charset=utf-8",
                        slice_of(page));
}

static void
write_endpoints(struct json_out *json)
{
    size_t count;
    const struct api_call *calls = call_table(&count);

    json_out_list(json);
    for (size_t i = 0; i < count; i++) {
        char path[128] = "/api";

        CHECK(strlen(calls[i].route) < sizeof(path) - 4);
        memcpy(path + 4, calls[i].route, strlen(calls[i].route) + 1);
        json_out_text(json, slice_of(path));
    }
    json_out_list_end(json);
}

static void
serve_root(struct gateway_request *request)
{
    struct buf *out = &request->gateway->out;
    struct json_out json;

    buf_reset(out);
    json_out_init(&json, out);
    json_out_object(&json);
    json_out_key(&json, SLICE("data"));
    json_out_object(&json);
    json_out_key(&json, SLICE("name"));
    json_out_text(&json, SLICE("Smart Spawn"));
    json_out_key(&json, SLICE("version"));
    json_out_text(&json, SLICE(SS_VERSION));
    json_out_key(&json, SLICE("endpoints"));
    write_endpoints(&json);
    json_out_object_end(&json);
    json_out_object_end(&json);
    gateway_reply_plain(request, 200, "application/json", buf_slice(out));
}

static void
serve_metrics(struct gateway_request *request)
{
    struct buf *out = &request->gateway->out;

    request->cors = false;
    buf_reset(out);
    metrics_write(request->gateway->options.metrics, out);
    gateway_reply_plain(request, 200, "text/plain; version=0.0.4",
                        buf_slice(out));
}

static const struct {
    const char *path; /* as sent */
    void (*serve)(struct gateway_request *request);
} pages[] = {
    {"/", serve_home},
    {"/api", serve_root},
    {"/metrics", serve_metrics},
};

static bool
is_get(const struct gateway_request *request)
{
    struct slice method = http_exchange_method(request->exchange);

    return slice_eq(method, SLICE("GET")) || slice_eq(method, SLICE("HEAD"));
}

bool
gateway_page_serve(struct gateway_request *request, struct slice path,
                   const char **ret_verbs)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        if (!slice_eq(path, slice_of(pages[i].path)))
            continue;
        *ret_verbs = "GET, HEAD, OPTIONS";
        if (!is_get(request))
            return false;
        pages[i].serve(request);
        return true;
    }
    return false;
}

static bool
is_ready(const struct gateway *gateway)
{
    const struct gateway_options *options = &gateway->options;

    for (size_t i = 0; i < options->channel_count; i++)
        if (strcmp(options->channels[i].target, "router") == 0)
            return !gateway->draining &&
                   rpc_channel_is_up(options->channels[i].channel);
    return false;
}

bool
gateway_page_health(struct gateway_request *request)
{
    struct slice path = http_exchange_path(request->exchange);
    bool is_live = slice_eq(path, SLICE("/healthz"));

    if (!is_get(request) || (!is_live && !slice_eq(path, SLICE("/readyz"))))
        return false;
    if (is_live || is_ready(request->gateway))
        gateway_reply_plain(request, 200, "application/json",
                            is_live ? SLICE("{\"status\":\"ok\"}")
                                    : SLICE("{\"status\":\"ready\"}"));
    else
        gateway_reply_retry(request, 503, "UNAVAILABLE",
                            request->gateway->draining
                                ? "the gateway is stopping"
                                : "no router answers",
                            1000);
    return true;
}
