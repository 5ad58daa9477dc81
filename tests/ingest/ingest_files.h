/* Files for the ingest tests: fixtures of this folder, the repository's data,
 * and the recorded payloads beside the source tree, which may be absent. */
#ifndef TESTS_INGEST_INGEST_FILES_H
#define TESTS_INGEST_INGEST_FILES_H

#include "core/base/slice.h"
#include "services/runtime/home.h"

#include <stdio.h>
#include <stdlib.h>

#define FILES_MAX (32u << 20)

/* A file under the source tree, or the empty slice (ptr NULL). The caller
 * frees ptr with files_free. */
static inline struct slice
files_read(const char *path_from_source)
{
    char path[HOME_PATH_MAX];
    char *bytes = NULL;
    size_t len = 0;

    (void)snprintf(path, sizeof(path), SS_SOURCE_DIR "/%s", path_from_source);
    if (home_read_file(path, FILES_MAX, &bytes, &len) != STATUS_OK)
        return slice_make(NULL, 0);
    return slice_make(bytes, len);
}

static inline void
files_free(struct slice bytes)
{
    char *owned;

    memcpy(&owned, &bytes.ptr, sizeof(owned));
    free(owned);
}

/* A recorded payload. */
static inline struct slice
files_recorded(const char *name)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "../shared/sources/%s", name);
    return files_read(path);
}

/* skip() with the reason when a recording is absent. */
#define FILES_NEED(bytes, name)                                                \
    do {                                                                       \
        if ((bytes).ptr == NULL) {                                             \
            print_message("skipped: ../shared/sources/%s is absent\n", name);  \
            skip();                                                            \
        }                                                                      \
    } while (0)

#endif
