/* libsodium behind a small face.
 *
 * The token of a plain text p is nonce | box: the nonce is BLAKE2b of p under
 * one subkey, the box XChaCha20-Poly1305 of p under another. A nonce repeats
 * only when the text does, and then the box is the same one. */
#include "services/runtime/secret.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "services/runtime/home.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define BOX_EXTRA crypto_aead_xchacha20poly1305_ietf_ABYTES
#define TOKEN_BYTES_MAX (NONCE_LEN + SECRET_PLAIN_MAX + BOX_EXTRA)
#define TOKEN_TEXT_MAX                                                         \
    sodium_base64_ENCODED_LEN(TOKEN_BYTES_MAX,                                 \
                              sodium_base64_VARIANT_URLSAFE_NO_PADDING)
#define API_KEY_TEXT_MAX 44 /* base64url of 32 bytes, and a NUL */
#define KEY_FILE_MAX 256    /* bytes */
#define HEX_LEN ((size_t)(2 * SECRET_KEY_LEN))

_Static_assert(SECRET_HASH_LEN == crypto_generichash_BYTES, "BLAKE2b-256");
_Static_assert(SECRET_KEY_LEN == crypto_kdf_KEYBYTES, "a key for subkeys");
_Static_assert(SECRET_KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "a subkey is a key");

/* Idempotent and cheap after the first time. */
static void
start(void)
{
    CHECK(sodium_init() >= 0);
}

void
secret_random(void *out, size_t len)
{
    start();
    randombytes_buf(out, len);
}

void
secret_hash(struct slice bytes, uint8_t ret_hash[static SECRET_HASH_LEN])
{
    start();
    CHECK(crypto_generichash(ret_hash, SECRET_HASH_LEN,
                             (const unsigned char *)bytes.ptr, bytes.len, NULL,
                             0) == 0);
}

