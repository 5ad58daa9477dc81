/* Bytes to whole requests, without a socket: what comes out, when, and how
 * much is held meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "services/gatewayd/address_count.h"
#include "services/gatewayd/http_feed.h"

#include <event2/buffer.h>
#include <string.h>

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n"
#define EXPECT "Expect: 100-continue\r\n"

static const struct http_feed_limits limits = {.max_head = 256,
                                               .max_body = 100};

static struct {
    struct http_feed feed;
    struct evbuffer *in, *out;
} it;

static int
set_up(void **state)
{
    (void)state;
    it.in = evbuffer_new();
    it.out = evbuffer_new();
    CHECK(it.in && it.out && http_feed_init(&it.feed, &limits));
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    http_feed_fini(&it.feed);
    evbuffer_free(it.in);
    evbuffer_free(it.out);
    return 0;
}

static enum http_feed_event
take(const char *bytes)
{
    assert_int_equal(evbuffer_add(it.in, bytes, strlen(bytes)), 0);
    return http_feed_take(&it.feed, it.in, it.out);
}

/* What came out, which is taken away. */
static void
expect_out(const char *text)
{
    size_t len = evbuffer_get_length(it.out);

    assert_int_equal(len, strlen(text));
    if (len > 0)
        assert_memory_equal(evbuffer_pullup(it.out, -1), text, len);
    (void)evbuffer_drain(it.out, len);
}

static void
a_request_comes_out_when_its_last_byte_came(void **state)
{
    (void)state;
    assert_int_equal(take(POST "Content-Length: 5\r\n\r\nhel"), HTTP_FEED_MORE);
    expect_out("");
    assert_true(http_feed_is_within(&it.feed, it.in));
    assert_int_equal(take("lo"), HTTP_FEED_REQUEST);
    expect_out(POST "Content-Length: 5\r\n\r\nhello");
    assert_false(http_feed_is_within(&it.feed, it.in));
    assert_int_equal(http_feed_held(&it.feed), 0);
}

static void
requests_come_out_one_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(
        take("GET /1 HTTP/1.0\r\n\r\n\r\nGET /2 HTTP/1.0\r\n\r\nG"),
        HTTP_FEED_REQUEST);
    expect_out("GET /1 HTTP/1.0\r\n\r\n");
    assert_int_equal(take(""), HTTP_FEED_REQUEST);
    expect_out("GET /2 HTTP/1.0\r\n\r\n");
    assert_int_equal(take(""), HTTP_FEED_MORE);
    assert_true(http_feed_is_within(&it.feed, it.in));
}

static void
chunks_come_out_as_a_plain_body(void **state)
{
    (void)state;
    assert_int_equal(take(CHUNKED "\r\n3\r\nhel\r\n2\r"), HTTP_FEED_MORE);
    assert_int_equal(take("\nlo\r\n0\r\n\r"), HTTP_FEED_MORE);
    assert_int_equal(take("\n"), HTTP_FEED_REQUEST);
    expect_out(POST "Content-Length: 5\r\n\r\nhello");
}

static void
who_waits_for_100_is_told_to_go_on(void **state)
{
    (void)state;
    assert_int_equal(take(POST EXPECT "Content-Length: 2\r\n\r\n"),
                     HTTP_FEED_CONTINUE);
    assert_int_equal(take("h"), HTTP_FEED_MORE);
    assert_int_equal(take("i"), HTTP_FEED_REQUEST);
    expect_out(POST "Content-Length: 2\r\n\r\nhi");
    assert_int_equal(take(CHUNKED EXPECT "\r\n"), HTTP_FEED_CONTINUE);
    assert_int_equal(take("2\r\nhi\r\n0\r\n\r\n"), HTTP_FEED_REQUEST);
    expect_out(POST "Content-Length: 2\r\n\r\nhi");
}

static void
who_does_not_wait_is_told_nothing(void **state)
{
    (void)state;
    assert_int_equal(take(POST EXPECT "Content-Length: 2\r\n\r\nh"),
                     HTTP_FEED_MORE);
    assert_int_equal(take("i"), HTTP_FEED_REQUEST);
    assert_int_equal(take(POST "Content-Length: 2\r\n\r\n"), HTTP_FEED_MORE);
    assert_int_equal(take("hi"), HTTP_FEED_REQUEST);
    /* HTTP/1.0 does not know the word. */
    assert_int_equal(
        take("POST / HTTP/1.0\r\n" EXPECT "Content-Length: 2\r\n\r\n"),
        HTTP_FEED_MORE);
}

