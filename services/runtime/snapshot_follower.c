/* Following: one Watch call is always open; what it brings is installed.
 *
 * The follower trusts only the content hash: what it computes after a whole
 * or a row of deltas must be what the publisher said, else it asks for the
 * whole. A whole that still does not fit is a difference between programs,
 * not between values: it is logged and asked for again with back-off. The
 * last copy on disk comes back at start and is not transferred again when its
 * hash is still the newest. */
#include "services/runtime/snapshot.h"

#include "core/base/check.h"
#include "services/runtime/log.h"
#include "services/runtime/snapshot_disk.h"
#include "services/runtime/snapshot_parts.h"

#include <stdio.h>
#include <stdlib.h>

#define SNAPSHOT_FOLLOWER_MAGIC 0x534e5046u
#define ANSWER_MARGIN_MS 5000 /* more than the wait before a Watch is lost */
#define BACKOFF_FIRST_MS 50
#define SOON_MS 20 /* an answer without news sooner than this is no wait */
/* A publisher answers a Watch so much later than its wait at worst, before it
 * counts as not heard. */
#define CURRENT_MARGIN_MS 500

struct snapshot_follower {
    unsigned magic;
    struct loop *loop;
    struct rpc_channel *channel;
    const struct timing *timing; /* the channel's */
    struct snapshot_follower_options options;
    char name[SNAPSHOT_NAME_MAX];
    char *disk_path;
    struct snapshot_version at;
    bool has;        /* something is installed */
    bool need_whole; /* what is installed is not what `at` says */
    bool behind;     /* what was answered last could not be installed */
    struct snapshot_parts parts;
    struct rpc_pending *watch;
    ms_time asked_at, heard_at; /* monotonic; 0: never */
    ms_time heard_wall;         /* heard_at as wall clock */
    struct loop_timer *retry, *disk;
    ms_dur backoff;
    bool disk_due;
    bool troubled;      /* the last Watch failed: said once */
    bool disk_troubled; /* the last copy was not kept: said once */
    uint64_t doubted;   /* the hash that did not fit, said once; 0: none */
    struct {
        int64_t *age, *silence, *current;
    } gauges;
};

static void ask(struct snapshot_follower *follower);

/* --- the copy on disk ----------------------------------------------------- */

static void
note_disk(struct snapshot_follower *follower, enum status status)
{
    if (status != STATUS_OK)
        log_event(follower->disk_troubled ? LOG_DEBUG : LOG_WARN,
                  "snapshot-not-kept", LOG_STR("name", follower->name),
                  LOG_STR("path", follower->disk_path),
                  LOG_STR("status", status_text(status)),
                  LOG_STR("next", "the copy on disk stays old"));
    follower->disk_troubled = status != STATUS_OK;
    follower->disk_due = false;
    loop_timer_stop(follower->disk);
}

static void
write_disk(struct snapshot_follower *follower, struct slice content)
{
    if (follower->disk_path != NULL)
        note_disk(follower,
                  snapshot_disk_write(follower->disk_path, follower->name,
                                      &follower->at, content));
}

static void
on_disk_timer(void *context)
{
    struct snapshot_follower *follower = context;
    struct buf content;
    if (!follower->disk_due || follower->need_whole)
        return;
    buf_init(&content, SNAPSHOT_WHOLE_MAX);
    enum status status =
        follower->options.encode(follower->options.context, &content);
    if (status == STATUS_OK && !buf_ok(&content))
        status = STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK)
        write_disk(follower, buf_slice(&content));
    else
        note_disk(follower, status);
    buf_fini(&content);
}

static void
plan_disk(struct snapshot_follower *follower)
{
    if (follower->disk_path == NULL || follower->options.encode == NULL ||
        follower->disk_due)
        return;
    follower->disk_due = true;
    loop_timer_start(follower->disk, follower->timing->disk_every);
}

/* --- installing ----------------------------------------------------------- */

static void
log_installed(const struct snapshot_follower *follower, enum log_level level,
              const char *how, size_t bytes)
{
    log_event(level, "snapshot", LOG_STR("name", follower->name),
              LOG_STR("how", how), LOG_U64("bytes", bytes),
              LOG_U64("sequence", follower->at.sequence),
              LOG_HEX("hash", follower->at.hash));
}

