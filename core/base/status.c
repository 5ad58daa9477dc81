/* Status codes as text and from the wire: one table, two look-ups. */
#include "core/base/status.h"

const char *
status_text(enum status status)
{
    switch (status) {
#define X(symbol, number, text)                                                \
    case STATUS_##symbol:                                                      \
        return text;
        STATUS_TABLE(X)
#undef X
    }
    return "UNKNOWN";
}

enum status
status_from_number(unsigned number)
{
    switch (number) {
#define X(symbol, value, text) case (value):
        STATUS_TABLE(X)
#undef X
        return (enum status)number;
    default:
        return STATUS_UNKNOWN;
    }
}
