/* The whole way of a request, through evhttp and a real socket on loopback:
 * whatever bytes a client sends in whatever pieces, what comes back is whole
 * answers in the order of the requests, and when the client is gone nothing
 * of it is left.
 * links: services_gatewayd
 * options: -max_len=768
 * The first byte says how the client behaves, the rest is what it sends. */
#include "services/gatewayd/http_front.h"
#include "services/gatewayd/http_server.h"
#include "services/runtime/log.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXCHANGES_MAX 256 /* of one input */
#define ROUNDS 6          /* of the loop, for what is on its way */
#define ROUNDS_MAX 1000   /* until a connection is gone */
#define ANSWER_MAX (1 << 20)
#define ADDRESSES 4096 /* that clients come from */

enum behaviour {
    HOLDS = 1,     /* the handler answers later */
    IN_PIECES = 2, /* sends a few bytes at a time */
    LEAVES = 4,    /* before it has read anything */
};

struct seen {
    struct http_exchange *exchange; /* NULL: answered, or gone */
    bool is_head, is_gone;
};

struct play {
    struct loop *loop;
    struct http_server *server;
    struct metrics *metrics;
    struct client_networks nobody;
    struct seen seen[EXCHANGES_MAX];
    size_t count;
    unsigned behaviour;
};

/* --- the handler ---------------------------------------------------------- */

static void
on_gone(void *context)
{
    struct seen *seen = context;
    CHECK(seen->exchange != NULL);
    seen->exchange = NULL;
    seen->is_gone = true;
}

static void
answer(struct play *play, struct seen *seen)
{
    struct http_exchange *exchange = seen->exchange;
    char number[16];
    enum http_refusal refusal =
        http_front_refusal(http_exchange_path(exchange));
    unsigned status =
        refusal == HTTP_REFUSAL_NONE ? 200 : http_guard_row(refusal)->status;
    (void)snprintf(number, sizeof number, "%zu", (size_t)(seen - play->seen));
    http_exchange_set_header(exchange, "X-Number", number);
    seen->exchange = NULL;
    http_exchange_reply(exchange, status, http_exchange_body(exchange));
}

static void
on_request(void *context, struct http_exchange *exchange)
{
    struct play *play = context;
    struct buf values;
    CHECK(play->count < EXCHANGES_MAX);
    struct seen *seen = &play->seen[play->count++];
    *seen = (struct seen){
        .exchange = exchange,
        .is_head = slice_eq(http_exchange_method(exchange), SLICE("HEAD"))};
    /* One at a time: those before it are answered or gone. */
    for (size_t i = 0; i + 1 < play->count; i++)
        CHECK(play->seen[i].exchange == NULL);
    CHECK(http_exchange_path(exchange).len > 0);
    buf_init(&values, ANSWER_MAX);
    http_exchange_headers(exchange, "X-Forwarded-For", &values);
    buf_fini(&values);
    http_exchange_on_gone(exchange, on_gone, seen);
    if ((play->behaviour & HOLDS) == 0)
        answer(play, seen);
}

static void
answer_held(struct play *play)
{
    for (size_t i = 0; i < play->count; i++)
        if (play->seen[i].exchange != NULL)
            answer(play, &play->seen[i]);
}

/* --- the client ----------------------------------------------------------- */

/* Each from another address of loopback: where the server closes first a pair
 * of addresses and ports is taken for a minute, and there are 28,000 ports. */
static struct sockaddr_in
next_address(void)
{
    static uint32_t count;
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + count++ % ADDRESSES)};
}

static int
connect_client(const struct play *play)
{
    const struct sockaddr_in from = next_address();
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)http_server_listen(play->server)->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int yes = 1;
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    /* The port is chosen by connect, which knows the pairs that are taken. */
    CHECK(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes,
                     sizeof yes) == 0);
    CHECK(bind(fd, (const struct sockaddr *)&from, sizeof from) == 0);
    /* The fuzzer's alarm may come between; then it goes on by itself. */
    int failed;
    do
        failed = connect(fd, (const struct sockaddr *)&address, sizeof address);
    while (failed != 0 && (errno == EINTR || errno == EALREADY));
    CHECK(failed == 0 || errno == EISCONN);
    /* A reset at the end: a million closed connections would wait about. */
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

static void
run_loop(struct play *play)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        (void)event_base_loop(loop_base(play->loop), EVLOOP_NONBLOCK);
}

static bool
receive(int fd, struct buf *answers)
{
    size_t before = answers->len;
    for (;;) {
        char *room = buf_reserve(answers, 4096);
        CHECK(room != NULL);
        ssize_t got = recv(fd, room, 4096, 0);
        if (got <= 0)
            return answers->len > before;
        buf_advance(answers, (size_t)got);
    }
}

