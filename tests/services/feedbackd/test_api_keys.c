/* API keys: made, listed, revoked, and followed as the snapshot "tenants". */
#include "tests/services/feedbackd/key_watcher.h"

#define MANY TENANTS_KEYS_MAX

/* --- normal use --- */

static void
a_new_key_is_followed_by_its_hash(void **state)
{
    struct fixture fixture;
    struct watcher watcher;
    char key[64], id[64];
    const struct tenant_key *found = NULL;

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    watcher_wait(&watcher, has_none); /* none is a snapshot too */
    add(&fixture.node, (char[]){"acme"}, (char[]){"ci, \xc3\xa9"}, key, id);
    assert_int_equal(strlen(key), SECRET_API_KEY_LEN);
    watcher_wait(&watcher, has_one);
    found = find(&watcher, key);
    assert_non_null(found);
    assert_true(slice_eq(found->tenant, SLICE("acme")));
    assert_true(slice_eq(found->label, SLICE("ci, \xc3\xa9")));
    assert_true(slice_eq(found->id, slice_of(id)));
    assert_non_null(strstr(key, id));
    watcher_close(&watcher);
    fixture_close(&fixture);
}

static void
a_revoked_key_stays_and_is_marked(void **state)
{
    struct fixture fixture;
    struct watcher watcher;
    struct ended ended;
    char key[64], id[64];
    int64_t first = 0;
    const Ss__RevokeKeyReply *reply = NULL;

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    add(&fixture.node, (char[]){"acme"}, NULL, key, id);
    watcher_wait(&watcher, has_one);
    revoke_key(&fixture.node, id, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    reply = (const Ss__RevokeKeyReply *)ended.reply;
    assert_string_equal(reply->tenant, "acme");
    first = reply->revoked_at->ms;
    assert_true(first > 1600000000000);
    ended_forget(&ended);
    watcher_wait(&watcher, has_one_revoked);
    assert_true(find(&watcher, key)->revoked);
    /* Again: the first time stands. */
    rpc_stand_run_for(&fixture.stand, 5);
    revoke_key(&fixture.node, id, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    reply = (const Ss__RevokeKeyReply *)ended.reply;
    assert_int_equal(reply->revoked_at->ms, first);
    ended_forget(&ended);
    watcher_close(&watcher);
    fixture_close(&fixture);
}

static void
keys_are_listed_oldest_first(void **state)
{
    struct fixture fixture;
    struct ended ended;
    Ss__ListKeysRequest request = SS__LIST_KEYS_REQUEST__INIT;
    char key[64], ids[5][64];
    const Ss__ListKeysReply *reply = NULL;

    (void)state;
    fixture_open(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        add(&fixture.node, (char[]){"acme"}, i ? (char[]){"x"} : NULL, key,
            ids[i]);
    revoke_key(&fixture.node, ids[2], &ended);
    ended_forget(&ended);
    keys_call(&fixture.node, LIST_KEYS, &request, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    reply = (const Ss__ListKeysReply *)ended.reply;
    assert_int_equal(reply->n_keys, ARRAY_LEN(ids));
    for (size_t i = 0; i < reply->n_keys; i++) {
        assert_string_equal(reply->keys[i]->id, ids[i]);
        assert_int_equal(reply->keys[i]->revoked_at != NULL, i == 2);
        assert_int_equal(reply->keys[i]->label != NULL, i > 0);
    }
    ended_forget(&ended);
    /* Of one age: by id, so that the order is the same each time. */
    sql("UPDATE api_keys SET created_at = '2026-01-01'");
    keys_call(&fixture.node, LIST_KEYS, &request, &ended);
    reply = (const Ss__ListKeysReply *)ended.reply;
    assert_int_equal(reply->keys[0]->created_at->ms, 1767225600000);
    for (size_t i = 1; i < reply->n_keys; i++)
        assert_true(strcmp(reply->keys[i - 1]->id, reply->keys[i]->id) < 0);
    ended_forget(&ended);
    fixture_close(&fixture);
}

/* Which only hands in the database can give. */
static void
a_key_of_endless_times_is_listed_beside_the_others(void **state)
{
    struct fixture fixture;
    struct ended ended;
    Ss__ListKeysRequest request = SS__LIST_KEYS_REQUEST__INIT;
    char key[64], ids[2][64];
    const Ss__ListKeysReply *reply = NULL;

    (void)state;
    fixture_open(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        add(&fixture.node, (char[]){"acme"}, NULL, key, ids[i]);
    sql("UPDATE api_keys SET created_at = '-infinity', revoked_at = 'infinity'"
        " WHERE created_at = (SELECT min(created_at) FROM api_keys)");
    keys_call(&fixture.node, LIST_KEYS, &request, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    reply = (const Ss__ListKeysReply *)ended.reply;
    assert_int_equal(reply->n_keys, 2);
    assert_string_equal(reply->keys[0]->id, ids[0]);
    assert_int_equal(reply->keys[0]->created_at->ms, 0);
    assert_int_equal(reply->keys[0]->revoked_at->ms, UTC_MS_MAX);
    assert_null(reply->keys[1]->revoked_at);
    ended_forget(&ended);
    fixture_close(&fixture);
}

static void
no_keys_are_an_empty_list(void **state)
{
    struct fixture fixture;
    struct ended ended;
    Ss__ListKeysRequest request = SS__LIST_KEYS_REQUEST__INIT;

    (void)state;
    fixture_open(&fixture);
    keys_call(&fixture.node, LIST_KEYS, &request, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    assert_int_equal(((const Ss__ListKeysReply *)ended.reply)->n_keys, 0);
    ended_forget(&ended);
    fixture_close(&fixture);
}

/* --- several feedbackd, and hands in the database --- */

/* Its own timer looks once a minute: it can only have been told. */
static void
another_feedbackd_hears_of_a_key_and_of_its_end(void **state)
{
    struct fixture fixture;
    struct node second;
    struct watcher watcher;
    struct ended ended;
    char key[64], id[64];

    (void)state;
    fixture_open(&fixture);
    node_open(&second, &fixture.stand, "feedbackd-2", url, 60000);
    watcher_open(&watcher, &second);
    watcher_wait(&watcher, has_none);
    add(&fixture.node, (char[]){"acme"}, NULL, key, id);
    watcher_wait(&watcher, has_one);
    revoke_key(&fixture.node, id, &ended);
    ended_forget(&ended);
    watcher_wait(&watcher, has_one_revoked);
    watcher_close(&watcher);
    node_close(&second);
    fixture_close(&fixture);
}

/* Nobody tells of a row that was written by hand. */
static void
what_nobody_told_of_is_seen_at_the_next_interval(void **state)
{
    struct fixture fixture;
    struct watcher watcher;

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    watcher_wait(&watcher, has_none);
    sql("INSERT INTO api_keys (id, tenant, key_hash) VALUES"
        " ('a', 't', sha256('1')), ('b', 't', sha256('2'))");
    watcher_wait(&watcher, has_two);
    /* As many as before, but others. */
    sql("DELETE FROM api_keys WHERE id = 'a'; INSERT INTO api_keys"
        " (id, tenant, key_hash, revoked_at)"
        " VALUES ('c', 't', sha256('3'), now())");
    watcher_wait(&watcher, has_one);
    assert_int_equal(watcher.seen->key_count, 2);
    sql("DELETE FROM api_keys");
    watcher_wait(&watcher, has_none);
    watcher_close(&watcher);
    fixture_close(&fixture);
}

static void
nothing_new_is_neither_read_nor_published_again(void **state)
{
    struct fixture fixture;
    struct watcher watcher;
    char key[64], id[64];
    uint64_t loads = 0;
    unsigned wholes = 0;

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    add(&fixture.node, (char[]){"acme"}, NULL, key, id);
    watcher_wait(&watcher, has_one);
    loads = rpc_stand_count(fixture.stand.metrics, "tenant_loads_total");
    wholes = watcher.wholes;
    assert_true(loads >= 1);
    rpc_stand_run_for(&fixture.stand, (ms_dur)5 * NODE_INTERVAL_MS);
    assert_int_equal(
        rpc_stand_count(fixture.stand.metrics, "tenant_loads_total"), loads);
    assert_int_equal(watcher.wholes, wholes);
    watcher_close(&watcher);
    fixture_close(&fixture);
}

/* Sent at once through two feedbackd, they meet in PostgreSQL. */
static void
of_many_first_keys_at_once_one_is_made(void **state)
{
    struct fixture fixture;
    struct node second;
    struct ended ended[24];
    Ss__AddKeyRequest request = key_for((char[]){"default"}, (char[]){"first"});
    unsigned made = 0;

    (void)state;
    fixture_open(&fixture);
    node_open(&second, &fixture.stand, "feedbackd-2", url, NODE_INTERVAL_MS);
    node_wait(&second, is_ready);
    request.has_only_first = true;
    request.only_first = true;
    for (size_t i = 0; i < ARRAY_LEN(ended); i++)
        keys_call_start(i % 2 ? &second : &fixture.node, ADD_KEY, &request,
                        &ended[i]);
    for (size_t i = 0; i < ARRAY_LEN(ended); i++) {
        assert_true(rpc_stand_run(&fixture.stand, &ended[i].done));
        made += ended[i].status == STATUS_OK;
        if (ended[i].status != STATUS_OK) {
            assert_int_equal(ended[i].status, STATUS_FAILED_PRECONDITION);
            assert_string_equal(ended[i].message, "there are keys already");
        }
        ended_forget(&ended[i]);
    }
    assert_int_equal(made, 1);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 1);
    /* A revoked key counts as one that was. */
    sql("UPDATE api_keys SET revoked_at = now()");
    keys_call(&fixture.node, ADD_KEY, &request, &ended[0]);
    assert_int_equal(ended[0].status, STATUS_FAILED_PRECONDITION);
    node_close(&second);
    fixture_close(&fixture);
}

/* One who holds the lock of makers has added but not committed. */
static void
a_first_key_waits_for_one_that_is_being_made(void **state)
{
    struct fixture fixture;
    struct ended ended;
    struct pg_session *session = session_open("feedback");
    Ss__AddKeyRequest request = key_for((char[]){"default"}, NULL);

    (void)state;
    fixture_open(&fixture);
    request.has_only_first = true;
    request.only_first = true;
    session_run(session, "BEGIN");
    session_run(session, "SELECT api_keys_add('slow', 't', '', sha256('1'),"
                         " false, 10)");
    keys_call_start(&fixture.node, ADD_KEY, &request, &ended);
    rpc_stand_run_for(&fixture.stand, 200);
    assert_false(ended.done);
    session_run(session, "COMMIT");
    assert_true(rpc_stand_run(&fixture.stand, &ended.done));
    assert_int_equal(ended.status, STATUS_FAILED_PRECONDITION);
    pg_session_close(&session);
    fixture_close(&fixture);
}

/* --- limits --- */

/* Every row as long as it may be, hashes ascending with n. */
#define FILL                                                                   \
    "INSERT INTO api_keys (id, tenant, label, key_hash)"                       \
    " SELECT 'filled' || n, repeat('t', 64), repeat('l', 64),"                 \
    " decode(lpad(to_hex(n), 64, '0'), 'hex') FROM generate_series(%d, %d) n"

static void
fill(int from, int to)
{
    char text[400];

    (void)snprintf(text, sizeof(text), FILL, from, to);
    sql(text);
}

static void
is_full(struct node *node)
{
    struct ended ended;
    Ss__AddKeyRequest request = key_for((char[]){"acme"}, NULL);
    Ss__ListKeysRequest list = SS__LIST_KEYS_REQUEST__INIT;

    keys_call(node, ADD_KEY, &request, &ended);
    assert_int_equal(ended.status, STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(ended.reason, "TOO_MANY_KEYS");
    assert_non_null(strstr(ended.message, "65536 keys"));
    keys_call(node, LIST_KEYS, &list, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    assert_int_equal(((const Ss__ListKeysReply *)ended.reply)->n_keys, MANY);
    ended_forget(&ended);
}

static bool
knows_no_more(const struct watcher *watcher)
{
    return watcher->seen && watcher->seen->key_count == MANY &&
           live_keys(watcher) == MANY;
}

/* Which have hashes of many zeros. */
static bool
knows_filled_ones_alone(const struct watcher *watcher)
{
    const struct tenants *seen = watcher->seen;

    return knows_no_more(watcher) &&
           slice_starts(seen->keys[seen->key_count - 1].id, SLICE("filled"));
}

static bool
knows_a_revoked_one(const struct watcher *watcher)
{
    return watcher->seen && watcher->seen->key_count == MANY &&
           live_keys(watcher) == MANY - 1;
}

static bool
says_too_many(const struct node *node)
{
    return strncmp(tenant_keeper_trouble(node->stack.tenants.keeper),
                   "1 more API keys than the 65536 there may be: ", 45) == 0;
}

static bool
says_nothing(const struct node *node)
{
    return !tenant_keeper_trouble(node->stack.tenants.keeper)[0];
}

/* One more than there may be, by hand, has no place: it is left out, and stops
 * neither the others nor a revocation. A revoked one has none before a live
 * one; unknown it admits nobody either. Filling takes long, hence all in one
 * test. */
static void
the_most_keys_are_published_and_one_more_takes_no_place(void **state)
{
    struct fixture fixture;
    struct watcher watcher;
    struct ended ended;
    char key[64], id[64];

    (void)state;
    fixture_open(&fixture);
    fill(1, MANY - 1);
    /* The loop stood still meanwhile: its clock has to catch up first. */
    rpc_stand_run_for(&fixture.stand, (ms_dur)10 * NODE_INTERVAL_MS);
    watcher_open(&watcher, &fixture.node);
    add(&fixture.node, (char[]){"acme"}, NULL, key, id);
    watcher_wait(&watcher, knows_no_more);
    assert_true(slice_eq(find(&watcher, key)->tenant, SLICE("acme")));
    is_full(&fixture.node);
    fill(MANY, MANY);
    node_wait(&fixture.node, says_too_many);
    assert_true(knows_no_more(&watcher));
    assert_non_null(find(&watcher, key)); /* it is older */
    revoke_key(&fixture.node, id, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    ended_forget(&ended);
    watcher_wait(&watcher, knows_filled_ones_alone);
    assert_null(find(&watcher, key));
    sql("DELETE FROM api_keys WHERE id = 'filled1'");
    watcher_wait(&watcher, knows_a_revoked_one);
    assert_true(find(&watcher, key)->revoked);
    node_wait(&fixture.node, says_nothing);
    watcher_close(&watcher);
    fixture_close(&fixture);
}

/* --- failures --- */

static void
bad_names_and_labels_are_refused_with_their_rule(void **state)
{
    static char longest[TENANT_MAX + 2];
    static const struct {
        const char *tenant, *label, *message;
    } rows[] = {
        {"", NULL, "tenant must be 1 to 64 bytes of A-Z a-z 0-9 . _ -"},
        {"two words", NULL,
         "tenant must be 1 to 64 bytes of A-Z a-z 0-9 . _ -"},
        {longest, NULL, "tenant must be 1 to 64 bytes of A-Z a-z 0-9 . _ -"},
        {"acme", longest, "label must be at most 64 bytes"},
        {"acme", "line\nbreak", "label must hold no control characters"},
        {"acme", "\xc2\x9b", "label must hold no control characters"},
    };
    struct fixture fixture;
    struct ended ended;

    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    fixture_open(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char tenant[80], label[80];
        Ss__AddKeyRequest request =
            key_for(tenant, rows[i].label ? label : NULL);

        (void)snprintf(tenant, sizeof(tenant), "%s", rows[i].tenant);
        (void)snprintf(label, sizeof(label), "%s",
                       rows[i].label ? rows[i].label : "");
        keys_call(&fixture.node, ADD_KEY, &request, &ended);
        assert_int_equal(ended.status, STATUS_INVALID_ARGUMENT);
        assert_string_equal(ended.reason, "INVALID_PARAM");
        assert_string_equal(ended.message, rows[i].message);
    }
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 0);
    fixture_close(&fixture);
}

/* Also one who pastes the whole key, which is then not repeated. */
static void
an_id_that_is_none_is_not_found(void **state)
{
    struct fixture fixture;
    struct ended ended;
    char key[64], id[64];

    (void)state;
    fixture_open(&fixture);
    add(&fixture.node, (char[]){"acme"}, NULL, key, id);
    char *ids[] = {(char[]){"nobodys1"}, (char[]){""}, key,
                   (char[]){"'; DROP TABLE api_keys"}};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        revoke_key(&fixture.node, ids[i], &ended);
        assert_int_equal(ended.status, STATUS_NOT_FOUND);
        assert_string_equal(ended.message, "there is no key of this id");
    }
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"
                               " WHERE revoked_at IS NULL"),
                     1);
    fixture_close(&fixture);
}

/* Past our own checks, the table has its own. */
static void
the_table_refuses_what_no_key_can_be(void **state)
{
    static const char *const rows[] = {
        "('UPPER', 't', '', sha256('1'))",
        "('', 't', '', sha256('1'))",
        "('a', 'two words', '', sha256('1'))",
        "('a', '', '', sha256('1'))",
        "('a', 't', repeat('x', 65), sha256('1'))",
        "('a', 't', E'a\\nb', sha256('1'))",
        "('a', 't', E'\\u009b', sha256('1'))",
        "('a', 't', '', 'short')",
    };
    struct pg_session *session = session_open("feedback");
    char text[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)snprintf(
            text, sizeof(text),
            "INSERT INTO api_keys (id, tenant, label, key_hash) VALUES %s",
            rows[i]);
        assert_int_equal(pg_session_run(session, text),
                         STATUS_INVALID_ARGUMENT);
    }
    pg_session_close(&session);
}

static void
without_postgresql_calls_are_refused_and_the_keys_stay(void **state)
{
    struct fixture fixture;
    struct watcher watcher;
    struct watcher late;
    struct ended ended;
    Ss__AddKeyRequest request = key_for((char[]){"acme"}, NULL);
    Ss__ListKeysRequest list = SS__LIST_KEYS_REQUEST__INIT;
    char key[64], id[64];

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    add(&fixture.node, (char[]){"acme"}, NULL, key, id);
    watcher_wait(&watcher, has_one);
    temp_postgres_crash();
    node_wait(&fixture.node, is_not_ready);
    keys_call(&fixture.node, ADD_KEY, &request, &ended);
    assert_int_equal(ended.status, STATUS_UNAVAILABLE);
    assert_true(ended.retry_after > 0);
    assert_non_null(strstr(ended.message, "nothing was changed"));
    keys_call(&fixture.node, LIST_KEYS, &list, &ended);
    assert_int_equal(ended.status, STATUS_UNAVAILABLE);
    revoke_key(&fixture.node, id, &ended);
    assert_int_equal(ended.status, STATUS_UNAVAILABLE);
    /* A gateway that starts now gets the keys all the same. */
    watcher_open(&late, &fixture.node);
    watcher_wait(&late, has_one);
    assert_true(temp_postgres_restart());
    node_wait(&fixture.node, is_ready);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 1);
    revoke_key(&fixture.node, id, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    ended_forget(&ended);
    watcher_wait(&late, has_one_revoked);
    watcher_close(&late);
    watcher_close(&watcher);
    fixture_close(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_is_followed_by_its_hash),
        cmocka_unit_test(a_revoked_key_stays_and_is_marked),
        cmocka_unit_test(keys_are_listed_oldest_first),
        cmocka_unit_test(a_key_of_endless_times_is_listed_beside_the_others),
        cmocka_unit_test(no_keys_are_an_empty_list),
        cmocka_unit_test(another_feedbackd_hears_of_a_key_and_of_its_end),
        cmocka_unit_test(what_nobody_told_of_is_seen_at_the_next_interval),
        cmocka_unit_test(nothing_new_is_neither_read_nor_published_again),
        cmocka_unit_test(of_many_first_keys_at_once_one_is_made),
        cmocka_unit_test(a_first_key_waits_for_one_that_is_being_made),
        cmocka_unit_test(
            the_most_keys_are_published_and_one_more_takes_no_place),
        cmocka_unit_test(bad_names_and_labels_are_refused_with_their_rule),
        cmocka_unit_test(an_id_that_is_none_is_not_found),
        cmocka_unit_test(the_table_refuses_what_no_key_can_be),
        cmocka_unit_test(
            without_postgresql_calls_are_refused_and_the_keys_stay),
    };
    return cmocka_run_group_tests(tests, cluster_start, NULL);
}
