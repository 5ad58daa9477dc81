/* A plain list: it is walked a few times a second, and short. */
#include "services/runtime/snapshot_watchers.h"

#include "core/base/check.h"

static struct snapshot_watcher
take(struct snapshot_watchers *watchers, size_t at)
{
    struct snapshot_watcher taken = watchers->list[at];
    watchers->count--;
    memmove(&watchers->list[at], &watchers->list[at + 1],
            (watchers->count - at) * sizeof watchers->list[0]);
    return taken;
}

void
snapshot_watchers_sweep(struct snapshot_watchers *watchers)
{
    for (size_t i = watchers->count; i-- > 0;)
        if (rpc_call_is_cancelled(watchers->list[i].call))
            rpc_fail(take(watchers, i).call, STATUS_CANCELLED, "",
                     "given up by the caller");
}

void
snapshot_watchers_count(const struct snapshot_watchers *watchers, void *call,
                        struct snapshot_watchers_like *like)
{
    struct slice peer = rpc_call_peer(call);
    const char *caller = rpc_call_caller(call);
    for (size_t i = 0; i < watchers->count; i++) {
        void *held = watchers->list[i].call;
        like->peer += slice_eq(rpc_call_peer(held), peer);
        like->caller += strcmp(rpc_call_caller(held), caller) == 0;
    }
}

void
snapshot_watchers_add(struct snapshot_watchers *watchers,
                      const struct snapshot_watcher *watcher)
{
    CHECK(watchers->count < SNAPSHOT_WATCHERS_MAX);
    watchers->list[watchers->count++] = *watcher;
}

bool
snapshot_watchers_take_due(struct snapshot_watchers *watchers, ms_time now,
                           struct snapshot_watcher *ret_watcher)
{
    for (size_t i = 0; i < watchers->count; i++) {
        if (watchers->list[i].until > now)
            continue;
        *ret_watcher = take(watchers, i);
        return true;
    }
    return false;
}

ms_time
snapshot_watchers_next(const struct snapshot_watchers *watchers)
{
    ms_time soonest = 0;
    for (size_t i = 0; i < watchers->count; i++) {
        ms_time until = watchers->list[i].until;
        if (i == 0 || until < soonest)
            soonest = until;
    }
    return soonest;
}
