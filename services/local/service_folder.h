/* The folder of one service under <home>/service, as s6-supervise reads it:
 * run script, settings, logger. Inner to supervisor.c. */
#ifndef SERVICES_LOCAL_SERVICE_FOLDER_H
#define SERVICES_LOCAL_SERVICE_FOLDER_H

#include "services/local/supervisor.h"

#include <sys/types.h>

/* home/service[/name[/file]] into out (HOME_PATH_MAX bytes). OUT_OF_RANGE. */
enum status service_folder_path(const char *home, const char *name,
                                const char *file, char *out) MUST_CHECK;
/* A file of a folder with a text and a mode. As home_write_file. */
enum status service_folder_put(const char *folder, const char *name,
                               const char *text, mode_t mode) MUST_CHECK;
/* <home>/log/<name> into out, made when it is missing. As home_make_folder. */
enum status service_folder_make_log(const char *home, const char *name,
                                    char *out) MUST_CHECK;
/* All of a service. As the others. */
enum status
service_folder_write(const char *home,
                     const struct supervisor_service *service) MUST_CHECK;

#endif
