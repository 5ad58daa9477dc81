/* Publishing: a value's versions, the deltas between them, who waits for more.
 *
 * The deltas of the last publications are kept (snapshot_deltas); a Watch that
 * names a version within their reach gets what came after, any other gets the
 * whole (snapshot_whole), which may take it several Watches. A Watch that has
 * the newest version is held (snapshot_watchers) until the next publication or
 * its wait is over. */
#include "services/runtime/snapshot.h"

#include "core/base/check.h"
#include "services/runtime/snapshot_deltas.h"
#include "services/runtime/snapshot_watchers.h"
#include "services/runtime/snapshot_whole.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#define SNAPSHOT_PUBLISHER_MAGIC 0x534e5050u
#define WAIT_MAX_MS 30000
#define ANSWER_MARGIN_MS 200 /* answer so long before a Watch's deadline */
#define SERVICE_NAME "ss.Snapshots"

struct snapshot_publisher {
    unsigned magic;
    LIST_ENTRY(snapshot_publisher) link;
    struct snapshot_service *service;
    char name[SNAPSHOT_NAME_MAX];
    struct loop *loop;
    struct snapshot_version at; /* sequence 0: nothing published yet */
    struct snapshot_deltas deltas;
    struct snapshot_whole whole;
    struct snapshot_watchers watchers;
    struct loop_timer *timer;
    char trouble[SNAPSHOT_TROUBLE_MAX]; /* with the value; "": none */
    bool draining;
};

/* One for each server; the server destroys it. */
struct snapshot_service {
    Ss__Snapshots_Service base; /* first */
    uint64_t epoch;
    LIST_HEAD(, snapshot_publisher) publishers;
};

/* --- answering ------------------------------------------------------------ */

static void
fill_version(const struct snapshot_version *at, Ss__SnapshotVersion *version)
{
    ss__snapshot_version__init(version);
    version->epoch = at->epoch;
    version->sequence = at->sequence;
    version->hash = at->hash;
}

static void
answer_same(const struct snapshot_publisher *publisher,
            Ss__WatchReply_Closure done, void *call)
{
    Ss__WatchReply reply = SS__WATCH_REPLY__INIT;
    Ss__SnapshotVersion at;
    fill_version(&publisher->at, &at);
    reply.at = &at;
    done(&reply, call);
}

/* Of the whole that is encoded, from a place on. */
static void
answer_part(struct snapshot_publisher *publisher,
            const Ss__WatchRequest *request, uint64_t from,
            Ss__WatchReply_Closure done, void *call)
{
    struct snapshot_whole *whole = &publisher->whole;
    if (!request->parts && whole->bytes.len > SNAPSHOT_ALONE_MAX) {
        rpc_fail(call, STATUS_RESOURCE_EXHAUSTED, "PARTS",
                 "the whole is so large that it comes in parts only");
        return;
    }
    struct slice part = snapshot_whole_part(
        whole, from, request->parts ? SNAPSHOT_PART_MAX : SNAPSHOT_ALONE_MAX);
    Ss__WatchReply reply = SS__WATCH_REPLY__INIT;
    Ss__SnapshotVersion at;
    fill_version(&whole->of, &at);
    reply.at = &at;
    reply.has_whole = true;
    reply.whole.len = part.len;
    /* protobuf-c has no word for bytes that are only read. */
    reply.whole.data = (uint8_t *)whole->bytes.data + from;
    reply.has_part_from = reply.has_whole_bytes = part.len < whole->bytes.len;
    reply.part_from = from;
    reply.whole_bytes = whole->bytes.len;
    done(&reply, call);
}

static void
answer_whole(struct snapshot_publisher *publisher,
             const Ss__WatchRequest *request, Ss__WatchReply_Closure done,
             void *call)
{
    enum status status = snapshot_whole_get(&publisher->whole, &publisher->at);
    if (status == STATUS_OK)
        answer_part(publisher, request, 0, done, call);
    else if (status == STATUS_UNAVAILABLE)
        rpc_fail_retry(call, STATUS_RESOURCE_EXHAUSTED, "FETCHED",
                       "an earlier version is being fetched in parts",
                       RPC_RETRY_HINT_MS);
    else
        rpc_fail_retry(call, status, "ENCODE", publisher->whole.trouble,
                       SNAPSHOT_REFUSED_MS);
}

