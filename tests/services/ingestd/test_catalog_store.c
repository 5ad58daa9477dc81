/* Who may make the catalog, and who sees it, against a real PostgreSQL.
 * timeout: 60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/ingestd/catalog_sql.h"
#include "services/ingestd/catalog_store.h"
#include "services/store/migrate.h"
#include "services/store/pg_session.h"
#include "tests/support/temp_postgres.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 15000
#define SEEN_MAX 64

/* One ingestd's view. */
struct party {
    struct loop *loop;
    struct catalog_store *store;
    struct catalog_claim claim;
    enum status status;
    unsigned answers; /* of its calls */
    unsigned changes;
    char newest[SEEN_MAX], report[SEEN_MAX], pinned[SEEN_MAX];
    int64_t pinned_number;
    size_t versions;
    char version[SEEN_MAX]; /* the newest listed */
};

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct loop_timer *tick;
    char url[TEMP_POSTGRES_URL_MAX];
    struct pg_session *session;
    struct party a, b;
};

static void
copy(char out[SEEN_MAX], struct slice text)
{
    (void)snprintf(out, SEEN_MAX, "%.*s", SLICE_ARG(text));
}

static void
on_changed(void *context, const struct catalog_stored *stored)
{
    struct party *party = context;

    party->changes++;
    copy(party->newest, stored->newest);
    copy(party->report, stored->report);
    copy(party->pinned, stored->pinned_bytes);
    party->pinned_number = stored->pinned;
}

static void
on_moved(void *context)
{
    (void)context;
}

static void
on_tick(void *context)
{
    loop_stop(context);
}

/* Let everything happen for a moment. */
static void
pass(struct fixture *fixture)
{
    loop_timer_start(fixture->tick, 10);
    loop_run(fixture->loop);
}

#define RUN_UNTIL(fixture, condition)                                          \
    do {                                                                       \
        ms_time end = loop_now((fixture)->loop) + PATIENCE_MS;                 \
        while (!(condition) && loop_now((fixture)->loop) < end)                \
            pass(fixture);                                                     \
        assert_true(condition);                                                \
    } while (0)

static void
open_party(struct fixture *fixture, struct party *party, const char *name)
{
    struct catalog_store_options options = {
        .loop = fixture->loop,
        .metrics = fixture->metrics,
        .instance = name,
        .url = fixture->url,
        .home = "/nowhere",
        .look_every = 60000, /* so notices are what brings news */
        .timeout = 10000,
        .changed = on_changed,
        .moved = on_moved,
        .context = party,
    };

    *party = (struct party){.loop = fixture->loop};
    assert_int_equal(catalog_store_new(&options, &party->store), STATUS_OK);
    RUN_UNTIL(fixture, party->changes > 0); /* the empty start */
}

static int
set_up(void **state)
{
    static struct fixture fixture;
    static unsigned number;
    char name[32], sql[64], error[MIGRATE_ERROR_MAX];
    struct migrate_job job = {.url = fixture.url};

    fixture = (struct fixture){.loop = loop_new(), .metrics = metrics_new()};
    temp_postgres_url("postgres", fixture.url);
    (void)snprintf(name, sizeof(name), "catalogs_%u", number++);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    if (pg_session_open(fixture.url, error, &fixture.session) != STATUS_OK ||
        pg_session_run(fixture.session, sql) != STATUS_OK)
        return -1;
    pg_session_close(&fixture.session);
    temp_postgres_url(name, fixture.url);
    if (migrate_run(&job, error) != STATUS_OK ||
        pg_session_open(fixture.url, error, &fixture.session) != STATUS_OK ||
        loop_timer_new(fixture.loop, on_tick, fixture.loop, &fixture.tick) !=
            STATUS_OK)
        return -1;
    open_party(&fixture, &fixture.a, "ingestd-1");
    open_party(&fixture, &fixture.b, "ingestd-2");
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    catalog_store_free(&fixture->a.store);
    catalog_store_free(&fixture->b.store);
    pg_session_close(&fixture->session);
    loop_timer_free(&fixture->tick);
    loop_free(&fixture->loop);
    metrics_free(&fixture->metrics);
    return 0;
}

