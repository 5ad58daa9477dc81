/* Snapshots from a publisher to a follower over real sockets.
 *
 * The value is a text; a whole is the text, a delta is what is appended to
 * it, the content hash is the text's. A delta that starts with '!' is applied
 * wrongly by the follower, '?' is refused by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/hash.h"
#include "services/runtime/home.h"
#include "services/runtime/snapshot.h"
#include "tests/support/rpc_stand.h"

#include "rpc.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 8192

struct value {
    char text[TEXT_MAX];
};

/* What a follower holds, and how often it was told. */
struct reader {
    struct value value;
    struct rpc_stand *stand;
    struct snapshot_follower *follower;
    unsigned wholes, deltas, changes;
    char until[TEXT_MAX]; /* stop the loop when this is held … */
    bool reached;
    bool lies; /* says a wrong hash of wholes */
};

struct house {
    struct rpc_stand stand;
    struct stand_server server;
    struct snapshot_publisher *publisher;
    struct rpc_channel *channel;
    struct value value;
    char disk[128];
};

static uint64_t
hash_value(const struct value *value)
{
    return hash_slice(slice_of(value->text));
}

static enum status
encode_value(void *context, struct buf *out)
{
    const struct value *value = context;
    buf_put_text(out, value->text);
    return STATUS_OK;
}

static enum status
take_whole(void *context, struct slice bytes, uint64_t wanted,
           uint64_t *ret_hash)
{
    struct reader *reader = context;
    struct value value = {.text = ""};
    assert_true(bytes.len < TEXT_MAX);
    if (bytes.len > 0)
        memcpy(value.text, bytes.ptr, bytes.len);
    reader->wholes++;
    *ret_hash = hash_value(&value) + (reader->lies ? 1 : 0);
    if (*ret_hash == wanted)
        reader->value = value;
    return STATUS_OK;
}

static enum status
take_delta(void *context, struct slice bytes, uint64_t *ret_hash)
{
    struct reader *reader = context;
    size_t len = strlen(reader->value.text);
    if (bytes.len > 0 && bytes.ptr[0] == '?')
        return STATUS_FAILED_PRECONDITION;
    assert_true(len + bytes.len < TEXT_MAX);
    memcpy(reader->value.text + len, bytes.ptr, bytes.len);
    reader->value.text[len + bytes.len] = '\0';
    if (bytes.len > 0 && bytes.ptr[0] == '!')
        reader->value.text[0] = 'X';
    reader->deltas++;
    *ret_hash = hash_value(&reader->value);
    return STATUS_OK;
}

static enum status
encode_reader(void *context, struct buf *out)
{
    const struct reader *reader = context;
    buf_put_text(out, reader->value.text);
    return STATUS_OK;
}

static void
on_changed(void *context)
{
    struct reader *reader = context;
    reader->changes++;
    if (strcmp(reader->value.text, reader->until) == 0) {
        reader->reached = true;
        loop_stop(reader->stand->loop);
    }
}

static void
follow(struct reader *reader, struct house *house, const char *disk_path)
{
    const struct snapshot_follower_options options = {.name = "text",
                                                      .disk_path = disk_path,
                                                      .whole = take_whole,
                                                      .delta = take_delta,
                                                      .changed = on_changed,
                                                      .encode = encode_reader,
                                                      .context = reader};
    reader->stand = &house->stand;
    assert_int_equal(snapshot_follower_new(house->stand.loop, house->channel,
                                           &options, &reader->follower),
                     STATUS_OK);
}

static void
expect_text(struct reader *reader, const char *text)
{
    reader->reached = strcmp(reader->value.text, text) == 0;
    (void)snprintf(reader->until, TEXT_MAX, "%s", text);
    assert_true(rpc_stand_run(reader->stand, &reader->reached));
}

