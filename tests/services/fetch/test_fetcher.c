/* Fetching from a tiny server on loopback and from files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "services/fetch/fetcher.h"
#include "tests/services/fetch/tiny_http.h"

#include <sys/stat.h>

#include <stdbool.h>

#define PATIENCE_MS 20000
#define BODY_MAX 65536

/* gzip of "hello " 200 times. */
static const char squeezed[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x18"
    "\x25\x47\xc9\x51\x72\x94\x1c\xf4\x24\x00\x45\x44\x9f\x68\xb0\x04\x00\x00";

struct outcome {
    struct loop *loop;
    enum status status;
    int http_status;
    bool not_modified;
    bool done;
    char message[FETCH_MESSAGE_MAX];
    char body[BODY_MAX];
    size_t len;
    char etag[FETCH_VALIDATOR_MAX];
    ms_dur retry_after;
};

struct fixture {
    struct loop *loop;
    struct fetcher *fetcher;
    struct tiny_http http;
};

static bool
head_has(const char *head, const char *text)
{
    return strcasestr(head, text) != NULL;
}

/* To the same server: libcurl takes a path for an address. */
static void
answer_redirect(int fd)
{
    tiny_answer(fd, "302 Found", "Location: /plain\r\n", "");
}

static void
answer_squeezed(int fd)
{
    char head[160];
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       sizeof(squeezed) - 1);

    tiny_send(fd, head, (size_t)len);
    tiny_send(fd, squeezed, sizeof(squeezed) - 1);
}

static void
answer(int fd, const char *head, unsigned number)
{
    (void)number;
    if (strncmp(head, "GET /plain ", 11) == 0) {
        if (head_has(head, "If-None-Match: \"v1\""))
            tiny_answer(fd, "304 Not Modified", "ETag: \"v1\"\r\n", "");
        else
            tiny_answer(fd, "200 OK", "ETag: \"v1\"\r\n", "plain body");
    } else if (strncmp(head, "GET /key ", 9) == 0) {
        tiny_answer(fd, "200 OK", "",
                    head_has(head, "x-api-key: sesame") ? "open" : "shut");
    } else if (strncmp(head, "GET /gzip ", 10) == 0) {
        answer_squeezed(fd);
    } else if (strncmp(head, "GET /redirect ", 14) == 0) {
        answer_redirect(fd);
    } else if (strncmp(head, "GET /busy ", 10) == 0) {
        tiny_answer(fd, "429 Too Many Requests", "Retry-After: 7\r\n", "");
    } else if (strncmp(head, "GET /broken ", 12) == 0) {
        tiny_answer(fd, "500 Internal Server Error", "", "oops");
    } else if (strncmp(head, "GET /short ", 11) == 0) {
        static const char text[] =
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this";

        tiny_send(fd, text, sizeof(text) - 1);
    } else if (strncmp(head, "GET /long ", 10) == 0) {
        static const char text[] =
            "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
        char byte;

        /* The first byte of the body never comes. */
        tiny_send(fd, text, sizeof(text) - 1);
        (void)!recv(fd, &byte, 1, 0);
    } else if (strncmp(head, "GET /stall ", 11) == 0) {
        char byte;

        /* Silent until the other side gives up. */
        (void)!recv(fd, &byte, 1, 0);
    } else {
        tiny_answer(fd, "404 Not Found", "", "");
    }
}

static void
on_done(void *context, const struct fetch_result *result)
{
    struct outcome *outcome = context;

    assert_false(outcome->done);
    outcome->done = true;
    outcome->status = result->status;
    outcome->http_status = result->http_status;
    outcome->not_modified = result->not_modified;
    outcome->retry_after = result->retry_after;
    (void)snprintf(outcome->message, sizeof(outcome->message), "%s",
                   result->message);
    (void)snprintf(outcome->etag, sizeof(outcome->etag), "%s", result->etag);
    outcome->len = result->body.len;
    if (result->body.len > 0 && result->body.len < BODY_MAX)
        memcpy(outcome->body, result->body.ptr, result->body.len);
    loop_stop(outcome->loop);
}

static void
on_patience(void *context)
{
    loop_stop(context);
}

static void
run(struct fixture *fixture, const struct fetch_request *request,
    struct outcome *outcome)
{
    struct loop_timer *patience;

    *outcome = (struct outcome){.loop = fixture->loop};
    assert_int_equal(
        fetcher_get(fixture->fetcher, request, on_done, outcome, NULL),
        STATUS_OK);
    assert_false(outcome->done);
    assert_int_equal(
        loop_timer_new(fixture->loop, on_patience, fixture->loop, &patience),
        STATUS_OK);
    loop_timer_start(patience, PATIENCE_MS);
    loop_run(fixture->loop);
    loop_timer_free(&patience);
    assert_true(outcome->done);
}