static void
send_all(struct play *play, int fd, struct slice bytes, struct buf *answers)
{
    size_t piece = (play->behaviour & IN_PIECES) != 0 ? 29 : bytes.len;
    while (bytes.len > 0) {
        ssize_t sent = send(
            fd, bytes.ptr, piece < bytes.len ? piece : bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server has closed */
        bytes = slice_cut(bytes, (size_t)sent, bytes.len);
        run_loop(play);
        (void)receive(fd, answers);
    }
}

/* --- what came back ------------------------------------------------------- */

/* The value of a header in the head of an answer. */
static bool
find_number(struct slice head, struct slice name, uint64_t *ret_number)
{
    ptrdiff_t at = slice_find(head, name);
    if (at < 0)
        return false;
    uint64_t number = 0;
    for (size_t i = (size_t)at + name.len; head.ptr[i] != '\r'; i++) {
        CHECK(head.ptr[i] >= '0' && head.ptr[i] <= '9');
        number = number * 10 + (uint64_t)(head.ptr[i] - '0');
    }
    *ret_number = number;
    return true;
}

/* One answer off the front. Our own are numbered in the order of the
 * requests; evhttp has some of its own, for a method it does not know. */
static bool
take_answer(const struct play *play, struct slice *rest, uint64_t *next)
{
    uint64_t number, length = 0;
    ptrdiff_t end = slice_find(*rest, SLICE("\r\n\r\n"));
    if (end < 0)
        return false; /* cut off by the end of the connection */
    struct slice head = slice_cut(*rest, 0, (size_t)end + 4);
    CHECK(slice_starts(head, SLICE("HTTP/1.")));
    *rest = slice_cut(*rest, head.len, rest->len);
    if (slice_starts(head, SLICE("HTTP/1.1 100 Continue\r\n\r\n")))
        return true;
    bool is_head = false;
    if (find_number(head, SLICE("\r\nX-Number: "), &number)) {
        CHECK(number >= *next && number < play->count);
        *next = number + 1;
        is_head = play->seen[number].is_head;
    }
    /* Without a length the end of the connection is the end of the body. */
    if (!find_number(head, SLICE("\r\nContent-Length: "), &length)) {
        CHECK(slice_starts(head, SLICE("HTTP/1.0")) ||
              slice_find(head, SLICE("\r\nConnection: close\r\n")) > 0);
        length = rest->len;
    }
    if (!is_head)
        *rest = slice_cut(*rest, (size_t)length, rest->len);
    return true;
}

static void
check_answers(const struct play *play, struct slice answers)
{
    uint64_t next = 0;
    CHECK(answers.len < 8 || slice_starts(answers, SLICE("HTTP/1.")));
    while (answers.len > 0 && take_answer(play, &answers, &next))
        continue;
}

/* --- the play ------------------------------------------------------------- */

static void
raise_curtain(struct play *play)
{
    log_start("stage", LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
    play->loop = loop_new();
    play->metrics = metrics_new();
    CHECK(play->loop != NULL && play->metrics != NULL);
    const struct http_server_options options = {.addresses = "127.0.0.1",
                                                .max_head = 512,
                                                .max_body = 128,
                                                .max_connections = 64,
                                                .max_buffered = 1 << 20,
                                                .idle_timeout = 60000,
                                                .receive_timeout = 60000,
                                                .send_timeout = 60000,
                                                .trusted_proxies =
                                                    &play->nobody,
                                                .metrics = play->metrics,
                                                .on_request = on_request,
                                                .context = play};
    CHECK(http_server_new(play->loop, &options, &play->server) == STATUS_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct play play;
    struct slice bytes = fuzz_slice(data, size);
    struct buf answers;
    if (play.loop == NULL)
        raise_curtain(&play);
    play.behaviour = (unsigned)fuzz_choice(&bytes, 8);
    play.count = 0;
    buf_init(&answers, ANSWER_MAX);
    int fd = connect_client(&play);
    send_all(&play, fd, bytes, &answers);
    if ((play.behaviour & LEAVES) == 0) {
        do {
            answer_held(&play);
            run_loop(&play);
        } while (receive(fd, &answers));
        check_answers(&play, buf_slice(&answers));
    }
    CHECK(close(fd) == 0);
    for (unsigned i = 0; http_server_connections(play.server) > 0; i++) {
        CHECK(i < ROUNDS_MAX);
        run_loop(&play);
        /* While a request is with us nobody reads: it may go unnoticed that
         * the client is gone. */
        answer_held(&play);
    }
    for (size_t i = 0; i < play.count; i++)
        CHECK(play.seen[i].exchange == NULL);
    buf_fini(&answers);
    return 0;
}
