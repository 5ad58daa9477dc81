/* The edge of the gateway: requests in odd wrappings, and clients that are
 * slow or stop half-way. Real sockets. */
#include "tests/services/gatewayd/edge_client.h"

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
        expect(get("/healthz"), 200, "ok"); /* the others are served */
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_waits_for_100_gets_it),
        cmocka_unit_test(a_client_that_may_not_send_is_not_told_to),
        cmocka_unit_test(a_connection_header_that_lists_close_closes),
        cmocka_unit_test(a_kept_connection_is_closed_when_it_is_idle),
        cmocka_unit_test(a_body_that_drips_is_cut_off),
        cmocka_unit_test(
            the_clock_of_a_request_stands_while_another_is_answered),
        cmocka_unit_test(a_client_that_stops_sending_still_gets_its_answer),
    };

    return cmocka_run_group_tests(tests, set_up_usual, tear_down);
}
