/* Addresses to listening sockets: who can reach them, where they answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "services/gatewayd/http_listen.h"
#include "services/runtime/log.h"
#include "tests/support/http_peer.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

static int
set_up(void **state)
{
    (void)state;
    /* What is refused is logged too. */
    log_start("test", LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
    return 0;
}

static struct http_listen
open_at(const char *addresses)
{
    struct http_listen listen;

    if (http_listen_open(addresses, 0, &listen) != STATUS_OK)
        fail_msg("cannot listen at %s", addresses);
    return listen;
}

static void
close_all(struct http_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++)
        (void)close(listen->sockets[i]);
}

static void
expect_url(const struct http_listen *listen, const char *format)
{
    struct buf url, wanted;

    buf_init(&url, 256);
    buf_init(&wanted, 256);
    http_listen_url(listen, &url);
    buf_put_text(&wanted, format);
    buf_put_i64(&wanted, listen->port);
    buf_put_char(&wanted, '/');
    assert_string_equal(buf_text(&url), buf_text(&wanted));
    buf_fini(&url);
    buf_fini(&wanted);
}

static void
all_addresses_share_a_port(void **state)
{
    struct http_listen listen = open_at(" 127.0.0.1, ,127.0.0.2 ");

    (void)state;
    assert_int_equal(listen.count, 2);
    assert_in_range(listen.port, 1, 65535);
    expect_url(&listen, "http://localhost:");
    close_all(&listen);
}

static void
it_knows_whether_others_can_reach_it(void **state)
{
    static const struct {
        const char *addresses;
        bool is_beyond;
    } rows[] = {
        {"127.0.0.1", false}, {"127.0.0.1,::1", false}, {"127.3.2.1", false},
        {"0.0.0.0", true},    {"127.0.0.1,::", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_listen listen = open_at(rows[i].addresses);

        /* A machine without IPv6 leaves those out. */
        if (!strchr(rows[i].addresses, ':') || listen.count > 1)
            assert_int_equal(listen.is_beyond, rows[i].is_beyond);
        close_all(&listen);
    }
}

/* Without it small answers wait for the peer's acknowledgement. */
static void
accepted_sockets_send_without_delay(void **state)
{
    struct http_listen listen = open_at("127.0.0.1");
    int peer = http_peer_dial(listen.port), fd, on = 0;
    socklen_t len = sizeof(on);

    (void)state;
    do
        fd = accept(listen.sockets[0], NULL, NULL);
    while (fd < 0);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_int_equal(on, 1);
    (void)close(fd);
    (void)close(peer);
    close_all(&listen);
}

static void
malformed_addresses_are_refused(void **state)
{
    static const char *const bad[] = {"localhost", "127.0.0.1:80", "[::1]",
                                      "1.2.3",     "127.0.0.1,x",  "::1%lo"};
    struct http_listen listen;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(http_listen_open(bad[i], 0, &listen),
                         STATUS_INVALID_ARGUMENT);
}

static void
an_address_that_somebody_has_is_no_start(void **state)
{
    struct http_listen first = open_at("127.0.0.1"), second;

    (void)state;
    assert_int_equal(http_listen_open("127.0.0.1", first.port, &second),
                     STATUS_UNAVAILABLE);
    /* Though the other one is free. */
    assert_int_equal(
        http_listen_open("127.0.0.2,127.0.0.1", first.port, &second),
        STATUS_UNAVAILABLE);
    close_all(&first);
}

static void
an_absent_address_is_left_out_and_none_is_no_start(void **state)
{
    struct http_listen listen = open_at("198.51.100.1,127.0.0.1");

    (void)state;
    assert_int_equal(listen.count, 1);
    /* What is not listened at opens nothing. */
    assert_false(listen.is_beyond);
    close_all(&listen);
    assert_int_equal(http_listen_open("198.51.100.1", 0, &listen),
                     STATUS_UNAVAILABLE);
    assert_int_equal(http_listen_open("", 0, &listen), STATUS_UNAVAILABLE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_addresses_share_a_port),
        cmocka_unit_test(it_knows_whether_others_can_reach_it),
        cmocka_unit_test(accepted_sockets_send_without_delay),
        cmocka_unit_test(malformed_addresses_are_refused),
        cmocka_unit_test(an_address_that_somebody_has_is_no_start),
        cmocka_unit_test(an_absent_address_is_left_out_and_none_is_no_start),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
