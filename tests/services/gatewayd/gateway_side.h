/* A gateway in the test program: it and the services behind it run on one loop
 * in a thread of their own, the test is the client. Included by one test
 * program each. */
#ifndef TESTS_SERVICES_GATEWAYD_GATEWAY_SIDE_H
#define TESTS_SERVICES_GATEWAYD_GATEWAY_SIDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/types/tenants.h"
#include "proto/tenants_codec.h"
#include "services/gatewayd/gateway.h"
#include "services/runtime/log.h"
#include "services/runtime/rpc_server.h"
#include "services/runtime/secret.h"
#include "services/runtime/snapshot.h"
#include "tests/support/http_peer.h"
#include "tests/support/services_stand.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define ANSWER_MAX (4 << 20)
#define READY_TRIES 100000
#define CALL_TIMEOUT_MS 400 /* of the gateway under test */

#define SIDE_KEYS_MAX 8

/* --- the server side --- */

/* A key as the snapshot has it, by the text that a client would send. */
struct side_key {
    const char *text, *id, *tenant;
    bool revoked;
};

static struct {
    /* To be set before set_up: */
    struct gateway_options wishes; /* what differs from the usual */
    bool keys_unknown;             /* nothing is published at first */
    void (*before_run)(void);      /* called when all stands; may be NULL */
    /* To be set before order('p'), and before set_up: */
    struct side_key keys[SIDE_KEYS_MAX];
    size_t key_count;

    char folder[64], endpoint[128];
    struct loop *loop;
    void *zmq;
    struct metrics *metrics;
    struct rpc_server *server;
    struct rpc_channel *channel;
    struct gateway *gateway;
    struct keyring *keyring;
    struct snapshot_publisher *publisher;
    struct loop_watch *watch;
    int control[2]; /* a byte written here is an order */
    pthread_t thread;
    int port;
    atomic_bool drained;
} side;

static int
side_key_cmp(const void *a, const void *b)
{
    return tenant_key_cmp(a, b);
}

/* The snapshot of side.keys. */
static enum status
encode_keys(void *context, struct buf *out)
{
    struct tenant_key keys[SIDE_KEYS_MAX] = {0};
    struct tenants tenants = {.keys = keys, .key_count = side.key_count};

    (void)context;
    for (size_t i = 0; i < side.key_count; i++) {
        secret_hash(slice_of(side.keys[i].text), keys[i].hash);
        keys[i].id = slice_of(side.keys[i].id);
        keys[i].tenant = slice_of(side.keys[i].tenant);
        keys[i].revoked = side.keys[i].revoked;
    }
    qsort(keys, side.key_count, sizeof(*keys), side_key_cmp);
    return tenants_encode(&tenants, out);
}

static void
publish_keys(void)
{
    struct tenants *tenants;
    struct buf bytes;

    buf_init(&bytes, 1 << 16);
    CHECK(encode_keys(NULL, &bytes) == STATUS_OK);
    CHECK(tenants_decode(buf_slice(&bytes), &tenants) == STATUS_OK);
    snapshot_publish_whole(side.publisher, tenants_hash(tenants));
    tenants_free(&tenants);
    buf_fini(&bytes);
}

static void
on_drained(void *context)
{
    (void)context;
    atomic_store(&side.drained, true);
}

/* 'd' drains the gateway, 'p' publishes the keys, 's' stops the loop. */
static void
on_order(void *context, bool readable, bool writable)
{
    char order;

    (void)context;
    (void)readable;
    (void)writable;
    if (read(side.control[0], &order, 1) != 1)
        return;
    if (order == 'd')
        gateway_drain(side.gateway, on_drained, NULL);
    else if (order == 'p')
        publish_keys();
    else
        loop_stop(side.loop);
}

static void *
run_loop(void *context)
{
    (void)context;
    loop_run(side.loop);
    return NULL;
}

static void
start_services(void)
{
    struct rpc_server_options options = {.endpoint = side.endpoint,
                                         .instance = "behind-1",
                                         .max_calls = 64,
                                         .metrics = side.metrics,
                                         .zmq = side.zmq};

    CHECK(rpc_server_new(side.loop, &options, &side.server) == STATUS_OK);
    services_stand_start(side.loop, side.server);
    CHECK(snapshot_publisher_new(side.server, "tenants", encode_keys, NULL,
                                 &side.publisher) == STATUS_OK);
    if (!side.keys_unknown)
        publish_keys();
}

/* What the test wishes, else the usual. */
#define SIDE_WISH(field, usual)                                                \
    (side.wishes.field ? side.wishes.field : (usual))

