/* Who may do what, over real HTTP: keys, the machine's token, pages of other
 * origins, a gateway that others can reach, and one that does not know its
 * keys yet. Every group of tests has a gateway of its own. */
#include "tests/services/gatewayd/gateway_side.h"

#include "services/gatewayd/gateway_request.h"
#include "services/runtime/home.h"

#define ALICE "ssk_alice001_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BOB "ssk_bob00001_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CAROL "ssk_carol001_ccccccccccccccccccccccccccccccccccccccccccc"
#define TOKEN "token-of-this-machine-0123456789"
#define WITH(key) LOCAL "Authorization: Bearer " key "\r\n"
#define EVIL "Origin: https://evil.example\r\n"

/* A file of the gateway's home. */
static void
write_file(const char *name, const char *text)
{
    char path[192];

    (void)snprintf(path, sizeof(path), "%s/%s", side.folder, name);
    CHECK(home_write_file(path, text, strlen(text)) == STATUS_OK);
}

/* Questions are asked again and again until the answer is this. */
static void
expect_soon(const char *method, const char *target, const char *headers,
            int status)
{
    int got = 0;

    for (int i = 0; i < 500; i++) {
        struct http_answer answer = ask(method, target, headers, NULL);

        got = answer.status;
        free(answer.text);
        if (got == status)
            return;
        (void)poll(NULL, 0, 10);
    }
    fail_msg("%s %s is still %d, not %d", method, target, got, status);
}

static void
expect_whose(const char *headers, const char *tenant)
{
    char part[96];

    (void)snprintf(part, sizeof(part), "\"id\":\"%s\"", tenant);
    expect(ask("GET", "/api/pick?task=whose", headers, NULL), 200, part);
}

static struct http_answer
write_with(const char *headers)
{
    return ask("POST", "/api/spawn-log", headers, "{\"model\":\"a/b\"}");
}

/* --- a gateway with keys --- */

static int
set_up_keys(void **state)
{
    static const struct side_key keys[] = {{ALICE, "alice001", "alice", false},
                                           {BOB, "bob00001", "bob", false},
                                           {CAROL, "carol001", "carol", true}};

    memset(&side, 0, sizeof(side));
    memcpy(side.keys, keys, sizeof(keys));
    side.key_count = ARRAY_LEN(keys);
    return set_up(state);
}

static void
a_call_is_made_for_the_tenant_of_its_key(void **state)
{
    (void)state;
    wait_until_ready();
    expect_soon("GET", "/api/pick?task=x", WITH(ALICE), 200);
    expect_whose(WITH(ALICE), "alice");
    expect_whose(WITH(BOB), "bob");
    expect_whose(LOCAL, "default");
    expect_whose("", ADMISSION_NOBODY); /* somebody far away */
    expect_whose(WITH(ALICE) EVIL, ADMISSION_NOBODY);
    expect_whose("Authorization: bearer  " BOB " \r\n", "bob");
    expect_whose(LOCAL "Authorization: Basic dXNlcjpwYXNz\r\n", "default");
}

static void
writing_needs_a_key_where_there_are_keys(void **state)
{
    int before = services_stand_writes();

    (void)state;
    expect(write_with(LOCAL), 401, "smart-spawn keys add");
    expect(write_with(LOCAL), 401, "WWW-Authenticate: Bearer\r\n");
    expect(ask("POST", "/api/refresh", LOCAL, NULL), 401, "UNAUTHORIZED");
    assert_int_equal(services_stand_writes(), before);
    expect(write_with(WITH(ALICE)), 200, "logged");
    assert_int_equal(services_stand_writes(), before + 1);
    expect(ask("POST", "/api/refresh", WITH(ALICE), NULL), 200, "started");
}