bool
secret_equal(struct slice a, struct slice b)
{
    return a.len == b.len &&
           (a.len == 0 || sodium_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void
secret_new_api_key(char ret_key[static SECRET_API_KEY_LEN + 1],
                   char ret_id[static SECRET_API_KEY_ID_LEN + 1])
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    uint8_t bytes[SECRET_KEY_LEN];
    char text[API_KEY_TEXT_MAX];

    secret_random(bytes, sizeof(bytes));
    for (size_t i = 0; i < SECRET_API_KEY_ID_LEN; i++)
        ret_id[i] = letters[randombytes_uniform(sizeof(letters) - 1)];
    ret_id[SECRET_API_KEY_ID_LEN] = '\0';
    (void)sodium_bin2base64(text, sizeof(text), bytes, sizeof(bytes),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    (void)snprintf(ret_key, SECRET_API_KEY_LEN + 1, "ssk_%s_%s", ret_id, text);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(text, sizeof(text));
}

/* --- the deployment's key --- */

/* The subkeys of 64 hexadecimal digits; false when they are none. */
static bool
derive(struct slice hex, struct secret_key *ret_key)
{
    uint8_t bytes[SECRET_KEY_LEN];

    if (hex.len != HEX_LEN)
        return false;
    for (size_t i = 0; i < SECRET_KEY_LEN; i++) {
        int high = text_hex_digit(hex.ptr[2 * i]);
        int low = text_hex_digit(hex.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    start();
    CHECK(crypto_kdf_derive_from_key(ret_key->seal, SECRET_KEY_LEN, 1,
                                     "ss-token", bytes) == 0);
    CHECK(crypto_kdf_derive_from_key(ret_key->nonce, SECRET_KEY_LEN, 2,
                                     "ss-token", bytes) == 0);
    sodium_memzero(bytes, sizeof(bytes));
    return true;
}

/* Make the file unless somebody else has by now: written beside it, then
 * linked to its name, which only one process can do. */
static enum status
make_file(const char *path, bool *ret_made)
{
    char part[HOME_PATH_MAX], text[HEX_LEN + 2];
    uint8_t bytes[SECRET_KEY_LEN];
    enum status status;
    pid_t pid = getpid();

    if (snprintf(part, sizeof(part), "%s.%d", path, pid) >= (int)sizeof(part))
        return STATUS_OUT_OF_RANGE;
    secret_random(bytes, sizeof(bytes));
    (void)sodium_bin2hex(text, sizeof(text), bytes, sizeof(bytes));
    text[HEX_LEN] = '\n';
    status = home_write_file(part, text, HEX_LEN + 1);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(text, sizeof(text));
    if (status != STATUS_OK)
        return status;
    *ret_made = link(part, path) == 0;
    if (!*ret_made && errno != EEXIST)
        status = STATUS_PERMISSION_DENIED;
    (void)unlink(part);
    return status;
}

static enum status
read_file(const char *path, struct secret_key *ret_key, char *ret_error)
{
    char *bytes = NULL;
    size_t len = 0;
    enum status status = home_read_file(path, KEY_FILE_MAX, &bytes, &len);

    if (status != STATUS_OK)
        return status;
    if (!derive(slice_trim(slice_make(bytes, len)), ret_key)) {
        (void)snprintf(ret_error, SECRET_ERROR_MAX,
                       "%.400s is not 64 hexadecimal digits; remove it to "
                       "get a new one",
                       path);
        status = STATUS_INVALID_ARGUMENT;
    }
    sodium_memzero(bytes, len);
    free(bytes);
    return status;
}

enum status
secret_key_read(const char *home, struct secret_key *ret_key, char *ret_error)
{
    char path[HOME_PATH_MAX];
    enum status status = home_join(home, SECRET_KEY_FILE, path);

    ret_error[0] = '\0';
    if (status == STATUS_OK)
        status = read_file(path, ret_key, ret_error);
    if (status != STATUS_OK && !ret_error[0])
        (void)snprintf(ret_error, SECRET_ERROR_MAX, "%.400s: %s", path,
                       home_trouble(path, status));
    return status;
}

enum status
secret_key_load(const char *home, const char *configured,
                struct secret_key *ret_key, bool *ret_made, char *ret_error)
{
    char path[HOME_PATH_MAX];
    bool made = false;
    enum status status;

    ret_error[0] = '\0';
    if (*configured) {
        if (derive(slice_of(configured), ret_key)) {
            *ret_made = false;
            return STATUS_OK;
        }
        (void)snprintf(ret_error, SECRET_ERROR_MAX,
                       "deployment.key must be %zu hexadecimal digits",
                       HEX_LEN);
        return STATUS_INVALID_ARGUMENT;
    }
    status = secret_key_read(home, ret_key, ret_error);
    if (status == STATUS_NOT_FOUND) {
        ret_error[0] = '\0';
        status = home_join(home, SECRET_KEY_FILE, path);
        if (status == STATUS_OK)
            status = make_file(path, &made);
        if (status == STATUS_OK)
            status = secret_key_read(home, ret_key, ret_error);
    }
    if (status != STATUS_OK && !ret_error[0])
        (void)snprintf(ret_error, SECRET_ERROR_MAX, "%.400s: %s", path,
                       home_trouble(path, status));
    if (status == STATUS_OK)
        *ret_made = made;
    return status;
}

void
secret_key_forget(struct secret_key *key)
{
    sodium_memzero(key, sizeof(*key));
}

/* --- tokens --- */

/* What a text's token must begin with. */
static void
nonce_of(const struct secret_key *key, struct slice plain,
         uint8_t ret_nonce[static NONCE_LEN])
{
    start();
    CHECK(crypto_generichash(ret_nonce, NONCE_LEN,
                             (const unsigned char *)plain.ptr, plain.len,
                             key->nonce, SECRET_KEY_LEN) == 0);
}

void
secret_seal(const struct secret_key *key, struct slice plain, struct buf *out)
{
    uint8_t bytes[TOKEN_BYTES_MAX];
    char text[TOKEN_TEXT_MAX];

    CHECK(plain.len <= SECRET_PLAIN_MAX);
    nonce_of(key, plain, bytes);
    CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(
              bytes + NONCE_LEN, NULL, (const unsigned char *)plain.ptr,
              plain.len, NULL, 0, NULL, bytes, key->seal) == 0);
    (void)sodium_bin2base64(text, sizeof(text), bytes,
                            NONCE_LEN + plain.len + BOX_EXTRA,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_put_text(out, text);
}

/* libsodium 1.0.18 takes every byte from 0x80 on for a '_': one token could be
 * written in many ways. */
static bool
is_base64url(struct slice text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < text.len; i++)
        if (memchr(digits, text.ptr[i], sizeof(digits) - 1) == NULL)
            return false;
    return true;
}

enum status
secret_open(const struct secret_key *key, struct slice token, struct buf *out)
{
    uint8_t bytes[TOKEN_BYTES_MAX], plain[SECRET_PLAIN_MAX];
    unsigned long long plain_len = 0;
    size_t len = 0;

    start();
    if (token.len >= TOKEN_TEXT_MAX || !is_base64url(token) ||
        sodium_base642bin(bytes, sizeof(bytes), token.ptr, token.len, NULL,
                          &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        len < NONCE_LEN + BOX_EXTRA)
        return STATUS_INVALID_ARGUMENT;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            plain, &plain_len, NULL, bytes + NONCE_LEN, len - NONCE_LEN, NULL,
            0, bytes, key->seal) != 0)
        return STATUS_INVALID_ARGUMENT;
    buf_put(out, plain, (size_t)plain_len);
    return buf_ok(out) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}
