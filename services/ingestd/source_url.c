/* URLs by small edits of the configured one. */
#include "services/ingestd/source_url.h"

#include "core/base/check.h"
#include "core/base/json_in.h"
#include "services/fetch/fetcher.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LIVEBENCH_BASE "https://livebench.ai/"
#define FILE_SCHEME "file:"
#define TABLE "table_"
#define CATEGORIES "categories_"
#define CSV ".csv"

static enum status
fits(int len)
{
    return len > 0 && len < FETCH_URL_MAX ? STATUS_OK : STATUS_OUT_OF_RANGE;
}

bool
source_url_is_paged(const char *url)
{
    return strstr(url, "/rows?") != NULL;
}

bool
source_url_is_file(const char *url)
{
    return strncasecmp(url, FILE_SCHEME, strlen(FILE_SCHEME)) == 0;
}

enum status
source_url_page(const char *url, size_t offset, size_t length, char *out)
{
    return fits(snprintf(out, FETCH_URL_MAX, "%s&offset=%zu&length=%zu", url,
                         offset, length));
}

enum status
source_url_numbered(const char *url, size_t page, char *out)
{
    return fits(snprintf(out, FETCH_URL_MAX, "%s%cpage=%zu", url,
                         strchr(url, '?') != NULL ? '&' : '?', page));
}

/* `url` with its last `from` replaced. */
static enum status
replace_last(const char *url, const char *from, const char *to, char *out)
{
    const char *found = NULL, *next = url;

    while ((next = strstr(next, from)) != NULL)
        found = next++;
    if (found == NULL)
        return STATUS_NOT_FOUND;
    return fits(snprintf(out, FETCH_URL_MAX, "%.*s%s%s", (int)(found - url),
                         url, to, found + strlen(from)));
}

enum status
source_url_vision(const char *url, char *out)
{
    static const struct {
        const char *text, *vision;
    } parts[] = {{"config=text", "config=vision"},
                 {"_text-", "_vision-"},
                 {"-text-", "-vision-"}};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        enum status status =
            replace_last(url, parts[i].text, parts[i].vision, out);

        if (status != STATUS_NOT_FOUND)
            return status;
    }
    return STATUS_NOT_FOUND;
}

enum status
source_url_categories(const char *table, char *out)
{
    char json[FETCH_URL_MAX];
    enum status status;

    if (!slice_ends(slice_of(table), SLICE(CSV)))
        return STATUS_NOT_FOUND;
    status = replace_last(table, CSV, ".json", json);
    return status == STATUS_OK ? replace_last(json, TABLE, CATEGORIES, out)
                               : status;
}

/* Ten bytes as a day, whatever stands between its numbers. */
static utc_day
day_at(const char *bytes)
{
    utc_day day = UTC_DAY_NONE;
    char text[11];

    memcpy(text, bytes, 10);
    text[10] = '\0';
    for (size_t i = 4; i < 10; i += 3)
        if (text[i] == '_' || text[i] == '.')
            text[i] = '-';
    return utc_day_parse(slice_of(text), &day) == STATUS_OK ? day
                                                            : UTC_DAY_NONE;
}

utc_day
source_url_day(const char *url)
{
    utc_day day = UTC_DAY_NONE;
    size_t len = strlen(url);

    for (size_t i = 0; i + 10 <= len; i++)
        if (day_at(url + i) != UTC_DAY_NONE)
            day = day_at(url + i);
    return day;
}

enum status
source_url_newest_table(struct slice listing, char *out)
{
    struct json *document = NULL;
    utc_day newest = UTC_DAY_NONE;
    struct slice name;

    if (json_parse(listing, NULL, &document) != STATUS_OK)
        return STATUS_INVALID_ARGUMENT;
    for (size_t i = 0; i < json_count(document); i++) {
        char file[64];
        utc_day day;

        if (!json_text(json_get(json_at(document, i), "name"), &name) ||
            name.len >= sizeof(file) || !slice_ends(name, SLICE(CSV)))
            continue;
        (void)snprintf(file, sizeof(file), "%.*s", SLICE_ARG(name));
        day = source_url_day(file);
        if (day == UTC_DAY_NONE || day <= newest)
            continue;
        newest = day;
        (void)snprintf(out, FETCH_URL_MAX, "%s%s", LIVEBENCH_BASE, file);
    }
    json_free(&document);
    return newest != UTC_DAY_NONE ? STATUS_OK : STATUS_NOT_FOUND;
}
