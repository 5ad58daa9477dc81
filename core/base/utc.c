/* Days and dates of the Gregorian calendar, counted with integers.
 *
 * The year is counted from March, so that the leap day is its last and the
 * months before it have the lengths 31, 30, 31, 30, 31 twice over: day of
 * the year = (153 * month + 2) / 5. A cycle of 400 years has 146,097 days. */
#include "core/base/utc.h"

#include "core/base/check.h"

#include <stdbool.h>
#include <stdio.h>

#define YEAR_FIRST 1970
#define YEAR_LAST 9999
#define DAY_LAST 2932896 /* 9999-12-31 */
#define DAYS_PER_CYCLE 146097
#define EPOCH_FROM_CYCLE 719468 /* days from 0000-03-01 to 1970-01-01 */
#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE INT64_C(60000)
#define MS_PER_HOUR INT64_C(3600000)

utc_day
utc_day_of(ms_time time)
{
    ms_time day = time / UTC_MS_PER_DAY;
    return (utc_day)(time % UTC_MS_PER_DAY < 0 ? day - 1 : day);
}

ms_time
utc_day_start(utc_day day)
{
    return (ms_time)day * UTC_MS_PER_DAY;
}

static bool
is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

utc_day
utc_day_from_date(int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};
    if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12)
        return UTC_DAY_NONE;
    int length = lengths[month - 1] + (month == 2 && is_leap(year));
    if (day < 1 || day > length)
        return UTC_DAY_NONE;
    int y = month > 2 ? year : year - 1;
    int m = (month + 9) % 12; /* March is 0 */
    int day_of_year = (153 * m + 2) / 5 + day - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - EPOCH_FROM_CYCLE;
}

/* The other way round, for days 0 to DAY_LAST. */
static void
date_of(utc_day day, int *ret_year, int *ret_month, int *ret_day)
{
    int since = day + EPOCH_FROM_CYCLE;
    int cycle = since / DAYS_PER_CYCLE;
    int in_cycle = since % DAYS_PER_CYCLE;
    int year_of_cycle =
        (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) /
        365;
    int day_of_year = in_cycle - (365 * year_of_cycle + year_of_cycle / 4 -
                                  year_of_cycle / 100);
    int m = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * m + 2) / 5 + 1;
    *ret_month = m < 10 ? m + 3 : m - 9;
    *ret_year = year_of_cycle + cycle * 400 + (*ret_month <= 2);
}

/* `count` digits at text[at]; -1 when there are none such. */
static int
digits(struct slice text, size_t at, size_t count)
{
    if (at + count > text.len)
        return -1;
    int value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        value = value * 10 + (text.ptr[i] - '0');
    }
    return value;
}

static bool
is_at(struct slice text, size_t at, char c)
{
    return at < text.len && text.ptr[at] == c;
}

enum status
utc_day_parse(struct slice text, utc_day *ret_day)
{
    if (text.len != 10 || !is_at(text, 4, '-') || !is_at(text, 7, '-'))
        return STATUS_INVALID_ARGUMENT;
    utc_day day = utc_day_from_date(digits(text, 0, 4), digits(text, 5, 2),
                                    digits(text, 8, 2));
    if (day == UTC_DAY_NONE)
        return STATUS_INVALID_ARGUMENT;
    *ret_day = day;
    return STATUS_OK;
}

/* Take ".123456789" (1 to 9 digits, cut to ms) off the front, if it is there.
 */
static bool
take_fraction(struct slice *text, ms_time *time)
{
    if (!is_at(*text, 0, '.'))
        return true;
    size_t len = 1;
    for (ms_time unit = 100; digits(*text, len, 1) >= 0; len++, unit /= 10)
        *time += digits(*text, len, 1) * unit;
    *text = slice_cut(*text, len, text->len);
    return len >= 2 && len <= 10;
}

/* All of text as "", "Z" or "+02:00": ms to take away. */
static bool
read_zone(struct slice text, ms_time *ret_offset)
{
    *ret_offset = 0;
    if (text.len == 0 || slice_eq(text, SLICE("Z")))
        return true;
    int hours = digits(text, 1, 2);
    int minutes = digits(text, 4, 2);
    bool sign = is_at(text, 0, '+') || is_at(text, 0, '-');
    if (text.len != 6 || !sign || !is_at(text, 3, ':') || hours < 0 ||
        hours > 23 || minutes < 0 || minutes > 59)
        return false;
    ms_time offset = hours * MS_PER_HOUR + minutes * MS_PER_MINUTE;
    *ret_offset = text.ptr[0] == '-' ? -offset : offset;
    return true;
}

enum status
utc_parse(struct slice text, ms_time *ret_time)
{
    utc_day day = UTC_DAY_NONE;
    enum status status = utc_day_parse(slice_cut(text, 0, 10), &day);
    if (status != STATUS_OK)
        return status;
    int hour = digits(text, 11, 2);
    int minute = digits(text, 14, 2);
    int second = digits(text, 17, 2);
    if (!is_at(text, 10, 'T') || !is_at(text, 13, ':') ||
        !is_at(text, 16, ':') || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 59)
        return STATUS_INVALID_ARGUMENT;
    ms_time time = utc_day_start(day) + hour * MS_PER_HOUR +
                   minute * MS_PER_MINUTE + second * MS_PER_SECOND;
    struct slice rest = slice_cut(text, 19, text.len);
    ms_time offset = 0;
    if (!take_fraction(&rest, &time) || !read_zone(rest, &offset))
        return STATUS_INVALID_ARGUMENT;
    time -= offset;
    if (time < 0 || utc_day_of(time) > DAY_LAST)
        return STATUS_INVALID_ARGUMENT;
    *ret_time = time;
    return STATUS_OK;
}

static utc_day
within(utc_day day)
{
    if (day < 0)
        return 0;
    return day > DAY_LAST ? DAY_LAST : day;
}

void
utc_day_format(utc_day day, char *out)
{
    int year;
    int month;
    int day_of_month;
    date_of(within(day), &year, &month, &day_of_month);
    (void)snprintf(out, 11, "%04u-%02u-%02u", (unsigned)year % 10000,
                   (unsigned)month % 100, (unsigned)day_of_month % 100);
}

void
utc_format(ms_time time, char *out)
{
    ms_time last = utc_day_start(DAY_LAST + 1) - 1;
    if (time < 0)
        time = 0;
    if (time > last)
        time = last;
    utc_day_format(utc_day_of(time), out);
    ms_time ms = time % UTC_MS_PER_DAY;
    (void)snprintf(
        out + 10, UTC_TEXT_MAX - 10, "T%02u:%02u:%02u.%03uZ",
        (unsigned)(ms / MS_PER_HOUR) % 24, (unsigned)(ms / MS_PER_MINUTE) % 60,
        (unsigned)(ms / MS_PER_SECOND) % 60, (unsigned)(ms % MS_PER_SECOND));
}

utc_day
utc_week_start(utc_day day)
{
    int since_monday = (int)(((int64_t)day + 3) % 7); /* 1970-01-01: Thursday */
    return day - (since_monday < 0 ? since_monday + 7 : since_monday);
}
