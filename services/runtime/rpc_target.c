/* Reading endpoints. Loopback is judged by number, never by name: what
 * "localhost" means is somebody else's file. */
#include "services/runtime/rpc_target.h"

#include "core/base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define HOST_MAX 254 /* bytes, with NUL */

static bool
host_is_loopback(struct slice host)
{
    char text[HOST_MAX];
    struct in_addr v4;
    struct in6_addr v6;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool
port_is_valid(struct slice port)
{
    uint64_t number;
    if (slice_eq(port, SLICE("*")))
        return true;
    return text_u64(port, &number) == STATUS_OK && number >= 1 &&
           number <= 65535;
}

static enum status
parse_tcp(struct slice address, struct rpc_target *target)
{
    size_t colon = address.len;
    while (colon > 0 && address.ptr[colon - 1] != ':')
        colon--;
    if (colon <= 1)
        return STATUS_INVALID_ARGUMENT;
    struct slice host = slice_cut(address, 0, colon - 1);
    if (slice_starts(host, SLICE("[")) && slice_ends(host, SLICE("]")))
        host = slice_cut(host, 1, host.len - 1);
    if (host.len == 0 || host.len >= HOST_MAX ||
        !port_is_valid(slice_cut(address, colon, address.len)))
        return STATUS_INVALID_ARGUMENT;
    target->loopback = host_is_loopback(host);
    return STATUS_OK;
}

static enum status
parse_ipc(struct slice path, struct rpc_target *target)
{
    /* "@" is Linux's abstract name space: no file permissions guard it. */
    if (path.len == 0 || path.len > RPC_IPC_PATH_MAX || path.ptr[0] == '@')
        return STATUS_INVALID_ARGUMENT;
    target->ipc = true;
    target->loopback = true;
    return STATUS_OK;
}

enum status
rpc_target_parse(struct slice text, struct rpc_target *ret_target)
{
    static const struct slice ipc = {"ipc://", 6};
    static const struct slice tcp = {"tcp://", 6};
    struct rpc_target target = {.ipc = false};
    enum status status = STATUS_INVALID_ARGUMENT;
    if (text.len >= sizeof target.text || !text_is_utf8(text) ||
        text_has_control(text, ""))
        return STATUS_INVALID_ARGUMENT;
    if (slice_starts(text, ipc))
        status = parse_ipc(slice_cut(text, ipc.len, text.len), &target);
    else if (slice_starts(text, tcp))
        status = parse_tcp(slice_cut(text, tcp.len, text.len), &target);
    if (status != STATUS_OK)
        return status;
    memcpy(target.text, text.ptr, text.len);
    *ret_target = target;
    return STATUS_OK;
}
