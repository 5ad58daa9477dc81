/* Making and knowing the socket file. bind() never replaces a file, so two
 * that want the same path cannot both have it. */
#include "services/runtime/rpc_path.h"

#include "core/base/check.h"
#include "services/runtime/home.h"
#include "services/runtime/rpc_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define RPC_BACKLOG 128 /* connections that wait to be taken */

static struct sockaddr_un
address_of(const struct rpc_path *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _Static_assert(sizeof path->text <= sizeof address.sun_path,
                   "a path that fits is an address that fits");
    memcpy(address.sun_path, path->text, strlen(path->text));
    return address;
}

static int
open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* A socket file whose owner is gone refuses; a full queue (EAGAIN) is a
 * process that lives, and what is no socket was not left by one of us. */
static bool
is_left_over(const struct rpc_path *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = open_socket();
    if (fd < 0)
        return false;
    struct stat about;
    bool refused =
        lstat(path->text, &about) == 0 && S_ISSOCK(about.st_mode) &&
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
        errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

static enum status
bind_at(const struct rpc_path *path, int fd)
{
    struct sockaddr_un address = address_of(path);
    const struct sockaddr *name = (const struct sockaddr *)&address;
    if (bind(fd, name, sizeof address) == 0)
        return STATUS_OK;
    if (errno != EADDRINUSE)
        return rpc_socket_status(errno);
    if (!is_left_over(path))
        return STATUS_UNAVAILABLE;
    if (unlink(path->text) != 0 || bind(fd, name, sizeof address) != 0)
        return rpc_socket_status(errno);
    return STATUS_OK;
}

static enum status
bind_and_listen(struct rpc_path *path, int fd)
{
    struct stat about;
    enum status status = bind_at(path, fd);
    if (status != STATUS_OK)
        return status;
    if (listen(fd, RPC_BACKLOG) != 0 || lstat(path->text, &about) != 0)
        return rpc_socket_status(errno);
    path->held = true;
    path->device = about.st_dev;
    path->inode = about.st_ino;
    return STATUS_OK;
}

enum status
rpc_path_listen(struct rpc_path *path, int *ret_fd)
{
    int fd = open_socket();
    if (fd < 0)
        return STATUS_RESOURCE_EXHAUSTED;
    path->held = false;
    enum status status = bind_and_listen(path, fd);
    if (status != STATUS_OK) {
        (void)close(fd);
        return status;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

enum status
rpc_path_restore(struct rpc_path *path, int *ret_fd)
{
    char folder[RPC_IPC_PATH_MAX + 1];
    memcpy(folder, path->text, sizeof folder);
    char *slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        enum status status = home_make_folder(folder);
        if (status != STATUS_OK)
            return status;
    }
    return rpc_path_listen(path, ret_fd);
}

bool
rpc_path_is_ours(const struct rpc_path *path)
{
    struct stat about;
    return path->held && lstat(path->text, &about) == 0 &&
           about.st_dev == path->device && about.st_ino == path->inode;
}

void
rpc_path_leave(struct rpc_path *path)
{
    if (rpc_path_is_ours(path))
        (void)unlink(path->text);
    path->held = false;
}
