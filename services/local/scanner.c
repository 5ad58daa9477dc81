/* /proc/<pid>/cmdline of each process of this user: "s6-svscan … FOLDER",
 * "s6-supervise SERVICE"; cwd and stat say where one stands and whose child it
 * is. A zombie has none of them, so it is gone here. */
#include "services/local/scanner.h"

#include "core/base/check.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/base/text.h"
#include "services/runtime/home.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "s6-svscan"
#define WATCHER "s6-supervise"
#define LINE_MAX_BYTES 8192 /* ours are shorter */
#define TITLE_MAX 96
#define PARENT_FIELD 2 /* of stat, after the name: state, parent */

enum kind { KIND_OTHER, KIND_CHILD, KIND_WATCHER, KIND_SCANNER };

struct process {
    pid_t pid, parent;
    enum kind kind;
    char title[TITLE_MAX];
};

struct family {
    struct process *of; /* SCANNER_PROCESSES_MAX */
    size_t count;
};

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

/* One of the files of a process of this user; the caller frees ret_bytes. */
static bool
read_of(pid_t pid, const char *name, struct slice *ret_text, char **ret_bytes)
{
    char path[64];
    struct stat about;
    size_t len;
    (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    if (stat(path, &about) != 0 || about.st_uid != geteuid())
        return false;
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    if (home_read_file(path, LINE_MAX_BYTES, ret_bytes, &len) != STATUS_OK)
        return false;
    *ret_text = slice_make(*ret_bytes, len);
    return true;
}

/* A removed folder is named with " (deleted)" after it. */
static bool
stands_below(pid_t pid, struct slice folder)
{
    char path[64];
    char cwd[HOME_PATH_MAX];
    (void)snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
    ssize_t len = readlink(path, cwd, sizeof(cwd));
    struct slice place = slice_make(cwd, len > 0 ? (size_t)len : 0);
    return slice_starts(place, folder) && place.len > folder.len &&
           place.ptr[folder.len] == '/';
}

/* The field after the program's name, which may hold blanks and brackets. */
static pid_t
parent_of(pid_t pid)
{
    struct slice text, field = {NULL, 0};
    char *bytes;
    uint64_t parent = 0;
    if (!read_of(pid, "stat", &text, &bytes))
        return 0;
    const char *name_end = strrchr(bytes, ')');
    struct slice rest = slice_trim(slice_of(name_end ? name_end + 1 : ""));
    for (int i = 0; i < PARENT_FIELD; i++)
        (void)slice_split(&rest, ' ', &field);
    if (text_u64(field, &parent) != STATUS_OK || parent > INT32_MAX)
        parent = 0;
    free(bytes);
    return (pid_t)parent;
}

/* What a process is to a folder, by its words and its place: KIND_OTHER for
 * one that does not stand there. `named` is how the folder was called, `real`
 * where it lies. */
static enum kind
kind_of(pid_t pid, struct slice named, struct slice real, char *ret_title)
{
    struct slice text, program, last;
    char *bytes;
    enum kind kind = KIND_OTHER;
    if (!read_of(pid, "cmdline", &text, &bytes))
        return kind;
    if (ends_of(text, &program, &last)) {
        if (slice_ends(program, SLICE(PROGRAM)))
            kind = slice_eq(last, named) ? KIND_SCANNER : KIND_OTHER;
        else if (stands_below(pid, real))
            kind =
                slice_ends(program, SLICE(WATCHER)) ? KIND_WATCHER : KIND_CHILD;
        const char *base = strrchr(program.ptr, '/');
        if (base != NULL)
            program = slice_of(base + 1);
        if (kind == KIND_CHILD)
            last.len = 0;
        (void)snprintf(ret_title, TITLE_MAX, "%.40s%s%.50s", program.ptr,
                       last.len > 0 ? " " : "", last.len > 0 ? last.ptr : "");
    }
    free(bytes);
    return kind;
}

/* Of those that stand there only what a supervisor runs: not somebody's
 * shell. */
static bool
belongs(const struct family *all, const struct process *process)
{
    if (process->kind != KIND_CHILD)
        return true;
    for (size_t i = 0; i < all->count; i++) {
        if (all->of[i].kind == KIND_WATCHER &&
            all->of[i].pid == process->parent)
            return true;
    }
    return false;
}

/* All that may belong to a folder; the caller frees ret_all->of. */
static void
look(const char *folder, struct family *ret_all)
{
    char *path = realpath(folder, NULL);
    struct slice real = slice_of(path != NULL ? path : folder);
    DIR *processes = opendir("/proc");
    uint64_t pid;
    *ret_all = (struct family){
        .of = calloc(SCANNER_PROCESSES_MAX, sizeof(*ret_all->of))};
    CHECK(ret_all->of != NULL);
    for (const struct dirent *entry; processes != NULL &&
                                     ret_all->count < SCANNER_PROCESSES_MAX &&
                                     (entry = readdir(processes)) != NULL;) {
        struct process *process = &ret_all->of[ret_all->count];
        if (text_u64(slice_of(entry->d_name), &pid) != STATUS_OK ||
            pid > INT32_MAX)
            continue;
        process->pid = (pid_t)pid;
        process->kind =
            kind_of(process->pid, slice_of(folder), real, process->title);
        if (process->kind == KIND_CHILD)
            process->parent = parent_of(process->pid);
        if (process->kind != KIND_OTHER)
            ret_all->count++;
    }
    if (processes != NULL)
        (void)closedir(processes);
    free(path);
}

pid_t
scanner_find(const char *folder)
{
    struct family all;
    pid_t found = 0;
    look(folder, &all);
    for (size_t i = 0; i < all.count && found == 0; i++) {
        if (all.of[i].kind == KIND_SCANNER)
            found = all.of[i].pid;
    }
    free(all.of);
    return found;
}

size_t
scanner_signal(const char *folder, int number)
{
    struct family all;
    size_t count = 0;
    look(folder, &all);
    for (size_t i = 0; i < all.count; i++) {
        if (belongs(&all, &all.of[i])) {
            (void)kill(all.of[i].pid, number);
            count++;
        }
    }
    free(all.of);
    return count;
}

void
scanner_list(const char *folder, struct buf *out)
{
    struct family all;
    look(folder, &all);
    for (size_t i = 0; i < all.count; i++) {
        if (belongs(&all, &all.of[i]))
            buf_putf(out, "%s%s (pid %d)", buf_slice(out).len > 0 ? ", " : "",
                     all.of[i].title, (int)all.of[i].pid);
    }
    free(all.of);
}
