/* Where the state of a stack lies: $SMART_SPAWN_HOME, else the nearest
 * .smart-spawn/ upward of the working folder, else
 * ~/.local/state/smart-spawn.
 *
 * home/run holds the ipc:// sockets; a unix socket's path ends at 107 bytes,
 * so a long home gets a folder of its own under /tmp (0700, named by user and
 * a hash of the home). */
#ifndef SERVICES_RUNTIME_HOME_H
#define SERVICES_RUNTIME_HOME_H

#include "core/base/status.h"

#include <stddef.h>

#define HOME_PATH_MAX 4096

/* The folder as an absolute path into out (HOME_PATH_MAX bytes); not created.
 * `configured` is the value of the key `home` ("" is unset). OUT_OF_RANGE
 * when a path is too long. */
enum status home_find(const char *configured, char *out) MUST_CHECK;
/* The folder of the sockets of this home, not created. */
enum status home_run_folder(const char *home, char *out) MUST_CHECK;
/* The default endpoint of an instance: "ipc://<run>/routerd-1.sock". */
enum status
home_endpoint(const char *home, const char *instance, char *out) MUST_CHECK;
/* mkdir -p with mode 0700 for what is made; PERMISSION_DENIED and others. */
enum status home_make_folder(const char *path) MUST_CHECK;
/* Read a file whole into a malloc'd, NUL-terminated buffer that the caller
 * frees. NOT_FOUND, RESOURCE_EXHAUSTED past max_bytes, PERMISSION_DENIED,
 * INTERNAL. */
enum status home_read_file(const char *path, size_t max_bytes, char **ret_bytes,
                           size_t *ret_len) MUST_CHECK;
/* Write a file so that a reader sees the old or the new content, never a
 * part: temporary file, fsync, rename. */
enum status
home_write_file(const char *path, const void *bytes, size_t len) MUST_CHECK;

#endif
