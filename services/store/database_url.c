/* Find the connection string: configured, or written by `smart-spawn up`.
 *
 * Read afresh at every attempt to connect, so a cluster that comes up later
 * is found without a restart. */
#include "services/store/database_url.h"

#include "core/base/slice.h"
#include "services/runtime/home.h"

#include <stdio.h>
#include <stdlib.h>

static enum status
database_url_copy(struct slice text, char *ret_url)
{
    if (text.len == 0)
        return STATUS_NOT_FOUND;
    if (text.len >= DATABASE_URL_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    memcpy(ret_url, text.ptr, text.len);
    ret_url[text.len] = '\0';
    return STATUS_OK;
}

enum status
database_url_find(const char *configured, const char *home, char *ret_url)
{
    char path[HOME_PATH_MAX + 32];
    char *bytes = NULL;
    size_t len = 0;
    enum status status = STATUS_OK;

    if (configured && configured[0])
        return database_url_copy(slice_trim(slice_of(configured)), ret_url);
    if (!home || !home[0])
        return STATUS_NOT_FOUND;
    if (snprintf(path, sizeof(path), "%s/%s", home, DATABASE_URL_FILE) >=
        (int)sizeof(path))
        return STATUS_RESOURCE_EXHAUSTED;
    status = home_read_file(path, DATABASE_URL_MAX, &bytes, &len);
    if (status != STATUS_OK)
        return status;
    status = database_url_copy(slice_trim(slice_make(bytes, len)), ret_url);
    free(bytes);
    return status;
}
