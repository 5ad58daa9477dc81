/* The serving side of RPC against any peers: whatever comes in whatever order,
 * nothing is answered that was not asked, nothing twice, PING always, and no
 * call is lost without a reason.
 * links: services_runtime
 * stage: rpc
 * options: -max_len=384
 * The input is a row of steps: messages of several peers (well-formed ones or
 * any bytes), rounds, time, answers of handlers, a drain. */
#include "services/runtime/log.h"
#include "services/runtime/rpc_call.h"
#include "services/runtime/rpc_frame.h"
#include "services/runtime/rpc_server.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/stage_rpc.h"

#include "ingest.pb-c.h"

#include <fcntl.h>

#define STEPS_MAX 40
#define ROUTES 3
#define IDS 4
#define HELD_MAX 64
#define CALLS_MAX 8 /* of the server, so that it is soon full */

/* A call that no handler has answered yet, and what answers it. */
struct held {
    void *call;
    Ss__SourcesReply_Closure sources;
    Ss__HealthReply_Closure health;
};

struct play {
    Ss__Ingest_Service ingest; /* first: handlers get its address */
    Ss__Health_Service health;
    struct rpc_server *server;
    struct held held[HELD_MAX];
    size_t held_count;
    size_t asked[ROUTES][IDS], answered[ROUTES][IDS];
    size_t alive; /* PONG or GOAWAY sent */
    bool writable, draining, drained;
};

static struct play *
the_play(void)
{
    static struct play play;
    return &play;
}

/* --- what the server sends ------------------------------------------------ */

static void
on_sent(void *context, size_t socket, const struct stage_message *message,
        const Ss__FrameHeader *header)
{
    struct play *play = context;
    CHECK(socket == 0 && message->route.len == 1);
    size_t route = (size_t)message->route.ptr[0] - '0';
    CHECK(route < ROUTES && header->has_boot_epoch && header->has_load);
    CHECK(strcmp(header->served_by, "stage-1") == 0);
    if (header->kind != SS__FRAME_KIND__FRAME_REP) {
        CHECK(header->kind == (play->draining ? SS__FRAME_KIND__FRAME_GOAWAY
                                              : SS__FRAME_KIND__FRAME_PONG));
        CHECK(message->body.len == 0);
        play->alive++;
        return;
    }
    CHECK(header->has_status && header->status <= STATUS_UNAUTHENTICATED);
    CHECK(header->status == 0 || message->body.len == 0);
    CHECK(header->status == 0 || header->message != NULL);
    if (header->call_id < IDS) {
        play->answered[route][header->call_id]++;
        CHECK(play->answered[route][header->call_id] <=
              play->asked[route][header->call_id]);
    }
}

/* --- handlers ------------------------------------------------------------- */

static void
hold(struct play *play, struct held held)
{
    CHECK(play->held_count < HELD_MAX);
    CHECK(rpc_tenant_is_valid(rpc_call_tenant(held.call)));
    play->held[play->held_count++] = held;
}

static void
on_sources(Ss__Ingest_Service *service, const Ss__SourcesRequest *input,
           Ss__SourcesReply_Closure done, void *call)
{
    (void)input;
    hold((struct play *)(void *)service,
         (struct held){.call = call, .sources = done});
}

