/* The bytes of a request's head in, fit or the reason why not out.
 *
 * evhttp is generous about what a request is: it takes two Content-Lengths,
 * "+4", "Content-Length :" or a missing Host. Servers and proxies that read
 * such a head differently can be played against each other, so it is refused
 * here, before evhttp sees it. Pure: no socket, no state, any bytes. */
#ifndef SERVICES_GATEWAYD_HTTP_GUARD_H
#define SERVICES_GATEWAYD_HTTP_GUARD_H

#include "core/base/buf.h"
#include "core/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_GUARD_HEADERS_MAX 100   /* headers of a request */
#define HTTP_GUARD_CHUNK_LINE_MAX 16 /* bytes of a chunk's size */

enum http_refusal {
    HTTP_REFUSAL_NONE = 0,
#define REFUSAL(symbol, status, code, message) HTTP_REFUSAL_##symbol,
#include "services/gatewayd/http_refusal.def"
#undef REFUSAL
    HTTP_REFUSAL_COUNT
};

/* How a refusal is answered. */
struct http_refusal_row {
    unsigned status;
    const char *code, *message;
};
/* The row of a refusal other than NONE. */
const struct http_refusal_row *http_guard_row(enum http_refusal refusal);

/* What the head says about the body. */
struct http_framing {
    uint64_t length; /* of the body, when it is not chunked */
    bool chunked;
    bool expects_continue;
};

/* Check a whole head: request line, headers and the empty line, each with its
 * CR LF. */
enum http_refusal
http_guard_head(struct slice head, struct http_framing *ret_framing);
/* A chunk's size line without its CR LF: hexadecimal digits, nothing else. */
enum http_refusal http_guard_chunk(struct slice line, uint64_t *ret_size);
/* A checked head, written again for a body of this length that is all there:
 * without Transfer-Encoding and Expect. */
void http_guard_set_length(struct slice head, uint64_t length, struct buf *out);

#endif
