/* A publisher and its follower with a road between them that loses, repeats,
 * reorders and spoils what is sent: what the follower holds is always a value
 * the publisher's hash fits, and once the road is sound it is the newest one.
 * links: services_runtime
 * stage: rpc
 * options: -max_len=256
 * The input is a row of steps: publications, what becomes of messages on their
 * way, made-up answers, time, a restart of the publisher. */
#include "core/base/hash.h"
#include "services/runtime/log.h"
#include "services/runtime/snapshot.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/stage_rpc.h"

#include <fcntl.h>

#define CELLS 4
#define STEPS_MAX 48
#define ROAD_MAX 32   /* messages under way; more are lost */
#define LIVES_MAX 4   /* of the publisher */
#define HEALS_MS 200  /* a step of the sound road … */
#define HEALS_MAX 100 /* … and so many of them */

/* The value: a few numbers. A delta is one of them: its place and itself. */
struct value {
    uint8_t cells[CELLS];
};

struct message {
    bool to_server;
    struct buf header, body;
};

struct play {
    struct metrics *metrics;
    struct rpc_server *server;
    struct snapshot_publisher *publisher;
    struct rpc_channel *channel;
    struct snapshot_follower *follower;
    struct value published, held;
    size_t server_socket;
    unsigned lives;
    bool is_sound; /* the road */
    struct message road[ROAD_MAX];
    size_t under_way;
};

static uint64_t
hash_of(const struct value *value)
{
    return hash_bytes(value->cells, CELLS);
}

/* --- the two ends --------------------------------------------------------- */

static enum status
encode(void *context, struct buf *out)
{
    const struct play *play = context;
    buf_put(out, play->published.cells, CELLS);
    return STATUS_OK;
}

static enum status
on_whole(void *context, struct slice bytes, uint64_t wanted, uint64_t *ret_hash)
{
    struct play *play = context;
    if (bytes.len != CELLS)
        return STATUS_INVALID_ARGUMENT;
    *ret_hash = hash_bytes(bytes.ptr, CELLS);
    if (*ret_hash == wanted)
        memcpy(play->held.cells, bytes.ptr, CELLS);
    return STATUS_OK;
}

static enum status
on_delta(void *context, struct slice bytes, uint64_t *ret_hash)
{
    struct play *play = context;
    if (bytes.len != 2 || (uint8_t)bytes.ptr[0] >= CELLS)
        return STATUS_INVALID_ARGUMENT;
    play->held.cells[(uint8_t)bytes.ptr[0]] = (uint8_t)bytes.ptr[1];
    *ret_hash = hash_of(&play->held);
    return STATUS_OK;
}

/* A version became current: the value fits it. */
static void
on_changed(void *context)
{
    const struct play *play = context;
    if (play->follower == NULL)
        return; /* within snapshot_follower_new */
    CHECK(snapshot_follower_has(play->follower));
    CHECK(snapshot_follower_version(play->follower).hash ==
          hash_of(&play->held));
}

static void
start_publisher(struct play *play)
{
    const struct rpc_server_options options = {.endpoint =
                                                   "tcp://127.0.0.1:7001",
                                               .instance = "stage-1",
                                               .max_calls = 16,
                                               .metrics = play->metrics};
    play->server_socket = stage_sockets();
    CHECK(rpc_server_new(stage_loop(), &options, &play->server) == STATUS_OK);
    CHECK(snapshot_publisher_new(play->server, "value", encode, play,
                                 &play->publisher) == STATUS_OK);
    snapshot_publish_whole(play->publisher, hash_of(&play->published));
    play->lives++;
}

static void
stop_publisher(struct play *play)
{
    snapshot_publisher_free(&play->publisher);
    rpc_server_free(&play->server);
}

