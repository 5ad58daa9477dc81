/* Rows of api_keys that are none: left out alone, said, and in nobody's way.
 *
 * The table's own checks are dropped at the start of this program, as a hand
 * in the database may have done. */
#include "tests/services/feedbackd/key_watcher.h"

#include "services/runtime/log.h"

#include <fcntl.h>
#include <unistd.h>

#define ROW(id, tenant, label, hash)                                           \
    "INSERT INTO api_keys (id, tenant, label, key_hash) VALUES"                \
    " (" id ", " tenant ", " label ", " hash ")"
#define BAD ROW("'bad1'", "'two words'", "''", "sha256('bad1')")

/* --- what Health and the log say --- */

/* What Health says of the snapshot "tenants"; "" when all is well. */
static const char *
trouble_of(const struct node *node)
{
    struct snapshot_published published;

    for (size_t i = 0; snapshot_published_at(node->server, i, &published); i++)
        if (strcmp(published.name, "tenants") == 0)
            return published.trouble ? published.trouble : "";
    fail_msg("the tenants are not published");
    return "";
}

static bool
is_troubled(const struct node *node)
{
    return trouble_of(node)[0] != '\0';
}

static bool
is_well(const struct node *node)
{
    return !is_troubled(node);
}

/* The log goes to a file from here on. */
static int
log_to_file(const struct fixture *fixture)
{
    char path[160];
    int fd = -1;

    (void)snprintf(path, sizeof(path), "%s/log", fixture->stand.folder);
    fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    assert_true(fd >= 0);
    log_start("test-1", LOG_WARN, fd);
    return fd;
}

