/* The gateway end to end: real HTTP over a socket in, a router, a feedback
 * and an ingest service over real ZeroMQ behind it.
 *
 * The server side runs on its own loop in a thread; the test speaks to it
 * with plain blocking sockets, so it can send any bytes. */
#include "tests/services/gatewayd/gateway_side.h"

static void
expect_without(struct http_answer answer, int status, const char *part)
{
    if (answer.status != status || strstr(answer.text, part))
        fail_msg("expected %d without %s, got:\n%.1500s", status, part,
                 answer.text);
    free(answer.text);
}

static void
a_pick_travels_through_the_router_and_back(void **state)
{
    struct http_answer answer;

    (void)state;
    wait_until_ready();
    answer = get("/api/pick?task=build+a+react%20app&budget=low");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "{\"data\":{\"id\":\"build a react "
                                        "app\",\"name\":null,"));
    assert_non_null(strstr(answer.body, "\"pricing\":{\"prompt\":0.4,"));
    free(answer.text);
    expect(get("/pick?task=x"), 200, "\"id\":\"x\"");
    expect(ask("POST", "/api/decompose", "Content-Type: application/json\r\n",
               "{\"task\":\"a; b\"}"),
           200, "\"originalTask\":\"a; b\"");
    expect(ask("POST", "/decompose", "", NULL), 200, "\"originalTask\":null");
}

static void
every_answer_has_the_security_headers(void **state)
{
    (void)state;
    expect(get("/api/pick?task=x"), 200, "X-Content-Type-Options: nosniff");
    expect(get("/api/pick?task=x"), 200, "X-Frame-Options: DENY");
    expect(get("/nowhere"), 404, "X-Content-Type-Options: nosniff");
    expect(get("/nowhere"), 404, "Cache-Control: no-store");
    expect(get("/"), 200, "Content-Security-Policy: default-src 'none'");
}

static void
errors_of_the_service_become_http_errors(void **state)
{
    (void)state;
    expect(get("/api/pick"), 400,
           "{\"error\":{\"code\":\"MISSING_PARAM\",\"message\":\"task is "
           "required\"}}");
    expect(get("/api/pick?task=none"), 404, "\"code\":\"NO_MODEL\"");
    expect(get("/api/pick?task=busy"), 503, "Retry-After: 3\r\n");
    expect(get("/api/pick?task=never"), 504, "\"code\":\"DEADLINE_EXCEEDED\"");
    expect(get("/api/recommend?task=x"), 501, "\"code\":\"UNIMPLEMENTED\"");
}

static void
bad_input_never_reaches_the_service(void **state)
{
    (void)state;
    expect(get("/api/pick?task=x&budget=huge"), 400,
           "budget is invalid: use one of low, medium, high, any");
    expect(get("/api/pick?task=%zz"), 400, "broken percent-encoding");
    expect(ask("POST", "/api/decompose", "", "{bad"), 400,
           "\"code\":\"INVALID_BODY\"");
    expect(ask("POST", "/api/decompose", "", "{\"task\":5}"), 400,
           "task must be text");
    expect(ask("POST", "/api/decompose", "Content-Type: text/plain\r\n",
               "{\"task\":\"x\"}"),
           415, "\"code\":\"UNSUPPORTED_MEDIA_TYPE\"");
    expect(
        ask("POST", "/api/spawn-log", LOCAL "Idempotency-Key: a b\r\n", "{}"),
        400, "Idempotency-Key");
}

static void
unknown_paths_and_methods_are_told_apart(void **state)
{
    (void)state;
    expect(get("/api/nowhere"), 404, "\"code\":\"NOT_FOUND\"");
    expect(get("/api/pick/"), 404, "\"code\":\"NOT_FOUND\"");
    expect(get("/api/"), 404, "\"code\":\"NOT_FOUND\"");
    expect(ask("POST", "/api/pick", "", "{}"), 405,
           "Allow: GET, HEAD, OPTIONS");
    expect(ask("DELETE", "/api/spawn-log", "", NULL), 405,
           "Allow: POST, OPTIONS");
    expect(ask("BREW", "/api/pick", "", NULL), 405, "METHOD_NOT_ALLOWED");
}

