/* Secrets: random bytes, API keys and their hashes, sealed tokens.
 *
 * The one file that knows libsodium. An API key is 256 random bits, so a plain
 * hash of it (BLAKE2b, 256 bits) tells nothing about it and no slow password
 * hash is needed. Comparisons of secrets take the same time wherever they
 * differ.
 *
 * A sealed token is text that only processes with the deployment's key can
 * make or read: XChaCha20-Poly1305 whose nonce is a keyed BLAKE2b hash of the
 * text (a synthetic nonce), so equal texts give equal tokens, nothing has to
 * be stored, and nothing but equality shows. */
#ifndef SERVICES_RUNTIME_SECRET_H
#define SERVICES_RUNTIME_SECRET_H

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_HASH_LEN 32
#define SECRET_KEY_LEN 32    /* bytes of a deployment's key; 64 hex digits */
#define SECRET_PLAIN_MAX 300 /* bytes that can be sealed */
/* "ssk_" ID "_" 43 of base64url: what a person is given, once. */
#define SECRET_API_KEY_ID_LEN 8
#define SECRET_API_KEY_LEN (4 + SECRET_API_KEY_ID_LEN + 1 + 43)

struct secret_key {
    uint8_t seal[SECRET_KEY_LEN], nonce[SECRET_KEY_LEN];
};

void secret_random(void *out, size_t len);
/* BLAKE2b of any bytes. */
void secret_hash(struct slice bytes, uint8_t ret_hash[static SECRET_HASH_LEN]);
/* Equal texts, in a time that depends on the lengths alone. */
bool secret_equal(struct slice a, struct slice b);
/* A new API key as NUL-terminated text, and the id in it. */
void secret_new_api_key(char ret_key[static SECRET_API_KEY_LEN + 1],
                        char ret_id[static SECRET_API_KEY_ID_LEN + 1]);

/* The deployment's key: from 64 hex digits (`configured`), or when that is ""
 * from <home>/deployment.key, which is made (0600) by whoever comes first;
 * *ret_made tells whether that was this call. INVALID_ARGUMENT for text that is
 * no key (ret_error, SECRET_ERROR_MAX bytes, says which and what to do), else
 * the file's trouble. */
#define SECRET_ERROR_MAX 512
#define SECRET_KEY_FILE "deployment.key"
enum status secret_key_load(const char *home, const char *configured,
                            struct secret_key *ret_key, bool *ret_made,
                            char *ret_error) MUST_CHECK;
/* The same from the file as it is now; NOT_FOUND when there is none: it is
 * never made. */
enum status secret_key_read(const char *home, struct secret_key *ret_key,
                            char *ret_error) MUST_CHECK;
/* Wipe it. */
void secret_key_forget(struct secret_key *key);
/* Append the token (base64url) of at most SECRET_PLAIN_MAX bytes. */
void
secret_seal(const struct secret_key *key, struct slice plain, struct buf *out);
/* What was sealed into out. INVALID_ARGUMENT: no token of this key. */
enum status secret_open(const struct secret_key *key, struct slice token,
                        struct buf *out) MUST_CHECK;

#endif
