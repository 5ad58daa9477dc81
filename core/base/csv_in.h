/* CSV in: streaming through libcsv, rows as slices.
 *
 * Strict quoting (RFC 4180), at most CSV_COLUMNS_MAX columns and
 * CSV_FIELD_MAX bytes a field. White space belongs to the field; a byte order
 * mark at the start and empty lines are stepped over. The only file that knows
 * libcsv. */
#ifndef CORE_BASE_CSV_IN_H
#define CORE_BASE_CSV_IN_H

#include "core/base/slice.h"
#include "core/base/status.h"

#include <stddef.h>

#define CSV_COLUMNS_MAX 256
#define CSV_FIELD_MAX 65536

/* One row; the slices live until the function returns. A status other than OK
 * ends the reading and is csv_read's. row_number is 0 for the first row (the
 * header, as a rule). */
typedef enum status (*csv_row_fn)(void *context, size_t row_number,
                                  const struct slice *columns, size_t count);

/* Read all rows. INVALID_ARGUMENT for broken quoting, DATA_LOSS for a last row
 * without a line end and with fewer columns than the first (it was cut off),
 * RESOURCE_EXHAUSTED past a limit, else what the row function said. */
enum status
csv_read(struct slice bytes, csv_row_fn row, void *context) MUST_CHECK;

#endif