static void
the_fixed_pages_answer(void **state)
{
    (void)state;
    expect(get("/healthz"), 200, "{\"status\":\"ok\"}");
    expect(get("/readyz"), 200, "{\"status\":\"ready\"}");
    expect(get("/api"), 200, "\"endpoints\":[\"/api/pick\",");
    expect(get("/"), 200, "<!doctype html>");
    expect(get("/metrics"), 200, "smart_spawn_http_answers_total");
    expect_without(get("/metrics"), 200, "Access-Control-Allow-Origin");
}

static void
a_head_is_a_get_without_its_body(void **state)
{
    struct http_answer answer = ask("HEAD", "/api/status", "", NULL);

    (void)state;
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "");
    assert_non_null(strstr(answer.text, "Content-Length: "));
    assert_null(strstr(answer.text, "Content-Length: 0"));
    free(answer.text);
}

static void
reads_carry_an_etag_and_come_back_as_304(void **state)
{
    struct http_answer answer = get("/api/pick?task=x");
    char headers[160], *etag = strstr(answer.text, "ETag: ");

    (void)state;
    assert_non_null(etag);
    assert_non_null(strstr(answer.text, "Cache-Control: private, no-cache"));
    assert_non_null(strstr(answer.text, "Vary: Authorization, Origin, "));
    (void)snprintf(headers, sizeof(headers), "If-None-Match: %.18s\r\n",
                   etag + 6);
    free(answer.text);
    answer = ask("GET", "/api/pick?task=x", headers, NULL);
    assert_int_equal(answer.status, 304);
    assert_string_equal(answer.body, "");
    free(answer.text);
    expect(ask("GET", "/api/pick?task=y", headers, NULL), 200, "\"id\":\"y\"");
    expect_without(get("/api/status"), 200, "private");
}

static void
writes_are_not_cached_and_carry_their_idempotency_key(void **state)
{
    (void)state;
    expect(ask("POST", "/api/spawn-log", LOCAL "Idempotency-Key: k-17\r\n",
               "{\"model\":\"a/b\"}"),
           200, "\"spawnId\":\"k-17\"");
    expect(ask("POST", "/api/spawn-log", LOCAL, "{\"model\":\"a/b\"}"), 200,
           "Cache-Control: no-store");
    expect_without(ask("POST", "/api/spawn-log", LOCAL, "{}"), 200,
                   "Access-Control-Allow-Origin");
}

static void
a_page_of_another_origin_may_read_but_not_write(void **state)
{
    int before = services_stand_writes();

    (void)state;
    expect(ask("GET", "/api/pick?task=x", "Origin: https://evil.example\r\n",
               NULL),
           200, "Access-Control-Allow-Origin: *");
    /* What the user was answered lies in the browser's cache: not for it. */
    expect_without(get("/api/pick?task=x"), 200, "Access-Control");
    expect(get("/api/status"), 200, "Access-Control-Allow-Origin: *");
    expect(
        ask("POST", "/api/spawn-log", "Origin: https://evil.example\r\n", "{}"),
        403, "\"code\":\"FORBIDDEN\"");
    expect(
        ask("OPTIONS", "/api/pick", "Origin: https://evil.example\r\n", NULL),
        204, "Access-Control-Allow-Origin: *");
    expect_without(ask("OPTIONS", "/api/spawn-log",
                       "Origin: https://evil.example\r\n", NULL),
                   204, "Access-Control");
    assert_int_equal(services_stand_writes(), before);
    expect(ask("POST", "/api/spawn-log", LOCAL "Origin: http://localhost\r\n",
               "{}"),
           415, "application/json");
    expect(ask("POST", "/api/spawn-log",
               LOCAL "Origin: http://localhost\r\n"
                     "Content-Type: application/json\r\n",
               "{}"),
           200, "logged");
}

