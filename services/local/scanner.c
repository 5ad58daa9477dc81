/* /proc/<pid>/cmdline of each process of this user: "s6-svscan … FOLDER". */
#include "services/local/scanner.h"

#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/base/text.h"
#include "services/runtime/home.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "s6-svscan"
#define LINE_MAX_BYTES 8192 /* ours are shorter */

/* The first and the last of words that each end with a NUL. */
static bool
ends_of(struct slice words, struct slice *ret_first, struct slice *ret_last)
{
    struct slice word, first = {NULL, 0}, last = {NULL, 0};
    if (words.len == 0 || words.ptr[words.len - 1] != '\0')
        return false;
    words.len--;
    while (slice_split(&words, '\0', &word)) {
        if (first.ptr == NULL)
            first = word;
        last = word;
    }
    *ret_first = first;
    *ret_last = last;
    return first.ptr != NULL;
}

static bool
is_scanner(const char *pid, struct slice folder)
{
    char path[HOME_PATH_MAX];
    struct slice program, scanned;
    struct stat about;
    char *bytes;
    size_t len;
    (void)snprintf(path, sizeof(path), "/proc/%.20s", pid);
    if (stat(path, &about) != 0 || about.st_uid != geteuid())
        return false;
    (void)snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
    if (home_read_file(path, LINE_MAX_BYTES, &bytes, &len) != STATUS_OK)
        return false;
    bool found = ends_of(slice_make(bytes, len), &program, &scanned) &&
                 slice_ends(program, SLICE(PROGRAM)) &&
                 slice_eq(scanned, folder);
    free(bytes);
    return found;
}

pid_t
scanner_find(const char *folder)
{
    DIR *processes = opendir("/proc");
    uint64_t pid, found = 0;
    if (processes == NULL)
        return 0;
    for (const struct dirent *entry;
         found == 0 && (entry = readdir(processes)) != NULL;) {
        if (text_u64(slice_of(entry->d_name), &pid) == STATUS_OK &&
            is_scanner(entry->d_name, slice_of(folder)))
            found = pid;
    }
    (void)closedir(processes);
    return (pid_t)found;
}