static void
answer_deltas(const struct snapshot_publisher *publisher, uint64_t from,
              Ss__WatchReply_Closure done, void *call)
{
    uint64_t count = publisher->at.sequence - from;
    ProtobufCBinaryData deltas[SNAPSHOT_DELTAS_KEPT];
    for (uint64_t i = 0; i < count; i++) {
        uint64_t sequence = from + 1 + i;
        const struct snapshot_delta *delta =
            snapshot_deltas_get(&publisher->deltas, sequence);
        deltas[i].len = delta->len;
        deltas[i].data = (uint8_t *)delta->bytes;
    }
    Ss__WatchReply reply = SS__WATCH_REPLY__INIT;
    Ss__SnapshotVersion at;
    fill_version(&publisher->at, &at);
    reply.at = &at;
    reply.n_delta = count;
    reply.delta = deltas;
    done(&reply, call);
}

/* The answer to one who has not the newest version. */
static void
answer_news(struct snapshot_publisher *publisher,
            const Ss__WatchRequest *request, Ss__WatchReply_Closure done,
            void *call)
{
    const Ss__SnapshotVersion *have = request->have; /* NULL: nothing */
    uint64_t hash;
    if (have != NULL && have->hash == publisher->at.hash)
        /* Another epoch's (or a lost) name for what we have: only that. */
        answer_same(publisher, done, call);
    else if (have != NULL && have->epoch == publisher->at.epoch &&
             snapshot_deltas_reach(&publisher->deltas, have->sequence, &hash) &&
             hash == have->hash && have->sequence < publisher->at.sequence)
        answer_deltas(publisher, have->sequence, done, call);
    else
        answer_whole(publisher, request, done, call);
}

/* --- those who wait ------------------------------------------------------- */

static void
arm_timer(struct snapshot_publisher *publisher)
{
    ms_time next = snapshot_watchers_next(&publisher->watchers);
    if (next != 0)
        loop_timer_start(publisher->timer, next - loop_now(publisher->loop));
}

static void
answer_waited(const struct snapshot_publisher *publisher,
              const struct snapshot_watcher *watcher)
{
    if (publisher->at.sequence > 0)
        answer_same(publisher, watcher->done, watcher->call);
    else
        rpc_fail(watcher->call, STATUS_UNAVAILABLE, "EMPTY",
                 "nothing is published yet");
}

static void
on_timer(void *context)
{
    struct snapshot_publisher *publisher = context;
    ms_time now = loop_now(publisher->loop);
    struct snapshot_watcher due;
    while (snapshot_watchers_take_due(&publisher->watchers, now, &due))
        answer_waited(publisher, &due);
    arm_timer(publisher);
}

/* Whether one more may wait: nobody takes all the places of a server. */
static bool
has_place(struct snapshot_publisher *publisher, void *call)
{
    struct snapshot_watchers_like like = {.peer = 0};
    struct snapshot_publisher *other;
    LIST_FOREACH(other, &publisher->service->publishers, link)
    {
        snapshot_watchers_sweep(&other->watchers);
        snapshot_watchers_count(&other->watchers, call, &like);
    }
    return publisher->watchers.count < SNAPSHOT_WATCHERS_MAX &&
           like.peer < SNAPSHOT_WATCHES_PER_PEER &&
           like.caller < SNAPSHOT_WATCHES_PER_CALLER;
}