static void
a_key_that_is_no_good_is_refused_even_for_reading(void **state)
{
    static const char *const bad[] = {
        WITH("ssk_alice001_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
        WITH("ssk_alice001_"),
        WITH("x"),
        WITH(""),
        "Authorization: Bearer\r\n",
        WITH(ALICE " " BOB),
        WITH("token-of-this-machine-012345678"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        expect(ask("GET", "/api/pick?task=x", bad[i], NULL), 401,
               "not one of this server");
        expect(write_with(bad[i]), 401, "UNAUTHORIZED");
    }
    expect(ask("GET", "/api/pick?task=x", WITH(CAROL), NULL), 401, "revoked");
    expect(write_with(WITH(CAROL)), 401, "revoked");
    expect(ask("GET", "/api/pick?task=x",
               "Authorization: Bearer " ALICE "\r\n"
               "Authorization: Bearer " BOB "\r\n",
               NULL),
           400, "stands twice");
}

static void
a_page_of_another_origin_cannot_write_whatever_it_carries(void **state)
{
    static const char *const pages[] = {
        EVIL,
        "Origin: null\r\n",
        "Origin: http://localhost:1\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Referer: https://evil.example/form\r\n",
        EVIL "Authorization: Bearer " ALICE "\r\n",
        EVIL "Authorization: Bearer " TOKEN "\r\n",
        "Origin: null\r\nAuthorization: Bearer " ALICE "\r\n",
    };
    int before = services_stand_writes();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        expect(write_with(pages[i]), 403, "\"code\":\"FORBIDDEN\"");
    assert_int_equal(services_stand_writes(), before);
    expect(ask("GET", "/api/pick?task=x", EVIL, NULL), 200,
           "Access-Control-Allow-Origin: *");
    expect(write_with(WITH(ALICE) "Origin: http://localhost\r\n"
                                  "Sec-Fetch-Site: same-origin\r\n"
                                  "Content-Type: application/json\r\n"),
           200, "logged");
}

static void
the_machines_token_speaks_for_the_default_tenant(void **state)
{
    (void)state;
    write_file("token", TOKEN "\n");
    expect_soon("GET", "/api/pick?task=x", WITH(TOKEN), 200);
    expect_whose(WITH(TOKEN), "default");
    expect(write_with(WITH(TOKEN)), 200, "logged");
    write_file("token", "another-token-of-this-machine\n");
    expect_soon("GET", "/api/pick?task=x", WITH(TOKEN), 401);
    expect_whose(WITH("another-token-of-this-machine"), "default");
    write_file("token", "short\n");
    expect_soon("GET", "/api/pick?task=x",
                WITH("another-token-of-this-machine"), 401);
    expect(write_with(WITH("short")), 401, "UNAUTHORIZED");
    expect(write_with(WITH("")), 401, "UNAUTHORIZED");
    remove_file("token");
}

/* "ETag: …" of an answer, into text. */
static void
etag_of(const char *headers, char *text, size_t size)
{
    struct http_answer answer =
        ask("GET", "/api/pick?task=same", headers, NULL);
    const char *etag = strstr(answer.text, "ETag: ");

    assert_int_equal(answer.status, 200);
    assert_non_null(etag);
    assert_non_null(strstr(answer.text, "Vary: Authorization, Origin, Referer, "
                                        "Sec-Fetch-Site\r\n"));
    assert_non_null(
        strstr(answer.text, "Cache-Control: private, no-cache\r\n"));
    (void)snprintf(text, size, "%.18s", etag + 6);
    free(answer.text);
}

/* The made-up router gives both the same bytes: even then. */
static void
one_tenants_etag_never_stands_for_anothers_answer(void **state)
{
    char alice[32], bob[32], nobody[32], headers[256];

    (void)state;
    etag_of(WITH(ALICE), alice, sizeof(alice));
    etag_of(WITH(BOB), bob, sizeof(bob));
    etag_of("", nobody, sizeof(nobody));
    assert_string_not_equal(alice, bob);
    assert_string_not_equal(alice, nobody);
    (void)snprintf(headers, sizeof(headers),
                   WITH(ALICE) "If-None-Match: %s\r\n", alice);
    expect(ask("GET", "/api/pick?task=same", headers, NULL), 304, "ETag");
    (void)snprintf(headers, sizeof(headers), WITH(BOB) "If-None-Match: %s\r\n",
                   alice);
    expect(ask("GET", "/api/pick?task=same", headers, NULL), 200, "same");
}

static void
a_revoked_key_stops_when_the_snapshot_comes(void **state)
{
    (void)state;
    expect_whose(WITH(BOB), "bob");
    side.keys[1].revoked = true;
    order('p');
    expect_soon("GET", "/api/pick?task=x", WITH(BOB), 401);
    expect(write_with(WITH(BOB)), 401, "revoked");
    expect_whose(WITH(ALICE), "alice");
}

/* --- a gateway without keys --- */

static int
set_up_none(void **state)
{
    memset(&side, 0, sizeof(side));
    return set_up(state);
}

static void
without_keys_this_machine_writes_freely(void **state)
{
    (void)state;
    wait_until_ready();
    expect_soon("POST", "/api/spawn-log", LOCAL, 200);
    expect(write_with(LOCAL EVIL), 403, "FORBIDDEN");
    expect(write_with(WITH(ALICE)), 401, "not one of this server");
}

static void
who_comes_through_a_proxy_is_beyond_this_machine(void **state)
{
    (void)state;
    expect(write_with("X-Forwarded-For: 198.51.100.7\r\n"), 401,
           "reached from other machines");
    /* What the proxy added last is what counts. */
    expect(write_with("X-Forwarded-For: 127.0.0.9\r\n"
                      "X-Forwarded-For: 198.51.100.7\r\n"),
           401, "reached from other machines");
}

static int
set_up_unnamed(void **state)
{
    memset(&side, 0, sizeof(side));
    side.wishes.trusted_proxies = "10.9.9.9";
    return set_up(state);
}

/* A proxy on this machine that the configuration does not know of. */
static void
who_comes_through_an_unnamed_proxy_is_beyond_too(void **state)
{
    static const char *const marks[] = {
        "X-Forwarded-For: 198.51.100.7\r\n",
        "X-Forwarded-For: unknown\r\n",
        "Forwarded: for=198.51.100.7\r\nX-Forwarded-For:\r\n",
        "Via: 1.1 proxy\r\nX-Forwarded-For: \r\n",
    };
    static const char plain[] = "POST /api/spawn-log HTTP/1.1\r\n"
                                "Host: localhost\r\nConnection: close\r\n"
                                "Content-Length: 2\r\n\r\n{}";

    (void)state;
    wait_until_ready();
    for (int i = 0, status = 0; i < 500 && status != 200; i++) {
        struct http_answer answer =
            http_peer_send(side.port, plain, sizeof(plain) - 1);

        status = answer.status;
        free(answer.text);
    }
    expect(http_peer_send(side.port, plain, sizeof(plain) - 1), 200, "logged");
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        expect(write_with(marks[i]), 401, "reached from other machines");
}

static void
the_first_key_closes_it_to_others(void **state)
{
    (void)state;
    side.keys[0] = (struct side_key){ALICE, "alice001", "alice", true};
    side.key_count = 1;
    order('p');
    expect_soon("POST", "/api/spawn-log", LOCAL, 401);
    expect(write_with(LOCAL), 401, "has keys");
}

/* --- a gateway that others can reach --- */

static int
set_up_beyond(void **state)
{
    memset(&side, 0, sizeof(side));
    side.wishes.http.addresses = "0.0.0.0";
    return set_up(state);
}

static void
beyond_loopback_reading_is_open_and_writing_is_not(void **state)
{
    (void)state;
    wait_until_ready();
    write_file("token", TOKEN "\n");
    expect(get("/api/pick?task=x"), 200, "\"id\":\"x\"");
    expect(write_with(LOCAL), 401, "smart-spawn keys add");
    expect(write_with(LOCAL), 401, "write_open");
    expect_soon("POST", "/api/spawn-log", WITH(TOKEN), 200);
}

static int
set_up_open(void **state)
{
    memset(&side, 0, sizeof(side));
    side.wishes.http.addresses = "0.0.0.0";
    side.wishes.write_open = true;
    side.keys[0] = (struct side_key){ALICE, "alice001", "alice", false};
    side.key_count = 1;
    return set_up(state);
}

static void
a_public_server_takes_writes_from_everybody_but_pages(void **state)
{
    (void)state;
    wait_until_ready();
    expect(write_with("X-Forwarded-For: 198.51.100.7\r\n"), 200, "logged");
    expect(write_with(EVIL), 403, "FORBIDDEN");
    expect(write_with(WITH("x")), 401, "UNAUTHORIZED");
}

/* --- a gateway that does not know its keys yet --- */

static int
set_up_unknown(void **state)
{
    memset(&side, 0, sizeof(side));
    side.keys_unknown = true;
    return set_up(state);
}

static void
until_the_keys_are_known_nobody_is_taken_at_his_word(void **state)
{
    (void)state;
    wait_until_ready();
    write_file("token", TOKEN "\n");
    expect(get("/api/pick?task=x"), 200, "\"id\":\"x\"");
    expect(write_with(LOCAL), 503, "Retry-After: 1\r\n");
    expect(write_with(WITH(ALICE)), 503, "Retry-After: 1\r\n");
    expect(ask("GET", "/api/pick?task=x", WITH(ALICE), NULL), 503,
           "\"code\":\"UNAVAILABLE\"");
    expect_soon("POST", "/api/spawn-log", WITH(TOKEN), 200);
    side.keys[0] = (struct side_key){ALICE, "alice001", "alice", false};
    side.key_count = 1;
    order('p');
    expect_soon("POST", "/api/spawn-log", WITH(ALICE), 200);
    expect(write_with(LOCAL), 401, "has keys");
}

/* --- calls that cost money or run programs ---
 *
 * No row of the call table is of these classes yet. The way is the gateway's
 * own: real HTTP, its check, its replies; only the row is the test's. */

static struct http_server *dear;

static void
on_dear_request(void *context, struct http_exchange *exchange)
{
    static const struct api_call spend = {.route = "/spend",
                                          .class = CALL_SPEND};
    static const struct api_call exec = {.route = "/exec", .class = CALL_EXEC};
    struct gateway_request *request = calloc(1, sizeof(*request));
    bool is_spend = slice_eq(http_exchange_path(exchange), SLICE("/spend"));

    (void)context;
    CHECK(request);
    request->magic = GATEWAY_REQUEST_MAGIC;
    request->gateway = side.gateway;
    request->exchange = exchange;
    request->loggable = true;
    request->is_foreign = gateway_trust_is_foreign(exchange);
    request->call = is_spend ? &spend : &exec;
    CHECK(ip_parse(SLICE("127.0.0.1"), &request->client));
    if (!gateway_trust_refuses(request))
        gateway_reply_plain(request, 200, "text/plain",
                            slice_of(request->bearer.tenant));
}

static void
start_dear(void)
{
    const struct http_server_options options = {.addresses = "127.0.0.1",
                                                .max_head = 16 << 10,
                                                .max_body = 1 << 20,
                                                .max_connections = 16,
                                                .max_buffered = 1 << 20,
                                                .idle_timeout = 60000,
                                                .receive_timeout = 5000,
                                                .send_timeout = 5000,
                                                .trusted_proxies =
                                                    &side.gateway->trusted,
                                                .metrics = side.metrics,
                                                .on_request = on_dear_request};

    CHECK(http_server_new(side.loop, &options, &dear) == STATUS_OK);
}

static int
set_up_dear(void **state, bool spend_enabled)
{
    memset(&side, 0, sizeof(side));
    side.wishes.spend_enabled = spend_enabled;
    side.keys[0] = (struct side_key){ALICE, "alice001", "alice", false};
    side.key_count = 1;
    side.before_run = start_dear;
    return set_up(state);
}

static int
set_up_dear_off(void **state)
{
    return set_up_dear(state, false);
}

static int
set_up_dear_on(void **state)
{
    return set_up_dear(state, true);
}

/* After the loop ended and before it is freed. */
static int
tear_down_dear(void **state)
{
    order('s');
    CHECK(pthread_join(side.thread, NULL) == 0);
    http_server_free(&dear);
    side.before_run = NULL;
    CHECK(pthread_create(&side.thread, NULL, run_loop, NULL) == 0);
    return tear_down(state);
}

static struct http_answer
ask_dear(const char *path, const char *headers)
{
    return http_peer_ask(http_server_listen(dear)->port, "POST", path, headers,
                         "{}");
}

static void
what_costs_or_runs_is_off_until_it_is_turned_on(void **state)
{
    (void)state;
    wait_until_ready();
    expect_soon("GET", "/api/pick?task=x", WITH(ALICE), 200);
    expect(ask_dear("/spend", WITH(ALICE)), 403, "\"code\":\"DISABLED\"");
    expect(ask_dear("/spend", WITH(ALICE)), 403, "spend.enabled");
    expect(ask_dear("/exec", WITH(ALICE)), 403, "exec.enabled");
    expect(ask_dear("/exec", EVIL), 403, "\"code\":\"FORBIDDEN\"");
    expect(ask_dear("/exec", LOCAL), 401, "UNAUTHORIZED");
}

static void
what_is_turned_on_still_needs_a_key_and_no_page(void **state)
{
    (void)state;
    wait_until_ready();
    expect_soon("GET", "/api/pick?task=x", WITH(ALICE), 200);
    expect(ask_dear("/spend", WITH(ALICE)), 200, "alice");
    expect(ask_dear("/spend", LOCAL), 401, "needs a key");
    expect(ask_dear("/spend", EVIL WITH(ALICE)), 403, "FORBIDDEN");
    expect(ask_dear("/exec", WITH(ALICE)), 403, "exec.enabled");
}

int
main(void)
{
    const struct CMUnitTest keys[] = {
        cmocka_unit_test(a_call_is_made_for_the_tenant_of_its_key),
        cmocka_unit_test(writing_needs_a_key_where_there_are_keys),
        cmocka_unit_test(the_machines_token_speaks_for_the_default_tenant),
        cmocka_unit_test(one_tenants_etag_never_stands_for_anothers_answer),
        cmocka_unit_test(a_key_that_is_no_good_is_refused_even_for_reading),
        cmocka_unit_test(
            a_page_of_another_origin_cannot_write_whatever_it_carries),
        cmocka_unit_test(a_revoked_key_stops_when_the_snapshot_comes),
    };
    const struct CMUnitTest none[] = {
        cmocka_unit_test(without_keys_this_machine_writes_freely),
        cmocka_unit_test(who_comes_through_a_proxy_is_beyond_this_machine),
        cmocka_unit_test(the_first_key_closes_it_to_others),
    };
    const struct CMUnitTest unnamed[] = {
        cmocka_unit_test(who_comes_through_an_unnamed_proxy_is_beyond_too),
    };
    const struct CMUnitTest beyond[] = {
        cmocka_unit_test(beyond_loopback_reading_is_open_and_writing_is_not),
    };
    const struct CMUnitTest open[] = {
        cmocka_unit_test(a_public_server_takes_writes_from_everybody_but_pages),
    };
    const struct CMUnitTest unknown[] = {
        cmocka_unit_test(until_the_keys_are_known_nobody_is_taken_at_his_word),
    };
    const struct CMUnitTest off[] = {
        cmocka_unit_test(what_costs_or_runs_is_off_until_it_is_turned_on),
    };
    const struct CMUnitTest on[] = {
        cmocka_unit_test(what_is_turned_on_still_needs_a_key_and_no_page),
    };

    return cmocka_run_group_tests(keys, set_up_keys, tear_down) +
           cmocka_run_group_tests(none, set_up_none, tear_down) +
           cmocka_run_group_tests(unnamed, set_up_unnamed, tear_down) +
           cmocka_run_group_tests(beyond, set_up_beyond, tear_down) +
           cmocka_run_group_tests(open, set_up_open, tear_down) +
           cmocka_run_group_tests(unknown, set_up_unknown, tear_down) +
           cmocka_run_group_tests(off, set_up_dear_off, tear_down_dear) +
           cmocka_run_group_tests(on, set_up_dear_on, tear_down_dear);
}
