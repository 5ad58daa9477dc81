/* Paths of a stack's state, and files read and written whole.
 *
 * Path arithmetic is in fixed buffers of HOME_PATH_MAX; a path that does not
 * fit is OUT_OF_RANGE, never cut. */
#include "services/runtime/home.h"

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_PATH_MAX 107 /* sun_path without its NUL */
/* Room a folder leaves for "/<instance>.sock"; names of daemons are short,
 * an operator's own may take what is left of 107 bytes. */
#define SOCKET_NAME_ROOM 40
#define FALLBACK_HOME ".local/state/smart-spawn"
#define MARKER ".smart-spawn"

/* What `up` starts, in this order. */
static const struct {
    const char *service, *process;
    unsigned count;
} services[] = {
    {"ingest", "ingestd", 1},   {"scorer", "scorerd", 1},
    {"router", "routerd", 2},   {"feedback", "feedbackd", 1},
    {"gateway", "gatewayd", 1},
};

enum status
home_join(const char *folder, const char *name, char *out)
{
    struct slice outer = slice_of(folder);
    struct slice inner = slice_of(name);
    if (outer.len + 1 + inner.len >= HOME_PATH_MAX)
        return STATUS_OUT_OF_RANGE;
    if (out != folder)
        memcpy(out, outer.ptr, outer.len);
    if (!slice_ends(outer, SLICE("/")))
        out[outer.len++] = '/';
    memcpy(out + outer.len, inner.ptr, inner.len);
    out[outer.len + inner.len] = '\0';
    return STATUS_OK;
}

static bool
is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Cut "/a/b" to "/a"; false at the root. */
static bool
cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || path[1] == '\0')
        return false;
    if (slash == path)
        slash++;
    *slash = '\0';
    return true;
}

static enum status
find_upward(char *out)
{
    char folder[HOME_PATH_MAX];
    if (getcwd(folder, sizeof(folder)) == NULL)
        return STATUS_NOT_FOUND;
    do {
        char candidate[HOME_PATH_MAX];
        if (home_join(folder, MARKER, candidate) == STATUS_OK &&
            is_folder(candidate)) {
            memcpy(out, candidate, strlen(candidate) + 1);
            return STATUS_OK;
        }
    } while (cut_last(folder));
    return STATUS_NOT_FOUND;
}

static enum status
find_users(char *out)
{
    const char *users = getenv("HOME");
    if (users == NULL || users[0] != '/') {
        const struct passwd *entry = getpwuid(geteuid());
        users = entry != NULL ? entry->pw_dir : NULL;
    }
    if (users == NULL || users[0] != '/')
        return STATUS_NOT_FOUND;
    return home_join(users, FALLBACK_HOME, out);
}

enum status
home_find(const char *configured, char *out)
{
    if (configured[0] == '\0') {
        if (find_upward(out) == STATUS_OK)
            return STATUS_OK;
        return find_users(out);
    }
    char folder[HOME_PATH_MAX] = "/";
    if (configured[0] != '/' && getcwd(folder, sizeof(folder)) == NULL)
        return STATUS_NOT_FOUND;
    while (configured[0] == '/')
        configured++;
    enum status status = home_join(folder, configured, out);
    if (status != STATUS_OK)
        return status;
    /* One spelling for one folder: its hash names sockets and the cluster. */
    size_t len = strlen(out);
    while (len > 1 && (out[len - 1] == '/' ||
                       (out[len - 1] == '.' && out[len - 2] == '/')))
        out[--len] = '\0';
    return STATUS_OK;
}

uint64_t
home_hash(const char *home)
{
    return hash_slice(slice_of(home));
}

enum status
home_run_folder(const char *home, char *out)
{
    enum status status = home_join(home, "run", out);
    if (status != STATUS_OK)
        return status;
    if (strlen(out) + SOCKET_NAME_ROOM <= SOCKET_PATH_MAX)
        return STATUS_OK;
    int len =
        snprintf(out, HOME_PATH_MAX, "/tmp/smart-spawn-%u-%016llx",
                 (unsigned)geteuid(), (unsigned long long)home_hash(home));
    CHECK(len > 0 && len < HOME_PATH_MAX);
    return STATUS_OK;
}

enum status
home_endpoint(const char *home, const char *instance, char *out)
{
    char folder[HOME_PATH_MAX];
    enum status status = home_run_folder(home, folder);
    if (status != STATUS_OK)
        return status;
    if (strlen(folder) + 1 + strlen(instance) + strlen(".sock") >
        SOCKET_PATH_MAX)
        return STATUS_OUT_OF_RANGE;
    int len =
        snprintf(out, HOME_PATH_MAX, "ipc://%s/%s.sock", folder, instance);
    CHECK(len > 0 && len < HOME_PATH_MAX);
    return STATUS_OK;
}

enum status
home_address_file(const char *home, const char *instance, char *out)
{
    char folder[HOME_PATH_MAX];
    char name[HOME_INSTANCE_MAX + 8];
    enum status status = home_run_folder(home, folder);
    int len = snprintf(name, sizeof(name), "%s.http", instance);
    CHECK(len > 0 && (size_t)len < sizeof(name));
    return status == STATUS_OK ? home_join(folder, name, out) : status;
}

bool
home_instance(size_t i, char *ret_instance, const char **ret_process)
{
    for (size_t row = 0; row < ARRAY_LEN(services); row++) {
        if (i < services[row].count) {
            int len = snprintf(ret_instance, HOME_INSTANCE_MAX, "%s-%u",
                               services[row].process, (unsigned)i + 1);
            CHECK(len > 0 && len < HOME_INSTANCE_MAX);
            *ret_process = services[row].process;
            return true;
        }
        i -= services[row].count;
    }
    return false;
}

