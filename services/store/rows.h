/* The rows of an answer, as text from PostgreSQL.
 *
 * A struct pg_result is libpq's; whoever hands one out says how long it
 * lives. Rows and columns count from 0 and must exist (that is the caller's
 * own SQL). No function allocates. */
#ifndef SERVICES_STORE_ROWS_H
#define SERVICES_STORE_ROWS_H

#include "core/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg_result;

size_t rows_count(const struct pg_result *rows);
/* True for SQL's NULL. */
bool rows_null(const struct pg_result *rows, size_t row, int column);
/* The value as it came (NUL-terminated behind the slice); empty for NULL. */
struct slice rows_text(const struct pg_result *rows, size_t row, int column);
/* The value as a number; `fallback` for NULL and for what is none. */
int64_t rows_i64(const struct pg_result *rows, size_t row, int column,
                 int64_t fallback);
uint64_t rows_u64(const struct pg_result *rows, size_t row, int column,
                  uint64_t fallback);
double rows_double(const struct pg_result *rows, size_t row, int column,
                   double fallback);

#endif
