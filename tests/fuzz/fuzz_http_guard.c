/* Heads of requests: any bytes are refused with a known reason or read; what
 * was read as chunked can be written again and is then plain.
 * links: services_gatewayd */
#include "core/base/check.h"
#include "services/gatewayd/http_guard.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_plain(struct slice head)
{
    struct http_framing framing;
    struct buf plain;

    buf_init(&plain, 1 << 20);
    http_guard_set_length(head, 17, &plain);
    CHECK(buf_ok(&plain));
    CHECK(http_guard_head(buf_slice(&plain), &framing) == HTTP_REFUSAL_NONE);
    CHECK(!framing.chunked && framing.length == 17);
    CHECK(!framing.expects_continue);
    buf_fini(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice head = slice_make((const char *)data, size);
    struct http_framing framing = {0};
    enum http_refusal refusal = http_guard_head(head, &framing);
    uint64_t chunk;

    if (refusal != HTTP_REFUSAL_NONE)
        CHECK(http_guard_row(refusal)->status >= 400);
    else if (framing.chunked)
        check_plain(head);
    if (http_guard_chunk(head, &chunk) == HTTP_REFUSAL_NONE)
        CHECK(chunk <= UINT32_MAX);
    return 0;
}
