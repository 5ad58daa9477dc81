/* A bare DEALER that says whatever a test wants said to an RPC server, and
 * hears what comes back, frame by frame. */
#ifndef TESTS_SUPPORT_RAW_DEALER_H
#define TESTS_SUPPORT_RAW_DEALER_H

#include "core/base/slice.h"
#include "services/runtime/rpc_frame.h"
#include "tests/support/rpc_stand.h"

struct raw_dealer {
    struct rpc_stand *stand;
    void *socket; /* NULL when closed */
    struct arena *arena;
    /* The last frames received. */
    char header[RPC_HEADER_MAX], body[RPC_HEADER_MAX];
    size_t header_len, body_len;
};

/* endpoint may be NULL: options are set first, and zmq_connect follows. */
void
raw_open(struct raw_dealer *raw, struct rpc_stand *stand, const char *endpoint);
void raw_close(struct raw_dealer *raw);
void raw_part(struct raw_dealer *raw, const void *bytes, size_t len, bool more);
/* A request names ss.Health/Check. */
Ss__FrameHeader raw_header(int kind, uint64_t id);
void raw_send(struct raw_dealer *raw, const Ss__FrameHeader *header,
              struct slice body);
void raw_request(struct raw_dealer *raw, uint64_t id, uint32_t timeout_ms);
/* The same for another method. */
void raw_call(struct raw_dealer *raw, const char *method, uint64_t id,
              uint32_t timeout_ms);
void raw_ping(struct raw_dealer *raw, uint64_t id);
/* The next message, or NULL when none came for a while; lives until close. */
Ss__FrameHeader *raw_receive(struct raw_dealer *raw);

#endif
