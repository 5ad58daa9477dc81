/* Publishing: a value's versions, the deltas between them, who waits for more.
 *
 * The deltas of the last publications are kept in a ring, bounded in number
 * and bytes, each with the hash reached by it; a Watch that names a version
 * inside the ring gets what came after, any other gets the whole (encoded
 * once for each version, when first asked for). A Watch that has the newest
 * version is held until the next publication or its wait is over. */
#include "services/runtime/snapshot.h"

#include "core/base/check.h"
#include "services/runtime/log.h"

#include "rpc.pb-c.h"

#include <stdlib.h>
#include <sys/queue.h>

#define SNAPSHOT_PUBLISHER_MAGIC 0x534e5050u
#define WAIT_MAX_MS 30000
#define ANSWER_MARGIN_MS 200 /* answer so long before a Watch's deadline */
#define SERVICE_NAME "ss.Snapshots"

struct delta {
    char *bytes;
    size_t len;
    uint64_t hash; /* of the content after it */
};

struct watcher {
    const Ss__SnapshotVersion *have; /* in the call's arena; may be NULL */
    Ss__WatchReply_Closure done;
    void *call;
    ms_time until; /* monotonic */
};

struct snapshot_publisher {
    unsigned magic;
    LIST_ENTRY(snapshot_publisher) link;
    struct snapshot_service *service;
    char name[SNAPSHOT_NAME_MAX];
    struct loop *loop;
    snapshot_encode_fn encode;
    void *context;
    struct snapshot_version at; /* sequence 0: nothing published yet */
    /* The delta that led to sequence s lies at s % SNAPSHOT_DELTAS_KEPT, for
     * the newest delta_count sequences; base_hash is the content before. */
    struct delta deltas[SNAPSHOT_DELTAS_KEPT];
    size_t delta_count, delta_bytes;
    uint64_t base_hash;
    struct buf whole; /* of version whole_of */
    uint64_t whole_of;
    struct watcher watchers[SNAPSHOT_WATCHERS_MAX];
    size_t watcher_count;
    struct loop_timer *timer;
    bool draining;
};

/* One for each server; the server destroys it. */
struct snapshot_service {
    Ss__Snapshots_Service base; /* first */
    uint64_t epoch;
    LIST_HEAD(, snapshot_publisher) publishers;
};

/* --- deltas --------------------------------------------------------------- */

static void
drop_oldest_delta(struct snapshot_publisher *publisher)
{
    uint64_t oldest = publisher->at.sequence - publisher->delta_count + 1;
    struct delta *delta = &publisher->deltas[oldest % SNAPSHOT_DELTAS_KEPT];
    publisher->base_hash = delta->hash;
    publisher->delta_bytes -= delta->len;
    publisher->delta_count--;
    free(delta->bytes);
    *delta = (struct delta){.bytes = NULL};
}

static void
drop_deltas(struct snapshot_publisher *publisher)
{
    while (publisher->delta_count > 0)
        drop_oldest_delta(publisher);
}

/* Keep a delta as the way to the next sequence; without it followers get the
 * whole. */
static void
keep_delta(struct snapshot_publisher *publisher, struct slice bytes,
           uint64_t hash)
{
    uint64_t next = publisher->at.sequence + 1;
    char *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    if (copy == NULL || bytes.len > SNAPSHOT_DELTAS_BYTES) {
        free(copy);
        drop_deltas(publisher);
        publisher->base_hash = hash;
        return;
    }
    while (publisher->delta_count == SNAPSHOT_DELTAS_KEPT ||
           publisher->delta_bytes + bytes.len > SNAPSHOT_DELTAS_BYTES)
        drop_oldest_delta(publisher);
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    publisher->deltas[next % SNAPSHOT_DELTAS_KEPT] =
        (struct delta){.bytes = copy, .len = bytes.len, .hash = hash};
    publisher->delta_bytes += bytes.len;
    publisher->delta_count++;
}

