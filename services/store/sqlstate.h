/* What PostgreSQL's error codes mean as a status: one table, sqlstate.def. */
#ifndef SERVICES_STORE_SQLSTATE_H
#define SERVICES_STORE_SQLSTATE_H

#include "core/base/slice.h"
#include "core/base/status.h"

/* The status of a five-character SQLSTATE by the longest row that fits it;
 * INTERNAL for a code no row knows, UNAVAILABLE for the empty code (libpq
 * gives none when the connection itself failed). Never OK. */
enum status sqlstate_status(struct slice code);

#endif
