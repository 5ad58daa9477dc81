/* Dates inside model names: which pieces of a name are one, and how far it is
 * from a day. Used by name.c only. */
#ifndef INGEST_NAME_DATE_H
#define INGEST_NAME_DATE_H

#include "ingest/name.h"

/* A piece of a name: letters, digits and dots, in lower case. */
struct name_piece {
    struct slice text;
    bool in_brackets;
    char before; /* the separator in front of it; ' ' for the first */
};

/* How many pieces from `pieces` on are one date, and which; 0 for none. */
size_t name_date_read(const struct name_piece *pieces, size_t count,
                      struct name_date *ret_date);

#endif
