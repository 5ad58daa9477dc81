/* The edge of the gateway under clients that push: too many connections, too
 * many bytes, too slow, never reading, sending ahead, going away. Real
 * sockets; every group of tests has a gateway of its own. */
#include "tests/services/gatewayd/gateway_side.h"

#include "core/base/text.h"

#include <time.h>

#define HEAD "Host: localhost\r\n"
#define MIB (1 << 20)
#define BUFFERED "smart_spawn_http_buffered_bytes"

/* --- the client --- */

static int64_t
now_ms(void)
{
    struct timespec now;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
say(int fd, const char *text)
{
    return http_peer_say(fd, text, strlen(text));
}

/* What comes within a while; true when the server closed. */
static bool
is_closed_within(int fd, int wait_ms)
{
    int64_t until = now_ms() + wait_ms;
    char bytes[4096];

    for (;;) {
        struct pollfd peer = {.fd = fd, .events = POLLIN};
        int64_t left = until - now_ms();

        if (left <= 0 || poll(&peer, 1, (int)left) == 0)
            return false;
        if (recv(fd, bytes, sizeof(bytes), 0) <= 0)
            return true;
    }
}

/* Read until the text came; what came is in bytes. False when the server
 * closed or nothing came in time. */
static bool
hear_until(int fd, const char *text, char *bytes, size_t size)
{
    size_t len = strlen(bytes);

    while (!strstr(bytes, text)) {
        struct pollfd peer = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (len + 1 == size || poll(&peer, 1, 5000) != 1)
            return false;
        got = recv(fd, bytes + len, size - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        bytes[len] = '\0';
    }
    return true;
}

static void
expect_hears(int fd, const char *text)
{
    char bytes[8192] = "";

    if (!hear_until(fd, text, bytes, sizeof(bytes)))
        fail_msg("expected %s, heard:\n%.2000s", text, bytes);
}

/* A number of the gateway's own metrics, whose line begins so. */
static int64_t
metric(const char *name)
{
    struct http_answer answer = get("/metrics");
    struct slice rest = slice_of(answer.body), line, start = slice_of(name);
    int64_t value = -1;

    assert_int_equal(answer.status, 200);
    while (slice_split(&rest, '\n', &line))
        if (slice_starts(line, start))
            assert_int_equal(
                text_i64(slice_trim(slice_cut(line, start.len, line.len)),
                         &value),
                STATUS_OK);
    free(answer.text);
    return value;
}

static void
expect_metric_soon(const char *name, int64_t wanted)
{
    int64_t got = -1;

    for (int i = 0; i < 500; i++) {
        got = metric(name);
        if (got == wanted)
            return;
        (void)poll(NULL, 0, 10);
    }
    fail_msg("%s is %lld, not %lld", name, (long long)got, (long long)wanted);
}

/* But the question itself. */
static void
expect_nothing_held(void)
{
    int64_t held = -1;

    for (int i = 0; i < 500; i++) {
        held = metric(BUFFERED);
        if (held < 500)
            return;
        (void)poll(NULL, 0, 10);
    }
    fail_msg("%lld bytes are still held", (long long)held);
}

/* A request whose answer is as long as itself. */
static char *
echo_request(size_t len)
{
    char *text = malloc(len + 256);
    int head;

    CHECK(text);
    head = snprintf(text, 256,
                    "POST /decompose HTTP/1.1\r\n" HEAD
                    "Content-Length: %zu\r\n\r\n{\"task\":\"",
                    len + 11);
    memset(text + head, 'x', len);
    memcpy(text + head + len, "\"}", 3);
    return text;
}

/* Connected, and with little room for what comes. */
static int
dial_narrow(void)
{
    int fd = http_peer_dial(side.port), room = 4096;

    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) == 0);
    return fd;
}

static int
reset_side(void)
{
    memset(&side, 0, sizeof(side));
    return 0;
}

/* --- requests as they should be, in odd wrappings --- */

static int
set_up_usual(void **state)
{
    (void)reset_side();
    side.wishes.http.idle_timeout = 1000;
    return set_up(state);
}

