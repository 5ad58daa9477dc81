/* The bare DEALER; see the header. */
#include "tests/support/raw_dealer.h"

#include "core/base/check.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define PATIENCE_TURNS 1000 /* of a millisecond each */

void
raw_open(struct raw_dealer *raw, struct rpc_stand *stand, const char *endpoint)
{
    int none = 0;
    memset(raw, 0, sizeof *raw);
    raw->stand = stand;
    raw->arena = arena_new(4 << 20);
    raw->socket = zmq_socket(stand->zmq, ZMQ_DEALER);
    CHECK(raw->arena != NULL && raw->socket != NULL);
    CHECK(zmq_setsockopt(raw->socket, ZMQ_LINGER, &none, sizeof none) == 0);
    CHECK(zmq_setsockopt(raw->socket, ZMQ_SNDHWM, &none, sizeof none) == 0);
    CHECK(zmq_setsockopt(raw->socket, ZMQ_RCVHWM, &none, sizeof none) == 0);
    if (endpoint != NULL)
        CHECK(zmq_connect(raw->socket, endpoint) == 0);
}

void
raw_close(struct raw_dealer *raw)
{
    if (raw->socket != NULL)
        CHECK(zmq_close(raw->socket) == 0);
    raw->socket = NULL;
    arena_free(&raw->arena);
}

void
raw_part(struct raw_dealer *raw, const void *bytes, size_t len, bool more)
{
    CHECK(zmq_send(raw->socket, bytes, len, more ? ZMQ_SNDMORE : 0) ==
          (int)len);
}

Ss__FrameHeader
raw_header(int kind, uint64_t id)
{
    Ss__FrameHeader header = SS__FRAME_HEADER__INIT;
    static char method[] = "ss.Health/Check";
    header.kind = (Ss__FrameKind)kind;
    header.version = RPC_VERSION;
    header.call_id = id;
    if (kind == SS__FRAME_KIND__FRAME_REQ)
        header.method = method;
    return header;
}

void
raw_send(struct raw_dealer *raw, const Ss__FrameHeader *header,
         struct slice body)
{
    uint8_t bytes[8192];
    CHECK(ss__frame_header__get_packed_size(header) <= sizeof bytes);
    size_t len = ss__frame_header__pack(header, bytes);
    raw_part(raw, bytes, len, true);
    raw_part(raw, body.ptr, body.len, false);
}

void
raw_call(struct raw_dealer *raw, const char *method, uint64_t id,
         uint32_t timeout_ms)
{
    Ss__FrameHeader header = raw_header(SS__FRAME_KIND__FRAME_REQ, id);
    char copy[RPC_METHOD_MAX];
    (void)snprintf(copy, sizeof copy, "%s", method);
    header.method = copy;
    header.has_timeout_ms = true;
    header.timeout_ms = timeout_ms;
    raw_send(raw, &header, SLICE(""));
}

void
raw_request(struct raw_dealer *raw, uint64_t id, uint32_t timeout_ms)
{
    raw_call(raw, "ss.Health/Check", id, timeout_ms);
}

void
raw_ping(struct raw_dealer *raw, uint64_t id)
{
    Ss__FrameHeader header = raw_header(SS__FRAME_KIND__FRAME_PING, id);
    raw_send(raw, &header, SLICE(""));
}

Ss__FrameHeader *
raw_receive(struct raw_dealer *raw)
{
    int len = -1;
    for (int i = 0; i < PATIENCE_TURNS && len < 0; i++) {
        if (i > 0)
            rpc_stand_run_for(raw->stand, 1);
        len = zmq_recv(raw->socket, raw->header, sizeof raw->header,
                       ZMQ_DONTWAIT);
    }
    if (len < 0)
        return NULL;
    raw->header_len = (size_t)len;
    len = zmq_recv(raw->socket, raw->body, sizeof raw->body, 0);
    CHECK(len >= 0);
    raw->body_len = (size_t)len;
    Ss__FrameHeader *header;
    CHECK(rpc_frame_parse(slice_make(raw->header, raw->header_len), raw->arena,
                          &header) == STATUS_OK);
    return header;
}
