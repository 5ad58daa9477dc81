/* Sealed tokens: what was sealed opens again and only with its key; any other
 * text is refused, or is the very token of what it opens to.
 * links: services_runtime
 * options: -max_len=512
 * The first byte: 0 the rest is a token, else a text that is sealed, whose
 * token is changed where the next two bytes say. */
#include "services/runtime/secret.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

#define TOKEN_MAX 1024

static const struct secret_key *
key_number(unsigned number)
{
    static struct secret_key keys[2];
    static bool ready;
    bool made;
    char hex[2 * SECRET_KEY_LEN + 1], error[SECRET_ERROR_MAX];
    for (unsigned i = 0; i < 2 && !ready; i++) {
        memset(hex, i == 0 ? 'a' : 'b', sizeof hex - 1);
        hex[sizeof hex - 1] = '\0';
        CHECK(secret_key_load("/nowhere", hex, &keys[i], &made, error) ==
              STATUS_OK);
    }
    ready = true;
    return &keys[number];
}

/* Whatever opens is the one token of its text. */
static bool
try_open(unsigned key, struct slice token, struct buf *ret_plain)
{
    char *copy = fuzz_copy(token, false);
    struct buf again;
    buf_init(ret_plain, TOKEN_MAX);
    enum status status =
        secret_open(key_number(key), slice_make(copy, token.len), ret_plain);
    free(copy);
    if (status != STATUS_OK) {
        CHECK(status == STATUS_INVALID_ARGUMENT && ret_plain->len == 0);
        return false;
    }
    CHECK(ret_plain->len <= SECRET_PLAIN_MAX);
    buf_init(&again, TOKEN_MAX);
    secret_seal(key_number(key), buf_slice(ret_plain), &again);
    CHECK(slice_eq(buf_slice(&again), token));
    buf_fini(&again);
    return true;
}

static void
try_seal(struct slice rest)
{
    struct buf token, plain;
    size_t at = fuzz_choice(&rest, 256);
    uint8_t change = (uint8_t)fuzz_number(&rest, 1);
    struct slice text = slice_cut(rest, 0, SECRET_PLAIN_MAX);
    buf_init(&token, TOKEN_MAX);
    secret_seal(key_number(0), text, &token);
    CHECK(try_open(0, buf_slice(&token), &plain));
    CHECK(slice_eq(buf_slice(&plain), text));
    buf_fini(&plain);
    CHECK(!try_open(1, buf_slice(&token), &plain));
    buf_fini(&plain);
    CHECK(secret_equal(buf_slice(&token), buf_slice(&token)));
    if (change != 0) {
        char *changed = fuzz_copy(buf_slice(&token), false);
        changed[at % token.len] = (char)(changed[at % token.len] ^ change);
        struct slice other = slice_make(changed, token.len);
        CHECK(!secret_equal(buf_slice(&token), other));
        CHECK(!try_open(0, other, &plain));
        buf_fini(&plain);
        CHECK(!try_open(0, slice_cut(buf_slice(&token), 0, at % token.len),
                        &plain));
        buf_fini(&plain);
        free(changed);
    }
    buf_fini(&token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_slice(data, size);
    struct buf plain;
    if (fuzz_number(&rest, 1) != 0) {
        try_seal(rest);
        return 0;
    }
    (void)try_open(0, rest, &plain);
    buf_fini(&plain);
    return 0;
}
