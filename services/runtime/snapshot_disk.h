/* The copy of a snapshot on disk, so that a process answers from its first
 * millisecond.
 *
 *   "SSSNAP1\n"  name (32 bytes, zero-padded)
 *   epoch, sequence, hash, since, length, XXH64 of the content (8 bytes each,
 *   little-endian), content
 *
 * Inner to snapshot_follower.c. */
#ifndef SERVICES_RUNTIME_SNAPSHOT_DISK_H
#define SERVICES_RUNTIME_SNAPSHOT_DISK_H

#include "services/runtime/snapshot.h"

#define SNAPSHOT_DISK_HEADER 88 /* bytes before the content */

/* Replace the copy; readers see the old or the new one. Its folder is made when
 * it is gone. What home_write_file says. */
enum status snapshot_disk_write(const char *path, const char *name,
                                const struct snapshot_version *version,
                                struct slice content) MUST_CHECK;
/* The bytes of such a file: what it says, and its content as a slice of it.
 * DATA_LOSS when it is broken, cut or of another name. */
enum status snapshot_disk_parse(struct slice file, const char *name,
                                struct snapshot_version *ret_version,
                                struct slice *ret_content) MUST_CHECK;
/* The whole file into *ret_file (malloc'd, the caller frees), its content as
 * a slice of it. NOT_FOUND, DATA_LOSS when it is broken, cut or of another
 * name. */
enum status snapshot_disk_read(const char *path, const char *name,
                               char **ret_file,
                               struct snapshot_version *ret_version,
                               struct slice *ret_content) MUST_CHECK;

#endif
