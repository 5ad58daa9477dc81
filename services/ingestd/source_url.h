/* The addresses of a source's boards and pages, made from its configured URL.
 *
 * Pure text work: no network here. Every function writes at most
 * FETCH_URL_MAX bytes and says OUT_OF_RANGE when that is too little. */
#ifndef SERVICES_INGESTD_SOURCE_URL_H
#define SERVICES_INGESTD_SOURCE_URL_H

#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/base/utc.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether a URL names a rows API that is asked by offset and length. */
bool source_url_is_paged(const char *url);
/* Whether it names a local file, which has no pages. */
bool source_url_is_file(const char *url);
/* The page from row `offset` on. */
enum status source_url_page(const char *url, size_t offset, size_t length,
                            char *out) MUST_CHECK;
/* Page number `page` (from 1) of an API that counts pages. */
enum status
source_url_numbered(const char *url, size_t page, char *out) MUST_CHECK;
/* The vision board beside a text board (config=text, or _text- in a file's
 * name); NOT_FOUND when the URL has no such part. */
enum status source_url_vision(const char *url, char *out) MUST_CHECK;
/* LiveBench: the categories beside a table: table_X.csv to categories_X.json.
 * NOT_FOUND when the URL is no table. */
enum status source_url_categories(const char *table, char *out) MUST_CHECK;
/* The last day named in a URL (table_2026_01_08.csv, text-2025-08-04.csv);
 * UTC_DAY_NONE without one. */
utc_day source_url_day(const char *url);
/* LiveBench: the URL of the newest table in a GitHub contents listing
 * ([{"name":…}]), under https://livebench.ai/. INVALID_ARGUMENT for no
 * listing, NOT_FOUND when no table is in it. */
enum status source_url_newest_table(struct slice listing, char *out) MUST_CHECK;

#endif
