/* services/scorerd/table_keeper over real RPC: what comes in as catalog and
 * layers reaches a follower as a table. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "proto/catalog_codec.h"
#include "proto/layers_codec.h"
#include "proto/table_codec.h"
#include "services/runtime/snapshot.h"
#include "services/scorerd/scorer_service.h"
#include "services/scorerd/table_keeper.h"
#include "tests/scorer/catalog_kit.h"
#include "tests/support/rpc_stand.h"

#define MODELS 6
#define BYTES_MAX (1 << 20)

/* A keeper on a server, and a follower of its table. */
struct fixture {
    struct rpc_stand stand;
    struct rpc_server *server;
    struct metrics *metrics;
    struct table_keeper *keeper;
    struct scorer_service service;
    struct rpc_channel *channel;
    struct snapshot_follower *follower;
    struct score_table *followed; /* what the follower has */
    unsigned wholes, deltas;      /* that reached it */
    unsigned published;
    uint64_t wanted; /* version to wait for */
    bool reached;
    struct buf bytes;
};

static void
stop_when_reached(struct fixture *fixture)
{
    if (fixture->followed == NULL ||
        fixture->followed->version != fixture->wanted)
        return;
    fixture->reached = true;
    loop_stop(fixture->stand.loop);
}

static enum status
follow_whole(void *context, struct slice bytes, uint64_t wanted,
             uint64_t *ret_hash)
{
    struct fixture *fixture = context;
    struct score_table *table = NULL;
    enum status status = table_decode(bytes, &table);
    if (status != STATUS_OK)
        return status;
    *ret_hash = score_table_snapshot_hash(table);
    assert_true(*ret_hash == wanted);
    score_table_free(&fixture->followed);
    fixture->followed = table;
    fixture->wholes++;
    return STATUS_OK;
}

static enum status
follow_delta(void *context, struct slice bytes, uint64_t *ret_hash)
{
    struct fixture *fixture = context;
    enum status status = table_delta_apply(fixture->followed, bytes);
    if (status != STATUS_OK)
        return status;
    fixture->deltas++;
    *ret_hash = score_table_snapshot_hash(fixture->followed);
    return STATUS_OK;
}

static void
follow_changed(void *context)
{
    stop_when_reached(context);
}

static void
on_published(void *context)
{
    struct fixture *fixture = context;
    fixture->published++;
}

static void
open_keeper(struct fixture *fixture)
{
    struct rpc_server_options server = {
        .endpoint = rpc_stand_endpoint(&fixture->stand, "scorerd"),
        .instance = "scorerd-1",
        .max_calls = 64,
        .metrics = fixture->metrics,
        .zmq = fixture->stand.zmq};
    assert_int_equal(
        rpc_server_new(fixture->stand.loop, &server, &fixture->server),
        STATUS_OK);
    struct table_keeper_options keeper = {.loop = fixture->stand.loop,
                                          .server = fixture->server,
                                          .metrics = fixture->metrics,
                                          .day_check = 600000,
                                          .published = on_published,
                                          .context = fixture};
    assert_int_equal(table_keeper_new(&keeper, &fixture->keeper), STATUS_OK);
    scorer_service_init(&fixture->service, fixture->keeper, fixture->server);
}

static void
open_follower(struct fixture *fixture)
{
    struct snapshot_follower_options options = {.name = "table",
                                                .whole = follow_whole,
                                                .delta = follow_delta,
                                                .changed = follow_changed,
                                                .context = fixture};
    fixture->channel = stand_channel(
        &fixture->stand, rpc_stand_endpoint(&fixture->stand, "scorerd"), 16);
    assert_int_equal(snapshot_follower_new(fixture->stand.loop,
                                           fixture->channel, &options,
                                           &fixture->follower),
                     STATUS_OK);
}

