/* A hash table of counters with chains; a counter that falls to zero is
 * forgotten. */
#include "services/gatewayd/address_count.h"

#include "core/base/check.h"
#include "core/base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define COUNT_MAGIC 0x41434e54u
#define BUCKETS 4096 /* a power of 2; 32 KiB */

struct entry {
    struct ip_address address;
    uint32_t count;
    LIST_ENTRY(entry) link;
};

LIST_HEAD(bucket, entry);

struct address_count {
    unsigned magic;
    uint32_t limit;
    struct bucket buckets[BUCKETS];
};

struct address_count *
address_count_new(uint32_t limit)
{
    struct address_count *counts = calloc(1, sizeof(*counts));

    if (!counts)
        return NULL;
    counts->magic = COUNT_MAGIC;
    counts->limit = limit;
    return counts;
}

void
address_count_free(struct address_count **counts_at)
{
    struct address_count *counts = *counts_at;

    if (!counts)
        return;
    CHECK_OBJ(counts, COUNT_MAGIC);
    for (size_t i = 0; i < BUCKETS; i++) {
        struct bucket *bucket = &counts->buckets[i];

        while (!LIST_EMPTY(bucket)) {
            struct entry *entry = LIST_FIRST(bucket);

            LIST_REMOVE(entry, link);
            free(entry);
        }
    }
    counts->magic = 0;
    free(counts);
    *counts_at = NULL;
}

static struct bucket *
bucket_of(struct address_count *counts, const struct ip_address *address)
{
    uint64_t hash = hash_bytes(address->bytes, sizeof(address->bytes));

    return &counts->buckets[hash % BUCKETS];
}

static struct entry *
find(struct bucket *bucket, const struct ip_address *address)
{
    struct entry *entry;

    LIST_FOREACH(entry, bucket, link)
    if (memcmp(&entry->address, address, sizeof(*address)) == 0)
        return entry;
    return NULL;
}

bool
address_count_take(struct address_count *counts,
                   const struct ip_address *address)
{
    struct bucket *bucket;
    struct entry *entry;

    CHECK_OBJ(counts, COUNT_MAGIC);
    bucket = bucket_of(counts, address);
    entry = find(bucket, address);
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            return false;
        entry->address = *address;
        LIST_INSERT_HEAD(bucket, entry, link);
    }
    if (counts->limit > 0 && entry->count >= counts->limit)
        return false;
    entry->count++;
    return true;
}

void
address_count_give(struct address_count *counts,
                   const struct ip_address *address)
{
    struct entry *entry;

    CHECK_OBJ(counts, COUNT_MAGIC);
    entry = find(bucket_of(counts, address), address);
    CHECK(entry != NULL && entry->count > 0);
    if (--entry->count > 0)
        return;
    LIST_REMOVE(entry, link);
    free(entry);
}