/* The hash of an earlier version, if the deltas reach back to it. */
static bool
find_hash(const struct snapshot_publisher *publisher, uint64_t sequence,
          uint64_t *ret_hash)
{
    uint64_t newest = publisher->at.sequence;
    if (sequence > newest || newest - sequence > publisher->delta_count)
        return false;
    if (newest - sequence == publisher->delta_count)
        *ret_hash = publisher->base_hash;
    else
        *ret_hash = publisher->deltas[sequence % SNAPSHOT_DELTAS_KEPT].hash;
    return true;
}

/* --- answering ------------------------------------------------------------ */

static void
fill_version(const struct snapshot_publisher *publisher,
             Ss__SnapshotVersion *version)
{
    ss__snapshot_version__init(version);
    version->epoch = publisher->at.epoch;
    version->sequence = publisher->at.sequence;
    version->hash = publisher->at.hash;
}

static void
answer_same(const struct snapshot_publisher *publisher,
            Ss__WatchReply_Closure done, void *call)
{
    Ss__WatchReply reply = SS__WATCH_REPLY__INIT;
    Ss__SnapshotVersion at;
    fill_version(publisher, &at);
    reply.at = &at;
    done(&reply, call);
}

static enum status
encode_whole(struct snapshot_publisher *publisher)
{
    if (publisher->whole_of == publisher->at.sequence)
        return STATUS_OK;
    buf_reset(&publisher->whole);
    publisher->whole_of = 0;
    enum status status =
        publisher->encode(publisher->context, &publisher->whole);
    if (status == STATUS_OK && !buf_ok(&publisher->whole))
        status = STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK)
        publisher->whole_of = publisher->at.sequence;
    return status;
}

static void
answer_whole(struct snapshot_publisher *publisher, Ss__WatchReply_Closure done,
             void *call)
{
    enum status status = encode_whole(publisher);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "snapshot-not-encoded",
                  LOG_STR("name", publisher->name),
                  LOG_STR("status", status_text(status)),
                  LOG_STR("next", "followers keep what they have"));
        rpc_fail(call, STATUS_INTERNAL, "ENCODE",
                 "the snapshot cannot be encoded");
        return;
    }
    Ss__WatchReply reply = SS__WATCH_REPLY__INIT;
    Ss__SnapshotVersion at;
    fill_version(publisher, &at);
    reply.at = &at;
    reply.has_whole = true;
    reply.whole.len = publisher->whole.len;
    reply.whole.data = (uint8_t *)publisher->whole.data;
    done(&reply, call);
}

static void
answer_deltas(const struct snapshot_publisher *publisher, uint64_t from,
              Ss__WatchReply_Closure done, void *call)
{
    uint64_t count = publisher->at.sequence - from;
    ProtobufCBinaryData deltas[SNAPSHOT_DELTAS_KEPT];
    for (uint64_t i = 0; i < count; i++) {
        uint64_t sequence = from + 1 + i;
        const struct delta *delta =
            &publisher->deltas[sequence % SNAPSHOT_DELTAS_KEPT];
        deltas[i].len = delta->len;
        deltas[i].data = (uint8_t *)delta->bytes;
    }
    Ss__WatchReply reply = SS__WATCH_REPLY__INIT;
    Ss__SnapshotVersion at;
    fill_version(publisher, &at);
    reply.at = &at;
    reply.n_delta = count;
    reply.delta = deltas;
    done(&reply, call);
}

/* The answer to one who has `have` (NULL: nothing), which is not the newest
 * version. */
static void
answer_news(struct snapshot_publisher *publisher,
            const Ss__SnapshotVersion *have, Ss__WatchReply_Closure done,
            void *call)
{
    uint64_t hash;
    if (have != NULL && have->hash == publisher->at.hash)
        /* Another epoch's (or a lost) name for what we have: only that. */
        answer_same(publisher, done, call);
    else if (have != NULL && have->epoch == publisher->at.epoch &&
             find_hash(publisher, have->sequence, &hash) &&
             hash == have->hash && have->sequence < publisher->at.sequence)
        answer_deltas(publisher, have->sequence, done, call);
    else
        answer_whole(publisher, done, call);
}

