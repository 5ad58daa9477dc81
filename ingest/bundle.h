/* The bundled catalog: a catalog as JSON text that people can read and git can
 * compare, and back. So the first start needs no network.
 *
 * Figures only, no prose: one model a line, ascending by id, members in a
 * fixed order, prices as exact decimal texts in USD per 1 M tokens. Each
 * figure has its value, spread (left out when 0), who delivered it, the day
 * and the row it was read from; on top stand the attribution lines that the
 * sources ask for. Writing the same catalog gives the same bytes. */
#ifndef INGEST_BUNDLE_H
#define INGEST_BUNDLE_H

#include "core/base/buf.h"
#include "core/types/catalog.h"

#define BUNDLE_FORMAT 1
#define BUNDLE_BYTES_MAX (8u << 20)
#define BUNDLE_ERROR_MAX 256

/* Append the catalog to out (check buf_ok). */
void bundle_write(const struct catalog *catalog, struct buf *out);

/* Read a bundle, strictly: unknown members, benchmarks, capabilities or
 * standings, figures out of bounds or order, ids out of order are errors that
 * ret_error (BUNDLE_ERROR_MAX bytes) names. Expiry dates are judged as of
 * today. The caller owns the catalog. INVALID_ARGUMENT,
 * RESOURCE_EXHAUSTED. */
enum status bundle_read(struct slice bytes, utc_day today, char *ret_error,
                        struct catalog **ret_catalog) MUST_CHECK;

#endif
