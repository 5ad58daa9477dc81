/* A refresh from a server on loopback to the published catalog, and what is
 * served when sources fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/base/text.h"
#include "proto/catalog_codec.h"
#include "services/ingestd/refresher.h"
#include "services/runtime/home.h"
#include "tests/services/fetch/tiny_http.h"
#include "tests/support/rpc_stand.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

static const char models[] =
    "{\"data\":[{\"id\":\"acme/rocket-2\",\"name\":\"Acme: Rocket 2\","
    "\"pricing\":{\"prompt\":\"0.000001\",\"completion\":\"0.000002\"}}]}";
static const char arena_rows[] =
    "{\"num_rows_total\":1,\"rows\":[{\"row\":{\"model_name\":\"rocket-2\","
    "\"category\":\"overall\",\"rating\":%s,"
    "\"leaderboard_publish_date\":\"2026-06-25\"}}]}";
#define PAGE_MAX 16384
#define BOARD_ROWS 1050 /* eleven pages */

struct world {
    struct rpc_stand stand;
    struct tiny_http http;
    struct rpc_server *server;
    struct catalog_keeper *keeper;
    struct refresher *refresher;
    char disk_path[128], flag_path[128];
    char urls[SOURCE_COUNT][128];
    bool refreshed;
    ms_dur retry;    /* 0: ten minutes */
    unsigned starts; /* each gets a socket of its own */
};

/* The child refuses everything (403: nothing is tried again) while the file
 * named by this exists. */
static char broken_flag[128];

/* The rows from an offset on, as many as a page has. */
static void
board_page(const char *offset, char page[PAGE_MAX])
{
    uint64_t row = 0, end;
    size_t len = (size_t)snprintf(
        page, PAGE_MAX, "{\"num_rows_total\":%d,\"rows\":[", BOARD_ROWS);

    assert_int_equal(text_u64(slice_make(offset, strcspn(offset, "&")), &row),
                     STATUS_OK);
    end = row + 100;
    for (; row < end && row < BOARD_ROWS; row++)
        len += (size_t)snprintf(
            page + len, PAGE_MAX - len,
            "%s{\"row\":{\"fullname\":\"acme/%u\",\"IFEval\":50}}",
            row + 100 == end ? "" : ",", (unsigned)row);
    (void)snprintf(page + len, PAGE_MAX - len, "]}");
}

static void
answer(int fd, const char *head, unsigned number)
{
    char body[512], page[PAGE_MAX];

    (void)number;
    if (access(broken_flag, F_OK) == 0)
        tiny_answer(fd, "403 Forbidden", "", "no");
    else if (strncmp(head, "GET /models", 11) == 0)
        tiny_answer(fd, "200 OK", "", models);
    else if (strstr(head, "config=text") != NULL) {
        (void)snprintf(body, sizeof(body), arena_rows, "1300.5");
        tiny_answer(fd, "200 OK", "", body);
    } else if (strstr(head, "config=vision") != NULL) {
        (void)snprintf(body, sizeof(body), arena_rows, "1200.25");
        tiny_answer(fd, "200 OK", "", body);
    } else if (strstr(head, "offset=") != NULL) {
        board_page(strstr(head, "offset=") + strlen("offset="), page);
        tiny_answer(fd, "200 OK", "", page);
    } else {
        tiny_answer(fd, "200 OK", "", "<html>not data</html>");
    }
}

static void
on_refreshed(void *context)
{
    struct world *world = context;

    world->refreshed = true;
    loop_stop(world->stand.loop);
}

static void
url_set(struct world *world, enum source source, const char *path)
{
    (void)snprintf(world->urls[source], sizeof(world->urls[source]),
                   "http://127.0.0.1:%d%s", world->http.port, path);
}

static void
start(struct world *world)
{
    char socket[32];
    struct rpc_server_options server = {
        .instance = "ingestd-1",
        .max_calls = 16,
        .metrics = world->stand.metrics,
        .zmq = world->stand.zmq,
    };
    struct catalog_keeper_options keeper = {.loop = world->stand.loop,
                                            .metrics = world->stand.metrics,
                                            .data_folder = "",
                                            .disk_path = world->disk_path};
    struct refresher_options options = {.loop = world->stand.loop,
                                        .interval = 3600000,
                                        .retry = world->retry > 0 ? world->retry
                                                                  : 600000,
                                        .is_on = true,
                                        .refreshed = on_refreshed,
                                        .context = world};

    (void)snprintf(socket, sizeof(socket), "ingestd-%u", world->starts++);
    server.endpoint = rpc_stand_endpoint(&world->stand, socket);
    assert_int_equal(rpc_server_new(world->stand.loop, &server, &world->server),
                     STATUS_OK);
    keeper.server = world->server;
    assert_int_equal(catalog_keeper_new(&keeper, &world->keeper), STATUS_OK);
    options.keeper = world->keeper;
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        options.sources[s] = (struct source_fetch_options){
            .source = (enum source)s,
            .url = world->urls[s],
            .api_key = "",
            .max_bytes = 100000,
            .timeout = 5000,
        };
    assert_int_equal(refresher_new(&options, &world->refresher), STATUS_OK);
}