/* --- those who wait ------------------------------------------------------- */

static void
arm_timer(struct snapshot_publisher *publisher)
{
    ms_time soonest = 0;
    for (size_t i = 0; i < publisher->watcher_count; i++) {
        ms_time until = publisher->watchers[i].until;
        if (i == 0 || until < soonest)
            soonest = until;
    }
    if (publisher->watcher_count > 0)
        loop_timer_start(publisher->timer, soonest - loop_now(publisher->loop));
}

static void
answer_waited(const struct snapshot_publisher *publisher,
              const struct watcher *watcher)
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
    size_t kept = 0;
    for (size_t i = 0; i < publisher->watcher_count; i++) {
        struct watcher watcher = publisher->watchers[i];
        if (watcher.until > now)
            publisher->watchers[kept++] = watcher;
        else
            answer_waited(publisher, &watcher);
    }
    publisher->watcher_count = kept;
    arm_timer(publisher);
}

static void
hold(struct snapshot_publisher *publisher, const Ss__WatchRequest *request,
     Ss__WatchReply_Closure done, void *call)
{
    uint32_t wait_ms = request->wait_ms;
    ms_time until = loop_now(publisher->loop) +
                    (wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
    ms_time latest = rpc_call_deadline(call) - ANSWER_MARGIN_MS;
    if (publisher->watcher_count == SNAPSHOT_WATCHERS_MAX) {
        rpc_fail_retry(call, STATUS_RESOURCE_EXHAUSTED, "WATCHERS",
                       "too many watch this snapshot", RPC_RETRY_HINT_MS);
        return;
    }
    publisher->watchers[publisher->watcher_count++] =
        (struct watcher){.have = request->have,
                         .done = done,
                         .call = call,
                         .until = until < latest ? until : latest};
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
    if (has_news)
        answer_news(publisher, request->have, done, call);
    else if (publisher->draining || request->wait_ms == 0)
        answer_waited(publisher, &(struct watcher){.done = done, .call = call});
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
    size_t count = publisher->watcher_count;
    publisher->watcher_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct watcher *watcher = &publisher->watchers[i];
        answer_news(publisher, watcher->have, watcher->done, watcher->call);
    }
}

void
snapshot_publish_whole(struct snapshot_publisher *publisher, uint64_t hash)
{
    CHECK_OBJ(publisher, SNAPSHOT_PUBLISHER_MAGIC);
    if (publisher->at.sequence > 0 && publisher->at.hash == hash)
        return;
    drop_deltas(publisher);
    move_to(publisher, hash);
    publisher->base_hash = hash;
    tell_watchers(publisher);
}

void
snapshot_publish_delta(struct snapshot_publisher *publisher, struct slice delta,
                       uint64_t hash)
{
    CHECK_OBJ(publisher, SNAPSHOT_PUBLISHER_MAGIC);
    if (publisher->at.sequence == 0)
        publisher->base_hash = hash; /* nobody has what came before */
    else
        keep_delta(publisher, delta, hash);
    move_to(publisher, hash);
    tell_watchers(publisher);
}

struct snapshot_version
snapshot_publisher_version(const struct snapshot_publisher *publisher)
{
    CHECK_OBJ(publisher, SNAPSHOT_PUBLISHER_MAGIC);
    return publisher->at;
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
        for (size_t i = 0; i < publisher->watcher_count; i++)
            answer_waited(publisher, &publisher->watchers[i]);
        publisher->watcher_count = 0;
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
    publisher->encode = encode;
    publisher->context = context;
    publisher->at.epoch = service->epoch;
    buf_init(&publisher->whole, SNAPSHOT_WHOLE_MAX);
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
    for (size_t i = 0; i < self->watcher_count; i++)
        rpc_fail(self->watchers[i].call, STATUS_UNAVAILABLE, "CLOSED",
                 "the snapshot is no longer published");
    LIST_REMOVE(self, link);
    drop_deltas(self);
    buf_fini(&self->whole);
    loop_timer_free(&self->timer);
    self->magic = 0;
    free(self);
    *publisher = NULL;
}