static void
become(struct snapshot_follower *follower,
       const struct snapshot_version *version)
{
    follower->at = *version;
    follower->has = true;
    follower->need_whole = false;
    follower->doubted = 0;
    if (follower->options.changed != NULL)
        follower->options.changed(follower->options.context);
}

/* Between programs of different versions this can last: said once. */
static void
log_mismatch(struct snapshot_follower *follower, const char *how,
             enum status status, uint64_t got, uint64_t expected)
{
    log_event(follower->doubted == expected ? LOG_DEBUG : LOG_WARN,
              "snapshot-mismatch", LOG_STR("name", follower->name),
              LOG_STR("how", how), LOG_STR("status", status_text(status)),
              LOG_HEX("hash", got), LOG_HEX("expected", expected),
              LOG_STR("next", "what is held stays; ask for the whole"));
    follower->doubted = expected;
}

/* True when the whole is what the version says; else what is held stays. */
static bool
install_whole(struct snapshot_follower *follower, const char *how,
              struct slice content, const struct snapshot_version *version)
{
    uint64_t hash = 0;
    enum status status = follower->options.whole(follower->options.context,
                                                 content, version->hash, &hash);
    if (status != STATUS_OK || hash != version->hash) {
        log_mismatch(follower, how, status, hash, version->hash);
        return false;
    }
    become(follower, version);
    log_installed(follower, LOG_INFO, how, content.len);
    return true;
}

static bool
install_deltas(struct snapshot_follower *follower, const Ss__WatchReply *reply,
               const struct snapshot_version *version)
{
    uint64_t hash = 0;
    enum status status = STATUS_UNIMPLEMENTED;
    size_t bytes = 0;
    for (size_t i = 0; i < reply->n_delta; i++) {
        const ProtobufCBinaryData *delta = &reply->delta[i];
        if (follower->options.delta != NULL)
            status = follower->options.delta(
                follower->options.context,
                slice_make((const char *)delta->data, delta->len), &hash);
        if (status != STATUS_OK)
            break;
        bytes += delta->len;
    }
    if (status != STATUS_OK || hash != version->hash) {
        log_mismatch(follower, "deltas", status, hash, version->hash);
        follower->need_whole = true;
        return false;
    }
    become(follower, version);
    log_installed(follower, LOG_DEBUG, "deltas", bytes);
    plan_disk(follower);
    return true;
}

/* Nothing was sent: the version has another name, or none came in time. With
 * another hash something was lost on the way. */
static bool
take_version(struct snapshot_follower *follower,
             const struct snapshot_version *version)
{
    if (!follower->has || follower->need_whole ||
        version->hash != follower->at.hash) {
        log_mismatch(follower, "nothing", STATUS_OK, follower->at.hash,
                     version->hash);
        follower->need_whole = true;
        return false;
    }
    follower->at.epoch = version->epoch;
    follower->at.sequence = version->sequence;
    return true;
}

static bool
install_kept(struct snapshot_follower *follower, struct slice content,
             const struct snapshot_version *version)
{
    if (!install_whole(follower, "whole", content, version))
        return false;
    write_disk(follower, content);
    return true;
}

static bool
install(struct snapshot_follower *follower, const Ss__WatchReply *reply)
{
    const struct snapshot_version version = {.epoch = reply->at->epoch,
                                             .sequence = reply->at->sequence,
                                             .hash = reply->at->hash,
                                             .since =
                                                 loop_wall(follower->loop)};
    if (!reply->has_whole)
        return reply->n_delta > 0 ? install_deltas(follower, reply, &version)
                                  : take_version(follower, &version);
    if (!reply->has_whole_bytes)
        return install_kept(
            follower,
            slice_make((const char *)reply->whole.data, reply->whole.len),
            &version);
    bool complete = false;
    enum status status =
        snapshot_parts_take(&follower->parts, reply, &complete);
    if (status != STATUS_OK) {
        log_mismatch(follower, "part", status, 0, version.hash);
        return false;
    }
    if (!complete)
        return true;
    bool installed =
        install_kept(follower, buf_slice(&follower->parts.bytes), &version);
    snapshot_parts_drop(&follower->parts);
    return installed;
}

