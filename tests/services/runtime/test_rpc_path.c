/* The socket file of a server: removed under it, taken by others, left over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/rpc_socket.h"
#include "tests/support/raw_dealer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CHECK_MS 20

struct house {
    struct rpc_stand stand;
    char folder[128], path[192], endpoint[256];
    struct rpc_server *server;
};

static void
on_check(Ss__Health_Service *service, const Ss__HealthRequest *request,
         Ss__HealthReply_Closure done, void *data)
{
    Ss__HealthReply reply = SS__HEALTH_REPLY__INIT;
    (void)service;
    (void)request;
    reply.serving = true;
    done(&reply, data);
}

static enum status
serve(struct house *house, const char *instance, struct rpc_server **ret)
{
    struct timing timing = timing_default();
    timing.socket_check = CHECK_MS;
    const struct rpc_server_options options = {.endpoint = house->endpoint,
                                               .instance = instance,
                                               .max_calls = 10,
                                               .metrics = house->stand.metrics,
                                               .zmq = house->stand.zmq,
                                               .timing = &timing};
    static Ss__Health_Service health = SS__HEALTH__INIT(on_);
    enum status status = rpc_server_new(house->stand.loop, &options, ret);
    if (status == STATUS_OK)
        rpc_server_add(*ret, &health.base);
    return status;
}

static int
set_up(void **state)
{
    static struct house house;
    memset(&house, 0, sizeof house);
    rpc_stand_open(&house.stand);
    (void)snprintf(house.folder, sizeof house.folder, "%s/run",
                   house.stand.folder);
    (void)snprintf(house.path, sizeof house.path, "%s/one.sock", house.folder);
    (void)snprintf(house.endpoint, sizeof house.endpoint, "ipc://%s",
                   house.path);
    assert_int_equal(mkdir(house.folder, 0700), 0);
    *state = &house;
    return 0;
}

static int
tear_down(void **state)
{
    struct house *house = *state;
    rpc_server_free(&house->server);
    (void)unlink(house->path);
    assert_int_equal(rmdir(house->folder), 0);
    rpc_stand_close(&house->stand);
    return 0;
}

/* Wait until the file is there again. */
static bool
comes_back(struct house *house)
{
    for (int i = 0; i < 200; i++) {
        if (access(house->path, F_OK) == 0)
            return true;
        rpc_stand_run_for(&house->stand, 10);
    }
    return false;
}

static void
expect_answer(struct raw_dealer *raw, const char *instance)
{
    static uint64_t id;
    raw_request(raw, ++id, 5000);
    const Ss__FrameHeader *reply = raw_receive(raw);
    assert_non_null(reply);
    assert_int_equal(reply->call_id, id);
    assert_string_equal(reply->served_by, instance);
}

/* Whether somebody new is answered, by that instance. */
static void
expect_answer_to_new(struct house *house, const char *instance)
{
    struct raw_dealer raw;
    raw_open(&raw, &house->stand, house->endpoint);
    expect_answer(&raw, instance);
    raw_close(&raw);
}

static void
the_file_goes_with_its_server(void **state)
{
    struct house *house = *state;
    assert_int_equal(serve(house, "one", &house->server), STATUS_OK);
    expect_answer_to_new(house, "one");
    rpc_server_free(&house->server);
    assert_int_not_equal(access(house->path, F_OK), 0);
    /* A successor has it at once. */
    assert_int_equal(serve(house, "two", &house->server), STATUS_OK);
    expect_answer_to_new(house, "two");
}

static void
a_file_that_was_removed_is_made_again_and_connections_stay(void **state)
{
    struct house *house = *state;
    struct raw_dealer old;
    assert_int_equal(serve(house, "one", &house->server), STATUS_OK);
    raw_open(&old, &house->stand, house->endpoint);
    expect_answer(&old, "one");
    assert_int_equal(unlink(house->path), 0);
    expect_answer(&old, "one");
    assert_true(comes_back(house));
    expect_answer_to_new(house, "one");
    expect_answer(&old, "one");
    raw_close(&old);
}

/* The number that a new descriptor gets: how many there are. */
static int
next_descriptor(void)
{
    int fd = dup(STDERR_FILENO);
    assert_true(fd >= 0);
    (void)close(fd);
    return fd;
}