/* How often the log holds a text. */
static unsigned
count_said(int fd, const char *text)
{
    static char bytes[65536];
    unsigned count = 0;
    ssize_t len = pread(fd, bytes, sizeof(bytes) - 1, 0);

    assert_true(len >= 0);
    bytes[len] = '\0';
    for (const char *at = bytes; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void
log_to_stderr(int fd)
{
    log_start("-", LOG_INFO, STDERR_FILENO);
    (void)close(fd);
}

static int64_t
left_out(const struct fixture *fixture)
{
    return *metrics_gauge(fixture->stand.metrics, "api_keys_left_out", "", "");
}

/* --- one bad row --- */

static void
a_malformed_row_is_left_out_and_a_revocation_arrives(void **state)
{
    struct fixture fixture;
    struct watcher watcher;
    struct ended ended;
    char key[64], id[64];

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    add(&fixture.node, (char[]){"acme"}, NULL, key, id);
    watcher_wait(&watcher, has_one);
    sql(BAD);
    revoke_key(&fixture.node, id, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    ended_forget(&ended);
    watcher_wait(&watcher, has_one_revoked);
    assert_true(find(&watcher, key)->revoked);
    assert_true(fixture.node.ready);
    assert_string_equal(trouble_of(&fixture.node),
                        "an API key is left out (id bad1: malformed tenant): "
                        "correct or delete its row in the table api_keys");
    /* And one who comes now gets the others. */
    add(&fixture.node, (char[]){"acme"}, NULL, key, id);
    watcher_wait(&watcher, has_one);
    assert_int_equal(watcher.seen->key_count, 2);
    sql("DELETE FROM api_keys WHERE id = 'bad1'");
    node_wait(&fixture.node, is_well);
    watcher_close(&watcher);
    fixture_close(&fixture);
}

static void
whatever_is_malformed_is_left_out_and_named(void **state)
{
    static const struct {
        const char *row, *words;
    } rows[] = {
        {ROW("'UPPER'", "'t'", "''", "sha256('1')"), ": malformed id)"},
        {ROW("NULL", "'t'", "''", "sha256('1')"), ": malformed id)"},
        {ROW("'b'", "'two words'", "''", "sha256('1')"),
         "(id b: malformed tenant)"},
        {ROW("'b'", "NULL", "''", "sha256('1')"), "(id b: malformed tenant)"},
        {ROW("'b'", "'t'", "repeat('x', 65)", "sha256('1')"),
         "(id b: malformed label)"},
        {ROW("'b'", "'t'", "E'a\\nb'", "sha256('1')"),
         "(id b: malformed label)"},
        {ROW("'b'", "'t'", "''", "'short'"), "(id b: malformed hash)"},
        {ROW("'b'", "'t'", "''", "NULL"), "(id b: malformed hash)"},
        {ROW("'b'", "'t'", "''", "sha256('g')"), "(id b: hash of another row)"},
    };
    struct fixture fixture;
    struct watcher watcher;

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    sql(ROW("'good'", "'t'", "''", "sha256('g')"));
    watcher_wait(&watcher, has_one);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        sql(rows[i].row);
        node_wait(&fixture.node, is_troubled);
        if (!strstr(trouble_of(&fixture.node), rows[i].words))
            fail_msg("%s: %s", rows[i].row, trouble_of(&fixture.node));
        assert_int_equal(watcher.seen->key_count, 1);
        assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 2);
        sql("DELETE FROM api_keys WHERE id IS DISTINCT FROM 'good'");
        node_wait(&fixture.node, is_well);
    }
    watcher_close(&watcher);
    fixture_close(&fixture);
}

/* Of one hash the row that says "revoked" is believed, whichever is older. */
static void
a_hash_that_was_revoked_in_one_row_is_revoked(void **state)
{
    struct fixture fixture;
    struct watcher watcher;

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    sql(ROW("'a'", "'t'", "''", "sha256('1')"));
    watcher_wait(&watcher, has_one);
    sql("INSERT INTO api_keys (id, tenant, key_hash, created_at, revoked_at)"
        " VALUES ('b', 't', sha256('1'), now() + interval '1 h', now())");
    watcher_wait(&watcher, has_one_revoked);
    assert_non_null(strstr(trouble_of(&fixture.node), "(id a: hash of"));
    watcher_close(&watcher);
    fixture_close(&fixture);
}

static bool
has_two_revoked(const struct watcher *watcher)
{
    return watcher->seen->key_count == 2 && live_keys(watcher) == 0;
}

static void
two_keys_of_one_id_are_published_and_revoked_together(void **state)
{
    struct fixture fixture;
    struct watcher watcher;
    struct ended ended;

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    sql(ROW("'same'", "'t'", "''", "sha256('1')"));
    sql(ROW("'same'", "'u'", "''", "sha256('2')"));
    watcher_wait(&watcher, has_two);
    assert_true(is_well(&fixture.node));
    revoke_key(&fixture.node, (char[]){"same"}, &ended);
    assert_int_equal(ended.status, STATUS_OK);
    ended_forget(&ended);
    watcher_wait(&watcher, has_two_revoked);
    watcher_close(&watcher);
    fixture_close(&fixture);
}

/* --- how it is said --- */

static bool
has_two_bad(const struct node *node)
{
    return strstr(trouble_of(node), "2 API keys are left out (the first") !=
           NULL;
}

static void
it_is_said_once_until_other_rows_are_bad(void **state)
{
    struct fixture fixture;
    struct watcher watcher;
    char key[64], id[64];
    int log = -1;

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    sql(ROW("'good'", "'t'", "''", "sha256('g')"));
    watcher_wait(&watcher, has_one);
    log = log_to_file(&fixture);
    sql(BAD);
    node_wait(&fixture.node, is_troubled);
    /* Neither a look nor a change of other rows says it again. */
    add(&fixture.node, (char[]){"acme"}, NULL, key, id);
    watcher_wait(&watcher, has_two);
    rpc_stand_run_for(&fixture.stand, (ms_dur)5 * NODE_INTERVAL_MS);
    assert_int_equal(count_said(log, " warn "), 1);
    assert_int_equal(count_said(log, "key-left-out row=\"id bad1\""
                                     " why=\"malformed tenant\" next="),
                     1);
    sql(ROW("'bad2'", "'t'", "''", "'short'"));
    node_wait(&fixture.node, has_two_bad);
    assert_int_equal(count_said(log, "row=\"id bad2\""), 1);
    assert_int_equal(left_out(&fixture), 2);
    sql("DELETE FROM api_keys WHERE id IN ('bad1', 'bad2')");
    node_wait(&fixture.node, is_well);
    assert_int_equal(left_out(&fixture), 0);
    /* Gone and back is news. */
    sql(BAD);
    node_wait(&fixture.node, is_troubled);
    assert_true(count_said(log, "row=\"id bad1\"") > 2);
    log_to_stderr(log);
    watcher_close(&watcher);
    fixture_close(&fixture);
}

/* Somebody pasted the key itself where its id belongs. */
static void
what_may_be_a_key_is_not_said(void **state)
{
    struct fixture fixture;
    int log = -1;

    (void)state;
    fixture_open(&fixture);
    sql(ROW("'good'", "'t'", "''", "sha256('g')"));
    log = log_to_file(&fixture);
    sql(ROW("'ssk_secret'", "'t'", "''", "'ssk_secret'"));
    node_wait(&fixture.node, is_troubled);
    assert_non_null(strstr(trouble_of(&fixture.node), "(ctid (0,"));
    assert_int_equal(count_said(log, "row=\"ctid (0,"), 1);
    assert_int_equal(count_said(log, "ssk_"), 0);
    log_to_stderr(log);
    fixture_close(&fixture);
}

static void
of_very_many_bad_rows_some_are_named(void **state)
{
    struct fixture fixture;
    struct watcher watcher;
    int log = -1;

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    log = log_to_file(&fixture);
    sql("INSERT INTO api_keys (id, tenant, key_hash) SELECT 'k' || n,"
        " CASE WHEN n = 500 THEN 't' ELSE '' END, sha256(n::text::bytea)"
        " FROM generate_series(1, 1000) n");
    watcher_wait(&watcher, has_one);
    assert_non_null(strstr(trouble_of(&fixture.node), "999 API keys are"));
    assert_int_equal(count_said(log, "key-left-out"), 8);
    assert_int_equal(count_said(log, "keys-left-out malformed=999"), 1);
    log_to_stderr(log);
    watcher_close(&watcher);
    fixture_close(&fixture);
}

/* --- not one good row --- */

static bool
lacks_good_keys(const struct node *node)
{
    return !node->ready &&
           strstr(node->detail, "no API key can be published (the first of 1 "
                                "is id bad1: malformed tenant)") != NULL;
}

/* No keys at all would mean that nobody needs one. */
static void
without_one_good_row_followers_keep_what_they_have(void **state)
{
    struct fixture fixture;
    struct node late;
    struct watcher watcher, late_watcher;
    int log = -1;

    (void)state;
    fixture_open(&fixture);
    watcher_open(&watcher, &fixture.node);
    sql(ROW("'good'", "'t'", "''", "sha256('g')"));
    watcher_wait(&watcher, has_one);
    log = log_to_file(&fixture);
    sql("DELETE FROM api_keys; " BAD);
    node_wait(&fixture.node, is_troubled);
    rpc_stand_run_for(&fixture.stand, (ms_dur)3 * NODE_INTERVAL_MS);
    assert_int_equal(count_said(log, "tenants-not-published"), 1);
    log_to_stderr(log);
    assert_true(has_one(&watcher));
    assert_true(fixture.node.ready);
    /* Of a process that never published any nobody is to think so. */
    node_open(&late, &fixture.stand, "feedbackd-2", url, NODE_INTERVAL_MS);
    watcher_open(&late_watcher, &late);
    node_wait(&late, lacks_good_keys);
    assert_null(late_watcher.seen);
    sql("UPDATE api_keys SET tenant = 't'");
    node_wait(&late, is_ready);
    watcher_wait(&late_watcher, has_one);
    node_wait(&fixture.node, is_well);
    watcher_close(&late_watcher);
    node_close(&late);
    watcher_close(&watcher);
    fixture_close(&fixture);
}

static int
start_without_checks(void **state)
{
    if (cluster_start(state) != 0)
        return 1;
    sql("ALTER TABLE api_keys DROP CONSTRAINT api_keys_id_check,"
        " DROP CONSTRAINT api_keys_tenant_check,"
        " DROP CONSTRAINT api_keys_label_check,"
        " DROP CONSTRAINT api_keys_key_hash_check,"
        " DROP CONSTRAINT api_keys_pkey, DROP CONSTRAINT api_keys_key_hash_key,"
        " ALTER id DROP NOT NULL, ALTER tenant DROP NOT NULL,"
        " ALTER key_hash DROP NOT NULL");
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_malformed_row_is_left_out_and_a_revocation_arrives),
        cmocka_unit_test(whatever_is_malformed_is_left_out_and_named),
        cmocka_unit_test(a_hash_that_was_revoked_in_one_row_is_revoked),
        cmocka_unit_test(two_keys_of_one_id_are_published_and_revoked_together),
        cmocka_unit_test(it_is_said_once_until_other_rows_are_bad),
        cmocka_unit_test(what_may_be_a_key_is_not_said),
        cmocka_unit_test(of_very_many_bad_rows_some_are_named),
        cmocka_unit_test(without_one_good_row_followers_keep_what_they_have),
    };

    return cmocka_run_group_tests(tests, start_without_checks, NULL);
}