static void
a_client_that_waits_for_100_gets_it(void **state)
{
    int fd = http_peer_dial(side.port);

    (void)state;
    wait_until_ready();
    /* Twice on one connection, with chunks and without. */
    assert_true(say(fd, "POST /decompose HTTP/1.1\r\n" HEAD
                        "Expect: 100-continue\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n"));
    expect_hears(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_true(say(fd, "e\r\n{\"task\":\"one\"}\r\n0\r\n\r\n"));
    expect_hears(fd, "\"originalTask\":\"one\"");
    assert_true(say(fd, "POST /decompose HTTP/1.1\r\n" HEAD
                        "Expect: 100-Continue\r\nContent-Length: 14\r\n\r\n"));
    expect_hears(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_true(say(fd, "{\"task\":\"two\"}"));
    expect_hears(fd, "\"originalTask\":\"two\"");
    (void)close(fd);
}

static void
a_client_that_may_not_send_is_not_told_to(void **state)
{
    char bytes[4096] = "";
    int fd = http_peer_dial(side.port);

    (void)state;
    assert_true(say(fd, "POST /decompose HTTP/1.1\r\n" HEAD
                        "Expect: 100-continue\r\n"
                        "Content-Length: 1048577\r\n\r\n"));
    assert_true(hear_until(fd, "PAYLOAD_TOO_LARGE", bytes, sizeof(bytes)));
    assert_null(strstr(bytes, "100 Continue"));
    (void)close(fd);
}

static void
a_connection_header_that_lists_close_closes(void **state)
{
    static const char *const headers[] = {
        "Connection: close\r\n",
        "Connection: Close, x\r\n",
        "Connection: keep-alive, CLOSE\r\n",
        "Connection: keep-alive\r\nConnection: close\r\n",
        "Connection: x\r\nconnection:\tclose\r\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        int fd = http_peer_dial(side.port);

        assert_true(say(fd, "GET /healthz HTTP/1.1\r\n" HEAD));
        assert_true(say(fd, headers[i]));
        assert_true(say(fd, "\r\n"));
        /* Long before the idle timeout. */
        if (!is_closed_within(fd, 700))
            fail_msg("not closed after %s", headers[i]);
        (void)close(fd);
    }
}

static void
a_kept_connection_is_closed_when_it_is_idle(void **state)
{
    int64_t closed = metric("smart_spawn_http_closed_total{why=\"idle\"}");
    int fd = http_peer_dial(side.port);

    (void)state;
    assert_true(say(fd, "GET /healthz HTTP/1.1\r\n" HEAD "\r\n"));
    expect_hears(fd, "{\"status\":\"ok\"}");
    /* Line ends are no request, however many come. */
    for (int i = 0; i < 40 && !is_closed_within(fd, 50); i++)
        (void)say(fd, "\r\n");
    assert_true(is_closed_within(fd, 1));
    (void)close(fd);
    expect_metric_soon("smart_spawn_http_closed_total{why=\"idle\"}",
                       closed + 1);
}

static void
a_body_that_drips_is_cut_off(void **state)
{
    int64_t closed =
        metric("smart_spawn_http_closed_total{why=\"slow-request\"}");
    int fd = http_peer_dial(side.port);
    int64_t began = now_ms();

    (void)state;
    assert_true(say(fd, "POST /decompose HTTP/1.1\r\n" HEAD
                        "Content-Length: 1000\r\n\r\n"));
    while (!is_closed_within(fd, 20)) {
        (void)say(fd, " ");
        assert_true(now_ms() - began < 5000);
    }
    /* 500 ms after its first byte, and no reset of that clock since. */
    assert_true(now_ms() - began >= 450);
    (void)close(fd);
    expect_metric_soon("smart_spawn_http_closed_total{why=\"slow-request\"}",
                       closed + 1);
}

/* Five answers take longer than a request may; the sixth is not to blame. */
static void
the_clock_of_a_request_stands_while_another_is_answered(void **state)
{
    static const char slow[] = "GET /pick?task=slow HTTP/1.1\r\n" HEAD "\r\n";
    int fd = http_peer_dial(side.port);
    char bytes[16384] = "";
    const char *at = bytes;

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(say(fd, slow));
    assert_true(say(fd, "GET /pick?task=last HTTP/1.1\r\n"));
    for (int i = 0; i < 5; i++) {
        while (!strstr(at, "\"id\":\"slow\"")) {
            size_t len = strlen(bytes);
            ssize_t got = recv(fd, bytes + len, sizeof(bytes) - 1 - len, 0);

            assert_true(got > 0);
            bytes[len + (size_t)got] = '\0';
        }
        at = strstr(at, "\"id\":\"slow\"") + 1;
    }
    assert_true(say(fd, HEAD "\r\n"));
    expect_hears(fd, "\"id\":\"last\"");
    (void)close(fd);
}

static void
a_client_that_stops_sending_still_gets_its_answer(void **state)
{
    char *request = echo_request(MIB - 100);
    int fd = http_peer_dial(side.port);
    struct http_answer answer;

    (void)state;
    assert_true(say(fd, request));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    answer = http_peer_hear(fd);
    assert_int_equal(answer.status, 200);
    assert_true(strlen(answer.body) > MIB - 100);
    free(answer.text);
    free(request);
}

/* --- who sends ahead and never reads --- */

static int
set_up_patient(void **state)
{
    (void)reset_side();
    return set_up(state);
}

/* Send until the kernel takes no more; how much that was. */
static size_t
send_ahead(int fd, const char *request, size_t most)
{
    size_t len = strlen(request), at = 0, sent = 0;

    for (int stuck = 0; sent < most && stuck < 10;) {
        ssize_t got =
            send(fd, request + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (got <= 0) {
            (void)poll(NULL, 0, 20);
            stuck++;
            continue;
        }
        stuck = 0;
        sent += (size_t)got;
        at = (at + (size_t)got) % len;
    }
    return sent;
}

static void
who_sends_ahead_and_never_reads_fills_nothing_of_ours(void **state)
{
    char *request = echo_request(500000);
    int fd = dial_narrow();
    int64_t held;

    (void)state;
    wait_until_ready();
    /* Whatever the kernel's buffers take: tens of answers nobody reads. */
    (void)send_ahead(fd, request, 64 * MIB);
    held = metric(BUFFERED);
    print_message("held of one client that sends ahead: %lld bytes\n",
                  (long long)held);
    assert_in_range(held, 1, 4 * MIB);
    assert_int_equal(metric("smart_spawn_http_no_room_total"), 0);
    http_peer_slam(fd);
    expect_nothing_held();
    free(request);
}

static void
memory_is_given_back_however_a_connection_ends(void **state)
{
    char *request = echo_request(100000);
    int fds[8];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = http_peer_dial(side.port);
        /* Whole requests, half ones, and heads without an end. */
        assert_true(http_peer_say(fds[i], request,
                                  i % 3 == 0   ? strlen(request)
                                  : i % 3 == 1 ? 50000
                                               : 30));
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (i % 2 == 0)
            http_peer_slam(fds[i]);
        else
            (void)close(fds[i]);
    }
    expect_nothing_held();
    free(request);
}

/* --- so many bytes in all --- */

static int
set_up_little_memory(void **state)
{
    (void)reset_side();
    side.wishes.http.max_buffered = 256 << 10;
    return set_up(state);
}

static void
expect_no_room(struct http_answer answer)
{
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.text, "\"code\":\"UNAVAILABLE\""));
    assert_non_null(strstr(answer.text, "http.max_buffered"));
    assert_non_null(strstr(answer.text, "Retry-After: 1\r\n"));
    assert_non_null(strstr(answer.text, "Connection: close\r\n"));
    free(answer.text);
}