static void
it_may_be_removed_again_and_again(void **state)
{
    struct house *house = *state;
    assert_int_equal(serve(house, "one", &house->server), STATUS_OK);
    int before = next_descriptor();
    for (int i = 0; i < 3 * RPC_LISTENERS_MAX; i++) {
        assert_int_equal(unlink(house->path), 0);
        assert_true(comes_back(house));
    }
    rpc_stand_run_for(&house->stand, 100); /* libzmq closes in its own time */
    assert_true(next_descriptor() <= before + RPC_LISTENERS_MAX);
    expect_answer_to_new(house, "one");
}

static void
a_folder_that_was_removed_is_made_again(void **state)
{
    struct house *house = *state;
    assert_int_equal(serve(house, "one", &house->server), STATUS_OK);
    assert_int_equal(unlink(house->path), 0);
    assert_int_equal(rmdir(house->folder), 0);
    assert_true(comes_back(house));
    expect_answer_to_new(house, "one");
}

static void
a_path_that_another_serves_is_left_to_it(void **state)
{
    struct house *house = *state;
    struct rpc_server *second = NULL;
    struct raw_dealer old;
    assert_int_equal(serve(house, "one", &house->server), STATUS_OK);
    raw_open(&old, &house->stand, house->endpoint);
    expect_answer(&old, "one");
    assert_int_equal(unlink(house->path), 0);
    assert_int_equal(serve(house, "two", &second), STATUS_OK);
    rpc_stand_run_for(&house->stand, (ms_dur)5 * CHECK_MS);
    expect_answer_to_new(house, "two");
    expect_answer(&old, "one");
    /* When it ends, the first is found again. */
    rpc_server_free(&second);
    assert_true(comes_back(house));
    expect_answer_to_new(house, "one");
    raw_close(&old);
}

static void
one_that_ends_does_not_remove_another_s_file(void **state)
{
    struct house *house = *state;
    struct rpc_server *second = NULL;
    assert_int_equal(serve(house, "one", &house->server), STATUS_OK);
    assert_int_equal(unlink(house->path), 0);
    assert_int_equal(serve(house, "two", &second), STATUS_OK);
    rpc_server_free(&house->server);
    /* At once: later the second would have made it again. */
    assert_int_equal(access(house->path, F_OK), 0);
    expect_answer_to_new(house, "two");
    assert_int_equal(access(house->path, F_OK), 0);
    house->server = second;
}

/* --- what lies there before ----------------------------------------------- */

static int
bind_plain(struct house *house, int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    memcpy(address.sun_path, house->path, strlen(house->path));
    assert_int_equal(
        bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static void
a_socket_left_over_by_a_process_that_died_is_replaced(void **state)
{
    struct house *house = *state;
    (void)close(bind_plain(house, 1));
    assert_int_equal(access(house->path, F_OK), 0);
    assert_int_equal(serve(house, "one", &house->server), STATUS_OK);
    expect_answer_to_new(house, "one");
}

static void
a_socket_whose_owner_is_too_busy_to_answer_is_not_taken(void **state)
{
    struct house *house = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int queued[8];
    int owner = bind_plain(house, 0);
    memcpy(address.sun_path, house->path, strlen(house->path));
    /* Fill its queue: it is stopped, say. */
    for (size_t i = 0; i < 8; i++) {
        queued[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(queued[i], (const struct sockaddr *)&address,
                      sizeof address);
    }
    assert_int_equal(serve(house, "one", &house->server), STATUS_UNAVAILABLE);
    for (size_t i = 0; i < 8; i++)
        (void)close(queued[i]);
    (void)close(owner);
}

static void
a_file_that_is_no_socket_is_not_removed(void **state)
{
    struct house *house = *state;
    int fd = open(house->path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(serve(house, "one", &house->server), STATUS_UNAVAILABLE);
    assert_int_equal(access(house->path, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_file_goes_with_its_server),
        TEST(a_file_that_was_removed_is_made_again_and_connections_stay),
        TEST(it_may_be_removed_again_and_again),
        TEST(a_folder_that_was_removed_is_made_again),
        TEST(a_path_that_another_serves_is_left_to_it),
        TEST(one_that_ends_does_not_remove_another_s_file),
        TEST(a_socket_left_over_by_a_process_that_died_is_replaced),
        TEST(a_socket_whose_owner_is_too_busy_to_answer_is_not_taken),
        TEST(a_file_that_is_no_socket_is_not_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
