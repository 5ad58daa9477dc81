/* Where the state of a stack lies: $SMART_SPAWN_HOME, else the nearest
 * .smart-spawn/ upward of the working folder, else
 * ~/.local/state/smart-spawn.
 *
 * home/run holds the ipc:// sockets; a unix socket's path ends at 107 bytes,
 * so a long home gets a folder of its own under /tmp (0700, named by user and
 * a hash of the home). */
#ifndef SERVICES_RUNTIME_HOME_H
#define SERVICES_RUNTIME_HOME_H

#include "core/base/buf.h"
#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
/* The file in which a running gatewayd keeps the address that HTTP answers at,
 * one line: "http://localhost:3000/". OUT_OF_RANGE. */
enum status
home_address_file(const char *home, const char *instance, char *out) MUST_CHECK;
/* The default endpoints of a service ("router") as a channel's target, one per
 * instance that `smart-spawn up` starts, comma-separated. NOT_FOUND for a
 * service nobody knows, OUT_OF_RANGE. */
enum status
home_target(const char *home, const char *service, struct buf *out) MUST_CHECK;
/* The instances that `up` starts, in the order of home.c's table: the name of
 * number i ("routerd-1") and its program ("routerd"); false past the end. */
bool home_instance(size_t i, char *ret_instance, const char **ret_process);
#define HOME_INSTANCE_MAX 64

/* folder/name into out, which may be folder itself. OUT_OF_RANGE. */
enum status
home_join(const char *folder, const char *name, char *out) MUST_CHECK;
/* Names what lies outside the home but belongs to it. */
uint64_t home_hash(const char *home);
/* Why a folder cannot be made or used, in words for people: what lies at its
 * path says more than the status. */
const char *home_trouble(const char *path, enum status status);
/* mkdir -p with mode 0700 for what is made; PERMISSION_DENIED and others. */
enum status home_make_folder(const char *path) MUST_CHECK;
/* The same, and PERMISSION_DENIED for a folder that somebody else owns or may
 * write to: for sockets below /tmp. */
enum status home_make_private_folder(const char *path) MUST_CHECK;
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