/* A chunk that is announced and begun; there is room for half of it. */
static void
send_too_much_in_chunks(int fd)
{
    char *chunk = malloc(100000);

    CHECK(chunk);
    memset(chunk, ' ', 100000);
    assert_true(say(fd, "POST /decompose HTTP/1.1\r\n" HEAD
                        "Transfer-Encoding: chunked\r\n\r\n186a0\r\n"));
    (void)http_peer_say(fd, chunk, 99000);
    free(chunk);
}

static void
who_goes_beyond_the_memory_is_refused_and_the_others_are_not(void **state)
{
    char *request = echo_request(100000);
    int first = http_peer_dial(side.port), second = http_peer_dial(side.port);
    int third = http_peer_dial(side.port), fourth = http_peer_dial(side.port);
    size_t len = strlen(request);

    (void)state;
    wait_until_ready();
    /* Half-sent and held, one after the other. */
    assert_true(http_peer_say(first, request, len - 10));
    assert_true(http_peer_say(second, request, len - 10));
    for (int i = 0; i < 500 && metric(BUFFERED) < 190000; i++)
        (void)poll(NULL, 0, 1);
    send_too_much_in_chunks(third);
    expect_no_room(http_peer_hear(third));
    /* A plain body is read to its end first, and not kept meanwhile. */
    (void)http_peer_say(fourth, request, len - 10);
    assert_in_range(metric(BUFFERED), 190000, 280000);
    (void)say(fourth, request + len - 10);
    expect_no_room(http_peer_hear(fourth));
    assert_int_equal(metric("smart_spawn_http_no_room_total"), 2);
    /* Small questions go on, and so do those who were there before. */
    expect(get("/api/pick?task=x"), 200, "\"id\":\"x\"");
    (void)close(second);
    for (int i = 0; i < 500 && metric(BUFFERED) > 110000; i++)
        (void)poll(NULL, 0, 1);
    assert_true(say(first, request + len - 10));
    expect_hears(first, "HTTP/1.1 200 OK");
    (void)close(first);
    expect_nothing_held();
    free(request);
}

