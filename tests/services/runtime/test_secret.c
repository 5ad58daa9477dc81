/* Keys, hashes and sealed tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/home.h"
#include "services/runtime/secret.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MADE 0x40 /* in a child's exit status */
#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct secret_key
key_of(const char *hex)
{
    struct secret_key key;
    char error[SECRET_ERROR_MAX];
    bool made;

    assert_int_equal(secret_key_load("/nowhere", hex, &key, &made, error),
                     STATUS_OK);
    assert_false(made);
    return key;
}

static void
seal(const struct secret_key *key, struct slice plain, struct buf *out)
{
    buf_init(out, 1024);
    secret_seal(key, plain, out);
    assert_true(buf_ok(out));
}

/* --- normal use --- */

static void
what_was_sealed_opens_with_the_same_key(void **state)
{
    struct secret_key key = key_of(HEX);
    struct buf token, plain;
    char longest[SECRET_PLAIN_MAX];
    struct slice texts[] = {slice_of("openai/gpt-5.2"), slice_make(NULL, 0),
                            slice_make(longest, sizeof(longest))};

    (void)state;
    memset(longest, 0xab, sizeof(longest));
    for (size_t i = 0; i < 3; i++) {
        seal(&key, texts[i], &token);
        buf_init(&plain, 1024);
        assert_int_equal(secret_open(&key, buf_slice(&token), &plain),
                         STATUS_OK);
        assert_true(slice_eq(buf_slice(&plain), texts[i]));
        buf_fini(&plain);
        buf_fini(&token);
    }
}

static void
equal_texts_give_equal_tokens_and_others_differ(void **state)
{
    struct secret_key key = key_of(HEX), other = key_of(OTHER);
    struct buf a, b, c, d;

    (void)state;
    seal(&key, slice_of("one"), &a);
    seal(&key, slice_of("one"), &b);
    seal(&key, slice_of("two"), &c);
    seal(&other, slice_of("one"), &d);
    assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
    assert_false(slice_eq(buf_slice(&a), buf_slice(&c)));
    assert_false(slice_eq(buf_slice(&a), buf_slice(&d)));
    assert_true(slice_find(buf_slice(&a), SLICE("one")) < 0);
    buf_fini(&a);
    buf_fini(&b);
    buf_fini(&c);
    buf_fini(&d);
}

static void
an_api_key_is_new_each_time_and_names_its_id(void **state)
{
    char key[SECRET_API_KEY_LEN + 1], again[SECRET_API_KEY_LEN + 1];
    char id[SECRET_API_KEY_ID_LEN + 1], other[SECRET_API_KEY_ID_LEN + 1];

    (void)state;
    secret_new_api_key(key, id);
    secret_new_api_key(again, other);
    assert_int_equal(strlen(key), SECRET_API_KEY_LEN);
    assert_int_equal(strlen(id), SECRET_API_KEY_ID_LEN);
    assert_memory_equal(key, "ssk_", 4);
    assert_memory_equal(key + 4, id, SECRET_API_KEY_ID_LEN);
    assert_string_not_equal(key, again);
    assert_string_not_equal(id, other);
}

static void
a_hash_is_blake2b_of_256_bits(void **state)
{
    /* b2sum -l 256 of "abc" */
    static const uint8_t known[4] = {0xbd, 0xdd, 0x81, 0x3c};
    uint8_t hash[SECRET_HASH_LEN];

    (void)state;
    secret_hash(slice_of("abc"), hash);
    assert_memory_equal(hash, known, sizeof(known));
}

static void
equal_compares_whole_texts(void **state)
{
    (void)state;
    assert_true(secret_equal(slice_of("abc"), slice_of("abc")));
    assert_true(secret_equal(slice_of(""), slice_of("")));
    assert_false(secret_equal(slice_of("abc"), slice_of("abd")));
    assert_false(secret_equal(slice_of("abc"), slice_of("ab")));
    assert_false(secret_equal(slice_of("ab"), slice_of("abc")));
    assert_false(secret_equal(slice_of(""), slice_of("a")));
}

/* --- the file --- */

