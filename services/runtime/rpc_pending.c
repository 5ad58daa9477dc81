/* The table of calls under way: slots, ids, deadlines.
 *
 * The arrays grow by doubling up to the channel's maximum of calls. Ended
 * calls are kept with their arena, RPC_PENDING_IDLE_MAX at most. */
#include "services/runtime/rpc_pending.h"

#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>

#define RPC_PENDING_MAGIC 0x50454e44u
#define RPC_PENDING_IDLE_MAX 256
#define CAPACITY_FIRST 64
/* Bytes of a header that are filled in later: caller, call id, timeout. */
#define HEADER_REST_MAX 96

void
rpc_pending_table_init(struct rpc_pending_table *table, uint32_t max,
                       uint32_t first_use)
{
    *table = (struct rpc_pending_table){.max = max, .first_use = first_use};
    TAILQ_INIT(&table->idle);
}

static void
free_pending(struct rpc_pending *pending)
{
    CHECK(zmq_msg_close(&pending->body) == 0);
    arena_free(&pending->arena);
    pending->magic = 0;
    free(pending);
}

void
rpc_pending_table_fini(struct rpc_pending_table *table)
{
    struct rpc_pending *pending;
    CHECK(table->count == 0);
    while ((pending = TAILQ_FIRST(&table->idle)) != NULL) {
        TAILQ_REMOVE(&table->idle, pending, link);
        free_pending(pending);
    }
    free(table->slots);
    free(table->uses);
    free(table->free_slots);
    free(table->heap);
    *table = (struct rpc_pending_table){.max = 0};
}

/* Grow one array; false leaves it as it was. */
static bool
grow_array(void *array, size_t count, size_t size)
{
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    grown = reallocarray(old, count, size);
    if (grown == NULL)
        return false;
    memcpy(array, &grown, sizeof grown);
    return true;
}

static bool
grow(struct rpc_pending_table *table)
{
    uint32_t old = table->capacity;
    uint32_t capacity = old == 0 ? CAPACITY_FIRST : old * 2;
    if (capacity > table->max || capacity < old)
        capacity = table->max;
    if (capacity == old ||
        !grow_array(&table->slots, capacity, sizeof(struct rpc_pending *)) ||
        !grow_array(&table->heap, capacity, sizeof(struct rpc_pending *)) ||
        !grow_array(&table->uses, capacity, sizeof *table->uses) ||
        !grow_array(&table->free_slots, capacity, sizeof *table->free_slots))
        return false;
    /* The stack of free slots is empty now; the new ones fill it. */
    for (uint32_t i = old; i < capacity; i++) {
        table->slots[i] = NULL;
        table->uses[i] = table->first_use;
        table->free_slots[capacity - 1 - i] = i;
    }
    table->capacity = capacity;
    return true;
}

/* --- the heap ------------------------------------------------------------- */

static void
place(struct rpc_pending_table *table, struct rpc_pending *pending, size_t at)
{
    table->heap[at] = pending;
    pending->heap_at = at;
}

static void
sift_up(struct rpc_pending_table *table, struct rpc_pending *pending, size_t at)
{
    while (at > 0) {
        struct rpc_pending *parent = table->heap[(at - 1) / 2];
        if (parent->deadline <= pending->deadline)
            break;
        place(table, parent, at);
        at = (at - 1) / 2;
    }
    place(table, pending, at);
}

static void
sift_down(struct rpc_pending_table *table, struct rpc_pending *pending,
          size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        struct rpc_pending *least = table->heap[child];
        if (child + 1 < count &&
            table->heap[child + 1]->deadline < least->deadline)
            least = table->heap[++child];
        if (pending->deadline <= least->deadline)
            break;
        place(table, least, at);
    }
    place(table, pending, at);
}

static void
heap_remove(struct rpc_pending_table *table, const struct rpc_pending *pending)
{
    size_t at = pending->heap_at;
    size_t count = table->count - 1;
    struct rpc_pending *last = table->heap[count];
    if (last == pending)
        return;
    if (last->deadline < pending->deadline)
        sift_up(table, last, at);
    else
        sift_down(table, last, at, count);
}

struct rpc_pending *
rpc_pending_first(const struct rpc_pending_table *table)
{
    return table->count > 0 ? table->heap[0] : NULL;
}

/* --- the request ---------------------------------------------------------- */

static char *
copy_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_text(arena, slice_of(text)) : NULL;
}

static void
add_metadata(struct arena *arena, Ss__FrameHeader *header,
             const struct rpc_options *options)
{
    Ss__MetadataEntry *entry = ARENA_NEW(arena, Ss__MetadataEntry);
    header->metadata = ARENA_NEW(arena, Ss__MetadataEntry *);
    if (entry == NULL || header->metadata == NULL)
        return;
    const char *value = options->metadata_value;
    ss__metadata_entry__init(entry);
    entry->key = copy_text(arena, options->metadata_key);
    entry->value = copy_text(arena, value != NULL ? value : "");
    header->metadata[0] = entry;
    header->n_metadata = 1;
}