static void
an_answer_that_finds_no_room_is_not_sent(void **state)
{
    char *request = echo_request(140000);
    int fd = http_peer_dial(side.port);
    struct http_answer answer;

    (void)state;
    assert_true(say(fd, request));
    answer = http_peer_hear(fd);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.text, "Retry-After: 1\r\n"));
    assert_null(strstr(answer.text, "xxxx"));
    free(answer.text);
    free(request);
}

/* --- so many connections of an address --- */

#define CLOSED_ADDRESS "smart_spawn_http_closed_total{why=\"address\"}"

static int
set_up_few_connections(void **state)
{
    (void)reset_side();
    side.wishes.http.max_per_address = 4;
    side.wishes.trusted_proxies = "10.9.9.9";
    return set_up(state);
}

static void
an_address_that_has_its_connections_gets_no_more(void **state)
{
    int fds[4], more;

    (void)state;
    wait_until_ready();
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = http_peer_dial(side.port);
        assert_true(say(fds[i], "GET /healthz HTTP/1.1\r\n" HEAD "\r\n"));
        expect_hears(fds[i], "ok");
    }
    more = http_peer_dial(side.port);
    assert_true(is_closed_within(more, 2000));
    (void)close(more);
    /* The others are served as before. */
    assert_true(say(fds[3], "GET /metrics HTTP/1.1\r\n" HEAD "\r\n"));
    expect_hears(fds[3], CLOSED_ADDRESS " 1\n");
    /* One goes, one may come. */
    (void)close(fds[0]);
    expect_metric_soon(CLOSED_ADDRESS, 1);
    for (size_t i = 1; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
}

static int
set_up_proxied(void **state)
{
    (void)reset_side();
    side.wishes.http.max_per_address = 4;
    return set_up(state);
}

static void
a_trusted_proxy_has_as_many_as_it_likes(void **state)
{
    int fds[16];

    (void)state;
    wait_until_ready();
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = http_peer_dial(side.port);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        assert_true(say(fds[i], "GET /healthz HTTP/1.1\r\n" HEAD "\r\n"));
        expect_hears(fds[i], "ok");
        (void)close(fds[i]);
    }
    assert_int_equal(metric(CLOSED_ADDRESS), 0);
}

/* --- answers have their time --- */

static int
set_up_hasty(void **state)
{
    (void)reset_side();
    side.wishes.http.send_timeout = 400;
    return set_up(state);
}