static struct fetch_request
request_to(const struct fixture *fixture, const char *path, char *url)
{
    (void)snprintf(url, FETCH_URL_MAX, "http://127.0.0.1:%d%s",
                   fixture->http.port, path);
    return (struct fetch_request){
        .url = url, .max_bytes = BODY_MAX, .timeout = 10000};
}

static void
get(struct fixture *fixture, const char *path, struct outcome *outcome)
{
    char url[FETCH_URL_MAX];
    struct fetch_request request = request_to(fixture, path, url);

    run(fixture, &request, outcome);
}

static int
set_up(void **state)
{
    static struct fixture fixture;

    /* libcurl honours proxies of the environment; none is wanted here. */
    (void)setenv("no_proxy", "127.0.0.1", 1);
    if (!tiny_http_start(&fixture.http, answer))
        return -1;
    fixture.loop = loop_new();
    if (fetcher_new(fixture.loop, &fixture.fetcher) != STATUS_OK)
        return -1;
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    fetcher_free(&fixture->fetcher);
    loop_free(&fixture->loop);
    tiny_http_stop(&fixture->http);
    return 0;
}

static void
a_body_arrives_with_its_validator(void **state)
{
    struct outcome outcome;

    get(*state, "/plain", &outcome);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_int_equal(outcome.http_status, 200);
    assert_string_equal(outcome.body, "plain body");
    assert_string_equal(outcome.etag, "\"v1\"");
    assert_false(outcome.not_modified);
}

static void
an_unchanged_body_is_not_sent_again(void **state)
{
    struct outcome outcome;
    char url[FETCH_URL_MAX];
    struct fetch_request request = request_to(*state, "/plain", url);

    request.etag = "\"v1\"";
    run(*state, &request, &outcome);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_true(outcome.not_modified);
    assert_int_equal(outcome.len, 0);
}

static void
a_squeezed_body_is_decoded_and_counted_decoded(void **state)
{
    struct outcome outcome;
    char url[FETCH_URL_MAX];
    struct fetch_request request = request_to(*state, "/gzip", url);

    run(*state, &request, &outcome);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_int_equal(outcome.len, 1200);
    assert_memory_equal(outcome.body, "hello hello ", 12);
    request.max_bytes = 1000; /* more than what travels */
    run(*state, &request, &outcome);
    assert_int_equal(outcome.status, STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(outcome.message, "more than 1000 bytes");
}

static void
headers_are_sent_and_secrets_are_not_redirected(void **state)
{
    static const char *const headers[] = {"x-api-key: sesame"};
    struct outcome outcome;
    char url[FETCH_URL_MAX];
    struct fetch_request request = request_to(*state, "/key", url);

    request.headers = headers;
    request.header_count = 1;
    request.has_secret = true;
    run(*state, &request, &outcome);
    assert_string_equal(outcome.body, "open");
    request.url = url;
    (void)request_to(*state, "/redirect", url);
    run(*state, &request, &outcome);
    assert_int_equal(outcome.status, STATUS_FAILED_PRECONDITION);
    assert_int_equal(outcome.http_status, 302);
    request.has_secret = false;
    run(*state, &request, &outcome);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_string_equal(outcome.body, "plain body");
}

static void
http_errors_become_statuses(void **state)
{
    static const struct {
        const char *path;
        enum status status;
        int http;
        ms_dur retry_after;
    } cases[] = {
        {"/nowhere", STATUS_NOT_FOUND, 404, 0},
        {"/broken", STATUS_UNAVAILABLE, 500, 0},
        {"/busy", STATUS_RESOURCE_EXHAUSTED, 429, 7000},
    };
    struct outcome outcome;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        get(*state, cases[i].path, &outcome);
        assert_int_equal(outcome.status, cases[i].status);
        assert_int_equal(outcome.http_status, cases[i].http);
        assert_int_equal(outcome.retry_after, cases[i].retry_after);
        assert_int_not_equal(outcome.message[0], '\0');
    }
}

static void
a_body_that_ends_early_is_data_loss(void **state)
{
    struct outcome outcome;

    get(*state, "/short", &outcome);
    assert_int_equal(outcome.status, STATUS_DATA_LOSS);
    assert_int_equal(outcome.len, 0);
}

