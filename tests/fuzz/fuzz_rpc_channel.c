/* The calling side of RPC against any servers: every call ends exactly once
 * and in time, however its endpoints behave; a reply is a message of its
 * method or none; only a call that may be repeated is sent twice.
 * links: services_runtime
 * stage: rpc
 * options: -max_len=384
 * The input is a row of steps: calls and cancels, messages of two servers
 * (well-formed ones or any bytes), rounds, time, a peer that takes nothing. */
#include "core/base/text.h"
#include "services/runtime/log.h"
#include "services/runtime/rpc_channel.h"
#include "services/runtime/rpc_frame.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/stage_rpc.h"

#include "ingest.pb-c.h"

#include <fcntl.h>
#include <stdio.h>

#define STEPS_MAX 32
#define CALLS_MAX 16    /* that are ever made */
#define AT_ONCE_MAX 6   /* of the channel */
#define SENDS_MAX 64    /* whose ids are remembered */
#define LONGEST_MS 2000 /* of a call */

struct made_call {
    struct rpc_pending *pending;
    bool started, done, cancelled, idempotent;
    unsigned sends;
    ms_time due;
};

struct play {
    struct rpc_channel *channel;
    struct made_call calls[CALLS_MAX];
    size_t call_count;
    uint64_t sent_ids[SENDS_MAX];
    size_t sent_socket[SENDS_MAX];
    size_t sent_count;
    bool writable;
};

/* --- what the channel sends ----------------------------------------------- */

static void
on_request(struct play *play, size_t socket, const Ss__FrameHeader *header)
{
    /* The idempotency key names the call. */
    size_t number = (size_t)header->idempotency_key[0] - 'a';
    CHECK(number < play->call_count);
    struct made_call *call = &play->calls[number];
    CHECK(!call->done && !call->cancelled);
    CHECK(++call->sends <= (call->idempotent ? 2U : 1U));
    CHECK(header->has_timeout_ms && header->timeout_ms > 0);
    CHECK((ms_time)header->timeout_ms <= call->due - loop_now(stage_loop()) ||
          header->timeout_ms == 1);
    if (play->sent_count == SENDS_MAX)
        return;
    play->sent_ids[play->sent_count] = header->call_id;
    play->sent_socket[play->sent_count++] = socket;
}

static void
on_sent(void *context, size_t socket, const struct stage_message *message,
        const Ss__FrameHeader *header)
{
    struct play *play = context;
    switch (header->kind) {
    case SS__FRAME_KIND__FRAME_REQ:
        on_request(play, socket, header);
        return;
    case SS__FRAME_KIND__FRAME_CANCEL:
    case SS__FRAME_KIND__FRAME_PING:
        CHECK(message->body.len == 0);
        return;
    case SS__FRAME_KIND__FRAME_REP:
    case SS__FRAME_KIND__FRAME_PONG:
    case SS__FRAME_KIND__FRAME_GOAWAY:
    case _SS__FRAME_KIND_IS_INT_SIZE:
    default:
        CHECK(header->kind == SS__FRAME_KIND__FRAME_REQ); /* none of these */
    }
}

/* --- calls ---------------------------------------------------------------- */

static void
on_done(void *context, const struct rpc_result *result)
{
    struct made_call *call = context;
    CHECK(call->started && !call->done && !call->cancelled);
    call->done = true;
    call->pending = NULL;
    CHECK((result->status == STATUS_OK) == (result->reply != NULL));
    CHECK(result->message != NULL && result->reason != NULL);
    CHECK(result->served_by != NULL && result->retry_after >= 0);
    CHECK(text_is_utf8(slice_of(result->message)));
    CHECK(status_text(result->status)[0] != '\0');
    if (result->reply != NULL) {
        CHECK(result->reply->descriptor == &ss__sources_reply__descriptor);
        CHECK(protobuf_c_message_check(result->reply));
    }
}

static void
start_call(struct play *play, struct slice *rest)
{
    static const ms_dur timeouts[] = {1, 50, 500, LONGEST_MS};
    Ss__SourcesRequest request = SS__SOURCES_REQUEST__INIT;
    if (play->call_count == CALLS_MAX)
        return;
    char key[] = {(char)('a' + play->call_count), '\0'};
    struct made_call *call = &play->calls[play->call_count++];
    size_t flags = fuzz_choice(rest, 16);
    char *tenant = flags & 4 ? fuzz_copy(fuzz_text(rest), true) : NULL;
    struct rpc_options options = {
        .timeout = timeouts[fuzz_choice(rest, ARRAY_LEN(timeouts))],
        .idempotent = (flags & 1) != 0,
        .sticky = (flags & 2) != 0,
        .tenant = tenant,
        .idempotency_key = key};
    call->idempotent = options.idempotent;
    call->due = loop_now(stage_loop()) + options.timeout;
    call->started = true;
    enum status status =
        rpc_call_start(play->channel, &ss__ingest__descriptor, 0, &request.base,
                       &options, on_done, call, &call->pending);
    CHECK(!call->done); /* never from inside */
    if (status != STATUS_OK) {
        CHECK(status == STATUS_RESOURCE_EXHAUSTED ||
              (status == STATUS_INVALID_ARGUMENT && tenant != NULL));
        call->started = false;
    }
    free(tenant);
}

static void
cancel_call(struct play *play, struct slice *rest)
{
    struct made_call *call = &play->calls[fuzz_choice(rest, CALLS_MAX)];
    if (!call->started || call->done || call->cancelled)
        return;
    rpc_call_cancel(&call->pending);
    CHECK(call->pending == NULL);
    call->cancelled = true;
}

