/* An HTTP client for tests, on blocking sockets. */
#include "tests/support/http_peer.h"

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_MAX (4 << 20)

int
http_peer_dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                     sizeof(patience)) == 0);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

bool
http_peer_say(int fd, const void *bytes, size_t len)
{
    const char *from = bytes;

    while (len > 0) {
        ssize_t sent = send(fd, from, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        from += sent;
        len -= (size_t)sent;
    }
    return true;
}

static struct http_answer
parse(char *text)
{
    struct http_answer answer = {.text = text};
    char *end = strstr(text, "\r\n\r\n");
    int64_t status = 0;

    answer.body = end ? end + 4 : "";
    if (strlen(text) > 12)
        (void)!text_i64(slice_make(text + 9, 3), &status);
    answer.status = (int)status;
    return answer;
}

struct http_answer
http_peer_hear(int fd)
{
    char *text = calloc(1, ANSWER_MAX);
    size_t len = 0;
    ssize_t got;

    CHECK(text);
    while ((got = recv(fd, text + len, ANSWER_MAX - 1 - len, 0)) > 0)
        len += (size_t)got;
    (void)close(fd);
    return parse(text);
}

struct http_answer
http_peer_send(int port, const void *bytes, size_t len)
{
    int fd = http_peer_dial(port);

    (void)http_peer_say(fd, bytes, len);
    return http_peer_hear(fd);
}

/* Other addresses than ours, by the proxy that we are trusted to be. */
static const char *
somebody(void)
{
    static char header[64];
    static unsigned count;

    (void)snprintf(header, sizeof(header), "X-Forwarded-For: 192.0.%u.%u\r\n",
                   count / 200, count % 200 + 1);
    count++;
    return header;
}

struct http_answer
http_peer_ask(int port, const char *method, const char *target,
              const char *headers, const char *body)
{
    struct http_answer answer;
    struct buf raw;

    buf_init(&raw, ANSWER_MAX);
    buf_putf(&raw, "%s %s HTTP/1.1\r\nConnection: close\r\n%s", method, target,
             headers);
    if (!strstr(headers, "Host:"))
        buf_put_text(&raw, "Host: localhost\r\n");
    if (!strstr(headers, "X-Forwarded-For"))
        buf_put_text(&raw, somebody());
    if (body)
        buf_putf(&raw, "Content-Length: %zu\r\n", strlen(body));
    buf_put_text(&raw, "\r\n");
    buf_put_text(&raw, body ? body : "");
    answer = http_peer_send(port, raw.data, raw.len);
    buf_fini(&raw);
    return answer;
}

void
http_peer_slam(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
    (void)close(fd);
}
