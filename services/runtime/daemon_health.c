/* What a daemon says of itself: ss.Health/Check.
 *
 * Whether it serves, which snapshots it follows and publishes, how old they
 * are, and its metrics when they are asked for. Everything of a reply lives in
 * the call's arena. */
#include "services/runtime/daemon_private.h"

#include "core/base/check.h"

#include <stdio.h>
#include <unistd.h>

#define PUBLISHED_MAX 8 /* listed; a daemon publishes one or two */
#define METRICS_TEXT_MAX (1u << 20)

static Ss__Timestamp *
new_time(struct arena *arena, ms_time time)
{
    Ss__Timestamp *stamp = ARENA_NEW(arena, Ss__Timestamp);
    if (stamp == NULL)
        return NULL;
    ss__timestamp__init(stamp);
    stamp->ms = time;
    return stamp;
}

static char *
new_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_text(arena, slice_of(text)) : NULL;
}

/* One more line of the reply, NULL when the arena is full. */
static Ss__SnapshotAge *
add_age(struct arena *arena, Ss__HealthReply *reply, const char *name,
        const struct snapshot_version *held)
{
    Ss__SnapshotAge *age = ARENA_NEW(arena, Ss__SnapshotAge);
    if (age == NULL)
        return NULL;
    ss__snapshot_age__init(age);
    age->name = new_text(arena, name);
    if (held->sequence > 0) {
        age->at = ARENA_NEW(arena, Ss__SnapshotVersion);
        age->since = new_time(arena, held->since);
        if (age->at == NULL)
            return NULL;
        ss__snapshot_version__init(age->at);
        age->at->epoch = held->epoch;
        age->at->sequence = held->sequence;
        age->at->hash = held->hash;
    }
    if (!arena_ok(arena))
        return NULL;
    reply->snapshots[reply->n_snapshots++] = age;
    return age;
}

static void
add_followed(const struct daemon_followed *followed, struct arena *arena,
             Ss__HealthReply *reply)
{
    const struct snapshot_follower *follower = followed->follower;
    struct snapshot_version held = snapshot_follower_version(follower);
    ms_time heard = snapshot_follower_heard(follower);
    Ss__SnapshotAge *age = add_age(arena, reply, followed->name, &held);
    if (age == NULL)
        return;
    age->has_current = true;
    age->current = snapshot_follower_is_current(follower);
    if (heard != 0)
        age->heard = new_time(arena, heard);
}

static void
add_published(const struct snapshot_published *published, struct arena *arena,
              Ss__HealthReply *reply)
{
    Ss__SnapshotAge *age =
        add_age(arena, reply, published->name, &published->at);
    if (age == NULL || published->trouble == NULL)
        return;
    age->trouble = new_text(arena, published->trouble);
    if (reply->detail == NULL)
        reply->detail = age->trouble;
}

static void
add_snapshots(const struct daemon_private *private, struct arena *arena,
              Ss__HealthReply *reply)
{
    struct snapshot_published published;
    reply->snapshots = ARENA_ARRAY(arena, Ss__SnapshotAge *,
                                   private->followed_count + PUBLISHED_MAX);
    if (reply->snapshots == NULL)
        return;
    for (size_t i = 0; i < private->followed_count; i++)
        add_followed(&private->followed[i], arena, reply);
    for (size_t i = 0; i < PUBLISHED_MAX; i++)
        if (snapshot_published_at(private->daemon->server, i, &published))
            add_published(&published, arena, reply);
}

static char *
metrics_text(const struct daemon *daemon, struct arena *arena)
{
    struct buf text;
    buf_init(&text, METRICS_TEXT_MAX);
    metrics_write(daemon->metrics, &text);
    char *copy = buf_ok(&text) ? arena_text(arena, buf_slice(&text)) : NULL;
    buf_fini(&text);
    return copy;
}

static void
on_check(Ss__Health_Service *service, const Ss__HealthRequest *request,
         Ss__HealthReply_Closure done, void *done_data)
{
    struct daemon_private *private = (struct daemon_private *)(void *)service;
    const struct daemon *daemon = private->daemon;
    struct arena *arena = rpc_call_arena(done_data);
    Ss__HealthReply reply = SS__HEALTH_REPLY__INIT;
    char version[] = SS_VERSION;
    char process[HOME_INSTANCE_MAX];
    (void)snprintf(process, sizeof(process), "%s", daemon->spec->name);
    reply.serving = private->ready && !private->draining;
    reply.process = process;
    reply.instance = private->instance;
    reply.version = version;
    reply.started_at = new_time(arena, private->started_at);
    reply.has_pid = true;
    reply.pid = (uint32_t)getpid();
    if (!reply.serving)
        reply.detail = private->detail;
    add_snapshots(private, arena, &reply);
    if (request->metrics)
        reply.metrics = metrics_text(daemon, arena);
    done(&reply, done_data);
}

void
daemon_health_serve(struct daemon *daemon)
{
    struct daemon_private *private = daemon->private;
    private->health = (Ss__Health_Service)SS__HEALTH__INIT(on_);
    rpc_server_add(daemon->server, &private->health.base);
}