static int
fixture_open(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL)
        return -1;
    rpc_stand_folder(&fixture->stand);
    rpc_stand_open(&fixture->stand);
    fixture->metrics = metrics_new();
    buf_init(&fixture->bytes, BYTES_MAX);
    open_keeper(fixture);
    open_follower(fixture);
    *state = fixture;
    return 0;
}

static int
fixture_close(void **state)
{
    struct fixture *fixture = *state;
    snapshot_follower_free(&fixture->follower);
    rpc_channel_free(&fixture->channel);
    table_keeper_free(&fixture->keeper);
    rpc_server_free(&fixture->server);
    score_table_free(&fixture->followed);
    rpc_stand_close(&fixture->stand);
    metrics_free(&fixture->metrics);
    buf_fini(&fixture->bytes);
    free(fixture);
    return 0;
}

/* Wait until the follower has the keeper's table. */
static void
catch_up(struct fixture *fixture)
{
    fixture->wanted = table_keeper_table(fixture->keeper)->version;
    fixture->reached = false;
    stop_when_reached(fixture);
    if (!fixture->reached)
        assert_true(rpc_stand_run(&fixture->stand, &fixture->reached));
    assert_int_equal(fixture->followed->version,
                     score_table_hash(fixture->followed));
}

/* Figures rise with the model's number and with `strength`. */
static void
give_catalog(struct fixture *fixture, double strength)
{
    static const char *const ids[MODELS] = {"a/a", "b/b", "c/c",
                                            "d/d", "e/e", "f/f"};
    struct kit_model rows[MODELS];
    uint64_t hash = 0;
    for (size_t i = 0; i < MODELS; i++)
        rows[i] = (struct kit_model){
            .id = ids[i],
            .prompt_usd = 1,
            .completion_usd = 2,
            .context_tokens = 128000,
            .figure_count = 2,
            .figures = {
                {BENCHMARK_GPQA, 40 + strength * (double)i},
                {BENCHMARK_ARENA, 1200 + 10 * (double)(i * i)},
            }};
    struct catalog *catalog = kit_catalog(rows, MODELS);
    buf_reset(&fixture->bytes);
    assert_int_equal(catalog_encode(catalog, &fixture->bytes), STATUS_OK);
    assert_int_equal(
        table_keeper_set_catalog(fixture->keeper, buf_slice(&fixture->bytes),
                                 catalog_snapshot_hash(catalog), &hash),
        STATUS_OK);
    assert_int_equal(hash, catalog_snapshot_hash(catalog));
    catalog_free(&catalog);
}

static struct personal_cell
rating(const char *model, double mass, double shift)
{
    return (struct personal_cell){.tenant = SLICE(TENANT_DEFAULT),
                                  .model = slice_of(model),
                                  .category = CATEGORY_GENERAL,
                                  .mass = mass,
                                  .shift = shift,
                                  .ratings = mass > 0};
}

/* Layers of these personal cells, whole or as a delta. */
static enum status
give_layers(struct fixture *fixture, const struct personal_cell *cells,
            size_t count, bool whole)
{
    struct layers layers = {
        .personal = cells, .personal_count = count, .day = 20000};
    uint64_t hash;
    buf_reset(&fixture->bytes);
    assert_int_equal(whole ? layers_encode(&layers, &fixture->bytes)
                           : layers_delta_encode(&layers, &fixture->bytes),
                     STATUS_OK);
    struct slice bytes = buf_slice(&fixture->bytes);
    return whole ? table_keeper_set_layers(fixture->keeper, bytes,
                                           layers_hash(&layers), &hash)
                 : table_keeper_move_layers(fixture->keeper, bytes, &hash);
}

static double
own_mean(const struct fixture *fixture, uint32_t model)
{
    return score_table_score(fixture->followed, SLICE(TENANT_DEFAULT), model,
                             CATEGORY_GENERAL)
        ->mean;
}