static void
on_claim(void *context, const struct catalog_claim *claim)
{
    struct party *party = context;

    party->claim = *claim;
    party->answers++;
}

static void
on_done(void *context, enum status status, const char *message)
{
    struct party *party = context;

    (void)message;
    party->status = status;
    party->answers++;
}

static void
on_versions(void *context, const struct pg_result *rows, const char *message)
{
    struct party *party = context;

    (void)message;
    assert_non_null(rows);
    party->versions = rows_count(rows);
    if (party->versions > 0)
        copy(party->version, rows_text(rows, 0, VERSIONS_VERSION));
    party->answers++;
}

static enum catalog_claim_outcome
claim(struct fixture *fixture, struct party *party, bool only_inherit)
{
    unsigned before = party->answers;

    catalog_store_claim(party->store, only_inherit, on_claim, party);
    RUN_UNTIL(fixture, party->answers > before);
    return party->claim.outcome;
}

static enum status
publish(struct fixture *fixture, struct party *party, uint64_t version,
        const char *bytes)
{
    struct catalog_publication publication = {.version = version,
                                              .models = 1,
                                              .sources = "{}",
                                              .bytes = slice_of(bytes),
                                              .report = SLICE("rows")};
    unsigned before = party->answers;

    catalog_store_publish(party->store, &publication, on_done, party);
    RUN_UNTIL(fixture, party->answers > before);
    return party->status;
}

static enum status
pin(struct fixture *fixture, struct party *party, int64_t number)
{
    unsigned before = party->answers;

    catalog_store_pin(party->store, number, on_done, party);
    RUN_UNTIL(fixture, party->answers > before);
    return party->status;
}

static size_t
count_versions(struct fixture *fixture, struct party *party)
{
    unsigned before = party->answers;

    catalog_store_versions(party->store, 100, on_versions, party);
    RUN_UNTIL(fixture, party->answers > before);
    return party->versions;
}

/* End a party's connection, as a death of its process would. */
static void
cut_off(struct fixture *fixture, struct party *party, const char *name)
{
    const struct pg_result *rows;
    const char *params[] = {name};

    assert_int_equal(
        pg_session_query(fixture->session,
                         "SELECT pg_terminate_backend(pid) FROM"
                         " pg_stat_activity WHERE application_name = $1",
                         params, 1, &rows),
        STATUS_OK);
    RUN_UNTIL(fixture, !catalog_store_is_up(party->store));
}

static void
what_one_publishes_the_others_get(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(claim(fixture, &fixture->a, false), CATALOG_CLAIM_OURS);
    assert_int_equal(fixture->a.claim.age, -1);
    assert_int_equal(publish(fixture, &fixture->a, 0xabc, "one"), STATUS_OK);
    catalog_store_release(fixture->a.store);
    RUN_UNTIL(fixture, strcmp(fixture->b.newest, "one") == 0);
    assert_string_equal(fixture->b.report, "rows");
    assert_int_equal(count_versions(fixture, &fixture->b), 1);
    assert_string_equal(fixture->b.version, "0000000000000abc");
    /* Who made it knows it. */
    assert_int_equal(fixture->a.changes, 1); /* of the empty start */
    assert_int_equal(claim(fixture, &fixture->b, false), CATALOG_CLAIM_OURS);
    assert_in_range(fixture->b.claim.age, 0, PATIENCE_MS);
    assert_false(fixture->b.claim.was_own);
}

