/* The keys as a gateway holds them: from a publisher over real sockets, from
 * the copy on disk while nobody publishes, and the machine's token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "proto/tenants_codec.h"
#include "services/gatewayd/keyring.h"
#include "services/runtime/home.h"
#include "services/runtime/log.h"
#include "services/runtime/secret.h"
#include "tests/support/rpc_stand.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALICE "ssk_alice001_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN "token-of-this-machine-0123456789"
#define COPY "snapshots/tenants-gatewayd-1.snap"

static struct {
    struct rpc_stand stand;
    struct stand_server server;
    struct snapshot_publisher *publisher;
    struct rpc_channel *channel;
    struct keyring *keyring;
    bool alice_revoked, changed;
} it;

static enum status
encode(void *context, struct buf *out)
{
    struct tenant_key key = {.id = SLICE("alice001"),
                             .tenant = SLICE("alice"),
                             .revoked = it.alice_revoked};
    struct tenants tenants = {.keys = &key, .key_count = 1};

    (void)context;
    secret_hash(SLICE(ALICE), key.hash);
    return tenants_encode(&tenants, out);
}

static void
publish(void)
{
    struct tenants *tenants;
    struct buf bytes;

    buf_init(&bytes, 1 << 16);
    CHECK(encode(NULL, &bytes) == STATUS_OK);
    CHECK(tenants_decode(buf_slice(&bytes), &tenants) == STATUS_OK);
    snapshot_publish_whole(it.publisher, tenants_hash(tenants));
    tenants_free(&tenants);
    buf_fini(&bytes);
}

static void
open_publisher(void)
{
    stand_server_open(&it.server, &it.stand, "feedbackd", STAND_ECHO, 100);
    assert_int_equal(snapshot_publisher_new(it.server.server, "tenants", encode,
                                            NULL, &it.publisher),
                     STATUS_OK);
    publish();
}

static void
close_publisher(void)
{
    if (!it.publisher)
        return;
    snapshot_publisher_free(&it.publisher);
    stand_server_close(&it.server);
}

static void
on_changed(void *context)
{
    (void)context;
    it.changed = true;
    loop_stop(it.stand.loop);
}

static void
open_keyring(void)
{
    const struct keyring_options options = {.loop = it.stand.loop,
                                            .feedback = it.channel,
                                            .home = it.stand.folder,
                                            .instance = "gatewayd-1",
                                            .changed = on_changed};

    it.changed = false;
    assert_int_equal(keyring_new(&options, &it.keyring), STATUS_OK);
}

static void
await_change(void)
{
    assert_true(rpc_stand_run(&it.stand, &it.changed));
    it.changed = false;
}

static const char *
path_of(const char *name)
{
    static char path[192];

    (void)snprintf(path, sizeof(path), "%s/%s", it.stand.folder, name);
    return path;
}

static int
set_up(void **state)
{
    (void)state;
    log_start("test", LOG_ERROR, 2);
    memset(&it, 0, sizeof(it));
    rpc_stand_folder(&it.stand);
    rpc_stand_open(&it.stand);
    it.channel = stand_channel_to(&it.stand, "feedbackd");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    keyring_free(&it.keyring);
    rpc_channel_free(&it.channel);
    close_publisher(); /* a test that failed left it */
    (void)unlink(path_of(COPY));
    (void)rmdir(path_of("snapshots"));
    (void)unlink(path_of("token"));
    rpc_stand_close(&it.stand);
    return 0;
}

static void
expect_carries(const char *authorization, enum admission_carries carries,
               const char *tenant)
{
    struct keyring_bearer bearer = keyring_look_up(it.keyring, authorization);

    assert_int_equal(bearer.carries, carries);
    assert_string_equal(bearer.tenant, tenant);
}

static void
a_key_is_known_once_the_snapshot_came(void **state)
{
    (void)state;
    open_publisher();
    open_keyring();
    assert_int_equal(keyring_keys(it.keyring), ADMISSION_KEYS_UNKNOWN);
    expect_carries("Bearer " ALICE, ADMISSION_UNCHECKED_KEY, "default");
    await_change();
    assert_int_equal(keyring_keys(it.keyring), ADMISSION_KEYS_SOME);
    expect_carries("Bearer " ALICE, ADMISSION_LIVE_KEY, "alice");
    expect_carries("Bearer " ALICE "a", ADMISSION_UNKNOWN_KEY, "default");
    expect_carries("Bearer", ADMISSION_UNKNOWN_KEY, "default");
    expect_carries(NULL, ADMISSION_NOTHING, "default");
    expect_carries("Basic " ALICE, ADMISSION_NOTHING, "default");
    close_publisher();
}

