/* A client that pushes, for tests of the gateway's edge; after gateway_side.h.
 * Included by one test program each. */
#ifndef TESTS_SERVICES_GATEWAYD_EDGE_CLIENT_H
#define TESTS_SERVICES_GATEWAYD_EDGE_CLIENT_H

#include "tests/services/gatewayd/gateway_side.h"

#include "core/base/text.h"

#include <time.h>

#define HEAD "Host: localhost\r\n"
#define MIB ((size_t)1 << 20)

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

static int
reset_side(void)
{
    memset(&side, 0, sizeof(side));
    return 0;
}

#endif
