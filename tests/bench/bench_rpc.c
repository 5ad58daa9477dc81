/* RPC beside bare libzmq: echo of Health/Check over ipc at 1, 32 and 256
 * outstanding calls.
 * links: services_runtime
 *
 * Each side runs its server in a child process and its client here, with the
 * same messages: a request header and body, a reply header and body, all
 * packed and unpacked with protobuf-c. "bare" is a ROUTER and a DEALER with
 * zmq_poll and nothing else: no deadlines, checks, arenas, counters. Both run
 * in the same program, in turn, three times; the best of each counts. Prints
 * calls a second, the ratio, and the processor time of both ends for a call
 * (at 2 processors the ratio at 32 is unfair to the one that does more: see
 * that column). */
#include "core/base/check.h"
#include "services/runtime/log.h"
#include "services/runtime/loop.h"
#include "services/runtime/metrics.h"
#include "services/runtime/rpc_channel.h"
#include "services/runtime/rpc_frame.h"
#include "services/runtime/rpc_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define CALLS 60000
#define CALLS_AT_1 15000
#define ROUNDS 3
#define ENDPOINT_MAX 128

struct rate {
    double per_second, cpu_us;
};

static double
now_s(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
cpu_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static double
own_cpu_s(void)
{
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    return cpu_of(&usage);
}

static void
fill_reply(Ss__HealthReply *reply)
{
    static char process[] = "bench", instance[] = "bench-1", version[] = "1",
                detail[] = "a text that makes the reply about as long as that "
                           "of a pick with its reason, its score, its price "
                           "and what was known when it was made";
    reply->serving = true;
    reply->process = process;
    reply->instance = instance;
    reply->version = version;
    reply->detail = detail;
}

/* --- bare ----------------------------------------------------------------- */

static void
pack_into(zmq_msg_t *frame, const ProtobufCMessage *message)
{
    CHECK(zmq_msg_init_size(frame,
                            protobuf_c_message_get_packed_size(message)) == 0);
    (void)protobuf_c_message_pack(message, zmq_msg_data(frame));
}

static Ss__FrameHeader *
unpack_header(zmq_msg_t *frame)
{
    return ss__frame_header__unpack(NULL, zmq_msg_size(frame),
                                    zmq_msg_data(frame));
}

static void
bare_answer(void *router, zmq_msg_t *route)
{
    zmq_msg_t header, body;
    CHECK(zmq_msg_init(&header) == 0 && zmq_msg_init(&body) == 0);
    CHECK(zmq_msg_recv(&header, router, 0) >= 0);
    CHECK(zmq_msg_recv(&body, router, 0) >= 0);
    Ss__FrameHeader *in = unpack_header(&header);
    Ss__HealthRequest *request = ss__health_request__unpack(
        NULL, zmq_msg_size(&body), zmq_msg_data(&body));
    Ss__FrameHeader out = SS__FRAME_HEADER__INIT;
    Ss__HealthReply reply = SS__HEALTH_REPLY__INIT;
    out.kind = SS__FRAME_KIND__FRAME_REP;
    out.version = RPC_VERSION;
    out.call_id = in->call_id;
    out.has_status = true;
    fill_reply(&reply);
    (void)zmq_msg_close(&header);
    (void)zmq_msg_close(&body);
    pack_into(&header, &out.base);
    pack_into(&body, &reply.base);
    CHECK(zmq_msg_send(route, router, ZMQ_SNDMORE) >= 0);
    CHECK(zmq_msg_send(&header, router, ZMQ_SNDMORE) >= 0);
    CHECK(zmq_msg_send(&body, router, 0) >= 0);
    ss__frame_header__free_unpacked(in, NULL);
    ss__health_request__free_unpacked(request, NULL);
}

static void
bare_serve(void *zmq, const char *endpoint)
{
    void *router = zmq_socket(zmq, ZMQ_ROUTER);
    CHECK(router != NULL && zmq_bind(router, endpoint) == 0);
    for (;;) {
        zmq_pollitem_t item = {.socket = router, .events = ZMQ_POLLIN};
        (void)zmq_poll(&item, 1, -1);
        for (;;) {
            zmq_msg_t route;
            CHECK(zmq_msg_init(&route) == 0);
            if (zmq_msg_recv(&route, router, ZMQ_DONTWAIT) < 0)
                break;
            bare_answer(router, &route);
        }
    }
}

static void
bare_ask(void *dealer, uint64_t id)
{
    static char method[] = "ss.Health/Check", caller[] = "bench",
                trace[] = "00-0af7651916cd43dd8448eb211c80319c-"
                          "b7ad6b7169203331-01";
    Ss__FrameHeader out = SS__FRAME_HEADER__INIT;
    Ss__HealthRequest request = SS__HEALTH_REQUEST__INIT;
    zmq_msg_t header, body;
    out.kind = SS__FRAME_KIND__FRAME_REQ;
    out.version = RPC_VERSION;
    out.call_id = id;
    out.method = method;
    out.caller = caller;
    out.traceparent = trace;
    out.has_timeout_ms = true;
    out.timeout_ms = 5000;
    pack_into(&header, &out.base);
    pack_into(&body, &request.base);
    CHECK(zmq_msg_send(&header, dealer, ZMQ_SNDMORE) >= 0);
    CHECK(zmq_msg_send(&body, dealer, 0) >= 0);
}

static bool
bare_take(void *dealer)
{
    zmq_msg_t header, body;
    CHECK(zmq_msg_init(&header) == 0 && zmq_msg_init(&body) == 0);
    if (zmq_msg_recv(&header, dealer, ZMQ_DONTWAIT) < 0)
        return false;
    CHECK(zmq_msg_recv(&body, dealer, 0) >= 0);
    Ss__FrameHeader *in = unpack_header(&header);
    Ss__HealthReply *reply = ss__health_reply__unpack(NULL, zmq_msg_size(&body),
                                                      zmq_msg_data(&body));
    CHECK(in != NULL && reply != NULL);
    ss__frame_header__free_unpacked(in, NULL);
    ss__health_reply__free_unpacked(reply, NULL);
    (void)zmq_msg_close(&header);
    (void)zmq_msg_close(&body);
    return true;
}

static void
bare_client(void *zmq, const char *endpoint, unsigned outstanding,
            unsigned calls)
{
    void *dealer = zmq_socket(zmq, ZMQ_DEALER);
    unsigned asked = 0, answered = 0;
    CHECK(dealer != NULL && zmq_connect(dealer, endpoint) == 0);
    while (asked < outstanding)
        bare_ask(dealer, ++asked);
    while (answered < calls) {
        zmq_pollitem_t item = {.socket = dealer, .events = ZMQ_POLLIN};
        (void)zmq_poll(&item, 1, -1);
        while (bare_take(dealer)) {
            answered++;
            if (asked < calls)
                bare_ask(dealer, ++asked);
        }
    }
    CHECK(zmq_close(dealer) == 0);
}

/* --- ours ----------------------------------------------------------------- */

static void
on_check(Ss__Health_Service *service, const Ss__HealthRequest *request,
         Ss__HealthReply_Closure done, void *data)
{
    (void)service;
    (void)request;
    Ss__HealthReply reply = SS__HEALTH_REPLY__INIT;
    fill_reply(&reply);
    done(&reply, data);
}

static void
rpc_serve(void *zmq, const char *endpoint)
{
    Ss__Health_Service service = SS__HEALTH__INIT(on_);
    struct loop *loop = loop_new();
    struct rpc_server *server;
    const struct rpc_server_options options = {.endpoint = endpoint,
                                               .instance = "bench-1",
                                               .max_calls = 4096,
                                               .metrics = metrics_new(),
                                               .zmq = zmq};
    CHECK(loop != NULL);
    CHECK(rpc_server_new(loop, &options, &server) == STATUS_OK);
    rpc_server_add(server, &service.base);
    loop_run(loop);
}

struct asker {
    struct loop *loop;
    struct rpc_channel *channel;
    unsigned asked, answered, calls;
};

static void on_answered(void *context, const struct rpc_result *result);

static void
rpc_ask(struct asker *asker)
{
    Ss__HealthRequest request = SS__HEALTH_REQUEST__INIT;
    const struct rpc_options options = {.timeout = 5000, .idempotent = true};
    asker->asked++;
    CHECK(rpc_call_start(asker->channel, &ss__health__descriptor, 0,
                         &request.base, &options, on_answered, asker,
                         NULL) == STATUS_OK);
}

static void
on_answered(void *context, const struct rpc_result *result)
{
    struct asker *asker = context;
    CHECK(result->status == STATUS_OK);
    asker->answered++;
    if (asker->asked < asker->calls)
        rpc_ask(asker);
    else if (asker->answered == asker->calls)
        loop_stop(asker->loop);
}

static void
rpc_client(void *zmq, const char *endpoint, unsigned outstanding,
           unsigned calls)
{
    struct metrics *metrics = metrics_new();
    struct asker asker = {.loop = loop_new(), .calls = calls};
    const struct rpc_channel_options options = {.target = endpoint,
                                                .caller = "bench",
                                                .max_calls = 4096,
                                                .metrics = metrics,
                                                .zmq = zmq};
    CHECK(asker.loop != NULL);
    CHECK(rpc_channel_new(asker.loop, &options, &asker.channel) == STATUS_OK);
    while (asker.asked < outstanding)
        rpc_ask(&asker);
    loop_run(asker.loop);
    rpc_channel_free(&asker.channel);
    loop_free(&asker.loop);
    metrics_free(&metrics);
}

/* --- measuring ------------------------------------------------------------ */

struct contender {
    const char *name;
    void (*serve)(void *zmq, const char *endpoint);
    void (*client)(void *zmq, const char *endpoint, unsigned outstanding,
                   unsigned calls);
};

static struct rate
measure(const struct contender *contender, const char *folder,
        unsigned outstanding)
{
    unsigned calls = outstanding == 1 ? CALLS_AT_1 : CALLS;
    char endpoint[ENDPOINT_MAX];
    struct rusage usage;
    (void)snprintf(endpoint, sizeof endpoint, "ipc://%s/%s", folder,
                   contender->name);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        contender->serve(zmq_ctx_new(), endpoint);
        _exit(1);
    }
    void *zmq = zmq_ctx_new();
    contender->client(zmq, endpoint, outstanding, calls / 10); /* warm up */
    double cpu = own_cpu_s(), start = now_s();
    contender->client(zmq, endpoint, outstanding, calls);
    double took = now_s() - start;
    cpu = own_cpu_s() - cpu;
    CHECK(zmq_ctx_term(zmq) == 0);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(wait4(child, NULL, 0, &usage) == child);
    (void)unlink(endpoint + strlen("ipc://"));
    /* The server's warm-up is a tenth more. */
    cpu += cpu_of(&usage) / 1.1;
    return (struct rate){.per_second = calls / took,
                         .cpu_us = cpu / calls * 1e6};
}

