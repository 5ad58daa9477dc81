/* SQLSTATE to status by the longest fitting row of sqlstate.def. Pure. */
#include "services/store/sqlstate.h"

#include "core/base/check.h"

struct sqlstate_row {
    struct slice start;
    enum status status;
};

static const struct sqlstate_row rows[] = {
#define SQLSTATE(code, symbol, why)                                            \
    {{.ptr = (code), .len = sizeof(code) - 1}, STATUS_##symbol},
#include "services/store/sqlstate.def"
#undef SQLSTATE
};

enum status
sqlstate_status(struct slice code)
{
    size_t longest = 0;
    enum status status = STATUS_INTERNAL;

    if (code.len == 0)
        return STATUS_UNAVAILABLE;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].start.len > longest && slice_starts(code, rows[i].start)) {
            longest = rows[i].start.len;
            status = rows[i].status;
        }
    }
    return status;
}
