/* Reading libpq's result rows as slices and numbers; holds nothing. */
#include "services/store/rows.h"

#include "core/base/check.h"
#include "core/base/text.h"

#include <libpq-fe.h>

size_t
rows_count(const struct pg_result *rows)
{
    return (size_t)PQntuples(rows);
}

bool
rows_null(const struct pg_result *rows, size_t row, int column)
{
    CHECK(row < rows_count(rows) && column < PQnfields(rows));
    return PQgetisnull(rows, (int)row, column) != 0;
}

struct slice
rows_text(const struct pg_result *rows, size_t row, int column)
{
    CHECK(row < rows_count(rows) && column < PQnfields(rows));
    return slice_make(PQgetvalue(rows, (int)row, column),
                      (size_t)PQgetlength(rows, (int)row, column));
}

int64_t
rows_i64(const struct pg_result *rows, size_t row, int column, int64_t fallback)
{
    int64_t value = 0;

    if (text_i64(rows_text(rows, row, column), &value) != STATUS_OK)
        return fallback;
    return value;
}

uint64_t
rows_u64(const struct pg_result *rows, size_t row, int column,
         uint64_t fallback)
{
    uint64_t value = 0;

    if (text_u64(rows_text(rows, row, column), &value) != STATUS_OK)
        return fallback;
    return value;
}

double
rows_double(const struct pg_result *rows, size_t row, int column,
            double fallback)
{
    double value = 0;

    if (text_double(rows_text(rows, row, column), &value) != STATUS_OK)
        return fallback;
    return value;
}
