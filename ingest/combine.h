/* Combining: one figure from several rows about one model.
 *
 * A source may measure a model thinking and not thinking and at five efforts.
 * The rule, in this order:
 *   1. the row of what OpenRouter serves by default: not thinking when that is
 *      the default, else the row of the default effort
 *   2. a row that names neither mode nor effort
 *   3. a row of the default mode that names no effort
 *   4. all rows
 * One row so found is the figure, with spread 0. Several are their median, and
 * half their range is kept as the spread. The order in which rows come never
 * matters. */
#ifndef INGEST_COMBINE_H
#define INGEST_COMBINE_H

#include "ingest/name.h"
#include "ingest/record.h"

#include <stddef.h>

#define COMBINE_ROWS_MAX 64 /* rows of one model and benchmark that count */

struct combine_row {
    double value;
    enum name_mode mode;
    struct slice effort;
    struct slice row; /* the source's name for it */
};

/* What is served when nobody asks for a mode or an effort. */
struct combine_served {
    enum reasoning_default reasoning;
    struct slice effort;
};

struct combined {
    double value;
    double spread;
    struct slice row; /* the row the value is from, or lies nearest below */
};

/* count > 0; rows past COMBINE_ROWS_MAX are not looked at. */
void combine_rows(const struct combine_row *rows, size_t count,
                  const struct combine_served *served,
                  struct combined *ret_combined);

#endif
