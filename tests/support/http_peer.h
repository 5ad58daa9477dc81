/* An HTTP client for tests: raw bytes out, whole answers in.
 *
 * Blocking, over 127.0.0.1, one connection a question; it sends whatever it
 * is given. Trouble with the test's own sockets ends the test. */
#ifndef TESTS_SUPPORT_HTTP_PEER_H
#define TESTS_SUPPORT_HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>

struct http_answer {
    int status;       /* 0: none came */
    char *text;       /* head and body; free it */
    const char *body; /* within text */
};

int http_peer_dial(int port);
/* False when the server closed its ear, which it may. */
bool http_peer_say(int fd, const void *bytes, size_t len);
/* Read until the server closes, and close. */
struct http_answer http_peer_hear(int fd);
struct http_answer http_peer_send(int port, const void *bytes, size_t len);
/* One request with "Connection: close" and its headers ("Name: value\r\n…").
 * Unless they are among these: Host is localhost, and X-Forwarded-For an
 * address never used before, so that tests do not share a rate limit. */
struct http_answer http_peer_ask(int port, const char *method,
                                 const char *target, const char *headers,
                                 const char *body);
/* Close with a reset instead of a farewell. */
void http_peer_slam(int fd);

#endif
