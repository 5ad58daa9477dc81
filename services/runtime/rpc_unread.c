/* What peers owe, as counters that two threads share.
 *
 * The loop's thread adds when it packs, libzmq's thread takes off when it is
 * done with a frame. That may be after the server is gone, so the counters
 * live as long as the last frame. */
#include "services/runtime/rpc_unread.h"

#include "core/base/check.h"
#include "core/base/hash.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#define RPC_UNREAD_MAGIC 0x554e5244u
#define PEERS_MAX 1024

struct rpc_unread {
    unsigned magic;
    uint64_t key;     /* nobody outside can choose whose place to share */
    atomic_uint refs; /* the server, and each frame */
    atomic_size_t all;
    atomic_size_t peers[PEERS_MAX];
};

/* The memory of a frame. */
struct parcel {
    struct rpc_unread *unread;
    atomic_size_t *peer;
    atomic_size_t size; /* written last: hands the rest to the other thread */
    uint8_t bytes[];
};

enum status
rpc_unread_new(struct rpc_unread **ret_unread)
{
    struct rpc_unread *unread = calloc(1, sizeof *unread);
    if (unread == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    unread->magic = RPC_UNREAD_MAGIC;
    CHECK(getrandom(&unread->key, sizeof unread->key, 0) == sizeof unread->key);
    atomic_init(&unread->refs, 1);
    *ret_unread = unread;
    return STATUS_OK;
}

static void
leave(struct rpc_unread *unread)
{
    if (atomic_fetch_sub(&unread->refs, 1) == 1)
        free(unread);
}

void
rpc_unread_free(struct rpc_unread **unread)
{
    struct rpc_unread *self = *unread;
    if (self == NULL)
        return;
    CHECK_OBJ(self, RPC_UNREAD_MAGIC);
    leave(self);
    *unread = NULL;
}

/* libzmq is done with the frame; mostly on a thread of libzmq. */
static void
on_taken(void *bytes, void *hint)
{
    struct parcel *parcel = hint;
    size_t size = atomic_load(&parcel->size);
    struct rpc_unread *unread = parcel->unread;
    (void)bytes;
    atomic_fetch_sub(parcel->peer, size);
    atomic_fetch_sub(&unread->all, size);
    free(parcel);
    leave(unread);
}

static bool
may_owe(const struct rpc_unread *unread, const atomic_size_t *peer, size_t size)
{
    size_t owes = atomic_load(peer);
    if (owes == 0)
        return true;
    return owes + size <= RPC_UNREAD_PEER_MAX &&
           atomic_load(&unread->all) + size <= RPC_UNREAD_ALL_MAX;
}

static enum status
pack_small(const ProtobufCMessage *message, size_t size, zmq_msg_t *packed)
{
    if (zmq_msg_init_size(packed, size) != 0)
        return STATUS_RESOURCE_EXHAUSTED;
    (void)protobuf_c_message_pack(message, zmq_msg_data(packed));
    return STATUS_OK;
}

static enum status
pack_counted(struct rpc_unread *unread, struct slice peer_id,
             const ProtobufCMessage *message, size_t size, zmq_msg_t *packed)
{
    uint64_t hash = hash_mix(hash_slice(peer_id), unread->key);
    atomic_size_t *peer = &unread->peers[hash % PEERS_MAX];
    if (!may_owe(unread, peer, size))
        return STATUS_UNAVAILABLE;
    struct parcel *parcel = malloc(sizeof *parcel + size);
    if (parcel == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    parcel->unread = unread;
    parcel->peer = peer;
    (void)protobuf_c_message_pack(message, parcel->bytes);
    atomic_store(&parcel->size, size);
    if (zmq_msg_init_data(packed, parcel->bytes, size, on_taken, parcel) != 0) {
        free(parcel);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    atomic_fetch_add(&unread->refs, 1);
    atomic_fetch_add(peer, size);
    atomic_fetch_add(&unread->all, size);
    return STATUS_OK;
}

enum status
rpc_unread_pack(struct rpc_unread *unread, struct slice peer,
                const ProtobufCMessage *message, size_t max, zmq_msg_t *frame)
{
    CHECK_OBJ(unread, RPC_UNREAD_MAGIC);
    size_t size = protobuf_c_message_get_packed_size(message);
    zmq_msg_t packed;
    if (size > max)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status =
        size < RPC_UNREAD_LEAST
            ? pack_small(message, size, &packed)
            : pack_counted(unread, peer, message, size, &packed);
    if (status == STATUS_OK)
        CHECK(zmq_msg_move(frame, &packed) == 0);
    return status;
}

size_t
rpc_unread_bytes(const struct rpc_unread *unread)
{
    CHECK_OBJ(unread, RPC_UNREAD_MAGIC);
    return atomic_load(&unread->all);
}
