/* Snapshots at their limits: wholes of many parts, wholes that cannot be
 * sent, copies and wholes that this program cannot read, and what a follower
 * says of its age.
 *
 * The value is bytes; a delta is what is appended. A whole that begins with
 * '#' was made by a newer program: the follower refuses it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/hash.h"
#include "services/runtime/log.h"
#include "services/runtime/snapshot_disk.h"
#include "services/runtime/snapshot_whole.h"
#include "tests/support/rpc_stand.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LARGE ((size_t)20 << 20)
#define WAIT_MS 50

struct house {
    struct rpc_stand stand;
    struct stand_server server;
    struct snapshot_publisher *publisher;
    struct rpc_channel *channel;
    struct buf value;
    enum status encode; /* OK, or why it cannot be encoded */
    unsigned encoded;
    struct buf held; /* by the follower */
    struct snapshot_follower *follower;
    unsigned wholes, refused;
    bool parts; /* asked for by watch_once */
    char disk[128];
};

static enum status
encode_value(void *context, struct buf *out)
{
    struct house *house = context;
    house->encoded++;
    if (house->encode == STATUS_OK)
        buf_put_slice(out, buf_slice(&house->value));
    return house->encode;
}

static enum status
take_whole(void *context, struct slice bytes, uint64_t wanted,
           uint64_t *ret_hash)
{
    struct house *house = context;
    if (slice_starts(bytes, SLICE("#"))) {
        house->refused++;
        return STATUS_DATA_LOSS;
    }
    *ret_hash = hash_slice(bytes);
    if (*ret_hash != wanted)
        return STATUS_OK;
    buf_reset(&house->held);
    buf_put_slice(&house->held, bytes);
    house->wholes++;
    return STATUS_OK;
}

static enum status
take_delta(void *context, struct slice bytes, uint64_t *ret_hash)
{
    struct house *house = context;
    buf_put_slice(&house->held, bytes);
    *ret_hash = hash_slice(buf_slice(&house->held));
    return STATUS_OK;
}

static void
follow(struct house *house)
{
    const struct snapshot_follower_options options = {.name = "text",
                                                      .disk_path = house->disk,
                                                      .whole = take_whole,
                                                      .delta = take_delta,
                                                      .context = house};
    assert_int_equal(snapshot_follower_new(house->stand.loop, house->channel,
                                           &options, &house->follower),
                     STATUS_OK);
}

static void
publish_whole(struct house *house, const char *text)
{
    buf_reset(&house->value);
    buf_put_text(&house->value, text);
    snapshot_publish_whole(house->publisher,
                           hash_slice(buf_slice(&house->value)));
}

static void
publish_delta(struct house *house, const char *more)
{
    buf_put_text(&house->value, more);
    snapshot_publish_delta(house->publisher, slice_of(more),
                           hash_slice(buf_slice(&house->value)));
}

/* A value of LARGE bytes in which no two parts are alike. */
static void
publish_large(struct house *house)
{
    buf_reset(&house->value);
    for (uint64_t i = 0; i < LARGE / 16; i++)
        buf_put_hex(&house->value, i * 0x9e3779b97f4a7c15u, 16);
    buf_put_text(&house->value, "end");
    assert_true(buf_ok(&house->value));
    snapshot_publish_whole(house->publisher,
                           hash_slice(buf_slice(&house->value)));
}

static bool
is_same(const struct house *house)
{
    return slice_eq(buf_slice(&house->held), buf_slice(&house->value));
}

static void
expect_same(struct house *house)
{
    for (int i = 0; i < 1000 && !is_same(house); i++)
        rpc_stand_run_for(&house->stand, 10);
    assert_true(is_same(house));
}

/* Soon: on a machine that is slow now the publisher's last word may be old. */
static void
expect_current(struct house *house)
{
    for (int i = 0; i < 500; i++) {
        if (snapshot_follower_is_current(house->follower))
            return;
        rpc_stand_run_for(&house->stand, 10);
    }
    assert_true(snapshot_follower_is_current(house->follower));
}