static char *
join_method(struct arena *arena, const char *service, const char *method)
{
    size_t size = strlen(service) + strlen(method) + 2;
    char *path = arena_alloc(arena, size);
    if (path != NULL)
        (void)snprintf(path, size, "%s/%s", service, method);
    return path;
}

static Ss__FrameHeader *
make_header(struct arena *arena, const char *service, const char *method,
            const struct rpc_options *options)
{
    Ss__FrameHeader *header = ARENA_NEW(arena, Ss__FrameHeader);
    struct trace trace = options->trace ? *options->trace : trace_start();
    if (header == NULL)
        return NULL;
    ss__frame_header__init(header);
    header->kind = SS__FRAME_KIND__FRAME_REQ;
    header->version = RPC_VERSION;
    header->method = join_method(arena, service, method);
    header->tenant = copy_text(arena, options->tenant);
    header->idempotency_key = copy_text(arena, options->idempotency_key);
    header->traceparent = arena_alloc(arena, TRACE_TEXT_MAX);
    if (options->metadata_key != NULL)
        add_metadata(arena, header, options);
    if (!arena_ok(arena))
        return NULL;
    trace_format(&trace, header->traceparent);
    return header;
}

enum status
rpc_pending_fill(struct rpc_pending *pending, const char *service,
                 const ProtobufCMethodDescriptor *method,
                 const ProtobufCMessage *request,
                 const struct rpc_options *options)
{
    rpc_pending_check(pending);
    pending->reply_type = method->output;
    pending->idempotent = options->idempotent;
    pending->sticky = options->sticky;
    /* The arena ends where texts are far too long for a header. */
    pending->header =
        make_header(pending->arena, service, method->name, options);
    if (pending->header == NULL ||
        rpc_frame_check(pending->header) != STATUS_OK ||
        ss__frame_header__get_packed_size(pending->header) >
            RPC_HEADER_MAX - HEADER_REST_MAX)
        return STATUS_INVALID_ARGUMENT;
    if (rpc_frames_pack(&pending->body, request, RPC_REQUEST_MAX) != STATUS_OK)
        return STATUS_INVALID_ARGUMENT;
    return STATUS_OK;
}

/* --- slots ---------------------------------------------------------------- */

static struct rpc_pending *
take_idle(struct rpc_pending_table *table)
{
    struct rpc_pending *pending = TAILQ_FIRST(&table->idle);
    if (pending != NULL) {
        TAILQ_REMOVE(&table->idle, pending, link);
        table->idle_count--;
        return pending;
    }
    pending = calloc(1, sizeof *pending);
    if (pending == NULL)
        return NULL;
    pending->arena = arena_new((size_t)2 * RPC_HEADER_MAX);
    if (pending->arena == NULL) {
        free(pending);
        return NULL;
    }
    pending->magic = RPC_PENDING_MAGIC;
    CHECK(zmq_msg_init(&pending->body) == 0);
    return pending;
}

void
rpc_pending_renew(struct rpc_pending_table *table, struct rpc_pending *pending)
{
    uint64_t use = ++table->uses[pending->slot];
    pending->id = use << 32 | pending->slot;
}

struct rpc_pending *
rpc_pending_take(struct rpc_pending_table *table, ms_time deadline)
{
    if (table->count == table->capacity && !grow(table))
        return NULL;
    struct rpc_pending *pending = take_idle(table);
    if (pending == NULL)
        return NULL;
    uint32_t at = table->count++;
    pending->slot = table->free_slots[table->capacity - 1 - at];
    pending->deadline = deadline;
    table->slots[pending->slot] = pending;
    rpc_pending_renew(table, pending);
    sift_up(table, pending, at);
    return pending;
}

void
rpc_pending_release(struct rpc_pending_table *table,
                    struct rpc_pending *pending)
{
    rpc_pending_check(pending);
    CHECK(table->slots[pending->slot] == pending);
    heap_remove(table, pending);
    table->slots[pending->slot] = NULL;
    table->count--;
    table->free_slots[table->capacity - 1 - table->count] = pending->slot;
    CHECK(zmq_msg_close(&pending->body) == 0);
    CHECK(zmq_msg_init(&pending->body) == 0);
    arena_reset(pending->arena);
    pending->header = NULL;
    pending->endpoint = NULL;
    pending->attempts = 0;
    if (table->idle_count == RPC_PENDING_IDLE_MAX) {
        free_pending(pending);
        return;
    }
    TAILQ_INSERT_HEAD(&table->idle, pending, link);
    table->idle_count++;
}

struct rpc_pending *
rpc_pending_lookup(const struct rpc_pending_table *table, uint64_t id)
{
    uint32_t slot = (uint32_t)id;
    struct rpc_pending *pending =
        slot < table->capacity ? table->slots[slot] : NULL;
    return pending != NULL && pending->id == id ? pending : NULL;
}

void
rpc_pending_check(const struct rpc_pending *pending)
{
    CHECK_OBJ(pending, RPC_PENDING_MAGIC);
}
