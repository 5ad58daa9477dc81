/* What libcurl's and HTTP's codes mean as a canonical status. Used by
 * fetcher.c only. */
#ifndef SERVICES_FETCH_FETCH_STATUS_H
#define SERVICES_FETCH_FETCH_STATUS_H

#include "core/base/status.h"

#include <curl/curl.h>

enum status fetch_status_of_curl(CURLcode code);
enum status fetch_status_of_http(long http);

#endif
