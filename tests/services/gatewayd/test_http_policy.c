/* Whose requests are answered: header rules by table, client addresses, the
 * request limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/arena.h"
#include "core/base/check.h"
#include "services/gatewayd/client_address.h"
#include "services/gatewayd/http_policy.h"
#include "services/gatewayd/rate_limit.h"
#include "services/runtime/home.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_MAX (1 << 20)

static bool
rule_key(const char *a, const char *b)
{
    (void)b;
    return http_policy_is_idempotency_key(a);
}

static bool
rule_json(const char *a, const char *b)
{
    return http_policy_is_json(a, b != NULL);
}

static bool
rule_host(const char *a, const char *b)
{
    return http_policy_host(a, b ? b : "");
}

/* What stands behind Bearer is this very text. */
static bool
rule_bearer(const char *a, const char *b)
{
    struct slice bearer;

    return http_policy_bearer(a, &bearer) && bearer.len > 0 &&
           slice_eq(bearer, slice_of(b));
}

static bool
rule_foreign(const char *a, const char *b)
{
    return http_policy_is_foreign(
        &(struct http_policy_page){.origin = a, .host = b});
}

static bool
rule_referer(const char *a, const char *b)
{
    return http_policy_is_foreign(
        &(struct http_policy_page){.referer = a, .host = b});
}

/* a is Sec-Fetch-Site, b an Origin that came with it. */
static bool
rule_site(const char *a, const char *b)
{
    return http_policy_is_foreign(
        &(struct http_policy_page){.fetch_site = a,
                                   .origin = b,
                                   .referer = "http://evil.example/",
                                   .host = "localhost:3000"});
}

static const struct {
    const char *name;
    bool (*rule)(const char *a, const char *b);
} rules[] = {
    {"host", rule_host},
    {"foreign", rule_foreign},
    {"referer", rule_referer},
    {"site", rule_site},
    {"json", rule_json},
    {"bearer", rule_bearer},
    {"lists", http_policy_lists},
    {"etag", http_policy_etag_matches},
    {"key", rule_key},
};

