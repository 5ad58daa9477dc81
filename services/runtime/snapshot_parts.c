/* Parts come in order, one for each Watch; anything else starts over. */
#include "services/runtime/snapshot_parts.h"

#include "core/base/check.h"

void
snapshot_parts_init(struct snapshot_parts *parts)
{
    *parts = (struct snapshot_parts){.of = {.sequence = 0}};
    buf_init(&parts->bytes, SNAPSHOT_WHOLE_MAX);
}

void
snapshot_parts_drop(struct snapshot_parts *parts)
{
    buf_fini(&parts->bytes);
    snapshot_parts_init(parts);
}

void
snapshot_parts_ask(const struct snapshot_parts *parts,
                   Ss__WatchRequest *request, Ss__SnapshotVersion *of)
{
    if (parts->bytes.len == 0)
        return;
    ss__snapshot_version__init(of);
    of->epoch = parts->of.epoch;
    of->sequence = parts->of.sequence;
    of->hash = parts->of.hash;
    request->part_of = of;
    request->has_part_from = true;
    request->part_from = parts->bytes.len;
}

static bool
fits_on(const struct snapshot_parts *parts, const Ss__WatchReply *reply)
{
    const Ss__SnapshotVersion *at = reply->at;
    return reply->part_from == parts->bytes.len && reply->whole.len > 0 &&
           reply->part_from < reply->whole_bytes &&
           reply->whole.len <= reply->whole_bytes - reply->part_from &&
           at->epoch == parts->of.epoch && at->hash == parts->of.hash &&
           at->sequence == parts->of.sequence;
}

enum status
snapshot_parts_take(struct snapshot_parts *parts, const Ss__WatchReply *reply,
                    bool *ret_complete)
{
    CHECK(reply->has_whole);
    if (reply->part_from == 0) {
        snapshot_parts_drop(parts);
        parts->of = (struct snapshot_version){.epoch = reply->at->epoch,
                                              .sequence = reply->at->sequence,
                                              .hash = reply->at->hash};
    }
    bool large = reply->whole_bytes > SNAPSHOT_WHOLE_MAX;
    if (large || !fits_on(parts, reply)) {
        snapshot_parts_drop(parts);
        return large ? STATUS_RESOURCE_EXHAUSTED : STATUS_DATA_LOSS;
    }
    /* All at once at the first part, so that it is not moved as it grows. */
    if (buf_reserve(&parts->bytes,
                    (size_t)(reply->whole_bytes - reply->part_from)) == NULL) {
        snapshot_parts_drop(parts);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    buf_put(&parts->bytes, reply->whole.data, reply->whole.len);
    *ret_complete = parts->bytes.len == reply->whole_bytes;
    return STATUS_OK;
}