/* spawnd is started by nobody yet; its channel still has an address. */
static const char *
process_of(const char *service, unsigned *ret_count)
{
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        if (strcmp(services[i].service, service) == 0) {
            *ret_count = services[i].count;
            return services[i].process;
        }
    }
    *ret_count = 1;
    return strcmp(service, "spawn") == 0 ? "spawnd" : NULL;
}

enum status
home_target(const char *home, const char *service, struct buf *out)
{
    unsigned count;
    const char *process = process_of(service, &count);
    if (process == NULL)
        return STATUS_NOT_FOUND;
    for (unsigned i = 1; i <= count; i++) {
        char instance[HOME_INSTANCE_MAX];
        char endpoint[HOME_PATH_MAX];
        int len = snprintf(instance, sizeof(instance), "%s-%u", process, i);
        CHECK(len > 0 && len < HOME_INSTANCE_MAX);
        enum status status = home_endpoint(home, instance, endpoint);
        if (status != STATUS_OK)
            return status;
        if (i > 1)
            buf_put_char(out, ',');
        buf_put_text(out, endpoint);
    }
    return STATUS_OK;
}

static enum status
status_of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return STATUS_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return STATUS_PERMISSION_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return STATUS_RESOURCE_EXHAUSTED;
    case ENAMETOOLONG:
        return STATUS_OUT_OF_RANGE;
    default:
        return STATUS_INTERNAL;
    }
}

/* Whether something on the way down the path is there and is no folder. */
static bool
leads_through_file(const char *path)
{
    char part[HOME_PATH_MAX];
    struct stat about;
    int len = snprintf(part, sizeof(part), "%s", path);
    if (len < 0 || (size_t)len >= sizeof(part))
        return false;
    do {
        if (stat(part, &about) == 0)
            return !S_ISDIR(about.st_mode);
    } while (cut_last(part));
    return false;
}

const char *
home_trouble(const char *path, enum status status)
{
    if (leads_through_file(path))
        return "it is a file, not a folder, or lies below a file";
    if (status == STATUS_PERMISSION_DENIED)
        return "this user may not write there, or another one may";
    if (status == STATUS_RESOURCE_EXHAUSTED)
        return "the disk is full, or descriptors or memory are used up";
    if (status == STATUS_OUT_OF_RANGE)
        return "its path is too long";
    return status_text(status);
}

enum status
home_make_folder(const char *path)
{
    char part[HOME_PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(part))
        return STATUS_OUT_OF_RANGE;
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        char kept = part[i];
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST) {
            /* A parent that exists may still refuse mkdir (read-only /). */
            int why = errno;
            if (!is_folder(part))
                return status_of_errno(why);
        }
        part[i] = kept;
    }
    return is_folder(path) ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status
home_make_private_folder(const char *path)
{
    enum status status = home_make_folder(path);
    if (status != STATUS_OK)
        return status;
    struct stat about;
    if (lstat(path, &about) != 0)
        return status_of_errno(errno);
    if (!S_ISDIR(about.st_mode) || about.st_uid != geteuid() ||
        (about.st_mode & 022) != 0)
        return STATUS_PERMISSION_DENIED;
    return STATUS_OK;
}

/* Read until the end, at most max bytes and one more to notice. */
static enum status
read_all(int fd, size_t max, char **ret_bytes, size_t *ret_len)
{
    size_t len = 0;
    size_t capacity = max < 4096 ? max + 1 : 4096;
    char *bytes = malloc(capacity + 1);
    CHECK(bytes != NULL);
    for (;;) {
        ssize_t got = read(fd, bytes + len, capacity - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(bytes);
            return status_of_errno(errno);
        }
        if (got == 0)
            break;
        len += (size_t)got;
        if (len > max) {
            free(bytes);
            return STATUS_RESOURCE_EXHAUSTED;
        }
        if (len == capacity) {
            capacity = capacity > max / 2 ? max + 1 : capacity * 2;
            char *grown = realloc(bytes, capacity + 1);
            CHECK(grown != NULL);
            bytes = grown;
        }
    }
    bytes[len] = '\0';
    *ret_bytes = bytes;
    *ret_len = len;
    return STATUS_OK;
}

enum status
home_read_file(const char *path, size_t max_bytes, char **ret_bytes,
               size_t *ret_len)
{
    /* Opening a fifo would wait for somebody to write. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0)
        return status_of_errno(errno);
    enum status status = STATUS_INTERNAL;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        status = read_all(fd, max_bytes, ret_bytes, ret_len);
    (void)close(fd);
    return status;
}

static enum status
write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return status_of_errno(errno);
        bytes += put;
        len -= (size_t)put;
    }
    return fsync(fd) == 0 ? STATUS_OK : status_of_errno(errno);
}

enum status
home_write_file(const char *path, const void *bytes, size_t len)
{
    char part[HOME_PATH_MAX];
    int part_len = snprintf(part, sizeof(part), "%s.XXXXXX", path);
    if (part_len < 0 || (size_t)part_len >= sizeof(part))
        return STATUS_OUT_OF_RANGE;
    int fd = mkostemp(part, O_CLOEXEC);
    if (fd < 0)
        return status_of_errno(errno);
    enum status status = write_all(fd, bytes, len);
    if (close(fd) != 0 && status == STATUS_OK)
        status = status_of_errno(errno);
    if (status == STATUS_OK && rename(part, path) != 0)
        status = status_of_errno(errno);
    if (status != STATUS_OK)
        (void)unlink(part);
    return status;
}
