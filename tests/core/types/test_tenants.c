/* The tenants: names, the order of keys, search, the content hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/types/tenants.h"

static const struct tenant_key keys[] = {
    {{0x00, 0x01}, SLICE("aaaa1111"), SLICE("default"), SLICE("first"), false},
    {{0x00, 0x02}, SLICE("bbbb2222"), SLICE("acme"), SLICE(""), true},
    {{0x7f}, SLICE("cccc3333"), SLICE("acme"), SLICE("ci"), false},
    {{0xff}, SLICE("dddd4444"), SLICE("zeta"), SLICE("ci"), false},
};

static struct tenants
tenants_of(const struct tenant_key *some, size_t count)
{
    return (struct tenants){.keys = some, .key_count = count};
}

static void
a_key_is_found_by_its_hash_revoked_or_not(void **state)
{
    (void)state;
    struct tenants tenants = tenants_of(keys, ARRAY_LEN(keys));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_ptr_equal(tenants_find(&tenants, keys[i].hash), &keys[i]);
}

static void
a_hash_that_is_no_keys_finds_nothing(void **state)
{
    (void)state;
    struct tenants tenants = tenants_of(keys, ARRAY_LEN(keys));
    struct tenants none = {0};
    uint8_t hash[TENANT_KEY_HASH_LEN] = {0x00, 0x01, [31] = 1};
    assert_null(tenants_find(&tenants, hash));
    hash[0] = 0xff;
    assert_null(tenants_find(&tenants, hash));
    memset(hash, 0, sizeof hash);
    assert_null(tenants_find(&tenants, hash));
    assert_null(tenants_find(&none, keys[0].hash));
}

static void
keys_ascend_by_the_bytes_of_their_hash(void **state)
{
    (void)state;
    for (size_t i = 1; i < ARRAY_LEN(keys); i++) {
        assert_true(tenant_key_cmp(&keys[i - 1], &keys[i]) < 0);
        assert_true(tenant_key_cmp(&keys[i], &keys[i - 1]) > 0);
    }
    assert_int_equal(tenant_key_cmp(&keys[1], &keys[1]), 0);
}

static void
equal_keys_hash_equal_wherever_they_lie(void **state)
{
    (void)state;
    char id[] = "aaaa1111";
    struct tenant_key copy[ARRAY_LEN(keys)];
    memcpy(copy, keys, sizeof keys);
    copy[0].id = slice_of(id);
    struct tenants a = tenants_of(keys, ARRAY_LEN(keys));
    struct tenants b = tenants_of(copy, ARRAY_LEN(copy));
    assert_true(tenants_hash(&a) == tenants_hash(&b));
}

static void
the_hash_sees_every_field_the_order_and_the_count(void **state)
{
    (void)state;
    struct tenant_key other[6][ARRAY_LEN(keys)];
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        memcpy(other[i], keys, sizeof keys);
    other[0][1].hash[31] = 1;
    other[1][1].id = SLICE("bbbb2223");
    other[2][1].tenant = SLICE("acmf");
    other[3][1].label = SLICE("x");
    other[4][1].revoked = false;
    other[5][1] = keys[2];
    other[5][2] = keys[1];
    struct tenants tenants = tenants_of(keys, ARRAY_LEN(keys));
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        struct tenants changed = tenants_of(other[i], ARRAY_LEN(keys));
        assert_true(tenants_hash(&changed) != tenants_hash(&tenants));
    }
    struct tenants fewer = tenants_of(keys, ARRAY_LEN(keys) - 1);
    struct tenants none = {0};
    assert_true(tenants_hash(&fewer) != tenants_hash(&tenants));
    assert_true(tenants_hash(&none) != tenants_hash(&fewer));
    assert_true(tenants_hash(&none) != 0);
}

static void
a_name_is_1_to_64_of_letters_digits_and_three_signs(void **state)
{
    (void)state;
    char longest[TENANT_MAX + 1];
    memset(longest, 'x', sizeof longest);
    static const char *const names[] = {"a",       "Z",        "0",
                                        "default", "a.b_c-D9", "."};
    static const char *const others[] = {
        "", " ", "a b", "a/b", "a:b", "\xc3\xa9", "a\n", "a@b", "[", "`", "{"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_true(tenant_is_name(slice_of(names[i])));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(tenant_is_name(slice_of(others[i])));
    assert_true(tenant_is_name(slice_make(longest, TENANT_MAX)));
    assert_false(tenant_is_name(slice_make(longest, TENANT_MAX + 1)));
    assert_false(tenant_is_name(slice_make("a\0b", 3)));
}

static void
a_key_is_well_formed_or_its_fault_is_named(void **state)
{
    (void)state;
    char longest[TENANT_LABEL_MAX + 1];
    memset(longest, 'x', sizeof longest);
    const struct {
        struct slice id, tenant, label;
        const char *fault;
    } rows[] = {
        {SLICE("0az9"), SLICE("acme"), SLICE(""), NULL},
        {SLICE("0123456789abcdef"), SLICE("a"), SLICE("\xc3\xa9"), NULL},
        {SLICE("a"), SLICE("a"), slice_make(longest, TENANT_LABEL_MAX), NULL},
        {SLICE(""), SLICE("acme"), SLICE(""), "malformed id"},
        {SLICE("A"), SLICE("acme"), SLICE(""), "malformed id"},
        {SLICE("a_b"), SLICE("acme"), SLICE(""), "malformed id"},
        {SLICE("0123456789abcdefg"), SLICE("acme"), SLICE(""), "malformed id"},
        {SLICE("a"), SLICE("two words"), SLICE(""), "malformed tenant"},
        {SLICE("a"), SLICE(""), SLICE(""), "malformed tenant"},
        {SLICE("a"), SLICE("a"), SLICE("a\nb"), "malformed label"},
        {SLICE("a"), SLICE("a"), SLICE("\xff"), "malformed label"},
        {SLICE("a"), SLICE("a"), slice_make(longest, sizeof longest),
         "malformed label"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tenant_key key = {
            .id = rows[i].id, .tenant = rows[i].tenant, .label = rows[i].label};
        const char *fault = tenant_key_fault(&key);
        assert_true((fault == NULL) == (rows[i].fault == NULL));
        if (fault != NULL)
            assert_string_equal(fault, rows[i].fault);
    }
}

static void
freeing_sets_to_null_and_may_be_done_again(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    struct tenants *tenants = ARENA_NEW(arena, struct tenants);
    tenants->arena = arena;
    tenants_free(&tenants);
    assert_null(tenants);
    tenants_free(&tenants);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_by_its_hash_revoked_or_not),
        cmocka_unit_test(keys_ascend_by_the_bytes_of_their_hash),
        cmocka_unit_test(equal_keys_hash_equal_wherever_they_lie),
        cmocka_unit_test(the_hash_sees_every_field_the_order_and_the_count),
        cmocka_unit_test(a_name_is_1_to_64_of_letters_digits_and_three_signs),
        cmocka_unit_test(a_key_is_well_formed_or_its_fault_is_named),
        cmocka_unit_test(a_hash_that_is_no_keys_finds_nothing),
        cmocka_unit_test(freeing_sets_to_null_and_may_be_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
