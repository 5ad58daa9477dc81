/* Addresses and networks from text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "services/runtime/ip.h"

#include <string.h>

static struct ip_address
parsed(const char *text)
{
    struct ip_address address;
    if (!ip_parse(slice_of(text), &address))
        fail_msg("%s is an address", text);
    return address;
}

static void
one_address_has_one_value_however_it_is_written(void **state)
{
    static const char *const same[][2] = {
        {"10.0.0.1", "::ffff:10.0.0.1"},
        {"::1", "0:0:0:0:0:0:0:1"},
        {"fd00::ab", "FD00:0::AB"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        struct ip_address a = parsed(same[i][0]), b = parsed(same[i][1]);
        assert_memory_equal(&a, &b, sizeof(a));
    }
    const uint8_t four[] = {10, 0, 0, 1};
    struct ip_address a = parsed("10.0.0.1"), b = ip_of_v4(four);
    assert_memory_equal(&a, &b, sizeof(a));
}

static void
what_is_no_address_is_refused(void **state)
{
    static const char *const none[] = {
        "",
        "10.0.0",
        "10.0.0.256",
        "10.0.0.1 ",
        "[::1]",
        "::1%lo",
        "localhost",
        "1.2.3.4.5",
        ":::",
        "0x7f.0.0.1",
        "00000000000000000000000000000000000000000000000000::1"};
    struct ip_address address;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (ip_parse(slice_of(none[i]), &address))
            fail_msg("\"%s\" is no address", none[i]);
    assert_false(ip_parse(slice_make("10.0.0.1\0", 9), &address));
}

static void
loopback_is_127_and_one(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {{"127.0.0.1", true},        {"127.9.9.9", true},
                {"::ffff:127.0.0.1", true}, {"::1", true},
                {"128.0.0.1", false},       {"::", false},
                {"::7f00:1", false},        {"0.0.0.0", false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ip_address address = parsed(rows[i].text);
        if (ip_is_loopback(&address) != rows[i].is)
            fail_msg("%s", rows[i].text);
    }
}

static void
a_network_holds_what_agrees_in_its_bits(void **state)
{
    static const struct {
        const char *network, *address;
        bool holds;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"10.0.0.0/9", "10.128.0.0", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "fd00::1", false},
        {"::/0", "1.2.3.4", true},
        {"fd00::/7", "fc00::1", true},
        {"fd00::/8", "fc00::1", false},
        {"::ffff:10.0.0.0/8", "10.2.0.0", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ip_network network;
        struct ip_address address = parsed(rows[i].address);
        assert_true(ip_network_parse(slice_of(rows[i].network), &network));
        if (ip_network_holds(&network, &address) != rows[i].holds)
            fail_msg("%s and %s", rows[i].network, rows[i].address);
    }
}

static void
what_is_no_network_is_refused(void **state)
{
    static const char *const none[] = {"",
                                       "/8",
                                       "10.0.0.0/",
                                       "10.0.0.0/33",
                                       "::1/129",
                                       "10.0.0.0/-1",
                                       "10.0.0/8",
                                       "10.0.0.0/8/8",
                                       "10.0.0.0/+8",
                                       "10.0.0.0 /8",
                                       "::ffff:10.0.0.0/104"};
    struct ip_network network;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (ip_network_parse(slice_of(none[i]), &network))
            fail_msg("\"%s\" is no network", none[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_has_one_value_however_it_is_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(loopback_is_127_and_one),
        cmocka_unit_test(a_network_holds_what_agrees_in_its_bits),
        cmocka_unit_test(what_is_no_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