static void
start_follower(struct play *play)
{
    struct timing timing = timing_default();
    timing.watch_wait = 500;
    timing.ping_every = 10000;
    timing.silence = 60000; /* the road may be closed for long */
    const struct rpc_channel_options channel = {.target =
                                                    "tcp://127.0.0.1:7001",
                                                .caller = "stage-2",
                                                .max_calls = 4,
                                                .metrics = play->metrics,
                                                .timing = &timing};
    const struct snapshot_follower_options follower = {.name = "value",
                                                       .whole = on_whole,
                                                       .delta = on_delta,
                                                       .changed = on_changed,
                                                       .context = play};
    CHECK(rpc_channel_new(stage_loop(), &channel, &play->channel) == STATUS_OK);
    CHECK(snapshot_follower_new(stage_loop(), play->channel, &follower,
                                &play->follower) == STATUS_OK);
}

/* --- the road ------------------------------------------------------------- */

static void
message_end(struct message *message)
{
    buf_fini(&message->header);
    buf_fini(&message->body);
}

static void
on_sent(void *context, size_t socket, const struct stage_message *message,
        const Ss__FrameHeader *header)
{
    struct play *play = context;
    (void)header;
    if (play->under_way == ROAD_MAX)
        return;
    struct message *copy = &play->road[play->under_way++];
    copy->to_server = socket != play->server_socket;
    buf_init(&copy->header, 1 << 16);
    buf_init(&copy->body, 1 << 16);
    buf_put_slice(&copy->header, message->header);
    buf_put_slice(&copy->body, message->body);
}

/* The follower's: a publisher that was silent for too long is called by a new
 * one. */
static size_t
client_socket(const struct play *play)
{
    size_t socket = stage_sockets() - 1;
    while (socket > 0 &&
           (socket == play->server_socket || !stage_is_open(socket)))
        socket--;
    return socket;
}

static void
arrive(struct play *play, const struct message *message)
{
    size_t socket =
        message->to_server ? play->server_socket : client_socket(play);
    const struct stage_message arrived = {
        .route = message->to_server ? SLICE("f") : SLICE(""),
        .header = buf_slice(&message->header),
        .body = buf_slice(&message->body)};
    stage_deliver(socket, &arrived);
    stage_turn(socket, 1);
}

enum fate { FATE_ARRIVES, FATE_IS_LOST, FATE_COMES_TWICE, FATE_IS_SPOILT };

/* Off the road before it arrives: what arrives may send. */
static void
decide(struct play *play, size_t i, enum fate fate, struct slice *rest)
{
    if (i >= play->under_way)
        return;
    struct message message = play->road[i];
    play->under_way--;
    memmove(&play->road[i], &play->road[i + 1],
            (play->under_way - i) * sizeof message);
    if (fate == FATE_IS_SPOILT && message.body.len > 0) {
        size_t at = fuzz_choice(rest, message.body.len);
        message.body.data[at] =
            (char)(message.body.data[at] ^ (1 << fuzz_choice(rest, 8)));
    }
    if (fate != FATE_IS_LOST)
        arrive(play, &message);
    if (fate == FATE_COMES_TWICE)
        arrive(play, &message);
    message_end(&message);
}

/* The next answer to the follower says something else. */
static void
make_up(struct play *play, struct slice *rest)
{
    size_t i = 0;
    while (i < play->under_way &&
           (play->road[i].to_server || play->road[i].body.len == 0))
        i++;
    if (i == play->under_way)
        return;
    struct snapshot_version now = snapshot_publisher_version(play->publisher);
    size_t flags = fuzz_choice(rest, 64);
    Ss__SnapshotVersion at = SS__SNAPSHOT_VERSION__INIT;
    Ss__WatchReply reply = SS__WATCH_REPLY__INIT;
    struct slice text = fuzz_text(rest);
    char *bytes = fuzz_copy(text, false);
    ProtobufCBinaryData data = {.len = text.len, .data = (uint8_t *)bytes};
    at.epoch = flags & 1 ? 1 : now.epoch;
    at.sequence = flags & 2 ? 1000 : now.sequence;
    at.hash = flags & 4 ? 7 : now.hash;
    reply.at = &at;
    reply.has_whole = (flags & 8) != 0;
    reply.whole = data;
    reply.n_delta = flags & 16 ? 1 : 0;
    reply.delta = &data;
    reply.has_whole_bytes = reply.has_part_from = (flags & 32) != 0;
    reply.whole_bytes = fuzz_number(rest, 1);
    reply.part_from = fuzz_number(rest, 1);
    buf_reset(&play->road[i].body);
    char *packed = buf_reserve(&play->road[i].body,
                               protobuf_c_message_get_packed_size(&reply.base));
    CHECK(packed != NULL);
    buf_advance(&play->road[i].body,
                protobuf_c_message_pack(&reply.base, (uint8_t *)packed));
    free(bytes);
}

