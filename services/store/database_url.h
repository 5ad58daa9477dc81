/* Where the database is: the key database.url, else the file
 * <home>/database.url that `smart-spawn up` writes for its private cluster.
 * The text is a connection string or URI as libpq reads it. */
#ifndef SERVICES_STORE_DATABASE_URL_H
#define SERVICES_STORE_DATABASE_URL_H

#include "core/base/status.h"

#include <stddef.h>

#define DATABASE_URL_MAX 4001 /* bytes with NUL, as database.url's bound */
#define DATABASE_URL_FILE "database.url"

/* The connection string into ret_url (DATABASE_URL_MAX bytes): `configured`
 * when it is not empty, else the trimmed text of the file. NOT_FOUND when
 * neither is there, RESOURCE_EXHAUSTED when it is too long, else what
 * reading the file said. */
enum status database_url_find(const char *configured, const char *home,
                              char *ret_url) MUST_CHECK;

#endif