static void
publish_whole(struct house *house, const char *text)
{
    (void)snprintf(house->value.text, TEXT_MAX, "%s", text);
    snapshot_publish_whole(house->publisher, hash_value(&house->value));
}

static void
publish_delta(struct house *house, const char *more)
{
    size_t len = strlen(house->value.text);
    (void)snprintf(house->value.text + len, TEXT_MAX - len, "%s", more);
    snapshot_publish_delta(house->publisher, slice_of(more),
                           hash_value(&house->value));
}

static void
open_publisher(struct house *house)
{
    stand_server_open(&house->server, &house->stand, "pub", STAND_ECHO, 2000);
    assert_int_equal(snapshot_publisher_new(house->server.server, "text",
                                            encode_value, &house->value,
                                            &house->publisher),
                     STATUS_OK);
}

static void
close_publisher(struct house *house)
{
    snapshot_publisher_free(&house->publisher);
    stand_server_close(&house->server);
}

static int
set_up(void **state)
{
    static struct house house;
    memset(&house, 0, sizeof house);
    rpc_stand_open(&house.stand);
    open_publisher(&house);
    house.channel = stand_channel(&house.stand,
                                  rpc_stand_endpoint(&house.stand, "pub"), 100);
    (void)snprintf(house.disk, sizeof house.disk, "%s/text.snapshot",
                   house.stand.folder);
    *state = &house;
    return 0;
}

static int
tear_down(void **state)
{
    struct house *house = *state;
    rpc_channel_free(&house->channel);
    close_publisher(house);
    rpc_stand_close(&house->stand);
    return 0;
}

/* --- normal use ----------------------------------------------------------- */

static void
a_follower_gets_the_whole_then_deltas(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    follow(&reader, house, NULL);
    assert_false(snapshot_follower_has(reader.follower));
    publish_whole(house, "one");
    expect_text(&reader, "one");
    assert_true(snapshot_follower_is_current(reader.follower));
    publish_delta(house, " two");
    expect_text(&reader, "one two");
    publish_delta(house, " three");
    expect_text(&reader, "one two three");
    assert_int_equal(reader.wholes, 1);
    assert_int_equal(reader.deltas, 2);
    struct snapshot_version at = snapshot_follower_version(reader.follower);
    assert_int_equal(at.sequence, 3);
    assert_int_equal(at.epoch, rpc_server_epoch(house->server.server));
    assert_int_equal(at.hash, hash_value(&house->value));
    assert_int_equal(snapshot_publisher_version(house->publisher).hash,
                     at.hash);
    snapshot_follower_free(&reader.follower);
}

static void
deltas_published_together_arrive_in_order(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    publish_whole(house, "");
    follow(&reader, house, NULL);
    expect_text(&reader, "");
    rpc_stand_run_for(&house->stand, 50);
    for (int i = 0; i < 200; i++) {
        char more[8];
        (void)snprintf(more, sizeof more, "%d,", i);
        publish_delta(house, more);
    }
    expect_text(&reader, house->value.text);
    assert_int_equal(reader.wholes, 1);
    assert_int_equal(reader.deltas, 200);
    assert_true(reader.changes < 200); /* many came in one answer */
    snapshot_follower_free(&reader.follower);
}

static void
publishing_the_same_whole_again_sends_nothing(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    follow(&reader, house, NULL);
    publish_whole(house, "same");
    expect_text(&reader, "same");
    publish_whole(house, "same");
    rpc_stand_run_for(&house->stand, 100);
    assert_int_equal(reader.wholes, 1);
    assert_int_equal(snapshot_publisher_version(house->publisher).sequence, 1);
    snapshot_follower_free(&reader.follower);
}