/* --- the play ------------------------------------------------------------- */

static void
publish(struct play *play, struct slice *rest, bool as_delta)
{
    uint8_t place = (uint8_t)fuzz_choice(rest, CELLS);
    uint8_t cell = (uint8_t)fuzz_number(rest, 1);
    const char delta[] = {(char)place, (char)cell};
    play->published.cells[place] = cell;
    uint64_t hash = hash_of(&play->published);
    if (as_delta)
        snapshot_publish_delta(play->publisher, slice_make(delta, 2), hash);
    else
        snapshot_publish_whole(play->publisher, hash);
}

static void
take_step(struct play *play, struct slice *rest)
{
    static const ms_dur times[] = {1, 50, 500, 6000};
    size_t step = fuzz_choice(rest, 16);
    if (step < 4)
        publish(play, rest, step < 3);
    else if (step < 8)
        decide(play, 0, FATE_ARRIVES, rest);
    else if (step < 12)
        decide(play, fuzz_choice(rest, ROAD_MAX), (enum fate)(step - 8), rest);
    else if (step == 12)
        make_up(play, rest);
    else if (step < 15)
        stage_pass(times[fuzz_choice(rest, ARRAY_LEN(times))]);
    else if (play->lives < LIVES_MAX) {
        stop_publisher(play);
        start_publisher(play);
    }
}

static bool
is_healed(const struct play *play)
{
    struct snapshot_version ours = snapshot_follower_version(play->follower);
    struct snapshot_version theirs =
        snapshot_publisher_version(play->publisher);
    /* The hash too: a spoilt number may be the next one by chance. */
    return ours.epoch == theirs.epoch && ours.sequence == theirs.sequence &&
           ours.hash == theirs.hash &&
           snapshot_follower_is_current(play->follower);
}

/* Everything arrives, in order, and time passes. */
static void
heal(struct play *play)
{
    struct slice none = SLICE("");
    for (unsigned i = 0; !is_healed(play); i++) {
        CHECK(i < HEALS_MAX);
        for (unsigned k = 0; play->under_way > 0 && k < ROAD_MAX; k++)
            decide(play, 0, FATE_ARRIVES, &none);
        stage_turn(client_socket(play), 0);
        stage_pass(HEALS_MS);
    }
    CHECK(memcmp(&play->held, &play->published, sizeof play->held) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct metrics *metrics;
    struct slice rest = fuzz_slice(data, size);
    if (metrics == NULL) {
        metrics = metrics_new();
        log_start("stage", LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
    }
    struct play play = {.metrics = metrics};
    stage_open(on_sent, &play);
    start_publisher(&play);
    start_follower(&play);
    stage_turn(client_socket(&play), 0);
    for (unsigned i = 0; i < STEPS_MAX && rest.len > 0; i++)
        take_step(&play, &rest);
    heal(&play);
    snapshot_follower_free(&play.follower);
    rpc_channel_free(&play.channel);
    stop_publisher(&play);
    for (size_t i = 0; i < play.under_way; i++)
        message_end(&play.road[i]);
    stage_close();
    return 0;
}
