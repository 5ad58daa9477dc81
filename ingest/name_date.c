/* Dates in model names, in every way the sources write them: 20250929,
 * 2025-04-14, 202506, 05-06, 08-2024, 2507 (year, month), 0528 (month, day),
 * Dec '24, June 2026. A number that is no valid date is left to be a version.
 */
#include "ingest/name_date.h"

#include "core/base/check.h"
#include "core/base/text.h"

#include <stdlib.h>

/* Models have been named by date since 2023; 4 digits from 23xx to 29xx with a
 * month are a year and a month. */
#define YEAR_LOW 2020
#define YEAR_HIGH 2039
#define SHORT_YEAR_LOW 23
#define SHORT_YEAR_HIGH 29

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const long_months[] = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

/* The value of exactly `digits` digits, or -1. */
static int
number_of(struct slice text, size_t digits)
{
    int value = 0;

    if (text.len != digits)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        value = value * 10 + (text.ptr[i] - '0');
    }
    return value;
}

static bool
is_year(int year)
{
    return year >= YEAR_LOW && year <= YEAR_HIGH;
}

static bool
is_month(int month)
{
    return month >= 1 && month <= 12;
}

static bool
is_day(int day)
{
    return day >= 1 && day <= 31;
}

/* One piece: 8, 6 or 4 digits. */
static size_t
read_compact(struct slice text, struct name_date *ret)
{
    int value = number_of(text, 8);

    if (value > 0 && is_year(value / 10000) && is_month(value / 100 % 100) &&
        is_day(value % 100)) {
        *ret =
            (struct name_date){value / 10000, value / 100 % 100, value % 100};
        return 1;
    }
    value = number_of(text, 6);
    if (value > 0 && is_year(value / 100) && is_month(value % 100)) {
        *ret = (struct name_date){value / 100, value % 100, 0};
        return 1;
    }
    value = number_of(text, 4);
    if (value < 0)
        return 0;
    if (value / 100 >= SHORT_YEAR_LOW && value / 100 <= SHORT_YEAR_HIGH &&
        is_month(value % 100)) {
        *ret = (struct name_date){2000 + value / 100, value % 100, 0};
        return 1;
    }
    if (is_month(value / 100) && is_day(value % 100)) {
        *ret = (struct name_date){0, value / 100, value % 100};
        return 1;
    }
    return 0;
}

/* Pieces joined by dashes: 2025-04-14, 2025-04, 08-2024, 05-06. */
static size_t
read_dashed(const struct name_piece *pieces, size_t count,
            struct name_date *ret)
{
    int first4 = number_of(pieces[0].text, 4);
    int first2 = number_of(pieces[0].text, 2);
    int second2, second4;

    if (count < 2 || pieces[1].before != '-')
        return 0;
    second2 = number_of(pieces[1].text, 2);
    second4 = number_of(pieces[1].text, 4);
    if (is_year(first4) && is_month(second2)) {
        int third = count > 2 && pieces[2].before == '-'
                        ? number_of(pieces[2].text, 2)
                        : -1;

        *ret = (struct name_date){first4, second2, is_day(third) ? third : 0};
        return is_day(third) ? 3 : 2;
    }
    if (is_month(first2) && is_year(second4)) {
        *ret = (struct name_date){second4, first2, 0};
        return 2;
    }
    if (is_month(first2) && is_day(second2)) {
        *ret = (struct name_date){0, first2, second2};
        return 2;
    }
    return 0;
}

/* Dec '24, June 2026. */
static size_t
read_worded(const struct name_piece *pieces, size_t count,
            struct name_date *ret)
{
    int year;

    if (count < 2)
        return 0;
    year = number_of(pieces[1].text, 2);
    year = year >= 0 ? 2000 + year : number_of(pieces[1].text, 4);
    if (!is_year(year))
        return 0;
    for (int i = 0; i < (int)ARRAY_LEN(months); i++) {
        if (!slice_eq(pieces[0].text, slice_of(months[i])) &&
            !slice_eq(pieces[0].text, slice_of(long_months[i])))
            continue;
        *ret = (struct name_date){year, i + 1, 0};
        return 2;
    }
    return 0;
}

size_t
name_date_read(const struct name_piece *pieces, size_t count,
               struct name_date *ret_date)
{
    size_t used = read_dashed(pieces, count, ret_date);

    if (used == 0)
        used = read_worded(pieces, count, ret_date);
    if (used == 0)
        used = read_compact(pieces[0].text, ret_date);
    return used;
}

bool
name_date_is_known(const struct name_date *date)
{
    return date->year != 0 || date->month != 0;
}

bool
name_date_fits(const struct name_date *a, const struct name_date *b)
{
    return (a->year == 0 || b->year == 0 || a->year == b->year) &&
           (a->month == 0 || b->month == 0 || a->month == b->month) &&
           (a->day == 0 || b->day == 0 || a->day == b->day);
}

/* Days from the date in a given year to `day`; a month without a day is a
 * span, and a day within it is at distance 0. A name can say 31 November, or
 * 29 February without a year: such a day is as far away as can be. */
static int32_t
distance_in(const struct name_date *date, int year, utc_day day)
{
    utc_day first, last;
    int next = date->month % 12 + 1;

    if (date->day != 0) {
        first = utc_day_from_date(year, date->month, date->day);
        return first == UTC_DAY_NONE ? INT32_MAX : day - first;
    }
    first = utc_day_from_date(year, date->month, 1);
    last = utc_day_from_date(next == 1 ? year + 1 : year, next, 1) - 1;
    if (day < first)
        return day - first;
    return day > last ? day - last : 0;
}

int32_t
name_date_distance(const struct name_date *date, utc_day day)
{
    int guess = 1970 + day * 100 / 36525;
    int32_t best = INT32_MAX;

    if (date->year != 0)
        return distance_in(date, date->year, day);
    for (int year = guess - 1; year <= guess + 1; year++) {
        int32_t distance = distance_in(date, year, day);

        if (best == INT32_MAX || abs(distance) < abs(best))
            best = distance;
    }
    return best;
}