static void
who_takes_an_answer_drop_by_drop_is_cut_off(void **state)
{
    char *request = echo_request(MIB - 100);
    int fd = dial_narrow();
    int64_t began = now_ms();
    char drop[512];

    (void)state;
    wait_until_ready();
    for (int i = 0; i < 8; i++) /* more than the kernel takes */
        (void)send_ahead(fd, request, strlen(request));
    while (recv(fd, drop, sizeof(drop), MSG_DONTWAIT) != 0) {
        if (now_ms() - began > 8000)
            fail_msg("still served after 8 s");
        if (metric("smart_spawn_http_closed_total{why=\"slow-reader\"}") == 1)
            break;
        (void)poll(NULL, 0, 10);
    }
    assert_int_equal(
        metric("smart_spawn_http_closed_total{why=\"slow-reader\"}"), 1);
    (void)close(fd);
    expect_nothing_held();
    free(request);
}

static void
a_drain_ends_though_clients_reset_or_never_read(void **state)
{
    static const char never[] = "GET /pick?task=never HTTP/1.1\r\n" HEAD "\r\n";
    char *request = echo_request(MIB - 100);
    int resets[4], deaf = dial_narrow(), idle = http_peer_dial(side.port);
    int64_t began;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(resets); i++) {
        resets[i] = http_peer_dial(side.port);
        assert_true(say(resets[i], never));
    }
    (void)send_ahead(deaf, request, 8 * strlen(request));
    for (size_t i = 0; i < ARRAY_LEN(resets); i++)
        http_peer_slam(resets[i]);
    began = now_ms();
    order('d');
    while (!atomic_load(&side.drained) && now_ms() - began < 8000)
        (void)poll(NULL, 0, 10);
    assert_true(atomic_load(&side.drained));
    print_message("drained in %lld ms\n", (long long)(now_ms() - began));
    (void)close(deaf);
    (void)close(idle);
    free(request);
}

int
main(void)
{
    const struct CMUnitTest usual[] = {
        cmocka_unit_test(a_client_that_waits_for_100_gets_it),
        cmocka_unit_test(a_client_that_may_not_send_is_not_told_to),
        cmocka_unit_test(a_connection_header_that_lists_close_closes),
        cmocka_unit_test(a_kept_connection_is_closed_when_it_is_idle),
        cmocka_unit_test(a_body_that_drips_is_cut_off),
        cmocka_unit_test(
            the_clock_of_a_request_stands_while_another_is_answered),
        cmocka_unit_test(a_client_that_stops_sending_still_gets_its_answer),
    };
    const struct CMUnitTest ahead[] = {
        cmocka_unit_test(who_sends_ahead_and_never_reads_fills_nothing_of_ours),
        cmocka_unit_test(memory_is_given_back_however_a_connection_ends),
    };
    const struct CMUnitTest memory[] = {
        cmocka_unit_test(
            who_goes_beyond_the_memory_is_refused_and_the_others_are_not),
        cmocka_unit_test(an_answer_that_finds_no_room_is_not_sent),
    };
    const struct CMUnitTest few[] = {
        cmocka_unit_test(an_address_that_has_its_connections_gets_no_more),
    };
    const struct CMUnitTest proxied[] = {
        cmocka_unit_test(a_trusted_proxy_has_as_many_as_it_likes),
    };
    const struct CMUnitTest hasty[] = {
        cmocka_unit_test(who_takes_an_answer_drop_by_drop_is_cut_off),
        cmocka_unit_test(a_drain_ends_though_clients_reset_or_never_read),
    };

    return cmocka_run_group_tests(usual, set_up_usual, tear_down) +
           cmocka_run_group_tests(ahead, set_up_patient, tear_down) +
           cmocka_run_group_tests(memory, set_up_little_memory, tear_down) +
           cmocka_run_group_tests(few, set_up_few_connections, tear_down) +
           cmocka_run_group_tests(proxied, set_up_proxied, tear_down) +
           cmocka_run_group_tests(hasty, set_up_hasty, tear_down);
}