/* The rest is refused at once. */
#define REFUSED(function, Request, Reply)                                      \
    static void function(Ss__Ingest_Service *service,                          \
                         const Ss__##Request *input,                           \
                         Ss__##Reply##_Closure done, void *call)               \
    {                                                                          \
        (void)service;                                                         \
        (void)input;                                                           \
        (void)done;                                                            \
        rpc_fail(call, STATUS_UNIMPLEMENTED, "", "not on this stage");         \
    }
REFUSED(on_report, ReportRequest, ReportReply)
REFUSED(on_match, MatchRequest, MatchReply)
REFUSED(on_versions, VersionsRequest, VersionsReply)
REFUSED(on_rollback, RollbackRequest, RollbackReply)
#undef REFUSED

/* Answered at once. */
static void
on_refresh(Ss__Ingest_Service *service, const Ss__RefreshRequest *input,
           Ss__RefreshReply_Closure done, void *call)
{
    Ss__RefreshReply reply = SS__REFRESH_REPLY__INIT;
    (void)service;
    reply.started = input->n_sources % 2 == 0;
    if (input->n_sources % 3 == 2)
        rpc_fail_retry(call, STATUS_FAILED_PRECONDITION, "WHY",
                       input->sources[0], 7);
    else
        done(input->n_sources % 3 == 1 ? NULL : &reply, call);
}

static void
on_check(Ss__Health_Service *service, const Ss__HealthRequest *input,
         Ss__HealthReply_Closure done, void *call)
{
    (void)service;
    (void)input;
    hold(the_play(), (struct held){.call = call, .health = done});
}

static void
answer_held(struct play *play, struct slice *rest)
{
    if (play->held_count == 0)
        return;
    size_t i = fuzz_choice(rest, play->held_count);
    struct held held = play->held[i];
    play->held[i] = play->held[--play->held_count];
    if (fuzz_choice(rest, 3) == 0) {
        char *text = fuzz_copy(fuzz_text(rest), true);
        rpc_fail(held.call, STATUS_INVALID_ARGUMENT, text, text);
        free(text);
    } else if (held.sources != NULL) {
        Ss__SourcesReply reply = SS__SOURCES_REPLY__INIT;
        held.sources(&reply, held.call);
    } else {
        Ss__HealthReply reply = SS__HEALTH_REPLY__INIT;
        reply.serving = true;
        held.health(&reply, held.call);
    }
}

/* --- what peers send ------------------------------------------------------ */

/* A header that parses, mostly; false for one that cannot be packed. */
static void
pack_header(struct play *play, size_t route, struct slice *rest,
            struct buf *out)
{
    static char methods[][32] = {"ss.Ingest/Sources", "ss.Ingest/Refresh",
                                 "ss.Health/Check",   "ss.Ingest/Nothing",
                                 "ss.Nobody/Refresh", "Refresh"};
    static char tenants[][16] = {"", "team-a", "default", "no tenant"};
    static const uint32_t timeouts[] = {0, 1, 50, 1000, 700000, UINT32_MAX};
    Ss__FrameHeader header = SS__FRAME_HEADER__INIT;
    header.kind = (Ss__FrameKind)(fuzz_choice(rest, 8));
    header.version = fuzz_choice(rest, 16) == 15 ? 2 : RPC_VERSION;
    header.call_id = fuzz_choice(rest, IDS);
    size_t method = fuzz_choice(rest, ARRAY_LEN(methods));
    size_t tenant = fuzz_choice(rest, 2 * ARRAY_LEN(tenants));
    size_t timeout = fuzz_choice(rest, 2 * ARRAY_LEN(timeouts));
    header.method = methods[method];
    if (tenant < ARRAY_LEN(tenants))
        header.tenant = tenants[tenant];
    header.has_timeout_ms = timeout < ARRAY_LEN(timeouts);
    header.timeout_ms = header.has_timeout_ms ? timeouts[timeout] : 0;
    char *packed =
        buf_reserve(out, protobuf_c_message_get_packed_size(&header.base));
    CHECK(packed != NULL);
    buf_advance(out, protobuf_c_message_pack(&header.base, (uint8_t *)packed));
    if (rpc_frame_check(&header) != STATUS_OK)
        return;
    if (header.kind == SS__FRAME_KIND__FRAME_REQ)
        play->asked[route][header.call_id]++;
}

static void
deliver(struct play *play, struct slice *rest, bool raw)
{
    static const char names[ROUTES] = {'0', '1', '2'};
    size_t route = fuzz_choice(rest, ROUTES);
    struct stage_message message = {.route = slice_make(&names[route], 1)};
    struct buf header;
    buf_init(&header, RPC_HEADER_MAX);
    if (raw) {
        message.header = fuzz_text(rest);
        /* It may be anything, so anything may be answered. */
        for (size_t i = 0; i < IDS; i++)
            play->asked[route][i]++;
    } else {
        pack_header(play, route, rest, &header);
        message.header = buf_slice(&header);
    }
    message.body = fuzz_text(rest);
    size_t alive = play->alive;
    stage_deliver(0, &message);
    CHECK(play->alive <= alive + 1);
    buf_fini(&header);
}

/* A PING is answered however full or slow the server is. */
static void
check_alive(struct play *play)
{
    Ss__FrameHeader header = SS__FRAME_HEADER__INIT;
    uint8_t packed[64];
    header.kind = SS__FRAME_KIND__FRAME_PING;
    header.version = RPC_VERSION;
    size_t len = protobuf_c_message_pack(&header.base, packed);
    const struct stage_message ping = {
        .route = SLICE("0"), .header = slice_make((const char *)packed, len)};
    size_t before = play->alive;
    stage_deliver(0, &ping);
    CHECK(!play->writable || play->alive == before + 1);
}

/* --- the play ------------------------------------------------------------- */

static void
on_drained(void *context)
{
    struct play *play = context;
    CHECK(play->draining && !play->drained);
    CHECK(rpc_server_in_flight(play->server) == 0);
    play->drained = true;
}

static void
pass(struct slice *rest)
{
    static const ms_dur times[] = {0, 1, 49, 50, 1500, 5000, 600000};
    size_t choice = fuzz_choice(rest, 2 * ARRAY_LEN(times));
    if (choice < ARRAY_LEN(times))
        stage_pass(times[choice]);
    else
        stage_stand_still(times[choice - ARRAY_LEN(times)]);
}

static void
take_step(struct play *play, struct slice *rest)
{
    size_t step = fuzz_choice(rest, 16);
    if (step < 8)
        deliver(play, rest, false);
    else if (step == 8)
        deliver(play, rest, true);
    else if (step == 9)
        stage_garble(0);
    else if (step == 10 || step == 11)
        stage_turn(0, 1);
    else if (step == 12)
        answer_held(play, rest);
    else if (step == 13)
        pass(rest);
    else if (step == 14)
        stage_set_writable(play->writable = !play->writable);
    else if (fuzz_choice(rest, 4) == 0 && !play->draining) {
        play->draining = true;
        rpc_server_drain(play->server, on_drained, play);
    }
    CHECK(rpc_server_in_flight(play->server) <= CALLS_MAX + RPC_URGENT_PLACES);
    CHECK(rpc_server_in_flight(play->server) >= play->held_count);
}

static void
raise_curtain(struct play *play)
{
    static struct metrics *metrics;
    if (metrics == NULL) {
        metrics = metrics_new();
        log_start("stage", LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
    }
    const struct rpc_server_options options = {.endpoint =
                                                   "tcp://127.0.0.1:7001",
                                               .instance = "stage-1",
                                               .max_calls = CALLS_MAX,
                                               .metrics = metrics};
    *play = (struct play){.writable = true};
    static const Ss__Ingest_Service ingest = SS__INGEST__INIT(on_);
    static const Ss__Health_Service health = SS__HEALTH__INIT(on_);
    play->ingest = ingest;
    play->health = health;
    stage_open(on_sent, play);
    CHECK(rpc_server_new(stage_loop(), &options, &play->server) == STATUS_OK);
    rpc_server_add(play->server, &play->ingest.base);
    rpc_server_add(play->server, &play->health.base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play *play = the_play();
    struct slice rest = fuzz_slice(data, size);
    raise_curtain(play);
    for (unsigned i = 0; i < STEPS_MAX && rest.len > 0; i++)
        take_step(play, &rest);
    check_alive(play);
    /* All that waits runs; then everything ends. */
    stage_turn(0, 0);
    CHECK(rpc_server_in_flight(play->server) == play->held_count);
    while (play->held_count > 0)
        answer_held(play, &rest);
    CHECK(rpc_server_in_flight(play->server) == 0);
    stage_pass(1000);
    CHECK(play->drained == play->draining);
    rpc_server_free(&play->server);
    stage_close();
    return 0;
}