/* --- asking --------------------------------------------------------------- */

static void
ask_later(struct snapshot_follower *follower)
{
    loop_timer_start(follower->retry, follower->backoff);
    follower->backoff *= 2;
    if (follower->backoff > follower->timing->watch_backoff_longest)
        follower->backoff = follower->timing->watch_backoff_longest;
}

static void
on_failed(struct snapshot_follower *follower, const struct rpc_result *result)
{
    if (result->status == STATUS_CANCELLED)
        return; /* the channel ends */
    log_event(follower->troubled ? LOG_DEBUG : LOG_WARN, "snapshot-unheard",
              LOG_STR("name", follower->name),
              LOG_STR("status", status_text(result->status)),
              LOG_STR("message", result->message),
              LOG_STR("next", "what is held stays; asking again"));
    follower->troubled = true;
    ask_later(follower);
}

static void
on_watched(void *context, const struct rpc_result *result)
{
    struct snapshot_follower *follower = context;
    follower->watch = NULL;
    if (result->status != STATUS_OK) {
        on_failed(follower, result);
        return;
    }
    const Ss__WatchReply *reply = (const Ss__WatchReply *)result->reply;
    bool asked_whole = !follower->has || follower->need_whole;
    bool news = reply->has_whole || reply->n_delta > 0;
    follower->heard_at = loop_now(follower->loop);
    follower->heard_wall = loop_wall(follower->loop);
    follower->troubled = false;
    if (!reply->has_whole_bytes) /* what came in part leads nowhere */
        snapshot_parts_drop(&follower->parts);
    bool installed = install(follower, reply);
    follower->behind = !installed;
    if (installed)
        follower->backoff = BACKOFF_FIRST_MS;
    /* Do not spin on a whole that does not fit, nor on a publisher that does
     * not hold the call. */
    bool spins =
        installed ? !news && follower->heard_at - follower->asked_at < SOON_MS
                  : asked_whole || reply->has_whole;
    if (spins)
        ask_later(follower);
    else
        ask(follower);
}

static void
ask(struct snapshot_follower *follower)
{
    Ss__WatchRequest request = SS__WATCH_REQUEST__INIT;
    Ss__SnapshotVersion have = SS__SNAPSHOT_VERSION__INIT;
    Ss__SnapshotVersion part_of;
    const struct rpc_options options = {
        .timeout = follower->timing->watch_wait + ANSWER_MARGIN_MS,
        .idempotent = true,
        .sticky = true}; /* deltas come from one publisher */
    request.name = follower->name;
    request.has_wait_ms = true;
    request.wait_ms = (uint32_t)follower->timing->watch_wait;
    request.has_parts = request.parts = true;
    snapshot_parts_ask(&follower->parts, &request, &part_of);
    if (follower->has && !follower->need_whole) {
        have.epoch = follower->at.epoch;
        have.sequence = follower->at.sequence;
        have.hash = follower->at.hash;
        request.have = &have;
    }
    follower->asked_at = loop_now(follower->loop);
    if (rpc_call_start(follower->channel, &ss__snapshots__descriptor, 0,
                       &request.base, &options, on_watched, follower,
                       &follower->watch) != STATUS_OK)
        ask_later(follower);
}

static void
on_retry(void *context)
{
    ask(context);
}

/* --- metrics ------------------------------------------------------------- */

static void
on_metrics(void *context)
{
    const struct snapshot_follower *follower = context;
    ms_time now = loop_wall(follower->loop);
    *follower->gauges.age =
        follower->at.since != 0 ? (now - follower->at.since) / 1000 : -1;
    *follower->gauges.silence =
        follower->heard_wall != 0 ? (now - follower->heard_wall) / 1000 : -1;
    *follower->gauges.current = snapshot_follower_is_current(follower);
}

static void
make_gauges(struct snapshot_follower *follower)
{
    struct metrics *metrics = rpc_channel_metrics(follower->channel);
    char labels[SNAPSHOT_NAME_MAX + 16];
    (void)snprintf(labels, sizeof labels, "name=\"%s\"", follower->name);
    follower->gauges.age = metrics_gauge(
        metrics, "snapshot_age_seconds", labels,
        "Since this version became current here; -1: nothing is held.");
    follower->gauges.silence = metrics_gauge(
        metrics, "snapshot_silence_seconds", labels,
        "Since the publisher was last heard; -1: never by this process.");
    follower->gauges.current =
        metrics_gauge(metrics, "snapshot_current", labels,
                      "1 while the publisher is heard and what it publishes "
                      "is held.");
    metrics_on_write(metrics, on_metrics, follower);
}