static void
a_catalog_becomes_a_table_that_followers_get(void **state)
{
    struct fixture *fixture = *state;
    assert_null(table_keeper_table(fixture->keeper));
    give_catalog(fixture, 5);
    assert_int_equal(fixture->published, 1);
    catch_up(fixture);
    assert_int_equal(fixture->followed->catalog->count, MODELS);
    assert_true(own_mean(fixture, MODELS - 1) > own_mean(fixture, 0));
    give_catalog(fixture, 6);
    catch_up(fixture);
    assert_int_equal(fixture->wholes, 2);
    assert_int_equal(fixture->published, 1); /* told once */
}

/* Bytes of a newer program: a name in them that this one does not know. */
static void
rename_in(struct buf *bytes, struct slice name)
{
    unsigned found = 0;
    for (size_t i = 0; i + name.len <= bytes->len; i++) {
        if (memcmp(bytes->data + i, name.ptr, name.len) != 0)
            continue;
        bytes->data[i] = 'Z';
        found++;
    }
    assert_true(found > 0);
}

static void
what_a_newer_program_wrote_leaves_the_table_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct personal_cell five = rating("a/a", 3, 0.25);
    uint64_t hash;
    give_catalog(fixture, 5);
    assert_int_equal(give_layers(fixture, &five, 1, true), STATUS_OK);
    uint64_t version = table_keeper_table(fixture->keeper)->version;
    rename_in(&fixture->bytes, SLICE("general")); /* the layers' category */
    assert_int_equal(table_keeper_set_layers(
                         fixture->keeper, buf_slice(&fixture->bytes), 0, &hash),
                     STATUS_INVALID_ARGUMENT);
    buf_reset(&fixture->bytes);
    assert_int_equal(
        catalog_encode(table_keeper_table(fixture->keeper)->catalog,
                       &fixture->bytes),
        STATUS_OK);
    rename_in(&fixture->bytes, SLICE("standard")); /* the models' tier */
    assert_int_equal(table_keeper_set_catalog(
                         fixture->keeper, buf_slice(&fixture->bytes), 0, &hash),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(table_keeper_table(fixture->keeper)->version, version);
    catch_up(fixture);
    assert_int_equal(fixture->followed->personal_count, 1);
}

static void
a_whole_that_is_not_the_one_wanted_leaves_the_table_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct personal_cell five = rating("a/a", 3, 0.25);
    struct layers layers = {
        .personal = &five, .personal_count = 1, .day = 20000};
    uint64_t hash = 0;
    give_catalog(fixture, 6);
    struct buf other; /* a catalog that is sound */
    buf_init(&other, BYTES_MAX);
    buf_put(&other, fixture->bytes.data, fixture->bytes.len);
    give_catalog(fixture, 5);
    uint64_t version = table_keeper_table(fixture->keeper)->version;
    assert_int_equal(
        table_keeper_set_catalog(fixture->keeper, buf_slice(&other), 7, &hash),
        STATUS_OK);
    assert_true(hash != 0 && hash != 7);
    assert_int_equal(table_keeper_table(fixture->keeper)->version, version);
    buf_reset(&other);
    assert_int_equal(layers_encode(&layers, &other), STATUS_OK);
    assert_int_equal(
        table_keeper_set_layers(fixture->keeper, buf_slice(&other), 7, &hash),
        STATUS_OK);
    assert_int_equal(hash, layers_hash(&layers));
    assert_int_equal(table_keeper_table(fixture->keeper)->version, version);
    /* Nor are they the layers that a delta could change. */
    assert_int_equal(give_layers(fixture, &five, 1, false),
                     STATUS_FAILED_PRECONDITION);
    buf_fini(&other);
}

static void
a_rating_travels_as_a_delta(void **state)
{
    struct fixture *fixture = *state;
    struct personal_cell five = rating("a/a", 3, 0.25);
    give_catalog(fixture, 5);
    assert_int_equal(give_layers(fixture, NULL, 0, true), STATUS_OK);
    catch_up(fixture);
    unsigned wholes = fixture->wholes;
    double before = own_mean(fixture, 0);
    assert_int_equal(give_layers(fixture, &five, 1, false), STATUS_OK);
    catch_up(fixture);
    assert_true(own_mean(fixture, 0) > before);
    assert_int_equal(fixture->wholes, wholes);
    assert_int_equal(fixture->deltas, 1);
    assert_int_equal(table_keeper_counts(fixture->keeper).deltas, 1);
}

