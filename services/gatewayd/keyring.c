/* The tenants' keys and the machine's token, held in memory.
 *
 * A key is found by its hash, so the time that takes tells nothing about any
 * other key; what is compared byte by byte is compared in constant time. */
#include "services/gatewayd/keyring.h"

#include "core/base/check.h"
#include "proto/tenants_codec.h"
#include "services/gatewayd/http_policy.h"
#include "services/runtime/home.h"
#include "services/runtime/log.h"
#include "services/runtime/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEYRING_MAGIC 0x4b455952u
#define TOKEN_LOOK_MS 1000 /* between two looks at the file */

_Static_assert(TENANT_KEY_HASH_LEN == SECRET_HASH_LEN, "one kind of hash");

/* What tells one content of a file from another. */
struct file_mark {
    struct timespec changed;
    ino_t inode;
    off_t size;
};

struct keyring {
    unsigned magic;
    struct loop *loop;
    struct tenants *tenants; /* owned; NULL until the first */
    struct snapshot_follower *follower;
    loop_fn changed;
    void *context;
    char token[KEYRING_TOKEN_MOST + 1]; /* "": there is none */
    struct file_mark token_mark;
    ms_time token_seen; /* when the file was looked at; 0: never */
    char token_path[HOME_PATH_MAX], disk_path[HOME_PATH_MAX];
};

/* --- the machine's token --- */

/* One word on the file's first line. */
static struct slice
token_of(const char *bytes, size_t len)
{
    struct slice token = slice_trim(slice_make(bytes, len));

    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] >= 0x7f)
            return slice_make(NULL, 0);
    return token;
}

static void
read_token(struct keyring *keyring)
{
    char *bytes;
    size_t len;
    enum status status =
        home_read_file(keyring->token_path, KEYRING_TOKEN_MOST, &bytes, &len);
    struct slice token;

    if (status != STATUS_OK) {
        log_event(LOG_WARN, "token-unreadable",
                  LOG_STR("path", keyring->token_path),
                  LOG_STR("status", status_text(status)),
                  LOG_STR("next", "this machine's token is not accepted"));
        return;
    }
    token = token_of(bytes, len);
    if (token.len >= KEYRING_TOKEN_LEAST) {
        memcpy(keyring->token, token.ptr, token.len);
        keyring->token[token.len] = '\0';
    } else {
        log_event(LOG_WARN, "token-too-short",
                  LOG_STR("path", keyring->token_path),
                  LOG_U64("least_bytes", KEYRING_TOKEN_LEAST),
                  LOG_STR("next", "this machine's token is not accepted"));
    }
    explicit_bzero(bytes, len);
    free(bytes);
}

static bool
same_mark(const struct file_mark *a, const struct file_mark *b)
{
    return a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec && a->inode == b->inode &&
           a->size == b->size;
}

/* Follow the file: made, replaced and removed ones within a second. */
static void
look_at_token(struct keyring *keyring)
{
    struct file_mark mark = {0};
    ms_time now = loop_now(keyring->loop);
    struct stat about;

    if (keyring->token_seen != 0 && now - keyring->token_seen < TOKEN_LOOK_MS)
        return;
    keyring->token_seen = now;
    if (stat(keyring->token_path, &about) == 0)
        mark = (struct file_mark){.changed = about.st_mtim,
                                  .inode = about.st_ino,
                                  .size = about.st_size};
    if (same_mark(&mark, &keyring->token_mark))
        return;
    keyring->token_mark = mark;
    explicit_bzero(keyring->token, sizeof(keyring->token));
    if (mark.inode != 0)
        read_token(keyring);
}

static bool
is_token(struct keyring *keyring, struct slice bearer)
{
    look_at_token(keyring);
    return keyring->token[0] != '\0' &&
           secret_equal(bearer, slice_of(keyring->token));
}

/* --- looking up --- */

static enum admission_carries
find_key(const struct keyring *keyring, struct slice bearer,
         const struct tenant_key **ret_key)
{
    uint8_t hash[SECRET_HASH_LEN];
    const struct tenant_key *key;

    if (!keyring->tenants)
        return ADMISSION_UNCHECKED_KEY;
    secret_hash(bearer, hash);
    key = tenants_find(keyring->tenants, hash);
    if (!key ||
        !secret_equal(slice_make((const char *)hash, sizeof(hash)),
                      slice_make((const char *)key->hash, sizeof(key->hash))))
        return ADMISSION_UNKNOWN_KEY;
    *ret_key = key;
    return key->revoked ? ADMISSION_REVOKED_KEY : ADMISSION_LIVE_KEY;
}

/* Names come from the codec, which checked their lengths. */
static void
copy_name(char *to, size_t room, struct slice from)
{
    CHECK(from.len < room);
    memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
}

