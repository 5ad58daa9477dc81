/* Endpoints as text: "ipc:///run/a.sock", "tcp://127.0.0.1:7001".
 *
 * Only the shape is judged here; nothing is resolved or opened. */
#ifndef SERVICES_RUNTIME_RPC_TARGET_H
#define SERVICES_RUNTIME_RPC_TARGET_H

#include "core/base/slice.h"
#include "core/base/status.h"

#include <stdbool.h>

#define RPC_ENDPOINT_TEXT_MAX 256 /* bytes of one endpoint, with NUL */
#define RPC_IPC_PATH_MAX 107      /* bytes of a unix socket's path */

struct rpc_target {
    char text[RPC_ENDPOINT_TEXT_MAX]; /* as libzmq takes it */
    bool ipc;
    bool loopback; /* ipc, or tcp on 127.0.0.0/8 or ::1 */
};

/* One endpoint. INVALID_ARGUMENT for another scheme, a missing or overlong
 * path, a missing host or a port outside 1 to 65535 ("*" is any free port,
 * for servers). A host name is accepted and is not loopback. */
enum status
rpc_target_parse(struct slice text, struct rpc_target *ret_target) MUST_CHECK;

#endif
