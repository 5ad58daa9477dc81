/* What was asked, and the answer: evhttp's request behind a small face. */
#include "services/gatewayd/http_exchange.h"

#include "core/base/check.h"
#include "services/gatewayd/http_policy.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <sys/queue.h>

struct slice
http_exchange_method(const struct http_exchange *exchange)
{
    static const struct {
        enum evhttp_cmd_type type;
        const char *name;
    } names[] = {
        {EVHTTP_REQ_GET, "GET"},         {EVHTTP_REQ_HEAD, "HEAD"},
        {EVHTTP_REQ_POST, "POST"},       {EVHTTP_REQ_PUT, "PUT"},
        {EVHTTP_REQ_DELETE, "DELETE"},   {EVHTTP_REQ_PATCH, "PATCH"},
        {EVHTTP_REQ_OPTIONS, "OPTIONS"},
    };
    enum evhttp_cmd_type type = evhttp_request_get_command(exchange->request);

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].type == type)
            return slice_of(names[i].name);
    return SLICE("-");
}

/* The target as it was sent: evhttp's own parse is not asked. */
static struct slice
target(const struct http_exchange *exchange)
{
    return slice_of(evhttp_request_get_uri(exchange->request));
}

struct slice
http_exchange_path(const struct http_exchange *exchange)
{
    struct slice whole = target(exchange);
    ptrdiff_t mark = slice_find(whole, SLICE("?"));

    return mark < 0 ? whole : slice_cut(whole, 0, (size_t)mark);
}

struct slice
http_exchange_query(const struct http_exchange *exchange)
{
    struct slice whole = target(exchange);
    ptrdiff_t mark = slice_find(whole, SLICE("?"));

    if (mark < 0)
        return slice_make(NULL, 0);
    return slice_cut(whole, (size_t)mark + 1, whole.len);
}

struct slice
http_exchange_body(const struct http_exchange *exchange)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(exchange->request);
    size_t len = evbuffer_get_length(body);

    return slice_make((const char *)evbuffer_pullup(body, -1), len);
}

const char *
http_exchange_peer(const struct http_exchange *exchange)
{
    char *address = NULL;
    ev_uint16_t port = 0;

    evhttp_connection_get_peer(exchange->connection, &address, &port);
    return address ? address : "";
}

const char *
http_exchange_header(const struct http_exchange *exchange, const char *name)
{
    return evhttp_find_header(
        evhttp_request_get_input_headers(exchange->request), name);
}

void
http_exchange_on_gone(struct http_exchange *exchange, loop_fn gone,
                      void *context)
{
    CHECK_OBJ(exchange, HTTP_EXCHANGE_MAGIC);
    exchange->gone = gone;
    exchange->gone_context = context;
}

void
http_exchange_set_header(struct http_exchange *exchange, const char *name,
                         const char *value)
{
    CHECK_OBJ(exchange, HTTP_EXCHANGE_MAGIC);
    (void)evhttp_add_header(
        evhttp_request_get_output_headers(exchange->request), name, value);
}

/* evhttp knows only a Connection that is "close" and nothing else. */
static bool
wants_close(const struct http_exchange *exchange)
{
    const struct evkeyval *header;

    TAILQ_FOREACH(header, evhttp_request_get_input_headers(exchange->request),
                  next)
    if (slice_eq_fold(slice_of(header->key), SLICE("Connection")) &&
        http_policy_lists(header->value, "close"))
        return true;
    return false;
}

void
http_exchange_headers(const struct http_exchange *exchange, const char *name,
                      struct buf *out)
{
    const struct evkeyval *header;

    TAILQ_FOREACH(header, evhttp_request_get_input_headers(exchange->request),
                  next)
    {
        if (!slice_eq_fold(slice_of(header->key), slice_of(name)))
            continue;
        if (out->len > 0)
            buf_put_char(out, ',');
        buf_put_text(out, header->value);
    }
}

/* evhttp would send a HEAD's body, and a 304's length, if it were given. */
static bool
has_body(const struct http_exchange *exchange, unsigned status)
{
    return evhttp_request_get_command(exchange->request) != EVHTTP_REQ_HEAD &&
           status != HTTP_NOCONTENT && status != HTTP_NOTMODIFIED;
}

/* RFC 9110 and 6585; evhttp has only a few of them. */
static const char *
phrase_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Status";
}

void
http_exchange_reply(struct http_exchange *exchange, unsigned status,
                    struct slice body)
{
    struct evbuffer *out;
    char length[24];

    CHECK_OBJ(exchange, HTTP_EXCHANGE_MAGIC);
    CHECK(!exchange->replied);
    exchange->replied = true;
    out = evhttp_request_get_output_buffer(exchange->request);
    if (has_body(exchange, status)) {
        (void)evbuffer_add(out, body.ptr, body.len);
    } else if (status != HTTP_NOCONTENT && status != HTTP_NOTMODIFIED) {
        (void)snprintf(length, sizeof(length), "%zu", body.len);
        http_exchange_set_header(exchange, "Content-Length", length);
    }
    if (exchange->server->draining || wants_close(exchange))
        http_exchange_set_header(exchange, "Connection", "close");
    /* The exchange may end in here. */
    evhttp_send_reply(exchange->request, (int)status, phrase_of(status), NULL);
}
