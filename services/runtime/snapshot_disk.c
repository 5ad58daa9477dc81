/* Reading and writing the copy on disk. A copy is believed only when its
 * length and hash fit; otherwise it is as if there were none. */
#include "services/runtime/snapshot_disk.h"

#include "core/base/check.h"
#include "core/base/hash.h"
#include "services/runtime/home.h"

#include <endian.h>
#include <stdlib.h>

static const char magic[8] = {'S', 'S', 'S', 'N', 'A', 'P', '1', '\n'};

struct disk_header {
    char magic[8];
    char name[SNAPSHOT_NAME_MAX];
    uint64_t epoch, sequence, hash, since, length, content_hash;
};

_Static_assert(sizeof(struct disk_header) == SNAPSHOT_DISK_HEADER,
               "no padding in a file's header");

/* Somebody cleaned up: the folder is made again, as its socket's is. */
static enum status
make_folder_of(const char *path)
{
    char folder[HOME_PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    if (len == 0 || len >= sizeof folder)
        return STATUS_NOT_FOUND;
    memcpy(folder, path, len);
    folder[len] = '\0';
    return home_make_folder(folder);
}

enum status
snapshot_disk_write(const char *path, const char *name,
                    const struct snapshot_version *version,
                    struct slice content)
{
    size_t size = sizeof(struct disk_header) + content.len;
    char *file = malloc(size);
    if (file == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    struct disk_header header = {
        .epoch = htole64(version->epoch),
        .sequence = htole64(version->sequence),
        .hash = htole64(version->hash),
        .since = htole64((uint64_t)version->since),
        .length = htole64(content.len),
        .content_hash = htole64(hash_slice(content)),
    };
    CHECK(strlen(name) < sizeof header.name);
    memcpy(header.magic, magic, sizeof magic);
    memcpy(header.name, name, strlen(name));
    memcpy(file, &header, sizeof header);
    if (content.len > 0)
        memcpy(file + sizeof header, content.ptr, content.len);
    enum status status = home_write_file(path, file, size);
    if (status == STATUS_NOT_FOUND && make_folder_of(path) == STATUS_OK)
        status = home_write_file(path, file, size);
    free(file);
    return status;
}

enum status
snapshot_disk_parse(struct slice file, const char *name,
                    struct snapshot_version *ret_version,
                    struct slice *ret_content)
{
    struct disk_header header;
    char expected[SNAPSHOT_NAME_MAX] = "";
    if (file.len < sizeof header)
        return STATUS_DATA_LOSS;
    memcpy(&header, file.ptr, sizeof header);
    memcpy(expected, name, strlen(name));
    struct slice content = slice_cut(file, sizeof header, file.len);
    if (memcmp(header.magic, magic, sizeof magic) != 0 ||
        memcmp(header.name, expected, sizeof expected) != 0 ||
        le64toh(header.length) != content.len ||
        le64toh(header.content_hash) != hash_slice(content))
        return STATUS_DATA_LOSS;
    *ret_version =
        (struct snapshot_version){.epoch = le64toh(header.epoch),
                                  .sequence = le64toh(header.sequence),
                                  .hash = le64toh(header.hash),
                                  .since = (ms_time)le64toh(header.since)};
    *ret_content = content;
    return STATUS_OK;
}

enum status
snapshot_disk_read(const char *path, const char *name, char **ret_file,
                   struct snapshot_version *ret_version,
                   struct slice *ret_content)
{
    char *file;
    size_t len;
    enum status status = home_read_file(
        path, SNAPSHOT_WHOLE_MAX + sizeof(struct disk_header), &file, &len);
    if (status != STATUS_OK)
        return status;
    status = snapshot_disk_parse(slice_make(file, len), name, ret_version,
                                 ret_content);
    if (status == STATUS_OK)
        *ret_file = file;
    else
        free(file);
    return status;
}