static void
a_body_that_says_it_is_too_long_is_not_waited_for(void **state)
{
    struct outcome outcome;

    get(*state, "/long", &outcome);
    assert_int_equal(outcome.status, STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(outcome.message, "more than 65536 bytes");
}

static void
a_silent_server_ends_with_the_timeout(void **state)
{
    struct outcome outcome;
    char url[FETCH_URL_MAX];
    struct fetch_request request = request_to(*state, "/stall", url);

    request.timeout = 200;
    run(*state, &request, &outcome);
    assert_int_equal(outcome.status, STATUS_DEADLINE_EXCEEDED);
}

static void
files_are_read_and_missing_ones_said(void **state)
{
    char path[] = "/tmp/fetcherXXXXXX", url[64];
    struct outcome outcome;
    struct fetch_request request = {
        .url = url, .max_bytes = 100, .timeout = 5000};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "from a file", 11), 11);
    close(fd);
    (void)snprintf(url, sizeof(url), "file://%s", path);
    run(*state, &request, &outcome);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_string_equal(outcome.body, "from a file");
    assert_int_equal(outcome.http_status, 0);
    request.max_bytes = 5;
    run(*state, &request, &outcome);
    assert_int_equal(outcome.status, STATUS_RESOURCE_EXHAUSTED);
    (void)unlink(path);
    run(*state, &request, &outcome);
    assert_int_equal(outcome.status, STATUS_NOT_FOUND);
    /* Opening one of these waits for somebody at the other end. */
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(fetcher_get(((struct fixture *)*state)->fetcher, &request,
                                 NULL, NULL, NULL),
                     STATUS_FAILED_PRECONDITION);
    (void)unlink(path);
}

static void
what_is_no_web_address_is_refused(void **state)
{
    static const char *const urls[] = {"", "nonsense://x", "http://",
                                       "ftp://127.0.0.1/x",
                                       "gopher://127.0.0.1/x"};
    struct outcome outcome;
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct fetch_request request = {
            .url = urls[i], .max_bytes = 100, .timeout = 5000};

        run(fixture, &request, &outcome);
        assert_int_equal(outcome.status, STATUS_INVALID_ARGUMENT);
    }
}

static void
a_closed_port_is_unavailable(void **state)
{
    struct outcome outcome;
    struct fetch_request request = {
        .url = "http://127.0.0.1:1/", .max_bytes = 100, .timeout = 5000};

    run(*state, &request, &outcome);
    assert_int_equal(outcome.status, STATUS_UNAVAILABLE);
}

static void
a_cancelled_fetch_never_calls_back(void **state)
{
    struct fixture *fixture = *state;
    struct outcome cancelled = {.loop = fixture->loop}, outcome;
    struct fetch *fetch = NULL;
    char url[FETCH_URL_MAX];
    struct fetch_request request = request_to(fixture, "/plain", url);

    assert_int_equal(
        fetcher_get(fixture->fetcher, &request, on_done, &cancelled, &fetch),
        STATUS_OK);
    fetcher_cancel(&fetch);
    assert_null(fetch);
    get(fixture, "/plain", &outcome);
    assert_false(cancelled.done);
}

static void
more_than_the_limit_are_refused_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {.loop = fixture->loop};
    struct fetch *fetches[FETCH_CONCURRENT_MAX];
    char url[FETCH_URL_MAX];
    struct fetch_request request = request_to(fixture, "/plain", url);

    for (size_t i = 0; i < FETCH_CONCURRENT_MAX; i++)
        assert_int_equal(fetcher_get(fixture->fetcher, &request, on_done,
                                     &outcome, &fetches[i]),
                         STATUS_OK);
    assert_int_equal(
        fetcher_get(fixture->fetcher, &request, on_done, &outcome, NULL),
        STATUS_RESOURCE_EXHAUSTED);
    for (size_t i = 0; i < FETCH_CONCURRENT_MAX; i++)
        fetcher_cancel(&fetches[i]);
    request.timeout = 0;
    assert_int_equal(
        fetcher_get(fixture->fetcher, &request, on_done, &outcome, NULL),
        STATUS_INVALID_ARGUMENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_arrives_with_its_validator),
        cmocka_unit_test(an_unchanged_body_is_not_sent_again),
        cmocka_unit_test(a_squeezed_body_is_decoded_and_counted_decoded),
        cmocka_unit_test(headers_are_sent_and_secrets_are_not_redirected),
        cmocka_unit_test(http_errors_become_statuses),
        cmocka_unit_test(a_body_that_ends_early_is_data_loss),
        cmocka_unit_test(a_body_that_says_it_is_too_long_is_not_waited_for),
        cmocka_unit_test(a_silent_server_ends_with_the_timeout),
        cmocka_unit_test(files_are_read_and_missing_ones_said),
        cmocka_unit_test(what_is_no_web_address_is_refused),
        cmocka_unit_test(a_closed_port_is_unavailable),
        cmocka_unit_test(a_cancelled_fetch_never_calls_back),
        cmocka_unit_test(more_than_the_limit_are_refused_at_once),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