static struct gateway_options
side_options(void)
{
    const struct gateway_options options = {
        .http = {.addresses = SIDE_WISH(http.addresses, "127.0.0.1"),
                 .port = 0,
                 .max_head = 16 << 10,
                 .max_body = 1 << 20,
                 .max_connections = SIDE_WISH(http.max_connections, 64),
                 .max_per_address = side.wishes.http.max_per_address,
                 .max_buffered = SIDE_WISH(http.max_buffered, 64 << 20),
                 .idle_timeout = SIDE_WISH(http.idle_timeout, 60000),
                 .receive_timeout = 500,
                 .send_timeout = SIDE_WISH(http.send_timeout, 60000)},
        .hosts = "spawn.example.org",
        .trusted_proxies = SIDE_WISH(trusted_proxies, "127.0.0.1"),
        .refresh_key = SIDE_WISH(refresh_key, ""),
        .write_open = side.wishes.write_open,
        .spend_enabled = side.wishes.spend_enabled,
        .exec_enabled = side.wishes.exec_enabled,
        .keyring = side.keyring,
        .per_minute = SIDE_WISH(per_minute, 0),
        .refreshes_per_hour = 2,
        .call_timeout = CALL_TIMEOUT_MS,
        .metrics = side.metrics,
    };

    return options;
}

static void
start_keyring(void)
{
    const struct keyring_options options = {.loop = side.loop,
                                            .feedback = side.channel,
                                            .home = side.folder,
                                            .instance = "gatewayd-1"};

    CHECK(keyring_new(&options, &side.keyring) == STATUS_OK);
}

static void
start_gateway(void)
{
    struct rpc_channel_options channel = {.target = side.endpoint,
                                          .caller = "gatewayd-1",
                                          .max_calls = 64,
                                          .metrics = side.metrics,
                                          .zmq = side.zmq};
    struct gateway_options options;
    const char *const targets[] = {"router", "feedback", "ingest"};

    CHECK(rpc_channel_new(side.loop, &channel, &side.channel) == STATUS_OK);
    start_keyring();
    options = side_options();
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        options.channels[options.channel_count++] =
            (struct gateway_channel){targets[i], side.channel};
    CHECK(gateway_new(side.loop, &options, &side.gateway) == STATUS_OK);
    side.port = gateway_port(side.gateway);
}

static int
set_up(void **state)
{
    (void)state;
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR); /* as daemons do */
    log_start("test", LOG_ERROR, 2);
    (void)snprintf(side.folder, sizeof(side.folder), "/tmp/ss-gateway-XXXXXX");
    CHECK(mkdtemp(side.folder));
    (void)snprintf(side.endpoint, sizeof(side.endpoint), "ipc://%s/behind.sock",
                   side.folder);
    side.loop = loop_new();
    side.zmq = zmq_ctx_new();
    side.metrics = metrics_new();
    CHECK(side.loop && side.zmq && side.metrics);
    CHECK(pipe2(side.control, O_CLOEXEC) == 0);
    start_services();
    start_gateway();
    CHECK(loop_watch_new(side.loop, side.control[0], true, false, on_order,
                         NULL, &side.watch) == STATUS_OK);
    if (side.before_run)
        side.before_run();
    CHECK(pthread_create(&side.thread, NULL, run_loop, NULL) == 0);
    return 0;
}

static void
order(char what)
{
    CHECK(write(side.control[1], &what, 1) == 1);
}

static void
remove_file(const char *name)
{
    char path[192];

    (void)snprintf(path, sizeof(path), "%s/%s", side.folder, name);
    (void)unlink(path);
    (void)rmdir(path);
}

static int
tear_down(void **state)
{
    (void)state;
    order('s');
    CHECK(pthread_join(side.thread, NULL) == 0);
    gateway_free(&side.gateway);
    keyring_free(&side.keyring);
    rpc_channel_free(&side.channel);
    services_stand_stop();
    snapshot_publisher_free(&side.publisher);
    loop_watch_free(&side.watch);
    rpc_server_free(&side.server);
    metrics_free(&side.metrics);
    loop_free(&side.loop);
    (void)zmq_ctx_term(side.zmq);
    (void)close(side.control[0]);
    (void)close(side.control[1]);
    remove_file("behind.sock");
    remove_file("token");
    remove_file("snapshots/tenants-gatewayd-1.snap");
    remove_file("snapshots");
    return rmdir(side.folder);
}

/* --- the client side --- */

/* Somebody on this machine, who has a rate limit of his own. */
#define LOCAL "X-Forwarded-For: 127.1.1.1\r\n"

static struct http_answer
ask(const char *method, const char *target, const char *headers,
    const char *body)
{
    return http_peer_ask(side.port, method, target, headers, body);
}

static struct http_answer
get(const char *target)
{
    return ask("GET", target, "", NULL);
}

static void
wait_until_ready(void)
{
    for (int i = 0; i < READY_TRIES; i++) {
        struct http_answer answer = ask("GET", "/readyz", "", NULL);
        int status = answer.status;

        free(answer.text);
        if (status == 200)
            return;
    }
    fail_msg("the gateway never became ready");
}

static void
expect(struct http_answer answer, int status, const char *part)
{
    if (answer.status != status || !strstr(answer.text, part))
        fail_msg("expected %d with %s, got:\n%.1500s", status, part,
                 answer.text);
    free(answer.text);
}

#endif
