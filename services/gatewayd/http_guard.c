/* The strict reading of a request's head.
 *
 * RFC 9112 with the choices that are safe behind any proxy: no folding, no
 * bare line feeds, one plain Content-Length or "chunked" but never both, one
 * Host, origin-form targets. Header names are tokens and touch their colon.
 * It never repairs anything. */
#include "services/gatewayd/http_guard.h"

#include "core/base/check.h"
#include "core/base/text.h"

static const struct http_refusal_row rows[] = {
#define REFUSAL(symbol, status, code, message)                                 \
    [HTTP_REFUSAL_##symbol] = {(status), (code), (message)},
#include "services/gatewayd/http_refusal.def"
#undef REFUSAL
};

const struct http_refusal_row *
http_guard_row(enum http_refusal refusal)
{
    CHECK(refusal > HTTP_REFUSAL_NONE && refusal < HTTP_REFUSAL_COUNT);
    return &rows[refusal];
}

/* What evhttp and the routes know; the rest ends here. */
static const struct method_row {
    struct slice name;
    bool has_body; /* evhttp reads one */
} methods[] = {
    {{"GET", 3}, false},     {{"HEAD", 4}, false}, {{"POST", 4}, true},
    {{"OPTIONS", 7}, false}, {{"PUT", 3}, true},   {{"PATCH", 5}, true},
    {{"DELETE", 6}, false},
};

static const struct method_row *
method_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (slice_eq(methods[i].name, name))
            return &methods[i];
    return NULL;
}

static bool
is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

static bool
is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.ptr[i]) &&
            slice_find(SLICE("!#$%&'*+-.^_`|~"), slice_make(text.ptr + i, 1)) <
                0)
            return false;
    return text.len > 0;
}

/* Visible bytes, and those of UTF-8, which many clients send raw. */
static bool
is_target(struct slice text)
{
    if (text.len == 0 || text.ptr[0] != '/')
        return false;
    if (text.len > 1 && text.ptr[1] == '/')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c <= ' ' || c == 0x7f || c == '#' || c == '\\')
            return false;
    }
    return true;
}

static bool
is_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Take the next line, which must end with CR LF and hold no other of both. */
static bool
next_line(struct slice *rest, struct slice *ret_line)
{
    ptrdiff_t end = slice_find(*rest, SLICE("\r\n"));

    if (end < 0)
        return false;
    *ret_line = slice_cut(*rest, 0, (size_t)end);
    *rest = slice_cut(*rest, (size_t)end + 2, rest->len);
    return slice_find(*ret_line, SLICE("\n")) < 0 &&
           slice_find(*ret_line, SLICE("\r")) < 0;
}

/* Headers that decide something stand once: of two, the next one to look may
 * take the other. X-Forwarded-For is a list by nature and not among them. */
static const struct slice singles[] = {
    {"Authorization", 13},  {"Origin", 6},        {"Referer", 7},
    {"Sec-Fetch-Site", 14}, {"Content-Type", 12}, {"Idempotency-Key", 15},
};

struct head {
    const struct method_row *method;
    bool is_http_1_1;
    unsigned hosts, lengths, encodings;
    unsigned singles; /* those seen, a bit each */
    struct http_framing framing;
};

static enum http_refusal
check_request_line(struct slice line, struct head *head)
{
    struct slice method, target;

    if (!slice_split(&line, ' ', &method) || !slice_split(&line, ' ', &target))
        return HTTP_REFUSAL_REQUEST_LINE;
    if (!is_token(method))
        return HTTP_REFUSAL_REQUEST_LINE;
    head->is_http_1_1 = slice_eq(line, SLICE("HTTP/1.1"));
    if (!head->is_http_1_1 && !slice_eq(line, SLICE("HTTP/1.0")))
        return HTTP_REFUSAL_REQUEST_LINE;
    if (!is_target(target))
        return HTTP_REFUSAL_TARGET;
    head->method = method_find(method);
    return head->method ? HTTP_REFUSAL_NONE : HTTP_REFUSAL_METHOD;
}

static bool
is_host(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.ptr[i]) &&
            slice_find(SLICE(".-_:[]%"), slice_make(text.ptr + i, 1)) < 0)
            return false;
    return text.len > 0;
}

static enum http_refusal
take_host(struct slice value, struct head *head)
{
    if (head->hosts++ > 0 || !is_host(value))
        return HTTP_REFUSAL_HOST;
    return HTTP_REFUSAL_NONE;
}

static enum http_refusal
take_length(struct slice value, struct head *head)
{
    if (head->lengths++ > 0 || value.len == 0 || value.len > 18)
        return HTTP_REFUSAL_LENGTH;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return HTTP_REFUSAL_LENGTH;
        head->framing.length =
            head->framing.length * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    return HTTP_REFUSAL_NONE;
}

static enum http_refusal
take_encoding(struct slice value, struct head *head)
{
    if (head->encodings++ > 0 || !slice_eq_fold(value, SLICE("chunked")))
        return HTTP_REFUSAL_ENCODING;
    head->framing.chunked = true;
    return HTTP_REFUSAL_NONE;
}