static void
several_names_are_published_beside_each_other(void **state)
{
    struct house *house = *state;
    struct snapshot_publisher *other, *again;
    struct value value = {"other"};
    assert_int_equal(snapshot_publisher_new(house->server.server, "other",
                                            encode_value, &value, &other),
                     STATUS_OK);
    assert_int_equal(snapshot_publisher_new(house->server.server, "other",
                                            encode_value, &value, &again),
                     STATUS_ALREADY_EXISTS);
    struct reader reader = {.wholes = 0};
    follow(&reader, house, NULL);
    snapshot_publish_whole(other, hash_value(&value));
    publish_whole(house, "text");
    expect_text(&reader, "text");
    snapshot_publisher_free(&other);
    snapshot_follower_free(&reader.follower);
}

/* --- edges ---------------------------------------------------------------- */

static void
a_follower_left_behind_by_more_than_the_ring_gets_the_whole(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    publish_whole(house, "");
    follow(&reader, house, NULL);
    expect_text(&reader, "");
    rpc_stand_run_for(&house->stand, 50);
    /* The first of these answers the open Watch, the rest come too fast. */
    for (int i = 0; i < SNAPSHOT_DELTAS_KEPT + 10; i++)
        publish_delta(house, ".");
    expect_text(&reader, house->value.text);
    assert_int_equal(reader.wholes, 2);
    assert_int_equal(reader.deltas, 1);
    snapshot_follower_free(&reader.follower);
}

static void
a_restarted_publisher_with_the_same_content_sends_nothing(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    follow(&reader, house, NULL);
    publish_whole(house, "kept");
    expect_text(&reader, "kept");
    uint64_t before = rpc_server_epoch(house->server.server);
    close_publisher(house);
    open_publisher(house);
    uint64_t after = rpc_server_epoch(house->server.server);
    assert_int_not_equal(before, after);
    publish_whole(house, "kept");
    for (int i = 0;
         i < 100 && snapshot_follower_version(reader.follower).epoch != after;
         i++)
        rpc_stand_run_for(&house->stand, 50);
    assert_int_equal(snapshot_follower_version(reader.follower).epoch, after);
    assert_int_equal(reader.wholes, 1);
    /* And it goes on with deltas from there. */
    publish_delta(house, " on");
    expect_text(&reader, "kept on");
    assert_int_equal(reader.wholes, 1);
    snapshot_follower_free(&reader.follower);
}

static void
a_restarted_publisher_with_other_content_sends_the_whole(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    follow(&reader, house, NULL);
    publish_whole(house, "old");
    expect_text(&reader, "old");
    close_publisher(house);
    open_publisher(house);
    publish_whole(house, "new");
    expect_text(&reader, "new");
    assert_int_equal(reader.wholes, 2);
    snapshot_follower_free(&reader.follower);
}

static void
the_copy_on_disk_is_there_before_any_publisher(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    follow(&reader, house, house->disk);
    publish_whole(house, "written");
    expect_text(&reader, "written");
    publish_delta(house, " down");
    expect_text(&reader, "written down");
    snapshot_follower_free(&reader.follower); /* writes what was due */
    close_publisher(house);
    struct reader later = {.wholes = 0};
    follow(&later, house, house->disk);
    assert_true(snapshot_follower_has(later.follower));
    assert_false(snapshot_follower_is_current(later.follower));
    assert_string_equal(later.value.text, "written down");
    assert_int_equal(later.wholes, 1);
    assert_int_equal(later.changes, 1);
    /* The publisher comes back with the same: nothing is transferred. */
    open_publisher(house);
    publish_whole(house, "written down");
    for (int i = 0; i < 100 && !snapshot_follower_is_current(later.follower);
         i++)
        rpc_stand_run_for(&house->stand, 50);
    assert_true(snapshot_follower_is_current(later.follower));
    assert_int_equal(later.wholes, 1);
    snapshot_follower_free(&later.follower);
}

/* --- failures ------------------------------------------------------------- */

static void
a_delta_applied_wrongly_heals_by_the_whole(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    follow(&reader, house, NULL);
    publish_whole(house, "good");
    expect_text(&reader, "good");
    publish_delta(house, "!bad");
    expect_text(&reader, "good!bad");
    assert_int_equal(reader.wholes, 2);
    assert_int_equal(reader.deltas, 1);
    snapshot_follower_free(&reader.follower);
}

