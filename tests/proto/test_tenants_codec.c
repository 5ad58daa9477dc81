/* The tenants as bytes and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "proto/message_codec.h"
#include "proto/tenants_codec.h"

#include "tenants.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

static const struct tenant_key keys[] = {
    {{0x00, 0x01}, SLICE("aaaa1111"), SLICE("default"), SLICE("first"), false},
    {{0x00, 0x02}, SLICE("b"), SLICE("acme"), SLICE(""), true},
    {{0xff},
     SLICE("0123456789abcdef"),
     SLICE("A.b_c-9"),
     SLICE("\xc3\xa9t\xc3\xa9 \xe2\x98\x80"),
     false},
};
static const struct tenants whole = {.keys = keys,
                                     .key_count = ARRAY_LEN(keys)};

static void
tenants_come_back_as_they_were(void **state)
{
    (void)state;
    struct tenants *copy = NULL;
    struct buf bytes;
    buf_init(&bytes, 4096);
    assert_int_equal(tenants_encode(&whole, &bytes), STATUS_OK);
    assert_int_equal(tenants_decode(buf_slice(&bytes), &copy), STATUS_OK);
    memset(bytes.data, 0, bytes.len); /* the copy owns its texts */
    buf_fini(&bytes);
    assert_int_equal(copy->key_count, ARRAY_LEN(keys));
    assert_true(tenants_hash(copy) == tenants_hash(&whole));
    const struct tenant_key *key = tenants_find(copy, keys[1].hash);
    assert_true(key->revoked);
    assert_true(slice_eq(key->tenant, SLICE("acme")));
    assert_int_equal(key->label.len, 0);
    tenants_free(&copy);
}

static void
no_keys_are_tenants_too_and_no_bytes(void **state)
{
    (void)state;
    struct tenants none = {0};
    struct tenants *copy = NULL;
    struct buf bytes;
    buf_init(&bytes, 4096);
    assert_int_equal(tenants_encode(&none, &bytes), STATUS_OK);
    assert_int_equal(bytes.len, 0);
    assert_int_equal(tenants_decode(buf_slice(&bytes), &copy), STATUS_OK);
    assert_int_equal(copy->key_count, 0);
    assert_true(tenants_hash(copy) == tenants_hash(&none));
    tenants_free(&copy);
    buf_fini(&bytes);
}

/* As many as there may be, every text as long as it may be. */
static struct tenants
full(size_t count, struct tenant_key **ret_keys)
{
    static char name[TENANT_MAX], label[TENANT_LABEL_MAX];
    struct tenant_key *many = calloc(count, sizeof *many);
    assert_non_null(many);
    memset(name, 'n', sizeof name);
    memset(label, 'l', sizeof label);
    for (size_t i = 0; i < count; i++) {
        many[i].hash[0] = (uint8_t)(i >> 16);
        many[i].hash[1] = (uint8_t)(i >> 8);
        many[i].hash[2] = (uint8_t)i;
        many[i].id = SLICE("0123456789abcdef");
        many[i].tenant = slice_make(name, sizeof name);
        many[i].label = slice_make(label, sizeof label);
    }
    *ret_keys = many;
    return (struct tenants){.keys = many, .key_count = count};
}

static void
the_most_keys_with_the_longest_texts_fit(void **state)
{
    (void)state;
    struct tenant_key *many = NULL;
    struct tenants tenants = full(TENANTS_KEYS_MAX, &many);
    struct tenants *copy = NULL;
    struct buf bytes;
    buf_init(&bytes, 64u << 20); /* what a reply may carry */
    assert_int_equal(tenants_encode(&tenants, &bytes), STATUS_OK);
    assert_int_equal(tenants_decode(buf_slice(&bytes), &copy), STATUS_OK);
    assert_true(tenants_hash(copy) == tenants_hash(&tenants));
    tenants_free(&copy);
    buf_fini(&bytes);
    free(many);
}