static void
hold(struct snapshot_publisher *publisher, const Ss__WatchRequest *request,
     Ss__WatchReply_Closure done, void *call)
{
    uint32_t wait_ms = request->wait_ms;
    ms_time until = loop_now(publisher->loop) +
                    (wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
    ms_time latest = rpc_call_deadline(call) - ANSWER_MARGIN_MS;
    if (!has_place(publisher, call)) {
        rpc_fail_retry(call, STATUS_RESOURCE_EXHAUSTED, "WATCHERS",
                       "too many watch here, or too many of yours",
                       RPC_RETRY_HINT_MS);
        return;
    }
    const struct snapshot_watcher watcher = {.request = request,
                                             .done = done,
                                             .call = call,
                                             .until = until < latest ? until
                                                                     : latest};
    snapshot_watchers_add(&publisher->watchers, &watcher);
    arm_timer(publisher);
}

static bool
is_newest(const struct snapshot_publisher *publisher,
          const Ss__SnapshotVersion *have)
{
    return have != NULL && have->epoch == publisher->at.epoch &&
           have->sequence == publisher->at.sequence &&
           have->hash == publisher->at.hash;
}

/* Whether a follower asks for the next part of the whole that is encoded. */
static bool
continues(const struct snapshot_publisher *publisher,
          const Ss__WatchRequest *request)
{
    const Ss__SnapshotVersion *of = request->part_of;
    if (of == NULL)
        return false;
    const struct snapshot_version named = {
        .epoch = of->epoch, .sequence = of->sequence, .hash = of->hash};
    return snapshot_whole_is(&publisher->whole, &named) &&
           request->part_from < publisher->whole.bytes.len;
}

static void
on_watch(Ss__Snapshots_Service *service, const Ss__WatchRequest *request,
         Ss__WatchReply_Closure done, void *call)
{
    struct snapshot_service *self = (struct snapshot_service *)(void *)service;
    struct snapshot_publisher *publisher;
    LIST_FOREACH(publisher, &self->publishers, link)
    {
        if (strcmp(publisher->name, request->name) == 0)
            break;
    }
    if (publisher == NULL) {
        rpc_fail(call, STATUS_NOT_FOUND, "SNAPSHOT",
                 "this process does not publish that snapshot");
        return;
    }
    bool has_news =
        publisher->at.sequence > 0 && !is_newest(publisher, request->have);
    if (continues(publisher, request))
        answer_part(publisher, request, request->part_from, done, call);
    else if (has_news)
        answer_news(publisher, request, done, call);
    else if (publisher->draining || request->wait_ms == 0)
        answer_waited(publisher,
                      &(struct snapshot_watcher){.done = done, .call = call});
    else
        hold(publisher, request, done, call);
}

/* --- publishing ----------------------------------------------------------- */

static void
move_to(struct snapshot_publisher *publisher, uint64_t hash)
{
    publisher->at.sequence++;
    publisher->at.hash = hash;
    publisher->at.since = loop_wall(publisher->loop);
}

static void
tell_watchers(struct snapshot_publisher *publisher)
{
    size_t count = publisher->watchers.count;
    publisher->watchers.count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct snapshot_watcher *watcher = &publisher->watchers.list[i];
        answer_news(publisher, watcher->request, watcher->done, watcher->call);
    }
}

void
snapshot_publish_whole(struct snapshot_publisher *publisher, uint64_t hash)
{
    CHECK_OBJ(publisher, SNAPSHOT_PUBLISHER_MAGIC);
    if (publisher->at.sequence > 0 && publisher->at.hash == hash)
        return;
    move_to(publisher, hash);
    snapshot_deltas_restart(&publisher->deltas, publisher->at.sequence, hash);
    snapshot_whole_retry(&publisher->whole);
    tell_watchers(publisher);
}

void
snapshot_publish_delta(struct snapshot_publisher *publisher, struct slice delta,
                       uint64_t hash)
{
    CHECK_OBJ(publisher, SNAPSHOT_PUBLISHER_MAGIC);
    if (publisher->at.sequence == 0) /* nobody has what came before */
        snapshot_deltas_restart(&publisher->deltas, 1, hash);
    else
        snapshot_deltas_add(&publisher->deltas, delta, hash);
    move_to(publisher, hash);
    CHECK(publisher->deltas.newest == publisher->at.sequence);
    tell_watchers(publisher);
}

void
snapshot_publisher_trouble(struct snapshot_publisher *publisher,
                           const char *trouble)
{
    CHECK_OBJ(publisher, SNAPSHOT_PUBLISHER_MAGIC);
    (void)snprintf(publisher->trouble, sizeof publisher->trouble, "%s",
                   trouble != NULL ? trouble : "");
}

struct snapshot_version
snapshot_publisher_version(const struct snapshot_publisher *publisher)
{
    CHECK_OBJ(publisher, SNAPSHOT_PUBLISHER_MAGIC);
    return publisher->at;
}

/* That nobody can get it is worse than what is wrong with it. */
static const char *
trouble_of(const struct snapshot_publisher *publisher)
{
    if (publisher->whole.trouble != NULL)
        return publisher->whole.trouble;
    return publisher->trouble[0] != '\0' ? publisher->trouble : NULL;
}

