/* Encoding once, keeping, cutting. */
#include "services/runtime/snapshot_whole.h"

#include "core/base/check.h"
#include "services/runtime/log.h"

#include <stdio.h>

#define TOO_LARGE                                                              \
    "the whole is too large to be sent: followers keep what they have, new "   \
    "ones get nothing"
#define NOT_ENCODED                                                            \
    "the whole cannot be encoded: followers keep what they have, new ones "    \
    "get nothing"

void
snapshot_whole_init(struct snapshot_whole *whole, struct loop *loop,
                    struct metrics *metrics, const char *name)
{
    char labels[SNAPSHOT_NAME_MAX + 16];
    (void)snprintf(labels, sizeof labels, "name=\"%s\"", name);
    *whole = (struct snapshot_whole){.loop = loop, .name = name};
    buf_init(&whole->bytes, SNAPSHOT_WHOLE_MAX);
    whole->size_gauge = metrics_gauge(
        metrics, "snapshot_whole_bytes", labels,
        "Size of the whole when it was last encoded for a follower.");
    whole->refused_gauge =
        metrics_gauge(metrics, "snapshot_whole_refused", labels,
                      "1 while the whole is too large or cannot be encoded.");
}

void
snapshot_whole_fini(struct snapshot_whole *whole)
{
    buf_fini(&whole->bytes);
}

void
snapshot_whole_retry(struct snapshot_whole *whole)
{
    whole->refused_until = 0;
}

static void
refuse(struct snapshot_whole *whole, enum status status)
{
    bool large = status == STATUS_RESOURCE_EXHAUSTED;
    whole->refused_as = large ? STATUS_RESOURCE_EXHAUSTED : STATUS_INTERNAL;
    if (whole->trouble == NULL)
        log_event(LOG_ERROR, "snapshot-not-encoded",
                  LOG_STR("name", whole->name),
                  LOG_STR("status", status_text(status)),
                  LOG_I64("max_bytes", SNAPSHOT_WHOLE_MAX),
                  LOG_STR("next", "followers keep what they have and get "
                                  "deltas; new ones get nothing"));
    whole->trouble = large ? TOO_LARGE : NOT_ENCODED;
    whole->refused_until = loop_now(whole->loop) + SNAPSHOT_REFUSED_MS;
    *whole->refused_gauge = 1;
    buf_fini(&whole->bytes); /* what was half encoded may be very large */
    buf_init(&whole->bytes, SNAPSHOT_WHOLE_MAX);
}

static void
accept(struct snapshot_whole *whole, const struct snapshot_version *at)
{
    if (whole->trouble != NULL)
        log_event(LOG_INFO, "snapshot-encoded-again",
                  LOG_STR("name", whole->name),
                  LOG_U64("bytes", whole->bytes.len));
    whole->trouble = NULL;
    whole->refused_until = 0;
    whole->of = *at;
    *whole->refused_gauge = 0;
    *whole->size_gauge = (int64_t)whole->bytes.len;
}

enum status
snapshot_whole_get(struct snapshot_whole *whole,
                   const struct snapshot_version *at)
{
    ms_time now = loop_now(whole->loop);
    if (snapshot_whole_is(whole, at))
        return STATUS_OK;
    if (now < whole->fetched_until)
        return STATUS_UNAVAILABLE;
    if (now < whole->refused_until)
        return whole->refused_as;
    buf_reset(&whole->bytes);
    whole->fetchers = 0;
    whole->of = (struct snapshot_version){.sequence = 0};
    enum status status = whole->encode(whole->context, &whole->bytes);
    if (status == STATUS_OK && !buf_ok(&whole->bytes))
        status = STATUS_RESOURCE_EXHAUSTED;
    if (status != STATUS_OK) {
        refuse(whole, status);
        return whole->refused_as;
    }
    accept(whole, at);
    return STATUS_OK;
}

bool
snapshot_whole_is(const struct snapshot_whole *whole,
                  const struct snapshot_version *at)
{
    const struct snapshot_version *of = &whole->of;
    return of->sequence > 0 && of->sequence == at->sequence &&
           of->epoch == at->epoch && of->hash == at->hash;
}

struct slice
snapshot_whole_part(struct snapshot_whole *whole, uint64_t from, size_t most)
{
    struct slice bytes = buf_slice(&whole->bytes);
    CHECK(from <= bytes.len);
    struct slice part = slice_cut(bytes, (size_t)from, bytes.len);
    bool last = part.len <= most;
    if (!last)
        part.len = most;
    if (from == 0 && !last)
        whole->fetchers++;
    if (from > 0 && last && whole->fetchers > 0)
        whole->fetchers--;
    whole->fetched_until =
        whole->fetchers > 0 ? loop_now(whole->loop) + SNAPSHOT_FETCHED_MS : 0;
    return part;
}
