/* A tiny HTTP server in a child process, for tests of the fetching side.
 *
 * One request a connection, answered by a function of the test that is given
 * the whole request head and the socket. Listens on a free port of loopback;
 * ends with tiny_http_stop or with its parent. */
#ifndef TESTS_SERVICES_FETCH_TINY_HTTP_H
#define TESTS_SERVICES_FETCH_TINY_HTTP_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TINY_HEAD_MAX 8192

struct tiny_http {
    pid_t pid;
    int port;
};

/* number counts the requests, from 0. */
typedef void (*tiny_http_fn)(int fd, const char *head, unsigned number);

static inline void
tiny_send(int fd, const void *bytes, size_t len)
{
    const char *next = bytes;

    while (len > 0) {
        ssize_t sent = send(fd, next, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        next += sent;
        len -= (size_t)sent;
    }
}

/* "200 OK", extra header lines (each with \r\n), and a body. */
static inline void
tiny_answer(int fd, const char *status, const char *headers, const char *body)
{
    char head[1024];
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
                       "Connection: close\r\n%s\r\n",
                       status, strlen(body), headers);

    tiny_send(fd, head, (size_t)len);
    tiny_send(fd, body, strlen(body));
}

static inline void
tiny_serve(int listener, tiny_http_fn answer)
{
    for (unsigned number = 0;; number++) {
        char head[TINY_HEAD_MAX];
        size_t len = 0;
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            continue;
        head[0] = '\0';
        while (len + 1 < sizeof(head) && strstr(head, "\r\n\r\n") == NULL) {
            ssize_t got = recv(fd, head + len, sizeof(head) - 1 - len, 0);

            if (got <= 0)
                break;
            len += (size_t)got;
            head[len] = '\0';
        }
        answer(fd, head, number);
        (void)shutdown(fd, SHUT_WR);
        close(fd);
    }
}

/* False when there is no loopback to listen on. */
static inline int
tiny_http_start(struct tiny_http *http, tiny_http_fn answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return 0;
    http->port = ntohs(address.sin_port);
    http->pid = fork();
    if (http->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        tiny_serve(listener, answer);
    }
    close(listener);
    return http->pid > 0;
}

static inline void
tiny_http_stop(struct tiny_http *http)
{
    (void)kill(http->pid, SIGKILL);
    (void)waitpid(http->pid, NULL, 0);
}

#endif