static void
compare(const struct contender contenders[2], const char *folder,
        unsigned outstanding)
{
    struct rate best[2] = {{0}};
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 2; i++) {
            struct rate rate = measure(&contenders[i], folder, outstanding);
            if (rate.per_second > best[i].per_second)
                best[i] = rate;
        }
    }
    printf("%11u  %9.0f  %9.0f  %5.2f  %8.1f  %8.1f  %5.2f\n", outstanding,
           best[0].per_second, best[1].per_second,
           best[1].per_second / best[0].per_second, best[0].cpu_us,
           best[1].cpu_us, best[1].cpu_us / best[0].cpu_us);
}

int
main(void)
{
    const struct contender contenders[2] = {{"bare", bare_serve, bare_client},
                                            {"rpc", rpc_serve, rpc_client}};
    static const unsigned outstanding[] = {1, 32, 256};
    char folder[] = "/tmp/ss-bench-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    log_start("bench", LOG_ERROR, STDERR_FILENO);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    printf("Health/Check over ipc; cpu: microseconds a call, both ends\n"
           "outstanding     bare/s      rpc/s  ratio  bare cpu   rpc cpu  "
           "ratio\n");
    for (size_t i = 0; i < ARRAY_LEN(outstanding); i++)
        compare(contenders, folder, outstanding[i]);
    CHECK(rmdir(folder) == 0);
    return 0;
}
