/* ss.Ingest over real RPC, with the bundled catalog and fetching off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "services/ingestd/ingest_service.h"
#include "tests/support/rpc_stand.h"

#include <stdio.h>
#include <unistd.h>

struct world {
    struct rpc_stand stand;
    struct rpc_server *server;
    struct rpc_channel *channel;
    struct catalog_keeper *keeper;
    struct refresher *refresher;
    struct ingest_service service;
    char disk_path[128];
    /* The last answer. */
    bool answered;
    enum status status;
    size_t sources;
    uint32_t models;
    char lmarena[16], reason[32];
};

static int
set_up(void **state)
{
    static struct world world;
    struct rpc_server_options server = {.instance = "ingestd-1",
                                        .max_calls = 16};
    struct rpc_channel_options channel = {.caller = "test", .max_calls = 16};
    struct catalog_keeper_options keeper = {.data_folder =
                                                SS_SOURCE_DIR "/data"};
    struct refresher_options refresher = {.interval = 3600000, .retry = 600000};

    rpc_stand_folder(&world.stand);
    rpc_stand_open(&world.stand);
    (void)snprintf(world.disk_path, sizeof(world.disk_path), "%s/catalog.bin",
                   world.stand.folder);
    server.endpoint = rpc_stand_endpoint(&world.stand, "ingestd");
    channel.target = server.endpoint;
    server.metrics = channel.metrics = keeper.metrics = world.stand.metrics;
    server.zmq = channel.zmq = world.stand.zmq;
    keeper.loop = refresher.loop = world.stand.loop;
    keeper.disk_path = world.disk_path;
    if (rpc_server_new(world.stand.loop, &server, &world.server) != STATUS_OK)
        return -1;
    keeper.server = world.server;
    if (catalog_keeper_new(&keeper, &world.keeper) != STATUS_OK)
        return -1;
    refresher.keeper = world.keeper;
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        refresher.sources[s] =
            (struct source_fetch_options){.source = (enum source)s,
                                          .url = "none",
                                          .api_key = "",
                                          .max_bytes = 1000,
                                          .timeout = 1000};
    if (refresher_new(&refresher, &world.refresher) != STATUS_OK)
        return -1;
    ingest_service_init(&world.service,
                        &(struct ingest_parts){.keeper = world.keeper,
                                               .refresher = world.refresher},
                        world.server);
    *state = &world;
    return rpc_channel_new(world.stand.loop, &channel, &world.channel) ==
                   STATUS_OK
               ? 0
               : -1;
}

static int
tear_down(void **state)
{
    struct world *world = *state;

    rpc_channel_free(&world->channel);
    refresher_free(&world->refresher);
    catalog_keeper_free(&world->keeper);
    rpc_server_free(&world->server);
    (void)unlink(world->disk_path);
    rpc_stand_close(&world->stand);
    return 0;
}

static void
on_done(void *context, const struct rpc_result *result)
{
    struct world *world = context;
    const Ss__SourcesReply *reply =
        (const Ss__SourcesReply *)(const void *)result->reply;

    world->answered = true;
    world->status = result->status;
    (void)snprintf(world->reason, sizeof(world->reason), "%s", result->reason);
    for (size_t i = 0; reply != NULL && i < reply->n_sources; i++)
        if (strcmp(reply->sources[i]->key, "lmarena") == 0)
            (void)snprintf(world->lmarena, sizeof(world->lmarena), "%s",
                           reply->sources[i]->value->status);
    if (reply != NULL) {
        world->sources = reply->n_sources;
        world->models = reply->model_count;
    }
    loop_stop(world->stand.loop);
}

static void
call(struct world *world, const char *method, const ProtobufCMessage *request)
{
    const ProtobufCServiceDescriptor *service = &ss__ingest__descriptor;
    struct rpc_options options = {.timeout = 5000};
    unsigned number = 0;

    while (strcmp(service->methods[number].name, method) != 0)
        CHECK(++number < service->n_methods);
    world->answered = false;
    assert_int_equal(rpc_call_start(world->channel, service, number, request,
                                    &options, on_done, world, NULL),
                     STATUS_OK);
    assert_true(rpc_stand_run(&world->stand, &world->answered));
}

static void
sources_tells_what_is_known_of_each(void **state)
{
    struct world *world = *state;
    Ss__SourcesRequest request = SS__SOURCES_REQUEST__INIT;

    call(world, "Sources", &request.base);
    assert_int_equal(world->status, STATUS_OK);
    assert_int_equal(world->sources, SOURCE_COUNT);
    assert_string_equal(world->lmarena, "ok");
    assert_int_equal(world->models,
                     catalog_keeper_catalog(world->keeper)->count);
}

static void
a_refresh_says_why_it_cannot(void **state)
{
    struct world *world = *state;
    char bad[] = "astrology";
    char *names[] = {bad};
    Ss__RefreshRequest request = SS__REFRESH_REQUEST__INIT;

    call(world, "Refresh", &request.base);
    assert_int_equal(world->status, STATUS_FAILED_PRECONDITION);
    assert_string_equal(world->reason, "DISABLED");
    request.n_sources = 1;
    request.sources = names;
    call(world, "Refresh", &request.base);
    assert_int_equal(world->status, STATUS_INVALID_ARGUMENT);
    assert_string_equal(world->reason, "INVALID_PARAM");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_tells_what_is_known_of_each),
        cmocka_unit_test(a_refresh_says_why_it_cannot),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
