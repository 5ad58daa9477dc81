/* A model's name taken apart, so that two spellings of one model meet.
 *
 *   "Claude 4.5 Sonnet (Reasoning)"           core "claude sonnet|4.5", on
 *   "claude-sonnet-4-5-20250929-thinking-32k" the same, dated 2025-09-29
 *
 * The core is what makes the model: its words in alphabetical order (sizes
 * such as 70b and a22b among them), then its version numbers in the order they
 * were written. Dots, dashes, blanks, brackets, letter case and the place of a
 * word do not matter; the order of numbers does (5.3 is not 3.5). Beside the
 * core stand what sources add: a date, a build number, whether the row is
 * about the model thinking, and how hard. Nothing here knows any model. */
#ifndef INGEST_NAME_H
#define INGEST_NAME_H

#include "core/base/arena.h"
#include "core/base/slice.h"
#include "core/base/utc.h"

#include <stdbool.h>

#define NAME_TOKENS_MAX 48 /* pieces of one name; longer ones match nothing */

enum name_mode {
    NAME_MODE_NONE, /* not said */
    NAME_MODE_ON,   /* thinking */
    NAME_MODE_OFF,  /* not thinking */
};

/* A date of which any field may be unknown (0). */
struct name_date {
    int year;
    int month;
    int day;
};

struct name {
    struct slice core; /* empty: nothing to match by */
    bool has_version;  /* the core holds a version number */
    struct name_date date;
    unsigned build; /* "001" is 1; 0 none */
    enum name_mode mode;
    struct slice effort; /* static text; empty: not said */
    struct slice vendor; /* for who matches; name_parse leaves it empty */
    bool is_early;       /* preview, beta */
    bool is_latest;      /* "latest": another model from time to time */
    bool is_instruct;
    bool ends_in_medium; /* a last "medium", which may be an effort */
};

/* Take a name apart. medium_is_effort reads a last "medium" as an effort and
 * not as part of the name. The core lives in the arena; it is empty when the
 * name has too many pieces or the arena is full. */
void name_parse(struct arena *arena, struct slice text, bool medium_is_effort,
                struct name *ret_name);

/* The text in lower case (ASCII only) into out, which has room for it. */
void name_lower(struct slice text, char *out);

bool name_date_is_known(const struct name_date *date);
/* No field that both know differs. */
bool name_date_fits(const struct name_date *a, const struct name_date *b);
/* Days from the date to `day`, the shortest way where fields are unknown;
 * positive when the date is earlier; INT32_MAX when there is no such day. */
int32_t name_date_distance(const struct name_date *date, utc_day day);

#endif
