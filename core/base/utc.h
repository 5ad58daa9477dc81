/* Time as a value: UTC days and timestamps. Nothing here reads a clock.
 *
 * A timestamp is milliseconds since 1970-01-01T00:00:00Z, a day is that
 * divided by 86,400,000 rounded down. Years 1970 to 9999. */
#ifndef CORE_BASE_UTC_H
#define CORE_BASE_UTC_H

#include "core/base/slice.h"
#include "core/base/status.h"

#include <stdint.h>

typedef int64_t ms_time; /* ms since the epoch, UTC */
typedef int64_t ms_dur;  /* ms */
typedef int32_t utc_day; /* days since the epoch; UTC_DAY_NONE is unknown */

#define UTC_DAY_NONE INT32_MIN
#define UTC_MS_PER_DAY 86400000
#define UTC_MS_MAX 253402300799999 /* the last that can be printed, of 9999 */
#define UTC_TEXT_MAX 25            /* "2026-07-22T10:11:12.123Z" and NUL */

utc_day utc_day_of(ms_time time);
ms_time utc_day_start(utc_day day);
/* year, month 1 to 12, day 1 to 31; UTC_DAY_NONE for no such date. */
utc_day utc_day_from_date(int year, int month, int day);
/* "2026-07-22"; INVALID_ARGUMENT for another shape or no such date. */
enum status utc_day_parse(struct slice text, utc_day *ret_day) MUST_CHECK;
/* "2026-07-22" into out (at least 11 bytes). Here and in utc_format what lies
 * outside the years 1970 to 9999 becomes the first or the last of them. */
void utc_day_format(utc_day day, char *out);
/* "2026-07-22T10:11:12[.123][Z|+02:00]", a fraction of 1 to 9 digits cut to
 * milliseconds, UTC without a zone. INVALID_ARGUMENT. */
enum status utc_parse(struct slice text, ms_time *ret_time) MUST_CHECK;
/* "2026-07-22T10:11:12.123Z" into out (UTC_TEXT_MAX bytes). */
void utc_format(ms_time time, char *out);
/* Monday of the ISO week the day lies in. */
utc_day utc_week_start(utc_day day);

#endif