static void
stop(struct world *world)
{
    refresher_free(&world->refresher);
    catalog_keeper_free(&world->keeper);
    rpc_server_free(&world->server);
}

static void
wait_refresh(struct world *world)
{
    world->refreshed = false;
    assert_true(rpc_stand_run(&world->stand, &world->refreshed));
}

static void
break_server(bool broken)
{
    if (broken)
        close(open(broken_flag, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    else
        (void)unlink(broken_flag);
}

static int
set_up(void **state)
{
    static struct world world;

    (void)setenv("no_proxy", "127.0.0.1", 1);
    world = (struct world){.refreshed = false};
    rpc_stand_folder(&world.stand);
    (void)snprintf(broken_flag, sizeof(broken_flag), "%s/broken",
                   world.stand.folder);
    (void)snprintf(world.disk_path, sizeof(world.disk_path), "%s/catalog.bin",
                   world.stand.folder);
    if (!tiny_http_start(&world.http, answer))
        return -1;
    rpc_stand_open(&world.stand);
    url_set(&world, SOURCE_OPENROUTER, "/models");
    url_set(&world, SOURCE_LMARENA, "/rows?config=text&split=latest");
    url_set(&world, SOURCE_HF_LEADERBOARD, "/rows?dataset=board");
    url_set(&world, SOURCE_LIVEBENCH, "/table_2026_01_08.csv");
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *world = *state;

    (void)unlink(broken_flag);
    (void)unlink(world->disk_path);
    tiny_http_stop(&world->http);
    rpc_stand_close(&world->stand);
    return 0;
}

static void
assert_arena(const struct world *world, enum benchmark board, double value)
{
    const struct catalog *catalog = catalog_keeper_catalog(world->keeper);
    const struct model *model;

    assert_non_null(catalog);
    model = catalog_find(catalog, SLICE("acme/rocket-2"));
    assert_non_null(model);
    assert_non_null(model_figure(model, board));
    assert_true(model_figure(model, board)->value == value);
}

static enum source_state
state_of(const struct world *world, enum source source)
{
    return catalog_keeper_catalog(world->keeper)->sources[source].state;
}

static void
a_refresh_fetches_every_board_and_page(void **state)
{
    struct world *world = *state;
    const struct source_status *status;

    start(world);
    assert_null(catalog_keeper_catalog(world->keeper));
    wait_refresh(world);
    assert_arena(world, BENCHMARK_ARENA, 1300.5);
    assert_arena(world, BENCHMARK_ARENA_VISION, 1200.25);
    status = catalog_keeper_catalog(world->keeper)->sources;
    assert_int_equal(status[SOURCE_OPENROUTER].state, SOURCE_STATE_OK);
    assert_int_equal(status[SOURCE_HF_LEADERBOARD].rows, BOARD_ROWS);
    assert_int_equal(status[SOURCE_LMARENA].matched_rows, 2);
    /* HTML where data was due; and never asked. */
    assert_int_equal(status[SOURCE_LIVEBENCH].state, SOURCE_STATE_ERROR);
    assert_true(status[SOURCE_LIVEBENCH].reason.len > 0);
    assert_int_equal(status[SOURCE_ARTIFICIAL_ANALYSIS].state,
                     SOURCE_STATE_NEVER);
    stop(world);
}

static void
a_failing_refresh_loses_nothing_and_says_stale(void **state)
{
    struct world *world = *state;
    uint64_t version;

    start(world); /* from the disk copy of the test before */
    assert_non_null(catalog_keeper_catalog(world->keeper));
    version = catalog_keeper_catalog(world->keeper)->version;
    assert_arena(world, BENCHMARK_ARENA, 1300.5);
    break_server(true);
    wait_refresh(world);
    assert_arena(world, BENCHMARK_ARENA, 1300.5);
    assert_true(catalog_keeper_catalog(world->keeper)->version == version);
    assert_int_equal(state_of(world, SOURCE_OPENROUTER), SOURCE_STATE_STALE);
    assert_int_equal(state_of(world, SOURCE_LMARENA), SOURCE_STATE_STALE);
    break_server(false);
    assert_int_equal(
        refresher_start(world->refresher, BIT(SOURCE_LMARENA), NULL, NULL),
        STATUS_OK);
    assert_true(refresher_is_running(world->refresher));
    assert_int_equal(
        refresher_start(world->refresher, REFRESHER_EVERYTHING, NULL, NULL),
        STATUS_ALREADY_EXISTS);
    wait_refresh(world);
    assert_int_equal(state_of(world, SOURCE_LMARENA), SOURCE_STATE_OK);
    assert_int_equal(state_of(world, SOURCE_OPENROUTER), SOURCE_STATE_STALE);
    stop(world);
}

static void
sources_that_failed_are_fetched_again_after_the_retry(void **state)
{
    struct world *world = *state;

    break_server(true);
    world->retry = 50;
    start(world);
    wait_refresh(world);
    assert_int_equal(state_of(world, SOURCE_LMARENA), SOURCE_STATE_STALE);
    break_server(false);
    wait_refresh(world); /* by itself, long before the interval */
    assert_int_equal(state_of(world, SOURCE_LMARENA), SOURCE_STATE_OK);
    world->retry = 0;
    stop(world);
}

static void
a_source_that_is_off_is_never_asked(void **state)
{
    struct world *world = *state;

    start(world);
    wait_refresh(world);
    assert_int_equal(refresher_start(world->refresher,
                                     BIT(SOURCE_ARTIFICIAL_ANALYSIS), NULL,
                                     NULL),
                     STATUS_FAILED_PRECONDITION);
    assert_false(refresher_is_running(world->refresher));
    stop(world);
}

static void
a_broken_copy_on_disk_is_ignored(void **state)
{
    struct world *world = *state;
    int fd = open(world->disk_path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_int_equal(write(fd, "garbage", 7), 7);
    close(fd);
    start(world);
    assert_null(catalog_keeper_catalog(world->keeper));
    wait_refresh(world);
    assert_arena(world, BENCHMARK_ARENA, 1300.5);
    stop(world);
}

static void
a_copy_that_a_newer_program_wrote_is_ignored(void **state)
{
    struct world *world = *state;
    char bytes[65536];
    int fd = open(world->disk_path, O_RDWR | O_CLOEXEC);
    ssize_t len = read(fd, bytes, sizeof(bytes));
    unsigned found = 0;

    assert_true(len > 0);
    /* A tier that this program has no name for. */
    for (ssize_t i = 0; i + 8 <= len; i++) {
        if (memcmp(bytes + i, "standard", 8) == 0) {
            bytes[i] = 'Z';
            found++;
        }
    }
    assert_true(found > 0);
    assert_int_equal(pwrite(fd, bytes, (size_t)len, 0), len);
    close(fd);
    start(world);
    assert_null(catalog_keeper_catalog(world->keeper));
    wait_refresh(world);
    assert_arena(world, BENCHMARK_ARENA, 1300.5);
    stop(world);
}

/* What is held, as bytes of another time. */
static void
encode_as_of(const struct world *world, ms_time made_at, struct buf *bytes)
{
    struct catalog *catalog = NULL;

    buf_reset(bytes);
    assert_int_equal(
        catalog_encode(catalog_keeper_catalog(world->keeper), bytes),
        STATUS_OK);
    assert_int_equal(catalog_decode(buf_slice(bytes), &catalog), STATUS_OK);
    catalog->made_at = made_at;
    buf_reset(bytes);
    assert_int_equal(catalog_encode(catalog, bytes), STATUS_OK);
    catalog_free(&catalog);
}

static void
a_copy_from_the_future_gives_way_to_what_is_stored(void **state)
{
    static const ms_dur aheads[] = {0, INT64_C(31536000000)}; /* a year */
    struct world *world = *state;
    struct buf bytes;

    buf_init(&bytes, CATALOG_KEEPER_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(aheads); i++) {
        struct catalog_stored stored = {.pinned = 0};
        ms_time now;

        start(world);
        wait_refresh(world);
        now = catalog_keeper_catalog(world->keeper)->made_at;
        encode_as_of(world, now + aheads[i], &bytes);
        assert_int_equal(
            home_write_file(world->disk_path, bytes.data, bytes.len),
            STATUS_OK);
        encode_as_of(world, now - 1000, &bytes);
        stop(world);
        start(world);
        stored.newest = buf_slice(&bytes);
        catalog_keeper_take(world->keeper, &stored);
        /* A copy of today is newer than what is stored. */
        assert_int_equal(catalog_keeper_catalog(world->keeper)->made_at,
                         aheads[i] == 0 ? now : now - 1000);
        stop(world);
    }
    buf_fini(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refresh_fetches_every_board_and_page),
        cmocka_unit_test(a_failing_refresh_loses_nothing_and_says_stale),
        cmocka_unit_test(a_source_that_is_off_is_never_asked),
        cmocka_unit_test(sources_that_failed_are_fetched_again_after_the_retry),
        cmocka_unit_test(a_broken_copy_on_disk_is_ignored),
        cmocka_unit_test(a_copy_that_a_newer_program_wrote_is_ignored),
        cmocka_unit_test(a_copy_from_the_future_gives_way_to_what_is_stored),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