static void
one_key_more_is_too_many(void **state)
{
    (void)state;
    struct tenant_key *many = NULL;
    struct tenants tenants = full(TENANTS_KEYS_MAX, &many);
    struct tenant_key last = {{0xff}, SLICE("a"), SLICE("t"), SLICE(""), false};
    struct tenants one = {.keys = &last, .key_count = 1};
    struct tenants *copy = NULL;
    struct buf bytes;
    buf_init(&bytes, 64u << 20);
    assert_int_equal(tenants_encode(&tenants, &bytes), STATUS_OK);
    /* Repeated fields of two messages, end to end, are one message. */
    assert_int_equal(tenants_encode(&one, &bytes), STATUS_OK);
    assert_int_equal(tenants_decode(buf_slice(&bytes), &copy),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_null(copy);
    buf_fini(&bytes);
    free(many);
    tenants = full(TENANTS_KEYS_MAX + 1, &many);
    buf_init(&bytes, 64u << 20);
    assert_int_equal(tenants_encode(&tenants, &bytes), STATUS_INVALID_ARGUMENT);
    buf_fini(&bytes);
    free(many);
}

/* What encoding says of a key, and decoding of the same as a message that was
 * made without asking. */
static void
both_refuse(struct tenant_key key, size_t hash_len)
{
    struct tenants tenants = {.keys = &key, .key_count = 1};
    struct tenants *read = NULL;
    char id[128], tenant[128], label[128];
    Ss__TenantKey one;
    Ss__TenantKey *list[] = {&one};
    Ss__TenantsSnapshot message;
    struct buf bytes;
    buf_init(&bytes, 4096);
    if (hash_len == TENANT_KEY_HASH_LEN)
        assert_int_equal(tenants_encode(&tenants, &bytes),
                         STATUS_INVALID_ARGUMENT);
    assert_int_equal(bytes.len, 0);
    ss__tenant_key__init(&one);
    ss__tenants_snapshot__init(&message);
    (void)snprintf(id, sizeof id, "%.*s", SLICE_ARG(key.id));
    (void)snprintf(tenant, sizeof tenant, "%.*s", SLICE_ARG(key.tenant));
    (void)snprintf(label, sizeof label, "%.*s", SLICE_ARG(key.label));
    one.id = id;
    one.tenant = tenant;
    one.label = label;
    one.key_hash = (ProtobufCBinaryData){.len = hash_len, .data = key.hash};
    message.n_keys = 1;
    message.keys = list;
    assert_int_equal(message_pack(&message.base, &bytes), STATUS_OK);
    assert_int_equal(tenants_decode(buf_slice(&bytes), &read),
                     STATUS_INVALID_ARGUMENT);
    assert_null(read);
    buf_fini(&bytes);
}

static void
keys_that_cannot_be_neither_leave_nor_enter(void **state)
{
    (void)state;
    char longest[100];
    memset(longest, 'a', sizeof longest);
    const struct tenant_key good = keys[0];
    struct tenant_key bad[] = {good, good, good, good, good,
                               good, good, good, good};
    bad[0].id = SLICE("");
    bad[1].id = slice_make(longest, TENANT_KEY_ID_MAX + 1);
    bad[2].id = SLICE("UPPER");
    bad[3].tenant = SLICE("");
    bad[4].tenant = SLICE("two words");
    bad[5].tenant = slice_make(longest, TENANT_MAX + 1);
    bad[6].label = slice_make(longest, TENANT_LABEL_MAX + 1);
    bad[7].label = SLICE("line\nbreak");
    bad[8].label = SLICE("\xff");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        both_refuse(bad[i], TENANT_KEY_HASH_LEN);
    both_refuse(good, TENANT_KEY_HASH_LEN - 1);
    both_refuse(good, 0);
}

static void
keys_out_of_order_or_doubled_are_refused(void **state)
{
    (void)state;
    struct tenants one = {.keys = &keys[1], .key_count = 1};
    struct tenants *read = NULL;
    struct buf bytes;
    buf_init(&bytes, 4096);
    /* 1 1, and 1 2 0 by the second way round. */
    assert_int_equal(tenants_encode(&one, &bytes), STATUS_OK);
    assert_int_equal(tenants_encode(&one, &bytes), STATUS_OK);
    assert_int_equal(tenants_decode(buf_slice(&bytes), &read),
                     STATUS_INVALID_ARGUMENT);
    buf_reset(&bytes);
    one.key_count = 2;
    assert_int_equal(tenants_encode(&one, &bytes), STATUS_OK);
    one.keys = &keys[0];
    one.key_count = 1;
    assert_int_equal(tenants_encode(&one, &bytes), STATUS_OK);
    assert_int_equal(tenants_decode(buf_slice(&bytes), &read),
                     STATUS_INVALID_ARGUMENT);
    assert_null(read);
    const struct tenant_key turned[] = {keys[1], keys[0]};
    const struct tenant_key doubled[] = {keys[0], keys[0]};
    struct tenants wrong = {.keys = turned, .key_count = 2};
    assert_int_equal(tenants_encode(&wrong, &bytes), STATUS_INVALID_ARGUMENT);
    wrong.keys = doubled;
    assert_int_equal(tenants_encode(&wrong, &bytes), STATUS_INVALID_ARGUMENT);
    buf_fini(&bytes);
}

static void
a_full_buffer_is_said(void **state)
{
    (void)state;
    struct buf bytes;
    buf_init(&bytes, 16);
    assert_int_equal(tenants_encode(&whole, &bytes), STATUS_RESOURCE_EXHAUSTED);
    buf_fini(&bytes);
}

static void
cut_and_flipped_bytes_are_survived(void **state)
{
    (void)state;
    struct buf bytes;
    buf_init(&bytes, 4096);
    assert_int_equal(tenants_encode(&whole, &bytes), STATUS_OK);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        struct tenants *read = NULL;
        char flip = (char)(1 << bit % 8);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ flip);
        if (tenants_decode(buf_slice(&bytes), &read) == STATUS_OK)
            tenants_free(&read);
        struct slice cut = slice_cut(buf_slice(&bytes), 0, bit / 8);
        if (tenants_decode(cut, &read) == STATUS_OK)
            tenants_free(&read);
        assert_null(read);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ flip);
    }
    buf_fini(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenants_come_back_as_they_were),
        cmocka_unit_test(no_keys_are_tenants_too_and_no_bytes),
        cmocka_unit_test(the_most_keys_with_the_longest_texts_fit),
        cmocka_unit_test(one_key_more_is_too_many),
        cmocka_unit_test(keys_that_cannot_be_neither_leave_nor_enter),
        cmocka_unit_test(keys_out_of_order_or_doubled_are_refused),
        cmocka_unit_test(a_full_buffer_is_said),
        cmocka_unit_test(cut_and_flipped_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