/* --- what servers send ---------------------------------------------------- */

static void
pack_header(struct play *play, struct slice *rest, size_t *ret_socket,
            struct buf *out)
{
    static char broken[] = "caf\xe9";
    Ss__FrameHeader header = SS__FRAME_HEADER__INIT;
    header.kind = (Ss__FrameKind)fuzz_choice(rest, 8);
    header.version = RPC_VERSION;
    size_t sent = fuzz_choice(rest, SENDS_MAX);
    if (sent < play->sent_count) {
        header.call_id = play->sent_ids[sent];
        *ret_socket = play->sent_socket[sent];
    }
    size_t flags = fuzz_choice(rest, 64);
    header.has_status = (flags & 1) != 0;
    header.status = (uint32_t)fuzz_number(rest, 1) - (flags & 32);
    header.has_retry_after_ms = (flags & 2) != 0;
    header.retry_after_ms = UINT32_MAX;
    header.has_boot_epoch = (flags & 4) != 0;
    header.has_load = (flags & 8) != 0;
    header.load = UINT32_MAX;
    header.message = (flags & 48) == 48 ? broken : NULL;
    size_t size = protobuf_c_message_get_packed_size(&header.base);
    char *packed = buf_reserve(out, size);
    CHECK(packed != NULL);
    buf_advance(out, protobuf_c_message_pack(&header.base, (uint8_t *)packed));
}

/* From the socket that a call was sent over, or from another one. */
static void
deliver(struct play *play, struct slice *rest, bool raw)
{
    struct stage_message message = {.route = SLICE("")};
    size_t socket = fuzz_choice(rest, 4), own = socket;
    struct buf header;
    buf_init(&header, RPC_HEADER_MAX);
    if (raw) {
        message.header = fuzz_text(rest);
    } else {
        pack_header(play, rest, &own, &header);
        message.header = buf_slice(&header);
    }
    message.body = fuzz_text(rest);
    stage_deliver(fuzz_choice(rest, 8) == 7 ? socket : own, &message);
    buf_fini(&header);
}

/* --- the play ------------------------------------------------------------- */

/* Both endpoints connect and answer the first PING. */
static void
bring_up(size_t first, size_t count)
{
    Ss__FrameHeader header = SS__FRAME_HEADER__INIT;
    uint8_t packed[64];
    header.kind = SS__FRAME_KIND__FRAME_PONG;
    header.version = RPC_VERSION;
    size_t len = protobuf_c_message_pack(&header.base, packed);
    const struct stage_message pong = {
        .header = slice_make((const char *)packed, len)};
    for (size_t i = first; i < first + count; i++) {
        stage_turn(i, 0);
        stage_deliver(i, &pong);
        stage_turn(i, 1);
    }
}

static void
take_step(struct play *play, struct slice *rest)
{
    static const ms_dur times[] = {0, 1, 49, 1000, 2000, 5000, 11000};
    size_t step = fuzz_choice(rest, 16);
    size_t sockets = stage_sockets();
    if (step < 4)
        start_call(play, rest);
    else if (step == 4)
        cancel_call(play, rest);
    else if (step < 9)
        deliver(play, rest, false);
    else if (step == 9)
        deliver(play, rest, true);
    else if (step == 10)
        stage_garble(fuzz_choice(rest, 4));
    else if (step == 11)
        stage_turn(sockets - 1 - fuzz_choice(rest, 2), fuzz_choice(rest, 2));
    else if (step == 12)
        stage_pass(times[fuzz_choice(rest, ARRAY_LEN(times))]);
    else if (step == 13)
        stage_stand_still(times[fuzz_choice(rest, ARRAY_LEN(times))]);
    else if (step == 14)
        stage_set_writable(play->writable = !play->writable);
    else
        bring_up(sockets - 2, 2);
}

static void
raise_curtain(struct play *play, bool up)
{
    static struct metrics *metrics;
    if (metrics == NULL) {
        metrics = metrics_new();
        log_start("stage", LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
    }
    struct timing timing = timing_default();
    timing.ping_every = 1000; /* fewer, so that more is tried in a second */
    timing.silence = 2500;
    const struct rpc_channel_options options = {
        .target = "ipc:///one.sock, tcp://127.0.0.1:7002",
        .caller = "stage-1",
        .max_calls = AT_ONCE_MAX,
        .metrics = metrics,
        .timing = &timing};
    *play = (struct play){.writable = true};
    stage_open(on_sent, play);
    CHECK(rpc_channel_new(stage_loop(), &options, &play->channel) == STATUS_OK);
    CHECK(stage_sockets() == 2 && !rpc_channel_is_up(play->channel));
    if (!up)
        return;
    bring_up(0, 2);
    CHECK(rpc_channel_is_up(play->channel));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct play play;
    struct slice rest = fuzz_slice(data, size);
    bool frees_early = fuzz_choice(&rest, 4) == 3;
    raise_curtain(&play, fuzz_choice(&rest, 4) != 3);
    for (unsigned i = 0; i < STEPS_MAX && rest.len > 0; i++)
        take_step(&play, &rest);
    if (!frees_early)
        stage_pass(LONGEST_MS); /* all are due */
    for (size_t i = 0; !frees_early && i < play.call_count; i++)
        CHECK(!play.calls[i].started || play.calls[i].done ||
              play.calls[i].cancelled);
    rpc_channel_free(&play.channel);
    for (size_t i = 0; i < play.call_count; i++)
        CHECK(!play.calls[i].started || play.calls[i].done ||
              play.calls[i].cancelled);
    stage_close();
    return 0;
}