struct keyring_bearer
keyring_look_up(struct keyring *keyring, const char *authorization)
{
    struct keyring_bearer bearer = {.carries = ADMISSION_NOTHING,
                                    .tenant = TENANT_DEFAULT};
    const struct tenant_key *key = NULL;
    struct slice text;

    CHECK_OBJ(keyring, KEYRING_MAGIC);
    if (!http_policy_bearer(authorization, &text))
        return bearer;
    if (is_token(keyring, text)) {
        bearer.carries = ADMISSION_MACHINE_TOKEN;
        return bearer;
    }
    bearer.carries = find_key(keyring, text, &key);
    if (key)
        copy_name(bearer.key_id, sizeof(bearer.key_id), key->id);
    if (bearer.carries == ADMISSION_LIVE_KEY)
        copy_name(bearer.tenant, sizeof(bearer.tenant), key->tenant);
    return bearer;
}

enum admission_keys
keyring_keys(const struct keyring *keyring)
{
    CHECK_OBJ(keyring, KEYRING_MAGIC);
    if (!keyring->tenants)
        return ADMISSION_KEYS_UNKNOWN;
    return keyring->tenants->key_count > 0 ? ADMISSION_KEYS_SOME
                                           : ADMISSION_KEYS_NONE;
}

/* --- following --- */

static enum status
on_whole(void *context, struct slice bytes, uint64_t wanted, uint64_t *ret_hash)
{
    struct keyring *keyring = context;
    struct tenants *tenants = NULL;
    enum status status;

    CHECK_OBJ(keyring, KEYRING_MAGIC);
    status = tenants_decode(bytes, &tenants);
    if (status != STATUS_OK)
        return status;
    *ret_hash = tenants_hash(tenants);
    if (*ret_hash != wanted) {
        tenants_free(&tenants);
        return STATUS_OK;
    }
    tenants_free(&keyring->tenants);
    keyring->tenants = tenants;
    return STATUS_OK;
}

static void
on_changed(void *context)
{
    struct keyring *keyring = context;

    CHECK_OBJ(keyring, KEYRING_MAGIC);
    log_event(LOG_INFO, "keys", LOG_U64("count", keyring->tenants->key_count));
    if (keyring->changed)
        keyring->changed(keyring->context);
}

/* <home>/token, and <home>/snapshots/tenants-<instance>.snap with its folder
 * made. */
static enum status
find_paths(struct keyring *keyring, const struct keyring_options *options)
{
    char folder[HOME_PATH_MAX], file[HOME_INSTANCE_MAX + 16];
    enum status status =
        home_join(options->home, KEYRING_TOKEN_FILE, keyring->token_path);
    int len =
        snprintf(file, sizeof(file), "tenants-%s.snap", options->instance);

    if (len < 0 || (size_t)len >= sizeof(file))
        return STATUS_OUT_OF_RANGE;
    if (status == STATUS_OK)
        status = home_join(options->home, "snapshots", folder);
    if (status == STATUS_OK)
        status = home_make_folder(folder);
    if (status == STATUS_OK)
        status = home_join(folder, file, keyring->disk_path);
    return status;
}

static enum status
follow(struct keyring *keyring, const struct keyring_options *options)
{
    const struct snapshot_follower_options follower = {.name = "tenants",
                                                       .disk_path =
                                                           keyring->disk_path,
                                                       .whole = on_whole,
                                                       .changed = on_changed,
                                                       .context = keyring};

    return snapshot_follower_new(options->loop, options->feedback, &follower,
                                 &keyring->follower);
}

enum status
keyring_new(const struct keyring_options *options, struct keyring **ret_keyring)
{
    struct keyring *keyring = calloc(1, sizeof(*keyring));
    enum status status;

    if (!keyring)
        return STATUS_RESOURCE_EXHAUSTED;
    keyring->magic = KEYRING_MAGIC;
    keyring->loop = options->loop;
    keyring->changed = options->changed;
    keyring->context = options->context;
    status = find_paths(keyring, options);
    if (status == STATUS_OK)
        status = follow(keyring, options);
    if (status != STATUS_OK) {
        keyring_free(&keyring);
        return status;
    }
    look_at_token(keyring);
    *ret_keyring = keyring;
    return STATUS_OK;
}

void
keyring_free(struct keyring **keyring_at)
{
    struct keyring *keyring = *keyring_at;

    if (!keyring)
        return;
    CHECK_OBJ(keyring, KEYRING_MAGIC);
    snapshot_follower_free(&keyring->follower);
    tenants_free(&keyring->tenants);
    explicit_bzero(keyring->token, sizeof(keyring->token));
    keyring->magic = 0;
    free(keyring);
    *keyring_at = NULL;
}

const struct snapshot_follower *
keyring_follower(const struct keyring *keyring)
{
    CHECK_OBJ(keyring, KEYRING_MAGIC);
    return keyring->follower;
}
