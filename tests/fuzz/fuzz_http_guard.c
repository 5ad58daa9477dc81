/* Heads of requests and lines of chunks: any bytes are refused with a known
 * reason or read; what is read has no second meaning, and written again for a
 * body of known length it is plain.
 * links: services_gatewayd
 * options: -max_len=512 */
#include "services/gatewayd/http_guard.h"
#include "tests/fuzz/fuzz.h"

static void
check_plain(struct slice head, uint64_t length)
{
    struct http_framing framing;
    struct buf plain;

    buf_init(&plain, 1 << 20);
    http_guard_set_length(head, length, &plain);
    CHECK(buf_ok(&plain));
    CHECK(http_guard_head(buf_slice(&plain), &framing) == HTTP_REFUSAL_NONE);
    CHECK(!framing.chunked && framing.length == length);
    CHECK(!framing.expects_continue);
    buf_fini(&plain);
}

/* One empty line, at the end; each line feed behind a carriage return. */
static void
check_lines(struct slice head)
{
    size_t lines = 0;

    CHECK(slice_find(head, SLICE("\r\n\r\n")) == (ptrdiff_t)head.len - 4);
    for (size_t i = 0; i < head.len; i++) {
        CHECK(head.ptr[i] != '\0');
        lines += head.ptr[i] == '\n';
        if (head.ptr[i] == '\n')
            CHECK(head.ptr[i - 1] == '\r');
    }
    CHECK(lines <= HTTP_GUARD_HEADERS_MAX + 2);
}

static void
check_chunk(struct slice line)
{
    uint64_t size, expected = 0;

    if (http_guard_chunk(line, &size) != HTTP_REFUSAL_NONE)
        return;
    CHECK(line.len > 0 && line.len <= HTTP_GUARD_CHUNK_LINE_MAX);
    for (size_t i = 0; i < line.len; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = memchr(digits, line.ptr[i], sizeof digits - 1);

        CHECK(digit != NULL);
        expected = expected * 16 + (uint64_t)((digit - digits) % 16);
    }
    CHECK(size == expected);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(fuzz_slice(data, size), false);
    struct slice head = slice_make(copy, size);
    struct http_framing framing = {0};
    enum http_refusal refusal = http_guard_head(head, &framing);

    if (refusal != HTTP_REFUSAL_NONE) {
        CHECK(http_guard_row(refusal)->status >= 400);
    } else {
        CHECK(!framing.chunked || framing.length == 0);
        check_lines(head);
        if (framing.chunked || framing.expects_continue)
            check_plain(head, framing.chunked ? 17 : framing.length);
    }
    check_chunk(head);
    free(copy);
    return 0;
}