static int
remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void
the_file_is_made_once_for_all_who_come(void **state)
{
    char home[] = "/tmp/ss-secret-XXXXXX", path[HOME_PATH_MAX];
    char error[SECRET_ERROR_MAX];
    struct secret_key mine;
    struct stat info;
    pid_t children[8];
    unsigned makers;
    bool made;

    (void)state;
    assert_non_null(mkdtemp(home));
    /* A key that differs shows in its exit status, by few bits; the top one
     * is for who made the file. */
    for (size_t i = 0; i < 8; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            if (secret_key_load(home, "", &mine, &made, error) != STATUS_OK)
                _exit(255);
            _exit((mine.seal[0] & 0x3f) | (made ? MADE : 0));
        }
    }
    assert_int_equal(secret_key_load(home, "", &mine, &made, error), STATUS_OK);
    makers = made ? 1 : 0;
    for (size_t i = 0; i < 8; i++) {
        int status = 0;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(WEXITSTATUS(status) & ~MADE, mine.seal[0] & 0x3f);
        makers += (WEXITSTATUS(status) & MADE) != 0;
    }
    assert_int_equal(makers, 1);
    assert_int_equal(home_join(home, "deployment.key", path), STATUS_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- failures --- */

static void
a_changed_token_does_not_open(void **state)
{
    struct secret_key key = key_of(HEX);
    struct buf token, plain;

    (void)state;
    seal(&key, slice_of("openai/gpt-5.2"), &token);
    buf_init(&plain, 1024);
    for (size_t i = 0; i < token.len; i++) {
        char kept = token.data[i];

        token.data[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(secret_open(&key, buf_slice(&token), &plain),
                         STATUS_INVALID_ARGUMENT);
        token.data[i] = kept;
        assert_int_equal(secret_open(&key, slice_make(token.data, i), &plain),
                         STATUS_INVALID_ARGUMENT);
    }
    assert_int_equal(plain.len, 0);
    buf_fini(&plain);
    buf_fini(&token);
}

/* libsodium 1.0.18 takes every byte from 0x80 on for a '_'. */
static void
a_token_is_written_in_one_way_only(void **state)
{
    struct secret_key key = key_of(HEX);
    struct buf token, plain;
    char *letter = NULL;

    (void)state;
    buf_init(&plain, 1024);
    for (size_t len = 1; letter == NULL; len++) {
        if (len > 1)
            buf_fini(&token);
        seal(&key, slice_make("aaaaaaaaaaaaaaaa", len % 16), &token);
        letter = strchr(token.data, '_');
        assert_true(len < 16);
    }
    *letter = '\xc1';
    assert_int_equal(secret_open(&key, buf_slice(&token), &plain),
                     STATUS_INVALID_ARGUMENT);
    *letter = '_';
    assert_int_equal(secret_open(&key, buf_slice(&token), &plain), STATUS_OK);
    buf_fini(&plain);
    buf_fini(&token);
}

static void
another_deployments_token_does_not_open(void **state)
{
    struct secret_key key = key_of(HEX), other = key_of(OTHER);
    struct buf token, plain;

    (void)state;
    seal(&other, slice_of("openai/gpt-5.2"), &token);
    buf_init(&plain, 1024);
    assert_int_equal(secret_open(&key, buf_slice(&token), &plain),
                     STATUS_INVALID_ARGUMENT);
    buf_fini(&plain);
    buf_fini(&token);
}

static void
text_that_is_no_token_does_not_open(void **state)
{
    struct secret_key key = key_of(HEX);
    struct buf plain;
    char huge[4096];
    struct slice texts[] = {slice_make(NULL, 0), slice_of("x"),
                            slice_of("4bf92f3577b34da6a3ce929d0e0e4736"),
                            slice_of("not base64 at all!"),
                            slice_make(huge, sizeof(huge))};

    (void)state;
    memset(huge, 'A', sizeof(huge));
    buf_init(&plain, 1024);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(secret_open(&key, texts[i], &plain),
                         STATUS_INVALID_ARGUMENT);
    buf_fini(&plain);
}

static void
a_key_that_is_none_says_what_to_do(void **state)
{
    char home[] = "/tmp/ss-secret-XXXXXX", path[HOME_PATH_MAX];
    char error[SECRET_ERROR_MAX];
    struct secret_key key;
    bool made;

    (void)state;
    assert_int_equal(secret_key_load("/nowhere", "abc", &key, &made, error),
                     STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(error, "deployment.key"));
    assert_non_null(strstr(error, "64"));
    assert_non_null(mkdtemp(home));
    assert_int_equal(home_join(home, "deployment.key", path), STATUS_OK);
    assert_int_equal(home_write_file(path, "short\n", 6), STATUS_OK);
    assert_int_equal(secret_key_load(home, "", &key, &made, error),
                     STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(error, path));
    assert_int_equal(nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_not_equal(secret_key_load(home, "", &key, &made, error),
                         STATUS_OK);
    assert_true(error[0] != '\0');
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_with_the_same_key),
        cmocka_unit_test(equal_texts_give_equal_tokens_and_others_differ),
        cmocka_unit_test(an_api_key_is_new_each_time_and_names_its_id),
        cmocka_unit_test(a_hash_is_blake2b_of_256_bits),
        cmocka_unit_test(equal_compares_whole_texts),
        cmocka_unit_test(the_file_is_made_once_for_all_who_come),
        cmocka_unit_test(a_changed_token_does_not_open),
        cmocka_unit_test(a_token_is_written_in_one_way_only),
        cmocka_unit_test(another_deployments_token_does_not_open),
        cmocka_unit_test(text_that_is_no_token_does_not_open),
        cmocka_unit_test(a_key_that_is_none_says_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