static void
a_delta_refused_heals_by_the_whole(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    follow(&reader, house, NULL);
    publish_whole(house, "good");
    expect_text(&reader, "good");
    publish_delta(house, "?odd");
    expect_text(&reader, "good?odd");
    assert_int_equal(reader.wholes, 2);
    assert_int_equal(reader.deltas, 0);
    snapshot_follower_free(&reader.follower);
}

static void
a_whole_of_another_hash_is_asked_for_again_but_not_in_a_spin(void **state)
{
    struct house *house = *state;
    struct reader reader = {.lies = true};
    follow(&reader, house, NULL);
    publish_whole(house, "doubtful");
    rpc_stand_run_for(&house->stand, 600);
    assert_false(snapshot_follower_has(reader.follower));
    assert_true(reader.wholes >= 2);
    assert_true(reader.wholes <= 8);
    assert_int_equal(reader.changes, 0);
    reader.lies = false;
    expect_text(&reader, "doubtful");
    for (int i = 0; i < 100 && reader.changes == 0; i++)
        rpc_stand_run_for(&house->stand, 50);
    assert_int_equal(reader.changes, 1);
    snapshot_follower_free(&reader.follower);
}

static void
a_broken_copy_on_disk_is_ignored(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    follow(&reader, house, house->disk);
    publish_whole(house, "sound");
    expect_text(&reader, "sound");
    snapshot_follower_free(&reader.follower);
    char *file;
    size_t len;
    assert_int_equal(home_read_file(house->disk, 1 << 20, &file, &len),
                     STATUS_OK);
    /* Every single byte turned, every cut: never installed. Bytes of the
     * version (40 to 71) change what it says, not the content. */
    for (size_t i = 0; i < len; i++) {
        if (i >= 40 && i < 72)
            continue;
        file[i] = (char)(file[i] ^ 0x20);
        assert_int_equal(home_write_file(house->disk, file, len), STATUS_OK);
        struct reader later = {.wholes = 0};
        follow(&later, house, house->disk);
        assert_false(snapshot_follower_has(later.follower));
        snapshot_follower_free(&later.follower);
        file[i] = (char)(file[i] ^ 0x20);
    }
    for (size_t cut = 0; cut < len; cut += 7) {
        assert_int_equal(home_write_file(house->disk, file, cut), STATUS_OK);
        struct reader later = {.wholes = 0};
        follow(&later, house, house->disk);
        assert_false(snapshot_follower_has(later.follower));
        snapshot_follower_free(&later.follower);
    }
    free(file);
}

static void
a_publisher_that_goes_leaves_the_value_where_it_is(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    follow(&reader, house, NULL);
    publish_whole(house, "stays");
    expect_text(&reader, "stays");
    close_publisher(house);
    rpc_stand_run_for(&house->stand, 300);
    assert_true(snapshot_follower_has(reader.follower));
    assert_string_equal(reader.value.text, "stays");
    open_publisher(house);
    publish_whole(house, "moves");
    expect_text(&reader, "moves");
    snapshot_follower_free(&reader.follower);
}

static void
a_drain_does_not_wait_for_those_who_watch(void **state)
{
    struct house *house = *state;
    struct reader reader = {.wholes = 0};
    follow(&reader, house, NULL);
    publish_whole(house, "text");
    expect_text(&reader, "text");
    rpc_stand_run_for(&house->stand, 50); /* the next Watch is held */
    assert_int_equal(rpc_server_in_flight(house->server.server), 1);
    ms_time before = loop_now(house->stand.loop);
    rpc_server_drain(house->server.server, (loop_fn)loop_stop,
                     house->stand.loop);
    loop_run(house->stand.loop);
    assert_true(loop_now(house->stand.loop) - before < 1000);
    assert_int_equal(rpc_server_in_flight(house->server.server), 0);
    snapshot_follower_free(&reader.follower);
}