static void
a_version_is_kept_when_the_content_differs(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(claim(fixture, &fixture->a, false), CATALOG_CLAIM_OURS);
    assert_int_equal(publish(fixture, &fixture->a, 1, "one"), STATUS_OK);
    assert_int_equal(publish(fixture, &fixture->a, 1, "one, later"), STATUS_OK);
    assert_int_equal(count_versions(fixture, &fixture->a), 1);
    assert_int_equal(publish(fixture, &fixture->a, 2, "two"), STATUS_OK);
    assert_int_equal(publish(fixture, &fixture->a, 1, "one again"), STATUS_OK);
    assert_int_equal(count_versions(fixture, &fixture->a), 3);
    RUN_UNTIL(fixture, strcmp(fixture->b.newest, "one again") == 0);
}

static void
without_the_claim_nothing_is_published(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(publish(fixture, &fixture->a, 1, "one"),
                     STATUS_FAILED_PRECONDITION);
    assert_int_equal(claim(fixture, &fixture->b, false), CATALOG_CLAIM_OURS);
    assert_int_equal(claim(fixture, &fixture->a, false), CATALOG_CLAIM_BUSY);
    assert_string_equal(fixture->a.claim.holder, "ingestd-2");
    assert_int_equal(publish(fixture, &fixture->a, 1, "one"),
                     STATUS_FAILED_PRECONDITION);
    assert_int_equal(count_versions(fixture, &fixture->a), 0);
}

static void
a_claim_of_the_dead_is_inherited(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(claim(fixture, &fixture->b, true), CATALOG_CLAIM_IDLE);
    assert_int_equal(claim(fixture, &fixture->a, false), CATALOG_CLAIM_OURS);
    assert_int_equal(claim(fixture, &fixture->b, true), CATALOG_CLAIM_BUSY);
    cut_off(fixture, &fixture->a, "ingestd-1");
    assert_int_equal(claim(fixture, &fixture->b, true),
                     CATALOG_CLAIM_INHERITED);
    assert_string_equal(fixture->b.claim.holder, "ingestd-1");
    assert_int_equal(publish(fixture, &fixture->b, 1, "one"), STATUS_OK);
    /* The one that came back has no claim any more. */
    RUN_UNTIL(fixture, catalog_store_is_up(fixture->a.store));
    assert_int_equal(publish(fixture, &fixture->a, 2, "two"),
                     STATUS_FAILED_PRECONDITION);
    assert_int_equal(count_versions(fixture, &fixture->b), 1);
    catalog_store_release(fixture->b.store);
    RUN_UNTIL(fixture, strcmp(fixture->a.newest, "one") == 0);
    RUN_UNTIL(fixture, claim(fixture, &fixture->a, true) == CATALOG_CLAIM_IDLE);
}

static void
a_pinned_version_is_handed_over_beside_the_newest(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(pin(fixture, &fixture->a, 1), STATUS_NOT_FOUND);
    assert_int_equal(claim(fixture, &fixture->a, false), CATALOG_CLAIM_OURS);
    assert_int_equal(publish(fixture, &fixture->a, 1, "one"), STATUS_OK);
    assert_int_equal(publish(fixture, &fixture->a, 2, "two"), STATUS_OK);
    assert_int_equal(pin(fixture, &fixture->b, 1), STATUS_OK);
    RUN_UNTIL(fixture, fixture->a.pinned_number == 1);
    assert_string_equal(fixture->a.pinned, "one");
    /* A publication right behind a pin must not hide it. */
    catalog_store_pin(fixture->b.store, 0, on_done, &fixture->b);
    assert_int_equal(publish(fixture, &fixture->a, 3, "three"), STATUS_OK);
    RUN_UNTIL(fixture, fixture->a.pinned_number == 0 &&
                           strcmp(fixture->b.newest, "three") == 0 &&
                           fixture->b.pinned_number == 0);
}

#define STORED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORED(what_one_publishes_the_others_get),
        STORED(a_version_is_kept_when_the_content_differs),
        STORED(without_the_claim_nothing_is_published),
        STORED(a_claim_of_the_dead_is_inherited),
        STORED(a_pinned_version_is_handed_over_beside_the_newest),
    };

    if (!temp_postgres_start())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
