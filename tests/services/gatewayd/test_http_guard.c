/* The guard in front of evhttp, by table: every head has one verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "services/gatewayd/http_front.h"
#include "services/gatewayd/http_guard.h"
#include "services/runtime/home.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_MAX (1 << 20)

static const char *const names[] = {
    [HTTP_REFUSAL_NONE] = "ok",
#define REFUSAL(symbol, status, code, message)                                 \
    [HTTP_REFUSAL_##symbol] = #symbol,
#include "services/gatewayd/http_refusal.def"
#undef REFUSAL
};

static int
hex(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Undo the table's \r \n \t \xHH. */
static void
unescape(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c != '\\') {
            buf_put_char(out, c);
            continue;
        }
        c = text.ptr[++i];
        if (c == 'x') {
            buf_put_char(
                out, (char)(hex(text.ptr[i + 1]) << 4 | hex(text.ptr[i + 2])));
            i += 2;
        } else {
            buf_put_text(out, c == 'r' ? "\r" : c == 'n' ? "\n" : "\t");
        }
    }
}

static void
verdict_of(struct slice head, struct buf *out)
{
    struct http_framing framing = {0};
    enum http_refusal refusal = http_guard_head(head, &framing);

    buf_put_text(out, names[refusal]);
    if (refusal != HTTP_REFUSAL_NONE)
        return;
    if (framing.chunked)
        buf_put_text(out, " chunked");
    else
        buf_putf(out, " %llu", (unsigned long long)framing.length);
}

static void
heads_are_judged_as_the_table_says(void **state)
{
    struct slice rest, line, head, expected;
    size_t len, rows = 0, wrong = 0;
    char *bytes;

    (void)state;
    assert_int_equal(home_read_file(SS_SOURCE_DIR
                                    "/tests/tables/http_guard.tsv",
                                    TABLE_MAX, &bytes, &len),
                     STATUS_OK);
    rest = slice_make(bytes, len);
    while (slice_split(&rest, '\n', &line)) {
        struct buf raw, got;

        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        assert_true(slice_split(&line, '\t', &head));
        assert_true(slice_split(&line, '\t', &expected));
        buf_init(&raw, 1 << 16);
        buf_init(&got, 256);
        unescape(head, &raw);
        verdict_of(buf_slice(&raw), &got);
        if (!slice_eq(buf_slice(&got), expected)) {
            print_error("%.*s\n  got %s, expected %.*s\n", SLICE_ARG(head),
                        buf_text(&got), SLICE_ARG(expected));
            wrong++;
        }
        buf_fini(&raw);
        buf_fini(&got);
        rows++;
    }
    free(bytes);
    assert_true(rows > 50);
    assert_int_equal(wrong, 0);
}

static void
a_chunked_head_is_written_again_with_its_length(void **state)
{
    struct buf plain;

    (void)state;
    buf_init(&plain, 1024);
    http_guard_set_length(SLICE("POST / HTTP/1.1\r\nHost: a\r\n"
                                "Transfer-Encoding: chunked\r\n"
                                "Expect: 100-continue\r\nX: y\r\n\r\n"),
                          12, &plain);
    assert_string_equal(buf_text(&plain),
                        "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n"
                        "Content-Length: 12\r\n\r\n");
    buf_fini(&plain);
}

static void
a_chunk_size_is_hexadecimal_and_nothing_else(void **state)
{
    static const char *const bad[] = {"",   "0x5", "+5",        "5 ",
                                      " 5", "5;a", "123456789", "g"};
    uint64_t size;

    (void)state;
    assert_int_equal(http_guard_chunk(SLICE("1aF"), &size), 0);
    assert_int_equal(size, 0x1af);
    assert_int_equal(http_guard_chunk(SLICE("0"), &size), 0);
    assert_int_equal(size, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(http_guard_chunk(slice_of(bad[i]), &size),
                         HTTP_REFUSAL_CHUNK);
}

static void
a_head_has_a_maximum_of_headers(void **state)
{
    struct http_framing framing;
    struct buf head;

    (void)state;
    buf_init(&head, 1 << 16);
    buf_put_text(&head, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < HTTP_GUARD_HEADERS_MAX - 1; i++)
        buf_put_text(&head, "X: y\r\n");
    buf_put_text(&head, "\r\n");
    assert_int_equal(http_guard_head(buf_slice(&head), &framing), 0);
    buf_reset(&head);
    buf_put_text(&head, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < HTTP_GUARD_HEADERS_MAX; i++)
        buf_put_text(&head, "X: y\r\n");
    buf_put_text(&head, "\r\n");
    assert_int_equal(http_guard_head(buf_slice(&head), &framing),
                     HTTP_REFUSAL_TOO_MANY_HEADERS);
    buf_fini(&head);
}

static void
only_the_fronts_own_path_is_a_refusal(void **state)
{
    (void)state;
    assert_int_equal(http_front_refusal(SLICE("/!refused/2")), 2);
    assert_int_equal(http_front_refusal(SLICE("/!refused/0")), 0);
    assert_int_equal(http_front_refusal(SLICE("/!refused/999")), 0);
    assert_int_equal(http_front_refusal(SLICE("/!refused/x")), 0);
    assert_int_equal(http_front_refusal(SLICE("/pick")), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_judged_as_the_table_says),
        cmocka_unit_test(a_chunked_head_is_written_again_with_its_length),
        cmocka_unit_test(a_chunk_size_is_hexadecimal_and_nothing_else),
        cmocka_unit_test(a_head_has_a_maximum_of_headers),
        cmocka_unit_test(only_the_fronts_own_path_is_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