static enum http_refusal
take_expect(struct slice value, struct head *head)
{
    if (!slice_eq_fold(value, SLICE("100-continue")))
        return HTTP_REFUSAL_EXPECT;
    head->framing.expects_continue = true;
    return HTTP_REFUSAL_NONE;
}

static const struct {
    struct slice name;
    enum http_refusal (*take)(struct slice value, struct head *head);
} guarded[] = {
    {{"Host", 4}, take_host},
    {{"Content-Length", 14}, take_length},
    {{"Transfer-Encoding", 17}, take_encoding},
    {{"Expect", 6}, take_expect},
};

static enum http_refusal
take_single(struct slice name, struct head *head)
{
    for (size_t i = 0; i < ARRAY_LEN(singles); i++) {
        if (!slice_eq_fold(name, singles[i]))
            continue;
        if ((head->singles & 1U << i) != 0)
            return HTTP_REFUSAL_TWICE;
        head->singles |= 1U << i;
    }
    return HTTP_REFUSAL_NONE;
}

/* "Name: value"; the value with the white space around it. */
static bool
split_header(struct slice line, struct slice *ret_name, struct slice *ret_value)
{
    ptrdiff_t colon = slice_find(line, SLICE(":"));

    if (colon < 0)
        return false;
    *ret_name = slice_cut(line, 0, (size_t)colon);
    *ret_value = slice_cut(line, (size_t)colon + 1, line.len);
    return true;
}

static enum http_refusal
check_header(struct slice line, struct head *head)
{
    struct slice name, value;

    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return HTTP_REFUSAL_FOLDED;
    if (!split_header(line, &name, &value) || !is_token(name))
        return HTTP_REFUSAL_HEADER_NAME;
    /* Before it is trimmed: a vertical tab or a form feed is white space for
     * some readers and part of the value for others. */
    if (!is_value(value))
        return HTTP_REFUSAL_HEADER_VALUE;
    value = slice_trim(value);
    for (size_t i = 0; i < ARRAY_LEN(guarded); i++)
        if (slice_eq_fold(name, guarded[i].name))
            return guarded[i].take(value, head);
    return take_single(name, head);
}

/* What only shows when all headers were seen. */
static enum http_refusal
check_whole(const struct head *head)
{
    if (head->is_http_1_1 && head->hosts == 0)
        return HTTP_REFUSAL_HOST;
    if (head->framing.chunked && (head->lengths > 0 || !head->is_http_1_1))
        return HTTP_REFUSAL_ENCODING;
    if (!head->method->has_body &&
        (head->framing.chunked || head->framing.length > 0))
        return HTTP_REFUSAL_BODY;
    return HTTP_REFUSAL_NONE;
}

enum http_refusal
http_guard_head(struct slice bytes, struct http_framing *ret_framing)
{
    struct head head = {0};
    enum http_refusal refusal;
    struct slice line;

    if (!next_line(&bytes, &line))
        return HTTP_REFUSAL_LINE_END;
    refusal = check_request_line(line, &head);
    for (unsigned count = 0; refusal == HTTP_REFUSAL_NONE; count++) {
        if (!next_line(&bytes, &line))
            return HTTP_REFUSAL_LINE_END;
        if (line.len == 0)
            break;
        if (count == HTTP_GUARD_HEADERS_MAX)
            return HTTP_REFUSAL_TOO_MANY_HEADERS;
        refusal = check_header(line, &head);
    }
    if (refusal == HTTP_REFUSAL_NONE && bytes.len > 0)
        return HTTP_REFUSAL_LINE_END;
    if (refusal == HTTP_REFUSAL_NONE)
        refusal = check_whole(&head);
    if (refusal != HTTP_REFUSAL_NONE)
        return refusal;
    if (!head.is_http_1_1) /* which knows no "100 Continue" */
        head.framing.expects_continue = false;
    *ret_framing = head.framing;
    return HTTP_REFUSAL_NONE;
}

enum http_refusal
http_guard_chunk(struct slice line, uint64_t *ret_size)
{
    uint64_t size = 0;

    /* Eight digits are 4 GiB, more than any limit. Extensions are refused:
     * nobody needs them and parsers differ on them. */
    if (line.len == 0 || line.len > 8)
        return HTTP_REFUSAL_CHUNK;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        unsigned digit;

        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A') + 10;
        else
            return HTTP_REFUSAL_CHUNK;
        size = size * 16 + digit;
    }
    *ret_size = size;
    return HTTP_REFUSAL_NONE;
}

void
http_guard_set_length(struct slice head, uint64_t length, struct buf *out)
{
    struct slice line, name, value;

    while (next_line(&head, &line) && line.len > 0) {
        if (split_header(line, &name, &value) &&
            (slice_eq_fold(name, SLICE("Transfer-Encoding")) ||
             slice_eq_fold(name, SLICE("Content-Length")) ||
             slice_eq_fold(name, SLICE("Expect"))))
            continue;
        buf_put_slice(out, line);
        buf_put_text(out, "\r\n");
    }
    buf_putf(out, "Content-Length: %llu\r\n\r\n", (unsigned long long)length);
}