/* --- life ----------------------------------------------------------------- */

static void
read_disk(struct snapshot_follower *follower)
{
    char *file;
    struct slice content;
    struct snapshot_version version;
    if (follower->disk_path == NULL)
        return;
    enum status status = snapshot_disk_read(follower->disk_path, follower->name,
                                            &file, &version, &content);
    if (status == STATUS_NOT_FOUND)
        return;
    if (status != STATUS_OK) {
        log_event(LOG_WARN, "snapshot-copy-broken",
                  LOG_STR("name", follower->name),
                  LOG_STR("path", follower->disk_path),
                  LOG_STR("status", status_text(status)),
                  LOG_STR("next", "ask the publisher"));
        return;
    }
    (void)install_whole(follower, "disk", content, &version);
    free(file);
}

enum status
snapshot_follower_new(struct loop *loop, struct rpc_channel *channel,
                      const struct snapshot_follower_options *options,
                      struct snapshot_follower **ret_follower)
{
    CHECK(strlen(options->name) < SNAPSHOT_NAME_MAX);
    struct snapshot_follower *follower = calloc(1, sizeof *follower);
    if (follower == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    follower->magic = SNAPSHOT_FOLLOWER_MAGIC;
    follower->loop = loop;
    follower->channel = channel;
    follower->options = *options;
    follower->timing = rpc_channel_timing(channel);
    follower->backoff = BACKOFF_FIRST_MS;
    snapshot_parts_init(&follower->parts);
    memcpy(follower->name, options->name, strlen(options->name));
    make_gauges(follower);
    if (options->disk_path != NULL) {
        follower->disk_path = strdup(options->disk_path);
        if (follower->disk_path == NULL)
            goto fail;
    }
    if (loop_timer_new(loop, on_retry, follower, &follower->retry) !=
            STATUS_OK ||
        loop_timer_new(loop, on_disk_timer, follower, &follower->disk) !=
            STATUS_OK)
        goto fail;
    read_disk(follower);
    ask(follower);
    *ret_follower = follower;
    return STATUS_OK;
fail:
    snapshot_follower_free(&follower);
    return STATUS_RESOURCE_EXHAUSTED;
}

void
snapshot_follower_free(struct snapshot_follower **follower)
{
    struct snapshot_follower *self = *follower;
    if (self == NULL)
        return;
    CHECK_OBJ(self, SNAPSHOT_FOLLOWER_MAGIC);
    rpc_call_cancel(&self->watch);
    on_disk_timer(self);
    loop_timer_free(&self->retry);
    loop_timer_free(&self->disk);
    metrics_off_write(rpc_channel_metrics(self->channel), self);
    snapshot_parts_drop(&self->parts);
    free(self->disk_path);
    self->magic = 0;
    free(self);
    *follower = NULL;
}

bool
snapshot_follower_has(const struct snapshot_follower *follower)
{
    CHECK_OBJ(follower, SNAPSHOT_FOLLOWER_MAGIC);
    return follower->has;
}

bool
snapshot_follower_is_current(const struct snapshot_follower *follower)
{
    CHECK_OBJ(follower, SNAPSHOT_FOLLOWER_MAGIC);
    return follower->has && !follower->need_whole && !follower->behind &&
           follower->heard_at != 0 &&
           loop_now(follower->loop) - follower->heard_at <
               2 * follower->timing->watch_wait + CURRENT_MARGIN_MS;
}

ms_time
snapshot_follower_heard(const struct snapshot_follower *follower)
{
    CHECK_OBJ(follower, SNAPSHOT_FOLLOWER_MAGIC);
    return follower->heard_wall;
}

struct snapshot_version
snapshot_follower_version(const struct snapshot_follower *follower)
{
    CHECK_OBJ(follower, SNAPSHOT_FOLLOWER_MAGIC);
    return follower->at;
}