static unsigned
hex(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* A column as a header value: "-" is none, \xHH a byte. */
static const char *
value_of(struct arena *arena, struct slice text)
{
    char *out = arena_text(arena, text);
    char *to = out;

    if (slice_eq(text, SLICE("-")))
        return NULL;
    for (const char *from = out; *from; from++) {
        unsigned byte;

        if (from[0] == '\\' && from[1] == 'x') {
            const char *digits = from + 2;

            byte = hex(digits[0]) << 4 | hex(digits[1]);
            *to++ = (char)byte;
            from += 3;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return out;
}

static bool
apply(const char *name, const char *a, const char *b)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (strcmp(rules[i].name, name) == 0)
            return rules[i].rule(a, b);
    fail_msg("the table names an unknown rule: %s", name);
    return false;
}

static void
headers_are_judged_as_the_table_says(void **state)
{
    struct arena *arena = arena_new(1 << 20);
    size_t len, rows = 0, wrong = 0;
    struct slice rest, line;
    char *bytes;

    (void)state;
    assert_int_equal(home_read_file(SS_SOURCE_DIR
                                    "/tests/tables/http_policy.tsv",
                                    TABLE_MAX, &bytes, &len),
                     STATUS_OK);
    rest = slice_make(bytes, len);
    while (slice_split(&rest, '\n', &line)) {
        struct slice columns[4];
        bool got;

        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        for (size_t i = 0; i < 4; i++)
            assert_true(slice_split(&line, '\t', &columns[i]));
        got = apply(arena_text(arena, columns[0]), value_of(arena, columns[1]),
                    value_of(arena, columns[2]));
        if (got != slice_eq(columns[3], SLICE("yes"))) {
            print_error("%.*s %.*s %.*s: got %s\n", SLICE_ARG(columns[0]),
                        SLICE_ARG(columns[1]), SLICE_ARG(columns[2]),
                        got ? "yes" : "no");
            wrong++;
        }
        rows++;
    }
    free(bytes);
    arena_free(&arena);
    assert_true(rows > 40);
    assert_int_equal(wrong, 0);
}

/* --- client addresses --- */

static struct ip_address
address(const char *text)
{
    struct ip_address parsed;

    if (!ip_parse(slice_of(text), &parsed))
        fail_msg("no address: %s", text);
    return parsed;
}

static void
expect_client(const char *peer, const char *forwarded, const char *trusted,
              const char *expected)
{
    struct client_networks networks;
    struct ip_address got, wanted = address(expected);

    assert_int_equal(client_networks_parse(slice_of(trusted), &networks),
                     STATUS_OK);
    got = client_address_of(slice_of(peer), forwarded, &networks);
    assert_memory_equal(&got, &wanted, sizeof(got));
}

static void
the_client_is_the_peer_unless_a_trusted_proxy_says_otherwise(void **state)
{
    (void)state;
    expect_client("192.0.2.7", NULL, "", "192.0.2.7");
    expect_client("192.0.2.7", "10.200.0.10", "", "192.0.2.7");
    expect_client("10.0.0.1", "192.0.2.7", "10.0.0.1", "192.0.2.7");
    expect_client("10.0.0.1", "1.2.3.4, 192.0.2.7", "10.0.0.1", "192.0.2.7");
    expect_client("10.0.0.1", "192.0.2.7, 10.9.9.9", "10.0.0.0/8", "192.0.2.7");
    expect_client("10.0.0.1", "10.1.1.1", "10.0.0.0/8", "10.1.1.1");
    expect_client("fd00::1", "2001:db8::7", "fd00::/8", "2001:db8::7");
    expect_client("10.0.0.1", "rubbish", "10.0.0.1", "10.0.0.1");
    expect_client("10.0.0.1", "", "10.0.0.1", "10.0.0.1");
    expect_client("::ffff:10.0.0.1", "192.0.2.7", "10.0.0.1", "192.0.2.7");
}

static void
malformed_networks_are_refused(void **state)
{
    static const char *const bad[] = {"10.0.0.0/33", "fd00::/129", "x",
                                      "10.0.0.1/",   "10.0.0.1/x", "1/2/3"};
    struct client_networks networks;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(client_networks_parse(slice_of(bad[i]), &networks),
                         STATUS_INVALID_ARGUMENT);
}

static void
limits_count_a_whole_slash_64_as_one(void **state)
{
    struct ip_address a = client_address_key(address("2001:db8::1"));
    struct ip_address b = client_address_key(address("2001:db8::ff:2"));
    struct ip_address c = client_address_key(address("2001:db8:0:1::1"));
    struct ip_address d = client_address_key(address("192.0.2.1"));
    struct ip_address e = client_address_key(address("192.0.2.2"));

    (void)state;
    assert_memory_equal(&a, &b, sizeof(a));
    assert_memory_not_equal(&a, &c, sizeof(a));
    assert_memory_not_equal(&d, &e, sizeof(d));
}

/* --- limits --- */

static void
a_window_lets_so_many_pass_and_then_waits_for_its_end(void **state)
{
    struct rate_limit *rate = rate_limit_new(3, 60000, 64);
    struct ip_address client = address("192.0.2.1");
    ms_dur wait = 0;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(rate_limit_take(rate, &client, 1000, &wait));
    assert_false(rate_limit_take(rate, &client, 21000, &wait));
    assert_int_equal(wait, 40000);
    assert_true(rate_limit_take(rate, &client, 61000, &wait));
    rate_limit_free(&rate);
}

static void
clients_do_not_share_a_window(void **state)
{
    struct rate_limit *rate = rate_limit_new(1, 60000, 64);
    struct ip_address a = address("192.0.2.1"), b = address("192.0.2.2");
    ms_dur wait;

    (void)state;
    assert_true(rate_limit_take(rate, &a, 0, &wait));
    assert_true(rate_limit_take(rate, &b, 0, &wait));
    assert_false(rate_limit_take(rate, &a, 0, &wait));
    rate_limit_free(&rate);
}

static void
a_limit_of_zero_is_none(void **state)
{
    struct rate_limit *rate = rate_limit_new(0, 60000, 64);
    struct ip_address client = address("192.0.2.1");
    ms_dur wait;

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_true(rate_limit_take(rate, &client, 0, &wait));
    rate_limit_free(&rate);
}

static void
a_crowd_neither_grows_the_table_nor_shuts_anybody_out(void **state)
{
    struct rate_limit *rate = rate_limit_new(5, 60000, 64);
    struct ip_address busy = address("192.0.2.1");
    ms_dur wait;

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(rate_limit_take(rate, &busy, 0, &wait));
    for (uint32_t i = 0; i < 100000; i++) {
        struct ip_address other = address("10.0.0.0");

        memcpy(other.bytes + 12, &i, sizeof(i));
        assert_true(rate_limit_take(rate, &other, 0, &wait));
    }
    /* The one who asked most is not the one who is forgotten. */
    assert_false(rate_limit_take(rate, &busy, 0, &wait));
    rate_limit_free(&rate);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_judged_as_the_table_says),
        cmocka_unit_test(
            the_client_is_the_peer_unless_a_trusted_proxy_says_otherwise),
        cmocka_unit_test(malformed_networks_are_refused),
        cmocka_unit_test(limits_count_a_whole_slash_64_as_one),
        cmocka_unit_test(a_window_lets_so_many_pass_and_then_waits_for_its_end),
        cmocka_unit_test(clients_do_not_share_a_window),
        cmocka_unit_test(a_limit_of_zero_is_none),
        cmocka_unit_test(a_crowd_neither_grows_the_table_nor_shuts_anybody_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
