/* Bytes of a connection: the same requests and the same refusal come of them
 * however they are cut into pieces, and nothing comes out that the guard
 * would not take.
 * links: services_gatewayd
 * options: -max_len=1024
 * The first two bytes choose the limits and the seed of the cuts. */
#include "services/gatewayd/http_feed.h"
#include "tests/fuzz/fuzz.h"

#include <event2/buffer.h>

#define EVENTS_MAX 512 /* of one input: a request has 20 bytes at least */
#define PIECE_MAX 16

/* What came of the bytes. */
struct outcome {
    struct evbuffer *out;
    size_t ends[EVENTS_MAX]; /* of the requests in out */
    size_t requests;
    enum http_refusal refusal;
    bool asked_to_continue;
};

static void
check_request(struct slice request, const struct http_feed_limits *limits)
{
    struct http_framing framing = {0};
    ptrdiff_t end = slice_find(request, SLICE("\r\n\r\n"));
    CHECK(end > 0);
    size_t head = (size_t)end + 4;
    CHECK(http_guard_head(slice_cut(request, 0, head), &framing) ==
          HTTP_REFUSAL_NONE);
    CHECK(!framing.chunked && !framing.expects_continue);
    CHECK(framing.length == request.len - head);
    CHECK(framing.length <= limits->max_body);
    CHECK(head <= limits->max_head + 64);
}

static void
take(struct http_feed *feed, struct evbuffer *in, struct outcome *outcome)
{
    for (;;) {
        size_t left = evbuffer_get_length(in);
        size_t before = evbuffer_get_length(outcome->out);
        enum http_feed_event event = http_feed_take(feed, in, outcome->out);
        size_t after = evbuffer_get_length(outcome->out);
        CHECK(http_feed_held(feed) <=
              feed->limits->max_head + feed->limits->max_body);
        CHECK((event == HTTP_FEED_REQUEST) == (after > before));
        if (event == HTTP_FEED_CONTINUE)
            outcome->asked_to_continue = true;
        if (event == HTTP_FEED_REFUSAL) {
            CHECK(outcome->refusal == HTTP_REFUSAL_NONE);
            CHECK(http_guard_row(feed->refusal)->status >= 400);
            outcome->refusal = feed->refusal;
        }
        if (event == HTTP_FEED_REFUSAL)
            continue; /* the rest is thrown away */
        if (event != HTTP_FEED_REQUEST)
            break;
        CHECK(evbuffer_get_length(in) < left || left == 0);
        CHECK(outcome->requests < EVENTS_MAX);
        outcome->ends[outcome->requests++] = after;
    }
    CHECK(evbuffer_get_length(in) <= feed->limits->max_head);
    if (outcome->refusal != HTTP_REFUSAL_NONE)
        CHECK(!http_feed_is_within(feed, in) && http_feed_held(feed) == 0);
}

/* All at once (seed 0), or in pieces. */
static void
play(const struct http_feed_limits *limits, struct slice bytes, uint32_t seed,
     struct outcome *ret_outcome)
{
    struct http_feed feed;
    struct evbuffer *in = evbuffer_new();
    *ret_outcome = (struct outcome){.out = evbuffer_new()};
    CHECK(in != NULL && ret_outcome->out != NULL);
    CHECK(http_feed_init(&feed, limits));
    while (bytes.len > 0) {
        size_t len = bytes.len;
        if (seed != 0) {
            seed = seed * 1664525 + 1013904223;
            len = 1 + (seed >> 24) % PIECE_MAX;
        }
        struct slice piece = slice_cut(bytes, 0, len);
        bytes = slice_cut(bytes, piece.len, bytes.len);
        CHECK(evbuffer_add(in, piece.ptr, piece.len) == 0);
        take(&feed, in, ret_outcome);
    }
    evbuffer_free(in);
    http_feed_fini(&feed);
}

static struct slice
output(const struct outcome *outcome)
{
    size_t len = evbuffer_get_length(outcome->out);
    const unsigned char *bytes = evbuffer_pullup(outcome->out, -1);
    return slice_make((const char *)bytes, len);
}

/* A caller that has no room refuses the request that is arriving; nothing of
 * it comes out later. */
static void
try_refuse(const struct http_feed_limits *limits, struct slice bytes, size_t at)
{
    struct http_feed feed;
    struct evbuffer *in = evbuffer_new(), *out = evbuffer_new();
    struct slice rest = slice_cut(bytes, at, bytes.len);
    CHECK(http_feed_init(&feed, limits));
    (void)evbuffer_add(in, bytes.ptr, slice_cut(bytes, 0, at).len);
    while (http_feed_take(&feed, in, out) == HTTP_FEED_REQUEST)
        continue;
    if (feed.refusal == HTTP_REFUSAL_NONE) {
        size_t before = evbuffer_get_length(out);
        (void)http_feed_refuse(&feed, HTTP_REFUSAL_NO_ROOM);
        CHECK(http_feed_held(&feed) == 0);
        (void)evbuffer_add(in, rest.ptr, rest.len);
        while (http_feed_take(&feed, in, out) == HTTP_FEED_REQUEST)
            CHECK(feed.refusal == HTTP_REFUSAL_NONE); /* never again */
        CHECK(feed.refusal == HTTP_REFUSAL_NO_ROOM);
        CHECK(evbuffer_get_length(out) == before);
    }
    http_feed_fini(&feed);
    evbuffer_free(in);
    evbuffer_free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_feed_limits limits[] = {
        {8192, 1 << 20}, {256, 64}, {64, 8}, {256, 0}};
    struct slice bytes = fuzz_slice(data, size);
    const struct http_feed_limits *limit =
        &limits[fuzz_choice(&bytes, ARRAY_LEN(limits))];
    uint32_t seed = (uint32_t)fuzz_number(&bytes, 1);
    struct outcome whole, pieces;
    play(limit, bytes, 0, &whole);
    play(limit, bytes, seed + 1, &pieces);
    struct slice out = output(&whole);
    CHECK(slice_eq(out, output(&pieces)));
    CHECK(whole.requests == pieces.requests);
    CHECK(whole.refusal == pieces.refusal);
    /* Who got it all at once had less reason to ask. */
    CHECK(pieces.asked_to_continue || !whole.asked_to_continue);
    for (size_t i = 0, from = 0; i < whole.requests; i++) {
        CHECK(whole.ends[i] == pieces.ends[i]);
        check_request(slice_cut(out, from, whole.ends[i]), limit);
        from = whole.ends[i];
    }
    evbuffer_free(whole.out);
    evbuffer_free(pieces.out);
    try_refuse(limit, bytes, seed);
    return 0;
}
