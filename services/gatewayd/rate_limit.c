/* A set-associative table of counters.
 *
 * A client's hash names a set of WAYS slots; finding, counting and forgetting
 * look at those only, so a request costs the same under a million addresses
 * as under one. */
#include "services/gatewayd/rate_limit.h"

#include "core/base/check.h"
#include "core/base/hash.h"

#include <stdlib.h>
#include <string.h>

#define RATE_MAGIC 0x52415445u
#define WAYS 8

struct slot {
    struct ip_address client;
    ms_time end; /* of the window; 0: the slot is free */
    uint32_t count;
};

struct rate_limit {
    unsigned magic;
    uint32_t limit;
    ms_dur window;
    size_t sets;
    struct slot *slots;
};

struct rate_limit *
rate_limit_new(uint32_t limit, ms_dur window, size_t capacity)
{
    struct rate_limit *rate = calloc(1, sizeof(*rate));

    CHECK(capacity >= WAYS && (capacity & (capacity - 1)) == 0);
    if (!rate)
        return NULL;
    rate->magic = RATE_MAGIC;
    rate->limit = limit;
    rate->window = window;
    rate->sets = capacity / WAYS;
    rate->slots = calloc(capacity, sizeof(*rate->slots));
    if (rate->slots)
        return rate;
    free(rate);
    return NULL;
}

void
rate_limit_free(struct rate_limit **rate_at)
{
    struct rate_limit *rate = *rate_at;

    if (!rate)
        return;
    CHECK_OBJ(rate, RATE_MAGIC);
    free(rate->slots);
    rate->magic = 0;
    free(rate);
    *rate_at = NULL;
}

/* The client's slot; else one that is free or over, else the one that counted
 * least. */
static struct slot *
find_slot(struct rate_limit *rate, const struct ip_address *client, ms_time now)
{
    uint64_t hash = hash_bytes(client->bytes, sizeof(client->bytes));
    struct slot *set = &rate->slots[hash % rate->sets * WAYS];
    struct slot *best = set;

    for (size_t i = 0; i < WAYS; i++) {
        struct slot *slot = &set[i];

        if (slot->end > now &&
            memcmp(&slot->client, client, sizeof(*client)) == 0)
            return slot;
        if (best->end > now && (slot->end <= now || slot->count < best->count))
            best = slot;
    }
    *best = (struct slot){.client = *client, .end = now + rate->window};
    return best;
}

bool
rate_limit_take(struct rate_limit *rate, const struct ip_address *client,
                ms_time now, ms_dur *ret_wait)
{
    struct slot *slot;

    CHECK_OBJ(rate, RATE_MAGIC);
    if (rate->limit == 0)
        return true;
    slot = find_slot(rate, client, now);
    if (slot->count < rate->limit) {
        slot->count++;
        return true;
    }
    *ret_wait = slot->end - now;
    return false;
}