static void
a_rating_taken_back_leaves_the_table_that_never_had_it(void **state)
{
    struct fixture *fixture = *state;
    struct personal_cell five = rating("a/a", 3, 0.25);
    struct personal_cell gone = rating("a/a", 0, 0);
    give_catalog(fixture, 5);
    assert_int_equal(give_layers(fixture, NULL, 0, true), STATUS_OK);
    uint64_t clean = table_keeper_table(fixture->keeper)->version;
    assert_int_equal(give_layers(fixture, &five, 1, false), STATUS_OK);
    assert_true(table_keeper_table(fixture->keeper)->version != clean);
    assert_int_equal(give_layers(fixture, &gone, 1, false), STATUS_OK);
    assert_int_equal(table_keeper_table(fixture->keeper)->version, clean);
    catch_up(fixture);
    assert_int_equal(fixture->followed->personal_count, 0);
}

static void
layers_may_come_before_the_catalog_and_outlive_the_next(void **state)
{
    struct fixture *fixture = *state;
    struct personal_cell five = rating("a/a", 3, 0.25);
    struct personal_cell two = rating("b/b", 2, -0.5);
    assert_int_equal(give_layers(fixture, &five, 1, true), STATUS_OK);
    assert_null(table_keeper_table(fixture->keeper));
    assert_int_equal(fixture->published, 0);
    assert_int_equal(give_layers(fixture, &two, 1, false), STATUS_OK);
    give_catalog(fixture, 5);
    catch_up(fixture);
    assert_int_equal(fixture->followed->personal_count, 2);
    give_catalog(fixture, 6);
    catch_up(fixture);
    assert_int_equal(fixture->followed->personal_count, 2);
}

static void
a_rating_of_an_unknown_model_publishes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct personal_cell other = rating("z/z", 3, 0.25);
    give_catalog(fixture, 5);
    assert_int_equal(give_layers(fixture, NULL, 0, true), STATUS_OK);
    uint64_t version = table_keeper_table(fixture->keeper)->version;
    assert_int_equal(give_layers(fixture, &other, 1, false), STATUS_OK);
    assert_int_equal(table_keeper_table(fixture->keeper)->version, version);
    assert_int_equal(table_keeper_counts(fixture->keeper).deltas, 0);
}

static void
the_layers_held_are_what_goes_to_disk(void **state)
{
    struct fixture *fixture = *state;
    struct personal_cell cells[2] = {rating("a/a", 3, 0.25),
                                     rating("b/b", 2, -0.5)};
    struct buf kept;
    buf_init(&kept, BYTES_MAX);
    assert_int_equal(table_keeper_encode_layers(fixture->keeper, &kept),
                     STATUS_UNAVAILABLE);
    assert_int_equal(give_layers(fixture, cells, 1, true), STATUS_OK);
    assert_int_equal(give_layers(fixture, &cells[1], 1, false), STATUS_OK);
    assert_int_equal(table_keeper_encode_layers(fixture->keeper, &kept),
                     STATUS_OK);
    assert_int_equal(give_layers(fixture, cells, 2, true), STATUS_OK);
    assert_int_equal(kept.len, fixture->bytes.len);
    assert_memory_equal(kept.data, fixture->bytes.data, kept.len);
    buf_fini(&kept);
}