static void
a_body_that_is_too_large_is_swallowed_first(void **state)
{
    char rest[102] = "";

    (void)state;
    assert_int_equal(take(POST "Content-Length: 101\r\n\r\n"), HTTP_FEED_MORE);
    assert_int_equal(http_feed_held(&it.feed), 0);
    memset(rest, 'x', 101);
    rest[100] = '\0';
    assert_int_equal(take(rest), HTTP_FEED_MORE);
    assert_int_equal(take("x"), HTTP_FEED_REFUSAL);
    assert_int_equal(it.feed.refusal, HTTP_REFUSAL_BODY_TOO_LARGE);
    assert_int_equal(take("GET / HTTP/1.0\r\n\r\n"), HTTP_FEED_MORE);
    expect_out("");
}

static void
a_body_that_nobody_would_wait_for_is_refused_at_once(void **state)
{
    (void)state;
    assert_int_equal(take(POST EXPECT "Content-Length: 101\r\n\r\n"),
                     HTTP_FEED_REFUSAL);
    (void)tear_down(state);
    (void)set_up(state);
    assert_int_equal(take(POST "Content-Length: 99999999999\r\n\r\n"),
                     HTTP_FEED_REFUSAL);
    (void)tear_down(state);
    (void)set_up(state);
    assert_int_equal(take(CHUNKED "\r\n60\r\n"), HTTP_FEED_MORE);
    (void)tear_down(state);
    (void)set_up(state);
    assert_int_equal(take(CHUNKED "\r\n65\r\n"), HTTP_FEED_REFUSAL);
    assert_int_equal(it.feed.refusal, HTTP_REFUSAL_BODY_TOO_LARGE);
}

static void
a_refusal_of_the_callers_own_lets_go_of_what_is_held(void **state)
{
    (void)state;
    assert_int_equal(take(POST "Content-Length: 9\r\n\r\nhello"),
                     HTTP_FEED_MORE);
    assert_true(http_feed_held(&it.feed) > 5);
    assert_int_equal(http_feed_refuse(&it.feed, HTTP_REFUSAL_NO_ROOM),
                     HTTP_FEED_MORE);
    assert_int_equal(http_feed_held(&it.feed), 0);
    assert_int_equal(take("1234"), HTTP_FEED_REFUSAL);
    assert_int_equal(it.feed.refusal, HTTP_REFUSAL_NO_ROOM);
    (void)tear_down(state);
    (void)set_up(state);
    assert_int_equal(take(CHUNKED "\r\n9\r\nhello"), HTTP_FEED_MORE);
    assert_int_equal(http_feed_refuse(&it.feed, HTTP_REFUSAL_NO_ROOM),
                     HTTP_FEED_REFUSAL);
    assert_int_equal(http_feed_held(&it.feed), 0);
}

static void
what_is_malformed_ends_the_feed(void **state)
{
    static const struct {
        const char *bytes;
        enum http_refusal refusal;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", HTTP_REFUSAL_HOST},
        {"GET / HTTP/1.1\n\n", HTTP_REFUSAL_LINE_END},
        {CHUNKED "\r\n0x5\r\n", HTTP_REFUSAL_CHUNK},
        {CHUNKED "\r\n5;ext=1\r\n", HTTP_REFUSAL_CHUNK},
        {CHUNKED "\r\n12345678901234567", HTTP_REFUSAL_CHUNK},
        {CHUNKED "\r\n2\r\nhiX\n", HTTP_REFUSAL_CHUNK},
        {CHUNKED "\r\n0\r\nTrailer: x\r\n\r\n", HTTP_REFUSAL_CHUNK},
        {CHUNKED "\r\n2\r\nhi\n\n", HTTP_REFUSAL_CHUNK},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)tear_down(state);
        (void)set_up(state);
        assert_int_equal(take(rows[i].bytes), HTTP_FEED_REFUSAL);
        assert_int_equal(it.feed.refusal, rows[i].refusal);
        expect_out("");
    }
}

