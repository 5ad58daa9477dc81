/* Bytes of a connection, in pieces of any size: what comes out is always a
 * head that the guard finds plain with just its body behind it, what is held
 * stays within the limits, and the pieces make no difference.
 * links: services_gatewayd */
#include "services/gatewayd/http_feed.h"
#include "tests/fuzz/fuzz.h"

#include <event2/buffer.h>

static const struct http_feed_limits limits = {.max_head = 512,
                                               .max_body = 256};

struct run {
    struct http_feed feed;
    struct evbuffer *in, *out, *all;
    enum http_refusal refusal;
};

static void
start(struct run *run)
{
    *run = (struct run){
        .in = evbuffer_new(), .out = evbuffer_new(), .all = evbuffer_new()};
    CHECK(run->in && run->out && run->all);
    CHECK(http_feed_init(&run->feed, &limits));
}

static void
end(struct run *run)
{
    http_feed_fini(&run->feed);
    evbuffer_free(run->in);
    evbuffer_free(run->out);
    evbuffer_free(run->all);
}

static void
check_request(struct run *run)
{
    size_t len = evbuffer_get_length(run->out);
    struct slice whole =
        slice_make((const char *)evbuffer_pullup(run->out, -1), len);
    ptrdiff_t end_of_head = slice_find(whole, SLICE("\r\n\r\n"));
    struct http_framing framing = {0};
    size_t head_len;

    CHECK(end_of_head > 0);
    head_len = (size_t)end_of_head + 4;
    CHECK(http_guard_head(slice_cut(whole, 0, head_len), &framing) ==
          HTTP_REFUSAL_NONE);
    CHECK(!framing.chunked && !framing.expects_continue);
    CHECK(framing.length == len - head_len && framing.length <= 256);
    (void)evbuffer_add_buffer(run->all, run->out);
}

/* Everything that these bytes make it do. */
static void
give(struct run *run, const uint8_t *data, size_t size)
{
    enum http_feed_event event;

    CHECK(evbuffer_add(run->in, data, size) == 0);
    do {
        event = http_feed_take(&run->feed, run->in, run->out);
        CHECK(http_feed_held(&run->feed) <= limits.max_head + limits.max_body);
        if (event == HTTP_FEED_REQUEST)
            check_request(run);
        if (event == HTTP_FEED_REFUSAL) {
            CHECK(run->refusal == HTTP_REFUSAL_NONE);
            run->refusal = run->feed.refusal;
            CHECK(run->refusal != HTTP_REFUSAL_NONE);
        }
    } while (event == HTTP_FEED_REQUEST || event == HTTP_FEED_REFUSAL);
    CHECK(evbuffer_get_length(run->out) == 0);
    CHECK(evbuffer_get_length(run->in) <= limits.max_head);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run whole, pieces;
    size_t step, len;

    if (size < 2 || size > 1 << 16)
        return 0;
    step = data[0] % 32 + 1;
    data++;
    size--;
    start(&whole);
    start(&pieces);
    give(&whole, data, size);
    for (size_t at = 0; at < size; at += step)
        give(&pieces, data + at, step < size - at ? step : size - at);
    CHECK(whole.refusal == pieces.refusal);
    len = evbuffer_get_length(whole.all);
    CHECK(len == evbuffer_get_length(pieces.all));
    CHECK(len == 0 || memcmp(evbuffer_pullup(whole.all, -1),
                             evbuffer_pullup(pieces.all, -1), len) == 0);
    end(&whole);
    end(&pieces);
    return 0;
}