/* A Watch of our own making, and what it brought. */
struct watch {
    struct rpc_stand *stand;
    bool done;
    enum status status;
    bool whole;
    size_t deltas;
};

static void
on_watched(void *context, const struct rpc_result *result)
{
    struct watch *watch = context;
    const Ss__WatchReply *reply = (const Ss__WatchReply *)result->reply;
    watch->done = true;
    watch->status = result->status;
    watch->whole = reply != NULL && reply->has_whole;
    watch->deltas = reply != NULL ? reply->n_delta : 0;
    loop_stop(watch->stand->loop);
}

static struct watch
watch_once(struct house *house, const char *snapshot, Ss__SnapshotVersion *have)
{
    struct watch watch = {.stand = &house->stand};
    char name[SNAPSHOT_NAME_MAX];
    Ss__WatchRequest request = SS__WATCH_REQUEST__INIT;
    const struct rpc_options options = {.timeout = 5000};
    (void)snprintf(name, sizeof name, "%s", snapshot);
    request.name = name;
    request.have = have;
    request.has_wait_ms = true;
    assert_int_equal(rpc_call_start(house->channel, &ss__snapshots__descriptor,
                                    0, &request.base, &options, on_watched,
                                    &watch, NULL),
                     STATUS_OK);
    assert_true(rpc_stand_run(&house->stand, &watch.done));
    return watch;
}

static void
a_watch_gets_deltas_only_from_a_version_that_is_ours(void **state)
{
    struct house *house = *state;
    Ss__SnapshotVersion have = SS__SNAPSHOT_VERSION__INIT;
    assert_int_equal(watch_once(house, "text", NULL).status,
                     STATUS_UNAVAILABLE); /* nothing yet */
    assert_int_equal(watch_once(house, "nothing", NULL).status,
                     STATUS_NOT_FOUND);
    publish_whole(house, "a");
    have.epoch = rpc_server_epoch(house->server.server);
    have.sequence = 1;
    have.hash = hash_value(&house->value);
    struct watch same = watch_once(house, "text", &have);
    assert_true(same.status == STATUS_OK && !same.whole && same.deltas == 0);
    publish_delta(house, "b");
    publish_delta(house, "c");
    struct watch ours = watch_once(house, "text", &have);
    assert_true(!ours.whole && ours.deltas == 2);
    have.hash++; /* what we never published */
    assert_true(watch_once(house, "text", &have).whole);
    have.hash--;
    have.epoch++; /* another process's count */
    assert_true(watch_once(house, "text", &have).whole);
    have.epoch--;
    have.sequence = 9; /* from the future */
    assert_true(watch_once(house, "text", &have).whole);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_follower_gets_the_whole_then_deltas),
        TEST(deltas_published_together_arrive_in_order),
        TEST(publishing_the_same_whole_again_sends_nothing),
        TEST(several_names_are_published_beside_each_other),
        TEST(a_follower_left_behind_by_more_than_the_ring_gets_the_whole),
        TEST(a_restarted_publisher_with_the_same_content_sends_nothing),
        TEST(a_restarted_publisher_with_other_content_sends_the_whole),
        TEST(the_copy_on_disk_is_there_before_any_publisher),
        TEST(a_watch_gets_deltas_only_from_a_version_that_is_ours),
        TEST(a_delta_applied_wrongly_heals_by_the_whole),
        TEST(a_delta_refused_heals_by_the_whole),
        TEST(a_whole_of_another_hash_is_asked_for_again_but_not_in_a_spin),
        TEST(a_broken_copy_on_disk_is_ignored),
        TEST(a_publisher_that_goes_leaves_the_value_where_it_is),
        TEST(a_drain_does_not_wait_for_those_who_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