static int
set_up(void **state)
{
    static struct house house;
    struct timing timing = timing_default();
    timing.watch_wait = WAIT_MS;
    timing.silence = STAND_PATIENCE_MS; /* hashing takes its time */
    memset(&house, 0, sizeof house);
    rpc_stand_open(&house.stand);
    buf_init(&house.value, 64 << 20);
    buf_init(&house.held, 64 << 20);
    stand_server_open(&house.server, &house.stand, "pub", STAND_ECHO, 2000);
    assert_int_equal(snapshot_publisher_new(house.server.server, "text",
                                            encode_value, &house,
                                            &house.publisher),
                     STATUS_OK);
    const struct rpc_channel_options options = {
        .target = rpc_stand_endpoint(&house.stand, "pub"),
        .caller = "test-1",
        .max_calls = 100,
        .metrics = house.stand.metrics,
        .zmq = house.stand.zmq,
        .timing = &timing};
    assert_int_equal(
        rpc_channel_new(house.stand.loop, &options, &house.channel), STATUS_OK);
    (void)snprintf(house.disk, sizeof house.disk, "%s/copy",
                   house.stand.folder);
    house.parts = true;
    *state = &house;
    return 0;
}

static int
tear_down(void **state)
{
    struct house *house = *state;
    snapshot_follower_free(&house->follower);
    rpc_channel_free(&house->channel);
    snapshot_publisher_free(&house->publisher);
    stand_server_close(&house->server);
    buf_fini(&house->value);
    buf_fini(&house->held);
    rpc_stand_close(&house->stand);
    return 0;
}

/* --- a Watch of our own making -------------------------------------------- */

struct watch {
    struct rpc_stand *stand;
    bool done;
    enum status status;
    char reason[32];
    ms_dur retry_after;
    Ss__SnapshotVersion at;
    size_t whole, deltas;
    uint64_t part_from, whole_bytes;
};

static void
on_watched(void *context, const struct rpc_result *result)
{
    struct watch *watch = context;
    const Ss__WatchReply *reply = (const Ss__WatchReply *)result->reply;
    watch->done = true;
    watch->status = result->status;
    watch->retry_after = result->retry_after;
    (void)snprintf(watch->reason, sizeof watch->reason, "%s", result->reason);
    if (reply != NULL) {
        watch->at.epoch = reply->at->epoch;
        watch->at.sequence = reply->at->sequence;
        watch->at.hash = reply->at->hash;
        watch->whole = reply->whole.len;
        watch->deltas = reply->n_delta;
        watch->part_from = reply->part_from;
        watch->whole_bytes = reply->whole_bytes;
    }
    loop_stop(watch->stand->loop);
}

static struct watch
watch_once(struct house *house, Ss__SnapshotVersion *have,
           Ss__SnapshotVersion *part_of, uint64_t part_from)
{
    struct watch watch = {.stand = &house->stand};
    static char name[] = "text";
    Ss__WatchRequest request = SS__WATCH_REQUEST__INIT;
    const struct rpc_options options = {.timeout = STAND_PATIENCE_MS};
    ss__snapshot_version__init(&watch.at);
    request.name = name;
    request.have = have;
    request.has_wait_ms = true;
    request.has_parts = request.parts = house->parts;
    request.part_of = part_of;
    request.has_part_from = part_of != NULL;
    request.part_from = part_from;
    assert_int_equal(rpc_call_start(house->channel, &ss__snapshots__descriptor,
                                    0, &request.base, &options, on_watched,
                                    &watch, NULL),
                     STATUS_OK);
    assert_true(rpc_stand_run(&house->stand, &watch.done));
    return watch;
}

static int64_t
gauge(struct metrics *metrics, const char *name)
{
    return *metrics_gauge(metrics, name, "name=\"text\"", "");
}

/* --- parts ---------------------------------------------------------------- */