static void
bytes_that_are_no_snapshot_change_nothing(void **state)
{
    struct fixture *fixture = *state;
    uint64_t hash = 7;
    give_catalog(fixture, 5);
    uint64_t version = table_keeper_table(fixture->keeper)->version;
    assert_int_equal(table_keeper_set_catalog(
                         fixture->keeper, SLICE("\xff\xff rubbish"), 0, &hash),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(table_keeper_set_layers(
                         fixture->keeper, SLICE("\xff\xff rubbish"), 0, &hash),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(give_layers(fixture, NULL, 0, true), STATUS_OK);
    assert_int_equal(table_keeper_move_layers(fixture->keeper,
                                              SLICE("\xff\xff rubbish"), &hash),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(hash, 7);
    assert_int_equal(table_keeper_table(fixture->keeper)->version, version);
}

static void
a_delta_of_layers_that_never_came_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct personal_cell five = rating("a/a", 3, 0.25);
    give_catalog(fixture, 5);
    assert_int_equal(give_layers(fixture, &five, 1, false),
                     STATUS_FAILED_PRECONDITION);
}

/* --- the service --- */

struct answer {
    struct loop *loop;
    bool came;
    enum status status;
    bool ready;
    uint32_t models, personal_cells;
    uint64_t rebuilds, version;
};

static void
on_state(void *context, const struct rpc_result *result)
{
    struct answer *answer = context;
    answer->came = true;
    answer->status = result->status;
    if (result->status == STATUS_OK) {
        const Ss__ScorerStateReply *reply =
            (const Ss__ScorerStateReply *)(const void *)result->reply;
        answer->ready = reply->ready;
        answer->models = reply->models;
        answer->personal_cells = reply->personal_cells;
        answer->rebuilds = reply->rebuilds;
        answer->version = reply->table_version;
    }
    loop_stop(answer->loop);
}

static struct answer
ask_state(struct fixture *fixture)
{
    struct answer answer = {.loop = fixture->stand.loop};
    Ss__ScorerStateRequest request = SS__SCORER_STATE_REQUEST__INIT;
    struct rpc_options options = {.timeout = 5000, .idempotent = true};
    assert_int_equal(rpc_call_start(fixture->channel, &ss__scorer__descriptor,
                                    0, &request.base, &options, on_state,
                                    &answer, NULL),
                     STATUS_OK);
    assert_true(rpc_stand_run(&fixture->stand, &answer.came));
    assert_int_equal(answer.status, STATUS_OK);
    return answer;
}

static void
the_service_says_what_the_table_is(void **state)
{
    struct fixture *fixture = *state;
    struct personal_cell five = rating("a/a", 3, 0.25);
    assert_false(ask_state(fixture).ready);
    give_catalog(fixture, 5);
    assert_int_equal(give_layers(fixture, &five, 1, true), STATUS_OK);
    struct answer answer = ask_state(fixture);
    assert_true(answer.ready);
    assert_int_equal(answer.models, MODELS);
    assert_int_equal(answer.personal_cells, 1);
    assert_int_equal(answer.rebuilds, 2);
    assert_int_equal(answer.version,
                     table_keeper_table(fixture->keeper)->version);
}

#define KEEPER_TEST(name)                                                      \
    cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KEEPER_TEST(a_catalog_becomes_a_table_that_followers_get),
        KEEPER_TEST(what_a_newer_program_wrote_leaves_the_table_as_it_was),
        KEEPER_TEST(
            a_whole_that_is_not_the_one_wanted_leaves_the_table_as_it_was),
        KEEPER_TEST(a_rating_travels_as_a_delta),
        KEEPER_TEST(a_rating_taken_back_leaves_the_table_that_never_had_it),
        KEEPER_TEST(layers_may_come_before_the_catalog_and_outlive_the_next),
        KEEPER_TEST(a_rating_of_an_unknown_model_publishes_nothing),
        KEEPER_TEST(the_layers_held_are_what_goes_to_disk),
        KEEPER_TEST(bytes_that_are_no_snapshot_change_nothing),
        KEEPER_TEST(a_delta_of_layers_that_never_came_is_refused),
        KEEPER_TEST(the_service_says_what_the_table_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
