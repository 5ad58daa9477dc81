/* Files of the data folder: found, read whole, handed to the pure parsers. */
#include "services/ingestd/data_files.h"

#include "ingest/bundle.h"
#include "services/runtime/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the folder lies from the program: in a build tree (build/release/bin
 * under the source tree), then as installed. */
static const char *const places[] = {"../../../data", "../../data",
                                     "../share/smart-spawn/data"};
#define INSTALLED "/usr/share/smart-spawn/data"

enum status
data_files_path(const char *folder, const char *name, char *out)
{
    int len = snprintf(out, HOME_PATH_MAX, "%s/%s", folder, name);

    return len > 0 && len < HOME_PATH_MAX ? STATUS_OK : STATUS_OUT_OF_RANGE;
}

static bool
is_data_folder(const char *folder)
{
    static const char *const files[] = {"aliases.tsv", "catalog.json"};
    char path[HOME_PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (data_files_path(folder, files[i], path) == STATUS_OK &&
            access(path, R_OK) == 0)
            return true;
    return false;
}

static bool
copy_path(const char *path, char *out)
{
    int len = snprintf(out, HOME_PATH_MAX, "%s", path);

    return len > 0 && len < HOME_PATH_MAX;
}

/* The folder of this program, without the last '/'. */
static bool
program_folder(char *out)
{
    ssize_t len = readlink("/proc/self/exe", out, HOME_PATH_MAX - 1);
    char *slash;

    if (len <= 0)
        return false;
    out[len] = '\0';
    slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

enum status
data_files_folder(const char *configured, char *out)
{
    const char *named = configured;
    char program[HOME_PATH_MAX], path[HOME_PATH_MAX];

    if (named[0] == '\0')
        named = getenv("SMART_SPAWN_DATA");
    if (named != NULL && named[0] != '\0')
        return !is_data_folder(named)  ? STATUS_NOT_FOUND
               : copy_path(named, out) ? STATUS_OK
                                       : STATUS_OUT_OF_RANGE;
    if (program_folder(program)) {
        for (size_t i = 0; i < ARRAY_LEN(places); i++)
            if (data_files_path(program, places[i], path) == STATUS_OK &&
                is_data_folder(path))
                return copy_path(path, out) ? STATUS_OK : STATUS_OUT_OF_RANGE;
    }
    if (is_data_folder(INSTALLED) && copy_path(INSTALLED, out))
        return STATUS_OK;
    return STATUS_NOT_FOUND;
}

static enum status
complain(char *error, const char *path, const char *what, enum status status)
{
    (void)snprintf(error, DATA_FILES_ERROR_MAX, "%.300s: %.150s", path, what);
    return status;
}

enum status
data_files_aliases(const char *folder, struct arena *arena, char *error,
                   struct alias_table **ret_table)
{
    char path[HOME_PATH_MAX], what[64];
    char *bytes = NULL;
    size_t len = 0, line = 0;
    enum status status;

    status = data_files_path(folder, "aliases.tsv", path);
    if (status != STATUS_OK)
        return complain(error, folder, "the path is too long", status);
    status = home_read_file(path, ALIAS_FILE_MAX, &bytes, &len);
    if (status != STATUS_OK)
        return complain(error, path, status_text(status), status);
    status = alias_table_read(arena, slice_make(bytes, len), &line, ret_table);
    free(bytes);
    if (status == STATUS_OK)
        return STATUS_OK;
    (void)snprintf(what, sizeof(what), "line %zu is wrong", line);
    return complain(error, path, what, status);
}

enum status
data_files_bundle(const char *folder, utc_day today, char *error,
                  struct catalog **ret_catalog)
{
    char path[HOME_PATH_MAX], what[BUNDLE_ERROR_MAX];
    char *bytes = NULL;
    size_t len = 0;
    enum status status;

    status = data_files_path(folder, "catalog.json", path);
    if (status != STATUS_OK)
        return complain(error, folder, "the path is too long", status);
    status = home_read_file(path, BUNDLE_BYTES_MAX, &bytes, &len);
    if (status != STATUS_OK)
        return complain(error, path, status_text(status), status);
    status = bundle_read(slice_make(bytes, len), today, what, ret_catalog);
    free(bytes);
    return status == STATUS_OK ? STATUS_OK
                               : complain(error, path, what, status);
}