static void
a_revoked_key_is_told_from_an_unknown_one(void **state)
{
    (void)state;
    open_publisher();
    open_keyring();
    await_change();
    it.alice_revoked = true;
    publish();
    await_change();
    expect_carries("Bearer " ALICE, ADMISSION_REVOKED_KEY, "default");
    assert_string_equal(keyring_look_up(it.keyring, "Bearer " ALICE).key_id,
                        "alice001");
    assert_int_equal(keyring_keys(it.keyring), ADMISSION_KEYS_SOME);
    close_publisher();
}

static void
keys_that_are_not_the_ones_published_change_nothing(void **state)
{
    (void)state;
    open_publisher();
    open_keyring();
    await_change();
    it.alice_revoked = true;
    snapshot_publish_whole(it.publisher, 7); /* nobody's hash */
    rpc_stand_run_for(&it.stand, 300);
    assert_false(it.changed);
    expect_carries("Bearer " ALICE, ADMISSION_LIVE_KEY, "alice");
    close_publisher();
}

static void
keys_work_from_the_copy_on_disk_while_nobody_publishes(void **state)
{
    struct stat about;

    (void)state;
    open_publisher();
    open_keyring();
    await_change();
    /* The copy is written after the keys are in use. */
    rpc_stand_run_for(&it.stand, 10);
    keyring_free(&it.keyring);
    close_publisher();
    assert_int_equal(stat(path_of(COPY), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);

    open_keyring();
    assert_true(it.changed);
    expect_carries("Bearer " ALICE, ADMISSION_LIVE_KEY, "alice");
}

static void
no_key_is_written_to_disk(void **state)
{
    char *bytes;
    size_t len;

    (void)state;
    open_publisher();
    open_keyring();
    await_change();
    rpc_stand_run_for(&it.stand, 10);
    assert_int_equal(home_read_file(path_of(COPY), 1 << 20, &bytes, &len),
                     STATUS_OK);
    assert_true(slice_find(slice_make(bytes, len), SLICE("alice001")) > 0);
    assert_int_equal(slice_find(slice_make(bytes, len), SLICE("aaaaaaaa")), -1);
    free(bytes);
    close_publisher();
}

static void
a_broken_copy_leaves_the_keys_unknown(void **state)
{
    (void)state;
    assert_int_equal(home_make_folder(path_of("snapshots")), STATUS_OK);
    assert_int_equal(home_write_file(path_of(COPY), "rubbish", 7), STATUS_OK);
    log_start("test", LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
    open_keyring();
    assert_false(it.changed);
    assert_int_equal(keyring_keys(it.keyring), ADMISSION_KEYS_UNKNOWN);
    expect_carries("Bearer " ALICE, ADMISSION_UNCHECKED_KEY, "default");
}

static void
the_token_needs_no_snapshot(void **state)
{
    (void)state;
    assert_int_equal(
        home_write_file(path_of("token"), TOKEN "\n", strlen(TOKEN "\n")),
        STATUS_OK);
    open_keyring();
    expect_carries("Bearer " TOKEN, ADMISSION_MACHINE_TOKEN, "default");
    expect_carries("Bearer " TOKEN "x", ADMISSION_UNCHECKED_KEY, "default");
    expect_carries("Bearer token", ADMISSION_UNCHECKED_KEY, "default");
}

static void
a_token_that_is_no_secret_is_none(void **state)
{
    static const char *const bad[] = {"", "\n", "short", "two words of token",
                                      "control\x07 characters here"};

    (void)state;
    log_start("test", LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char header[64];

        assert_int_equal(
            home_write_file(path_of("token"), bad[i], strlen(bad[i])),
            STATUS_OK);
        open_keyring();
        (void)snprintf(header, sizeof(header), "Bearer %s", bad[i]);
        expect_carries(header, ADMISSION_UNCHECKED_KEY, "default");
        keyring_free(&it.keyring);
    }
}

#define KEYRING_TEST(name)                                                     \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KEYRING_TEST(a_key_is_known_once_the_snapshot_came),
        KEYRING_TEST(a_revoked_key_is_told_from_an_unknown_one),
        KEYRING_TEST(keys_that_are_not_the_ones_published_change_nothing),
        KEYRING_TEST(keys_work_from_the_copy_on_disk_while_nobody_publishes),
        KEYRING_TEST(no_key_is_written_to_disk),
        KEYRING_TEST(a_broken_copy_leaves_the_keys_unknown),
        KEYRING_TEST(the_token_needs_no_snapshot),
        KEYRING_TEST(a_token_that_is_no_secret_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