static void
a_large_whole_comes_in_parts(void **state)
{
    struct house *house = *state;
    publish_large(house);
    follow(house);
    expect_same(house);
    assert_int_equal(house->wholes, 1);
    assert_int_equal(house->encoded, 1);
    assert_int_equal(gauge(house->server.metrics, "snapshot_whole_bytes"),
                     LARGE + 3);
    expect_current(house);
    publish_delta(house, " and more");
    expect_same(house);
    assert_int_equal(house->wholes, 1);
}

static void
a_value_that_moves_while_it_is_fetched_in_parts_arrives_all_the_same(
    void **state)
{
    struct house *house = *state;
    publish_large(house);
    follow(house);
    for (int i = 0; i < 200; i++) {
        publish_delta(house, ".");
        rpc_stand_run_for(&house->stand, 1);
    }
    expect_same(house);
    assert_int_equal(house->wholes, 1);
}

static void
parts_are_of_one_version_and_others_wait_for_theirs(void **state)
{
    struct house *house = *state;
    publish_large(house);
    /* Hashed before: who fetches is not waited for long. */
    buf_put_text(&house->value, " more");
    uint64_t hash = hash_slice(buf_slice(&house->value));
    house->value.len = LARGE + 3;
    struct watch first = watch_once(house, NULL, NULL, 0);
    assert_int_equal(first.whole, SNAPSHOT_PART_MAX);
    assert_int_equal(first.whole_bytes, LARGE + 3);
    buf_put_text(&house->value, " more");
    snapshot_publish_delta(house->publisher, SLICE(" more"), hash);
    /* Another follower would need the new one encoded: not now. */
    struct watch other = watch_once(house, NULL, NULL, 0);
    assert_int_equal(other.status, STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(other.reason, "FETCHED");
    assert_true(other.retry_after > 0);
    struct watch second = watch_once(house, NULL, &first.at, SNAPSHOT_PART_MAX);
    assert_int_equal(second.part_from, SNAPSHOT_PART_MAX);
    assert_true(second.at.hash == first.at.hash);
    struct watch third =
        watch_once(house, NULL, &first.at, 2 * (uint64_t)SNAPSHOT_PART_MAX);
    assert_int_equal(third.whole, LARGE + 3 - 2 * (size_t)SNAPSHOT_PART_MAX);
    /* And on by the delta. */
    struct watch news = watch_once(house, &first.at, NULL, 0);
    assert_int_equal(news.deltas, 1);
    /* Now nobody fetches any more, and the new one is to be had. */
    assert_int_equal(watch_once(house, NULL, NULL, 0).whole_bytes, LARGE + 8);
}

static void
a_part_of_what_is_held_no_more_starts_over(void **state)
{
    struct house *house = *state;
    publish_large(house);
    Ss__SnapshotVersion odd = watch_once(house, NULL, NULL, 0).at;
    odd.epoch++; /* of a publisher before its restart */
    struct watch again = watch_once(house, NULL, &odd, SNAPSHOT_PART_MAX);
    assert_int_equal(again.status, STATUS_OK);
    assert_int_equal(again.part_from, 0);
    assert_int_equal(again.whole, SNAPSHOT_PART_MAX);
    odd.epoch--;
    struct watch past = watch_once(house, NULL, &odd, LARGE + 3);
    assert_int_equal(past.part_from, 0);
}

static void
who_takes_no_parts_gets_one_piece(void **state)
{
    struct house *house = *state;
    house->parts = false;
    publish_large(house);
    struct watch piece = watch_once(house, NULL, NULL, 0);
    assert_int_equal(piece.whole, LARGE + 3);
    assert_int_equal(piece.whole_bytes, 0);
    while (house->value.len <= SNAPSHOT_ALONE_MAX)
        buf_put_text(&house->value, "a line that is not very long, but many ");
    publish_delta(house, "end");
    struct watch refused = watch_once(house, NULL, NULL, 0);
    assert_int_equal(refused.status, STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(refused.reason, "PARTS");
}

/* --- a whole that cannot be sent ------------------------------------------ */

static void
a_whole_that_is_too_large_is_said_and_stops_nobody(void **state)
{
    struct house *house = *state;
    struct snapshot_published published;
    publish_whole(house, "fits");
    follow(house);
    expect_same(house);
    /* It outgrows what can be sent: who has it goes on by deltas. */
    house->encode = STATUS_RESOURCE_EXHAUSTED;
    publish_delta(house, " no more");
    expect_same(house);
    assert_int_equal(gauge(house->server.metrics, "snapshot_whole_refused"), 0);
    /* Who has nothing gets nothing, at no cost however often it asks. */
    house->encoded = 0;
    for (int i = 0; i < 50; i++) {
        struct watch watch = watch_once(house, NULL, NULL, 0);
        assert_int_equal(watch.status, STATUS_RESOURCE_EXHAUSTED);
        assert_true(watch.retry_after > 0);
        publish_delta(house, "!");
    }
    assert_int_equal(house->encoded, 1);
    assert_int_equal(gauge(house->server.metrics, "snapshot_whole_refused"), 1);
    assert_true(snapshot_published_at(house->server.server, 0, &published));
    assert_string_equal(published.name, "text");
    assert_non_null(published.trouble);
    assert_false(snapshot_published_at(house->server.server, 1, &published));
    expect_same(house);
    expect_current(house);
    /* A smaller value heals it at once. */
    house->encode = STATUS_OK;
    publish_whole(house, "small");
    expect_same(house);
    assert_int_equal(gauge(house->server.metrics, "snapshot_whole_refused"), 0);
    assert_true(snapshot_published_at(house->server.server, 0, &published));
    assert_null(published.trouble);
}

/* --- a whole with which something is wrong -------------------------------- */

static const char *
trouble_of(const struct house *house)
{
    struct snapshot_published published;
    assert_true(snapshot_published_at(house->server.server, 0, &published));
    return published.trouble;
}

static void
what_its_maker_says_is_wrong_is_told_until_it_is_right(void **state)
{
    struct house *house = *state;
    char words[] = "a row is left out";
    char endless[2 * SNAPSHOT_TROUBLE_MAX];
    publish_whole(house, "the other rows");
    assert_null(trouble_of(house));
    snapshot_publisher_trouble(house->publisher, words);
    words[0] = '?'; /* they were copied */
    assert_string_equal(trouble_of(house), "a row is left out");
    publish_whole(house, "still the other rows");
    follow(house);
    expect_same(house); /* it is published all the same */
    assert_string_equal(trouble_of(house), "a row is left out");
    /* That nobody can get it is worse. */
    house->encode = STATUS_RESOURCE_EXHAUSTED;
    publish_whole(house, "too much");
    (void)watch_once(house, NULL, NULL, 0);
    assert_non_null(strstr(trouble_of(house), "too large"));
    house->encode = STATUS_OK;
    publish_whole(house, "all rows");
    expect_same(house);
    snapshot_publisher_trouble(house->publisher, NULL);
    assert_null(trouble_of(house));
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    snapshot_publisher_trouble(house->publisher, endless);
    assert_int_equal(strlen(trouble_of(house)), SNAPSHOT_TROUBLE_MAX - 1);
}

/* --- programs of different versions --------------------------------------- */

static int
log_to_file(struct house *house, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/log", house->stand.folder);
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    assert_true(fd >= 0);
    log_start("test-1", LOG_WARN, fd);
    return fd;
}

/* Lines of the log that hold a text. */
static unsigned
count_lines(int fd, const char *text)
{
    static char bytes[65536];
    unsigned count = 0;
    ssize_t len = pread(fd, bytes, sizeof bytes - 1, 0);
    assert_true(len >= 0);
    bytes[len] = '\0';
    for (const char *at = bytes; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void
a_copy_of_a_newer_program_is_ignored_and_fetched_anew(void **state)
{
    struct house *house = *state;
    struct snapshot_version version = {
        .epoch = 1, .sequence = 1, .hash = hash_slice(SLICE("#new"))};
    char path[160];
    assert_int_equal(
        snapshot_disk_write(house->disk, "text", &version, SLICE("#new")),
        STATUS_OK);
    int log = log_to_file(house, path, sizeof path);
    follow(house);
    assert_int_equal(house->refused, 1);
    assert_false(snapshot_follower_has(house->follower));
    assert_int_equal(count_lines(log, "snapshot-mismatch"), 1);
    assert_int_equal(count_lines(log, "how=disk"), 1);
    publish_whole(house, "ours");
    expect_same(house);
    assert_int_equal(count_lines(log, "\n"), 1); /* nothing else to say */
    log_start("-", LOG_INFO, STDERR_FILENO);
    (void)close(log);
}

static void
a_whole_that_cannot_be_read_leaves_what_is_held_without_a_spin(void **state)
{
    struct house *house = *state;
    char path[160];
    publish_whole(house, "readable");
    follow(house);
    expect_same(house);
    int log = log_to_file(house, path, sizeof path);
    publish_whole(house, "#by a newer program");
    rpc_stand_run_for(&house->stand, 600);
    assert_in_range(house->refused, 2, 8);
    assert_true(slice_eq(buf_slice(&house->held), SLICE("readable")));
    assert_false(snapshot_follower_is_current(house->follower));
    assert_int_equal(count_lines(log, "snapshot-mismatch"), 1); /* once */
    publish_whole(house, "readable again");
    expect_same(house);
    expect_current(house);
    log_start("-", LOG_INFO, STDERR_FILENO);
    (void)close(log);
}

/* --- age ------------------------------------------------------------------ */

static bool
metrics_say(struct house *house, const char *line)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    metrics_write(house->stand.metrics, &text);
    bool found = strstr(buf_text(&text), line) != NULL;
    buf_fini(&text);
    return found;
}

static void
a_follower_says_how_old_what_it_holds_is(void **state)
{
    struct house *house = *state;
    follow(house);
    assert_true(metrics_say(house, "snapshot_age_seconds{name=\"text\"} -1\n"));
    assert_true(
        metrics_say(house, "snapshot_silence_seconds{name=\"text\"} -1\n"));
    assert_true(metrics_say(house, "snapshot_current{name=\"text\"} 0\n"));
    publish_whole(house, "young");
    expect_same(house);
    assert_true(metrics_say(house, "snapshot_age_seconds{name=\"text\"} 0\n"));
    assert_true(metrics_say(house, "snapshot_current{name=\"text\"} 1\n"));
    /* Heard again and again, it grows older all the same. */
    rpc_stand_run_for(&house->stand, 1100);
    assert_true(metrics_say(house, "snapshot_current{name=\"text\"} 1\n"));
    assert_true(metrics_say(house, "snapshot_age_seconds{name=\"text\"} 1\n"));
    assert_true(
        metrics_say(house, "snapshot_silence_seconds{name=\"text\"} 0\n"));
    ms_time heard = snapshot_follower_heard(house->follower);
    assert_true(heard > 0);
    snapshot_publisher_free(&house->publisher);
    rpc_stand_run_for(&house->stand, 1100);
    assert_false(snapshot_follower_is_current(house->follower));
    assert_true(metrics_say(house, "snapshot_current{name=\"text\"} 0\n"));
    assert_true(
        metrics_say(house, "snapshot_silence_seconds{name=\"text\"} 1\n"));
    assert_true(slice_eq(buf_slice(&house->held), SLICE("young")));
    snapshot_follower_free(&house->follower);
    (void)metrics_say(house, ""); /* nobody is asked any more */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_large_whole_comes_in_parts),
        TEST(
            a_value_that_moves_while_it_is_fetched_in_parts_arrives_all_the_same),
        TEST(parts_are_of_one_version_and_others_wait_for_theirs),
        TEST(a_part_of_what_is_held_no_more_starts_over),
        TEST(who_takes_no_parts_gets_one_piece),
        TEST(a_whole_that_is_too_large_is_said_and_stops_nobody),
        TEST(what_its_maker_says_is_wrong_is_told_until_it_is_right),
        TEST(a_copy_of_a_newer_program_is_ignored_and_fetched_anew),
        TEST(a_whole_that_cannot_be_read_leaves_what_is_held_without_a_spin),
        TEST(a_follower_says_how_old_what_it_holds_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
