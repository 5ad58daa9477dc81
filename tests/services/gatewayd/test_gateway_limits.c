/* The limits of the gateway's edge under clients that push: too many bytes,
 * too many connections, never reading, going away. Real sockets; every group
 * of tests has a gateway of its own. */
#include "tests/services/gatewayd/edge_client.h"

#define BUFFERED "smart_spawn_http_buffered_bytes"

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

/* Connected, and with little room for what comes. */
static int
dial_narrow(void)
{
    int fd = http_peer_dial(side.port), room = 4096;

    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) == 0);
    return fd;
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

/* --- so many connections in all --- */

static int
set_up_full(void **state)
{
    (void)reset_side();
    side.wishes.http.max_connections = 3;
    return set_up(state);
}

static void
who_comes_when_all_is_taken_waits_for_a_place(void **state)
{
    int fds[3], more;

    (void)state;
    wait_until_ready();
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = http_peer_dial(side.port);
        assert_true(say(fds[i], "GET /healthz HTTP/1.1\r\n" HEAD "\r\n"));
        expect_hears(fds[i], "ok");
    }
    /* In the kernel's queue: neither answered nor closed. */
    more = http_peer_dial(side.port);
    assert_true(say(more, "GET /healthz HTTP/1.1\r\n" HEAD "\r\n"));
    assert_int_equal(
        poll(&(struct pollfd){.fd = more, .events = POLLIN}, 1, 200), 0);
    assert_true(say(fds[0], "GET /healthz HTTP/1.1\r\n" HEAD "\r\n"));
    expect_hears(fds[0], "ok");
    (void)close(fds[0]);
    expect_hears(more, "ok");
    (void)close(more);
    (void)close(fds[1]);
    (void)close(fds[2]);
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
    const struct CMUnitTest full[] = {
        cmocka_unit_test(who_comes_when_all_is_taken_waits_for_a_place),
    };
    const struct CMUnitTest hasty[] = {
        cmocka_unit_test(who_takes_an_answer_drop_by_drop_is_cut_off),
        cmocka_unit_test(a_drain_ends_though_clients_reset_or_never_read),
    };

    return cmocka_run_group_tests(ahead, set_up_patient, tear_down) +
           cmocka_run_group_tests(memory, set_up_little_memory, tear_down) +
           cmocka_run_group_tests(few, set_up_few_connections, tear_down) +
           cmocka_run_group_tests(proxied, set_up_proxied, tear_down) +
           cmocka_run_group_tests(full, set_up_full, tear_down) +
           cmocka_run_group_tests(hasty, set_up_hasty, tear_down);
}