static void
a_page_of_another_origin_does_not_see_what_was_recorded(void **state)
{
    (void)state;
    expect_without(ask("GET", "/api/spawn-log/stats",
                       "Origin: https://evil.example\r\n", NULL),
                   403, "Access-Control");
    expect_without(ask("OPTIONS", "/api/spawn-log/stats",
                       "Origin: https://evil.example\r\n", NULL),
                   204, "Access-Control");
}

static void
only_known_hosts_are_served(void **state)
{
    (void)state;
    expect(ask("GET", "/api/status", "Host: evil.example\r\n", NULL), 403,
           "\"code\":\"FORBIDDEN\"");
    expect(ask("GET", "/api/status", "Host: spawn.example.org\r\n", NULL), 200,
           "ok");
    expect(ask("GET", "/healthz", "Host: 10.1.2.3:3000\r\n", NULL), 200, "ok");
}

static void
a_trace_goes_in_and_out(void **state)
{
    (void)state;
    expect(ask("GET", "/api/pick?task=x",
               "traceparent: 00-0af7651916cd43dd8448eb211c80319c-"
               "b7ad6b7169203331-01\r\n",
               NULL),
           200, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-");
    expect(get("/api/pick?task=x"), 200, "traceparent: 00-");
}

static void
refresh_wants_its_key_and_is_limited(void **state)
{
    static const char key[] = "Authorization: Bearer s3cret\r\n"
                              "X-Forwarded-For: 198.51.100.1\r\n";

    (void)state;
    expect(ask("POST", "/api/refresh", "", NULL), 401,
           "\"code\":\"UNAUTHORIZED\"");
    expect(ask("POST", "/api/refresh", "Authorization: Bearer nope\r\n", NULL),
           401, "WWW-Authenticate: Bearer");
    assert_int_equal(services_stand_refreshes(), 0);
    expect(ask("POST", "/api/refresh", key, NULL), 200, "\"started\":true");
    expect(ask("POST", "/api/refresh", key, NULL), 200, "\"started\":true");
    expect(ask("POST", "/api/refresh", key, NULL), 429, "Retry-After: 3600");
    assert_int_equal(services_stand_refreshes(), 2);
}

static void
one_address_has_so_many_requests_a_minute(void **state)
{
    static const char me[] = "X-Forwarded-For: 203.0.113.9\r\n";

    (void)state;
    for (int i = 0; i < 20; i++)
        expect(ask("GET", "/api/status", me, NULL), 200, "ok");
    expect(ask("GET", "/api/status", me, NULL), 429, "Retry-After: ");
    expect(ask("GET", "/api/status", me, NULL), 429,
           "\"code\":\"RATE_LIMITED\"");
    expect(ask("GET", "/healthz", me, NULL), 200, "ok");
    expect(get("/api/status"), 200, "ok");
}

static void
what_a_page_asks_does_not_use_up_its_visitors_requests(void **state)
{
    static const char me[] = "X-Forwarded-For: 203.0.113.10\r\n";
    static const char page[] = "X-Forwarded-For: 203.0.113.10\r\n"
                               "Origin: https://evil.example\r\n";

    (void)state;
    for (int i = 0; i < 20; i++)
        expect(ask("GET", "/api/status", page, NULL), 200, "ok");
    expect(ask("GET", "/api/status", page, NULL), 429, "Retry-After: ");
    expect(ask("GET", "/api/status", me, NULL), 200, "ok");
}

static void
a_kept_connection_answers_pipelined_requests_in_order(void **state)
{
    static const char raw[] =
        "GET /pick?task=one HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "\r\nPOST /decompose HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Length: 14\r\n\r\n{\"task\":\"two\"}"
        "GET /pick?task=three HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: close\r\n\r\n";
    struct http_answer answer = http_peer_send(side.port, raw, sizeof(raw) - 1);
    const char *one = strstr(answer.text, "\"id\":\"one\"");
    const char *two = strstr(answer.text, "\"originalTask\":\"two\"");
    const char *three = strstr(answer.text, "\"id\":\"three\"");

    (void)state;
    assert_true(one && two && three && one < two && two < three);
    free(answer.text);
}

static void
a_request_that_comes_byte_by_byte_is_whole_at_its_end(void **state)
{
    static const char raw[] =
        "POST /decompose HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
        "8\r\n{\"task\":\r\n7\r\n\"hello\"\r\n1\r\n}\r\n0\r\n\r\n";
    int fd = http_peer_dial(side.port);

    (void)state;
    for (size_t i = 0; i < sizeof(raw) - 1; i++)
        assert_true(http_peer_say(fd, raw + i, 1));
    expect(http_peer_hear(fd), 200, "\"originalTask\":\"hello\"");
}

#define POST "POST /swarm HTTP/1.1\r\n"
#define HOST "Host: localhost\r\n"
#define ROW(raw, status, part)                                                 \
    {                                                                          \
        raw, sizeof(raw) - 1, status, part                                     \
    }

/* What evhttp alone would take, and two that it answers too late. */
static void
malformed_requests_end_in_4xx(void **state)
{
    static const struct {
        const char *raw;
        size_t len;
        int status;
        const char *part;
    } rows[] = {
        ROW("GET /api/status HTTP/1.1\r\n\r\n", 400, "Host"),
        ROW(POST HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400,
            "one plain number"),
        ROW(POST HOST "Content-Length: +4\r\n\r\n{  }", 400,
            "one plain number"),
        ROW(POST HOST "Content-Length : 4\r\n\r\n{  }", 400, "header's name"),
        ROW(POST HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400,
            "only be chunked"),
        ROW(POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
                      "0\r\n\r\n",
            400, "without a Content-Length"),
        ROW(POST HOST "Transfer-Encoding: chunked\r\n\r\n"
                      "0x5\r\nhello\r\n0\r\n\r\n",
            400, "chunked"),
        ROW(POST HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
            400, "chunked"),
        ROW(POST HOST "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413,
            "PAYLOAD_TOO_LARGE"),
        ROW("GET /api/status HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n", 400,
            "control character"),
        ROW("GET /api/pick?task=a%4 HTTP/1.1\r\n" HOST
            "Connection: close\r\n\r\n",
            400, "percent-encoding"),
        ROW("GET /api/pick%4 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
            404, "NOT_FOUND"),
        ROW(POST HOST "Expect: 100-continue\r\n"
                      "Content-Length: 99999999\r\n\r\n",
            413, "PAYLOAD_TOO_LARGE"),
        ROW("GET /api/status HTTP/1.1\r\n" HOST
            "Authorization: Bearer x\r\nAuthorization: Bearer y\r\n\r\n",
            400, "stands twice"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(http_peer_send(side.port, rows[i].raw, rows[i].len),
               rows[i].status, rows[i].part);
}

static void
heads_and_bodies_have_a_maximum(void **state)
{
    struct buf raw;

    (void)state;
    buf_init(&raw, ANSWER_MAX);
    buf_put_text(&raw, "GET /?x=");
    for (int i = 0; i < 17000; i++)
        buf_put_char(&raw, 'x');
    expect(http_peer_send(side.port, raw.data, raw.len), 431, "HEAD_TOO_LARGE");
    buf_reset(&raw);
    buf_put_text(&raw, "POST /swarm HTTP/1.1\r\nHost: localhost\r\n"
                       "Content-Length: 1048577\r\n\r\n");
    for (int i = 0; i < 1048577; i++)
        buf_put_char(&raw, ' ');
    expect(http_peer_send(side.port, raw.data, raw.len), 413,
           "\"code\":\"PAYLOAD_TOO_LARGE\"");
    buf_fini(&raw);
}

static void
a_client_that_drips_is_cut_off(void **state)
{
    int fd = http_peer_dial(side.port);
    char byte;

    (void)state;
    assert_true(http_peer_say(fd, "GET / HT", 8));
    /* Closed by the clock, long before the idle timeout. */
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    (void)close(fd);
}

/* Each request comes in time, but the next one has always begun. */
static void
a_client_that_is_never_between_requests_is_not_cut_off(void **state)
{
    static const char request[] =
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea";
    size_t whole = sizeof(request) - 1, begun = strlen("GET /hea");
    int fd = http_peer_dial(side.port);
    char bytes[4096];

    (void)state;
    assert_true(http_peer_say(fd, request, begun));
    for (int i = 0; i < 25; i++) { /* 1 s; a request may take 0.5 s */
        struct pollfd answer = {.fd = fd, .events = POLLIN};

        assert_true(http_peer_say(fd, request + begun, whole - begun));
        assert_int_equal(poll(&answer, 1, 5000), 1);
        assert_true(recv(fd, bytes, sizeof(bytes), 0) > 0);
        (void)poll(NULL, 0, 40);
    }
    (void)close(fd);
}

static void
clients_that_reset_leave_nothing_behind_and_a_drain_ends(void **state)
{
    static const char never[] =
        "GET /pick?task=never HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char slow[] =
        "GET /pick?task=slow HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct http_answer answer;
    int fds[8], fd;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = http_peer_dial(side.port);
        assert_true(http_peer_say(fds[i], never, sizeof(never) - 1));
    }
    fd = http_peer_dial(side.port);
    assert_true(http_peer_say(fd, slow, sizeof(slow) - 1));
    /* Answered in order of arrival: the requests above are under way. */
    expect(get("/api/status"), 200, "ok");
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        http_peer_slam(fds[i]);
    order('d');
    answer = http_peer_hear(fd);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.text, "Connection: close"));
    free(answer.text);
    for (int i = 0; i < 500 && !atomic_load(&side.drained); i++)
        (void)poll(NULL, 0, 10);
    assert_true(atomic_load(&side.drained));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pick_travels_through_the_router_and_back),
        cmocka_unit_test(every_answer_has_the_security_headers),
        cmocka_unit_test(the_fixed_pages_answer),
        cmocka_unit_test(a_head_is_a_get_without_its_body),
        cmocka_unit_test(reads_carry_an_etag_and_come_back_as_304),
        cmocka_unit_test(writes_are_not_cached_and_carry_their_idempotency_key),
        cmocka_unit_test(a_trace_goes_in_and_out),
        cmocka_unit_test(a_kept_connection_answers_pipelined_requests_in_order),
        cmocka_unit_test(a_request_that_comes_byte_by_byte_is_whole_at_its_end),
        cmocka_unit_test(errors_of_the_service_become_http_errors),
        cmocka_unit_test(bad_input_never_reaches_the_service),
        cmocka_unit_test(unknown_paths_and_methods_are_told_apart),
        cmocka_unit_test(a_page_of_another_origin_may_read_but_not_write),
        cmocka_unit_test(only_known_hosts_are_served),
        cmocka_unit_test(refresh_wants_its_key_and_is_limited),
        cmocka_unit_test(one_address_has_so_many_requests_a_minute),
        cmocka_unit_test(
            what_a_page_asks_does_not_use_up_its_visitors_requests),
        cmocka_unit_test(
            a_page_of_another_origin_does_not_see_what_was_recorded),
        cmocka_unit_test(malformed_requests_end_in_4xx),
        cmocka_unit_test(heads_and_bodies_have_a_maximum),
        cmocka_unit_test(a_client_that_drips_is_cut_off),
        cmocka_unit_test(
            a_client_that_is_never_between_requests_is_not_cut_off),
        cmocka_unit_test(
            clients_that_reset_leave_nothing_behind_and_a_drain_ends),
    };

    side.wishes.refresh_key = "s3cret";
    side.wishes.per_minute = 20;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