bool
snapshot_published_at(struct rpc_server *server, size_t i,
                      struct snapshot_published *ret_published)
{
    ProtobufCService *found = rpc_server_find(server, SERVICE_NAME);
    const struct snapshot_service *service =
        (const struct snapshot_service *)(const void *)found;
    const struct snapshot_publisher *publisher;
    if (service == NULL)
        return false;
    LIST_FOREACH(publisher, &service->publishers, link)
    {
        if (i-- > 0)
            continue;
        *ret_published =
            (struct snapshot_published){.name = publisher->name,
                                        .at = publisher->at,
                                        .trouble = trouble_of(publisher)};
        return true;
    }
    return false;
}

/* --- life ----------------------------------------------------------------- */

/* A drain does not wait for those who only wait. */
static void
on_drain(void *context)
{
    struct snapshot_service *service = context;
    struct snapshot_publisher *publisher;
    LIST_FOREACH(publisher, &service->publishers, link)
    {
        publisher->draining = true;
        for (size_t i = 0; i < publisher->watchers.count; i++)
            answer_waited(publisher, &publisher->watchers.list[i]);
        publisher->watchers.count = 0;
    }
}

static void
destroy_service(ProtobufCService *service)
{
    struct snapshot_service *self = (struct snapshot_service *)(void *)service;
    CHECK(LIST_EMPTY(&self->publishers));
    free(self);
}

static enum status
get_service(struct rpc_server *server, struct snapshot_service **ret_service)
{
    ProtobufCService *found = rpc_server_find(server, SERVICE_NAME);
    if (found != NULL) {
        *ret_service = (struct snapshot_service *)(void *)found;
        return STATUS_OK;
    }
    struct snapshot_service *service = calloc(1, sizeof *service);
    if (service == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    service->base = (Ss__Snapshots_Service)SS__SNAPSHOTS__INIT(on_);
    service->base.base.destroy = destroy_service;
    service->epoch = rpc_server_epoch(server);
    LIST_INIT(&service->publishers);
    enum status status = rpc_server_on_drain(server, on_drain, service);
    if (status != STATUS_OK) {
        free(service);
        return status;
    }
    rpc_server_add(server, &service->base.base);
    *ret_service = service;
    return STATUS_OK;
}

enum status
snapshot_publisher_new(struct rpc_server *server, const char *name,
                       snapshot_encode_fn encode, void *context,
                       struct snapshot_publisher **ret_publisher)
{
    struct snapshot_service *service;
    struct snapshot_publisher *publisher;
    CHECK(strlen(name) < SNAPSHOT_NAME_MAX);
    enum status status = get_service(server, &service);
    if (status != STATUS_OK)
        return status;
    LIST_FOREACH(publisher, &service->publishers, link)
    {
        if (strcmp(publisher->name, name) == 0)
            return STATUS_ALREADY_EXISTS;
    }
    publisher = calloc(1, sizeof *publisher);
    if (publisher == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    publisher->magic = SNAPSHOT_PUBLISHER_MAGIC;
    publisher->service = service;
    memcpy(publisher->name, name, strlen(name));
    publisher->loop = rpc_server_loop(server);
    publisher->at.epoch = service->epoch;
    snapshot_whole_init(&publisher->whole, publisher->loop,
                        rpc_server_metrics(server), publisher->name);
    publisher->whole.encode = encode;
    publisher->whole.context = context;
    status =
        loop_timer_new(publisher->loop, on_timer, publisher, &publisher->timer);
    if (status != STATUS_OK) {
        free(publisher);
        return status;
    }
    LIST_INSERT_HEAD(&service->publishers, publisher, link);
    *ret_publisher = publisher;
    return STATUS_OK;
}

void
snapshot_publisher_free(struct snapshot_publisher **publisher)
{
    struct snapshot_publisher *self = *publisher;
    if (self == NULL)
        return;
    CHECK_OBJ(self, SNAPSHOT_PUBLISHER_MAGIC);
    for (size_t i = 0; i < self->watchers.count; i++)
        rpc_fail(self->watchers.list[i].call, STATUS_UNAVAILABLE, "CLOSED",
                 "the snapshot is no longer published");
    LIST_REMOVE(self, link);
    snapshot_deltas_restart(&self->deltas, 0, 0);
    snapshot_whole_fini(&self->whole);
    loop_timer_free(&self->timer);
    self->magic = 0;
    free(self);
    *publisher = NULL;
}