static void
a_head_without_an_end_is_refused_at_its_maximum(void **state)
{
    enum http_feed_event event = take("GET /");
    size_t fed = 5;

    (void)state;
    while (event == HTTP_FEED_MORE && fed < 1000) {
        event = take("x");
        fed++;
    }
    assert_int_equal(event, HTTP_FEED_REFUSAL);
    assert_int_equal(it.feed.refusal, HTTP_REFUSAL_HEAD_TOO_LARGE);
    assert_int_equal(fed, limits.max_head + 1);
}

/* --- connections of an address --- */

static struct ip_address
key_of(const char *text)
{
    struct ip_address address = {{0}};

    assert_true(ip_parse(slice_of(text), &address));
    return client_address_key(address);
}

static void
an_address_has_as_many_connections_as_it_may(void **state)
{
    struct address_count *counts = address_count_new(2);
    struct ip_address a = key_of("192.0.2.1"), b = key_of("192.0.2.2");

    (void)state;
    assert_true(address_count_take(counts, &a));
    assert_true(address_count_take(counts, &a));
    assert_false(address_count_take(counts, &a));
    assert_true(address_count_take(counts, &b));
    address_count_give(counts, &a);
    assert_true(address_count_take(counts, &a));
    assert_false(address_count_take(counts, &a));
    address_count_free(&counts);
}

static void
a_slash_64_counts_as_one_address(void **state)
{
    struct address_count *counts = address_count_new(1);
    struct ip_address a = key_of("2001:db8::1");
    struct ip_address b = key_of("2001:db8::ffff:2");
    struct ip_address c = key_of("2001:db8:0:1::1");

    (void)state;
    assert_true(address_count_take(counts, &a));
    assert_false(address_count_take(counts, &b));
    assert_true(address_count_take(counts, &c));
    address_count_give(counts, &b);
    assert_true(address_count_take(counts, &a));
    address_count_free(&counts);
}

static void
no_limit_is_none_and_loopback_is_known(void **state)
{
    struct address_count *counts = address_count_new(0);
    struct ip_address a = key_of("192.0.2.1"), loopback;

    (void)state;
    for (int i = 0; i < 5000; i++)
        assert_true(address_count_take(counts, &a));
    address_count_free(&counts);
    assert_true(ip_parse(SLICE("127.9.8.7"), &loopback));
    assert_true(ip_is_loopback(&loopback));
    assert_true(ip_parse(SLICE("::1"), &loopback));
    assert_true(ip_is_loopback(&loopback));
    assert_true(ip_parse(SLICE("::ffff:127.0.0.1"), &loopback));
    assert_true(ip_is_loopback(&loopback));
    assert_true(ip_parse(SLICE("128.0.0.1"), &loopback));
    assert_false(ip_is_loopback(&loopback));
    assert_true(ip_parse(SLICE("::"), &loopback));
    assert_false(ip_is_loopback(&loopback));
    assert_true(ip_parse(SLICE("::2"), &loopback));
    assert_false(ip_is_loopback(&loopback));
}

#define FEED_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FEED_TEST(a_request_comes_out_when_its_last_byte_came),
        FEED_TEST(requests_come_out_one_at_a_time),
        FEED_TEST(chunks_come_out_as_a_plain_body),
        FEED_TEST(who_waits_for_100_is_told_to_go_on),
        FEED_TEST(who_does_not_wait_is_told_nothing),
        FEED_TEST(a_body_that_is_too_large_is_swallowed_first),
        FEED_TEST(a_body_that_nobody_would_wait_for_is_refused_at_once),
        FEED_TEST(a_refusal_of_the_callers_own_lets_go_of_what_is_held),
        FEED_TEST(what_is_malformed_ends_the_feed),
        FEED_TEST(a_head_without_an_end_is_refused_at_its_maximum),
        cmocka_unit_test(an_address_has_as_many_connections_as_it_may),
        cmocka_unit_test(a_slash_64_counts_as_one_address),
        cmocka_unit_test(no_limit_is_none_and_loopback_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
