/* The socket file of a server on ipc://: made, looked after, given up.
 *
 * libzmq would remove whatever lies at the path before it binds, and again
 * when it closes, whoever serves there by then. So the file is made here and
 * only the listening descriptor is libzmq's: a path is taken only where
 * nothing lies, or a socket that nobody listens at any more, and removed only
 * while it is still ours. Inner to rpc_server.c. */
#ifndef SERVICES_RUNTIME_RPC_PATH_H
#define SERVICES_RUNTIME_RPC_PATH_H

#include "core/base/status.h"
#include "services/runtime/rpc_target.h"

#include <stdbool.h>
#include <sys/types.h>

struct rpc_path {
    char text[RPC_IPC_PATH_MAX + 1]; /* "": no file (TCP) */
    bool held;
    dev_t device; /* of the file when it was made … */
    ino_t inode;  /* … by which it is known again */
};

/* Make the file and listen; the descriptor is the caller's. UNAVAILABLE when
 * somebody listens there (or is too busy to take one more), something lies
 * there that is no socket, or the folder is missing; PERMISSION_DENIED,
 * RESOURCE_EXHAUSTED. */
enum status rpc_path_listen(struct rpc_path *path, int *ret_fd) MUST_CHECK;
/* The same for a path that was lost; a folder that is gone is made again. */
enum status rpc_path_restore(struct rpc_path *path, int *ret_fd) MUST_CHECK;
/* Whether the file at the path is still the one that was made. */
bool rpc_path_is_ours(const struct rpc_path *path);
/* Remove the file if it is ours. */
void rpc_path_leave(struct rpc_path *path);

#endif
