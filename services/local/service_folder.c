/* Files that s6-supervise reads, written once and never looked at again. */
#include "services/local/service_folder.h"

#include "core/base/buf.h"
#include "services/local/cluster.h"
#include "services/runtime/home.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX 8192

enum status
service_folder_path(const char *home, const char *name, const char *file,
                    char *out)
{
    enum status status = home_join(home, "service", out);
    if (status == STATUS_OK && name != NULL)
        status = home_join(out, name, out);
    if (status == STATUS_OK && file != NULL)
        status = home_join(out, file, out);
    return status;
}

enum status
service_folder_put(const char *folder, const char *name, const char *text,
                   mode_t mode)
{
    char path[HOME_PATH_MAX];
    enum status status = home_join(folder, name, path);
    if (status == STATUS_OK)
        status = home_write_file(path, text, strlen(text));
    if (status == STATUS_OK && chmod(path, mode) != 0)
        status = STATUS_PERMISSION_DENIED;
    return status;
}

enum status
service_folder_make_log(const char *home, const char *name, char *out)
{
    enum status status = home_join(home, "log", out);
    if (status == STATUS_OK)
        status = home_join(out, name, out);
    return status == STATUS_OK ? home_make_folder(out) : status;
}

/* <folder>/log: what the service prints goes to <home>/log/<name>/current,
 * five old files of 1 MB are kept. */
static enum status
add_logger(const char *home, const char *folder, const char *name)
{
    char path[HOME_PATH_MAX];
    char logs[HOME_PATH_MAX];
    struct buf script;
    enum status status = service_folder_make_log(home, name, logs);
    if (status == STATUS_OK)
        status = home_join(folder, "log", path);
    if (status == STATUS_OK)
        status = home_make_folder(path);
    if (status != STATUS_OK)
        return status;
    buf_init(&script, FILE_MAX);
    buf_put_text(&script, "#!/bin/sh\nexec s6-log -b n5 s1000000 ");
    cluster_quote(&script, logs);
    buf_put_char(&script, '\n');
    status = buf_ok(&script)
                 ? service_folder_put(path, "run", buf_text(&script), 0700)
                 : STATUS_OUT_OF_RANGE;
    buf_fini(&script);
    return status;
}

static enum status
write_settings(const char *folder, const struct supervisor_service *service)
{
    char number[32];
    (void)snprintf(number, sizeof(number), "%u\n", service->kill_timeout_ms);
    enum status status =
        service_folder_put(folder, "notification-fd", "3\n", 0600);
    if (status == STATUS_OK)
        status = service_folder_put(folder, "timeout-kill", number, 0600);
    if (status == STATUS_OK && service->down_signal != NULL)
        status = service_folder_put(folder, "down-signal", service->down_signal,
                                    0600);
    if (status == STATUS_OK && service->check != NULL) {
        char data[HOME_PATH_MAX];
        status = home_join(folder, "data", data);
        if (status == STATUS_OK)
            status = home_make_folder(data);
        if (status == STATUS_OK)
            status = service_folder_put(data, "check", service->check, 0700);
    }
    return status;
}

enum status
service_folder_write(const char *home, const struct supervisor_service *service)
{
    char folder[HOME_PATH_MAX];
    enum status status = service_folder_path(home, service->name, NULL, folder);
    if (status == STATUS_OK)
        status = home_make_folder(folder);
    if (status == STATUS_OK)
        status = write_settings(folder, service);
    if (status == STATUS_OK)
        status = add_logger(home, folder, service->name);
    if (status == STATUS_OK)
        status = service_folder_put(folder, "run", service->run, 0700);
    return status;
}
